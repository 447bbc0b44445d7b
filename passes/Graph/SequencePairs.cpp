// Sequences as two tensors, and what takes them apart and puts them together.
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

Value AggregateRules::boolean(bool value) {
  auto type = RankedTensorType::get({}, builder.getI1Type());
  return graph::ConstantOp::create(builder, node.getLoc(), type,
                                   operators::denseInts(type, {value}), StringAttr());
}

FailureOr<Value> AggregateRules::slice(Value value, Value begin, Value end) {
  return add("Slice", {value, begin, end, ints({0})});
}

FailureOr<Value> AggregateRules::entry(Value vector, int64_t dim) {
  return slice(vector, ints({dim}), ints({dim + 1}));
}

FailureOr<Sequence> AggregateRules::emptyPair(Type elementType, int64_t rank) {
  auto type = RankedTensorType::get({0}, elementType);
  ElementsAttr nothing;
  if (isa<graph::StringType>(elementType))
    nothing = cast<ElementsAttr>(DenseStringElementsAttr::get(type, {}));
  else
    nothing = DenseElementsAttr::get(type, ArrayRef<Attribute>());
  Sequence pair;
  pair.isList = false;
  pair.data =
      graph::ConstantOp::create(builder, node.getLoc(), type, nothing, StringAttr()).getResult();
  auto shapes = RankedTensorType::get({0, rank}, builder.getI64Type());
  pair.shapes = graph::ConstantOp::create(builder, node.getLoc(), shapes,
                                          DenseElementsAttr::get(shapes, ArrayRef<Attribute>()),
                                          StringAttr());
  pair.isUniform = true;
  return pair;
}

FailureOr<Sequence> AggregateRules::paired(const Sequence &sequence, Type elementType,
                                           int64_t rank) {
  if (!sequence.isList)
    return sequence;
  if (sequence.elements.empty()) {
    Type type = sequence.elementType ? sequence.elementType : elementType;
    if (!type)
      return context.error() << "the sequence is empty, and its elements have no known type";
    return emptyPair(type, rank);
  }
  SmallVector<RankedTensorType> types;
  for (Value element : sequence.elements) {
    auto type = dyn_cast<RankedTensorType>(element.getType());
    if (!type) // left by a node that was reported
      return failure();
    types.push_back(type);
  }
  int64_t columns = 0;
  for (RankedTensorType type : types)
    columns = std::max(columns, type.getRank());
  Sequence pair;
  pair.isList = false;
  pair.isUniform = true;
  SmallVector<Value> data, shapes;
  for (auto [element, type] : llvm::zip(sequence.elements, types)) {
    if (type.getElementType() != types.front().getElementType())
      return context.error() << "the elements of the sequence differ in type: "
                             << operators::describe(types.front()) << " and "
                             << operators::describe(type);
    FailureOr<Value> flat = add("Reshape", {element, ints({-1})});
    FailureOr<Value> shape = add("Shape", element);
    if (failed(flat) || failed(shape))
      return failure();
    if (int64_t missing = columns - type.getRank()) {
      pair.isUniform = false;
      shape = add("Concat", {*shape, ints(SmallVector<int64_t>(missing, kNoDimension))},
                  attribute("axis", 0));
      if (failed(shape))
        return failure();
    }
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
  pair.data = *allData;
  pair.shapes = *allShapes;
  return pair;
}

FailureOr<Value> AggregateRules::widened(Value shapes, Value columns) {
  FailureOr<Value> shape = add("Shape", shapes);
  if (failed(shape))
    return failure();
  FailureOr<Value> count = entry(*shape, 0), present = entry(*shape, 1);
  if (failed(count) || failed(present))
    return failure();
  FailureOr<Value> missing = add("Sub", {columns, *present});
  if (failed(missing))
    return failure();
  FailureOr<Value> sizes = add("Concat", {*count, *missing}, attribute("axis", 0));
  if (failed(sizes))
    return failure();
  FailureOr<Value> filler = add("Expand", {ints({kNoDimension}), *sizes});
  if (failed(filler))
    return failure();
  return add("Concat", {shapes, *filler}, attribute("axis", 1));
}

LogicalResult AggregateRules::widen(Sequence &a, Sequence &b) {
  AffineExpr one = extent::sizesOf(a.shapes)[1], other = extent::sizesOf(b.shapes)[1];
  if (one == other)
    return success();
  a.isUniform = b.isUniform = false;
  auto known = dyn_cast<AffineConstantExpr>(one), otherKnown = dyn_cast<AffineConstantExpr>(other);
  FailureOr<Value> most = failure();
  if (known && otherKnown) {
    Sequence &narrow = known.getValue() < otherKnown.getValue() ? a : b;
    most = ints({std::max(known.getValue(), otherKnown.getValue())});
    FailureOr<Value> wide = widened(narrow.shapes, *most);
    if (failed(wide))
      return failure();
    narrow.shapes = *wide;
    return success();
  }
  FailureOr<Value> shape = add("Shape", a.shapes), otherShape = add("Shape", b.shapes);
  if (failed(shape) || failed(otherShape))
    return failure();
  FailureOr<Value> columns = entry(*shape, 1), otherColumns = entry(*otherShape, 1);
  if (failed(columns) || failed(otherColumns))
    return failure();
  most = add("Max", {*columns, *otherColumns});
  if (failed(most))
    return failure();
  for (Sequence *pair : {&a, &b}) {
    FailureOr<Value> wide = widened(pair->shapes, *most);
    if (failed(wide))
      return failure();
    pair->shapes = *wide;
  }
  return success();
}

FailureOr<Value> AggregateRules::sizesOf(const Sequence &pair) {
  FailureOr<Value> shapes = pair.shapes;
  if (!pair.isUniform) {
    FailureOr<Value> isMissing = add("Less", {pair.shapes, ints({0})});
    if (failed(isMissing))
      return failure();
    shapes = add("Where", {*isMissing, ints({1}), pair.shapes});
  }
  if (failed(shapes))
    return failure();
  return add("ReduceProd", *shapes,
             {attribute("axes", ArrayRef<int64_t>{1}), attribute("keepdims", 0)});
}

FailureOr<Value> AggregateRules::offsetOf(const Sequence &pair, Value position) {
  FailureOr<Value> sizes = sizesOf(pair);
  if (failed(sizes))
    return failure();
  FailureOr<Value> before = slice(*sizes, ints({0}), position);
  if (failed(before))
    return failure();
  return add("ReduceSum", {*before, ints({0})}, attribute("keepdims", 1));
}

FailureOr<Value> AggregateRules::elementAt(const Sequence &pair, Value place) {
  if (!isa<AffineConstantExpr>(extent::sizesOf(pair.shapes)[1]))
    return context.error() << "the rank of the sequence's elements is only known when the model "
                              "runs; declare the elements' shape";
  FailureOr<Value> rows = add("Gather", {pair.shapes, place}, attribute("axis", 0));
  if (failed(rows))
    return failure();
  FailureOr<Value> shape = add("Reshape", {*rows, ints({-1})});
  FailureOr<Value> begin = offsetOf(pair, place);
  if (failed(shape) || failed(begin))
    return failure();
  FailureOr<Value> size = add("ReduceProd", *shape, attribute("keepdims", 1));
  if (failed(size))
    return failure();
  FailureOr<Value> behind = add("Add", {*begin, *size});
  if (failed(behind))
    return failure();
  FailureOr<Value> data = slice(pair.data, *begin, *behind);
  if (failed(data))
    return failure();
  return add("Reshape", {*data, *shape}, attribute("allowzero", 1));
}

//===-- parts and kinds -----------------------------------------------------------------------===//

static Value addInternal(OpBuilder &builder, Location loc, StringRef op, ValueRange inputs,
                         ArrayRef<NamedAttribute> attributes) {
  Value value = operators::addNode(builder, loc, op, inputs,
                                   graph::AnyType::get(builder.getContext()), attributes);
  auto node = cast<graph::NodeOp>(value.getDefiningOp());
  node.setDomain(operators::kInternalDomain);
  node->setAttr(operators::kInternalAttr, builder.getUnitAttr());
  return value;
}

Value assemble(OpBuilder &builder, Location loc, const ValueKind &kind, ValueRange parts) {
  return addInternal(builder, loc, AggregateRules::kAssemble, parts,
                     builder.getNamedAttr("kind", kind.encode(builder.getContext())));
}

Value convert(OpBuilder &builder, Value value, const WantedKind &wanted) {
  SmallVector<NamedAttribute> attributes{
      builder.getNamedAttr("kind", wanted.kind.encode(builder.getContext())),
      builder.getNamedAttr("rank", builder.getI64IntegerAttr(wanted.rank))};
  if (wanted.elementType)
    attributes.push_back(builder.getNamedAttr("element", TypeAttr::get(wanted.elementType)));
  return addInternal(builder, value.getLoc(), AggregateRules::kConvert, value, attributes);
}

LogicalResult AggregateRules::assemble() {
  if (failed(operators::requireInternal(context)))
    return failure();
  std::optional<ValueKind> kind = ValueKind::decode(context.attribute("kind"));
  auto parts = node.getInputs();
  if (!kind || kind->numParts() != parts.size())
    return context.error() << "its parts are not those of a sequence or an optional";
  Sequence sequence;
  if (kind->form == ValueKind::List)
    sequence.elements.assign(parts.begin(), parts.end());
  if (kind->form == ValueKind::Pair)
    sequence = {false, {}, parts[kind->hasFlag], parts[kind->hasFlag + 1], {}, false};
  if (!kind->isOptional)
    return define(std::move(sequence));
  Optional optional;
  if (kind->hasFlag) {
    optional.has = parts[0];
    optional.content = std::move(sequence);
    optional.ofSequence = kind->ofSequence;
  } else if (kind->form == ValueKind::Tensor) {
    optional.value = parts[0];
  } else if (kind->form != ValueKind::Nothing) {
    ValueKind inner = *kind;
    inner.isOptional = false;
    optional.value = longtail::assemble(builder, node.getLoc(), inner, parts);
    if (failed(inference.infer(cast<graph::NodeOp>(optional.value.getDefiningOp()))))
      return failure();
  }
  known.optionals[node->getResult(0)] = std::move(optional);
  return success();
}

LogicalResult AggregateRules::convert() {
  if (failed(operators::requireInternal(context)))
    return failure();
  std::optional<ValueKind> kind = ValueKind::decode(context.attribute("kind"));
  auto element = dyn_cast_or_null<TypeAttr>(context.attribute("element"));
  Value value = context.inputValue(0);
  if (!kind || kind->form != ValueKind::Pair)
    return context.error() << "it has no kind to convert to";
  Type elementType = element ? element.getValue() : builder.getF32Type();
  Sequence content;
  Value has = boolean(true);
  if (auto found = known.optionals.find(value); found != known.optionals.end()) {
    Optional optional = found->second;
    value = optional.value;
    if (optional.has) {
      has = optional.has;
      content = optional.content;
    } else if (!value) {
      has = boolean(false);
    }
  }
  if (value) {
    auto found = known.sequences.find(value);
    if (found != known.sequences.end())
      content = found->second;
    else
      content.elements.push_back(value);
  }
  FailureOr<Sequence> pair = paired(content, elementType, context.getInt("rank", 0));
  if (failed(pair))
    return failure();
  if (!kind->isOptional)
    return define(std::move(*pair));
  known.optionals[node->getResult(0)] = {Value(), has, std::move(*pair), kind->ofSequence};
  return success();
}

} // namespace longtail
