// Loads of a grid or map at positions that are computed of its points, as those of an image that is
// resized: what neighbouring points read is most likely near to each other.
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Access/Passes.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_MARKNEARLOADSPASS
#include "passes/Access/Passes.h.inc"

namespace {

/// What a value of a region is computed of.
struct Origin {
  bool point = false;   // coordinates of the point
  bool data = false;    // elements that differ from point to point, or what loops carry
  bool distant = false; // neighbouring points give numbers that do not simply follow each other
};

Origin operator|(Origin a, Origin b) {
  return {a.point || b.point, a.data || b.data, a.distant || b.distant};
}

class Origins {
public:
  explicit Origins(Operation *around) : around(around) {}

  Origin of(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return ofArgument(argument);
    Operation *op = value.getDefiningOp();
    if (!around->isProperAncestor(op)) // the same for all points
      return {};
    if (isa<compute::IndexOp>(op))
      return {/*point=*/true};
    auto [known, isNew] = origins.try_emplace(op);
    if (!isNew)
      return known->second;
    Origin origin;
    for (Value operand : op->getOperands())
      origin = origin | of(operand);
    bool isRead = isa<access::LoadOp, access::FetchOp>(op);
    if (op->getNumRegions() != 0 || (isRead && (origin.point || isa<access::FetchOp>(op))))
      origin.data = true;
    if (origin.point && isa<arith::FPToSIOp, arith::FPToUIOp, arith::DivSIOp, arith::DivUIOp,
                            arith::ShRSIOp, arith::ShRUIOp, arith::MulIOp>(op))
      origin.distant = true;
    return origins[op] = origin;
  }

private:
  Origin ofArgument(BlockArgument argument) const {
    Operation *owner = argument.getOwner()->getParentOp();
    if (owner == around && isa<compute::GridOp>(around))
      return {/*point=*/isa<IndexType>(argument.getType())};
    bool isTrip = isa<scf::ForOp>(owner) && argument.getArgNumber() == 0;
    return {/*point=*/false, /*data=*/around->isAncestor(owner) && !isTrip};
  }

  Operation *around;
  llvm::DenseMap<Operation *, Origin> origins;
};

struct MarkNearLoads final : impl::MarkNearLoadsPassBase<MarkNearLoads> {
  using MarkNearLoadsPassBase::MarkNearLoadsPassBase;

  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      if (!isa<compute::GridOp, compute::MapOp>(op))
        return;
      Origins origins(op);
      op->walk([&](access::LoadOp load) {
        Origin all;
        for (Value index : load.getIndices())
          all = all | origins.of(index);
        if (all.distant && !all.data)
          load->setAttr(access::kNearAttr, UnitAttr::get(&getContext()));
      });
    });
  }
};

} // namespace
} // namespace longtail
