// MaxUnpool: zeros, and each element where its maximum came from.
#include "compiler/Operators/GridBuilder.h"
#include "compiler/Operators/Shape.h"
#include "compiler/Operators/SizeProduct.h"
#include "compiler/Operators/Spatial.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using Exprs = SmallVector<AffineExpr>;

/// The sizes of the tensor that was pooled, in which the indices count.
FailureOr<Exprs> pooledSizes(InferContext &ctx) {
  unsigned count = ctx.rank(0) - 2;
  FailureOr<Exprs> kernel = kernelShape(ctx, count);
  FailureOr<SpatialAttributes> attributes = spatialAttributes(ctx, count);
  if (failed(kernel) || failed(attributes))
    return failure();
  Exprs sizes = ctx.sizes(0);
  for (unsigned dim = 0; dim < count; ++dim) {
    int64_t pads = attributes->pads[dim] + attributes->pads[count + dim];
    AffineExpr size = (sizes[dim + 2] - 1) * attributes->strides[dim] - pads + (*kernel)[dim];
    // Without elements there is nothing to unpool.
    sizes[dim + 2] = ctx.getSymbols().max(simplified(ctx, size), ctx.constantExpr(0));
  }
  return sizes;
}

LogicalResult inferMaxUnpool(InferContext &ctx) {
  if (ctx.rank(0) < 3)
    return ctx.error() << "input 'X' has " << ctx.rank(0) << " dimensions, expected at least 3";
  if (ctx.rank(1) != ctx.rank(0) || !ctx.elementType(1).isInteger(64))
    return ctx.error() << "input 'I' must be of i64 and have the dimensions of input 'X'";
  Exprs input = ctx.sizes(0), indices = ctx.sizes(1);
  for (auto [dim, pair] : llvm::enumerate(llvm::zip(input, indices)))
    if (failed(requireEqualSizes(ctx, std::get<0>(pair), std::get<1>(pair),
                                 "the sizes of X and I in dimension " + Twine(dim))))
      return failure();
  FailureOr<Exprs> sizes = pooledSizes(ctx);
  if (failed(sizes))
    return failure();
  if (ctx.hasInput(2)) {
    FailureOr<Exprs> shape = ctx.contentsOrBind(2, 0, kMaxSize);
    if (failed(shape))
      return failure();
    if (shape->size() != sizes->size())
      return ctx.error() << "input 'output_shape' holds " << shape->size() << " sizes, expected "
                         << sizes->size();
    std::string message = (Twine("MaxUnpool '") + ctx.getNode().getNodeName() +
                           "': output_shape is smaller than what is unpooled")
                              .str();
    for (auto [dim, size] : llvm::enumerate(*shape))
      if (failed(ctx.getSymbols().requireAtMost((*sizes)[dim], size, message)))
        return ctx.error() << "input 'output_shape' has " << describe(size) << " in dimension "
                           << dim << ", expected at least " << describe((*sizes)[dim]);
    sizes = *shape;
  }
  ctx.setResult(0, ctx.elementType(0), *sizes);
  return success();
}

/// The indices may point anywhere in the tensor, so one point writes all.
LogicalResult expandMaxUnpool(ExpandContext &ctx) {
  FailureOr<Exprs> sizes = pooledSizes(ctx);
  if (failed(sizes))
    return failure();
  Exprs input = ctx.sizes(0);
  auto product = [&](ArrayRef<AffineExpr> all) {
    return SizeProduct(ctx.getContext(), all).expr();
  };
  AffineExpr total = product(*sizes), count = product(input);
  Value source = ctx.reshape(ctx.input(0), count);
  Value indices = ctx.reshape(ctx.input(1), product(ctx.sizes(1)));
  Type element = ctx.elementType(0);
  Value flat = buildGrid(ctx, extent::tensorType(total, element), {},
                         [&](const GridBuilder &b, ValueRange, ValueRange places) {
                           Value zero = b.index(0), size = b.size(total);
                           Value fill = b.make<arith::ConstantOp>(scalarAttr(element, 0));
                           b.loop(zero, size, [&](Value i) { b.store(fill, places[0], i); });
                           b.loop(zero, b.size(count), [&](Value i) {
                             Value at = b.toIndex(b.load(indices, i)),
                                   inside = b.isInside(at, size);
                             b.require(inside, compute::Fault::Index);
                             b.when(inside, [&] { b.store(b.load(source, i), places[0], at); });
                           });
                         })[0];
  Value unpooled = ctx.reshape(flat, *sizes);
  Exprs result = extent::sizesOf(ctx.resultType(0)), indicesOf, valid, below;
  for (auto [dim, size] : llvm::enumerate(result)) {
    indicesOf.push_back(ctx.dim(dim));
    if (size == (*sizes)[dim])
      continue;
    valid.push_back(ctx.dim(dim));
    below.push_back((*sizes)[dim]);
  }
  ctx.setValue(0, ctx.read(unpooled, ctx.access(result.size(), indicesOf, valid, below), result));
  return success();
}

} // namespace

void registerMaxUnpool(Registry &registry) {
  registry.add({"", "MaxUnpool", 9, inferMaxUnpool, expandMaxUnpool, 2});
}

} // namespace longtail::operators
