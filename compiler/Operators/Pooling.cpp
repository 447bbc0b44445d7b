// MaxPool, AveragePool, LpPool and their global forms.
#include "compiler/Operators/RegionBuilder.h"
#include "compiler/Operators/Spatial.h"
#include <numeric>

using namespace mlir;
using longtail::compute::Combiner;

namespace longtail::operators {
namespace {

FailureOr<SmallVector<Window>> poolingWindows(InferContext &ctx, bool check) {
  SmallVector<AffineExpr> input = ctx.sizes(0);
  FailureOr<SmallVector<AffineExpr>> kernel = kernelShape(ctx, input.size() - 2);
  if (failed(kernel))
    return failure();
  return slidingWindows(ctx, input, *kernel, ctx.getInt("ceil_mode", 0) != 0, check);
}

LogicalResult requireSpatial(InferContext &ctx) {
  if (ctx.rank(0) < 3)
    return ctx.error() << "input 'X' has " << ctx.rank(0) << " dimensions, expected at least 3";
  if (ctx.getNode().getOpType().ends_with("MaxPool"))
    return requireNumber(ctx, 0, "X");
  return requireFloat(ctx, 0, "X");
}

LogicalResult inferPool(InferContext &ctx) {
  if (failed(requireSpatial(ctx)))
    return failure();
  FailureOr<SmallVector<Window>> windows = poolingWindows(ctx, /*check=*/true);
  if (failed(windows))
    return failure();
  SmallVector<AffineExpr> sizes(ArrayRef(ctx.sizes(0)).take_front(2));
  for (const Window &window : *windows)
    sizes.push_back(window.output);
  ctx.setResult(0, ctx.elementType(0), sizes);
  if (ctx.hasOutput(1))
    ctx.setResult(1, IntegerType::get(ctx.getContext(), 64), sizes);
  return success();
}

/// Folds the windows of the input with `combiner` from elements of `elementType`; positions outside
/// read `fill`. `others` have the result's shape.
Value foldWindows(ExpandContext &ctx, ArrayRef<Window> windows, Combiner combiner, Type elementType,
                  TypedAttr fill, ArrayRef<Value> others, ScalarBody body) {
  SmallVector<AffineExpr> sizes = extent::sizesOf(ctx.resultType(0));
  unsigned rank = sizes.size();
  WindowAccess window = windowAccess(ctx, windows, rank);
  unsigned domain = rank + window.extents.size();
  SmallVector<AffineExpr> indices{ctx.dim(0), ctx.dim(1)}, prefix;
  indices.append(window.indices);
  for (unsigned dim = 0; dim < rank; ++dim)
    prefix.push_back(ctx.dim(dim));
  access::MapAttr map = ctx.access(domain, indices, window.valid, window.below);
  SmallVector<compute::Operand> operands{{ctx.input(0), map, map.isTotal() ? TypedAttr() : fill}};
  for (Value other : others)
    operands.push_back({other, ctx.access(domain, prefix), {}});
  RankedTensorType type = extent::tensorType(sizes, elementType);
  if (window.extents.empty())
    return mapThrough(ctx, type, operands, body);
  Location loc = ctx.getLoc();
  return compute::buildReduce(
             ctx.getBuilder(), loc, type, combiner, window.extents, operands,
             [&](OpBuilder &builder, ValueRange elements) -> SmallVector<Value> {
               return {body(RegionBuilder(builder, loc), SmallVector<Value>(elements))};
             })
      .getOutput();
}

//===-- MaxPool -------------------------------------------------------------------------------===//

/// The position of the maximum in the input, flattened. Windows hold a position at most once, so
/// the first maximum in row-major order is the one with the least position.
Value maxPositions(ExpandContext &ctx, ArrayRef<Window> windows, Value maxima, TypedAttr fill) {
  Type i64 = IntegerType::get(ctx.getContext(), 64);
  SmallVector<AffineExpr> sizes = extent::sizesOf(ctx.resultType(0));
  unsigned rank = sizes.size();
  Value spatial = foldWindows(
      ctx, windows, Combiner::Min, i64, fill, maxima,
      [&](const RegionBuilder &b, ArrayRef<Value> v) {
        Value flat = b.indexConstant(0), found = b.equalOrNan(b.widen(v[0]), v[1]);
        unsigned folded = rank;
        for (auto [dim, window] : llvm::enumerate(windows)) {
          Value position = b.mul(b.position(dim + 2), b.indexConstant(window.stride));
          if (window.kernel != ctx.expr(1))
            position =
                b.add(position, b.mul(b.position(folded++), b.indexConstant(window.dilation)));
          position = b.sub(position, b.size(window.padBegin));
          Value size = b.size(window.input);
          if (window.isPadded) // as an unsigned number, a negative position is not below the size
            found =
                b.make<arith::AndIOp>(found, b.compare(arith::CmpIPredicate::ult, position, size));
          flat = b.add(b.mul(flat, size), position);
        }
        return b.select(found, b.fromIndex(flat, i64), b.identity(Combiner::Min, i64));
      });

  bool columnMajor = ctx.getInt("storage_order", 0) != 0;
  return mapThrough(
      ctx, cast<RankedTensorType>(spatial.getType()), compute::Operand{spatial, {}, {}},
      [&](const RegionBuilder &b, ArrayRef<Value> v) {
        auto size = [&](AffineExpr expr) { return b.fromIndex(b.size(expr), i64); };
        AffineExpr step = ctx.expr(1);
        for (const Window &window : windows)
          step = step * window.input;
        Value position = v[0];
        if (columnMajor) { // the first spatial dimension varies fastest
          Value rest = position, result = b.number(i64, 0);
          for (const Window &window : llvm::reverse(windows)) {
            Value extent = size(window.input);
            Value digit = b.make<arith::RemSIOp>(rest, extent);
            rest = b.div(rest, extent);
            result = b.add(b.mul(result, extent), digit);
          }
          position = result;
        }
        Value plane = b.add(b.mul(b.fromIndex(b.position(0), i64), size(ctx.sizes(0)[1])),
                            b.fromIndex(b.position(1), i64));
        return b.add(b.mul(plane, size(step)), position);
      });
}

LogicalResult expandMaxPool(ExpandContext &ctx) {
  FailureOr<SmallVector<Window>> windows = poolingWindows(ctx, /*check=*/false);
  if (failed(windows))
    return failure();
  Type element = ctx.elementType(0);
  Combiner combiner = element.isUnsignedInteger() ? Combiner::UMax : Combiner::Max;
  Type work = isa<IntegerType>(element) ? element : accumulatorType(element);
  TypedAttr fill = compute::identityOf(combiner, access::computeType(element));
  Value maxima =
      foldWindows(ctx, *windows, combiner, work, fill, {},
                  [](const RegionBuilder &b, ArrayRef<Value> v) { return b.widen(v[0]); });
  ctx.setValue(0, work == element ? maxima : ctx.castTo(maxima, element));
  if (ctx.hasOutput(1))
    ctx.setValue(1, maxPositions(ctx, *windows, maxima, fill));
  return success();
}

//===-- AveragePool and LpPool ----------------------------------------------------------------===//

/// How many positions of the window at `output` count in one dimension: those inside the input, or
/// with `withPads` those inside the padded input.
Value countedPositions(const RegionBuilder &b, const Window &window, Value output, bool withPads) {
  Value zero = b.indexConstant(0), dilation = b.indexConstant(window.dilation);
  Value start = b.sub(b.mul(output, b.indexConstant(window.stride)), b.size(window.padBegin));
  // Positions start + k * dilation below `limit` are k < ceil((limit - start) / dilation).
  auto below = [&](Value limit) {
    Value distance = b.maximum(b.sub(limit, start), zero);
    if (window.dilation == 1)
      return distance;
    return b.div(b.add(distance, b.indexConstant(window.dilation - 1)), dilation);
  };
  Value end = b.size(withPads ? window.input + window.padEnd : window.input);
  Value last = b.minimum(below(end), b.size(window.kernel));
  return withPads ? last : b.sub(last, b.minimum(below(zero), last));
}

LogicalResult expandAveragePool(ExpandContext &ctx) {
  FailureOr<SmallVector<Window>> windows = poolingWindows(ctx, /*check=*/false);
  if (failed(windows))
    return failure();
  Type element = ctx.elementType(0), work = accumulatorType(element);
  bool withPads = ctx.getInt("count_include_pad", 0) != 0;
  bool ceilMode = ctx.getInt("ceil_mode", 0) != 0;
  Value sum =
      foldWindows(ctx, *windows, Combiner::Add, work, compute::identityOf(Combiner::Add, element),
                  {}, [](const RegionBuilder &b, ArrayRef<Value> v) { return b.widen(v[0]); });
  Value result = mapThrough(ctx, ctx.resultType(0), compute::Operand{sum, {}, {}},
                            [&](const RegionBuilder &b, ArrayRef<Value> v) {
                              int64_t whole = 1; // windows that lie inside in all their positions
                              Value count;
                              for (auto [dim, window] : llvm::enumerate(*windows)) {
                                if (!window.isPadded || (withPads && !ceilMode)) {
                                  whole *= cast<AffineConstantExpr>(window.kernel).getValue();
                                  continue;
                                }
                                Value inside =
                                    countedPositions(b, window, b.position(dim + 2), withPads);
                                count = count ? b.mul(count, inside) : inside;
                              }
                              if (!count)
                                return b.narrow(b.div(v[0], b.number(work, whole)), element);
                              count = b.fromIndex(b.mul(count, b.indexConstant(whole)), work);
                              return b.narrow(b.div(v[0], count), element);
                            });
  ctx.setValue(0, result);
  return success();
}

/// `|x| ^ p` and its inverse after the sum.
Value raised(const RegionBuilder &b, Value x, double p) {
  return p == 2 ? b.mul(x, x) : b.power(b.abs(x, x.getType()), p);
}

double normOf(ExpandContext &ctx) { return static_cast<double>(ctx.getInt("p", 2)); }

LogicalResult expandLpPool(ExpandContext &ctx) {
  FailureOr<SmallVector<Window>> windows = poolingWindows(ctx, /*check=*/false);
  if (failed(windows))
    return failure();
  Type element = ctx.elementType(0), work = accumulatorType(element);
  double p = normOf(ctx);
  Value sum = foldWindows(
      ctx, *windows, Combiner::Add, work, compute::identityOf(Combiner::Add, element), {},
      [&](const RegionBuilder &b, ArrayRef<Value> v) { return raised(b, b.widen(v[0]), p); });
  ctx.setValue(0, mapThrough(ctx, ctx.resultType(0), compute::Operand{sum, {}, {}},
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               return b.narrow(b.power(v[0], 1 / p), element);
                             }));
  return success();
}

//===-- Global pooling ------------------------------------------------------------------------===//

LogicalResult inferGlobalPool(InferContext &ctx) {
  if (failed(requireSpatial(ctx)))
    return failure();
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  for (unsigned dim = 2; dim < sizes.size(); ++dim)
    sizes[dim] = ctx.constantExpr(1);
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

enum class GlobalKind { Average, Max, Lp };

template <GlobalKind kind> LogicalResult expandGlobalPool(ExpandContext &ctx) {
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  SmallVector<int64_t> axes(sizes.size() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  Type element = ctx.elementType(0);
  Type work = isa<IntegerType>(element) ? element : accumulatorType(element);
  double p = kind == GlobalKind::Lp ? normOf(ctx) : 1;
  Combiner combiner = kind != GlobalKind::Max       ? Combiner::Add
                      : element.isUnsignedInteger() ? Combiner::UMax
                                                    : Combiner::Max;
  Value folded = foldAxes(ctx, ctx.input(0), sizes, axes, /*keepDims=*/true, combiner, work,
                          [&](const RegionBuilder &b, ArrayRef<Value> v) {
                            Value x = b.widen(v[0]);
                            return kind == GlobalKind::Lp ? raised(b, x, p) : x;
                          });
  if (kind == GlobalKind::Max) {
    ctx.setValue(0, work == element ? folded : ctx.castTo(folded, element));
    return success();
  }
  AffineExpr count = productOf(ctx, sizes, axes);
  ctx.setValue(0, mapThrough(ctx, ctx.resultType(0), compute::Operand{folded, {}, {}},
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               Value x = kind == GlobalKind::Lp
                                             ? b.power(v[0], 1 / p)
                                             : b.div(v[0], sizeAsNumber(b, count, work));
                               return b.narrow(x, element);
                             }));
  return success();
}

LogicalResult inferLpPool(InferContext &ctx) {
  int64_t p = ctx.getInt("p", 2);
  if (p < 1)
    return ctx.error() << "attribute 'p' is " << p << ", expected at least 1";
  return ctx.getNode().getOpType() == "LpPool" ? inferPool(ctx) : inferGlobalPool(ctx);
}

} // namespace

void registerPooling(Registry &registry) {
  registry.add({"", "MaxPool", 1, inferPool, expandMaxPool});
  registry.add({"", "AveragePool", 1, inferPool, expandAveragePool});
  registry.add({"", "LpPool", 2, inferLpPool, expandLpPool});
  registry.add(
      {"", "GlobalAveragePool", 1, inferGlobalPool, expandGlobalPool<GlobalKind::Average>});
  registry.add({"", "GlobalMaxPool", 1, inferGlobalPool, expandGlobalPool<GlobalKind::Max>});
  registry.add({"", "GlobalLpPool", 2, inferLpPool, expandGlobalPool<GlobalKind::Lp>});
}

} // namespace longtail::operators
