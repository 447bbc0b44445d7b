// From the model's function to the steps, buffers and size programs of an artifact.
#pragma once
#include "codegen/Container/ContainerWriter.h"
#include "compiler/Plan/WeightTable.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

namespace longtail::plan {

/// Builds the plan of `function`, which holds `extent` declarations, `graph.constant`,
/// `kernel.dispatch`, `kernel.alias`, `compute.branch`, `compute.repeat` and a return of distinct
/// results that are written to the function's own memory. `kernels` and `functions` give the number
/// of each callee in the variant. The plan has passed the arena checker. Fails
/// with diagnostics.
mlir::FailureOr<container::Function> buildPlan(mlir::func::FuncOp function,
                                               const llvm::StringMap<uint32_t> &kernels,
                                               const llvm::StringMap<uint32_t> &functions,
                                               WeightTable &weights);

} // namespace longtail::plan
