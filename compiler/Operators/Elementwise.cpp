#include "compiler/Operators/Elementwise.h"

using namespace mlir;

namespace longtail::operators {

LogicalResult inferSame(InferContext &context) {
  context.setResult(0, context.elementType(0), context.sizes(0));
  return success();
}

LogicalResult inferSameFloat(InferContext &context) {
  if (failed(requireTypes(context, isComputeFloat, "f16, bf16, f32 or f64")))
    return failure();
  return inferSame(context);
}

LogicalResult requireTypes(InferContext &context, bool (*accepts)(Type), StringRef what) {
  Type first = context.elementType(0);
  if (!accepts(first))
    return context.error() << "elements are " << first << ", expected " << what;
  for (unsigned i = 1; i < context.numInputs(); ++i)
    if (context.hasInput(i) && context.elementType(i) != first)
      return context.error() << "input " << i << " has elements " << context.elementType(i)
                             << ", input 0 has " << first;
  return success();
}

SmallVector<AffineExpr> alignedSizes(InferContext &context, unsigned i) {
  SmallVector<AffineExpr> sizes = context.sizes(i);
  if (i == 0 || context.version() >= 7 || !context.attribute("axis"))
    return sizes;
  // `axis` says which dimension of the first operand the second one's first stands for.
  int64_t rank = context.rank(0), axis = context.getInt("axis", 0);
  axis += axis < 0 ? rank : 0;
  while (axis >= 0 && static_cast<int64_t>(sizes.size()) < rank - axis)
    sizes.push_back(context.constantExpr(1));
  return sizes;
}

LogicalResult inferBroadcast(InferContext &context, Type elementType) {
  SmallVector<AffineExpr> sizes;
  for (unsigned i = 0; i < context.numInputs(); ++i) {
    if (!context.hasInput(i))
      return context.error() << "input " << i << " is missing";
    FailureOr<SmallVector<AffineExpr>> both = context.broadcast(sizes, alignedSizes(context, i));
    if (failed(both))
      return failure();
    sizes = *both;
  }
  context.setResult(0, elementType, sizes);
  return success();
}

LogicalResult expandPointwise(ExpandContext &context, ArrayRef<Value> operands, ElementBody body) {
  RankedTensorType result = context.resultType(0);
  Type first = cast<RankedTensorType>(operands.front().getType()).getElementType();
  auto emit = [&](OpBuilder &builder, ValueRange elements) {
    Scalar s(builder, context.getLoc());
    SmallVector<Value> wide =
        llvm::map_to_vector(elements, [&](Value element) { return s.widen(element); });
    Value value = body(s, wide, first);
    if (isFloat(value.getType()))
      value = s.narrow(value, result.getElementType());
    return SmallVector<Value>{value};
  };
  context.setValue(0, context.pointwise(result, operands, emit));
  return success();
}

LogicalResult expandPointwise(ExpandContext &context, ElementBody body) {
  SmallVector<Value> operands;
  for (unsigned i = 0; i < context.numInputs(); ++i) {
    SmallVector<AffineExpr> sizes = alignedSizes(context, i);
    Value operand = context.input(i);
    operands.push_back(sizes.size() == static_cast<size_t>(context.rank(i))
                           ? operand
                           : context.reshape(operand, sizes));
  }
  return expandPointwise(context, operands, body);
}

void registerElementwise(Registry &registry) {
  registerUnary(registry);
  registerArithmetic(registry);
  registerComparison(registry);
}

} // namespace longtail::operators
