// ai.onnx.ml LabelEncoder: a table from keys to values, both of any type.
#include "compiler/Operators/GridOrder.h"
#include "compiler/Operators/Text.h"

using namespace mlir;

namespace longtail::operators {
namespace {

/// One side of the table: strings, integers or floating-point numbers of `type`.
struct Column {
  Type type; // null where the model gives none
  SmallVector<StringRef> strings;
  SmallVector<int64_t> integers;
  SmallVector<double> numbers;

  size_t size() const {
    return isText(type)             ? strings.size()
           : isa<IntegerType>(type) ? integers.size()
                                    : numbers.size();
  }
  void append(const Column &other) {
    llvm::append_range(strings, other.strings);
    llvm::append_range(integers, other.integers);
    llvm::append_range(numbers, other.numbers);
  }
};

/// The elements of a tensor attribute; no type where they cannot be read.
Column columnOf(ElementsAttr elements) {
  Column column;
  Type type = elements.getElementType();
  if (auto strings = dyn_cast<DenseStringElementsAttr>(elements)) {
    llvm::append_range(column.strings, strings.getValues<StringRef>());
    column.type = type;
  } else if (auto integers = readInts(elements)) {
    column.integers = std::move(*integers);
    column.type = type;
  } else if (auto numbers = readNumbers(elements)) {
    column.numbers = std::move(*numbers);
    column.type = type;
  }
  return column;
}

/// What attributes `<prefix>_strings`, `_int64s`, `_floats` and `_tensor` hold: exactly one is
/// given.
FailureOr<Column> columnOf(InferContext &ctx, StringRef prefix) {
  Column column;
  unsigned given = 0;
  auto name = [&](StringRef suffix) { return (prefix + "_" + suffix).str(); };
  if (auto strings = stringsOf(ctx, name("strings")); strings && !strings->empty()) {
    column.type = textType(ctx);
    column.strings = *strings;
    ++given;
  }
  if (auto integers = ctx.getInts(name("int64s")); integers && !integers->empty()) {
    column.type = IntegerType::get(ctx.getContext(), 64);
    column.integers = *integers;
    ++given;
  }
  if (auto floats = ctx.getFloats(name("floats")); floats && !floats->empty()) {
    column.type = Float32Type::get(ctx.getContext());
    column.numbers.assign(floats->begin(), floats->end());
    ++given;
  }
  if (auto tensor = dyn_cast_or_null<ElementsAttr>(ctx.attribute(name("tensor")))) {
    column = columnOf(tensor);
    ++given;
    if (!column.type)
      return ctx.error() << "attribute '" << name("tensor") << "' has elements that cannot be read",
             failure();
  }
  if (given != 1)
    return ctx.error() << "exactly one attribute must list the " << prefix << ", there are "
                       << given,
           failure();
  return column;
}

struct Table {
  Column keys, values; // one more value: the default
};

/// Appends the default for keys that the table does not have.
LogicalResult addDefault(InferContext &ctx, Column &values, StringRef otherwise) {
  if (auto tensor = dyn_cast_or_null<ElementsAttr>(ctx.attribute("default_tensor"))) {
    Column value = columnOf(tensor);
    if (value.type != values.type || value.size() != 1)
      return ctx.error() << "attribute 'default_tensor' must hold one element of " << values.type;
    values.append(value);
    return success();
  }
  if (isText(values.type))
    values.strings.push_back(ctx.getString("default_string", otherwise));
  else if (isa<IntegerType>(values.type))
    values.integers.push_back(ctx.getInt("default_int64", -1));
  else
    values.numbers.push_back(ctx.getFloat("default_float", -0.0f));
  return success();
}

FailureOr<Table> tableOf(InferContext &ctx) {
  Table table;
  if (ctx.version() == 1) { // strings and their positions, in either direction
    auto classes = stringsOf(ctx, "classes_strings");
    if (!classes || classes->empty())
      return ctx.error() << "attribute 'classes_strings' must not be empty", failure();
    Column strings, positions;
    strings.type = textType(ctx);
    strings.strings = *classes;
    positions.type = IntegerType::get(ctx.getContext(), 64);
    positions.integers = llvm::to_vector(llvm::seq<int64_t>(0, classes->size()));
    bool toNumbers = isText(ctx.elementType(0));
    table.keys = toNumbers ? strings : positions;
    table.values = toNumbers ? positions : strings;
  } else {
    FailureOr<Column> keys = columnOf(ctx, "keys"), values = columnOf(ctx, "values");
    if (failed(keys) || failed(values))
      return failure();
    table = {std::move(*keys), std::move(*values)};
  }
  if (table.keys.size() != table.values.size())
    return ctx.error() << "there are " << table.keys.size() << " keys and " << table.values.size()
                       << " values",
           failure();
  if (table.keys.type != ctx.elementType(0))
    return ctx.error() << "the keys are " << table.keys.type << ", the input holds "
                       << ctx.elementType(0),
           failure();
  if (failed(addDefault(ctx, table.values, "_Unused")))
    return failure();
  return table;
}

LogicalResult infer(InferContext &ctx) {
  FailureOr<Table> table = tableOf(ctx);
  if (failed(table))
    return failure();
  ctx.setResult(0, table->values.type, ctx.sizes(0));
  return success();
}

Value constantOf(ExpandContext &ctx, const Column &column) {
  if (isText(column.type))
    return textConstants(ctx, column.strings);
  auto type = RankedTensorType::get(int64_t(column.size()), column.type);
  DenseElementsAttr elements = isa<IntegerType>(column.type) ? denseInts(type, column.integers)
                                                             : denseNumbers(type, column.numbers);
  return graph::ConstantOp::create(ctx.getBuilder(), ctx.getLoc(), type, elements, StringAttr());
}

/// Sorts numeric keys with their values; of equal keys the last stays. A NaN comes last.
template <typename Number>
void sortKeys(SmallVector<Number> &keys, SmallVector<int64_t> &positions) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, keys.size()));
  auto isLess = [](Number a, Number b) { return a < b || (a == a && b != b); };
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return isLess(keys[a], keys[b]) || (!isLess(keys[b], keys[a]) && a < b);
  });
  SmallVector<Number> sorted;
  for (int64_t position : order) {
    Number key = keys[position];
    if (!sorted.empty() && !isLess(sorted.back(), key)) {
      positions.back() = position;
      continue;
    }
    sorted.push_back(key);
    positions.push_back(position);
  }
  keys = std::move(sorted);
}

LogicalResult expand(ExpandContext &ctx) {
  FailureOr<Table> found = tableOf(ctx);
  if (failed(found))
    return failure();
  Column keys = std::move(found->keys);
  RankedTensorType result = ctx.resultType(0);
  int64_t otherwise = keys.size();
  Value values = constantOf(ctx, found->values);
  if (isText(keys.type)) {
    Value dictionary = textConstant(ctx, dictionaryOf(keys.strings));
    ctx.setValue(0,
                 mapText(ctx, result, ctx.input(0), [&](const TextBuilder &b, ArrayRef<Value> x) {
                   Value at = b.text(compute::TextFunction::Lookup, {x[0], b.only(dictionary)});
                   Value isKnown = b.cmpI(arith::CmpIPredicate::sge, at, b.number64(0));
                   return b.load(values, b.select(isKnown, b.toIndex(at), b.index(otherwise)));
                 }));
    return success();
  }
  SmallVector<int64_t> positions;
  bool isInteger = isa<IntegerType>(keys.type);
  if (isInteger)
    sortKeys(keys.integers, positions);
  else
    sortKeys(keys.numbers, positions);
  Column where;
  where.type = IntegerType::get(ctx.getContext(), 64);
  where.integers = positions;
  Value sorted = constantOf(ctx, keys), places = constantOf(ctx, where);
  int64_t count = positions.size();
  ctx.setValue(0, mapText(ctx, result, ctx.input(0), [&](const TextBuilder &b, ArrayRef<Value> x) {
                 Value at = lowerBound(b, sorted, b.index(count), x[0]);
                 Value inside = b.minimum(at, b.index(count - 1)); // there always is a key
                 Value key = b.load(sorted, inside);
                 // Neither is less, so that a NaN finds itself.
                 Value differs =
                     b.either(isLess(b, key, x[0], keys.type), isLess(b, x[0], key, keys.type));
                 Value isKnown = b.both(b.isBelow(at, b.index(count)), b.isNot(differs));
                 Value position = b.toIndex(b.load(places, inside));
                 return b.load(values, b.select(isKnown, position, b.index(otherwise)));
               }));
  return success();
}

} // namespace

void registerLabelEncoder(Registry &registry) {
  for (int64_t version : {1, 2, 4})
    registry.add({"ai.onnx.ml", "LabelEncoder", version, infer, expand, 1, /*takesText=*/true});
}

} // namespace longtail::operators
