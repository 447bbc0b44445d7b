#include "passes/Graph/AggregateRules.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace longtail {

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

LogicalResult AggregateRules::construct() {
  Sequence sequence;
  for (unsigned i = 0; i < context.numInputs(); ++i) {
    if (!context.hasInput(i))
      return context.error() << "input " << i << " is missing";
    sequence.elements.push_back(context.inputValue(i));
  }
  return define(std::move(sequence));
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
