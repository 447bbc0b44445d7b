// Operators on all elements of a sequence whose length only the run tells: loops.
#include "mlir/IR/IRMapping.h"
#include "passes/Graph/AggregateRules.h"

using namespace mlir;

namespace longtail {

static graph::NodeOp makeNode(OpBuilder &builder, Location loc, StringRef op, ValueRange inputs,
                              unsigned numResults, bool hasBody, unsigned numArguments) {
  Type any = graph::AnyType::get(builder.getContext());
  SmallVector<StringRef> names(numResults, op), argumentNames(numArguments, "");
  Attribute arguments = builder.getStrArrayAttr(argumentNames);
  return graph::NodeOp::create(
      builder, loc, SmallVector<Type>(numResults, any), builder.getStringAttr(op),
      builder.getStringAttr(""), builder.getI64IntegerAttr(13), builder.getStringAttr(""), inputs,
      builder.getStrArrayAttr(names), builder.getDictionaryAttr({}), /*declared_types=*/ArrayAttr(),
      hasBody ? builder.getStrArrayAttr({"body"}) : builder.getArrayAttr({}),
      hasBody ? builder.getArrayAttr(arguments) : builder.getArrayAttr({}),
      /*arg_declared_types=*/ArrayAttr(), hasBody);
}

/// The result of a node that is inferred later.
static Value later(OpBuilder &builder, Location loc, StringRef op, ValueRange inputs,
                   ArrayRef<NamedAttribute> attributes = {}) {
  return operators::addNode(builder, loc, op, inputs, graph::AnyType::get(builder.getContext()),
                            attributes);
}

FailureOr<SmallVector<Value>> AggregateRules::loop(Value trips, ValueRange carried, LoopBody body) {
  Location loc = node.getLoc();
  Value goOn = boolean(true);
  SmallVector<Value> inputs{trips, goOn};
  llvm::append_range(inputs, carried);
  graph::NodeOp loop =
      makeNode(builder, loc, "Loop", inputs, carried.size(), /*hasBody=*/true, inputs.size());
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&loop.getBodies()[0]);
    for (Value input : inputs)
      block->addArgument(graph::AnyType::get(node.getContext()), input.getLoc());
    SmallVector<Value> next =
        body(builder, block->getArgument(0), block->getArguments().drop_front(2));
    next.insert(next.begin(), block->getArgument(1));
    SmallVector<StringRef> names(next.size(), "");
    graph::YieldOp::create(builder, loc, next, builder.getStrArrayAttr(names), ArrayAttr());
  }
  // Inference puts other values in the place of the loop's results.
  graph::NodeOp keeper = makeNode(builder, loc, "Keep", loop.getResults(), 0, false, 0);
  LogicalResult inferred = inference.infer(loop);
  SmallVector<Value> results(keeper.getInputs());
  keeper.erase();
  if (failed(inferred))
    return failure();
  return results;
}

LogicalResult AggregateRules::concatAtRunTime(Value sequence) {
  FailureOr<Sequence> pair = sequenceOf(0);
  if (failed(pair))
    return failure();
  Location loc = node.getLoc();
  int64_t axis = context.getInt("axis", 0);
  bool isNew = context.getInt("new_axis", 0) != 0;
  FailureOr<Value> first = elementAt(*pair, ints({0})), shape = add("Shape", pair->shapes);
  if (succeeded(first) && isNew)
    first = add("Unsqueeze", {*first, ints({axis})});
  if (failed(first) || failed(shape))
    return failure();
  FailureOr<Value> nothing = add("Slice", {*first, ints({0}), ints({0}), ints({axis})});
  FailureOr<Value> count = add("Gather", {*shape, ints({0}, /*scalar=*/true)});
  if (failed(nothing) || failed(count))
    return failure();
  Value axes = ints({axis});
  FailureOr<SmallVector<Value>> all =
      loop(*count, *nothing, [&](OpBuilder &body, Value trip, ValueRange carried) {
        Value piece = later(body, loc, "SequenceAt", {sequence, trip});
        if (isNew)
          piece = later(body, loc, "Unsqueeze", {piece, axes});
        return SmallVector<Value>{
            later(body, loc, "Concat", {carried[0], piece}, attribute("axis", axis))};
      });
  if (failed(all))
    return failure();
  return replace(all->front());
}

/// The element type that the model declares for operand `i` of a body's end, or null.
static Type declaredElement(graph::YieldOp yield, unsigned i) {
  Type type = yield.getOperand(i).getType();
  if (std::optional<ArrayAttr> declared = yield.getDeclaredTypes())
    type = cast<TypeAttr>((*declared)[i]).getValue();
  auto tensor = dyn_cast<TensorType>(type);
  return tensor ? tensor.getElementType() : Type();
}

LogicalResult AggregateRules::mapAtRunTime() {
  Region *body = node.getNamedRegion("body");
  auto yield = cast<graph::YieldOp>(body->front().getTerminator());
  Location loc = node.getLoc();
  Value count;
  AffineExpr size;
  for (auto [i, input] : llvm::enumerate(node.getInputs())) {
    if (!known.contains(input))
      continue;
    FailureOr<Sequence> sequence = sequenceIn(input, i);
    if (failed(sequence))
      return failure();
    extent::SymbolTable &symbols = inference.getSymbols();
    AffineExpr own = sequence->isList ? symbols.constant(sequence->elements.size())
                                      : extent::sizesOf(sequence->shapes)[0];
    if (count && failed(symbols.requireEqual(size, own, "the mapped sequences differ in length")))
      return context.error() << "its sequences have different numbers of elements";
    if (count)
      continue;
    size = own;
    FailureOr<Value> length = ints({static_cast<int64_t>(sequence->elements.size())}, true);
    if (!sequence->isList) {
      FailureOr<Value> shape = add("Shape", sequence->shapes);
      if (failed(shape))
        return failure();
      length = add("Gather", {*shape, ints({0}, /*scalar=*/true)});
    }
    if (failed(length))
      return failure();
    count = *length;
  }
  SmallVector<Value> begin;
  for (unsigned i = 0; i < node->getNumResults(); ++i) {
    Type element = declaredElement(yield, i);
    if (!element)
      return context.error() << "output " << i
                             << " of its graph has no declared element type, which a sequence "
                                "needs whose length only the run tells";
    begin.push_back(longtail::assemble(builder, loc, {ValueKind::List, 0, false, false, true}, {}));
    if (failed(inference.infer(cast<graph::NodeOp>(begin.back().getDefiningOp()))))
      return failure();
    known.sequences[begin.back()].elementType = element;
  }
  FailureOr<SmallVector<Value>> results =
      loop(count, begin, [&](OpBuilder &builder, Value trip, ValueRange carried) {
        IRMapping mapping;
        for (auto [argument, input] : llvm::zip(body->getArguments(), node.getInputs()))
          mapping.map(argument, known.contains(input)
                                    ? later(builder, loc, "SequenceAt", {input, trip})
                                    : input);
        for (Operation &op : body->front().without_terminator())
          builder.clone(op, mapping);
        SmallVector<Value> next;
        for (auto [sequence, value] : llvm::zip(carried, yield.getOperands()))
          next.push_back(
              later(builder, loc, "SequenceInsert", {sequence, mapping.lookupOrDefault(value)}));
        return next;
      });
  if (failed(results))
    return failure();
  for (auto [result, value] : llvm::zip(node->getResults(), *results)) {
    Sequence sequence = known.sequences.lookup(value);
    known.sequences[result] = std::move(sequence);
  }
  return success();
}

} // namespace longtail
