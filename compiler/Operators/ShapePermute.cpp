// Operators that move elements between dimensions: Transpose, DepthToSpace and SpaceToDepth.
#include "compiler/Operators/Shape.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using Exprs = SmallVector<AffineExpr>;

//===-- Transpose -----------------------------------------------------------------------------===//

FailureOr<SmallVector<int64_t>> permutation(InferContext &context) {
  int64_t rank = context.rank(0);
  std::optional<SmallVector<int64_t>> order = context.getInts("perm");
  if (!order)
    return llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(0, rank)));
  for (int64_t &axis : *order) {
    FailureOr<int64_t> normal = context.normalizeAxis(axis, rank);
    if (failed(normal))
      return failure();
    axis = *normal;
  }
  SmallVector<int64_t> sorted(*order);
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, rank)))
    return context.error() << "attribute 'perm' is not a permutation of " << rank << " dimensions";
  return *order;
}

LogicalResult inferTranspose(InferContext &context) {
  FailureOr<SmallVector<int64_t>> order = permutation(context);
  if (failed(order))
    return failure();
  Exprs from = context.sizes(0);
  context.setResult(0, context.elementType(0),
                    llvm::map_to_vector(*order, [&](int64_t axis) { return from[axis]; }));
  return success();
}

LogicalResult expandTranspose(ExpandContext &context) {
  context.setValue(0, context.transpose(context.input(0), *permutation(context)));
  return success();
}

//===-- DepthToSpace, SpaceToDepth ------------------------------------------------------------===//

LogicalResult checkBlocks(InferContext &context, int64_t &block) {
  if (context.rank(0) != 4)
    return context.error() << "input 0 has rank " << context.rank(0) << ", expected 4";
  block = context.getInt("blocksize", 0);
  if (block < 1 || block > 65536)
    return context.error() << "attribute 'blocksize' is " << block;
  StringRef mode = context.getString("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    return context.error() << "attribute 'mode' is '" << mode << "', expected 'DCR' or 'CRD'";
  return success();
}

/// `size` / `block`, which leaves nothing over.
FailureOr<AffineExpr> exactQuotient(InferContext &context, AffineExpr size, int64_t block) {
  if (failed(context.getSymbols().requireEqual(size % block, context.constantExpr(0),
                                               "a size is not a multiple of the block's")))
    return context.error() << "size " << describe(size) << " is not a multiple of " << block;
  return size.floorDiv(block);
}

LogicalResult inferDepthToSpace(InferContext &context) {
  int64_t block;
  if (failed(checkBlocks(context, block)))
    return failure();
  Exprs from = context.sizes(0);
  FailureOr<AffineExpr> channels = exactQuotient(context, from[1], block * block);
  if (failed(channels))
    return failure();
  context.setResult(0, context.elementType(0),
                    {from[0], *channels, from[2] * block, from[3] * block});
  return success();
}

LogicalResult inferSpaceToDepth(InferContext &context) {
  int64_t block;
  if (failed(checkBlocks(context, block)))
    return failure();
  Exprs from = context.sizes(0);
  FailureOr<AffineExpr> height = exactQuotient(context, from[2], block);
  FailureOr<AffineExpr> width = exactQuotient(context, from[3], block);
  if (failed(height) || failed(width))
    return failure();
  context.setResult(0, context.elementType(0),
                    {from[0], from[1] * (block * block), *height, *width});
  return success();
}

LogicalResult expandDepthToSpace(ExpandContext &context) {
  int64_t block = context.getInt("blocksize", 0);
  Exprs to = extent::sizesOf(context.resultType(0));
  AffineExpr inner = context.dim(2) % block * block + context.dim(3) % block;
  AffineExpr channel = context.getString("mode", "DCR") == "CRD"
                           ? context.dim(1) * (block * block) + inner
                           : inner * to[1] + context.dim(1);
  context.setValue(
      0, context.read(context.input(0),
                      context.access(4, {context.dim(0), channel, context.dim(2).floorDiv(block),
                                         context.dim(3).floorDiv(block)}),
                      to));
  return success();
}

LogicalResult expandSpaceToDepth(ExpandContext &context) {
  int64_t block = context.getInt("blocksize", 0);
  Exprs from = context.sizes(0), to = extent::sizesOf(context.resultType(0));
  bool rowsFirst = context.getString("mode", "DCR") == "DCR";
  AffineExpr depth = context.dim(1);
  AffineExpr channel = rowsFirst ? depth % from[1] : depth.floorDiv(block * block);
  AffineExpr inner = rowsFirst ? depth.floorDiv(from[1]) : depth % (block * block);
  context.setValue(0,
                   context.read(context.input(0),
                                context.access(4, {context.dim(0), channel,
                                                   context.dim(2) * block + inner.floorDiv(block),
                                                   context.dim(3) * block + inner % block}),
                                to));
  return success();
}

} // namespace

void registerPermute(Registry &registry) {
  registry.add({"", "Transpose", 1, inferTranspose, expandTranspose, 1, /*takesText=*/true});
  registry.add(
      {"", "DepthToSpace", 1, inferDepthToSpace, expandDepthToSpace, 1, /*takesText=*/true});
  registry.add(
      {"", "SpaceToDepth", 1, inferSpaceToDepth, expandSpaceToDepth, 1, /*takesText=*/true});
}

} // namespace longtail::operators
