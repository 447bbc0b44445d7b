#ifndef LONGTAIL_COMPUTE_DIALECT
#define LONGTAIL_COMPUTE_DIALECT
include "mlir/IR/OpBase.td"

def Compute_Dialect : Dialect {
  let name = "compute";
  let cppNamespace = "::longtail::compute";
  let summary = "What is computed on the elements";
  let description = [{
    Every operation has an iteration domain: the dimensions of its result, then its reduction
    dimensions. Tensor operands are read through `#access.map`s from that domain. Regions are
    scalar code (`arith`, `math`, `scf`, `compute.index`, `extent.size`, `access.load`).

    A region sees an element as its compute type: integers without a sign (the operations carry it),
    floating-point types as they are.

    Branches and loops are the exception: `compute.branch` and `compute.repeat` run other functions
    of the module on whole tensors in memory. They stay outside groups and become steps of the plan.
  }];
}
#endif
