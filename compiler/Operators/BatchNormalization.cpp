// BatchNormalization of all versions. Inference is `x * factor + offset` with one factor and offset
// for each channel, so that both fold into a convolution before it.
#include "compiler/Operators/Statistics.h"

using namespace mlir;

namespace longtail::operators {
namespace {

/// The dimensions that statistics keep: the channels, or before version 9 with `spatial` = 0 all
/// but the batch.
bool isSpatial(InferContext &ctx) { return ctx.version() >= 9 || ctx.getInt("spatial", 1) != 0; }

SmallVector<AffineExpr> statisticSizes(InferContext &ctx) {
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  if (sizes.size() < 2)
    return {ctx.constantExpr(1)};
  SmallVector<AffineExpr> kept(ArrayRef(sizes).drop_front(1));
  if (isSpatial(ctx))
    kept.resize(1);
  return kept;
}

bool isTraining(InferContext &ctx) {
  if (ctx.version() >= 14)
    return ctx.getInt("training_mode", 0) != 0;
  for (unsigned output = 1; output < ctx.numOutputs(); ++output)
    if (ctx.hasOutput(output))
      return true;
  return false;
}

LogicalResult inferBatchNormalization(InferContext &ctx) {
  if (ctx.rank(0) < 1)
    return ctx.error() << "input 'X' is a scalar, expected at least 1 dimension";
  SmallVector<AffineExpr> kept = statisticSizes(ctx);
  constexpr StringLiteral names[] = {"X", "scale", "B", "input_mean", "input_var"};
  for (auto [input, name] : llvm::enumerate(names)) {
    if (failed(requireFloat(ctx, input, name)))
      return failure();
    if (input == 0)
      continue;
    SmallVector<AffineExpr> sizes = ctx.sizes(input);
    if (sizes.size() != kept.size())
      return ctx.error() << "input '" << name << "' has " << sizes.size()
                         << " dimensions, expected " << kept.size();
    for (auto [dim, size] : llvm::enumerate(sizes))
      if (failed(requireEqualSizes(ctx, size, kept[dim],
                                   "dimension " + Twine(dim) + " of input '" + name +
                                       "' and the channels of input 'X'")))
        return failure();
  }
  ctx.setResult(0, ctx.elementType(0), ctx.sizes(0));
  for (unsigned output = 1; output < ctx.numOutputs(); ++output) {
    if (!ctx.hasOutput(output))
      continue;
    if (!isTraining(ctx))
      return ctx.error() << "output " << output << " exists in training mode only";
    // Running statistics come first; before version 14 those of this batch follow.
    ctx.setResult(output, ctx.elementType(output % 2 ? 3 : 4), kept);
  }
  return success();
}

/// The type in which all of it is computed: the widest of the operands', at least f32.
Type workType(ExpandContext &ctx) {
  for (unsigned input = 0; input < 5; ++input)
    if (ctx.elementType(input).isF64())
      return ctx.elementType(input);
  return Float32Type::get(ctx.getContext());
}

LogicalResult expandBatchNormalization(ExpandContext &ctx) {
  SmallVector<AffineExpr> sizes = ctx.sizes(0), kept = statisticSizes(ctx);
  unsigned rank = sizes.size();
  Type element = ctx.elementType(0), work = workType(ctx);
  Value mean = ctx.input(3), variance = ctx.input(4);
  if (isTraining(ctx)) {
    SmallVector<int64_t> axes;
    for (unsigned dim = 0; dim < rank; ++dim)
      if (dim == 0 || (isSpatial(ctx) && dim > 1))
        axes.push_back(dim);
    Moments moments = momentsOf(ctx, ctx.input(0), axes, work);
    mean = ctx.reshape(moments.mean, kept);
    variance = ctx.reshape(moments.variance, kept);
    double momentum = ctx.getFloat("momentum", 0.9f);
    for (unsigned output = 1; output < ctx.numOutputs(); ++output) {
      if (!ctx.hasOutput(output))
        continue;
      Value batch = output % 2 ? mean : variance;
      Type type = ctx.resultType(output).getElementType();
      if (output > 2) {
        ctx.setValue(output, ctx.castTo(batch, type));
        continue;
      }
      ctx.setValue(output, mapOver(ctx, kept, type, {ctx.input(output + 2), batch},
                                   [&](const RegionBuilder &b, ArrayRef<Value> v) {
                                     Value old =
                                         b.mul(b.narrow(v[0], work), b.number(work, momentum));
                                     Value now = b.mul(v[1], b.number(work, 1 - momentum));
                                     return b.narrow(b.add(old, now), type);
                                   }));
    }
  }

  double epsilon = ctx.getFloat("epsilon", 1e-5f);
  Value factor = mapOver(ctx, kept, work, {ctx.input(1), variance},
                         [&](const RegionBuilder &b, ArrayRef<Value> v) {
                           Value sum = b.add(b.narrow(v[1], work), b.number(work, epsilon));
                           return b.div(b.narrow(v[0], work), b.sqrt(sum));
                         });
  Value offset = mapOver(ctx, kept, work, {ctx.input(2), mean, factor},
                         [&](const RegionBuilder &b, ArrayRef<Value> v) {
                           return b.sub(b.narrow(v[0], work), b.mul(b.narrow(v[1], work), v[2]));
                         });
  SmallVector<AffineExpr> indices;
  for (unsigned dim = 0; dim < kept.size(); ++dim)
    indices.push_back(rank < 2 ? ctx.expr(0) : ctx.dim(dim + 1));
  access::MapAttr channel = ctx.access(rank, indices);
  ctx.setValue(0, mapThrough(ctx, extent::tensorType(sizes, element),
                             {{ctx.input(0), {}, {}}, {factor, channel, {}}, {offset, channel, {}}},
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               Value y = b.add(b.mul(b.narrow(v[0], work), v[1]), v[2]);
                               return b.narrow(y, element);
                             }));
  return success();
}

} // namespace

void registerBatchNormalization(Registry &registry) {
  registry.add({"", "BatchNormalization", 1, inferBatchNormalization, expandBatchNormalization, 5});
}

} // namespace longtail::operators
