#pragma once
#include "dialects/Compute/IR/Compute.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace longtail {
#define GEN_PASS_DECL
#include "passes/Access/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "passes/Access/Passes.h.inc"
} // namespace longtail
