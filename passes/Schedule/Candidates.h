// The schedules that a group can have: constructed to fit its registers and caches, ranked by the
// cost model. The model's own choice (SelectSchedules) and the tuner look at one space.
#pragma once
#include "dialects/Compute/IR/Compute.h"
#include "passes/Schedule/CostModel.h"

namespace longtail {

struct Candidate {
  kernel::ScheduleAttr schedule;
  double cycles; // estimated
};

/// What a space is constructed from.
struct SpaceRequest {
  compute::FusedOp group;
  kernel::TargetAttr target;
  unsigned threads;
  /// The value of an expression of symbols, at the sizes to be fast at.
  llvm::function_ref<int64_t(mlir::AffineExpr)> sizeOf;
};

/// All schedules of the group's space, the one with the lowest estimate first. Each can be obeyed
/// (`whyNot` is empty), and none is there twice.
std::vector<Candidate> candidatesOf(const SpaceRequest &request);

/// The estimate for a schedule that may be none of them.
double estimate(const SpaceRequest &request, kernel::ScheduleAttr schedule);

// One file for each kind of class. Appends schedules that may be repeated or not obeyed.
void addContractionSpace(const SpaceRequest &request, std::vector<kernel::ScheduleAttr> &space);
double estimateContraction(const SpaceRequest &request, kernel::ScheduleAttr schedule);
void addLoopSpace(const SpaceRequest &request, std::vector<kernel::ScheduleAttr> &space);
double estimateLoops(const SpaceRequest &request, kernel::ScheduleAttr schedule);

/// Bytes of the widest element that the group computes with, at least 4.
int64_t widestElement(compute::FusedOp group);

/// 1, 2, 4, ... below `limit`, then `limit`.
llvm::SmallVector<int64_t> powersUpTo(int64_t limit);

} // namespace longtail
