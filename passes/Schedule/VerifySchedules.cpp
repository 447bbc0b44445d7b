#include "dialects/Compute/Analysis/ContractionShape.h"
#include "passes/Schedule/Passes.h"
#include "passes/Schedule/RegisterTile.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_VERIFYSCHEDULESPASS
#include "passes/Schedule/Passes.h.inc"

namespace {

/// Vectors of several registers are legal; more than this many make no sense for any class.
constexpr int64_t maxRegistersPerVector = 8;

struct VerifySchedules final : impl::VerifySchedulesPassBase<VerifySchedules> {
  using VerifySchedulesPassBase::VerifySchedulesPassBase;

  void runOnOperation() override {
    kernel::TargetAttr target = targetOf(getOperation());
    bool valid = true;
    getOperation().walk([&](compute::FusedOp group) {
      if (failed(verify(group, target)))
        valid = false;
    });
    if (!valid)
      signalPassFailure();
  }

private:
  LogicalResult verify(compute::FusedOp group, kernel::TargetAttr target) {
    auto schedule = dyn_cast_or_null<kernel::ScheduleAttr>(group.getScheduleAttr());
    if (!schedule)
      return group.emitOpError("has no #kernel.schedule");
    if (!target)
      return group.emitOpError("is in a module without 'kernel.target'");
    int64_t lanes = schedule.getLanes();
    if (!llvm::isPowerOf2_64(lanes) || lanes > target.getVectorBytes() * maxRegistersPerVector)
      return group.emitOpError() << "'lanes' must be a power of two of at most "
                                 << target.getVectorBytes() * maxRegistersPerVector << ", got "
                                 << lanes;
    if (group.getStrategy() != compute::GroupClass::Contraction || lanes == 1)
      return success();
    auto contracts = group.getBody().front().getOps<compute::ContractOp>();
    if (contracts.empty() || !compute::matchContraction(*contracts.begin()))
      return group.emitOpError("is of class contraction but multiplies no matrices");
    int64_t bytes =
        getElementTypeOrSelf((*contracts.begin()).getOutput().getType()).getIntOrFloatBitWidth() /
        8;
    int64_t each = std::max<int64_t>(1, lanes * bytes / target.getVectorBytes());
    int64_t live = (schedule.getRows() * schedule.getVectors() + schedule.getVectors() +
                    (target.getScalarFactors() ? 0 : 1)) *
                   each;
    if (live > target.getRegisters())
      return group.emitOpError() << "'rows' times 'vectors' needs " << live << " registers, "
                                 << target.getName() << " has " << target.getRegisters();
    return success();
  }
};

} // namespace
} // namespace longtail
