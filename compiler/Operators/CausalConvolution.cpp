// CausalConvWithState: a depthwise convolution over positions up to the present one, and the
// positions that the next call needs.
#include "compiler/Operators/RegionBuilder.h"

using namespace mlir;

namespace longtail::operators {
namespace {

enum Input { kData, kWeight, kBias, kPast };
constexpr StringLiteral kNames[] = {"input", "weight", "bias", "past_state"};

LogicalResult infer(InferContext &ctx) {
  if (failed(requireFloat(ctx, kData, kNames[kData])))
    return failure();
  for (unsigned input : {kWeight, kBias, kPast}) {
    if (!ctx.hasInput(input))
      continue;
    if (failed(requireSameType(ctx, kData, input, kNames[kData], kNames[input])))
      return failure();
  }
  for (unsigned input : {kData, kWeight, kPast})
    if (ctx.hasInput(input) && ctx.rank(input) != 3)
      return ctx.error() << "input '" << kNames[input] << "' has " << ctx.rank(input)
                         << " dimensions, expected 3";
  StringRef activation = ctx.getString("activation", "none");
  if (!llvm::is_contained({"none", "silu", "swish"}, activation))
    return ctx.error() << "attribute 'activation' is '" << activation
                       << "', expected 'none', 'silu' or 'swish'";
  SmallVector<AffineExpr> data = ctx.sizes(kData), weight = ctx.sizes(kWeight);
  if (weight[2] == ctx.constantExpr(0))
    return ctx.error() << "input 'weight' has no positions";
  auto require = [&](unsigned input, ArrayRef<AffineExpr> sizes) {
    for (auto [dim, size, own] : llvm::enumerate(sizes, ctx.sizes(input)))
      if (failed(requireEqualSizes(ctx, own, size,
                                   "dimension " + Twine(dim) + " of input '" + kNames[input] +
                                       "' and the size that the other inputs give it")))
        return failure();
    return success();
  };
  SmallVector<AffineExpr> state{data[0], data[1], weight[2] - 1};
  if (failed(require(kWeight, {data[1], ctx.constantExpr(1), weight[2]})) ||
      (ctx.hasInput(kBias) && failed(requireVector(ctx, kBias, kNames[kBias], data[1]))) ||
      (ctx.hasInput(kPast) && failed(require(kPast, state))))
    return failure();
  ctx.setResult(0, ctx.elementType(kData), data);
  ctx.setResult(1, ctx.elementType(kData), state);
  return success();
}

LogicalResult expand(ExpandContext &ctx) {
  SmallVector<AffineExpr> data = ctx.sizes(kData);
  AffineExpr batch = ctx.dim(0), channel = ctx.dim(1), position = ctx.dim(2), tap = ctx.dim(3);
  AffineExpr taps = ctx.sizes(kWeight)[2], before = taps - 1, length = data[2];
  Type element = ctx.elementType(kData), sum = accumulatorType(element);
  bool hasPast = ctx.hasInput(kPast) && before != ctx.expr(0);
  Value source = ctx.input(kData);
  if (hasPast)
    source =
        access::ConcatOp::create(ctx.getBuilder(), ctx.getLoc(),
                                 extent::tensorType({data[0], data[1], length + before}, element),
                                 ValueRange{ctx.input(kPast), source}, 2);
  // Position `at` of the input after what precedes it, which is zeros without a past.
  auto accessAt = [&](unsigned rank, AffineExpr at) {
    if (hasPast || before == ctx.expr(0))
      return ctx.access(rank, {batch, channel, at});
    return ctx.access(rank, {batch, channel, at - before}, {at - before}, {length});
  };
  Value result = compute::ContractOp::create(
      ctx.getBuilder(), ctx.getLoc(), extent::tensorType(data, sum), source, ctx.input(kWeight),
      accessAt(4, position + tap), ctx.access(4, {channel, ctx.expr(0), tap}),
      extent::sizesMap(ctx.getContext(), taps));
  SmallVector<compute::Operand> operands{{result, {}, {}}};
  if (ctx.hasInput(kBias))
    operands.push_back({ctx.input(kBias), ctx.access(3, channel), {}});
  bool isGated = ctx.getString("activation", "none") != "none";
  ctx.setValue(0, mapThrough(ctx, ctx.resultType(0), operands,
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               Value x = v.size() > 1 ? b.add(v[0], b.widen(v[1])) : v[0];
                               if (!isGated)
                                 return b.narrow(x, element);
                               // The convolution's result is a tensor of the element type.
                               x = b.widen(b.narrow(x, element));
                               Value one = b.like(x, 1);
                               Value gate = b.add(one, b.exp(b.negate(x)));
                               return b.narrow(b.mul(x, b.divF(one, gate)), element);
                             }));
  if (ctx.hasOutput(1)) {
    access::MapAttr last = accessAt(3, position + length);
    TypedAttr zero = scalarAttr(element, 0);
    ctx.setValue(1, ctx.read(source, last, extent::sizesOf(ctx.resultType(1)),
                             last.isTotal() ? TypedAttr() : zero));
  }
  return success();
}

} // namespace

void registerCausalConvolution(Registry &registry) {
  registry.add({"", "CausalConvWithState", 27, infer, expand, 2});
}

} // namespace longtail::operators
