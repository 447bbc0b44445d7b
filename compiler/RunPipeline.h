// Runs a pipeline that is given as text.
#pragma once
#include "mlir/IR/BuiltinOps.h"

namespace longtail {

/// Fails with a diagnostic, also where a pass is not known.
mlir::LogicalResult runPipeline(mlir::ModuleOp module, llvm::StringRef pipeline);

} // namespace longtail
