// CenterCropPad: crops or pads dimensions to given sizes, as much on either side.
#include "compiler/Operators/Elements.h"
#include "compiler/Operators/Shape.h"

using namespace mlir;

namespace longtail::operators {
namespace {

FailureOr<SmallVector<int64_t>> axesOfShape(InferContext &ctx) {
  SmallVector<int64_t> axes;
  if (std::optional<SmallVector<int64_t>> given = ctx.getInts("axes")) {
    for (int64_t axis : *given) {
      FailureOr<int64_t> normal = ctx.normalizeAxis(axis, ctx.rank(0));
      if (failed(normal))
        return failure();
      if (llvm::is_contained(axes, *normal))
        return ctx.error() << "axis " << *normal << " is given twice";
      axes.push_back(*normal);
    }
    return axes;
  }
  for (int64_t axis = 0; axis < ctx.rank(0); ++axis)
    axes.push_back(axis);
  return axes;
}

LogicalResult inferCenterCropPad(InferContext &ctx) {
  FailureOr<SmallVector<int64_t>> axes = axesOfShape(ctx);
  if (failed(axes))
    return failure();
  FailureOr<SmallVector<AffineExpr>> shape = ctx.contentsOrBind(1, 0, kMaxSize);
  if (failed(shape))
    return failure();
  if (shape->size() != axes->size())
    return ctx.error() << "input 'shape' has " << shape->size() << " sizes for " << axes->size()
                       << " axes";
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  for (auto [axis, size] : llvm::zip(*axes, *shape)) {
    // Which of the two it is may only be known at run time; readers need the flag.
    ctx.getSymbols().derive(extent::Function::Less, {sizes[axis], size});
    sizes[axis] = size;
  }
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

LogicalResult expandCenterCropPad(ExpandContext &ctx) {
  SmallVector<AffineExpr> from = ctx.sizes(0), to = extent::sizesOf(ctx.resultType(0));
  SmallVector<AffineExpr> indices, valid, below;
  for (size_t dim = 0; dim < from.size(); ++dim) {
    indices.push_back(ctx.dim(dim));
    if (from[dim] == to[dim])
      continue;
    // Half of the difference, rounded toward 0.
    AffineExpr rest = from[dim] - to[dim];
    AffineExpr pads = ctx.getSymbols().derive(extent::Function::Less, {from[dim], to[dim]});
    AffineExpr start = rest.floorDiv(2) + pads * (rest % 2);
    indices.back() = simplifyAffineExpr(ctx.dim(dim) + start, to.size(), ctx.getSymbols().size());
    valid.push_back(indices.back());
    below.push_back(from[dim]);
  }
  ctx.setValue(0, ctx.read(ctx.input(0), ctx.access(to.size(), indices, valid, below), to));
  return success();
}

} // namespace

void registerCenterCropPad(Registry &registry) {
  registry.add(
      {"", "CenterCropPad", 18, inferCenterCropPad, expandCenterCropPad, 2, /*takesText=*/true});
}

} // namespace longtail::operators
