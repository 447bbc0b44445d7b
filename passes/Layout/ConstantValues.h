// Which tensors are known when the model is compiled.
#pragma once
#include "dialects/Compute/IR/Compute.h"
#include "dialects/Graph/IR/Graph.h"
#include "llvm/ADT/DenseSet.h"

namespace longtail {

/// The constants of a block, and what its groups compute from constants alone.
class ConstantValues {
public:
  explicit ConstantValues(mlir::Block &block) {
    // Values are defined before they are read, so one pass in the block's order is enough.
    for (mlir::Operation &op : block)
      if (llvm::isa<graph::ConstantOp>(op) ||
          (llvm::isa<compute::FusedOp, access::ReadOp>(op) && op.getNumOperands() != 0 &&
           llvm::all_of(op.getOperands(), [&](mlir::Value operand) { return contains(operand); })))
        found.insert(&op);
  }
  bool contains(mlir::Value value) const { return found.contains(value.getDefiningOp()); }

private:
  llvm::DenseSet<mlir::Operation *> found;
};

} // namespace longtail
