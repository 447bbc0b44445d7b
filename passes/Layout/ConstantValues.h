// Which tensors are known when the model is compiled.
#pragma once
#include "dialects/Compute/IR/Compute.h"
#include "dialects/Graph/IR/Graph.h"

namespace longtail {

/// True for a constant, and for what groups compute from constants alone.
inline bool isConstantValue(mlir::Value value) {
  mlir::Operation *op = value.getDefiningOp();
  if (!op || op->getNumOperands() == 0)
    return op && llvm::isa<graph::ConstantOp>(op);
  return llvm::isa<compute::FusedOp, access::ReadOp>(op) &&
         llvm::all_of(op->getOperands(), isConstantValue);
}

} // namespace longtail
