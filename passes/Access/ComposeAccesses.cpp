#include "dialects/Compute/IR/Stored.h"
#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Access/AccessComposer.h"
#include "passes/Access/Passes.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_COMPOSEACCESSESPASS
#include "passes/Access/Passes.h.inc"

namespace {

struct ComposeAccesses final : impl::ComposeAccessesPassBase<ComposeAccesses> {
  using ComposeAccessesPassBase::ComposeAccessesPassBase;

  void runOnOperation() override {
    AccessComposer composer(getOperation());
    // Producers come first, so each operation sees sources that are resolved already.
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<compute::MapOp, compute::ReduceOp>(op)) {
        composer.composeOperands(op);
        mergeEqualOperands(op);
      } else if (isa<compute::ContractOp>(op)) {
        composer.composeOperands(op);
      } else if (auto read = dyn_cast<access::ReadOp>(op)) {
        composer.composeRead(read);
      } else if (auto load = dyn_cast<access::LoadOp>(op)) {
        composer.composeLoad(load);
      } else if (auto bind = dyn_cast<extent::BindOp>(op)) {
        composeBind(bind);
      }
      if (auto map = dyn_cast<compute::MapOp>(op))
        replaceCopy(map, composer);
    });
    removeDead();
  }

private:
  /// One block argument for operands that read the same elements.
  static void mergeEqualOperands(Operation *op) {
    Block &body = op->getRegion(0).front();
    auto accesses = op->getAttrOfType<ArrayAttr>("accesses");
    auto fills = op->getAttrOfType<ArrayAttr>("fills");
    llvm::BitVector dead(op->getNumOperands());
    for (unsigned i = 0; i < op->getNumOperands(); ++i)
      for (unsigned j = 0; j < i; ++j)
        if (!dead[j] && op->getOperand(i) == op->getOperand(j) && accesses[i] == accesses[j] &&
            fills[i] == fills[j]) {
          body.getArgument(i).replaceAllUsesWith(body.getArgument(j));
          dead.set(i);
          break;
        }
    eraseOperands(op, dead);
  }

  static void eraseOperands(Operation *op, const llvm::BitVector &dead) {
    if (dead.none())
      return;
    SmallVector<Attribute> accesses, fills;
    for (unsigned i = 0; i < dead.size(); ++i)
      if (!dead[i]) {
        accesses.push_back(op->getAttrOfType<ArrayAttr>("accesses")[i]);
        fills.push_back(op->getAttrOfType<ArrayAttr>("fills")[i]);
      }
    op->setAttr("accesses", ArrayAttr::get(op->getContext(), accesses));
    op->setAttr("fills", ArrayAttr::get(op->getContext(), fills));
    op->getRegion(0).front().eraseArguments(dead);
    op->eraseOperands(dead);
  }

  /// A map that yields an argument as it is reads its operand.
  static void replaceCopy(compute::MapOp map, const AccessComposer &composer) {
    if (map.getNumResults() != 1 || map->hasAttr(compute::kStoredAttr))
      return;
    auto argument = dyn_cast<BlockArgument>(map.getBody().front().getTerminator()->getOperand(0));
    if (!argument || argument.getOwner() != &map.getBody().front())
      return;
    unsigned number = argument.getArgNumber();
    Value source = map.getInputs()[number];
    // The sign of integers belongs to the type: a change of it is no read.
    if (getElementTypeOrSelf(source.getType()) != getElementTypeOrSelf(map.getResult(0).getType()))
      return;
    OpBuilder builder(map);
    auto read = access::ReadOp::create(builder, map.getLoc(), map.getResult(0).getType(), source,
                                       cast<access::MapAttr>(map.getAccesses()[number]),
                                       dyn_cast<TypedAttr>(map.getFills()[number]));
    map.getResult(0).replaceAllUsesWith(read.getResult());
    composer.composeRead(read);
  }

  /// Element `index` of a read with constant sizes is an element of its source.
  static void composeBind(extent::BindOp bind) {
    auto read = bind.getSource().getDefiningOp<access::ReadOp>();
    if (!read || !read.getMap().isTotal())
      return;
    auto type = cast<RankedTensorType>(read.getType());
    auto sourceType = cast<RankedTensorType>(read.getSource().getType());
    if (!type.hasStaticShape() || !sourceType.hasStaticShape())
      return;
    MLIRContext *context = bind.getContext();
    access::Domain point;
    AffineExpr position = getAffineConstantExpr(bind.getIndex(), context);
    SmallVector<AffineExpr> indices = access::delinearize(position, extent::sizesOf(type)), source;
    for (AffineExpr index : read.getMap().getMap().getResults())
      source.push_back(index.replaceDims(indices));
    AffineExpr offset =
        access::simplify(access::linearize(source, extent::sizesOf(sourceType), context), point);
    if (auto constant = dyn_cast<AffineConstantExpr>(offset)) {
      bind.getSourceMutable().assign(read.getSource());
      bind.setIndex(constant.getValue());
    }
  }

  void removeDead() {
    getOperation().walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
      if (isOpTriviallyDead(op))
        return op->erase();
      if (!isa<compute::MapOp, compute::ReduceOp>(op))
        return;
      llvm::BitVector dead(op->getNumOperands());
      for (BlockArgument argument : op->getRegion(0).front().getArguments())
        if (argument.use_empty())
          dead.set(argument.getArgNumber());
      eraseOperands(op, dead);
    });
  }
};

} // namespace
} // namespace longtail
