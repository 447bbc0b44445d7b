#include "passes/Graph/Repeat.h"

using namespace mlir;

namespace longtail {

namespace {

constexpr int64_t kEndless = std::numeric_limits<int64_t>::max();

/// The one number of input `i`: an expression of sizes, read at run time where it is not known.
FailureOr<AffineExpr> numberOf(operators::InferContext &context, unsigned i, StringRef what,
                               unsigned width, int64_t min, int64_t max) {
  RankedTensorType type = context.inputType(i);
  if (!type.getElementType().isSignlessInteger(width))
    return context.error() << what << " has element type " << type.getElementType();
  if (type.hasStaticShape() && type.getNumElements() != 1)
    return context.error() << what << " has " << type.getNumElements() << " elements, expected one";
  if (auto known = context.contents(i); known && known->size() == 1)
    return known->front();
  OpBuilder builder(context.getNode());
  return context.getSymbols().bind(builder, context.getLoc(), context.inputValue(i), 0, min, max);
}

/// How many trips there are at most: the trip count, or none where the condition is false before.
FailureOr<AffineExpr> tripsOf(operators::InferContext &context) {
  AffineExpr trips = context.constantExpr(kEndless);
  if (context.hasInput(0)) {
    FailureOr<AffineExpr> count =
        numberOf(context, 0, "the trip count", 64, std::numeric_limits<int64_t>::min(), kEndless);
    if (failed(count))
      return failure();
    trips = *count;
  }
  if (!context.hasInput(1))
    return trips;
  FailureOr<AffineExpr> condition = numberOf(context, 1, "the condition", 1, 0, 1);
  if (failed(condition))
    return failure();
  return context.getSymbols().derive(extent::Function::Select,
                                     {*condition, trips, context.constantExpr(0)});
}

/// The sizes of an argument that holds one number: the model may want a scalar or a vector.
SmallVector<int64_t> declaredSizes(graph::NodeOp node, Region &body, unsigned argument) {
  if (std::optional<ArrayAttr> declared = node.getArgDeclaredTypes()) {
    auto types = cast<ArrayAttr>((*declared)[body.getRegionNumber()]);
    auto type = dyn_cast<RankedTensorType>(cast<TypeAttr>(types[argument]).getValue());
    if (type && type.getRank() == 1)
      return {1};
  }
  return {};
}

} // namespace

LogicalResult inferLoop(FunctionInference &inference, operators::InferContext &context) {
  graph::NodeOp node = context.getNode();
  Region *body = node.getNamedRegion("body");
  if (!body)
    return context.error() << "attribute 'body' is missing";
  unsigned numCarried = std::max(context.numInputs(), 2u) - 2;
  if (body->getNumArguments() != numCarried + 2)
    return context.error() << "its graph has " << body->getNumArguments() << " inputs, expected "
                           << numCarried + 2 << ": trip, condition and what the loop carries";
  Operation *yield = body->front().getTerminator();
  if (yield->getNumOperands() < std::max(numCarried, context.numOutputs()) + 1)
    return context.error() << "its graph has " << yield->getNumOperands()
                           << " outputs, expected the condition and "
                           << std::max(numCarried, context.numOutputs()) << " more";
  for (unsigned i = 0; i < numCarried; ++i)
    if (!context.hasInput(i + 2))
      return context.error() << "input " << i + 2 << ", which the loop carries, is missing";
  FailureOr<AffineExpr> trips = tripsOf(context);
  if (failed(trips))
    return failure();
  // Accumulated outputs that nobody reads are not computed.
  while (yield->getNumOperands() > std::max(numCarried, context.numOutputs()) + 1)
    yield->eraseOperand(yield->getNumOperands() - 1);

  MLIRContext *mlir = node.getContext();
  Type i64 = IntegerType::get(mlir, 64);
  auto number = [&](unsigned argument, Type type, int64_t value) {
    auto tensor = RankedTensorType::get(declaredSizes(node, *body, argument), type);
    return operators::denseInts(tensor, {value});
  };
  DenseElementsAttr goOn = number(1, IntegerType::get(mlir, 1), 1);
  OpBuilder builder(node);
  SmallVector<Value> carried(node.getInputs().begin() + std::min(context.numInputs(), 2u),
                             node.getInputs().end());
  auto known = dyn_cast<AffineConstantExpr>(*trips);
  bool accumulates = yield->getNumOperands() > numCarried + 1;
  if (known && known.getValue() <= 0 && !accumulates) {
    for (auto [result, value] : llvm::zip(node.getResults(), carried))
      result.replaceAllUsesWith(value);
    node.erase();
    return success();
  }
  if (known && known.getValue() == 1) {
    SmallVector<Value> values;
    for (DenseElementsAttr value : {number(0, i64, 0), goOn})
      values.push_back(
          graph::ConstantOp::create(builder, node.getLoc(), value.getType(), value, StringAttr()));
    llvm::append_range(values, carried);
    yield->eraseOperand(0);
    builder.setInsertionPoint(yield);
    Value axes = graph::ConstantOp::create(
        builder, node.getLoc(), RankedTensorType::get({1}, i64),
        operators::denseInts(RankedTensorType::get({1}, i64), {0}), StringAttr());
    for (OpOperand &operand : yield->getOpOperands())
      if (operand.getOperandNumber() >= numCarried)
        operand.set(operators::addNode(builder, node.getLoc(), "Unsqueeze", {operand.get(), axes},
                                       graph::AnyType::get(mlir)));
    return inlineBody(inference, node, *body, values);
  }

  Loop loop;
  loop.body = body;
  loop.tripSizes = declaredSizes(node, *body, 0);
  loop.trips = *trips;
  loop.carried = carried;
  loop.hasCondition = true;
  loop.places.push_back({0u, {}});
  loop.places.push_back({std::nullopt, goOn}); // it is true wherever the body runs
  for (unsigned i = 0; i < numCarried; ++i)
    loop.places.push_back({i + 1, {}});
  FailureOr<SmallVector<Value>> results = inferRepeat(inference, context, loop);
  if (failed(results))
    return failure();
  for (auto [result, value] : llvm::zip(node.getResults(), *results))
    result.replaceAllUsesWith(value);
  node.erase();
  return success();
}

} // namespace longtail
