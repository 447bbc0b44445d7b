// TopK: each row keeps the best elements seen so far in a heap whose root is the worst of them. Of
// many that are wanted, the range in which they lie is found by their top digits, and sorted.
#include "compiler/Operators/GridOrder.h"
#include "compiler/Operators/Shape.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <functional>

using namespace mlir;

namespace longtail::operators {
namespace {

/// Elements that digits pass over in the time that a heap takes for one that it keeps, and that
/// they could pass over before they begin.
constexpr int64_t kHeapCost = 150, kDigitCost = 6000;

FailureOr<AffineExpr> countOf(InferContext &ctx) {
  if (ctx.version() < 10) {
    int64_t k = ctx.getInt("k", -1);
    if (k < 0)
      return ctx.error() << "attribute 'k' is " << k << ", expected a number that is not negative";
    return ctx.constantExpr(k);
  }
  FailureOr<AffineExpr> k = integerOf(ctx, 1, "K", 0, kMaxSize);
  if (failed(k))
    return failure();
  if (auto constant = dyn_cast<AffineConstantExpr>(*k); constant && constant.getValue() < 0)
    return ctx.error() << "input 'K' is " << constant.getValue()
                       << ", expected a number that is not negative";
  return *k;
}

LogicalResult inferTopK(InferContext &ctx) {
  if (failed(requireNumber(ctx, 0, "X")))
    return failure();
  FailureOr<int64_t> axis = ctx.normalizeAxis(ctx.getInt("axis", -1), ctx.rank(0));
  FailureOr<AffineExpr> k = countOf(ctx);
  if (failed(axis) || failed(k))
    return failure();
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  std::string message =
      (Twine("TopK '") + ctx.getNode().getNodeName() + "': K is larger than the dimension").str();
  if (failed(ctx.getSymbols().requireAtMost(*k, sizes[*axis], message)))
    return ctx.error() << "K is " << describe(*k) << ", but dimension " << *axis
                       << " of input 'X' has size " << describe(sizes[*axis]);
  sizes[*axis] = *k;
  ctx.setResult(0, ctx.elementType(0), sizes);
  ctx.setResult(1, IntegerType::get(ctx.getContext(), 64), sizes);
  return success();
}

/// The internal operator takes the axis as it is and the count as an expression of sizes.
LogicalResult inferTopElements(InferContext &ctx) {
  auto count = dyn_cast_or_null<AffineMapAttr>(ctx.attribute("count"));
  if (!count || count.getValue().getNumDims() != 0 || count.getValue().getNumResults() != 1 ||
      count.getValue().getNumSymbols() > ctx.getSymbols().size())
    return ctx.error() << "attribute 'count' is not an expression of sizes";
  FailureOr<int64_t> axis = ctx.normalizeAxis(ctx.getInt("axis", -1), ctx.rank(0));
  if (failed(requireNumber(ctx, 0, "X")) || failed(axis))
    return failure();
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  AffineExpr wanted = count.getValue().getResult(0);
  if (failed(ctx.getSymbols().requireAtMost(wanted, sizes[*axis], "more elements than there are")))
    return ctx.error() << describe(wanted) << " of " << describe(sizes[*axis])
                       << " elements are wanted";
  sizes[*axis] = wanted;
  ctx.setResult(0, ctx.elementType(0), sizes);
  ctx.setResult(1, IntegerType::get(ctx.getContext(), 64), sizes);
  return success();
}

/// The heap of one point: two arrays, values (as the work type) and their positions.
class Heap {
public:
  Heap(const GridBuilder &b, Type elementType, AffineExpr size, bool largest)
      : b(b), elementType(elementType), largest(largest), values(b.local(work(), size)),
        positions(b.local(b.builder().getI64Type(), size)) {}

  /// The type in which values are kept: 16-bit numbers are widened once.
  Type work() const { return accumulatorType(elementType); }

  /// Whether value `x` belongs before value `y`.
  Value isBetter(Value x, Value y) const {
    return largest ? isLess(b, y, x, elementType) : isLess(b, x, y, elementType);
  }
  Value value(Value slot) const { return b.fetch(values, slot); }
  Value position(Value slot) const { return b.fetch(positions, slot); }
  void set(Value slot, Value value, Value position) const {
    b.store(value, values, slot);
    b.store(position, positions, slot);
  }

  /// Puts an element at `slot` or, while a child is worse, below it. `size` elements are in use.
  void sink(Value slot, Value newValue, Value newPosition, Value size) const {
    Value one = b.index(1), last = b.sub(size, one);
    Value yes = b.make<arith::ConstantOp>(b.builder().getBoolAttr(true));
    auto end = b.repeatWhile(
        {slot, yes},
        [&](ValueRange state) {
          Value child = b.add(b.add(state[0], state[0]), one);
          return b.both(state[1], b.isBelow(child, size));
        },
        [&](ValueRange state) {
          Value left = b.add(b.add(state[0], state[0]), one);
          Value right = b.minimum(b.add(left, one), last);
          Value child = b.select(
              isBefore(value(left), position(left), value(right), position(right)), right, left);
          Value childValue = value(child), childPosition = position(child);
          Value goesOn = isBefore(newValue, newPosition, childValue, childPosition);
          b.when(goesOn, [&] { set(state[0], childValue, childPosition); });
          return GridBuilder::Values{b.select(goesOn, child, state[0]), goesOn};
        });
    set(end[0], newValue, newPosition);
  }

private:
  /// The order of the results: of equal values the first in the input comes first.
  Value isBefore(Value x, Value xPosition, Value y, Value yPosition) const {
    Value isWorse = isBetter(y, x);
    Value isFirst = b.both(b.isNot(isWorse), b.isBelow(xPosition, yPosition));
    return b.either(isBetter(x, y), isFirst);
  }

  const GridBuilder &b;
  Type elementType;
  bool largest;
  Value values, positions;
};

/// One row of the input and where its results go.
struct Row {
  std::function<Value(Value)> load;
  std::function<void(Value slot, Value position)> store; // the element at `position` of the input
  std::function<void(Value slot, Value value, Value position)> storeValue;
  Value k, size;
};

void selectByHeap(const GridBuilder &b, const Heap &heap, const Row &row) {
  Value zero = b.index(0), one = b.index(1), k = row.k;
  b.loop(zero, k, [&](Value i) { heap.set(i, row.load(i), b.toInt64(i)); });
  Value half = b.make<arith::DivUIOp>(k, b.index(2));
  b.loop(zero, half, [&](Value i) {
    Value slot = b.sub(b.sub(half, one), i);
    heap.sink(slot, heap.value(slot), heap.position(slot), k);
  });
  auto consider = [&](Value i) {
    Value value = row.load(i);
    b.when(heap.isBetter(value, heap.value(zero)),
           [&] { heap.sink(zero, value, b.toInt64(i), k); });
  };
  // Most elements are worse than all of the heap, which is found for many at a time.
  Value block = b.index(GridBuilder::kBlock);
  Value blocks = b.make<arith::DivUIOp>(b.sub(row.size, k), block);
  b.loop(zero, blocks, [&](Value i) {
    Value first = b.add(k, b.mul(i, block)), root = heap.value(zero);
    Value mask = b.maskOfBlock(first, [&](Value j) { return heap.isBetter(row.load(j), root); });
    Value none = b.integer(mask.getType(), 0), bit = b.integer(mask.getType(), 1);
    b.repeatWhile(
        {mask}, [&](ValueRange state) { return b.isNot(b.isSame(state[0], none)); },
        [&](ValueRange state) {
          Value lowest = b.make<math::CountTrailingZerosOp>(state[0]);
          consider(b.add(first, b.toIndex(lowest)));
          return GridBuilder::Values{
              b.make<arith::AndIOp>(state[0], b.make<arith::SubIOp>(state[0], bit))};
        });
  });
  b.loop(b.add(k, b.mul(blocks, block)), row.size, consider);
  // The worst goes last; the rest is a heap again.
  b.loop(zero, k, [&](Value i) {
    Value last = b.sub(b.sub(k, one), i);
    row.storeValue(last, heap.value(zero), heap.position(zero));
    heap.sink(zero, heap.value(last), heap.position(last), last);
  });
}

/// The arrays of a selection by digits.
struct Digits {
  Value keys; // of all elements
  KeyedArray found, spare;
  RadixSorter sorter;
};

void selectByDigits(const GridBuilder &b, const Digits &digits, const Row &row,
                    function_ref<Value(Value)> keyOf) {
  Value zero = b.index(0), one = b.index(1);
  b.loop(zero, row.size, [&](Value i) { b.store(keyOf(row.load(i)), digits.keys, i); });
  Value bound = digits.sorter.bound(digits.keys, row.size, row.k);
  Value count = b.loop(zero, row.size, zero, [&](Value i, ValueRange found) {
    Value key = b.fetch(digits.keys, i);
    b.store(key, digits.found.keys, found[0]);
    b.store(b.toInt64(i), digits.found.numbers, found[0]);
    Value isFound = b.cmpI(arith::CmpIPredicate::ule, key, bound);
    return GridBuilder::Values{b.select(isFound, b.add(found[0], one), found[0])};
  })[0];
  digits.sorter.sort(digits.found, digits.spare, count);
  b.loop(zero, row.k, [&](Value i) { row.store(i, b.fetch(digits.found.numbers, i)); });
}

LogicalResult expandTopK(ExpandContext &ctx) {
  int64_t axis = *ctx.normalizeAxis(ctx.getInt("axis", -1), ctx.rank(0));
  bool isInternal = ctx.getNode().getDomain() == kInternalDomain;
  bool largest = (ctx.version() < 11 && !isInternal) || ctx.getInt("largest", 1) != 0;
  Type element = ctx.elementType(0);
  AxisView view = axisView(ctx, ctx.sizes(0), axis);
  AffineExpr count = extent::sizesOf(ctx.resultType(ctx.hasOutput(0) ? 0 : 1))[axis];
  Value source = ctx.reshape(ctx.input(0), view.sizes());
  SmallVector<AffineExpr> kept{view.outer, count, view.inner};
  Type i64 = IntegerType::get(ctx.getContext(), 64);
  auto number = [](AffineExpr size) -> std::optional<int64_t> {
    auto constant = dyn_cast<AffineConstantExpr>(size);
    return constant ? std::optional(constant.getValue()) : std::nullopt;
  };
  // Digits take some time for each element and more before the first; a heap for each that is kept.
  std::optional<int64_t> k = number(count), size = number(view.axis);
  bool mayHaveMany = !k || *k * kHeapCost > size.value_or(*k) + kDigitCost;
  bool mayHaveFew = !k || !size || !mayHaveMany;
  auto results = buildGrid(
      ctx, {extent::tensorType(kept, element), extent::tensorType(kept, i64)},
      {view.outer, view.inner}, [&](const GridBuilder &b, ValueRange points, ValueRange places) {
        Value zero = b.index(0);
        Row row;
        row.k = b.size(count), row.size = b.size(view.axis);
        auto load = [&](Value i) { return b.load(source, {points[0], i, points[1]}); };
        row.load = [&](Value i) { return b.widen(load(i)); };
        auto store = [&](Value slot, Value value, Value position) {
          SmallVector<Value> at{points[0], slot, points[1]};
          b.store(value, places[0], at);
          b.store(position, places[1], at);
        };
        row.store = [&](Value slot, Value position) {
          store(slot, load(b.toIndex(position)), position);
        };
        row.storeValue = [&](Value slot, Value value, Value position) {
          store(slot, isFloat(element) ? b.narrow(value, element) : value, position);
        };
        std::optional<Heap> heap;
        std::optional<Digits> digits;
        if (mayHaveFew)
          heap.emplace(b, element, count, largest);
        if (mayHaveMany)
          digits.emplace(
              Digits{b.local(sortKeyType(b, element), view.axis), keyedArray(b, element, view.axis),
                     keyedArray(b, element, view.axis), RadixSorter(b, sortKeyType(b, element))});
        auto byDigits = [&] {
          selectByDigits(b, *digits, row, [&](Value x) {
            return sortKey(b, x, element, /*descending=*/largest, /*nanLast=*/!largest);
          });
        };
        b.when(b.isBelow(zero, row.k), [&] {
          if (!digits)
            return selectByHeap(b, *heap, row);
          if (!heap)
            return byDigits();
          b.choose(
              b.isBelow(b.add(row.size, b.index(kDigitCost)), b.mul(row.k, b.index(kHeapCost))),
              [&] {
                byDigits();
                return GridBuilder::Values{};
              },
              [&] {
                selectByHeap(b, *heap, row);
                return GridBuilder::Values{};
              });
        });
      });
  for (unsigned i : {0u, 1u})
    if (ctx.hasOutput(i))
      ctx.setValue(i, ctx.reshape(results[i], extent::sizesOf(ctx.resultType(i))));
  return success();
}

} // namespace

void registerTopK(Registry &registry) {
  registry.add({"", "TopK", 1, inferTopK, expandTopK});
  registry.add({"", "TopK", 10, inferTopK, expandTopK, 2});
  registry.add({kInternalDomain.str(), "TopElements", 1, inferTopElements, expandTopK, 1,
                /*takesText=*/false, /*isOfLanguage=*/true});
}

} // namespace longtail::operators
