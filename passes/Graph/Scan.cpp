#include "passes/Graph/Repeat.h"

using namespace mlir;

namespace longtail {

namespace {

/// Scan is a loop over slices along dimension 0: other axes and directions are transpositions and
/// reversals before and after it.
class ScanRule {
public:
  ScanRule(FunctionInference &inference, operators::InferContext &context)
      : inference(inference), context(context), node(context.getNode()) {}

  LogicalResult run();

private:
  /// One entry of an attribute with an entry for each of `count` values.
  FailureOr<SmallVector<int64_t>> listOf(StringRef name, unsigned count);
  FailureOr<Value> added(OpBuilder &builder, StringRef op, ValueRange inputs,
                         ArrayRef<NamedAttribute> attributes = {});
  FailureOr<Value> transposed(OpBuilder &builder, Value value, int64_t from, int64_t to);
  FailureOr<Value> reversed(OpBuilder &builder, Value value);
  FailureOr<Value> prepared(Value value, int64_t axis, int64_t direction);
  LogicalResult checkDirections(ArrayRef<int64_t> directions, StringRef name);

  FunctionInference &inference;
  operators::InferContext &context;
  graph::NodeOp node;
};

} // namespace

FailureOr<SmallVector<int64_t>> ScanRule::listOf(StringRef name, unsigned count) {
  std::optional<SmallVector<int64_t>> given = context.getInts(name);
  if (!given)
    return SmallVector<int64_t>(count, 0);
  if (given->size() != count)
    return context.error() << "attribute '" << name << "' has " << given->size()
                           << " entries, expected " << count;
  return *given;
}

LogicalResult ScanRule::checkDirections(ArrayRef<int64_t> directions, StringRef name) {
  for (int64_t direction : directions)
    if (direction != 0 && direction != 1)
      return context.error() << "attribute '" << name << "' has the direction " << direction
                             << ", expected 0 or 1";
  return success();
}

FailureOr<Value> ScanRule::added(OpBuilder &builder, StringRef op, ValueRange inputs,
                                 ArrayRef<NamedAttribute> attributes) {
  Value value = operators::addNode(builder, node.getLoc(), op, inputs,
                                   graph::AnyType::get(node.getContext()), attributes);
  if (failed(inference.infer(cast<graph::NodeOp>(value.getDefiningOp()))))
    return failure();
  return value;
}

/// Dimension `from` moves to place `to`; the others keep their order.
FailureOr<Value> ScanRule::transposed(OpBuilder &builder, Value value, int64_t from, int64_t to) {
  if (from == to)
    return value;
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  order.erase(order.begin() + from);
  order.insert(order.begin() + to, from);
  return added(builder, "Transpose", value,
               builder.getNamedAttr("perm", builder.getDenseI64ArrayAttr(order)));
}

FailureOr<Value> ScanRule::reversed(OpBuilder &builder, Value value) {
  auto type = RankedTensorType::get({1}, builder.getI64Type());
  SmallVector<Value> inputs{value};
  for (int64_t number : {int64_t(-1), std::numeric_limits<int64_t>::min(), int64_t(0), int64_t(-1)})
    inputs.push_back(graph::ConstantOp::create(builder, node.getLoc(), type,
                                               operators::denseInts(type, {number}), StringAttr()));
  return added(builder, "Slice", inputs);
}

FailureOr<Value> ScanRule::prepared(Value value, int64_t axis, int64_t direction) {
  OpBuilder builder(node);
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  FailureOr<int64_t> normal = context.normalizeAxis(axis, rank);
  if (failed(normal))
    return failure();
  FailureOr<Value> moved = transposed(builder, value, *normal, 0);
  if (failed(moved) || direction == 0)
    return moved;
  return reversed(builder, *moved);
}

LogicalResult ScanRule::run() {
  Region *body = node.getNamedRegion("body");
  if (!body)
    return context.error() << "attribute 'body' is missing";
  int64_t numSliced = context.getInt("num_scan_inputs", 0);
  int64_t numCarried = static_cast<int64_t>(context.numInputs()) - numSliced;
  if (numSliced < 1 || numCarried < 0)
    return context.error() << "attribute 'num_scan_inputs' is " << numSliced << ", expected 1 to "
                           << context.numInputs();
  if (body->getNumArguments() != context.numInputs())
    return context.error() << "its graph has " << body->getNumArguments() << " inputs, expected "
                           << context.numInputs();
  Operation *yield = body->front().getTerminator();
  int64_t numAccumulated = static_cast<int64_t>(yield->getNumOperands()) - numCarried;
  if (numAccumulated < 0 || yield->getNumOperands() != context.numOutputs())
    return context.error() << "its graph has " << yield->getNumOperands() << " outputs, expected "
                           << context.numOutputs();
  auto axes = listOf("scan_input_axes", numSliced);
  auto directions = listOf("scan_input_directions", numSliced);
  auto outAxes = listOf("scan_output_axes", numAccumulated);
  auto outDirections = listOf("scan_output_directions", numAccumulated);
  if (failed(axes) || failed(directions) || failed(outAxes) || failed(outDirections) ||
      failed(checkDirections(*directions, "scan_input_directions")) ||
      failed(checkDirections(*outDirections, "scan_output_directions")))
    return failure();

  Loop loop;
  loop.body = body;
  for (unsigned i = 0; i < context.numInputs(); ++i) {
    if (!context.hasInput(i))
      return context.error() << "input " << i << " is missing";
    loop.places.push_back({i + 1, {}});
    if (i < numCarried) {
      loop.carried.push_back(context.inputValue(i));
      continue;
    }
    if (context.rank(i) == 0)
      return context.error() << "input " << i << " is a scalar, which has no slices";
    FailureOr<Value> value =
        prepared(context.inputValue(i), (*axes)[i - numCarried], (*directions)[i - numCarried]);
    if (failed(value))
      return failure();
    loop.sliced.push_back(*value);
    AffineExpr length = extent::sizesOf(*value).front();
    if (!loop.trips)
      loop.trips = length;
    std::string message =
        "the scanned inputs of '" + node.getNodeName().str() + "' differ in their number of slices";
    if (failed(context.getSymbols().requireEqual(loop.trips, length, message)))
      return context.error() << "input " << i << " has " << operators::describe(length)
                             << " slices, the first scanned input "
                             << operators::describe(loop.trips);
  }
  FailureOr<SmallVector<Value>> results = inferRepeat(inference, context, loop);
  if (failed(results))
    return failure();
  OpBuilder builder(node);
  for (auto [i, result] : llvm::enumerate(node.getResults())) {
    FailureOr<Value> value = (*results)[i];
    if (int64_t number = int64_t(i) - numCarried; number >= 0) {
      if ((*outDirections)[number] == 1)
        value = reversed(builder, *value);
      if (failed(value))
        return failure();
      int64_t rank = cast<RankedTensorType>(value->getType()).getRank();
      FailureOr<int64_t> axis = context.normalizeAxis((*outAxes)[number], rank);
      if (failed(axis))
        return failure();
      value = transposed(builder, *value, 0, *axis);
      if (failed(value))
        return failure();
    }
    result.replaceAllUsesWith(*value);
  }
  node.erase();
  return success();
}

/// Version 8 scans each sequence of a batch: a Scan over the batch around one as later versions
/// have.
static LogicalResult inferBatches(FunctionInference &inference, operators::InferContext &context) {
  graph::NodeOp node = context.getNode();
  if (context.hasInput(0))
    return context.error() << "input 0 (sequence lengths) is not supported, only batches of "
                              "sequences of one length";
  Region *body = node.getNamedRegion("body");
  if (!body)
    return context.error() << "attribute 'body' is missing";
  for (unsigned i = 1; i < context.numInputs(); ++i)
    if (!context.hasInput(i))
      return context.error() << "input " << i << " is missing";
  OpBuilder builder(node);
  Type any = graph::AnyType::get(node.getContext());
  ValueRange inputs = node.getInputs().drop_front();
  NamedAttrList innerAttributes;
  if (Attribute count = context.attribute("num_scan_inputs"))
    innerAttributes.set("num_scan_inputs", count);
  if (Attribute directions = context.attribute("directions"))
    innerAttributes.set("scan_input_directions", directions);
  auto makeScan = [&](ValueRange operands, ArrayRef<NamedAttribute> attributes, ArrayAttr names) {
    return graph::NodeOp::create(
        builder, node.getLoc(), SmallVector<Type>(node->getNumResults(), any),
        builder.getStringAttr("Scan"), builder.getStringAttr(""), builder.getI64IntegerAttr(9),
        node.getNodeNameAttr(), operands, node.getOutputNamesAttr(),
        builder.getDictionaryAttr(attributes), /*declared_types=*/ArrayAttr(),
        builder.getStrArrayAttr({"body"}), builder.getArrayAttr(names),
        /*arg_declared_types=*/ArrayAttr(), /*bodiesCount=*/1);
  };
  SmallVector<StringRef> argumentNames(inputs.size(), "");
  auto outer = makeScan(
      inputs, builder.getNamedAttr("num_scan_inputs", builder.getI64IntegerAttr(inputs.size())),
      builder.getStrArrayAttr(argumentNames));
  Block *block = builder.createBlock(&outer.getBodies()[0]);
  for (Value input : inputs)
    block->addArgument(any, input.getLoc());
  auto inner = makeScan(block->getArguments(), innerAttributes,
                        cast<ArrayAttr>(node.getArgNames()[body->getRegionNumber()]));
  inner.getBodies()[0].takeBody(*body);
  graph::YieldOp::create(builder, node.getLoc(), inner.getResults(), node.getOutputNamesAttr(),
                         ArrayAttr());
  node.replaceAllUsesWith(outer.getResults());
  node.erase();
  return inference.infer(outer);
}

LogicalResult inferScan(FunctionInference &inference, operators::InferContext &context) {
  if (context.version() < 9)
    return inferBatches(inference, context);
  return ScanRule(inference, context).run();
}

} // namespace longtail
