// One group on its own: to name it, and to compile and measure it without the model around it.
#pragma once
#include "dialects/Compute/IR/Compute.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace longtail {

/// The label of the group in a module of its own; copies around it have another one.
inline constexpr llvm::StringLiteral kAloneLabel = "group";

/// The symbols of a group's sizes, numbered by where they occur first: `order[i]` is the number in
/// the model of what is symbol `i` in the copy.
struct GroupCopy {
  compute::FusedOp group; // detached, without label and schedule; owned by `holder`
  mlir::OwningOpRef<mlir::Operation *> holder;
  llvm::SmallVector<unsigned> order;
};

/// A copy of `group` that depends on nothing around it but the memory order of its inputs.
GroupCopy copyGroup(compute::FusedOp group);

/// The memory orders of a group's inputs, outermost dimension first.
llvm::SmallVector<llvm::SmallVector<int64_t>> inputLayouts(compute::FusedOp group);

/// A module whose function @main runs `group`. Its inputs are those of the group, row-major, and
/// then one tensor of bytes for each symbol, whose size is the symbol's value. Inputs and results
/// that lie in another order in the model are copied by groups of their own. `order` as above.
mlir::OwningOpRef<mlir::ModuleOp> extractGroup(compute::FusedOp group,
                                               llvm::SmallVectorImpl<unsigned> &order);

} // namespace longtail
