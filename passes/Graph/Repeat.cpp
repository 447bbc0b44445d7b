#include "passes/Graph/Repeat.h"
#include "passes/Graph/BodyLimits.h"

using namespace mlir;

namespace longtail {

namespace {

class RepeatInference {
public:
  RepeatInference(FunctionInference &inference, operators::InferContext &context, Loop &loop)
      : inference(inference), context(context), loop(loop), symbols(inference.getSymbols()) {}

  FailureOr<compute::RepeatOp> run();

private:
  SmallVector<Argument> arguments() const;
  LogicalResult attempt(bool quiet);
  /// Opens the sizes that a trip changes; true where there were any.
  FailureOr<bool> openSizes();
  void dropKnownCondition();
  compute::RepeatOp build();

  FunctionInference &inference;
  operators::InferContext &context;
  Loop &loop;
  extent::SymbolTable &symbols;
  Captures captures;
  SmallVector<Argument> carried; // a null size differs from trip to trip
  SmallVector<Argument> all;     // of the last attempt
  func::FuncOp function;
};

} // namespace

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
  function = makeFunction(inference, *loop.body, "trip", own, loop.places, captures);
  std::unique_ptr<ScopedDiagnosticHandler> handler;
  if (quiet)
    handler = std::make_unique<ScopedDiagnosticHandler>(context.getContext(),
                                                        [](Diagnostic &) { return success(); });
  auto kinds = inferFunction(inference, function, all, context.getNode());
  if (failed(kinds))
    return failure();
  for (auto [i, kind] : llvm::enumerate(*kinds))
    if (kind.isSequence)
      return context.error() << "output " << i << " of its graph is a sequence";
  return success();
}

FailureOr<bool> RepeatInference::openSizes() {
  SizeTranslation translate(function, all, symbols);
  bool opened = false;
  for (auto [i, value] : llvm::enumerate(carried)) {
    Type given = function.getResultTypes()[i + loop.hasCondition];
    auto type = cast<RankedTensorType>(given);
    if (type.getElementType() != value.elementType ||
        type.getRank() != static_cast<int64_t>(value.sizes.size()))
      return context.error() << "carried value " << i << " begins as "
                             << operators::describe(loop.carried[i].getType()) << " and is "
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

compute::RepeatOp RepeatInference::build() {
  graph::NodeOp node = context.getNode();
  SizeTranslation translate(function, all, symbols);
  extent::Interval range = symbols.range(loop.trips);
  bool isCounted = !loop.hasCondition && range.high && *range.high <= kMaxBodySize;
  AffineExpr count = isCounted ? symbols.max(loop.trips, symbols.constant(0)) : AffineExpr();
  TypeRange given = function.getResultTypes().drop_front(loop.hasCondition);
  SmallVector<std::pair<Type, SmallVector<AffineExpr>>> plans;
  for (auto [i, type] : llvm::enumerate(given)) {
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
                                loop.hasCondition, loop.carried, loop.sliced, captures.passed);
  results.declare(repeat);
  return repeat;
}

FailureOr<compute::RepeatOp> RepeatInference::run() {
  captures = capturesOf(loop.body);
  if (failed(checkCaptures(inference, context, captures)))
    return failure();
  carried = llvm::map_to_vector(loop.carried, argumentOf);
  // Sizes are first taken to stay as they are. Where that leads to an error, it may be because they
  // do not.
  if (failed(attempt(/*quiet=*/true))) {
    for (Argument &value : carried)
      llvm::fill(value.sizes, AffineExpr());
    if (failed(attempt(/*quiet=*/false)))
      return failure();
  }
  for (;;) {
    FailureOr<bool> opened = openSizes();
    if (failed(opened))
      return failure();
    if (!*opened)
      break;
    if (failed(attempt(/*quiet=*/false)))
      return failure();
  }
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

FailureOr<compute::RepeatOp> inferRepeat(FunctionInference &inference,
                                         operators::InferContext &context, Loop &loop) {
  return RepeatInference(inference, context, loop).run();
}

} // namespace longtail
