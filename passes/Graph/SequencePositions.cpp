// Operators that name a position: on lists where it is known, else on pairs of tensors.
#include "passes/Graph/AggregateRules.h"

using namespace mlir;

namespace longtail {

FailureOr<Value> AggregateRules::add(StringRef op, ValueRange inputs,
                                     ArrayRef<NamedAttribute> attributes) {
  Value value = operators::addNode(builder, node.getLoc(), op, inputs,
                                   graph::AnyType::get(node.getContext()), attributes);
  if (failed(inference.infer(cast<graph::NodeOp>(value.getDefiningOp()))))
    return failure();
  return value;
}

Value AggregateRules::ints(ArrayRef<int64_t> values, bool scalar) {
  SmallVector<int64_t> shape;
  if (!scalar)
    shape.push_back(values.size());
  auto type = RankedTensorType::get(shape, builder.getI64Type());
  return graph::ConstantOp::create(builder, node.getLoc(), type, operators::denseInts(type, values),
                                   StringAttr());
}

FailureOr<Sequence> AggregateRules::paired(const Sequence &sequence) {
  if (!sequence.isList)
    return sequence;
  if (sequence.elements.empty())
    return context.error() << "the sequence is empty, and its elements have no known rank";
  SmallVector<Value> data, shapes;
  auto first = cast<RankedTensorType>(sequence.elements.front().getType());
  for (Value element : sequence.elements) {
    auto type = cast<RankedTensorType>(element.getType());
    if (type.getElementType() != first.getElementType() || type.getRank() != first.getRank())
      return context.error() << "the elements of the sequence differ in type or rank: "
                             << operators::describe(first) << " and " << operators::describe(type);
    FailureOr<Value> flat = add("Reshape", {element, ints({-1})});
    FailureOr<Value> shape = add("Shape", element);
    if (failed(flat) || failed(shape))
      return failure();
    FailureOr<Value> row = add("Unsqueeze", {*shape, ints({0})});
    if (failed(row))
      return failure();
    data.push_back(*flat);
    shapes.push_back(*row);
  }
  FailureOr<Value> allData = add("Concat", data, attribute("axis", 0));
  FailureOr<Value> allShapes = add("Concat", shapes, attribute("axis", 0));
  if (failed(allData) || failed(allShapes))
    return failure();
  return Sequence{false, {}, *allData, *allShapes};
}

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

FailureOr<Value> AggregateRules::slice(Value value, Value begin, Value end) {
  return add("Slice", {value, begin, end, ints({0})});
}

FailureOr<Value> AggregateRules::positionValue(unsigned input, const Sequence &pair) {
  FailureOr<Value> wide = add("Cast", context.inputValue(input), attribute("to", 7));
  if (failed(wide))
    return failure();
  FailureOr<Value> position = add("Reshape", {*wide, ints({1})});
  FailureOr<Value> shape = add("Shape", pair.shapes);
  if (failed(position) || failed(shape))
    return failure();
  FailureOr<Value> count = slice(*shape, ints({0}), ints({1}));
  FailureOr<Value> isNegative = add("Less", {*position, ints({0})});
  if (failed(count) || failed(isNegative))
    return failure();
  FailureOr<Value> counted = add("Add", {*position, *count});
  if (failed(counted))
    return failure();
  return add("Where", {*isNegative, *counted, *position});
}

FailureOr<Value> AggregateRules::offsetOf(const Sequence &pair, Value position) {
  FailureOr<Value> sizes = add("ReduceProd", pair.shapes,
                               {attribute("axes", ArrayRef<int64_t>{1}), attribute("keepdims", 0)});
  if (failed(sizes))
    return failure();
  FailureOr<Value> before = slice(*sizes, ints({0}), position);
  if (failed(before))
    return failure();
  return add("ReduceSum", {*before, ints({0})}, attribute("keepdims", 1));
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
  FailureOr<Sequence> pair = paired(*sequence);
  FailureOr<Sequence> added = paired(Sequence{true, {element}, {}, {}});
  if (failed(pair) || failed(added))
    return failure();
  Value end = ints({std::numeric_limits<int64_t>::max()}), zero = ints({0});
  FailureOr<Value> place = context.hasInput(2) ? positionValue(2, *pair) : FailureOr<Value>(end);
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
  return define({false, {}, *data, *shapes});
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
  FailureOr<Value> place = positionValue(1, *pair);
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
  return define({false, {}, *data, *shapes});
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
  FailureOr<Value> place = positionValue(1, *pair);
  if (failed(place))
    return failure();
  FailureOr<Value> rows = add("Gather", {pair->shapes, *place}, attribute("axis", 0));
  if (failed(rows))
    return failure();
  FailureOr<Value> shape = add("Reshape", {*rows, ints({-1})});
  FailureOr<Value> begin = offsetOf(*pair, *place);
  if (failed(shape) || failed(begin))
    return failure();
  FailureOr<Value> size = add("ReduceProd", *shape, attribute("keepdims", 1));
  if (failed(size))
    return failure();
  FailureOr<Value> behind = add("Add", {*begin, *size});
  if (failed(behind))
    return failure();
  FailureOr<Value> data = slice(pair->data, *begin, *behind);
  if (failed(data))
    return failure();
  return replace(add("Reshape", {*data, *shape}, attribute("allowzero", 1)));
}

} // namespace longtail
