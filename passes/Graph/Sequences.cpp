#include "passes/Graph/Sequences.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Graph/BodyLimits.h"
#include "passes/Graph/FunctionInference.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace longtail {

namespace {

class AggregateRules {
public:
  AggregateRules(FunctionInference &inference, operators::InferContext &context)
      : inference(inference), context(context), node(context.getNode()), builder(node),
        known(inference.getAggregates()) {}

  LogicalResult run();

private:
  LogicalResult construct();
  LogicalResult insert();
  LogicalResult erase();
  LogicalResult at();
  LogicalResult length();
  LogicalResult concat();
  LogicalResult split();
  LogicalResult splitByData(int64_t axis);
  LogicalResult map();
  LogicalResult optional();
  LogicalResult hasElement();
  LogicalResult getElement();

  /// A new node, inferred.
  FailureOr<Value> add(StringRef op, ValueRange inputs, ArrayRef<NamedAttribute> attributes = {});
  Value ints(ArrayRef<int64_t> values, bool scalar = false);
  NamedAttribute attribute(StringRef name, int64_t value) {
    return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
  }
  NamedAttribute attribute(StringRef name, ArrayRef<int64_t> values) {
    return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values));
  }
  FailureOr<Sequence> sequenceOf(unsigned input);
  /// The same as two tensors; fails where elements differ in rank or type, or where there is none.
  FailureOr<Sequence> paired(const Sequence &sequence);
  /// A position given by input `i`: constant, counted from the front, and within [0, limit].
  std::optional<int64_t> constantPosition(unsigned i);
  FailureOr<int64_t> checked(int64_t position, int64_t count, int64_t limit);
  /// The place in the flat data at which element `position` (an i64 vector of one) begins.
  FailureOr<Value> offsetOf(const Sequence &pair, Value position);
  FailureOr<Value> positionValue(unsigned input, const Sequence &pair);
  FailureOr<Value> slice(Value value, Value begin, Value end);
  LogicalResult define(Sequence sequence);
  LogicalResult replace(FailureOr<Value> value);

  FunctionInference &inference;
  operators::InferContext &context;
  graph::NodeOp node;
  OpBuilder builder;
  Aggregates &known;
};

} // namespace

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

/// The sequence is known by the node's result, which nothing else reads.
LogicalResult AggregateRules::define(Sequence sequence) {
  known.sequences[node->getResult(0)] = std::move(sequence);
  return success();
}

LogicalResult AggregateRules::replace(FailureOr<Value> value) {
  if (failed(value))
    return failure();
  node->getResult(0).replaceAllUsesWith(*value);
  return success();
}

FailureOr<Sequence> AggregateRules::sequenceOf(unsigned input) {
  Value value = context.inputValue(input);
  if (!value)
    return context.error() << "input " << input << " is missing";
  if (auto found = known.optionals.find(value); found != known.optionals.end() && found->second)
    value = found->second;
  auto found = known.sequences.find(value);
  if (found == known.sequences.end()) {
    if (isa<graph::AnyType>(value.getType()))
      return failure(); // left by a node that was reported
    return context.error() << "input " << input << " is no sequence";
  }
  return found->second;
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

/// A position that only the run tells: counted from the front, a vector of one.
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

LogicalResult AggregateRules::construct() {
  Sequence sequence;
  for (unsigned i = 0; i < context.numInputs(); ++i) {
    if (!context.hasInput(i))
      return context.error() << "input " << i << " is missing";
    sequence.elements.push_back(context.inputValue(i));
  }
  return define(std::move(sequence));
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

LogicalResult AggregateRules::length() {
  FailureOr<Sequence> sequence = sequenceOf(0);
  if (failed(sequence))
    return failure();
  if (sequence->isList)
    return replace(ints({static_cast<int64_t>(sequence->elements.size())}, /*scalar=*/true));
  FailureOr<Value> shape = add("Shape", sequence->shapes);
  if (failed(shape))
    return failure();
  return replace(add("Gather", {*shape, ints({0}, /*scalar=*/true)}, attribute("axis", 0)));
}

LogicalResult AggregateRules::concat() {
  FailureOr<Sequence> sequence = sequenceOf(0);
  if (failed(sequence))
    return failure();
  if (!sequence->isList)
    return context.error() << "the sequence has a length that only the run tells";
  if (sequence->elements.empty())
    return context.error() << "the sequence is empty";
  int64_t axis = context.getInt("axis", 0);
  SmallVector<Value> pieces;
  for (Value element : sequence->elements) {
    FailureOr<Value> piece = element;
    if (context.getInt("new_axis", 0) != 0)
      piece = add("Unsqueeze", {element, ints({axis})});
    if (failed(piece))
      return failure();
    pieces.push_back(*piece);
  }
  return replace(add("Concat", pieces, attribute("axis", axis)));
}

LogicalResult AggregateRules::split() {
  RankedTensorType type = context.inputType(0);
  FailureOr<int64_t> axis = context.normalizeAxis(context.getInt("axis", 0), type.getRank());
  if (failed(axis))
    return failure();
  AffineExpr size = context.sizes(0)[*axis];
  auto length = dyn_cast<AffineConstantExpr>(size);
  bool isScalar = context.hasInput(1) && context.rank(1) == 0;
  SmallVector<int64_t> parts;
  if (context.hasInput(1) && !isScalar) {
    std::optional<SmallVector<int64_t>> given = context.constantInts(1);
    if (!given)
      return splitByData(*axis);
    parts = *given;
  } else {
    std::optional<int64_t> chunk = isScalar ? constantPosition(1) : 1;
    if (!chunk || !length)
      return context.error() << "the number of parts is only known when the model runs";
    if (*chunk < 1)
      return context.error() << "the length of the parts is " << *chunk;
    if (length.getValue() / *chunk > operators::kMaxContents)
      return context.error() << "there would be " << length.getValue() / *chunk
                             << " parts, at most " << operators::kMaxContents << " are supported";
    for (int64_t at = 0; at < length.getValue(); at += *chunk)
      parts.push_back(std::min(*chunk, length.getValue() - at));
  }
  int64_t total = 0;
  Sequence sequence;
  bool keep = context.hasInput(1) || context.getInt("keepdims", 1) != 0;
  for (int64_t part : parts) {
    if (part < 0)
      return context.error() << "a part has the length " << part;
    FailureOr<Value> piece =
        add("Slice", {context.inputValue(0), ints({total}), ints({total + part}), ints({*axis})});
    if (succeeded(piece) && !keep)
      piece = add("Squeeze", {*piece, ints({*axis})});
    if (failed(piece))
      return failure();
    sequence.elements.push_back(*piece);
    total += part;
  }
  if (failed(inference.getSymbols().requireEqual(size, context.constantExpr(total),
                                                 "the parts of a split do not add up")))
    return context.error() << "the parts have " << total << " elements in all, dimension " << *axis
                           << " has " << operators::describe(size);
  return define(std::move(sequence));
}

/// As many parts as there are lengths, which only the run tells.
LogicalResult AggregateRules::splitByData(int64_t axis) {
  FailureOr<SmallVector<AffineExpr>> parts = context.contentsOrBind(1, 0, kMaxBodySize);
  if (failed(parts))
    return failure();
  FailureOr<Value> lengths = add("Cast", context.inputValue(1), attribute("to", 7));
  if (failed(lengths))
    return failure();
  AffineExpr total = context.constantExpr(0), size = context.sizes(0)[axis];
  Value begin = ints({0});
  Sequence sequence;
  for (auto [i, part] : llvm::enumerate(*parts)) {
    int64_t number = i;
    FailureOr<Value> length = slice(*lengths, ints({number}), ints({number + 1}));
    if (failed(length))
      return failure();
    FailureOr<Value> end = add("Add", {begin, *length});
    if (failed(end))
      return failure();
    FailureOr<Value> piece = add("Slice", {context.inputValue(0), begin, *end, ints({axis})});
    if (failed(piece))
      return failure();
    sequence.elements.push_back(*piece);
    begin = *end;
    total = total + part;
  }
  if (failed(
          inference.getSymbols().requireEqual(size, total, "the parts of a split do not add up")))
    return context.error() << "the parts never add up to " << operators::describe(size);
  return define(std::move(sequence));
}

/// The body once for each element.
LogicalResult AggregateRules::map() {
  Region *body = node.getNamedRegion("body");
  if (!body)
    return context.error() << "attribute 'body' is missing";
  if (body->getNumArguments() != context.numInputs())
    return context.error() << "its graph has " << body->getNumArguments() << " inputs, expected "
                           << context.numInputs();
  Operation *yield = body->front().getTerminator();
  if (yield->getNumOperands() < node->getNumResults())
    return context.error() << "its graph has " << yield->getNumOperands() << " outputs, expected "
                           << node->getNumResults();
  std::optional<size_t> count;
  for (Value input : node.getInputs())
    if (auto found = known.sequences.find(input); found != known.sequences.end()) {
      if (!found->second.isList)
        return context.error() << "a sequence has a length that only the run tells";
      size_t length = found->second.elements.size();
      if (count && *count != length)
        return context.error() << "its sequences have " << *count << " and " << length
                               << " elements";
      count = length;
    }
  if (!count)
    return context.error() << "input 0 is no sequence";
  SmallVector<Sequence> results(node->getNumResults());
  for (size_t i = 0; i < *count; ++i) {
    IRMapping mapping;
    for (auto [argument, input] : llvm::zip(body->getArguments(), node.getInputs())) {
      auto found = known.sequences.find(input);
      mapping.map(argument, found == known.sequences.end() ? input : found->second.elements[i]);
    }
    SmallVector<Operation *> copies;
    for (Operation &op : body->front().without_terminator())
      copies.push_back(builder.clone(op, mapping));
    // Inference replaces results that it knows another way.
    SmallVector<Value> yielded = llvm::map_to_vector(
        yield->getOperands(), [&](Value value) { return mapping.lookupOrDefault(value); });
    auto keeper = graph::NodeOp::create(
        builder, node.getLoc(), TypeRange(), "Keep", "longtail", 1, "", yielded,
        builder.getArrayAttr({}), builder.getDictionaryAttr({}), ArrayAttr(),
        builder.getArrayAttr({}), builder.getArrayAttr({}), ArrayAttr(), 0);
    LogicalResult inferred = inference.infer(copies);
    for (auto [result, value] : llvm::zip(results, keeper.getInputs()))
      result.elements.push_back(value);
    keeper.erase();
    if (failed(inferred))
      return failure();
  }
  for (auto [result, sequence] : llvm::zip(node->getResults(), results))
    known.sequences[result] = sequence;
  return success();
}

LogicalResult AggregateRules::optional() {
  known.optionals[node->getResult(0)] = context.inputValue(0);
  return success();
}

LogicalResult AggregateRules::hasElement() {
  Value value = context.inputValue(0);
  if (value)
    if (auto found = known.optionals.find(value); found != known.optionals.end())
      value = found->second;
  auto type = RankedTensorType::get({}, builder.getI1Type());
  Value constant = graph::ConstantOp::create(
      builder, node.getLoc(), type, operators::denseInts(type, {value ? 1 : 0}), StringAttr());
  return replace(constant);
}

LogicalResult AggregateRules::getElement() {
  Value value = context.inputValue(0);
  if (!value)
    return context.error() << "input 0 is missing";
  if (auto found = known.optionals.find(value); found != known.optionals.end())
    value = found->second;
  if (!value)
    return context.error() << "the optional is empty";
  if (auto found = known.sequences.find(value); found != known.sequences.end())
    return define(Sequence(found->second));
  return replace(value);
}

LogicalResult AggregateRules::run() {
  for (Value input : node.getInputs())
    if (isa<graph::AnyType>(input.getType()) && !known.sequences.contains(input) &&
        !known.optionals.contains(input))
      return failure(); // left by a node that was reported
  StringRef op = node.getOpType();
  if (op == "Identity") {
    Value input = context.inputValue(0);
    if (auto found = known.optionals.find(input); found != known.optionals.end()) {
      Value inner = found->second;
      known.optionals[node->getResult(0)] = inner;
      return success();
    }
    FailureOr<Sequence> sequence = sequenceOf(0);
    return failed(sequence) ? failure() : define(*sequence);
  }
  if (op == "SequenceConstruct")
    return construct();
  if (op == "SequenceEmpty")
    return define({});
  if (op == "SequenceInsert")
    return insert();
  if (op == "SequenceErase")
    return erase();
  if (op == "SequenceAt")
    return at();
  if (op == "SequenceLength")
    return length();
  if (op == "ConcatFromSequence")
    return concat();
  if (op == "SplitToSequence")
    return split();
  if (op == "SequenceMap")
    return map();
  if (op == "Optional")
    return optional();
  if (op == "OptionalHasElement")
    return hasElement();
  return getElement();
}

bool handlesAggregates(graph::NodeOp node, const Aggregates &known) {
  static const llvm::StringSet<> names = {
      "SequenceConstruct", "SequenceEmpty",  "SequenceInsert",     "SequenceErase",
      "SequenceAt",        "SequenceLength", "ConcatFromSequence", "SplitToSequence",
      "SequenceMap",       "Optional",       "OptionalHasElement", "OptionalGetElement"};
  if (!node.getDomain().empty())
    return false;
  if (node.getOpType() == "Identity" && node.getInputs().size() == 1)
    return known.sequences.contains(node.getInputs()[0]) ||
           known.optionals.contains(node.getInputs()[0]);
  return names.contains(node.getOpType());
}

LogicalResult inferAggregates(FunctionInference &inference, operators::InferContext &context) {
  return AggregateRules(inference, context).run();
}

} // namespace longtail
