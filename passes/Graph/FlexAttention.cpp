// FlexAttention: attention whose scores and probabilities may be changed by graphs of the model.
// The node becomes the nodes of its definition, with those graphs in their places.
#include "compiler/Operators/Elements.h"
#include "passes/Graph/Bodies.h"
#include "passes/Graph/FunctionInference.h"

using namespace mlir;

namespace longtail {

namespace {

class FlexAttention {
public:
  FlexAttention(FunctionInference &inference, operators::InferContext &context)
      : inference(inference), context(context), node(context.getNode()), builder(node) {}

  LogicalResult replace();

private:
  LogicalResult check();
  Value add(StringRef op, ValueRange inputs, ArrayRef<NamedAttribute> attributes = {}) {
    Value value = operators::addNode(builder, node.getLoc(), op, inputs,
                                     graph::AnyType::get(node.getContext()), attributes);
    added.push_back(value.getDefiningOp());
    return value;
  }
  Value converted(Value value, Type type) {
    return add(
        "Cast", value,
        builder.getNamedAttr("to", builder.getI64IntegerAttr(operators::elementTypeNumber(type))));
  }
  /// Each head of keys or values as often as heads of queries share it.
  Value aligned(Value value);
  /// What a graph of the model makes of `value`.
  FailureOr<Value> modified(StringRef name, Value value);

  FunctionInference &inference;
  operators::InferContext &context;
  graph::NodeOp node;
  OpBuilder builder;
  SmallVector<Operation *> added; // in their order
  int64_t queryHeads = 0, keyHeads = 0;
  double scale = 0;
  Type precision;
};

LogicalResult FlexAttention::check() {
  static constexpr StringLiteral names[] = {"Q", "K", "V"};
  Type element = context.elementType(0);
  for (unsigned i = 0; i < 3; ++i) {
    if (context.rank(i) != 4)
      return context.error() << "input '" << names[i] << "' has " << context.rank(i)
                             << " dimensions, expected 4";
    if (!isa<FloatType>(context.elementType(i)) || context.elementType(i) != element)
      return context.error() << "input '" << names[i] << "' has elements " << context.elementType(i)
                             << ", 'Q' has " << element
                             << "; floating-point numbers of one type are expected";
  }
  auto heads = dyn_cast<AffineConstantExpr>(context.sizes(0)[1]);
  auto shared = dyn_cast<AffineConstantExpr>(context.sizes(1)[1]);
  if (!heads || !shared || shared.getValue() == 0 || heads.getValue() % shared.getValue() != 0)
    return context.error() << "the numbers of heads of 'Q' and 'K' must be known, the first a "
                              "multiple of the second";
  queryHeads = heads.getValue();
  keyHeads = shared.getValue();
  auto width = dyn_cast<AffineConstantExpr>(context.sizes(0)[3]);
  scale = context.getFloat("scale", 0);
  if (!context.attribute("scale")) {
    if (!width)
      return context.error() << "attribute 'scale' is needed where the size of a head is unknown";
    scale = 1 / std::sqrt(static_cast<double>(width.getValue()));
  }
  if (!(scale >= 0))
    return context.error() << "attribute 'scale' is " << scale;
  Type standard = element.isF64() ? element : builder.getF32Type();
  int64_t number = context.getInt("softmax_precision", operators::elementTypeNumber(standard));
  precision = operators::elementTypeOf(node.getContext(), number);
  if (!isa_and_nonnull<FloatType>(precision) || precision.getIntOrFloatBitWidth() < 16)
    return context.error() << "attribute 'softmax_precision' names element type " << number
                           << ", which is not supported";
  return success();
}

Value FlexAttention::aligned(Value value) {
  if (queryHeads == keyHeads)
    return value;
  SmallVector<int64_t> heads;
  for (int64_t head = 0; head < queryHeads; ++head)
    heads.push_back(head / (queryHeads / keyHeads));
  auto type = RankedTensorType::get({queryHeads}, builder.getI64Type());
  Value indices = graph::ConstantOp::create(builder, node.getLoc(), type,
                                            operators::denseInts(type, heads), StringAttr());
  return add("Gather", {value, indices},
             builder.getNamedAttr("axis", builder.getI64IntegerAttr(1)));
}

FailureOr<Value> FlexAttention::modified(StringRef name, Value value) {
  Region *body = node.getNamedRegion(name);
  if (!body)
    return value;
  Block &block = body->front();
  Operation *yield = block.getTerminator();
  if (block.getNumArguments() != 1 || yield->getNumOperands() != 1)
    return context.error() << "the graph of attribute '" << name << "' has "
                           << block.getNumArguments() << " inputs and " << yield->getNumOperands()
                           << " outputs, expected one of each";
  block.getArgument(0).replaceAllUsesWith(value);
  for (Operation &op : llvm::make_early_inc_range(block.without_terminator())) {
    op.moveBefore(node);
    added.push_back(&op);
  }
  return yield->getOperand(0);
}

LogicalResult FlexAttention::replace() {
  if (failed(check()))
    return failure();
  Type element = context.elementType(0);
  // Both factors take the root of the scale, in their own type, as the definition does it.
  auto scalar = RankedTensorType::get({}, element);
  APFloat value(std::sqrt(static_cast<float>(scale)));
  bool isInexact;
  value.convert(llvm::cast<FloatType>(element).getFloatSemantics(), APFloat::rmNearestTiesToEven,
                &isInexact);
  Value root = graph::ConstantOp::create(builder, node.getLoc(), scalar,
                                         DenseElementsAttr::get(scalar, value), StringAttr());
  Value queries = add("Mul", {context.inputValue(0), root});
  Value keys = add("Mul", {aligned(context.inputValue(1)), root});
  keys = add("Transpose", keys,
             builder.getNamedAttr("perm", builder.getDenseI64ArrayAttr({0, 1, 3, 2})));
  Value scores = converted(add("MatMul", {queries, keys}), precision);
  FailureOr<Value> changed = modified("score_mod", scores);
  if (failed(changed))
    return failure();
  Value probabilities =
      add("Softmax", *changed, builder.getNamedAttr("axis", builder.getI64IntegerAttr(-1)));
  changed = modified("prob_mod", probabilities);
  if (failed(changed))
    return failure();
  Value values = converted(aligned(context.inputValue(2)), precision);
  Value result = converted(add("MatMul", {*changed, values}), element);
  node->getResult(0).replaceAllUsesWith(result);
  node.erase();
  return inference.infer(added);
}

} // namespace

LogicalResult inferFlexAttention(FunctionInference &inference, operators::InferContext &context) {
  return FlexAttention(inference, context).replace();
}

} // namespace longtail
