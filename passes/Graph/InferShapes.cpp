#include "dialects/Access/IR/Access.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Graph/FunctionInference.h"
#include "passes/Graph/Passes.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_INFERSHAPES
#include "passes/Graph/Passes.h.inc"

namespace {

struct InferShapesPass final : impl::InferShapesBase<InferShapesPass> {
  using InferShapesBase::InferShapesBase;

  void runOnOperation() override {
    ModuleInference shared;
    SmallVector<func::FuncOp> functions;
    if (auto function = dyn_cast<func::FuncOp>(getOperation())) {
      functions.push_back(function);
    } else if (auto module = dyn_cast<ModuleOp>(getOperation())) {
      shared.module = module;
      llvm::append_range(functions, module.getOps<func::FuncOp>());
    }
    for (func::FuncOp function : functions)
      if (!function.isExternal() && failed(FunctionInference(function, shared).run()))
        signalPassFailure();
  }
};

} // namespace
} // namespace longtail
