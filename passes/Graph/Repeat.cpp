#include "passes/Graph/Repeat.h"
#include "passes/Graph/BodyLimits.h"

using namespace mlir;

namespace longtail {

namespace {

class RepeatInference {
public:
  RepeatInference(FunctionInference &inference, operators::InferContext &context, Loop &loop)
      : inference(inference), context(context), loop(loop), symbols(inference.getSymbols()) {}

  FailureOr<SmallVector<Value>> run();

private:
  /// The carried values as parts, of the kinds that are wanted now.
  LogicalResult split();
  SmallVector<BodyArgument> places() const;
  SmallVector<Argument> arguments() const;
  LogicalResult attempt(bool quiet);
  /// Changes the kinds of what is carried to such that hold it after a trip too; true where there
  /// were any to change.
  FailureOr<bool> changeKinds();
  /// Opens the sizes that a trip changes; true where there were any.
  FailureOr<bool> openSizes();
  LogicalResult settle();
  void dropKnownCondition();
  FailureOr<SmallVector<Value>> build();

  FunctionInference &inference;
  operators::InferContext &context;
  Loop &loop;
  extent::SymbolTable &symbols;
  Captures captures;
  SmallVector<std::optional<WantedKind>> wanted; // of each carried value
  SmallVector<ValueKind> kinds;                  // of each carried value
  SmallVector<Value> parts;                      // of all of them
  SmallVector<Argument> carried;                 // the parts; a null size differs from trip to trip
  SmallVector<Argument> all;                     // of the last attempt
  SmallVector<ValueKind> given;                  // what the function gives, of the last attempt
  func::FuncOp function;
};

} // namespace

LogicalResult RepeatInference::split() {
  kinds.clear();
  parts.clear();
  OpBuilder builder(context.getNode());
  const Aggregates &known = inference.getAggregates();
  for (auto [value, form] : llvm::zip(loop.carried, wanted)) {
    Value begin = value;
    if (form) {
      begin = convert(builder, value, *form);
      if (failed(inference.infer(cast<graph::NodeOp>(begin.getDefiningOp()))))
        return failure();
    }
    kinds.push_back(known.kindOf(begin));
    llvm::append_range(parts, known.partsOf(begin));
  }
  carried = llvm::map_to_vector(parts, argumentOf);
  return success();
}

SmallVector<BodyArgument> RepeatInference::places() const {
  // Where the trip, each carried value, and each slice are among the function's arguments.
  SmallVector<unsigned> positions{0, 1};
  for (const ValueKind &kind : kinds)
    positions.push_back(positions.back() + kind.numParts());
  for (size_t i = 0; i < loop.sliced.size(); ++i)
    positions.push_back(positions.back() + 1);
  SmallVector<BodyArgument> result = loop.places;
  for (BodyArgument &place : result)
    if (place.position) {
      unsigned number = *place.position;
      if (number >= 1 && number <= kinds.size())
        place.kind = kinds[number - 1];
      place.position = positions[number];
    }
  return result;
}

SmallVector<Argument> RepeatInference::arguments() const {
  SmallVector<Argument> result;
  auto constants =
      llvm::map_to_vector(loop.tripSizes, [&](int64_t size) { return context.constantExpr(size); });
  result.push_back({IntegerType::get(context.getContext(), 64), constants});
  llvm::append_range(result, carried);
  for (Value value : loop.sliced) {
    result.push_back(argumentOf(value));
    result.back().sizes.erase(result.back().sizes.begin());
  }
  for (Value value : captures.passed)
    result.push_back(argumentOf(value));
  return result;
}

LogicalResult RepeatInference::attempt(bool quiet) {
  // The bodies in it come behind it.
  while (function && function->getNextNode())
    function->getNextNode()->erase();
  if (function)
    function.erase();
  all = arguments();
  unsigned own = all.size() - captures.passed.size();
  SmallVector<std::optional<WantedKind>> results(loop.hasCondition);
  llvm::append_range(results, wanted);
  function = makeFunction(inference, *loop.body, "trip", own, places(), captures, results);
  std::unique_ptr<ScopedDiagnosticHandler> handler;
  if (quiet)
    handler = std::make_unique<ScopedDiagnosticHandler>(context.getContext(),
                                                        [](Diagnostic &) { return success(); });
  auto inferred = inferFunction(inference, function, all, context.getNode());
  if (failed(inferred))
    return failure();
  given.assign(inferred->begin() + loop.hasCondition, inferred->end());
  if (loop.hasCondition && inferred->front().isAggregate())
    return context.error() << "the condition that its graph gives is a sequence or an optional";
  for (size_t i = kinds.size(); i < given.size(); ++i)
    if (given[i].isAggregate())
      return context.error() << "accumulated output " << i - kinds.size()
                             << " of its graph is a sequence or an optional, expected a tensor";
  return success();
}

FailureOr<bool> RepeatInference::changeKinds() {
  bool changed = false;
  TypeRange types = function.getResultTypes().drop_front(loop.hasCondition);
  SmallVector<std::optional<WantedKind>> next = wanted;
  for (auto [i, kind] : llvm::enumerate(kinds)) {
    const ValueKind &after = given[i];
    TypeRange own = types.take_front(after.numParts());
    types = types.drop_front(after.numParts());
    if (after == kind)
      continue;
    std::optional<ValueKind> both = unify(kind, after);
    if (!both || (wanted[i] && wanted[i]->kind == *both))
      return context.error() << "carried value " << i
                             << " begins as another kind of value than it is after a trip: tensor, "
                                "sequence or optional";
    next[i] = wantedLike(*both, after, own);
    changed = true;
  }
  wanted = std::move(next);
  if (changed && failed(split()))
    return failure();
  return changed;
}

FailureOr<bool> RepeatInference::openSizes() {
  SizeTranslation translate(function, all, symbols);
  bool opened = false;
  for (auto [i, value] : llvm::enumerate(carried)) {
    Type after = function.getResultTypes()[i + loop.hasCondition];
    auto type = cast<RankedTensorType>(after);
    if (type.getElementType() != value.elementType ||
        type.getRank() != static_cast<int64_t>(value.sizes.size()))
      return context.error() << "carried value " << i << " begins as "
                             << operators::describe(parts[i].getType()) << " and is "
                             << operators::describe(type)
                             << " after a trip; element type and rank must stay";
    for (auto [size, next] : llvm::zip(value.sizes, extent::sizesOf(type))) {
      AffineExpr known = size ? translate(next) : AffineExpr();
      if (!size || (known && symbols.isProvably(extent::Function::Equal, size, known)))
        continue;
      size = {};
      opened = true;
    }
  }
  return opened;
}

/// A condition that is always true is none.
void RepeatInference::dropKnownCondition() {
  if (!loop.hasCondition)
    return;
  Operation *yield = function.front().getTerminator();
  ElementsAttr constant = operators::constantOf(yield->getOperand(0));
  std::optional<SmallVector<int64_t>> known =
      constant ? operators::readInts(constant) : std::nullopt;
  if (!known || known->size() != 1 || known->front() == 0)
    return;
  yield->eraseOperand(0);
  function.setType(FunctionType::get(context.getContext(), function.getArgumentTypes(),
                                     yield->getOperandTypes()));
  loop.hasCondition = false;
}

FailureOr<SmallVector<Value>> RepeatInference::build() {
  graph::NodeOp node = context.getNode();
  SizeTranslation translate(function, all, symbols);
  extent::Interval range = symbols.range(loop.trips);
  bool isCounted = !loop.hasCondition && range.high && *range.high <= kMaxBodySize;
  AffineExpr count = isCounted ? symbols.max(loop.trips, symbols.constant(0)) : AffineExpr();
  TypeRange types = function.getResultTypes().drop_front(loop.hasCondition);
  SmallVector<std::pair<Type, SmallVector<AffineExpr>>> plans;
  for (auto [i, type] : llvm::enumerate(types)) {
    SmallVector<AffineExpr> sizes;
    if (i < carried.size()) {
      sizes = carried[i].sizes;
    } else {
      sizes.push_back(count);
      for (AffineExpr size : extent::sizesOf(cast<RankedTensorType>(type)))
        sizes.push_back(translate(size));
    }
    plans.emplace_back(cast<RankedTensorType>(type).getElementType(), sizes);
  }
  ResultSizes results(symbols);
  for (auto &[elementType, sizes] : plans)
    results.add(elementType, sizes);
  OpBuilder builder(node);
  auto repeat =
      compute::RepeatOp::create(builder, node.getLoc(), results.getTypes(), function.getSymName(),
                                extent::sizesMap(node.getContext(), {loop.trips}),
                                loop.hasCondition, parts, loop.sliced, captures.passed);
  results.declare(repeat);
  return assembleAll(inference, builder, node.getLoc(), given, repeat.getResults());
}

LogicalResult RepeatInference::settle() {
  for (;;) {
    FailureOr<bool> changed = changeKinds();
    if (failed(changed))
      return failure();
    if (!*changed)
      changed = openSizes();
    if (failed(changed))
      return failure();
    if (!*changed)
      return success();
    if (failed(attempt(/*quiet=*/false)))
      return failure();
  }
}

FailureOr<SmallVector<Value>> RepeatInference::run() {
  FailureOr<Captures> read = capturesOf(inference, context, loop.body);
  if (failed(read))
    return failure();
  captures = std::move(*read);
  wanted.resize(loop.carried.size());
  if (failed(split()))
    return failure();
  // Sizes and numbers of elements are first taken to stay as they are. Where that leads to an
  // error, it may be because they do not.
  if (failed(attempt(/*quiet=*/true))) {
    for (auto [form, kind, value] : llvm::zip(wanted, kinds, loop.carried))
      if (kind.isAggregate() && kind.form != ValueKind::Pair)
        form = wantedLike(*unify(kind, kind), kind,
                          ValueRange(inference.getAggregates().partsOf(value)).getTypes());
    if (failed(split()))
      return failure();
    for (Argument &value : carried)
      llvm::fill(value.sizes, AffineExpr());
    if (failed(attempt(/*quiet=*/false)))
      return failure();
  }
  if (failed(settle()))
    return failure();
  for (auto [i, type] :
       llvm::enumerate(function.getResultTypes().drop_front(loop.hasCondition + carried.size())))
    if (access::bitWidth(cast<RankedTensorType>(type).getElementType()) < 8 &&
        !cast<RankedTensorType>(type).getElementType().isInteger(1))
      return context.error() << "accumulated output " << i << " has element type "
                             << cast<RankedTensorType>(type).getElementType()
                             << ", which has less than a byte";
  dropKnownCondition();
  return build();
}

FailureOr<SmallVector<Value>> inferRepeat(FunctionInference &inference,
                                          operators::InferContext &context, Loop &loop) {
  return RepeatInference(inference, context, loop).run();
}

} // namespace longtail
