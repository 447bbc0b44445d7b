// GroupNormalization and InstanceNormalization, its case of one channel in each group.
#include "compiler/Operators/Statistics.h"

using namespace mlir;
using longtail::compute::Combiner;

namespace longtail::operators {
namespace {

bool isInstance(InferContext &ctx) { return ctx.getNode().getOpType() == "InstanceNormalization"; }

/// Before version 21 scale and bias have one element for each group.
bool scalesGroups(InferContext &ctx) { return !isInstance(ctx) && ctx.version() < 21; }

LogicalResult inferGroupNormalization(InferContext &ctx) {
  if (ctx.rank(0) < 2)
    return ctx.error() << "input 'X' has " << ctx.rank(0) << " dimensions, expected at least 2";
  AffineExpr channels = ctx.sizes(0)[1], groups = channels;
  if (!isInstance(ctx)) {
    int64_t count = ctx.getInt("num_groups", 0);
    if (count < 1)
      return ctx.error() << "attribute 'num_groups' is " << count << ", expected at least 1";
    groups = ctx.constantExpr(count);
    if (failed(requireEqualSizes(ctx, channels % count, ctx.constantExpr(0),
                                 "the remainder of the channels by 'num_groups' and 0")))
      return failure();
  }
  if (failed(requireFloat(ctx, 0, "X")))
    return failure();
  for (auto [input, name] : {std::pair(1u, "scale"), {2u, "bias"}})
    if (failed(requireFloat(ctx, input, name)) ||
        failed(requireVector(ctx, input, name, scalesGroups(ctx) ? groups : channels)))
      return failure();
  ctx.setResult(0, ctx.elementType(0), ctx.sizes(0));
  return success();
}

LogicalResult expandGroupNormalization(ExpandContext &ctx) {
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  unsigned rank = sizes.size();
  Type element = ctx.elementType(0), work = accumulatorType(element);
  AffineExpr groups = isInstance(ctx) ? sizes[1] : ctx.expr(ctx.getInt("num_groups", 1));
  AffineExpr perGroup = ctx.getSymbols().floorDiv(sizes[1], groups);

  // Folds have the domain (batch, group), then the channels of a group and the positions.
  SmallVector<AffineExpr> extents, indices{ctx.dim(0), ctx.dim(1)};
  if (perGroup != ctx.expr(1)) {
    extents.push_back(perGroup);
    indices[1] = ctx.dim(1) * perGroup + ctx.dim(2);
  }
  AffineExpr count = perGroup;
  for (unsigned dim = 2; dim < rank; ++dim) {
    indices.push_back(ctx.dim(2 + extents.size()));
    extents.push_back(sizes[dim]);
    count = count * sizes[dim];
  }
  unsigned domain = 2 + extents.size();
  SmallVector<AffineExpr> statistics{sizes[0], groups};
  RankedTensorType type = extent::tensorType(statistics, work);
  access::MapAttr source = ctx.access(domain, indices);
  access::MapAttr group = ctx.access(domain, {ctx.dim(0), ctx.dim(1)});
  Location loc = ctx.getLoc();
  auto meanOf = [&](ArrayRef<compute::Operand> operands, ScalarBody body) {
    Value sum;
    if (extents.empty())
      sum = mapThrough(ctx, type, operands, body);
    else
      sum =
          compute::buildReduce(ctx.getBuilder(), loc, type, Combiner::Add, extents, operands,
                               [&](OpBuilder &builder, ValueRange v) -> SmallVector<Value> {
                                 return {body(RegionBuilder(builder, loc), SmallVector<Value>(v))};
                               })
              .getOutput();
    return mapThrough(ctx, type, compute::Operand{sum, {}, {}},
                      [&](const RegionBuilder &b, ArrayRef<Value> v) {
                        return b.div(v[0], sizeAsNumber(b, count, work));
                      });
  };
  Value mean = meanOf(compute::Operand{ctx.input(0), source, {}},
                      [](const RegionBuilder &b, ArrayRef<Value> v) { return b.widen(v[0]); });
  Value variance = meanOf({{ctx.input(0), source, {}}, {mean, group, {}}},
                          [](const RegionBuilder &b, ArrayRef<Value> v) {
                            Value centered = b.sub(b.widen(v[0]), v[1]);
                            return b.mul(centered, centered);
                          });
  Value inverse = inverseDeviation(ctx, variance, ctx.getFloat("epsilon", 1e-5f));

  AffineExpr ownGroup = perGroup == ctx.expr(1) ? ctx.dim(1) : ctx.dim(1).floorDiv(perGroup);
  access::MapAttr statistic = ctx.access(rank, {ctx.dim(0), ownGroup});
  access::MapAttr channel = ctx.access(rank, scalesGroups(ctx) ? ownGroup : ctx.dim(1));
  ctx.setValue(0, mapThrough(ctx, extent::tensorType(sizes, element),
                             {{ctx.input(0), {}, {}},
                              {mean, statistic, {}},
                              {inverse, statistic, {}},
                              {ctx.input(1), channel, {}},
                              {ctx.input(2), channel, {}}},
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               Value y = b.mul(b.sub(b.widen(v[0]), v[1]), v[2]);
                               y = b.add(b.mul(y, b.narrow(v[3], work)), b.narrow(v[4], work));
                               return b.narrow(y, element);
                             }));
  return success();
}

} // namespace

void registerGroupNormalization(Registry &registry) {
  registry.add(
      {"", "GroupNormalization", 18, inferGroupNormalization, expandGroupNormalization, 3});
  registry.add(
      {"", "InstanceNormalization", 1, inferGroupNormalization, expandGroupNormalization, 3});
}

} // namespace longtail::operators
