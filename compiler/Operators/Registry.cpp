#include "compiler/Operators/Registry.h"
#include "compiler/Operators/InternalNode.h"
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

/// Inference replaces them itself: graphs become functions, and sequences what is in them.
static void registerReplacedByInference(Registry &registry) {
  struct {
    llvm::StringRef name;
    int64_t since;
    unsigned minInputs;
  } operators[] = {{"If", 1, 1},
                   {"Loop", 1, 0},
                   {"Scan", 8, 0},
                   {"Scan", 9, 1},
                   {"SequenceConstruct", 11, 1},
                   {"SequenceEmpty", 11, 0},
                   {"SequenceInsert", 11, 2},
                   {"SequenceErase", 11, 1},
                   {"SequenceAt", 11, 2},
                   {"SequenceLength", 11, 1},
                   {"SequenceMap", 17, 1},
                   {"ConcatFromSequence", 11, 1},
                   {"SplitToSequence", 11, 1},
                   {"Optional", 15, 0},
                   {"OptionalHasElement", 15, 1},
                   {"OptionalHasElement", 18, 0},
                   {"OptionalGetElement", 15, 1}};
  for (const auto &op : operators)
    registry.add({"", op.name.str(), op.since, nullptr, nullptr, op.minInputs, /*takesText=*/true});
  registry.add({"ai.onnx.preview", "FlexAttention", 1, nullptr, nullptr, 3});
  registry.add({"longtail.language", "Call", 1, nullptr, nullptr, 0});
  for (llvm::StringRef name : {"Assemble", "Convert"})
    registry.add({kInternalDomain.str(), name.str(), 1, nullptr, nullptr, 0});
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
    registerReplacedByInference(table);
    return &table;
  }();
  return *registry;
}

} // namespace longtail::operators
