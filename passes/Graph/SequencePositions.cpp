// Operators that name a position: on lists where it is known, else on pairs of tensors.
#include "passes/Graph/AggregateRules.h"
#include "passes/Graph/BodyLimits.h"

using namespace mlir;

namespace longtail {

std::optional<int64_t> AggregateRules::constantPosition(unsigned i) {
  std::optional<SmallVector<int64_t>> values = context.constantInts(i);
  return values && values->size() == 1 ? std::optional(values->front()) : std::nullopt;
}

FailureOr<int64_t> AggregateRules::checked(int64_t position, int64_t count, int64_t limit) {
  int64_t normal = position < 0 ? position + count : position;
  if (normal < 0 || normal > limit)
    return context.error() << "position " << position << " is not in a sequence of " << count
                           << " elements";
  return normal;
}

FailureOr<Value> AggregateRules::positionValue(unsigned input, const Sequence &pair,
                                               bool mayBeBehind) {
  FailureOr<Value> wide = add("Cast", context.inputValue(input), attribute("to", 7));
  if (failed(wide))
    return failure();
  FailureOr<Value> position = add("Reshape", {*wide, ints({1})});
  FailureOr<Value> shape = add("Shape", pair.shapes);
  if (failed(position) || failed(shape))
    return failure();
  FailureOr<Value> count = entry(*shape, 0);
  FailureOr<Value> isNegative = add("Less", {*position, ints({0})});
  if (failed(count) || failed(isNegative))
    return failure();
  FailureOr<Value> counted = add("Add", {*position, *count});
  if (failed(counted))
    return failure();
  FailureOr<Value> place = add("Where", {*isNegative, *counted, *position});
  if (failed(place))
    return failure();
  extent::SymbolTable &symbols = inference.getSymbols();
  AffineExpr number = symbols.bind(builder, node.getLoc(), *place, 0, 0, kMaxBodySize);
  AffineExpr last = extent::sizesOf(pair.shapes)[0] - (mayBeBehind ? 0 : 1);
  std::string message = "the position that '" + node.getNodeName().str() + "' (" +
                        node.getOpType().str() + ") reads is outside of the sequence";
  if (failed(symbols.requireAtMost(number, last, message)))
    return context.error() << "input " << input << " is a position outside of the sequence";
  return place;
}

LogicalResult AggregateRules::insert() {
  FailureOr<Sequence> sequence = sequenceOf(0);
  if (failed(sequence))
    return failure();
  Value element = context.inputValue(1);
  if (!element)
    return context.error() << "input 1 is missing";
  std::optional<int64_t> position;
  if (context.hasInput(2))
    position = constantPosition(2);
  else if (sequence->isList)
    position = sequence->elements.size();
  if (sequence->isList && position) {
    int64_t count = sequence->elements.size();
    FailureOr<int64_t> place = checked(*position, count, count);
    if (failed(place))
      return failure();
    sequence->elements.insert(sequence->elements.begin() + *place, element);
    return define(*sequence);
  }
  auto type = cast<RankedTensorType>(element.getType());
  FailureOr<Sequence> pair = paired(*sequence, type.getElementType(), type.getRank());
  Sequence one;
  one.elements.push_back(element);
  FailureOr<Sequence> added = paired(one);
  if (failed(pair) || failed(added) || failed(widen(*pair, *added)))
    return failure();
  if (cast<RankedTensorType>(pair->data.getType()).getElementType() != type.getElementType())
    return context.error() << "input 1 is " << operators::describe(type)
                           << ", the elements of the sequence have another type";
  Value end = ints({std::numeric_limits<int64_t>::max()}), zero = ints({0});
  FailureOr<Value> place =
      context.hasInput(2) ? positionValue(2, *pair, /*mayBeBehind=*/true) : FailureOr<Value>(end);
  if (failed(place))
    return failure();
  FailureOr<Value> offset = offsetOf(*pair, *place);
  if (failed(offset))
    return failure();
  auto join = [&](Value all, Value at, Value middle) -> FailureOr<Value> {
    FailureOr<Value> front = slice(all, zero, at), back = slice(all, at, end);
    if (failed(front) || failed(back))
      return failure();
    return add("Concat", {*front, middle, *back}, attribute("axis", 0));
  };
  FailureOr<Value> data = join(pair->data, *offset, added->data);
  FailureOr<Value> shapes = join(pair->shapes, *place, added->shapes);
  if (failed(data) || failed(shapes))
    return failure();
  return define({false, {}, *data, *shapes, {}, pair->isUniform && added->isUniform});
}

LogicalResult AggregateRules::erase() {
  FailureOr<Sequence> sequence = sequenceOf(0);
  if (failed(sequence))
    return failure();
  std::optional<int64_t> position = context.hasInput(1) ? constantPosition(1) : -1;
  if (sequence->isList && position) {
    int64_t count = sequence->elements.size();
    FailureOr<int64_t> place = checked(*position, count, count - 1);
    if (failed(place))
      return failure();
    sequence->elements.erase(sequence->elements.begin() + *place);
    return define(*sequence);
  }
  FailureOr<Sequence> pair = paired(*sequence);
  if (failed(pair))
    return failure();
  if (!context.hasInput(1))
    return context.error() << "input 1 is missing, and the sequence has no known length";
  FailureOr<Value> place = positionValue(1, *pair, /*mayBeBehind=*/false);
  if (failed(place))
    return failure();
  FailureOr<Value> next = add("Add", {*place, ints({1})});
  if (failed(next))
    return failure();
  FailureOr<Value> begin = offsetOf(*pair, *place), behind = offsetOf(*pair, *next);
  if (failed(begin) || failed(behind))
    return failure();
  Value end = ints({std::numeric_limits<int64_t>::max()}), zero = ints({0});
  auto cut = [&](Value all, Value from, Value to) -> FailureOr<Value> {
    FailureOr<Value> front = slice(all, zero, from), back = slice(all, to, end);
    if (failed(front) || failed(back))
      return failure();
    return add("Concat", {*front, *back}, attribute("axis", 0));
  };
  FailureOr<Value> data = cut(pair->data, *begin, *behind);
  FailureOr<Value> shapes = cut(pair->shapes, *place, *next);
  if (failed(data) || failed(shapes))
    return failure();
  return define({false, {}, *data, *shapes, {}, pair->isUniform});
}

LogicalResult AggregateRules::at() {
  FailureOr<Sequence> sequence = sequenceOf(0);
  if (failed(sequence))
    return failure();
  if (!context.hasInput(1))
    return context.error() << "input 1 is missing";
  if (std::optional<int64_t> position = constantPosition(1); position && sequence->isList) {
    int64_t count = sequence->elements.size();
    FailureOr<int64_t> place = checked(*position, count, count - 1);
    if (failed(place))
      return failure();
    return replace(sequence->elements[*place]);
  }
  FailureOr<Sequence> pair = paired(*sequence);
  if (failed(pair))
    return failure();
  FailureOr<Value> place = positionValue(1, *pair, /*mayBeBehind=*/false);
  if (failed(place))
    return failure();
  return replace(elementAt(*pair, *place));
}

} // namespace longtail
