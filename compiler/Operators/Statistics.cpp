#include "compiler/Operators/Statistics.h"

using namespace mlir;
using longtail::compute::Combiner;

namespace longtail::operators {

Value meanOver(ExpandContext &ctx, ArrayRef<Value> operands, ArrayRef<AffineExpr> sizes,
               ArrayRef<int64_t> axes, Type work, ScalarBody body) {
  Value sum = foldAxes(ctx, operands, sizes, axes, /*keepDims=*/true, Combiner::Add, work, body);
  AffineExpr count = productOf(ctx, sizes, axes);
  if (count == ctx.expr(1))
    return sum;
  return mapOver(ctx, extent::sizesOf(sum), work, sum,
                 [&](const RegionBuilder &b, ArrayRef<Value> v) {
                   return b.div(v[0], sizeAsNumber(b, count, work));
                 });
}

Moments momentsOf(ExpandContext &ctx, Value source, ArrayRef<int64_t> axes, Type work) {
  SmallVector<AffineExpr> sizes = extent::sizesOf(source);
  Value mean =
      meanOver(ctx, source, sizes, axes, work,
               [&](const RegionBuilder &b, ArrayRef<Value> v) { return b.narrow(v[0], work); });
  Value variance = meanOver(ctx, {source, mean}, sizes, axes, work,
                            [&](const RegionBuilder &b, ArrayRef<Value> v) {
                              Value centered = b.sub(b.narrow(v[0], work), v[1]);
                              return b.mul(centered, centered);
                            });
  return {mean, variance};
}

Value inverseDeviation(ExpandContext &ctx, Value variance, double epsilon) {
  auto type = cast<RankedTensorType>(variance.getType());
  return mapOver(ctx, extent::sizesOf(variance), type.getElementType(), variance,
                 [&](const RegionBuilder &b, ArrayRef<Value> v) {
                   Type work = v[0].getType();
                   Value deviation = b.sqrt(b.add(v[0], b.number(work, epsilon)));
                   return b.div(b.number(work, 1), deviation);
                 });
}

} // namespace longtail::operators
