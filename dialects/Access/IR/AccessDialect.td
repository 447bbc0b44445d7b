#ifndef LONGTAIL_ACCESS_DIALECT
#define LONGTAIL_ACCESS_DIALECT
include "mlir/IR/OpBase.td"

def Access_Dialect : Dialect {
  let name = "access";
  let cppNamespace = "::longtail::access";
  let summary = "Where each element comes from";
  let description = [{
    An access says, for each point of an iteration domain, which element of a tensor is read. Reads
    whose position is an affine function of the point (with symbolic sizes, quotients and
    remainders) are `#access.map`s on the operands of `compute` operations, where they compose; a
    read whose position depends on data is an `access.load` inside a region.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}
#endif
