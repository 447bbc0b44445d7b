// Puts lowered modules and their code together as variants of a program.
#pragma once
#include "codegen/Emit/Emit.h"
#include "compiler/Plan/WeightTable.h"
#include "mlir/IR/BuiltinOps.h"

namespace longtail::plan {

/// The kernels of `module`, which leave it, in a module of their own.
mlir::OwningOpRef<mlir::ModuleOp> takeKernels(mlir::ModuleOp module);

/// A variant with a plan of each function that `module` still holds. Fails with diagnostics.
mlir::FailureOr<container::Variant> buildVariant(mlir::ModuleOp module, emit::CodeImage image,
                                                 const target::TargetDescription &target,
                                                 WeightTable &weights);

} // namespace longtail::plan
