// Operators that repeat elements: Expand and Tile.
#include "compiler/Operators/Shape.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using Exprs = SmallVector<AffineExpr>;

LogicalResult inferExpand(InferContext &context) {
  FailureOr<Exprs> shape = context.contentsOrBind(1, 0, kMaxSize);
  if (failed(shape))
    return failure();
  FailureOr<Exprs> sizes = context.broadcast(context.sizes(0), *shape);
  if (failed(sizes))
    return failure();
  context.setResult(0, context.elementType(0), *sizes);
  return success();
}

LogicalResult expandExpand(ExpandContext &context) {
  Exprs sizes = extent::sizesOf(context.resultType(0));
  context.setValue(
      0, context.read(context.input(0), context.broadcastAccess(context.sizes(0), sizes), sizes));
  return success();
}

LogicalResult inferTile(InferContext &context) {
  Exprs sizes = context.sizes(0);
  if (context.version() < 6) { // the number of tiles along one axis
    FailureOr<Exprs> tiles = context.contentsOrBind(1, 0, kMaxSize);
    std::optional<SmallVector<int64_t>> axis;
    if (context.hasInput(2))
      axis = context.constantInts(2);
    if (failed(tiles))
      return failure();
    if (tiles->size() != 1 || !axis || axis->size() != 1)
      return context.error() << "needs one number of tiles and one constant axis";
    FailureOr<int64_t> normal = context.normalizeAxis(axis->front(), sizes.size());
    if (failed(normal))
      return failure();
    sizes[*normal] = sizes[*normal] * tiles->front();
  } else {
    FailureOr<Exprs> repeats = context.contentsOrBind(1, 0, kMaxSize);
    if (failed(repeats))
      return failure();
    if (repeats->size() != sizes.size())
      return context.error() << "there are " << repeats->size() << " repeats for " << sizes.size()
                             << " dimensions";
    for (auto [size, repeat] : llvm::zip(sizes, *repeats))
      size = size * repeat;
  }
  context.setResult(0, context.elementType(0), sizes);
  return success();
}

LogicalResult expandTile(ExpandContext &context) {
  Exprs from = context.sizes(0), to = extent::sizesOf(context.resultType(0)), indices;
  for (auto [i, size] : llvm::enumerate(from)) {
    if (size == context.constantExpr(1))
      indices.push_back(context.constantExpr(0));
    else
      // A remainder by a constant 0 has no meaning; nothing is read there anyway.
      indices.push_back(size == to[i] || size == context.constantExpr(0) ? context.dim(i)
                                                                         : context.dim(i) % size);
  }
  context.setValue(0, context.read(context.input(0), context.access(to.size(), indices), to));
  return success();
}

} // namespace

void registerTile(Registry &registry) {
  registry.add({"", "Expand", 8, inferExpand, expandExpand, 2, /*takesText=*/true});
  registry.add({"", "Tile", 1, inferTile, expandTile, 2, /*takesText=*/true});
}

} // namespace longtail::operators
