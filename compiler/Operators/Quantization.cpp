// QuantizeLinear and DequantizeLinear: one scale and zero point for the tensor, for each index of a
// dimension, or for blocks along one.
#include "compiler/Operators/Quantization.h"
#include "compiler/Operators/Elements.h"

using namespace mlir;

namespace longtail::operators {

bool isQuantizedType(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return isTinyFloat(type) || (integer && !integer.isInteger(1) && integer.getWidth() <= 16);
}

Value quantized(const RegionBuilder &b, Value quotient, Value zeroPoint, Type to, bool saturate) {
  Type work = quotient.getType();
  auto integer = dyn_cast<IntegerType>(to);
  if (!integer) {
    if (zeroPoint)
      quotient = b.add(quotient, b.convert(zeroPoint, to, work));
    return b.convert(quotient, work, to, saturate);
  }
  Type i32 = b.builder().getI32Type();
  // Far outside of any result, but adding a zero point does not overflow.
  Value limit = b.number(work, 1 << 20);
  Value rounded = b.make<math::RoundEvenOp>(quotient);
  // What is no number becomes the lowest one, as in ONNX Runtime.
  Value lowest = b.negate(limit);
  Value isAbove = b.compare(arith::CmpFPredicate::OGT, rounded, lowest);
  rounded = b.minimum(b.select(isAbove, rounded, lowest), limit);
  Value value = b.convert(rounded, work, i32);
  if (zeroPoint)
    value = b.add(value, b.convert(zeroPoint, to, i32));
  unsigned bits = integer.getWidth() - !integer.isUnsigned();
  int64_t high = (int64_t(1) << bits) - 1, low = integer.isUnsigned() ? 0 : -high - 1;
  value = b.minimum(b.maximum(value, b.integer(i32, low)), b.integer(i32, high));
  return b.convert(value, i32, to);
}

namespace {

/// How scales lie along the data: not at all, in one dimension, or in blocks of `block`.
struct Granularity {
  std::optional<int64_t> axis;
  int64_t block = 0;
};

FailureOr<Granularity> granularityOf(InferContext &ctx) {
  Granularity result;
  int64_t rank = ctx.rank(1);
  result.block = ctx.getInt("block_size", 0);
  if (result.block < 0)
    return ctx.error() << "attribute 'block_size' is " << result.block;
  bool isOne = rank == 0 || (rank == 1 && ctx.sizes(1)[0] == ctx.constantExpr(1));
  if (result.block == 0 && isOne)
    return result;
  FailureOr<int64_t> axis = ctx.normalizeAxis(ctx.getInt("axis", 1), ctx.rank(0));
  if (failed(axis))
    return failure();
  result.axis = *axis;
  int64_t expected = result.block ? ctx.rank(0) : 1;
  if (rank != expected)
    return ctx.error() << "the scale has " << rank << " dimensions, expected " << expected;
  return result;
}

/// Where a scale or zero point for each element lies.
access::MapAttr parameterAccess(ExpandContext &ctx, const Granularity &g, unsigned input) {
  unsigned rank = ctx.rank(0);
  SmallVector<AffineExpr> indices;
  if (!g.axis)
    indices.assign(ctx.rank(input), ctx.constantExpr(0));
  else if (!g.block)
    indices.push_back(ctx.dim(*g.axis));
  for (unsigned dim = 0; g.axis && g.block && dim < rank; ++dim)
    indices.push_back(dim == *g.axis ? ctx.dim(dim).floorDiv(g.block) : ctx.dim(dim));
  return ctx.access(rank, indices);
}

LogicalResult checkParameters(InferContext &ctx, StringRef scale, StringRef zeroPoint) {
  if (!ctx.hasInput(0) || !ctx.hasInput(1))
    return ctx.error() << "the data and input '" << scale << "' are needed";
  if (failed(requireFloat(ctx, 1, scale)))
    return failure();
  FailureOr<Granularity> g = granularityOf(ctx);
  if (failed(g))
    return failure();
  SmallVector<AffineExpr> data = ctx.sizes(0), sizes = ctx.sizes(1);
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    if (!g->axis)
      continue;
    AffineExpr wanted = g->block ? data[dim] : data[*g->axis];
    if (g->block && static_cast<int64_t>(dim) == *g->axis)
      wanted = wanted.ceilDiv(g->block);
    if (failed(requireEqualSizes(ctx, size, wanted,
                                 "dimension " + Twine(dim) + " of input '" + scale +
                                     "' and the data")))
      return failure();
  }
  if (!ctx.hasInput(2))
    return success();
  // One number may be a scalar or a vector.
  if (!g->axis) {
    for (AffineExpr size : ctx.sizes(2))
      if (failed(requireEqualSizes(ctx, size, ctx.constantExpr(1),
                                   "the sizes of input '" + zeroPoint + "' and of '" + scale +
                                       "', which is one number")))
        return failure();
    return success();
  }
  if (ctx.rank(2) != ctx.rank(1))
    return ctx.error() << "inputs '" << scale << "' and '" << zeroPoint << "' have " << ctx.rank(1)
                       << " and " << ctx.rank(2) << " dimensions";
  for (auto [size, other] : llvm::zip(sizes, ctx.sizes(2)))
    if (failed(requireEqualSizes(ctx, size, other, "the scale and the zero point")))
      return failure();
  return success();
}

/// The operands of data, scale and, where it is given and `useZero`, the zero point.
SmallVector<compute::Operand> operandsOf(ExpandContext &ctx, const Granularity &g, bool useZero) {
  SmallVector<compute::Operand> operands{{ctx.input(0), {}, {}}};
  for (unsigned input : {1, 2})
    if (input == 1 || (useZero && ctx.hasInput(input)))
      operands.push_back({ctx.input(input), parameterAccess(ctx, g, input), {}});
  return operands;
}

//===-- QuantizeLinear ------------------------------------------------------------------------===//

LogicalResult inferQuantize(InferContext &ctx) {
  if (failed(checkParameters(ctx, "y_scale", "y_zero_point")) || failed(requireNumber(ctx, 0, "x")))
    return failure();
  Type type = ctx.hasInput(2) ? ctx.elementType(2) : Type();
  if (int64_t number = ctx.getInt("output_dtype", 0)) {
    Type asked = elementTypeOf(ctx.getContext(), number);
    if (!asked || (type && asked != type))
      return ctx.error() << "attribute 'output_dtype' names element type " << number
                         << ", which is not that of input 'y_zero_point'";
    type = asked;
  }
  if (!type)
    type = IntegerType::get(ctx.getContext(), 8, IntegerType::Unsigned);
  if (!isQuantizedType(type))
    return ctx.error() << "quantization to " << type << " is not supported";
  if (int64_t precision = ctx.getInt("precision", 0);
      precision && !isa_and_nonnull<FloatType>(elementTypeOf(ctx.getContext(), precision)))
    return ctx.error() << "attribute 'precision' names element type " << precision
                       << ", expected a floating-point type";
  ctx.setResult(0, type, ctx.sizes(0));
  return success();
}

LogicalResult expandQuantize(ExpandContext &ctx) {
  FailureOr<Granularity> g = granularityOf(ctx);
  if (failed(g))
    return failure();
  Type from = ctx.elementType(0), to = ctx.resultType(0).getElementType();
  Type divided = from == ctx.elementType(1) ? from : Float32Type::get(ctx.getContext());
  if (int64_t precision = ctx.getInt("precision", 0))
    divided = elementTypeOf(ctx.getContext(), precision);
  Type work = accumulatorType(divided);
  bool saturate = ctx.getInt("saturate", 1) != 0;
  bool addsZero =
      !isa<FloatType>(to) || to.getIntOrFloatBitWidth() < 8; // that of 8-bit floats is 0
  auto body = [&](const RegionBuilder &b, ArrayRef<Value> v) -> Value {
    auto load = [&](unsigned i, Type type) {
      return b.narrow(b.convert(b.convert(v[i], type, divided), divided, work), work);
    };
    // The quotient is rounded to the type that it is computed in.
    Value quotient = b.div(load(0, from), load(1, ctx.elementType(1)));
    quotient = b.convert(b.convert(quotient, work, divided), divided, work);
    return quantized(b, quotient, v.size() > 2 ? v[2] : Value(), to, saturate);
  };
  ctx.setValue(0, mapThrough(ctx, ctx.resultType(0), operandsOf(ctx, *g, addsZero), body));
  return success();
}

//===-- DequantizeLinear ----------------------------------------------------------------------===//

LogicalResult inferDequantize(InferContext &ctx) {
  if (failed(checkParameters(ctx, "x_scale", "x_zero_point")))
    return failure();
  Type from = ctx.elementType(0), to = ctx.elementType(1);
  if (!isQuantizedType(from) && !from.isInteger(32))
    return ctx.error() << "dequantization of " << from << " is not supported";
  if (ctx.hasInput(2) && ctx.elementType(2) != from)
    return ctx.error() << "input 'x_zero_point' has elements " << ctx.elementType(2)
                       << ", the data has " << from;
  if (int64_t number = ctx.getInt("output_dtype", 0)) {
    to = elementTypeOf(ctx.getContext(), number);
    if (!isa_and_nonnull<FloatType>(to) || isTinyFloat(to))
      return ctx.error() << "attribute 'output_dtype' names element type " << number
                         << ", which is not supported";
  }
  ctx.setResult(0, to, ctx.sizes(0));
  return success();
}

LogicalResult expandDequantize(ExpandContext &ctx) {
  FailureOr<Granularity> g = granularityOf(ctx);
  if (failed(g))
    return failure();
  Type from = ctx.elementType(0), scale = ctx.elementType(1);
  Type to = ctx.resultType(0).getElementType(), work = accumulatorType(scale);
  bool isInteger = isa<IntegerType>(from);
  auto body = [&](const RegionBuilder &b, ArrayRef<Value> v) -> Value {
    Type i32 = b.builder().getI32Type();
    Value value = isInteger ? b.convert(v[0], from, i32) : v[0];
    if (v.size() > 2)
      value = b.sub(value, b.convert(v[2], from, i32));
    value = b.convert(value, isInteger ? i32 : from, work);
    return b.convert(b.mul(value, b.convert(v[1], scale, work)), work, to);
  };
  ctx.setValue(0, mapThrough(ctx, ctx.resultType(0), operandsOf(ctx, *g, isInteger), body));
  return success();
}

} // namespace

void registerQuantization(Registry &registry) {
  registry.add({"", "QuantizeLinear", 10, inferQuantize, expandQuantize, 2});
  registry.add({"", "DequantizeLinear", 10, inferDequantize, expandDequantize, 2});
}

} // namespace longtail::operators
