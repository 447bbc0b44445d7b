// GridSample: values of a tensor at positions that another tensor holds, in any number of
// dimensions.
#include "compiler/Operators/Elements.h"
#include "compiler/Operators/Sampling.h"

using namespace mlir;

namespace longtail::operators {
namespace {

FailureOr<SamplingRules> rulesOf(InferContext &ctx) {
  SamplingRules rules;
  StringRef mode = ctx.getString("mode", "linear"); // "bilinear" and "bicubic" until version 19
  if (mode == "nearest")
    rules.interpolation = Interpolation::Nearest;
  else if (mode == "cubic" || mode == "bicubic")
    rules.interpolation = Interpolation::Cubic;
  else if (mode != "linear" && mode != "bilinear")
    return ctx.error() << "attribute 'mode' is '" << mode
                       << "', expected 'nearest', 'linear' or 'cubic'";
  StringRef padding = ctx.getString("padding_mode", "zeros");
  if (padding == "border")
    rules.padding = Padding::Border;
  else if (padding == "reflection")
    rules.padding = Padding::Reflection;
  else if (padding != "zeros")
    return ctx.error() << "attribute 'padding_mode' is '" << padding
                       << "', expected 'zeros', 'border' or 'reflection'";
  rules.alignCorners = ctx.getInt("align_corners", 0) != 0;
  return rules;
}

LogicalResult inferGridSample(InferContext &ctx) {
  int64_t rank = ctx.rank(0);
  if (rank < 3)
    return ctx.error() << "input 'X' has " << rank << " dimensions, expected at least 3";
  if (ctx.rank(1) != rank)
    return ctx.error() << "input 'grid' has " << ctx.rank(1) << " dimensions, input 'X' has "
                       << rank;
  if (failed(requireNumber(ctx, 0, "X", /*allowBool=*/true)) ||
      failed(requireFloat(ctx, 1, "grid")) || failed(rulesOf(ctx)) ||
      failed(requireElements(ctx, 0, "X", 2)))
    return failure();
  SmallVector<AffineExpr> sizes = ctx.sizes(0), grid = ctx.sizes(1);
  if (failed(requireEqualSizes(ctx, sizes[0], grid[0], "dimension 0 of 'X' and 'grid'")) ||
      failed(requireEqualSizes(ctx, grid.back(), ctx.constantExpr(rank - 2),
                               "the last dimension of 'grid' and the spatial dimensions of 'X'")))
    return failure();
  std::copy(grid.begin() + 1, grid.end() - 1, sizes.begin() + 2);
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

LogicalResult expandGridSample(ExpandContext &ctx) {
  FailureOr<SamplingRules> rules = rulesOf(ctx);
  if (failed(rules))
    return failure();
  Value source = ctx.input(0);
  Type element = ctx.elementType(0), at = accumulatorType(ctx.elementType(1)), work = element;
  if (rules->interpolation != Interpolation::Nearest && !isa<FloatType>(element))
    work = element.getIntOrFloatBitWidth() <= 16 ? Type(Float32Type::get(ctx.getContext()))
                                                 : Float64Type::get(ctx.getContext());
  else if (rules->interpolation != Interpolation::Nearest)
    work = accumulatorType(element);
  RankedTensorType result = ctx.resultType(0);
  unsigned rank = result.getRank(), spatial = rank - 2;
  unsigned summed = rules->taps() == 1 || spatial <= kUnrolledDims ? 0 : spatial - kUnrolledDims;
  SmallVector<AffineExpr> extents(summed, ctx.expr(rules->taps()));

  // Coordinates are listed from the innermost dimension to the outermost.
  SmallVector<compute::Operand> operands;
  for (unsigned dim = 0; dim < spatial; ++dim) {
    SmallVector<AffineExpr> indices{ctx.dim(0)};
    for (unsigned i = 2; i < rank; ++i)
      indices.push_back(ctx.dim(i));
    indices.push_back(ctx.expr(spatial - 1 - dim));
    operands.push_back({ctx.input(1), ctx.access(rank + summed, indices), {}});
  }
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  auto sample = [&](const RegionBuilder &b, ArrayRef<Value> v) {
    SmallVector<Value> positions, taps;
    for (unsigned dim = 0; dim < spatial; ++dim) {
      Value size = sizeAsNumber(b, sizes[dim + 2], at), one = b.number(at, 1);
      Value moved = b.add(b.narrow(v[dim], at), one), half = b.number(at, 0.5);
      positions.push_back(rules->alignCorners ? b.mul(b.mul(moved, half), b.sub(size, one))
                                              : b.mul(b.sub(b.mul(moved, size), one), half));
    }
    for (unsigned i = 0; i < summed; ++i)
      taps.push_back(b.position(rank + i));
    return Sampler(b, *rules, source, work).at({b.position(0), b.position(1)}, positions, taps);
  };
  if (summed == 0) {
    ctx.setValue(0,
                 mapThrough(ctx, result, operands, [&](const RegionBuilder &b, ArrayRef<Value> v) {
                   return b.convert(sample(b, v), work, element);
                 }));
    return success();
  }
  Location loc = ctx.getLoc();
  Value total = compute::buildReduce(
                    ctx.getBuilder(), loc, extent::tensorType(extent::sizesOf(result), work),
                    compute::Combiner::Add, extents, operands,
                    [&](OpBuilder &builder, ValueRange values) -> SmallVector<Value> {
                      return {sample(RegionBuilder(builder, loc), SmallVector<Value>(values))};
                    })
                    .getOutput();
  ctx.setValue(0, ctx.castTo(total, element));
  return success();
}

} // namespace

void registerGridSample(Registry &registry) {
  registry.add({"", "GridSample", 16, inferGridSample, expandGridSample, 2});
}

} // namespace longtail::operators
