// LayerNormalization, RMSNormalization, LpNormalization, MeanVarianceNormalization and LRN. Each is
// a chain of folds over rows and maps over elements, which fusion turns into one kernel.
#include "compiler/Operators/Statistics.h"
#include <numeric>

using namespace mlir;
using longtail::compute::Combiner;

namespace longtail::operators {
namespace {

LogicalResult inferSameShape(InferContext &ctx, StringRef name) {
  if (failed(requireFloat(ctx, 0, name)))
    return failure();
  ctx.setResult(0, ctx.elementType(0), ctx.sizes(0));
  return success();
}

/// The dimensions from attribute `axis` on.
FailureOr<SmallVector<int64_t>> trailingAxes(InferContext &ctx) {
  FailureOr<int64_t> axis = ctx.normalizeAxis(ctx.getInt("axis", -1), ctx.rank(0));
  if (failed(axis))
    return failure();
  SmallVector<int64_t> axes(ctx.rank(0) - *axis);
  std::iota(axes.begin(), axes.end(), *axis);
  return axes;
}

//===-- LayerNormalization and RMSNormalization -----------------------------------------------===//

/// The type that attribute `stash_type` numbers, or null.
Type stashType(InferContext &ctx) {
  switch (ctx.getInt("stash_type", 1)) {
  case 1:
    return Float32Type::get(ctx.getContext());
  case 10:
    return Float16Type::get(ctx.getContext());
  case 11:
    return Float64Type::get(ctx.getContext());
  case 16:
    return BFloat16Type::get(ctx.getContext());
  default:
    return {};
  }
}

LogicalResult inferRowNormalization(InferContext &ctx) {
  FailureOr<SmallVector<int64_t>> axes = trailingAxes(ctx);
  if (failed(axes) || failed(requireFloat(ctx, 0, "X")) || failed(requireFloat(ctx, 1, "Scale")))
    return failure();
  Type stash = stashType(ctx);
  if (!stash)
    return ctx.error() << "attribute 'stash_type' is " << ctx.getInt("stash_type", 1)
                       << ", expected the number of a floating-point type";
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  if (failed(requireBroadcastsTo(ctx, 1, "Scale", sizes)) ||
      (ctx.hasInput(2) &&
       (failed(requireFloat(ctx, 2, "B")) || failed(requireBroadcastsTo(ctx, 2, "B", sizes)))))
    return failure();
  // RMSNormalization's result has the type of its scale.
  bool isRms = ctx.getNode().getOpType() == "RMSNormalization";
  ctx.setResult(0, ctx.elementType(isRms ? 1 : 0), sizes);
  for (int64_t axis : *axes)
    sizes[axis] = ctx.constantExpr(1);
  for (unsigned output : {1, 2})
    if (ctx.hasOutput(output))
      ctx.setResult(output, stash, sizes);
  return success();
}

LogicalResult expandLayerNormalization(ExpandContext &ctx) {
  FailureOr<SmallVector<int64_t>> axes = trailingAxes(ctx);
  if (failed(axes))
    return failure();
  Type element = ctx.elementType(0), work = accumulatorType(element);
  Moments moments = momentsOf(ctx, ctx.input(0), *axes, work);
  Value inverse = inverseDeviation(ctx, moments.variance, ctx.getFloat("epsilon", 1e-5f));
  SmallVector<Value> operands{ctx.input(0), moments.mean, inverse, ctx.input(1)};
  if (ctx.hasInput(2))
    operands.push_back(ctx.input(2));
  ctx.setValue(0, mapOver(ctx, ctx.sizes(0), element, operands,
                          [&](const RegionBuilder &b, ArrayRef<Value> v) {
                            Value y = b.mul(b.sub(b.widen(v[0]), v[1]), v[2]);
                            y = b.mul(y, b.narrow(v[3], work));
                            if (v.size() > 4)
                              y = b.add(y, b.narrow(v[4], work));
                            return b.narrow(y, element);
                          }));
  for (auto [output, value] : {std::pair(1u, moments.mean), {2u, inverse}})
    if (ctx.hasOutput(output))
      ctx.setValue(output, ctx.castTo(value, ctx.resultType(output).getElementType()));
  return success();
}

LogicalResult expandRmsNormalization(ExpandContext &ctx) {
  FailureOr<SmallVector<int64_t>> axes = trailingAxes(ctx);
  if (failed(axes))
    return failure();
  Type element = ctx.resultType(0).getElementType(), work = accumulatorType(ctx.elementType(0));
  Value squares = meanOver(ctx, ctx.input(0), ctx.sizes(0), *axes, work,
                           [](const RegionBuilder &b, ArrayRef<Value> v) {
                             Value x = b.widen(v[0]);
                             return b.mul(x, x);
                           });
  Value inverse = inverseDeviation(ctx, squares, ctx.getFloat("epsilon", 1e-5f));
  ctx.setValue(0, mapOver(ctx, ctx.sizes(0), element, {ctx.input(0), inverse, ctx.input(1)},
                          [&](const RegionBuilder &b, ArrayRef<Value> v) {
                            Value y = b.mul(b.widen(v[0]), v[1]);
                            return b.narrow(b.mul(y, b.narrow(v[2], work)), element);
                          }));
  return success();
}

//===-- LpNormalization -----------------------------------------------------------------------===//

LogicalResult inferLpNormalization(InferContext &ctx) {
  int64_t p = ctx.getInt("p", 2);
  if (p != 1 && p != 2)
    return ctx.error() << "attribute 'p' is " << p << ", expected 1 or 2";
  if (failed(ctx.normalizeAxis(ctx.getInt("axis", -1), ctx.rank(0))))
    return failure();
  return inferSameShape(ctx, "input");
}

LogicalResult expandLpNormalization(ExpandContext &ctx) {
  FailureOr<int64_t> axis = ctx.normalizeAxis(ctx.getInt("axis", -1), ctx.rank(0));
  if (failed(axis))
    return failure();
  bool isEuclidean = ctx.getInt("p", 2) == 2;
  Type element = ctx.elementType(0), work = accumulatorType(element);
  Value sum = foldAxes(ctx, ctx.input(0), ctx.sizes(0), *axis, /*keepDims=*/true, Combiner::Add,
                       work, [&](const RegionBuilder &b, ArrayRef<Value> v) {
                         Value x = b.widen(v[0]);
                         return isEuclidean ? b.mul(x, x) : b.abs(x, work);
                       });
  ctx.setValue(0, mapOver(ctx, ctx.sizes(0), element, {ctx.input(0), sum},
                          [&](const RegionBuilder &b, ArrayRef<Value> v) {
                            Value norm = isEuclidean ? b.sqrt(v[1]) : v[1];
                            Value zero = b.number(work, 0);
                            Value isZero = b.compare(arith::CmpFPredicate::OEQ, norm, zero);
                            Value y = b.div(b.widen(v[0]), norm);
                            return b.narrow(b.select(isZero, zero, y), element);
                          }));
  return success();
}

//===-- MeanVarianceNormalization -------------------------------------------------------------===//

FailureOr<SmallVector<int64_t>> varianceAxes(InferContext &ctx) {
  SmallVector<int64_t> axes = ctx.getInts("axes").value_or(SmallVector<int64_t>{0, 2, 3});
  for (auto [index, axis] : llvm::enumerate(axes)) {
    FailureOr<int64_t> normal = ctx.normalizeAxis(axis, ctx.rank(0));
    if (failed(normal))
      return failure();
    axis = *normal;
    if (llvm::is_contained(ArrayRef(axes).take_front(index), axis))
      return ctx.error() << "axis " << axis << " is given twice";
  }
  return axes;
}

LogicalResult inferMeanVariance(InferContext &ctx) {
  if (failed(varianceAxes(ctx)))
    return failure();
  return inferSameShape(ctx, "X");
}

LogicalResult expandMeanVariance(ExpandContext &ctx) {
  FailureOr<SmallVector<int64_t>> axes = varianceAxes(ctx);
  if (failed(axes))
    return failure();
  Type element = ctx.elementType(0), work = accumulatorType(element);
  Moments moments = momentsOf(ctx, ctx.input(0), *axes, work);
  ctx.setValue(0,
               mapOver(ctx, ctx.sizes(0), element, {ctx.input(0), moments.mean, moments.variance},
                       [&](const RegionBuilder &b, ArrayRef<Value> v) {
                         Value deviation = b.add(b.sqrt(v[2]), b.number(work, 1e-9));
                         Value centered = b.sub(b.widen(v[0]), v[1]);
                         return b.narrow(b.div(centered, deviation), element);
                       }));
  return success();
}

//===-- LRN -----------------------------------------------------------------------------------===//

LogicalResult inferLrn(InferContext &ctx) {
  if (ctx.rank(0) < 2)
    return ctx.error() << "input 'X' has " << ctx.rank(0) << " dimensions, expected at least 2";
  if (ctx.getInt("size", 0) < 1)
    return ctx.error() << "attribute 'size' is " << ctx.getInt("size", 0)
                       << ", expected at least 1";
  return inferSameShape(ctx, "X");
}

LogicalResult expandLrn(ExpandContext &ctx) {
  int64_t size = ctx.getInt("size", 1);
  double alpha = ctx.getFloat("alpha", 1e-4f), beta = ctx.getFloat("beta", 0.75f),
         bias = ctx.getFloat("bias", 1);
  Type element = ctx.elementType(0), work = accumulatorType(element);
  SmallVector<AffineExpr> sizes = ctx.sizes(0), indices;
  unsigned rank = sizes.size();
  for (unsigned dim = 0; dim < rank; ++dim)
    indices.push_back(ctx.dim(dim));
  indices[1] = ctx.dim(1) + ctx.dim(rank) - (size - 1) / 2;
  access::MapAttr window = ctx.access(rank + 1, indices, indices[1], sizes[1]);
  compute::Operand operand{ctx.input(0), window, compute::identityOf(Combiner::Add, element)};
  Location loc = ctx.getLoc();
  Value squares = compute::buildReduce(ctx.getBuilder(), loc, extent::tensorType(sizes, work),
                                       Combiner::Add, ctx.expr(size), operand,
                                       [&](OpBuilder &builder, ValueRange v) -> SmallVector<Value> {
                                         RegionBuilder b(builder, loc);
                                         Value x = b.widen(v[0]);
                                         return {b.mul(x, x)};
                                       })
                      .getOutput();
  ctx.setValue(0, mapOver(ctx, sizes, element, {ctx.input(0), squares},
                          [&](const RegionBuilder &b, ArrayRef<Value> v) {
                            Value sum = b.mul(v[1], b.number(work, alpha / size));
                            sum = b.add(sum, b.number(work, bias));
                            return b.narrow(b.div(b.widen(v[0]), b.power(sum, beta)), element);
                          }));
  return success();
}

} // namespace

void registerNormalization(Registry &registry) {
  registry.add({"", "LayerNormalization", 17, inferRowNormalization, expandLayerNormalization, 2});
  registry.add({"", "RMSNormalization", 23, inferRowNormalization, expandRmsNormalization, 2});
  registry.add({"", "LpNormalization", 1, inferLpNormalization, expandLpNormalization});
  registry.add({"", "MeanVarianceNormalization", 9, inferMeanVariance, expandMeanVariance});
  registry.add({"", "LRN", 1, inferLrn, expandLrn});
  registerBatchNormalization(registry);
  registerGroupNormalization(registry);
  registerSoftmax(registry);
}

} // namespace longtail::operators
