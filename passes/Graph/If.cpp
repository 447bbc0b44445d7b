#include "passes/Graph/Bodies.h"

using namespace mlir;

namespace longtail {

/// The condition as an expression of sizes; a symbol read at run time where it is not known.
static FailureOr<AffineExpr> conditionOf(operators::InferContext &context) {
  RankedTensorType type = context.inputType(0);
  if (!type.getElementType().isInteger(1))
    return context.error() << "the condition has element type " << type.getElementType()
                           << ", expected bool";
  if (type.hasStaticShape() && type.getNumElements() != 1)
    return context.error() << "the condition has " << type.getNumElements()
                           << " elements, expected one";
  if (auto known = context.contents(0); known && known->size() == 1)
    return known->front();
  OpBuilder builder(context.getNode());
  return context.getSymbols().bind(builder, context.getLoc(), context.inputValue(0), 0, 0, 1);
}

static LogicalResult checkGraph(operators::InferContext &context, Region *body, StringRef name) {
  if (!body)
    return context.error() << "attribute '" << name << "' is missing";
  if (body->getNumArguments() != 0)
    return context.error() << "the graph '" << name << "' has inputs, a branch has none";
  unsigned given = body->front().getTerminator()->getNumOperands();
  if (given < context.numOutputs())
    return context.error() << "the graph '" << name << "' has " << given << " outputs, expected "
                           << context.numOutputs();
  return success();
}

/// The branch to compile where their results differ in element type or rank, so that nothing behind
/// the node fits both: the one that the model declares, or, where sizes decide, the first (an
/// exporter's "squeeze if that dimension is 1"). That it is taken is checked at run time.
static std::optional<unsigned> fittingBranch(graph::NodeOp node, func::FuncOp functions[2],
                                             bool dependsOnSizes) {
  bool fits[2] = {true, true}, isDeclared = false;
  if (std::optional<ArrayAttr> declared = node.getDeclaredTypes())
    for (auto [i, entry] : llvm::enumerate(*declared)) {
      auto type = dyn_cast<RankedTensorType>(cast<TypeAttr>(entry).getValue());
      if (!type || i >= functions[0].getNumResults() || i >= functions[1].getNumResults())
        continue;
      isDeclared = true;
      for (int branch = 0; branch < 2; ++branch) {
        auto given = cast<RankedTensorType>(functions[branch].getResultTypes()[i]);
        fits[branch] &=
            given.getRank() == type.getRank() && given.getElementType() == type.getElementType();
      }
    }
  if (isDeclared && fits[0] != fits[1])
    return fits[1];
  return dependsOnSizes ? std::optional(0u) : std::nullopt;
}

static bool areSameKind(Type a, Type b) {
  auto type = cast<RankedTensorType>(a), other = cast<RankedTensorType>(b);
  return type.getElementType() == other.getElementType() && type.getRank() == other.getRank();
}

/// Compiles one branch only.
static LogicalResult inlineFitting(FunctionInference &inference, operators::InferContext &context,
                                   func::FuncOp functions[2], Region *bodies[2],
                                   AffineExpr condition, bool dependsOnSizes, unsigned output) {
  graph::NodeOp node = context.getNode();
  std::optional<unsigned> branch = fittingBranch(node, functions, dependsOnSizes);
  if (!branch)
    return context.error() << "output " << output << " is "
                           << operators::describe(functions[0].getResultTypes()[output])
                           << " in 'then_branch' and "
                           << operators::describe(functions[1].getResultTypes()[output])
                           << " in 'else_branch'; element types and ranks must agree where the "
                              "condition is only known when the model runs";
  while (functions[0]->getNextNode()) // the bodies in them come behind them
    functions[0]->getNextNode()->erase();
  functions[0].erase();
  extent::SymbolTable &symbols = inference.getSymbols();
  AffineExpr taken = symbols.derive(extent::Function::Equal, {condition, symbols.constant(0)});
  std::string message = "the condition of '" + node.getNodeName().str() + "' is " +
                        (*branch ? "true" : "false") +
                        "; its branches give different ranks or types, and only the other one was "
                        "compiled";
  if (failed(symbols.requireEqual(taken, symbols.constant(*branch), message)))
    return context.error() << "only the branch that is never taken fits the declared output";
  return inlineBody(inference, node, *bodies[*branch], {});
}

LogicalResult inferIf(FunctionInference &inference, operators::InferContext &context) {
  graph::NodeOp node = context.getNode();
  Region *bodies[] = {node.getNamedRegion("then_branch"), node.getNamedRegion("else_branch")};
  if (failed(checkGraph(context, bodies[0], "then_branch")) ||
      failed(checkGraph(context, bodies[1], "else_branch")))
    return failure();
  bool dependsOnSizes = context.contents(0).has_value();
  FailureOr<AffineExpr> condition = conditionOf(context);
  if (failed(condition))
    return failure();
  if (auto known = dyn_cast<AffineConstantExpr>(*condition))
    return inlineBody(inference, node, *bodies[known.getValue() == 0], {});

  Captures captures = capturesOf(bodies);
  if (failed(checkCaptures(inference, context, captures)))
    return failure();
  SmallVector<Argument> arguments = llvm::map_to_vector(captures.passed, argumentOf);
  func::FuncOp functions[2];
  SmallVector<FunctionInference::ResultKind> kinds[2];
  for (int i = 0; i < 2; ++i) {
    // What no output needs is computed for nobody.
    Operation *yield = bodies[i]->front().getTerminator();
    while (yield->getNumOperands() > node->getNumResults())
      yield->eraseOperand(yield->getNumOperands() - 1);
    functions[i] = makeFunction(inference, *bodies[i], i == 0 ? "then" : "else", 0, {}, captures);
    auto inferred = inferFunction(inference, functions[i], arguments, node);
    if (failed(inferred))
      return failure();
    kinds[i] = *inferred;
  }
  for (unsigned i = 0; i < node->getNumResults(); ++i)
    if (!(kinds[0][i] == kinds[1][i]))
      return context.error() << "output " << i << " is a sequence of " << kinds[0][i].count
                             << " elements in one branch and of " << kinds[1][i].count
                             << " in the other; the numbers must agree where the condition is "
                                "only known when the model runs";

  extent::SymbolTable &symbols = inference.getSymbols();
  SizeTranslation translations[] = {{functions[0], arguments, symbols},
                                    {functions[1], arguments, symbols}};
  SmallVector<SmallVector<AffineExpr>> sizes;
  for (unsigned i = 0; i < functions[0].getNumResults(); ++i) {
    Type type = functions[0].getResultTypes()[i], other = functions[1].getResultTypes()[i];
    if (!areSameKind(type, other))
      return inlineFitting(inference, context, functions, bodies, *condition, dependsOnSizes, i);
    sizes.emplace_back();
    for (auto [a, b] : llvm::zip(extent::sizesOf(cast<RankedTensorType>(type)),
                                 extent::sizesOf(cast<RankedTensorType>(other)))) {
      AffineExpr one = translations[0](a), two = translations[1](b);
      // Known before the branch runs, even where it depends on the condition.
      sizes.back().push_back(one && two
                                 ? symbols.derive(extent::Function::Select, {*condition, one, two})
                                 : AffineExpr());
    }
  }
  ResultSizes results(symbols);
  for (auto [type, size] : llvm::zip(functions[0].getResultTypes(), sizes))
    results.add(cast<RankedTensorType>(type).getElementType(), size);
  OpBuilder builder(node);
  auto branch = compute::BranchOp::create(
      builder, node.getLoc(), results.getTypes(), extent::sizesMap(node.getContext(), {*condition}),
      functions[0].getSymName(), functions[1].getSymName(), captures.passed);
  results.declare(branch);
  unsigned position = 0;
  for (auto [result, kind] : llvm::zip(node.getResults(), kinds[0])) {
    ValueRange values = branch.getResults().slice(position, kind.count);
    position += kind.count;
    if (!kind.isSequence) {
      result.replaceAllUsesWith(values[0]);
      continue;
    }
    inference.addSequence(result, values);
  }
  node.erase();
  return success();
}

} // namespace longtail
