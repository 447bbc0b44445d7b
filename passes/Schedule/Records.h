// Schedules that a tuner has measured: how a group is named, and how they come to it.
#pragma once
#include "dialects/Compute/IR/Compute.h"
#include "dialects/Kernel/IR/Kernel.h"
#include <string>

namespace longtail {

/// A module's attribute: a dictionary from keys of groups to schedules, both texts.
inline constexpr llvm::StringLiteral kRecordsAttr = "kernel.records";
/// On a group whose schedule comes from a record.
inline constexpr llvm::StringLiteral kTunedAttr = "kernel.tuned";

/// What groups have in common for which one schedule is best. Two groups with equal keys become
/// equal kernels: names, labels, locations and the numbers of symbols do not count.
struct GroupKey {
  /// 40 hexadecimal digits of the SHA-256 of the group's IR: operations, regions, accesses, memory
  /// orders and element types, with "?" for every size of a tensor and every extent of a loop.
  std::string structure;
  /// Those sizes and extents in the order of the IR, such as "1x56x56x64,3x3x64x64".
  std::string shapes;
  /// Element types of inputs and results, such as "f32,f32->f32".
  std::string types;

  /// What the dictionary is asked for.
  std::string text() const { return structure + "|" + shapes; }
};

GroupKey keyOf(compute::FusedOp group);

/// Why `group` cannot have `schedule` on `target`, as a predicate; empty where it can.
std::string whyNot(compute::FusedOp group, kernel::ScheduleAttr schedule,
                   kernel::TargetAttr target);

} // namespace longtail
