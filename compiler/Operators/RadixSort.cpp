// Sorting by keys, digit by digit from the lowest on.
#include "compiler/Operators/GridOrder.h"

using namespace mlir;
using arith::CmpIPredicate;

namespace longtail::operators {

/// Digits of a sort; their counts fit the first level of caches.
static constexpr int64_t kDigitBits = 8;
/// The digit by which few of many are told apart: of a number of 32 bits the sign, the exponent and
/// two bits more.
static constexpr int64_t kTopBits = 11;

bool hasSortKey(Type elementType) {
  return (isa<FloatType>(elementType) && !isTinyFloat(elementType)) ||
         (isa<IntegerType>(elementType) && !access::isHandle(elementType));
}

Type sortKeyType(const GridBuilder &b, Type elementType) {
  return b.builder().getIntegerType(access::bitWidth(elementType) > 32 ? 64 : 32);
}

Value sortKey(const GridBuilder &b, Value x, Type elementType, bool descending, bool nanLast) {
  auto type = cast<IntegerType>(sortKeyType(b, elementType));
  Value ones = b.integer(type, -1);
  Value lowest = b.integer(type, type.getWidth() == 64 ? std::numeric_limits<int64_t>::min()
                                                       : std::numeric_limits<int32_t>::min());
  auto inverted = [&](Value key) { return b.make<arith::XOrIOp>(key, ones); };
  if (auto integer = dyn_cast<IntegerType>(elementType)) {
    bool isUnsigned = integer.isUnsigned() || integer.getWidth() == 1;
    Value key = x;
    if (x.getType() != type)
      key = isUnsigned ? b.make<arith::ExtUIOp>(type, x) : b.make<arith::ExtSIOp>(type, x);
    if (!isUnsigned)
      key = b.make<arith::XOrIOp>(key, lowest);
    return descending ? inverted(key) : key;
  }
  x = b.widen(x);
  // The two zeros are equal.
  Value bits = b.make<arith::BitcastOp>(type, b.add(x, b.like(x, 0)));
  Value isNegative = b.cmpI(CmpIPredicate::slt, bits, b.integer(type, 0));
  Value key = b.make<arith::XOrIOp>(bits, b.select(isNegative, ones, lowest));
  if (descending)
    key = inverted(key);
  return b.select(b.isNaN(x), nanLast ? ones : b.integer(type, 0), key);
}

KeyedArray keyedArray(const GridBuilder &b, Type elementType, AffineExpr size) {
  return {b.local(sortKeyType(b, elementType), size), b.local(b.builder().getI64Type(), size)};
}

RadixSorter::RadixSorter(const GridBuilder &b, Type keyType)
    : b(b), keyType(keyType),
      counts(b.local(b.builder().getI64Type(),
                     getAffineConstantExpr(int64_t(1) << kTopBits, b.builder().getContext()))) {}

Value RadixSorter::digit(Value key, Value shift, int64_t bits) const {
  Value moved = b.make<arith::ShRUIOp>(key, shift);
  Value low = b.make<arith::AndIOp>(moved, b.integer(keyType, (int64_t(1) << bits) - 1));
  return b.make<arith::IndexCastUIOp>(b.builder().getIndexType(), low);
}

void RadixSorter::countDigits(Value keys, Value count, Value shift, int64_t bits) const {
  Value zero = b.index(0), none = b.integer(b.builder().getI64Type(), 0);
  Value one = b.integer(none.getType(), 1);
  b.loop(zero, b.index(int64_t(1) << bits), [&](Value i) { b.store(none, counts, i); });
  b.loop(zero, count, [&](Value i) {
    Value at = digit(b.fetch(keys, i), shift, bits);
    b.store(b.add(b.fetch(counts, at), one), counts, at);
  });
}

void RadixSorter::pass(const KeyedArray &from, const KeyedArray &to, Value shift,
                       Value count) const {
  Value zero = b.index(0), none = b.integer(b.builder().getI64Type(), 0);
  Value one = b.integer(none.getType(), 1);
  countDigits(from.keys, count, shift, kDigitBits);
  // Where the elements of each digit begin.
  b.loop(zero, b.index(int64_t(1) << kDigitBits), none, [&](Value i, ValueRange before) {
    Value here = b.fetch(counts, i);
    b.store(before[0], counts, i);
    return GridBuilder::Values{b.add(before[0], here)};
  });
  b.loop(zero, count, [&](Value i) {
    Value key = b.fetch(from.keys, i), number = b.fetch(from.numbers, i);
    Value at = digit(key, shift, kDigitBits), place = b.fetch(counts, at);
    b.store(b.add(place, one), counts, at);
    b.store(key, to.keys, b.toIndex(place));
    b.store(number, to.numbers, b.toIndex(place));
  });
}

void RadixSorter::sort(const KeyedArray &array, const KeyedArray &spare, Value count) const {
  int64_t width = cast<IntegerType>(keyType).getWidth();
  Value zero = b.index(0), pairs = b.index(width / (2 * kDigitBits));
  // Nothing to do for one element. There and back, so that the result is where the input was.
  Value trips = b.select(b.isBelow(b.index(1), count), pairs, zero);
  b.loop(zero, trips, [&](Value pair) {
    Value shift = b.fromIndex(b.mul(pair, b.index(2 * kDigitBits)), keyType);
    pass(array, spare, shift, count);
    pass(spare, array, b.add(shift, b.integer(keyType, kDigitBits)), count);
  });
}

Value RadixSorter::bound(Value keys, Value count, Value wanted) const {
  Value shift = b.integer(keyType, cast<IntegerType>(keyType).getWidth() - kTopBits);
  Value zero = b.index(0);
  countDigits(keys, count, shift, kTopBits);
  auto end = b.repeatWhile(
      {zero, zero}, [&](ValueRange state) { return b.isBelow(state[1], wanted); },
      [&](ValueRange state) {
        return GridBuilder::Values{b.add(state[0], b.index(1)),
                                   b.add(state[1], b.toIndex(b.fetch(counts, state[0])))};
      });
  // The greatest key whose digit is the last that was needed.
  Value next = b.make<arith::ShLIOp>(b.fromIndex(end[0], keyType), shift);
  return b.sub(next, b.integer(keyType, 1));
}

Value RadixSorter::takeLowest(const KeyedArray &array, const KeyedArray &lowest, Value count,
                              Value wanted) const {
  Value zero = b.index(0), one = b.index(1);
  Value isSome = b.isBelow(b.add(wanted, wanted), count);
  Value last = b.choose(
      isSome, [&] { return GridBuilder::Values{bound(array.keys, count, wanted)}; },
      [&] { return GridBuilder::Values{b.integer(keyType, -1)}; })[0];
  return b.loop(zero, count, {zero, zero}, [&](Value i, ValueRange next) {
    Value key = b.fetch(array.keys, i), number = b.fetch(array.numbers, i);
    b.store(key, lowest.keys, next[0]);
    b.store(number, lowest.numbers, next[0]);
    b.store(key, array.keys, next[1]);
    b.store(number, array.numbers, next[1]);
    Value isLow = b.cmpI(CmpIPredicate::ule, key, last);
    return GridBuilder::Values{b.select(isLow, b.add(next[0], one), next[0]),
                               b.select(isLow, next[1], b.add(next[1], one))};
  })[0];
}

} // namespace longtail::operators
