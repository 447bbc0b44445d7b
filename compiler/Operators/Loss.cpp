// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
#include "compiler/Operators/Statistics.h"
#include <numeric>

using namespace mlir;
using longtail::compute::Combiner;

namespace longtail::operators {
namespace {

bool isCrossEntropy(InferContext &ctx) {
  return ctx.getNode().getOpType() == "SoftmaxCrossEntropyLoss";
}

LogicalResult inferLoss(InferContext &ctx) {
  StringRef data = isCrossEntropy(ctx) ? "scores" : "input";
  StringRef labels = isCrossEntropy(ctx) ? "labels" : "target";
  if (!ctx.hasInput(0) || !ctx.hasInput(1))
    return ctx.error() << "inputs '" << data << "' and '" << labels << "' are needed";
  if (failed(requireFloat(ctx, 0, data)))
    return failure();
  if (!ctx.elementType(1).isInteger(32) && !ctx.elementType(1).isInteger(64))
    return ctx.error() << "input '" << labels << "' has elements " << ctx.elementType(1)
                       << ", expected i32 or i64";
  int64_t rank = ctx.rank(0);
  if (rank < 2 || ctx.rank(1) != rank - 1)
    return ctx.error() << "input '" << data << "' has " << rank << " dimensions and '" << labels
                       << "' has " << ctx.rank(1) << ", expected at least 2 and one fewer";
  SmallVector<AffineExpr> scores = ctx.sizes(0), positions = ctx.sizes(1);
  for (int64_t dim = 0; dim < rank - 1; ++dim)
    if (failed(requireEqualSizes(ctx, scores[dim + (dim > 0)], positions[dim],
                                 "dimension " + Twine(dim) + " of input '" + labels +
                                     "' and that of input '" + data + "'")))
      return failure();
  if (ctx.hasInput(2) &&
      (failed(requireSameType(ctx, 0, 2, data, isCrossEntropy(ctx) ? "weights" : "weight")) ||
       failed(requireVector(ctx, 2, "weight", scores[1]))))
    return failure();
  StringRef reduction = ctx.getString("reduction", "mean");
  if (reduction != "none" && reduction != "sum" && reduction != "mean")
    return ctx.error() << "attribute 'reduction' is '" << reduction
                       << "', expected 'none', 'sum' or 'mean'";
  ctx.setResult(0, ctx.elementType(0), reduction == "none" ? positions : SmallVector<AffineExpr>());
  ctx.setResult(1, ctx.elementType(0), scores);
  return success();
}

/// The logarithms of the softmax over the classes, in `work`.
Value logSoftmax(ExpandContext &ctx, Type work) {
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  Value maxima = foldAxes(ctx, ctx.input(0), sizes, {1}, /*keepDims=*/true, Combiner::Max, work,
                          [](const RegionBuilder &b, ArrayRef<Value> v) { return b.widen(v[0]); });
  Value sum = foldAxes(
      ctx, {ctx.input(0), maxima}, sizes, {1}, /*keepDims=*/true, Combiner::Add, work,
      [](const RegionBuilder &b, ArrayRef<Value> v) { return b.exp(b.sub(b.widen(v[0]), v[1])); });
  Value logs = mapOver(ctx, extent::sizesOf(sum), work, sum,
                       [](const RegionBuilder &b, ArrayRef<Value> v) { return b.log(v[0]); });
  return mapOver(ctx, sizes, work, {ctx.input(0), maxima, logs},
                 [&](const RegionBuilder &b, ArrayRef<Value> v) {
                   return b.sub(b.sub(b.widen(v[0]), v[1]), v[2]);
                 });
}

/// The logarithm of each position's class, negated and times its weight; and the weights. Positions
/// with the class to ignore have weight 0, and their class need not exist.
LogicalResult expandLoss(ExpandContext &ctx) {
  Type element = ctx.elementType(0), work = accumulatorType(element), label = ctx.elementType(1);
  Value logs = ctx.input(0);
  if (isCrossEntropy(ctx)) {
    logs = logSoftmax(ctx, work);
    if (ctx.hasOutput(1))
      ctx.setValue(1, ctx.castTo(logs, element));
  }
  SmallVector<AffineExpr> positions = ctx.sizes(1);
  unsigned rank = positions.size();
  std::optional<int64_t> ignored;
  if (ctx.attribute("ignore_index"))
    ignored = ctx.getInt("ignore_index", 0);

  auto isIgnored = [&](const RegionBuilder &b, Value target) {
    return b.compare(arith::CmpIPredicate::eq, target, b.integer(label, *ignored));
  };
  auto classOf = [&](const RegionBuilder &b, Value target) {
    if (ignored)
      target = b.select(isIgnored(b, target), b.integer(label, 0), target);
    return b.toIndex(target);
  };
  bool isWeighted = ctx.hasInput(2) || ignored;
  Value weights;
  if (isWeighted)
    weights = mapOver(ctx, positions, work, ctx.input(1),
                      [&](const RegionBuilder &b, ArrayRef<Value> v) -> Value {
                        Value weight = b.number(work, 1);
                        if (ctx.hasInput(2))
                          weight = b.widen(b.make<access::LoadOp>(access::computeType(element),
                                                                  ctx.input(2), classOf(b, v[0]),
                                                                  /*checked=*/true));
                        if (ignored)
                          weight = b.select(isIgnored(b, v[0]), b.number(work, 0), weight);
                        return weight;
                      });
  Type stored = access::computeType(cast<RankedTensorType>(logs.getType()).getElementType());
  SmallVector<Value> operands{ctx.input(1)};
  if (isWeighted)
    operands.push_back(weights);
  Value losses =
      mapOver(ctx, positions, work, operands, [&](const RegionBuilder &b, ArrayRef<Value> v) {
        SmallVector<Value> indices;
        for (unsigned dim = 0; dim < rank; ++dim)
          indices.push_back(b.position(dim));
        indices.insert(indices.begin() + 1, classOf(b, v[0]));
        Value loss =
            b.negate(b.widen(b.make<access::LoadOp>(stored, logs, indices, /*checked=*/true)));
        if (!isWeighted)
          return loss;
        Value weighted = b.mul(loss, v[1]);
        return ignored ? b.select(isIgnored(b, v[0]), b.number(work, 0), weighted) : weighted;
      });
  StringRef reduction = ctx.getString("reduction", "mean");
  if (reduction == "none") {
    ctx.setValue(0, ctx.castTo(losses, element));
    return success();
  }
  SmallVector<int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  auto total = [&](Value values) {
    return foldAxes(ctx, values, positions, axes, /*keepDims=*/false, Combiner::Add, work,
                    [](const RegionBuilder &, ArrayRef<Value> v) { return v[0]; });
  };
  SmallVector<Value> sums{total(losses)};
  bool isMean = reduction == "mean";
  if (isMean && isWeighted)
    sums.push_back(total(weights));
  ctx.setValue(0, mapOver(ctx, {}, element, sums, [&](const RegionBuilder &b, ArrayRef<Value> v) {
                 Value sum = v[0];
                 if (isMean)
                   sum = b.div(sum, v.size() > 1
                                        ? v[1]
                                        : sizeAsNumber(b, productOf(ctx, positions, axes), work));
                 return b.narrow(sum, element);
               }));
  return success();
}

} // namespace

void registerLoss(Registry &registry) {
  registry.add({"", "NegativeLogLikelihoodLoss", 12, inferLoss, expandLoss, 2});
  registry.add({"", "SoftmaxCrossEntropyLoss", 12, inferLoss, expandLoss, 2});
}

} // namespace longtail::operators
