// How a value of scalar code depends on the lane: the dimension, or loop, that vectors run along.
#pragma once
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"

namespace longtail::report {

/// In ascending order of what it costs to use a value as an index.
enum class LaneUse {
  None,  // the same in all lanes
  Step,  // grows by 1 from lane to lane
  Other, // anything
};

/// Dependence of the values of one region. What no operation of the region computes must be set.
class LaneUses {
public:
  void set(mlir::Value value, LaneUse use) { known[value] = use; }
  LaneUse of(mlir::Value value);
  /// True where elements of tensors decide the value.
  bool isFromData(mlir::Value value);

private:
  LaneUse compute(mlir::Value value);
  llvm::DenseMap<mlir::Value, LaneUse> known;
  llvm::DenseMap<mlir::Value, bool> fromData;
};

} // namespace longtail::report
