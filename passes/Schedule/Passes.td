#ifndef LONGTAIL_PASSES_SCHEDULE
#define LONGTAIL_PASSES_SCHEDULE
include "mlir/Pass/PassBase.td"

def SelectSchedulesPass : Pass<"lt-select-schedules", "::mlir::func::FuncOp"> {
  let summary = "Choose how each group is tiled";
  let description = [{
    Writes `#kernel.schedule` on every `compute.fused` that has none, by the class of the group, its
    sizes and the facts of `kernel.target`. With `naive` every schedule is scalar.
  }];
  let options = [Option<"naive", "naive", "bool", "false", "scalar code only">];
  let dependentDialects = ["::longtail::kernel::KernelDialect"];
}

def ApplyRecordsPass : Pass<"lt-apply-records", "::mlir::func::FuncOp"> {
  let summary = "Give groups the schedules that a tuner has found for them";
  let description = [{
    Looks every group without a schedule up in the module's `kernel.records`, a dictionary from keys
    of groups to schedules. What does not verify is ignored, with one warning; a group that has got
    its schedule has the attribute `kernel.tuned`.
  }];
  let dependentDialects = ["::longtail::kernel::KernelDialect"];
}

def ChainRowsPass : Pass<"lt-chain-rows", "::mlir::func::FuncOp"> {
  let summary = "Let groups that hand rows to one another run stripe by stripe";
  let description = [{
    A product of matrices, a group of rows that reads it and a product that reads that one (attention
    is one), or a product of matrices among transformations of what it reads and makes (minimal
    filtering): the last of them gets the attribute `kernel.stripe`, the number of rows that one tile
    takes through all, the others `kernel.in_stripe`. They become one kernel, and what is between
    them is never in memory as a whole. Not where rows are so long, or so few, that each group is
    better off by itself.
  }];
  let dependentDialects = ["::longtail::kernel::KernelDialect"];
}

def VerifySchedulesPass : Pass<"lt-verify-schedules", "::mlir::func::FuncOp"> {
  let summary = "Refuse schedules that do not fit their group";
  let description = [{
    Names the group and the field. The passes after this one obey every schedule that passes it.
  }];
  let dependentDialects = ["::longtail::kernel::KernelDialect"];
}
#endif
