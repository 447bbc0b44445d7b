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

template <bool IsProduct> LogicalResult expandCumulative(ExpandContext &ctx) {
  FailureOr<AffineExpr> axis = cumulativeAxis(ctx);
  if (failed(axis))
    return failure();
  bool exclusive = ctx.getInt("exclusive", 0) != 0, reverse = ctx.getInt("reverse", 0) != 0;
  Type element = ctx.elementType(0), work = accumulatorType(element);
  AxisView view = viewAlong(ctx, *axis);
  Value source = ctx.reshape(ctx.input(0), view.sizes());
  Value result = buildGrid(
      ctx, extent::tensorType(view.sizes(), element), {view.outer, view.inner},
      [&](const GridBuilder &b, ValueRange points, ValueRange places) {
        Value size = b.size(view.axis), one = b.index(1);
        b.loop(b.index(0), size, b.number(work, IsProduct ? 1 : 0),
               [&](Value step, ValueRange before) {
                 Value at = reverse ? b.sub(b.sub(size, one), step) : step;
                 SmallVector<Value> indices{points[0], at, points[1]};
                 Value next = b.widen(b.load(source, indices));
                 next = IsProduct ? b.mul(before[0], next) : b.add(before[0], next);
                 Value stored = exclusive ? before[0] : next;
                 b.store(isFloat(element) ? b.narrow(stored, element) : stored, places[0], indices);
                 return GridBuilder::Values{next};
               });
      })[0];
  ctx.setValue(0, ctx.reshape(result, ctx.sizes(0)));
  return success();
}

} // namespace

void registerCumulative(Registry &registry) {
  registry.add({"", "CumSum", 11, inferCumulative, expandCumulative<false>, 2});
  registry.add({"", "CumProd", 26, inferCumulative, expandCumulative<true>, 2});
}

} // namespace longtail::operators
