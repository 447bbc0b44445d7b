#include "compiler/Operators/Registry.h"
#include "llvm/Support/ErrorHandling.h"

namespace longtail::operators {

static std::string keyOf(llvm::StringRef domain, llvm::StringRef name) {
  return (domain + "::" + name).str();
}

void Registry::add(Operator op) {
  auto &versions = operators[keyOf(op.domain, op.name)];
  auto place = llvm::find_if(versions, [&](const auto &other) { return other->since >= op.since; });
  if (place != versions.end() && (*place)->since == op.since)
    llvm::report_fatal_error(llvm::Twine("operator '") + keyOf(op.domain, op.name) + "' version " +
                             llvm::Twine(op.since) + " is registered twice");
  op.takesText |= op.domain == "longtail"; // an internal operator's inputs are those of its node
  versions.insert(place, std::make_unique<Operator>(std::move(op)));
}

void Registry::requireInputs(llvm::StringRef name, unsigned count) {
  auto found = operators.find(keyOf("", name));
  if (found != operators.end())
    for (auto &op : found->second)
      op->minInputs = count;
}

void Registry::takeText(llvm::StringRef domain, llvm::StringRef name) {
  auto found = operators.find(keyOf(domain, name));
  if (found == operators.end())
    llvm::report_fatal_error(llvm::Twine("there is no operator '") + keyOf(domain, name) + "'");
  for (auto &op : found->second)
    op->takesText = true;
}

const Operator *Registry::lookup(llvm::StringRef domain, llvm::StringRef name,
                                 int64_t version) const {
  auto found = operators.find(keyOf(domain, name));
  if (found == operators.end())
    return nullptr;
  const Operator *newest = nullptr;
  for (const auto &op : found->second)
    if (op->since <= version)
      newest = op.get();
  return newest;
}

std::vector<const Operator *> Registry::all() const {
  std::vector<const Operator *> result;
  for (const auto &entry : operators)
    for (const auto &op : entry.second)
      result.push_back(op.get());
  llvm::sort(result, [](const Operator *a, const Operator *b) {
    return std::tie(a->domain, a->name, a->since) < std::tie(b->domain, b->name, b->since);
  });
  return result;
}

const Registry &Registry::builtin() {
  static const Registry *registry = [] {
    static Registry table;
    registerElementwise(table);
    registerActivation(table);
    registerReduction(table);
    registerContraction(table);
    registerConvolution(table);
    registerPooling(table);
    registerNormalization(table);
    registerShape(table);
    registerGather(table);
    registerResize(table);
    registerCast(table);
    registerAttention(table);
    registerLoss(table);
    registerQuantization(table);
    registerDropout(table);
    registerCenterCropPad(table);
    registerBitCast(table);
    registerEinsum(table);
    registerCompaction(table);
    registerCumulative(table);
    registerReverseSequence(table);
    registerScatter(table);
    registerTensorScatter(table);
    registerTopK(table);
    registerUnique(table);
    registerNonMaxSuppression(table);
    registerMaxUnpool(table);
    registerCol2Im(table);
    registerLstm(table);
    registerGru(table);
    registerRnn(table);
    registerQuantizedLstm(table);
    registerLinearAttention(table);
    registerCausalConvolution(table);
    registerGridSample(table);
    registerDeformableConvolution(table);
    registerRegionPooling(table);
    registerQuantizedLinear(table);
    registerRandom(table);
    registerSignal(table);
    registerMelWeightMatrix(table);
    registerDeterminant(table);
    registerAffineGrid(table);
    registerTraining(table);
    registerText(table);
    registerTextPattern(table);
    registerTfIdf(table);
    registerLabelEncoder(table);
    registerFeatureOperators(table);
    registerTreeEnsemble(table);
    // Inference replaces them itself: graphs become functions, and sequences what is in them.
    for (const char *name :
         {"If", "Loop", "Scan", "SequenceConstruct", "SequenceEmpty", "SequenceInsert",
          "SequenceErase", "SequenceAt", "SequenceLength", "ConcatFromSequence", "SplitToSequence",
          "SequenceMap", "Optional", "OptionalHasElement", "OptionalGetElement"})
      table.add({"", name, 1});
    table.add({"ai.onnx.preview", "FlexAttention", 1, nullptr, nullptr, 3});
    table.requireInputs("Loop", 0);
    table.requireInputs("Scan", 0); // version 8 has an optional first input
    for (const char *name : {"Constant", "SequenceEmpty", "Optional", "OptionalHasElement"})
      table.requireInputs(name, 0);
    for (const char *name : {"SequenceInsert", "SequenceAt"})
      table.requireInputs(name, 2);
    for (const char *name : {"Conv",
                             "ConvInteger",
                             "ConvTranspose",
                             "MatMul",
                             "MatMulInteger",
                             "Gemm",
                             "PRelu",
                             "Pow",
                             "LayerNormalization",
                             "RMSNormalization",
                             "Gather",
                             "GatherElements",
                             "GatherND",
                             "Expand",
                             "Tile",
                             "CastLike",
                             "Add",
                             "Sub",
                             "Mul",
                             "Div",
                             "Mod",
                             "And",
                             "Or",
                             "Xor",
                             "BitwiseAnd",
                             "BitwiseOr",
                             "BitwiseXor",
                             "BitShift",
                             "Equal",
                             "Less",
                             "Greater",
                             "LessOrEqual",
                             "GreaterOrEqual"})
      table.requireInputs(name, 2);
    for (const char *name :
         {"GroupNormalization", "InstanceNormalization", "Where", "Range", "OneHot"})
      table.requireInputs(name, 3);
    // Movement, which acts on handles as on numbers, and what looks at strings.
    for (const char *name : {"Cast",
                             "CastLike",
                             "CenterCropPad",
                             "Compress",
                             "Concat",
                             "ConcatFromSequence",
                             "DepthToSpace",
                             "Equal",
                             "Expand",
                             "Flatten",
                             "Gather",
                             "GatherElements",
                             "GatherND",
                             "Identity",
                             "If",
                             "Loop",
                             "Optional",
                             "OptionalGetElement",
                             "OptionalHasElement",
                             "Pad",
                             "Reshape",
                             "ReverseSequence",
                             "Scan",
                             "Scatter",
                             "ScatterElements",
                             "ScatterND",
                             "SequenceAt",
                             "SequenceConstruct",
                             "SequenceErase",
                             "SequenceInsert",
                             "SequenceLength",
                             "SequenceMap",
                             "Shape",
                             "Size",
                             "Slice",
                             "SpaceToDepth",
                             "Split",
                             "SplitToSequence",
                             "Squeeze",
                             "Tile",
                             "Transpose",
                             "Unique",
                             "Unsqueeze",
                             "Where"})
      table.takeText("", name);
    return &table;
  }();
  return *registry;
}

} // namespace longtail::operators
