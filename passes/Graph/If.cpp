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

LogicalResult inferIf(FunctionInference &inference, operators::InferContext &context) {
  graph::NodeOp node = context.getNode();
  Region *bodies[] = {node.getNamedRegion("then_branch"), node.getNamedRegion("else_branch")};
  if (failed(checkGraph(context, bodies[0], "then_branch")) ||
      failed(checkGraph(context, bodies[1], "else_branch")))
    return failure();
  FailureOr<AffineExpr> condition = conditionOf(context);
  if (failed(condition))
    return failure();
  if (auto known = dyn_cast<AffineConstantExpr>(*condition))
    return inlineBody(inference, node, *bodies[known.getValue() == 0], {});

  Captures captures = capturesOf(bodies);
  if (failed(checkCaptures(context, captures)))
    return failure();
  SmallVector<Argument> arguments = llvm::map_to_vector(captures.passed, argumentOf);
  func::FuncOp functions[2];
  for (int i = 0; i < 2; ++i) {
    // What no output needs is computed for nobody.
    Operation *yield = bodies[i]->front().getTerminator();
    while (yield->getNumOperands() > node->getNumResults())
      yield->eraseOperand(yield->getNumOperands() - 1);
    functions[i] = makeFunction(inference, *bodies[i], i == 0 ? "then" : "else", 0, {}, captures);
    if (failed(inferFunction(inference, functions[i], arguments, node)))
      return failure();
  }

  extent::SymbolTable &symbols = inference.getSymbols();
  SizeTranslation translations[] = {{functions[0], arguments, symbols},
                                    {functions[1], arguments, symbols}};
  SmallVector<SmallVector<AffineExpr>> sizes;
  for (unsigned i = 0; i < functions[0].getNumResults(); ++i) {
    auto type = cast<RankedTensorType>(functions[0].getResultTypes()[i]);
    auto other = cast<RankedTensorType>(functions[1].getResultTypes()[i]);
    if (type.getElementType() != other.getElementType() || type.getRank() != other.getRank())
      return context.error() << "output " << i << " is " << operators::describe(type)
                             << " in 'then_branch' and " << operators::describe(other)
                             << " in 'else_branch'; element types and ranks must agree where the "
                                "condition is only known when the model runs";
    sizes.emplace_back();
    for (auto [a, b] : llvm::zip(extent::sizesOf(type), extent::sizesOf(other))) {
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
  for (auto [result, value] : llvm::zip(node.getResults(), branch.getResults()))
    result.replaceAllUsesWith(value);
  node.erase();
  return success();
}

} // namespace longtail
