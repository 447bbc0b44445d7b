// The pass from the graph dialect to access and compute.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace longtail {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Expand/Passes.h.inc"
} // namespace longtail
