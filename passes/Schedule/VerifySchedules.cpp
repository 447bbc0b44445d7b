#include "codegen/Leaf/Lanes.h"
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Schedule/Passes.h"
#include "passes/Schedule/Records.h"
#include "passes/Schedule/RegisterTile.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_VERIFYSCHEDULESPASS
#include "passes/Schedule/Passes.h.inc"

namespace {

/// Vectors of several registers are legal; more than this many make no sense for any class.
constexpr int64_t maxRegistersPerVector = 8;
/// Of what is written out; more would only be code that no cache holds.
constexpr int64_t maxUnrolled = 64;
/// Positions are computed with 64 bits, and are products of these with sizes of memory.
constexpr int64_t maxWork = int64_t(1) << 32;

std::string whyNotContraction(compute::FusedOp group, kernel::ScheduleAttr schedule,
                              kernel::TargetAttr target) {
  auto contracts = group.getBody().front().getOps<compute::ContractOp>();
  if (contracts.empty() || !compute::matchContraction(*contracts.begin()))
    return "is of class contraction but multiplies no matrices";
  compute::ContractOp contract = *contracts.begin();
  int64_t bytes = std::max<unsigned>(
      1, getElementTypeOrSelf(contract.getOutput().getType()).getIntOrFloatBitWidth() / 8);
  int64_t each = std::max<int64_t>(1, schedule.getLanes() * bytes / target.getVectorBytes());
  int64_t live = (schedule.getRows() * schedule.getVectors() + schedule.getVectors() +
                  (target.getScalarFactors() ? 0 : 1)) *
                 each;
  if (live > target.getRegisters())
    return ("'rows' times 'vectors' needs " + Twine(live) + " registers, " + target.getName() +
            " has " + Twine(target.getRegisters()))
        .str();
  compute::ContractionShape shape = *compute::matchContraction(contract);
  int64_t width = schedule.getLanes() * schedule.getVectors();
  if (compute::panelWidth(contract, shape) != 0 && !compute::isPacked(contract, shape, width))
    return ("'lanes' times 'vectors' is " + Twine(width) +
            ", which does not divide the width of the right operand's panels")
        .str();
  return {};
}

} // namespace

std::string whyNot(compute::FusedOp group, kernel::ScheduleAttr schedule,
                   kernel::TargetAttr target) {
  int64_t lanes = schedule.getLanes(), widest = target.getVectorBytes() * maxRegistersPerVector;
  if (!llvm::isPowerOf2_64(lanes) || lanes > widest)
    return ("'lanes' must be a power of two of at most " + Twine(widest) + ", got " + Twine(lanes))
        .str();
  for (auto [name, value, limit] : {std::tuple("rows", schedule.getRows(), maxUnrolled),
                                    std::tuple("vectors", schedule.getVectors(), maxUnrolled),
                                    std::tuple("unroll", schedule.getUnroll(), maxUnrolled),
                                    std::tuple("grain", schedule.getGrain(), maxWork),
                                    std::tuple("panels", schedule.getPanels(), maxWork),
                                    std::tuple("depth", schedule.getDepth(), maxWork)})
    if (value > limit)
      return ("'" + Twine(name) + "' must be at most " + Twine(limit) + ", got " + Twine(value))
          .str();
  if (group.getStrategy() == compute::GroupClass::Contraction)
    return whyNotContraction(group, schedule, target);
  if (lanes == 1)
    return {};
  if (group.getStrategy() == compute::GroupClass::Grid && !leaf::lanesOfGrid(group))
    return ("is sequential code: 'lanes' must be 1, got " + Twine(lanes)).str();
  return {};
}

namespace {

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
    std::string problem = whyNot(group, schedule, target);
    return problem.empty() ? success() : group.emitOpError(problem);
  }
};

} // namespace
} // namespace longtail
