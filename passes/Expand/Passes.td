#ifndef LONGTAIL_PASSES_EXPAND
#define LONGTAIL_PASSES_EXPAND
include "mlir/Pass/PassBase.td"

def Expand : Pass<"lt-expand", "::mlir::func::FuncOp"> {
  let summary = "Replace operators by reads and computations";
  let description = [{
    Every `graph.node` becomes `access` and `compute` operations by the rule of its operator. A
    result whose elements are known becomes a `graph.constant`, or a map that selects the sizes it
    holds; what only computed those elements is dead and removed first. Afterwards the function has
    `graph.constant`, `extent`, `access`, `compute` and, in regions, `arith`, `math` and `scf`
    operations.
  }];
  let dependentDialects = ["::longtail::access::AccessDialect", "::longtail::compute::ComputeDialect",
                           "::longtail::extent::ExtentDialect", "::longtail::graph::GraphDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect"];
}
#endif
