#ifndef LONGTAIL_KERNEL_DIALECT
#define LONGTAIL_KERNEL_DIALECT
include "mlir/IR/OpBase.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::longtail::kernel";
  let summary = "How the machine does it";
  let description = [{
    Schedules, the target's facts, kernels and the plan. A kernel is a function over
    `!kernel.buffer`s, size parameters and a tile number, written as `scf` loops over native-width
    1-D vectors. The plan is the model's function as a sequence of `kernel.dispatch`.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}
#endif
