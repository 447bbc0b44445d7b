#include "compiler/Operators/Registry.h"
#include "dialects/Compute/IR/Compute.h"
#include "dialects/Extent/IR/SymbolTable.h"
#include "dialects/Graph/IR/Graph.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Expand/Passes.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_EXPAND
#include "passes/Expand/Passes.h.inc"

namespace {

class ExpandPass : public impl::ExpandBase<ExpandPass> {
public:
  using ExpandBase::ExpandBase;
  void runOnOperation() override;

private:
  void replaceKnown(graph::NodeOp node, extent::SymbolTable &symbols);
  LogicalResult expand(graph::NodeOp node, extent::SymbolTable &symbols);
};

/// Erases operations without effect that nothing uses, users before what they use.
void eraseDead(Block &body) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// Replaces the results whose elements inference knows. The new operations keep the record, for the
/// rules of their users.
void ExpandPass::replaceKnown(graph::NodeOp node, extent::SymbolTable &symbols) {
  auto contents = node->getAttrOfType<ArrayAttr>(operators::kContentsAttr);
  if (!contents)
    return;
  OpBuilder builder(node);
  operators::ExpandContext context(node, symbols, builder);
  for (auto [i, result] : llvm::enumerate(node.getResults())) {
    auto map = dyn_cast<AffineMapAttr>(contents[i]);
    auto type = dyn_cast<RankedTensorType>(result.getType());
    // Floating-point numbers are computed as the model says; only what depends on them is known.
    if (!map || !type || !isa<IntegerType>(type.getElementType()) || result.use_empty())
      continue;
    Value value = context.materialize(type, map.getValue().getResults());
    value.getDefiningOp()->setAttr(operators::kContentsAttr, builder.getArrayAttr({map}));
    result.replaceAllUsesWith(value);
  }
}

LogicalResult ExpandPass::expand(graph::NodeOp node, extent::SymbolTable &symbols) {
  OpBuilder builder(node);
  operators::ExpandContext context(node, symbols, builder);
  const operators::Operator *op =
      operators::Registry::builtin().lookup(node.getDomain(), node.getOpType(), node.getVersion());
  if (!op)
    return context.error() << "the operator is not supported";
  for (Value operand : node->getOperands())
    if (!isa<RankedTensorType, NoneType>(operand.getType()))
      return context.error() << "types have not been inferred";
  for (Type type : node->getResultTypes())
    if (!isa<RankedTensorType, NoneType>(type))
      return context.error() << "types have not been inferred";
  if (failed(op->expand(context)) || context.hasReported())
    return failure();
  for (auto [i, result] : llvm::enumerate(node.getResults())) {
    if (result.use_empty())
      continue;
    Value value = context.getValues()[i];
    if (!value)
      return context.error() << "the expansion gives no value for result " << i;
    // The same sizes may be written in two ways; users see those that inference gave.
    if (value.getType() != result.getType()) {
      int64_t rank = cast<RankedTensorType>(result.getType()).getRank();
      value =
          access::ReadOp::create(builder, node.getLoc(), result.getType(), value,
                                 access::MapAttr::getIdentity(&getContext(), rank), TypedAttr());
    }
    result.replaceAllUsesWith(value);
  }
  node.erase();
  return success();
}

void ExpandPass::runOnOperation() {
  func::FuncOp function = getOperation();
  if (function.isExternal())
    return;
  extent::SymbolTable symbols(function);
  Block &body = function.getBody().front();
  for (graph::NodeOp node : llvm::to_vector(body.getOps<graph::NodeOp>()))
    replaceKnown(node, symbols);
  eraseDead(body);
  bool failedAny = false;
  for (graph::NodeOp node : llvm::to_vector(body.getOps<graph::NodeOp>()))
    failedAny |= failed(expand(node, symbols));
  if (failedAny)
    return signalPassFailure();
  eraseDead(body);
  for (Operation &op : body) {
    op.removeAttr(operators::kContentsAttr);
    op.removeAttr(operators::kDenominatorsAttr);
  }
}

} // namespace
} // namespace longtail
