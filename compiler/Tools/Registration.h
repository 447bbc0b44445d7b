// What every developer tool knows: all dialects and all passes.
#pragma once
#include "mlir/IR/DialectRegistry.h"

namespace longtail {

/// Adds Longtail's dialects and those that its passes make to `registry`, and registers all of
/// Longtail's passes, its pipelines (`lt-phase-<name>`), `lt-kernel-to-llvm`, `canonicalize`, `cse`
/// and `symbol-dce`.
void registerForTools(mlir::DialectRegistry &registry);

} // namespace longtail
