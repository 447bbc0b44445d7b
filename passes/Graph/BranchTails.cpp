#include "passes/Graph/BranchTails.h"
#include "passes/Graph/BodyLimits.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace longtail {

namespace {

class BranchTails {
public:
  BranchTails(FunctionInference &inference, graph::NodeOp node)
      : inference(inference), node(node), terminator(node->getBlock()->getTerminator()) {
    for (Operation *op = node->getNextNode(); op != terminator; op = op->getNextNode())
      if (!inference.isAbandoned(op) && reads(op))
        tail.insert(op);
    for (OpOperand &operand : terminator->getOpOperands())
      if (Operation *giver = operand.get().getDefiningOp();
          giver && (giver == node || tail.contains(giver)))
        leaving.push_back(&operand);
  }

  bool leaves(Value value) const {
    return llvm::any_of(leaving, [&](OpOperand *operand) { return operand->get() == value; });
  }
  size_t size() const { return tail.size(); }
  void move();

private:
  /// Whether an operation, or one in its graphs, uses a result of the node or of the tail.
  bool reads(Operation *op) const;
  void fill(Region &into, Region &branch, bool condition);

  FunctionInference &inference;
  graph::NodeOp node;
  Operation *terminator;
  SetVector<Operation *> tail;
  SmallVector<OpOperand *> leaving; // of the terminator
};

} // namespace

bool BranchTails::reads(Operation *op) const {
  return op
      ->walk([&](Operation *inner) {
        for (Value operand : inner->getOperands())
          if (Operation *giver = operand.getDefiningOp();
              giver && (giver == node || tail.contains(giver)))
            return WalkResult::interrupt();
        return WalkResult::advance();
      })
      .wasInterrupted();
}

void BranchTails::fill(Region &into, Region &branch, bool condition) {
  OpBuilder builder(node.getContext());
  builder.createBlock(&into);
  IRMapping mapping;
  for (Operation &op : branch.front().without_terminator())
    builder.clone(op, mapping);
  for (auto [result, value] :
       llvm::zip(node.getResults(), branch.front().getTerminator()->getOperands()))
    mapping.map(result, mapping.lookupOrDefault(value));
  Value decided = node.getInputs().front();
  auto type = cast<RankedTensorType>(decided.getType());
  auto known = DenseElementsAttr::get(
      RankedTensorType::get(SmallVector<int64_t>(type.getRank(), 1), builder.getI1Type()),
      condition);
  mapping.map(decided, graph::ConstantOp::create(builder, node.getLoc(), known.getType(), known,
                                                 StringAttr())
                           .getResult());
  for (Operation *op : tail)
    builder.clone(*op, mapping);
  SmallVector<Value> given = llvm::map_to_vector(
      leaving, [&](OpOperand *operand) { return mapping.lookup(operand->get()); });
  graph::YieldOp::create(builder, node.getLoc(), given,
                         builder.getStrArrayAttr(SmallVector<StringRef>(given.size(), "")),
                         ArrayAttr());
}

void BranchTails::move() {
  OpBuilder builder(terminator);
  SmallVector<Type> types(leaving.size(), graph::AnyType::get(node.getContext()));
  SmallVector<StringRef> names(leaving.size(), "value");
  ArrayAttr noNames = builder.getStrArrayAttr({});
  auto moved = graph::NodeOp::create(
      builder, node.getLoc(), types, node.getOpTypeAttr(), node.getDomainAttr(),
      node.getVersionAttr(), node.getNodeNameAttr(), node.getInputs(),
      builder.getStrArrayAttr(names), builder.getDictionaryAttr({}), /*declared_types=*/ArrayAttr(),
      builder.getStrArrayAttr({"then_branch", "else_branch"}),
      builder.getArrayAttr({noNames, noNames}), /*arg_declared_types=*/ArrayAttr(),
      /*bodiesCount=*/2);
  fill(moved.getBodies()[0], *node.getNamedRegion("then_branch"), true);
  fill(moved.getBodies()[1], *node.getNamedRegion("else_branch"), false);
  for (auto [operand, result] : llvm::zip(leaving, moved.getResults()))
    operand->set(result);
  inference.abandon(node);
  for (Operation *op : tail)
    inference.abandon(op);
  inference.postpone(moved);
}

FailureOr<bool> duplicateTail(FunctionInference &inference, operators::InferContext &context,
                              ValueRange differing) {
  graph::NodeOp node = context.getNode();
  BranchTails tails(inference, node);
  if (llvm::any_of(differing, [&](Value result) { return tails.leaves(result); }))
    return false;
  size_t &copies = inference.getShared().numCopies;
  copies += tails.size();
  if (copies > kMaxTailCopies)
    return context.error()
           << "the branches give different ranks or types, so that what comes after "
              "them is compiled for each; that makes more than "
           << kMaxTailCopies << " copies of nodes in this model";
  tails.move();
  return true;
}

} // namespace longtail
