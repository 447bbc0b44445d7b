#include "compiler/Operators/GridOrder.h"

using namespace mlir;

namespace longtail::operators {

Value isLess(const GridBuilder &b, Value x, Value y, Type elementType) {
  if (access::isHandle(elementType)) {
    Value order = b.make<compute::TextOp>(b.builder().getI64Type(), compute::TextFunction::Compare,
                                          ValueRange{x, y});
    return b.cmpI(arith::CmpIPredicate::slt, order, b.integer(order.getType(), 0));
  }
  if (isa<IntegerType>(elementType)) {
    bool isUnsigned = elementType.isUnsignedInteger() || elementType.isInteger(1);
    return b.cmpI(isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt, x, y);
  }
  x = b.widen(x), y = b.widen(y);
  Value isNumber = b.cmpF(arith::CmpFPredicate::ORD, x, x);
  return b.either(b.cmpF(arith::CmpFPredicate::OLT, x, y), b.both(isNumber, b.isNaN(y)));
}

Value lowerBound(const GridBuilder &b, Value sorted, Value count, Value wanted) {
  Type element = cast<RankedTensorType>(sorted.getType()).getElementType();
  Value one = b.index(1);
  auto end = b.repeatWhile(
      {b.index(0), count}, [&](ValueRange range) { return b.isBelow(range[0], range[1]); },
      [&](ValueRange range) {
        Value middle = b.make<arith::ShRUIOp>(b.add(range[0], range[1]), one);
        Value isLow = isLess(b, b.load(sorted, middle), wanted, element);
        return GridBuilder::Values{b.select(isLow, b.add(middle, one), range[0]),
                                   b.select(isLow, range[1], middle)};
      });
  return end[0];
}

/// Merges neighbouring sorted runs of `width` numbers of `from` into runs of twice that in `to`.
static void mergeRuns(const GridBuilder &b, Value from, Value to, Value width, Value count,
                      function_ref<Value(Value, Value)> isBefore) {
  Value one = b.index(1), pair = b.add(width, width);
  auto at = [&](Value position) { return b.toIndex(b.fetch(from, position)); };
  b.loop(b.index(0), b.make<arith::CeilDivUIOp>(count, pair), [&](Value run) {
    Value low = b.mul(run, pair), middle = b.minimum(b.add(low, width), count);
    Value high = b.minimum(b.add(low, pair), count);
    b.loop(low, high, {low, middle}, [&](Value out, ValueRange next) {
      Value left = next[0], right = next[1];
      Value hasLeft = b.isBelow(left, middle), hasRight = b.isBelow(right, high);
      Value isRight = b.choose(
          b.both(hasLeft, hasRight),
          [&] { return GridBuilder::Values{isBefore(at(right), at(left))}; },
          [&] { return GridBuilder::Values{hasRight}; })[0];
      b.store(b.fetch(from, b.select(isRight, right, left)), to, out);
      return GridBuilder::Values{b.select(isRight, left, b.add(left, one)),
                                 b.select(isRight, b.add(right, one), right)};
    });
  });
}

void sortStably(const GridBuilder &b, Value order, Value spare, Value count,
                function_ref<Value(Value, Value)> isBefore) {
  // There and back, so that the result is where the input was.
  b.repeatWhile(
      b.index(1), [&](ValueRange width) { return b.isBelow(width[0], count); },
      [&](ValueRange width) {
        Value twice = b.add(width[0], width[0]);
        mergeRuns(b, order, spare, width[0], count, isBefore);
        mergeRuns(b, spare, order, twice, count, isBefore);
        return GridBuilder::Values{b.add(twice, twice)};
      });
}

} // namespace longtail::operators
