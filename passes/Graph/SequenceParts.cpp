// Operators that make sequences of parts, or of sequences.
#include "mlir/IR/IRMapping.h"
#include "passes/Graph/AggregateRules.h"
#include "passes/Graph/BodyLimits.h"

using namespace mlir;

namespace longtail {

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
      return splitEvenly(*axis);
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

/// Parts of one length, of which the last may be shorter; their number is only known at run time.
LogicalResult AggregateRules::splitEvenly(int64_t axis) {
  Value x = context.inputValue(0), one = ints({1});
  int64_t rank = context.rank(0);
  bool keep = context.hasInput(1) || context.getInt("keepdims", 1) != 0;
  FailureOr<Value> length = one;
  if (context.hasInput(1)) {
    FailureOr<Value> wide = add("Cast", context.inputValue(1), attribute("to", 7));
    if (failed(wide))
      return failure();
    extent::SymbolTable &symbols = inference.getSymbols();
    AffineExpr bound = symbols.bind(builder, node.getLoc(), *wide, 0,
                                    std::numeric_limits<int64_t>::min(), kMaxBodySize);
    if (failed(symbols.requireAtMost(symbols.constant(1), bound,
                                     "the length of the parts of a split is less than 1")))
      return context.error() << "the length of the parts is less than 1";
    length = add("Reshape", {*wide, one});
  }
  FailureOr<Value> shape = add("Shape", x);
  if (failed(length) || failed(shape))
    return failure();
  auto product = [&](int64_t begin, int64_t end) -> FailureOr<Value> {
    FailureOr<Value> sizes = slice(*shape, ints({begin}), ints({end}));
    return failed(sizes) ? sizes : add("ReduceProd", *sizes, attribute("keepdims", 1));
  };
  FailureOr<Value> outer = product(0, axis), inner = product(axis + 1, rank);
  FailureOr<Value> size = entry(*shape, axis);
  if (failed(outer) || failed(inner) || failed(size))
    return failure();
  FailureOr<Value> whole = add("Div", {*size, *length});
  if (failed(whole))
    return failure();
  FailureOr<Value> used = add("Mul", {*whole, *length});
  if (failed(used))
    return failure();
  FailureOr<Value> left = add("Sub", {*size, *used});
  if (failed(left))
    return failure();

  // The values: those of whole parts, which are slices of [outer, whole, length, inner], then the
  // rest.
  Value end = ints({std::numeric_limits<int64_t>::max()}), axes = ints({axis});
  FailureOr<Value> head = add("Slice", {x, ints({0}), *used, axes});
  FailureOr<Value> tail = add("Slice", {x, *used, end, axes});
  FailureOr<Value> grid = add("Concat", {*outer, *whole, *length, *inner}, attribute("axis", 0));
  if (failed(head) || failed(tail) || failed(grid))
    return failure();
  head = add("Reshape", {*head, *grid}, attribute("allowzero", 1));
  if (succeeded(head))
    head = add("Transpose", *head, attribute("perm", ArrayRef<int64_t>{1, 0, 2, 3}));
  if (succeeded(head))
    head = add("Reshape", {*head, ints({-1})});
  tail = add("Reshape", {*tail, ints({-1})});
  if (failed(head) || failed(tail))
    return failure();
  FailureOr<Value> data = add("Concat", {*head, *tail}, attribute("axis", 0));

  // The shapes: a row for each whole part, and one for the rest if there is any.
  FailureOr<Value> before = slice(*shape, ints({0}), axes),
                   after = slice(*shape, ints({axis + 1}), end);
  if (failed(data) || failed(before) || failed(after))
    return failure();
  auto rowOf = [&](Value part) -> FailureOr<Value> {
    SmallVector<Value> sizes{*before, part, *after};
    if (!keep)
      sizes.erase(sizes.begin() + 1);
    FailureOr<Value> row = add("Concat", sizes, attribute("axis", 0));
    return failed(row) ? row : add("Unsqueeze", {*row, ints({0})});
  };
  FailureOr<Value> row = rowOf(*length), last = rowOf(*left);
  FailureOr<Value> hasLast = add("Min", {*left, one});
  FailureOr<Value> sizes =
      add("Concat", {*whole, ints({keep ? rank : rank - 1})}, attribute("axis", 0));
  if (failed(row) || failed(last) || failed(hasLast) || failed(sizes))
    return failure();
  FailureOr<Value> rows = add("Expand", {*row, *sizes});
  last = slice(*last, ints({0}), *hasLast);
  if (failed(rows) || failed(last))
    return failure();
  FailureOr<Value> shapes = add("Concat", {*rows, *last}, attribute("axis", 0));
  if (failed(shapes))
    return failure();
  return define({false, {}, *data, *shapes, {}, /*isUniform=*/true});
}

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
    if (known.kindOf(input).form == ValueKind::Pair)
      return mapAtRunTime();
  for (Value input : node.getInputs())
    if (auto found = known.sequences.find(input); found != known.sequences.end()) {
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

} // namespace longtail
