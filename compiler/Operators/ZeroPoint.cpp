#include "compiler/Operators/ZeroPoint.h"

using namespace mlir;

namespace longtail::operators {

LogicalResult inferZeroPoint(InferContext &ctx, unsigned input, unsigned zeroPoint, StringRef name,
                             int64_t dim) {
  if (!ctx.hasInput(zeroPoint))
    return success();
  if (failed(requireSameType(ctx, input, zeroPoint, "data", name)))
    return failure();
  SmallVector<AffineExpr> sizes = ctx.sizes(input);
  if (ctx.rank(zeroPoint) == 1)
    return requireBroadcastsTo(ctx, zeroPoint, name, sizes[dim]);
  return requireBroadcastsTo(ctx, zeroPoint, name, sizes);
}

Value withoutZeroPoint(ExpandContext &ctx, unsigned input, unsigned zeroPoint, int64_t dim) {
  Type element = ctx.elementType(input), i32 = IntegerType::get(ctx.getContext(), 32);
  SmallVector<AffineExpr> sizes = ctx.sizes(input);
  SmallVector<compute::Operand> operands{{ctx.input(input), {}, {}}};
  if (ctx.hasInput(zeroPoint)) {
    SmallVector<AffineExpr> own = ctx.sizes(zeroPoint);
    access::MapAttr map;
    if (own.size() == 1) {
      AffineExpr index = ctx.broadcastAccess(own, sizes[dim]).getMap().getResult(0);
      map = ctx.access(sizes.size(), index.replaceDims(ctx.dim(dim)));
    } else {
      map = ctx.broadcastAccess(own, sizes);
    }
    operands.push_back({ctx.input(zeroPoint), map, {}});
  }
  return mapThrough(ctx, extent::tensorType(sizes, i32), operands,
                    [&](const RegionBuilder &b, ArrayRef<Value> v) {
                      Value x = b.convert(v[0], element, i32);
                      return v.size() == 1 ? x : b.sub(x, b.convert(v[1], element, i32));
                    });
}

} // namespace longtail::operators
