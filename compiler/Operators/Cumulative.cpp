// CumSum and CumProd along an axis that may be known only when the model runs.
#include "compiler/Operators/GridBuilder.h"
#include "compiler/Operators/Shape.h"

using namespace mlir;
using longtail::extent::Function;

namespace longtail::operators {
namespace {

/// The one axis of input 1, counted from the front.
FailureOr<AffineExpr> cumulativeAxis(InferContext &ctx) {
  FailureOr<std::optional<SmallVector<AffineExpr>>> axes =
      axesOf(ctx, /*name=*/"", /*input=*/1, ctx.rank(0));
  if (failed(axes))
    return failure();
  if ((*axes)->size() != 1)
    return ctx.error() << "input 'axis' holds " << (*axes)->size() << " numbers, expected one";
  return (*axes)->front();
}

LogicalResult inferCumulative(InferContext &ctx) {
  if (failed(requireNumber(ctx, 0, "x")))
    return failure();
  if (ctx.rank(0) == 0)
    return ctx.error() << "input 'x' has no dimensions, expected at least one";
  if (failed(cumulativeAxis(ctx)))
    return failure();
  ctx.setResult(0, ctx.elementType(0), ctx.sizes(0));
  return success();
}

/// The input as rows along `axis`; sizes that depend on an unknown axis are derived.
AxisView viewAlong(ExpandContext &ctx, AffineExpr axis) {
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  if (auto constant = dyn_cast<AffineConstantExpr>(axis))
    return axisView(ctx, sizes, constant.getValue());
  extent::SymbolTable &symbols = ctx.getSymbols();
  AffineExpr one = ctx.expr(1);
  AxisView view{one, one, one};
  for (size_t dim = 0; dim < sizes.size(); ++dim) {
    AffineExpr here = ctx.expr(dim), size = sizes[dim];
    auto factor = [&](Function relation, AffineExpr a, AffineExpr b) {
      return symbols.derive(Function::Select, {symbols.derive(relation, {a, b}), size, one});
    };
    view.outer = view.outer * factor(Function::Less, here, axis);
    view.axis = view.axis * factor(Function::Equal, here, axis);
    view.inner = view.inner * factor(Function::Less, axis, here);
  }
  return view;
}

/// Elements side by side that one point takes: their sums stay in the first cache level while each
/// row is read and written in long pieces. Fewer than a cache line's are better off as lanes.
constexpr int64_t kSideBySide = 4096, kLine = 16;

template <bool IsProduct> LogicalResult expandCumulative(ExpandContext &ctx) {
  FailureOr<AffineExpr> axis = cumulativeAxis(ctx);
  if (failed(axis))
    return failure();
  bool exclusive = ctx.getInt("exclusive", 0) != 0, reverse = ctx.getInt("reverse", 0) != 0;
  Type element = ctx.elementType(0), work = accumulatorType(element);
  AxisView view = viewAlong(ctx, *axis);
  Value source = ctx.reshape(ctx.input(0), view.sizes());
  RankedTensorType type = extent::tensorType(view.sizes(), element);
  /// The sum up to here, from the one before; stores what is asked for.
  auto stepTo = [&](const GridBuilder &b, Value place, ValueRange indices, Value before) {
    Value next = b.widen(b.load(source, indices));
    next = IsProduct ? b.mul(before, next) : b.add(before, next);
    Value stored = exclusive ? before : next;
    b.store(isFloat(element) ? b.narrow(stored, element) : stored, place, indices);
    return next;
  };
  auto stepsOf = [&](const GridBuilder &b, Value step) {
    return reverse ? b.sub(b.sub(b.size(view.axis), b.index(1)), step) : step;
  };
  auto onePerPoint = [&](const GridBuilder &b, ValueRange points, ValueRange places) {
    b.loop(b.index(0), b.size(view.axis), b.number(work, IsProduct ? 1 : 0),
           [&](Value step, ValueRange before) {
             SmallVector<Value> indices{points[0], stepsOf(b, step), points[1]};
             return GridBuilder::Values{stepTo(b, places[0], indices, before[0])};
           });
  };
  AffineExpr chunks = view.inner.ceilDiv(kSideBySide), width = view.inner.ceilDiv(chunks);
  auto chunkPerPoint = [&](const GridBuilder &b, ValueRange points, ValueRange places) {
    Value sums = b.local(work, {width}), zero = b.index(0);
    Value first = b.mul(points[1], b.size(width));
    Value count = b.make<arith::MinSIOp>(b.size(width), b.sub(b.size(view.inner), first));
    b.loop(zero, count, [&](Value i) { b.store(b.number(work, IsProduct ? 1 : 0), sums, i); });
    b.loop(zero, b.size(view.axis), [&](Value step) {
      Value at = stepsOf(b, step);
      b.loop(zero, count, [&](Value i) {
        SmallVector<Value> indices{points[0], at, b.add(first, i)};
        b.store(stepTo(b, places[0], indices, b.fetch(sums, i)), sums, i);
      });
    });
  };
  auto inner = dyn_cast<AffineConstantExpr>(view.inner);
  bool byChunks = inner && inner.getValue() >= kLine;
  Value result = byChunks ? buildGrid(ctx, type, {view.outer, chunks}, chunkPerPoint)[0]
                          : buildGrid(ctx, type, {view.outer, view.inner}, onePerPoint)[0];
  ctx.setValue(0, ctx.reshape(result, ctx.sizes(0)));
  return success();
}

} // namespace

void registerCumulative(Registry &registry) {
  registry.add({"", "CumSum", 11, inferCumulative, expandCumulative<false>, 2});
  registry.add({"", "CumProd", 26, inferCumulative, expandCumulative<true>, 2});
}

} // namespace longtail::operators
