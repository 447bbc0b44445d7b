#include "passes/Graph/Bodies.h"
#include "passes/Graph/BranchTails.h"

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

namespace {

/// The functions of both branches.
struct Branches {
  func::FuncOp functions[2];
  SmallVector<ValueKind> kinds[2];
  SmallVector<std::optional<WantedKind>> wanted;

  LogicalResult infer(FunctionInference &inference, graph::NodeOp node, Region *bodies[2],
                      const Captures &captures, ArrayRef<Argument> arguments,
                      ArrayRef<std::optional<WantedKind>> wantedKinds);
  /// Whether both give the same kinds; `wanted` has those that can hold both.
  FailureOr<bool> unify(operators::InferContext &context);
  void erase();
};

} // namespace

LogicalResult Branches::infer(FunctionInference &inference, graph::NodeOp node, Region *bodies[2],
                              const Captures &captures, ArrayRef<Argument> arguments,
                              ArrayRef<std::optional<WantedKind>> wantedKinds) {
  for (int i = 0; i < 2; ++i) {
    functions[i] =
        makeFunction(inference, *bodies[i], i == 0 ? "then" : "else", 0, {}, captures, wantedKinds);
    auto inferred = inferFunction(inference, functions[i], arguments, node);
    if (failed(inferred))
      return failure();
    kinds[i] = *inferred;
  }
  return success();
}

FailureOr<bool> Branches::unify(operators::InferContext &context) {
  TypeRange types[] = {functions[0].getResultTypes(), functions[1].getResultTypes()};
  bool agree = true;
  for (auto [i, one, other] : llvm::enumerate(kinds[0], kinds[1])) {
    TypeRange parts[] = {types[0].take_front(one.numParts()),
                         types[1].take_front(other.numParts())};
    types[0] = types[0].drop_front(one.numParts());
    types[1] = types[1].drop_front(other.numParts());
    wanted.emplace_back();
    if (!one.isAggregate() && !other.isAggregate())
      continue;
    bool areSame = one == other && llvm::all_of(llvm::zip(parts[0], parts[1]), [](auto pair) {
                     return areSameKind(std::get<0>(pair), std::get<1>(pair));
                   });
    if (areSame)
      continue;
    std::optional<ValueKind> both = longtail::unify(one, other);
    if (!both)
      return context.error() << "output " << i
                             << " is a sequence or an optional in one branch, and something else "
                                "in the other";
    agree = false;
    wanted.back() =
        one.isEmpty() ? wantedLike(*both, other, parts[1]) : wantedLike(*both, one, parts[0]);
  }
  return agree;
}

void Branches::erase() {
  while (functions[0]->getNextNode()) // the bodies in them come behind them
    functions[0]->getNextNode()->erase();
  functions[0].erase();
}

namespace {

/// An output that differs in element type or rank: its place among the node's results and, of the
/// first part that does, among the functions'.
struct Differing {
  unsigned output, part;
};

} // namespace

static SmallVector<Differing> differingOutputs(Branches &branches) {
  SmallVector<Differing> differing;
  unsigned part = 0;
  for (auto [i, kind] : llvm::enumerate(branches.kinds[0])) {
    auto parts = llvm::seq(part, part + kind.numParts());
    auto wrong = llvm::find_if_not(parts, [&](unsigned each) {
      return areSameKind(branches.functions[0].getResultTypes()[each],
                         branches.functions[1].getResultTypes()[each]);
    });
    if (wrong != parts.end())
      differing.push_back({static_cast<unsigned>(i), *wrong});
    part += kind.numParts();
  }
  return differing;
}

/// Where no type fits both branches: compiles one branch only, or what comes after each of them.
static LogicalResult inferDiffering(FunctionInference &inference, operators::InferContext &context,
                                    Branches &branches, Region *bodies[2], AffineExpr condition,
                                    bool dependsOnSizes, ArrayRef<Differing> differing) {
  graph::NodeOp node = context.getNode();
  std::optional<unsigned> branch = fittingBranch(node, branches.functions, dependsOnSizes);
  if (!branch) {
    SmallVector<Value> outputs = llvm::map_to_vector(
        differing, [&](const Differing &each) -> Value { return node.getResult(each.output); });
    FailureOr<bool> moved = duplicateTail(inference, context, outputs);
    if (failed(moved))
      return failure();
    if (!*moved) {
      auto describe = [&](int i) {
        return operators::describe(branches.functions[i].getResultTypes()[differing.front().part]);
      };
      return context.error() << "output " << differing.front().output << " is " << describe(0)
                             << " in 'then_branch' and " << describe(1)
                             << " in 'else_branch'; element types and ranks of what leaves the "
                                "graph must agree where the condition is only known when the "
                                "model runs";
    }
    branches.erase();
    return success();
  }
  branches.erase();
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

  // What no output needs is computed for nobody.
  for (Region *body : bodies) {
    Operation *yield = body->front().getTerminator();
    while (yield->getNumOperands() > node->getNumResults())
      yield->eraseOperand(yield->getNumOperands() - 1);
  }
  FailureOr<Captures> read = capturesOf(inference, context, bodies);
  if (failed(read))
    return failure();
  Captures &captures = *read;
  SmallVector<Argument> arguments = llvm::map_to_vector(captures.passed, argumentOf);
  Branches branches;
  if (failed(branches.infer(inference, node, bodies, captures, arguments, {})))
    return failure();
  FailureOr<bool> agree = branches.unify(context);
  if (failed(agree))
    return failure();
  if (!*agree) {
    branches.erase();
    if (failed(branches.infer(inference, node, bodies, captures, arguments, branches.wanted)))
      return failure();
  }
  func::FuncOp(&functions)[2] = branches.functions;
  if (SmallVector<Differing> differing = differingOutputs(branches); !differing.empty())
    return inferDiffering(inference, context, branches, bodies, *condition, dependsOnSizes,
                          differing);

  extent::SymbolTable &symbols = inference.getSymbols();
  SizeTranslation translations[] = {{functions[0], arguments, symbols},
                                    {functions[1], arguments, symbols}};
  SmallVector<SmallVector<AffineExpr>> sizes;
  for (unsigned i = 0; i < functions[0].getNumResults(); ++i) {
    Type type = functions[0].getResultTypes()[i], other = functions[1].getResultTypes()[i];
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
  FailureOr<SmallVector<Value>> values =
      assembleAll(inference, builder, node.getLoc(), branches.kinds[0], branch.getResults());
  if (failed(values))
    return failure();
  node.replaceAllUsesWith(*values);
  node.erase();
  return success();
}

} // namespace longtail
