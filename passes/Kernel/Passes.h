#pragma once
#include "dialects/Kernel/IR/Kernel.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace longtail {
#define GEN_PASS_DECL
#include "passes/Kernel/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/Kernel/Passes.h.inc"
} // namespace longtail
