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

LogicalResult AggregateRules::requireContent(const Optional &optional) {
  extent::SymbolTable &symbols = inference.getSymbols();
  AffineExpr has = symbols.bind(builder, node.getLoc(), optional.has, 0, 0, 1);
  std::string message = "the optional that '" + node.getNodeName().str() + "' (" +
                        node.getOpType().str() + ") reads is empty";
  if (failed(symbols.requireEqual(has, symbols.constant(1), message)))
    return context.error() << "the optional is empty";
  return success();
}

FailureOr<Sequence> AggregateRules::sequenceIn(Value value, unsigned input) {
  if (auto found = known.optionals.find(value); found != known.optionals.end()) {
    Optional optional = found->second;
    if (optional.has && optional.ofSequence)
      return failed(requireContent(optional)) ? FailureOr<Sequence>(failure()) : optional.content;
    if (optional.value)
      value = optional.value;
  }
  auto found = known.sequences.find(value);
  if (found == known.sequences.end()) {
    if (isa<graph::AnyType>(value.getType()) && !known.optionals.contains(value))
      return failure(); // left by a node that was reported
    return context.error() << "input " << input << " is no sequence";
  }
  return found->second;
}

FailureOr<Sequence> AggregateRules::sequenceOf(unsigned input) {
  Value value = context.inputValue(input);
  if (!value)
    return context.error() << "input " << input << " is missing";
  return sequenceIn(value, input);
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

LogicalResult AggregateRules::empty() {
  Sequence sequence;
  sequence.elementType = operators::elementTypeOf(node.getContext(), context.getInt("dtype", 1));
  if (!sequence.elementType)
    return context.error() << "attribute 'dtype' is " << context.getInt("dtype", 1)
                           << ", which is no type of elements";
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
    return concatAtRunTime(context.inputValue(0));
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
  Optional optional;
  optional.value = context.inputValue(0);
  known.optionals[node->getResult(0)] = std::move(optional);
  return success();
}

LogicalResult AggregateRules::hasElement() {
  Value value = context.inputValue(0);
  if (value)
    if (auto found = known.optionals.find(value); found != known.optionals.end()) {
      if (found->second.has)
        return replace(found->second.has);
      value = found->second.value;
    }
  return replace(boolean(static_cast<bool>(value)));
}

LogicalResult AggregateRules::getElement() {
  Value value = context.inputValue(0);
  if (!value)
    return context.error() << "input 0 is missing";
  if (auto found = known.optionals.find(value); found != known.optionals.end()) {
    Optional optional = found->second;
    if (optional.has) {
      if (failed(requireContent(optional)))
        return failure();
      return optional.ofSequence ? define(optional.content)
                                 : replace(elementAt(optional.content, ints({0})));
    }
    value = optional.value;
  }
  if (!value)
    return context.error() << "the optional is empty";
  if (auto found = known.sequences.find(value); found != known.sequences.end())
    return define(Sequence(found->second));
  return replace(value);
}

LogicalResult AggregateRules::identity() {
  if (auto found = known.optionals.find(context.inputValue(0)); found != known.optionals.end()) {
    Optional same = found->second;
    known.optionals[node->getResult(0)] = std::move(same);
    return success();
  }
  FailureOr<Sequence> sequence = sequenceOf(0);
  return failed(sequence) ? failure() : define(*sequence);
}

const AggregateRules::Operator *AggregateRules::find(graph::NodeOp node) {
  static const Operator internal[] = {
      {kAssemble, &AggregateRules::assemble, Operator::Nothing},
      {kConvert, &AggregateRules::convert, Operator::First},
  };
  static const Operator onnx[] = {
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
  if (!node.getDomain().empty() && node.getDomain() != operators::kInternalDomain)
    return nullptr;
  ArrayRef<Operator> table = node.getDomain().empty() ? ArrayRef(onnx) : ArrayRef(internal);
  auto found =
      llvm::find_if(table, [&](const Operator &op) { return op.name == node.getOpType(); });
  return found == table.end() ? nullptr : found;
}

LogicalResult AggregateRules::run() { return (this->*find(node)->rule)(); }

bool handlesAggregates(graph::NodeOp node, const Aggregates &known) {
  if (node.getOpType() == "Identity" &&
      !(node.getInputs().size() == 1 && known.contains(node.getInputs()[0])))
    return false;
  return AggregateRules::find(node) != nullptr;
}

bool takesAggregate(graph::NodeOp node, unsigned input) {
  if (node.isOp("Loop")) // after the trip count and the condition comes what it carries
    return input >= 2;
  const AggregateRules::Operator *op = AggregateRules::find(node);
  return op && (op->takes == AggregateRules::Operator::All ||
                (op->takes == AggregateRules::Operator::First && input == 0));
}

LogicalResult inferAggregates(FunctionInference &inference, operators::InferContext &context) {
  return AggregateRules(inference, context).run();
}

} // namespace longtail
