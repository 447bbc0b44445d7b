// AffineGrid: the positions at which GridSample reads a picture or volume that is moved, turned and
// scaled.
#include "compiler/Operators/RegionBuilder.h"
#include "compiler/Operators/Shape.h"

using namespace mlir;

namespace longtail::operators {
namespace {

LogicalResult inferAffineGrid(InferContext &ctx) {
  if (failed(requireFloat(ctx, 0, "theta")))
    return failure();
  if (ctx.rank(0) != 3)
    return ctx.error() << "input 'theta' has " << ctx.rank(0) << " dimensions, expected 3";
  FailureOr<SmallVector<AffineExpr>> size = ctx.contentsOrBind(1, 0, kMaxSize);
  if (failed(size))
    return failure();
  int64_t dims = static_cast<int64_t>(size->size()) - 2;
  if (ctx.rank(1) != 1 || dims < 2 || dims > 3)
    return ctx.error() << "input 'size' holds " << size->size() << " sizes, expected 4 or 5";
  SmallVector<AffineExpr> theta = ctx.sizes(0);
  if (failed(requireEqualSizes(ctx, theta[0], (*size)[0],
                               "dimension 0 of 'theta' and the batch in 'size'")) ||
      failed(requireEqualSizes(ctx, theta[1], ctx.constantExpr(dims),
                               "dimension 1 of 'theta' and the spatial dimensions in 'size'")) ||
      failed(requireEqualSizes(ctx, theta[2], ctx.constantExpr(dims + 1),
                               "dimension 2 of 'theta' and the columns of its matrices")))
    return failure();
  SmallVector<AffineExpr> sizes{theta[0]};
  sizes.append(size->begin() + 2, size->end());
  sizes.push_back(ctx.constantExpr(dims));
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

/// grid[n, position, row] = theta[n, row, :] times the position, the last dimension first, and 1.
/// Positions are within [-1, 1]: the centers of the outermost elements, or their outer edges.
LogicalResult expandAffineGrid(ExpandContext &ctx) {
  RankedTensorType result = ctx.resultType(0);
  Type element = result.getElementType(), work = accumulatorType(element);
  SmallVector<AffineExpr> sizes = extent::sizesOf(result);
  unsigned rank = sizes.size(), dims = rank - 2;
  bool alignCorners = ctx.getInt("align_corners", 0) != 0;
  SmallVector<compute::Operand> operands;
  for (unsigned column = 0; column <= dims; ++column)
    operands.push_back(
        {ctx.input(0), ctx.access(rank, {ctx.dim(0), ctx.dim(rank - 1), ctx.expr(column)}), {}});
  auto body = [&](const RegionBuilder &b, ArrayRef<Value> theta) {
    Value one = b.number(work, 1), two = b.number(work, 2);
    Value sum = b.toFloat(theta[dims], element, work);
    for (unsigned column = 0; column < dims; ++column) {
      unsigned dim = dims - column;
      Value at = b.mul(b.fromIndex(b.position(dim), work), two);
      Value count = sizeAsNumber(b, sizes[dim], work);
      // A single element is at the lower end where corners are aligned.
      Value steps =
          alignCorners ? b.maximum(b.sub(count, one), one) : count; // that make up the range of 2
      Value position = b.sub(b.div(alignCorners ? at : b.add(at, one), steps), one);
      sum = b.add(sum, b.mul(b.toFloat(theta[column], element, work), position));
    }
    return b.fromFloat(sum, element);
  };
  ctx.setValue(0, mapThrough(ctx, result, operands, body));
  return success();
}

} // namespace

void registerAffineGrid(Registry &registry) {
  registry.add({"", "AffineGrid", 20, inferAffineGrid, expandAffineGrid, 2});
}

} // namespace longtail::operators
