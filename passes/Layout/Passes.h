#pragma once
#include "dialects/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace longtail {
#define GEN_PASS_DECL
#include "passes/Layout/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/Layout/Passes.h.inc"
} // namespace longtail
