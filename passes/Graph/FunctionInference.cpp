#include "passes/Graph/FunctionInference.h"
#include "passes/Graph/BodyLimits.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace longtail {

/// The least size of a dimension that is only known at run time, see the pass's description.
static constexpr int64_t kMinSize = 0;

static bool isIdentifier(StringRef name) {
  auto isPart = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  return !name.empty() && !llvm::isDigit(name.front()) && llvm::all_of(name, isPart);
}

/// What messages call argument `index`.
static std::string nameOf(func::FuncOp function, unsigned index) {
  auto name = function.getArgAttrOfType<StringAttr>(index, graph::kNameAttr);
  return name ? "input '" + name.str() + "'" : "input " + std::to_string(index);
}

bool isElement(Type type) { return type.isIntOrFloat() || isa<graph::StringType>(type); }

LogicalResult FunctionInference::seedSymbols() {
  llvm::StringMap<AffineExpr> byName;
  bool failedAny = false;
  for (BlockArgument argument : function.getArguments()) {
    unsigned index = argument.getArgNumber();
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    if (!type || !isElement(type.getElementType())) {
      // An argument that nothing can read is an error even if nothing reads it.
      function.emitError()
          << nameOf(function, index) << " has type " << argument.getType()
          << ", only tensors of numbers or strings with a known rank are supported";
      failedAny = true;
      continue;
    }
    if (type.getEncoding() || type.hasStaticShape())
      continue;
    auto names = function.getArgAttrOfType<ArrayAttr>(index, graph::kDimNamesAttr);
    SmallVector<AffineExpr> sizes = extent::sizesOf(type);
    for (auto [dim, size] : llvm::enumerate(sizes)) {
      if (size)
        continue;
      StringRef name = names ? cast<StringAttr>(names[dim]).getValue() : StringRef();
      size = symbols.declareInput(name, index, dim, kMinSize);
      if (!isIdentifier(name))
        continue;
      auto [known, isNew] = byName.try_emplace(name, size);
      if (isNew)
        continue;
      std::string message = ("dimension " + Twine(dim) + " of " + nameOf(function, index) +
                             " differs from the other dimensions named '" + name + "'")
                                .str();
      (void)symbols.requireEqual(known->second, size, message); // never provably different
      size = known->second;
    }
    argument.setType(extent::tensorType(sizes, type.getElementType()));
  }
  return failure(failedAny);
}

using ControlRule = LogicalResult (*)(FunctionInference &, operators::InferContext &);

static ControlRule controlRule(graph::NodeOp node) {
  if (node.getDomain() == "ai.onnx.preview" && node.getOpType() == "FlexAttention")
    return inferFlexAttention;
  if (node.getDomain() == "longtail.language" && node.getOpType() == "Call")
    return inferLanguageCall;
  if (!node.getDomain().empty())
    return nullptr;
  return llvm::StringSwitch<ControlRule>(node.getOpType())
      .Case("If", inferIf)
      .Case("Loop", inferLoop)
      .Case("Scan", inferScan)
      .Default(nullptr);
}

LogicalResult FunctionInference::checkInputs(operators::InferContext &context, unsigned required,
                                             bool takesText) {
  for (unsigned i = 0; i < required; ++i)
    if (!context.hasInput(i))
      return context.error() << "input " << i << " is missing";
  for (auto [i, input] : llvm::enumerate(context.getNode().getInputs())) {
    Type type = input.getType();
    if (isa<NoneType>(type))
      continue;
    if (aggregates.contains(input)) {
      if (takesAggregate(context.getNode(), i))
        continue;
      return context.error() << "input " << i << " is a sequence or an optional";
    }
    if (isa<graph::AnyType>(type)) // left by a node that was reported
      return failure();
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !isElement(tensor.getElementType()))
      return context.error() << "input " << i
                             << " is not a tensor of numbers or strings, nothing else is supported";
    if (isa<graph::StringType>(tensor.getElementType()) && !takesText)
      return context.error() << "input " << i
                             << " is a tensor of strings, the operator is for numbers";
    if (llvm::is_contained(extent::sizesOf(tensor), AffineExpr()))
      return context.error() << "input " << i << " has a dimension of unknown size";
  }
  return success();
}

LogicalResult FunctionInference::infer(graph::NodeOp node) {
  operators::InferContext context(node, symbols);
  const operators::Operator *op =
      operators::Registry::builtin().lookup(node.getDomain(), node.getOpType(), node.getVersion());
  bool aggregate = handlesAggregates(node, aggregates);
  ControlRule control = aggregate ? nullptr : controlRule(node);
  if (!aggregate && !control && !node.getBodies().empty())
    return context.error() << "the operator's subgraphs are not supported";
  if (!op)
    return context.error() << "the operator is not supported";
  if (aggregate)
    aggregateNodes.push_back(node);
  if (failed(checkInputs(context, op->minInputs, op->takesText)))
    return failure();
  if (aggregate)
    return inferAggregates(*this, context);
  if (control) {
    if (!shared.module)
      return context.error() << "branches and loops need the whole module";
    return control(*this, context);
  }
  // What the model or an earlier run says of the results is not a fact.
  for (Value result : node.getResults())
    if (!isa<NoneType>(result.getType()))
      result.setType(graph::AnyType::get(node.getContext()));
  node->removeAttr(operators::kContentsAttr);
  node->removeAttr(operators::kDenominatorsAttr);
  // Getters of attributes complain without failing.
  if (failed(op->infer(context)) || context.hasReported())
    return failure();
  for (auto [i, result] : llvm::enumerate(node.getResults()))
    if (isa<graph::AnyType>(result.getType()))
      return context.hasReported()
                 ? failure()
                 : LogicalResult(context.error() << "result " << i << " is not supported");
  operators::inferContents(context);
  return success();
}

LogicalResult FunctionInference::infer(ArrayRef<Operation *> ops) {
  bool failedAny = false;
  for (Operation *op : ops)
    if (auto node = dyn_cast<graph::NodeOp>(op); node && !isAbandoned(op))
      failedAny |= failed(infer(node));
  return failure(failedAny);
}

/// Sequences and optionals are returned as their parts, to a caller that knows of it.
LogicalResult FunctionInference::flattenResults() {
  Operation *terminator = function.getBody().front().getTerminator();
  SmallVector<Value> results;
  for (Value value : llvm::to_vector(terminator->getOperands())) {
    FailureOr<Value> given = shared.depth == 0 ? withParts(value) : FailureOr<Value>(value);
    if (failed(given))
      return failure();
    resultKinds.push_back(aggregates.kindOf(*given));
    llvm::append_range(results, aggregates.partsOf(*given));
  }
  terminator->setOperands(results);
  return success();
}

FailureOr<Value> FunctionInference::withParts(Value value) {
  ValueKind kind = aggregates.kindOf(value);
  if (!kind.isEmpty())
    return value;
  OpBuilder builder(function.getBody().front().getTerminator());
  ValueKind flagged{ValueKind::Pair, 0, kind.isOptional, kind.isOptional, true};
  Value given = convert(builder, value, {flagged, {}, 0});
  if (failed(infer(cast<graph::NodeOp>(given.getDefiningOp()))))
    return failure();
  return given;
}

void FunctionInference::eraseReplaced() {
  for (Operation *op : abandoned)
    op->dropAllReferences();
  for (Operation *op : abandoned)
    op->erase();
  for (Operation *node : llvm::reverse(aggregateNodes))
    if (node->use_empty())
      node->erase();
}

LogicalResult FunctionInference::run() {
  bool failedAny = failed(splitArguments());
  failedAny |= failed(seedSymbols());
  // The list is taken first: rules may add nodes, complete with types, before the one they see, and
  // replace it.
  Block &body = function.getBody().front();
  SmallVector<Operation *> nodes;
  for (graph::NodeOp node : body.getOps<graph::NodeOp>())
    nodes.push_back(node);
  failedAny |= failed(infer(nodes));
  // What one adds comes behind it.
  for (size_t i = 0; i < postponed.size() && !failedAny; ++i)
    failedAny |= failed(infer(postponed[i].getOperation()));
  if (failedAny || failed(flattenResults()))
    return failure();
  eraseReplaced();
  if (shared.depth == 0)
    describeInterface();
  function.setType(FunctionType::get(function.getContext(), body.getArgumentTypes(),
                                     body.getTerminator()->getOperandTypes()));
  return success();
}

} // namespace longtail
