// Det: elimination with row exchanges, one matrix after the other, computed in f64.
#include "compiler/Operators/GridBuilder.h"

using namespace mlir;

namespace longtail::operators {
namespace {

LogicalResult infer(InferContext &ctx) {
  if (failed(requireFloat(ctx, 0, "X")))
    return failure();
  if (ctx.rank(0) < 2)
    return ctx.error() << "input 'X' has " << ctx.rank(0) << " dimensions, expected at least 2";
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  if (failed(requireEqualSizes(ctx, sizes[sizes.size() - 2], sizes.back(),
                               "the last two dimensions of input 'X'")))
    return failure();
  sizes.truncate(sizes.size() - 2);
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

LogicalResult expand(ExpandContext &ctx) {
  RankedTensorType type = ctx.resultType(0);
  Value source = ctx.input(0);
  AffineExpr order = ctx.sizes(0).back();
  Type f64 = Float64Type::get(ctx.getContext());
  auto body = [&](const GridBuilder &b, ValueRange points, ValueRange places) {
    Value matrix = b.local(f64, {order, order});
    Value none = b.index(0), one = b.index(1), size = b.size(order);
    b.loop(none, size, [&](Value row) {
      b.loop(none, size, [&](Value column) {
        SmallVector<Value> indices(points);
        indices.append({row, column});
        b.store(b.narrow(b.load(source, indices), f64), matrix, {row, column});
      });
    });
    auto at = [&](Value row, Value column) { return b.fetch(matrix, {row, column}); };
    Value product = b.loop(none, size, b.number(f64, 1), [&](Value step, ValueRange before) {
      // The row with the largest element in column `step`.
      Value next = b.add(step, one);
      auto found =
          b.loop(next, size, {step, b.absolute(at(step, step))}, [&](Value row, ValueRange best) {
            Value here = b.absolute(at(row, step));
            Value isMore = b.compare(arith::CmpFPredicate::OGT, here, best[1]);
            return GridBuilder::Values{b.select(isMore, row, best[0]),
                                       b.select(isMore, here, best[1])};
          });
      Value isSame = b.isSame(found[0], step), pivot = at(found[0], step);
      b.loop(step, size, [&](Value column) {
        Value upper = at(step, column), lower = at(found[0], column);
        b.store(lower, matrix, {step, column});
        b.store(b.select(isSame, lower, upper), matrix, {found[0], column});
      });
      // A column of zeros ends with a product of 0, whatever is divided by it.
      Value isZero = b.compare(arith::CmpFPredicate::OEQ, pivot, b.number(f64, 0));
      Value divisor = b.select(isZero, b.number(f64, 1), pivot);
      b.loop(next, size, [&](Value row) {
        Value factor = b.div(at(row, step), divisor);
        b.loop(next, size, [&](Value column) {
          Value rest = b.sub(at(row, column), b.mul(factor, at(step, column)));
          b.store(rest, matrix, {row, column});
        });
      });
      Value signedPivot = b.select(isSame, pivot, b.negate(pivot));
      return GridBuilder::Values{b.mul(before[0], signedPivot)};
    })[0];
    b.store(b.narrow(product, type.getElementType()), places[0], points);
  };
  ctx.setValue(0, buildGrid(ctx, type, extent::sizesOf(type), body)[0]);
  return success();
}

} // namespace

void registerDeterminant(Registry &registry) { registry.add({"", "Det", 11, infer, expand}); }

} // namespace longtail::operators
