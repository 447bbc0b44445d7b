#include "compiler/Report/LaneUse.h"
#include "dialects/Compute/IR/Compute.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace longtail::report {

LaneUse LaneUses::of(Value value) {
  if (auto found = known.find(value); found != known.end())
    return found->second;
  known[value] = LaneUse::Other; // where it depends on itself: carried by a loop
  LaneUse use = compute(value);
  return known[value] = use;
}

LaneUse LaneUses::compute(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op) { // what loops carry, and the indices of other loops
    auto loop = dyn_cast<scf::ForOp>(cast<BlockArgument>(value).getOwner()->getParentOp());
    return loop && value == loop.getInductionVar() ? LaneUse::None : LaneUse::Other;
  }
  if (op->getNumRegions() != 0)
    return LaneUse::Other;
  LaneUse most = LaneUse::None;
  unsigned steps = 0;
  for (Value operand : op->getOperands()) {
    if (isa<access::PlaceType>(operand.getType()) || isa<RankedTensorType>(operand.getType()))
      continue;
    LaneUse use = of(operand);
    most = std::max(most, use);
    steps += use == LaneUse::Step;
  }
  if (most != LaneUse::Step)
    return most;
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op) || (isa<arith::AddIOp>(op) && steps == 1))
    return LaneUse::Step;
  if (isa<arith::SubIOp>(op) && of(op->getOperand(1)) == LaneUse::None)
    return LaneUse::Step;
  return LaneUse::Other;
}

bool LaneUses::isFromData(Value value) {
  auto [entry, isNew] = fromData.try_emplace(value, false);
  if (!isNew)
    return entry->second;
  bool found;
  Operation *op = value.getDefiningOp();
  if (!op)
    found = !value.getType().isIndex();
  else
    found = isa<access::LoadOp, access::FetchOp>(op) ||
            llvm::any_of(op->getOperands(), [&](Value operand) { return isFromData(operand); });
  return fromData[value] = found;
}

} // namespace longtail::report
