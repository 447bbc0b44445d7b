#include "passes/Graph/AggregateRules.h"

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

LogicalResult AggregateRules::empty() { return define({}); }

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

LogicalResult AggregateRules::identity() {
  if (auto found = known.optionals.find(context.inputValue(0)); found != known.optionals.end()) {
    Value inner = found->second;
    known.optionals[node->getResult(0)] = inner;
    return success();
  }
  FailureOr<Sequence> sequence = sequenceOf(0);
  return failed(sequence) ? failure() : define(*sequence);
}

const AggregateRules::Operator *AggregateRules::find(graph::NodeOp node) {
  static const Operator operators[] = {
      {"Identity", &AggregateRules::identity, Operator::First},
      {"SequenceConstruct", &AggregateRules::construct, Operator::Nothing},
      {"SequenceEmpty", &AggregateRules::empty, Operator::Nothing},
      {"SequenceInsert", &AggregateRules::insert, Operator::First},
      {"SequenceErase", &AggregateRules::erase, Operator::First},
      {"SequenceAt", &AggregateRules::at, Operator::First},
      {"SequenceLength", &AggregateRules::length, Operator::First},
      {"ConcatFromSequence", &AggregateRules::concat, Operator::First},
      {"SplitToSequence", &AggregateRules::split, Operator::Nothing},
      {"SequenceMap", &AggregateRules::map, Operator::All},
      {"Optional", &AggregateRules::optional, Operator::First},
      {"OptionalHasElement", &AggregateRules::hasElement, Operator::First},
      {"OptionalGetElement", &AggregateRules::getElement, Operator::First},
  };
  if (!node.getDomain().empty())
    return nullptr;
  auto found =
      llvm::find_if(operators, [&](const Operator &op) { return op.name == node.getOpType(); });
  return found == std::end(operators) ? nullptr : found;
}

LogicalResult AggregateRules::run() { return (this->*find(node)->rule)(); }

bool handlesAggregates(graph::NodeOp node, const Aggregates &known) {
  if (node.getOpType() == "Identity" &&
      !(node.getInputs().size() == 1 && known.contains(node.getInputs()[0])))
    return false;
  return AggregateRules::find(node) != nullptr;
}

bool takesAggregate(graph::NodeOp node, unsigned input) {
  auto takes = AggregateRules::find(node)->takes;
  return takes == AggregateRules::Operator::All ||
         (takes == AggregateRules::Operator::First && input == 0);
}

LogicalResult inferAggregates(FunctionInference &inference, operators::InferContext &context) {
  return AggregateRules(inference, context).run();
}

} // namespace longtail
