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

} // namespace longtail
