#include "passes/Graph/Bodies.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Graph/BodyLimits.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace longtail {

namespace {

/// Nodes that are copied one after another for one value; a longer chain is passed.
constexpr unsigned kMaxCopied = 64;

/// True where inference knows all that a node gives, so that the body should know it too.
bool isKnown(graph::NodeOp node) {
  auto contents = node->getAttrOfType<ArrayAttr>(operators::kContentsAttr);
  if (!contents || !node.getBodies().empty())
    return false;
  for (auto [entry, type] : llvm::zip(contents, node->getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!isa<AffineMapAttr>(entry) || !tensor || !isa<IntegerType>(tensor.getElementType()))
      return false;
  }
  return true;
}

class Collector {
public:
  explicit Collector(Captures &captures) : captures(captures) {}

  void add(Value value, unsigned chain) {
    if (!seen.insert(value).second)
      return;
    Operation *op = value.getDefiningOp();
    if (op && isa<graph::ConstantOp, graph::NoneOp>(op))
      return captures.copied.push_back(op);
    auto node = dyn_cast_or_null<graph::NodeOp>(op);
    if (!node || chain >= kMaxCopied || !isKnown(node))
      return captures.values.push_back(value);
    for (Value operand : node.getInputs())
      add(operand, chain + 1);
    if (copied.insert(op).second)
      captures.copied.push_back(op);
  }

private:
  Captures &captures;
  llvm::DenseSet<Value> seen;
  llvm::DenseSet<Operation *> copied;
};

} // namespace

FailureOr<Captures> capturesOf(FunctionInference &inference, operators::InferContext &context,
                               ArrayRef<Region *> bodies) {
  Captures captures;
  Collector collector(captures);
  for (Region *body : bodies)
    body->walk([&](Operation *op) {
      for (Value operand : op->getOperands())
        if (!body->isAncestor(operand.getParentRegion()))
          collector.add(operand, 0);
    });
  const Aggregates &known = inference.getAggregates();
  for (Value value : captures.values) {
    captures.kinds.push_back(known.kindOf(value));
    llvm::append_range(captures.passed, known.partsOf(value));
  }
  for (Value value : captures.passed) {
    if (isa<graph::AnyType>(value.getType())) // left by a node that was reported
      return failure();
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type || !isElement(type.getElementType()))
      return context.error() << "its graph reads a value of type " << value.getType()
                             << " from outside, only tensors of numbers or strings are supported";
  }
  return captures;
}

Argument argumentOf(Value value) {
  return {cast<RankedTensorType>(value.getType()).getElementType(), extent::sizesOf(value)};
}

func::FuncOp makeFunction(FunctionInference &caller, Region &body, StringRef prefix,
                          unsigned numArguments, ArrayRef<BodyArgument> places,
                          const Captures &captures, ArrayRef<std::optional<WantedKind>> wanted) {
  MLIRContext *context = body.getContext();
  ModuleInference &shared = caller.getShared();
  OpBuilder builder(context);
  builder.setInsertionPointToEnd(shared.module.getBody());
  Type any = graph::AnyType::get(context);
  SmallVector<Type> inputs(numArguments + captures.passed.size(), any);
  SmallVector<Type> results(body.front().getTerminator()->getNumOperands(), any);
  auto function = func::FuncOp::create(builder, body.getParentOp()->getLoc(),
                                       ("body_" + Twine(shared.numBodies++) + "_" + prefix).str(),
                                       builder.getFunctionType(inputs, results));
  function.setPrivate();
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToEnd(entry);

  IRMapping mapping;
  auto map = [&](Value value, const ValueKind &kind, unsigned position) {
    ValueRange parts = entry->getArguments().slice(position, kind.numParts());
    mapping.map(value, kind.isAggregate() ? assemble(builder, value.getLoc(), kind, parts)
                                          : parts.front());
  };
  for (auto [place, argument] : llvm::zip(places, body.getArguments())) {
    if (place.position)
      map(argument, place.kind, *place.position);
    else
      mapping.map(argument,
                  graph::ConstantOp::create(builder, argument.getLoc(), place.constant.getType(),
                                            place.constant, StringAttr())
                      .getResult());
  }
  unsigned position = numArguments;
  for (auto [value, kind] : llvm::zip(captures.values, captures.kinds)) {
    map(value, kind, position);
    position += kind.numParts();
  }
  for (Operation *op : captures.copied) {
    Operation *copy = builder.clone(*op, mapping);
    if (!isa<graph::NodeOp>(op))
      continue;
    // It is inferred anew, over the function's own symbols.
    copy->removeAttr(operators::kContentsAttr);
    copy->removeAttr(operators::kDenominatorsAttr);
    for (Value result : copy->getResults())
      result.setType(any);
  }
  for (Operation &op : body.front().without_terminator())
    builder.clone(op, mapping);
  Operation *yield = body.front().getTerminator();
  SmallVector<Value> yielded = llvm::map_to_vector(
      yield->getOperands(), [&](Value value) { return mapping.lookupOrDefault(value); });
  for (auto [value, kind] : llvm::zip(yielded, wanted))
    if (kind)
      value = convert(builder, value, *kind);
  func::ReturnOp::create(builder, yield->getLoc(), yielded);
  return function;
}

FailureOr<SmallVector<ValueKind>> inferFunction(FunctionInference &caller, func::FuncOp function,
                                                ArrayRef<Argument> arguments, graph::NodeOp node) {
  ModuleInference &shared = caller.getShared();
  operators::InferContext context(node, caller.getSymbols());
  if (shared.depth >= kMaxBodyDepth)
    return context.error() << "branches and loops nest more than " << kMaxBodyDepth << " deep";
  if (shared.numBodies > kMaxBodyInferences)
    return context.error() << "inferring the model's branches and loops takes more than "
                           << kMaxBodyInferences << " attempts";
  llvm::SaveAndRestore nesting(shared.depth, shared.depth + 1);
  seedArguments(function, arguments, caller.getSymbols());
  FunctionInference inference(function, shared);
  if (failed(inference.run()))
    return failure();
  for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !isElement(tensor.getElementType()))
      return context.error() << "result " << i << " of its graph is " << type
                             << ", only tensors of numbers or strings are supported";
  }
  return llvm::to_vector(inference.getResultKinds());
}

FailureOr<SmallVector<Value>> assembleAll(FunctionInference &inference, OpBuilder &builder,
                                          Location loc, ArrayRef<ValueKind> kinds,
                                          ValueRange parts) {
  SmallVector<Value> values;
  for (const ValueKind &kind : kinds) {
    ValueRange own = parts.take_front(kind.numParts());
    parts = parts.drop_front(kind.numParts());
    values.push_back(kind.isAggregate() ? assemble(builder, loc, kind, own) : own.front());
    if (kind.isAggregate() &&
        failed(inference.infer(cast<graph::NodeOp>(values.back().getDefiningOp()))))
      return failure();
  }
  return values;
}

WantedKind wantedLike(const ValueKind &kind, const ValueKind &like, TypeRange parts) {
  WantedKind wanted{kind, {}, 0};
  if (like.isEmpty())
    return wanted;
  auto data = cast<RankedTensorType>(parts[like.hasFlag]);
  wanted.elementType = data.getElementType();
  wanted.rank = data.getRank();
  if (like.form == ValueKind::Pair) {
    auto columns = extent::sizesOf(cast<RankedTensorType>(parts[like.hasFlag + 1]))[1];
    auto constant = dyn_cast_or_null<AffineConstantExpr>(columns);
    wanted.rank = constant ? constant.getValue() : 0;
  }
  return wanted;
}

LogicalResult inlineBody(FunctionInference &inference, graph::NodeOp node, Region &body,
                         ValueRange arguments) {
  Block &block = body.front();
  for (auto [argument, value] : llvm::zip(block.getArguments(), arguments))
    argument.replaceAllUsesWith(value);
  Operation *yield = block.getTerminator();
  SmallVector<Operation *> moved;
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    op.moveBefore(node);
    moved.push_back(&op);
  }
  for (auto [result, value] : llvm::zip(node.getResults(), yield->getOperands()))
    result.replaceAllUsesWith(value);
  node.erase();
  return inference.infer(moved);
}

void ResultSizes::add(Type elementType, ArrayRef<AffineExpr> sizes) {
  SmallVector<AffineExpr> all(sizes);
  for (auto [dim, size] : llvm::enumerate(all)) {
    if (size)
      continue;
    size = symbols.declareMeasured();
    measured.push_back({static_cast<unsigned>(types.size()), static_cast<unsigned>(dim), size});
  }
  types.push_back(extent::tensorType(all, elementType));
}

void ResultSizes::declare(Operation *op) {
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  for (const Measured &each : measured)
    symbols.measure(builder, op->getResult(each.result), each.dim, each.symbol);
}

} // namespace longtail
