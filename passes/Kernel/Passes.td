#ifndef LONGTAIL_PASSES_KERNEL
#define LONGTAIL_PASSES_KERNEL
include "mlir/Pass/PassBase.td"

def LowerGroupsPass : Pass<"lt-lower-groups", "::mlir::ModuleOp"> {
  let summary = "Make a kernel of each group and a dispatch of its place";
  let description = [{
    Each `compute.fused` is lowered by the strategy of its class, as its schedule says. Equal kernels
    become one function: sizes that are not constant are parameters, so layers of one shape share
    their code. An `access.read` that is left over renames the dimensions of row-major memory and
    becomes a `kernel.alias`.
  }];
  let dependentDialects = ["::longtail::kernel::KernelDialect", "::mlir::func::FuncDialect",
                           "::mlir::scf::SCFDialect", "::mlir::arith::ArithDialect",
                           "::mlir::vector::VectorDialect", "::mlir::math::MathDialect"];
}
#endif
