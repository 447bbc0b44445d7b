// Runs a pipeline that is given as text.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include <functional>

namespace longtail {

/// Told the name of each pass and the module as it is then.
using AfterPass = std::function<void(llvm::StringRef pass, mlir::ModuleOp module)>;

/// Fails with a diagnostic, also where a pass is not known. Where a pass fails or crashes, the file
/// `reproducer`, unless that is empty, receives the module as it was before and the passes.
mlir::LogicalResult runPipeline(mlir::ModuleOp module, llvm::StringRef pipeline,
                                llvm::StringRef reproducer = "", AfterPass afterPass = {});

} // namespace longtail
