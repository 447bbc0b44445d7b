// TensorScatter: new rows of a cache, from a position of each sample on.
#include "compiler/Operators/GridBuilder.h"
#include "compiler/Operators/SizeProduct.h"

using namespace mlir;

namespace longtail::operators {
namespace {

LogicalResult inferTensorScatter(InferContext &ctx) {
  int64_t rank = ctx.rank(0);
  if (ctx.rank(1) != rank)
    return ctx.error() << "past_cache has " << rank << " dimensions and update " << ctx.rank(1)
                       << ", expected the same number";
  if (failed(requireSameType(ctx, 1, 0, "update", "past_cache")))
    return failure();
  StringRef mode = ctx.getString("mode", "linear");
  if (mode != "linear" && mode != "circular")
    return ctx.error() << "attribute 'mode' is '" << mode << "', expected linear or circular";
  FailureOr<int64_t> axis = ctx.normalizeAxis(ctx.getInt("axis", -2), rank);
  if (failed(axis))
    return failure();
  if (*axis == 0)
    return ctx.error() << "attribute 'axis' is the batch dimension, expected another one";
  SmallVector<AffineExpr> cache = ctx.sizes(0), update = ctx.sizes(1);
  std::string message = (Twine("TensorScatter '") + ctx.getNode().getNodeName() +
                         "': the update is longer than the cache")
                            .str();
  for (int64_t dim = 0; dim < rank; ++dim) {
    if (dim != *axis) {
      if (failed(
              requireEqualSizes(ctx, cache[dim], update[dim],
                                "the sizes of past_cache and update in dimension " + Twine(dim))))
        return failure();
    } else if (failed(ctx.getSymbols().requireAtMost(update[dim], cache[dim], message))) {
      return ctx.error() << "the update is longer than the cache in dimension " << dim << ": "
                         << describe(update[dim]) << " and " << describe(cache[dim]);
    }
  }
  if (ctx.hasInput(2)) {
    if (ctx.rank(2) != 1 || !ctx.elementType(2).isInteger(64))
      return ctx.error() << "input 'write_indices' must be a list of i64";
    if (failed(requireEqualSizes(ctx, ctx.sizes(2)[0], cache[0],
                                 "the number of write indices and the batch size")))
      return failure();
  }
  ctx.setResult(0, ctx.elementType(0), cache);
  return success();
}

/// One point for each row behind the axis, copied from the cache or the update.
LogicalResult expandTensorScatter(ExpandContext &ctx) {
  bool circular = ctx.getString("mode", "linear") == "circular";
  int64_t axis = *ctx.normalizeAxis(ctx.getInt("axis", -2), ctx.rank(0));
  auto view = [&](ArrayRef<AffineExpr> sizes) {
    auto product = [&](ArrayRef<AffineExpr> factors) {
      return SizeProduct(ctx.getContext(), factors).expr();
    };
    return SmallVector<AffineExpr>{sizes[0], product(sizes.slice(1, axis - 1)), sizes[axis],
                                   product(sizes.drop_front(axis + 1))};
  };
  SmallVector<AffineExpr> sizes = view(ctx.sizes(0)), updateSizes = view(ctx.sizes(1));
  Value cache = ctx.reshape(ctx.input(0), sizes), update = ctx.reshape(ctx.input(1), updateSizes);
  Value starts = ctx.hasInput(2) ? ctx.input(2) : Value();
  auto result =
      buildGrid(ctx, extent::tensorType(sizes, ctx.elementType(0)), ArrayRef(sizes).take_front(3),
                [&](const GridBuilder &b, ValueRange points, ValueRange places) {
                  Value zero = b.index(0), capacity = b.size(sizes[2]),
                        length = b.size(updateSizes[2]);
                  Value start = starts ? b.toIndex(b.load(starts, points[0])) : zero;
                  if (circular) { // the capacity is not 0 where there is a point
                    start = b.make<arith::RemSIOp>(start, capacity);
                    start = b.select(b.isBelow(start, zero), b.add(start, capacity), start);
                  } else if (starts) {
                    Value fits = b.isBelow(start, b.add(b.sub(capacity, length), b.index(1)));
                    b.require(b.both(b.isNot(b.isBelow(start, zero)), fits), compute::Fault::Index);
                  }
                  Value row = b.sub(points[2], start);
                  if (circular)
                    row = b.select(b.isBelow(row, zero), b.add(row, capacity), row);
                  auto copyFrom = [&](Value source, Value from) {
                    b.loop(zero, b.size(sizes[3]), [&](Value i) {
                      b.store(b.load(source, {points[0], points[1], from, i}), places[0],
                              {points[0], points[1], points[2], i});
                    });
                  };
                  Value isNew = b.isInside(row, length);
                  b.when(isNew, [&] { copyFrom(update, row); });
                  b.when(b.isNot(isNew), [&] { copyFrom(cache, points[2]); });
                });
  ctx.setValue(0, ctx.reshape(result[0], ctx.sizes(0)));
  return success();
}

} // namespace

void registerTensorScatter(Registry &registry) {
  registry.add({"", "TensorScatter", 24, inferTensorScatter, expandTensorScatter, 2});
}

} // namespace longtail::operators
