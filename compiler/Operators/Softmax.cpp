// Softmax, LogSoftmax and Hardmax. Before version 13 they normalize all dimensions from `axis` on
// together, later `axis` alone.
#include "compiler/Operators/Statistics.h"
#include <limits>
#include <numeric>

using namespace mlir;
using longtail::compute::Combiner;

namespace longtail::operators {
namespace {

FailureOr<SmallVector<int64_t>> softmaxAxes(InferContext &ctx) {
  bool flattens = ctx.version() < 13;
  int64_t rank = ctx.rank(0), axis = ctx.getInt("axis", flattens ? 1 : -1);
  if (flattens && axis == rank) // rows of one element
    return SmallVector<int64_t>();
  FailureOr<int64_t> normal = ctx.normalizeAxis(axis, rank);
  if (failed(normal))
    return failure();
  SmallVector<int64_t> axes(flattens ? rank - *normal : 1);
  std::iota(axes.begin(), axes.end(), *normal);
  return axes;
}

LogicalResult inferSoftmax(InferContext &ctx) {
  if (failed(requireFloat(ctx, 0, "input")) || failed(softmaxAxes(ctx)))
    return failure();
  ctx.setResult(0, ctx.elementType(0), ctx.sizes(0));
  return success();
}

Value rowMaxima(ExpandContext &ctx, ArrayRef<int64_t> axes, Type work) {
  return foldAxes(ctx, ctx.input(0), ctx.sizes(0), axes, /*keepDims=*/true, Combiner::Max, work,
                  [](const RegionBuilder &b, ArrayRef<Value> v) { return b.widen(v[0]); });
}

LogicalResult expandSoftmax(ExpandContext &ctx) {
  FailureOr<SmallVector<int64_t>> axes = softmaxAxes(ctx);
  if (failed(axes))
    return failure();
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  Type element = ctx.elementType(0), work = accumulatorType(element);
  Value maxima = rowMaxima(ctx, *axes, work);
  // The definition's steps are tensors of the element type: shorter types round each.
  auto round = [&](const RegionBuilder &b, Value x) {
    return b.narrow(b.narrow(x, element), work);
  };
  Value powers = mapOver(ctx, sizes, work, {ctx.input(0), maxima},
                         [&](const RegionBuilder &b, ArrayRef<Value> v) {
                           return round(b, b.exp(round(b, b.sub(b.widen(v[0]), v[1]))));
                         });
  Value sum = foldAxes(ctx, powers, sizes, *axes, /*keepDims=*/true, Combiner::Add, work,
                       [](const RegionBuilder &, ArrayRef<Value> v) { return v[0]; });
  if (element != work) {
    ctx.setValue(0, mapOver(ctx, sizes, element, {powers, sum},
                            [&](const RegionBuilder &b, ArrayRef<Value> v) {
                              return b.narrow(b.div(v[0], round(b, v[1])), element);
                            }));
    return success();
  }
  // One division for each row instead of each element. A sum is at least 1 (or NaN), so its inverse
  // neither overflows nor loses bits; a result may be off by one more unit in the last place.
  Value inverse =
      mapOver(ctx, extent::sizesOf(sum), work, sum, [&](const RegionBuilder &b, ArrayRef<Value> v) {
        return b.div(b.number(work, 1), v[0]);
      });
  ctx.setValue(
      0, mapOver(ctx, sizes, element, {powers, inverse},
                 [&](const RegionBuilder &b, ArrayRef<Value> v) { return b.mul(v[0], v[1]); }));
  return success();
}

LogicalResult expandLogSoftmax(ExpandContext &ctx) {
  FailureOr<SmallVector<int64_t>> axes = softmaxAxes(ctx);
  if (failed(axes))
    return failure();
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  Type element = ctx.elementType(0), work = accumulatorType(element);
  Value maxima = rowMaxima(ctx, *axes, work);
  Value sum = foldAxes(
      ctx, {ctx.input(0), maxima}, sizes, *axes, /*keepDims=*/true, Combiner::Add, work,
      [](const RegionBuilder &b, ArrayRef<Value> v) { return b.exp(b.sub(b.widen(v[0]), v[1])); });
  Value logs = mapOver(ctx, extent::sizesOf(sum), work, sum,
                       [](const RegionBuilder &b, ArrayRef<Value> v) { return b.log(v[0]); });
  ctx.setValue(0, mapOver(ctx, sizes, element, {ctx.input(0), maxima, logs},
                          [&](const RegionBuilder &b, ArrayRef<Value> v) {
                            Value shifted = b.sub(b.widen(v[0]), v[1]);
                            return b.narrow(b.sub(shifted, v[2]), element);
                          }));
  return success();
}

/// The position within a row, row-major over `axes`; `dims[i]` is the dimension of the domain that
/// runs along axis `i`.
Value rowPosition(const RegionBuilder &b, ArrayRef<AffineExpr> sizes, ArrayRef<int64_t> axes,
                  ArrayRef<unsigned> dims) {
  Value position = b.indexConstant(0);
  for (auto [axis, dim] : llvm::zip(axes, dims))
    position = b.add(b.mul(position, b.size(sizes[axis])), b.position(dim));
  return b.fromIndex(position, b.builder().getI64Type());
}

LogicalResult expandHardmax(ExpandContext &ctx) {
  FailureOr<SmallVector<int64_t>> axes = softmaxAxes(ctx);
  if (failed(axes))
    return failure();
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  Type element = ctx.elementType(0), work = accumulatorType(element);
  Type i64 = IntegerType::get(ctx.getContext(), 64);
  Value maxima = rowMaxima(ctx, *axes, work);
  SmallVector<unsigned> folded, own;
  for (auto [index, axis] : llvm::enumerate(*axes)) {
    folded.push_back(sizes.size() + index);
    own.push_back(axis);
  }
  Value first = foldAxes(ctx, {ctx.input(0), maxima}, sizes, *axes, /*keepDims=*/true,
                         Combiner::Min, i64, [&](const RegionBuilder &b, ArrayRef<Value> v) {
                           return b.select(b.equalOrNan(b.widen(v[0]), v[1]),
                                           rowPosition(b, sizes, *axes, folded),
                                           b.identity(Combiner::Min, i64));
                         });
  ctx.setValue(
      0, mapOver(ctx, sizes, element, first, [&](const RegionBuilder &b, ArrayRef<Value> v) {
        Value here = b.compare(arith::CmpIPredicate::eq, v[0], rowPosition(b, sizes, *axes, own));
        return b.select(here, b.number(element, 1), b.number(element, 0));
      }));
  return success();
}

} // namespace

void registerSoftmax(Registry &registry) {
  registry.add({"", "Softmax", 1, inferSoftmax, expandSoftmax});
  registry.add({"", "LogSoftmax", 1, inferSoftmax, expandLogSoftmax});
  registry.add({"", "Hardmax", 1, inferSoftmax, expandHardmax});
}

} // namespace longtail::operators
