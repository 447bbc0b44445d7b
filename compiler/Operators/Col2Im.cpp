// Col2Im in gather form: each pixel sums the elements of the blocks that cover it.
#include "compiler/Operators/RegionBuilder.h"
#include "compiler/Operators/Shape.h"
#include "compiler/Operators/SizeProduct.h"
#include "compiler/Operators/Spatial.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using Exprs = SmallVector<AffineExpr>;

struct Blocks {
  Exprs image, block, counts; // of pixels, elements of a block, and blocks in each dimension
  SpatialAttributes attributes;
};

FailureOr<Blocks> blocksOf(InferContext &ctx) {
  FailureOr<Exprs> image = ctx.contentsOrBind(1, 0, kMaxSize);
  FailureOr<Exprs> block = ctx.contentsOrBind(2, 1, kMaxSize);
  if (failed(image) || failed(block))
    return failure();
  if (image->size() != block->size())
    return ctx.error() << "image_shape holds " << image->size() << " sizes and block_shape "
                       << block->size() << ", expected the same number";
  for (AffineExpr size : *block)
    if (auto constant = dyn_cast<AffineConstantExpr>(size); constant && constant.getValue() < 1)
      return ctx.error() << "input 'block_shape' holds " << constant.getValue()
                         << ", expected positive sizes";
  FailureOr<SpatialAttributes> attributes = spatialAttributes(ctx, image->size());
  if (failed(attributes))
    return failure();
  Blocks blocks{*image, *block, {}, *attributes};
  unsigned rank = image->size();
  for (unsigned dim = 0; dim < rank; ++dim) {
    AffineExpr reach = ((*block)[dim] - 1) * attributes->dilations[dim] + 1;
    AffineExpr padded = (*image)[dim] + (attributes->pads[dim] + attributes->pads[rank + dim]);
    AffineExpr last = simplified(ctx, padded - reach);
    AffineExpr count = simplified(ctx, last.floorDiv(attributes->strides[dim]) + 1);
    blocks.counts.push_back(ctx.getSymbols().max(count, ctx.constantExpr(0)));
  }
  return blocks;
}

LogicalResult inferCol2Im(InferContext &ctx) {
  if (ctx.rank(0) != 3)
    return ctx.error() << "input 'input' has " << ctx.rank(0) << " dimensions, expected 3";
  if (failed(requireNumber(ctx, 0, "input")))
    return failure();
  FailureOr<Blocks> blocks = blocksOf(ctx);
  if (failed(blocks))
    return failure();
  Exprs input = ctx.sizes(0);
  auto product = [&](ArrayRef<AffineExpr> sizes) {
    return SizeProduct(ctx.getContext(), sizes).expr();
  };
  AffineExpr elements = product(blocks->block);
  AffineExpr channels = ctx.getSymbols().floorDiv(input[1], elements);
  if (failed(requireEqualSizes(ctx, input[1], simplified(ctx, channels * elements),
                               "dimension 1 of the input and the channels times the block")) ||
      failed(requireEqualSizes(ctx, input[2], simplified(ctx, product(blocks->counts)),
                               "dimension 2 of the input and the number of blocks")))
    return failure();
  Exprs sizes{input[0], channels};
  llvm::append_range(sizes, blocks->image);
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

LogicalResult expandCol2Im(ExpandContext &ctx) {
  FailureOr<Blocks> blocks = blocksOf(ctx);
  if (failed(blocks))
    return failure();
  RankedTensorType result = ctx.resultType(0);
  unsigned rank = result.getRank();
  // Pixel p is element k of block l where p + pad = l * stride + k * dilation.
  Exprs extents, valid, below;
  AffineExpr element = ctx.expr(0), block = ctx.expr(0);
  for (auto [dim, size] : llvm::enumerate(blocks->block)) {
    AffineExpr k = ctx.expr(0);
    if (size != ctx.expr(1)) {
      k = ctx.dim(rank + extents.size());
      extents.push_back(size);
    }
    AffineExpr from =
        ctx.dim(dim + 2) + blocks->attributes.pads[dim] - k * blocks->attributes.dilations[dim];
    int64_t stride = blocks->attributes.strides[dim];
    AffineExpr l = from.floorDiv(stride), count = blocks->counts[dim];
    if (stride != 1) {
      valid.push_back(from % stride);
      below.push_back(ctx.expr(1));
    }
    valid.push_back(l);
    below.push_back(count);
    element = element * size + k;
    block = block * count + l;
  }
  AffineExpr elements = SizeProduct(ctx.getContext(), blocks->block).expr();
  Exprs indices{ctx.dim(0), ctx.dim(1) * elements + element, block};
  Type type = ctx.elementType(0);
  TypedAttr zero = compute::identityOf(compute::Combiner::Add, access::computeType(type));
  compute::Operand operand{ctx.input(0), ctx.access(rank + extents.size(), indices, valid, below),
                           zero};
  if (extents.empty()) {
    ctx.setValue(0, mapThrough(ctx, result, operand,
                               [](const RegionBuilder &, ArrayRef<Value> v) { return v[0]; }));
    return success();
  }
  Type work = isFloat(type) ? accumulatorType(type) : type;
  Location loc = ctx.getLoc();
  Value sum =
      compute::buildReduce(ctx.getBuilder(), loc, extent::tensorType(extent::sizesOf(result), work),
                           compute::Combiner::Add, extents, operand,
                           [&](OpBuilder &builder, ValueRange v) -> SmallVector<Value> {
                             return {RegionBuilder(builder, loc).widen(v[0])};
                           })
          .getOutput();
  ctx.setValue(0, work == type ? sum : ctx.castTo(sum, type));
  return success();
}

} // namespace

void registerCol2Im(Registry &registry) {
  registry.add({"", "Col2Im", 18, inferCol2Im, expandCol2Im, 3});
}

} // namespace longtail::operators
