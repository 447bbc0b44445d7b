// The register tile of a contraction: a pure function of the target and the sizes, so that packing
// and scheduling agree.
#pragma once
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "dialects/Kernel/IR/Kernel.h"

namespace longtail {

struct RegisterTile {
  int64_t lanes, rows, vectors;
  int64_t width() const { return lanes * vectors; }
};

/// The tile for `rows` by `columns` results of `elementBytes` bytes; a negative size is unknown.
/// The accumulators, the columns of one step and a broadcast fit the registers.
RegisterTile chooseRegisterTile(kernel::TargetAttr target, int64_t rows, int64_t columns,
                                int64_t elementBytes);

/// The tile of a contraction, by its sizes and the type of its sums: packing makes panels of this
/// width, and the schedule works on them.
RegisterTile registerTileOf(compute::ContractOp contract, const compute::ContractionShape &shape,
                            kernel::TargetAttr target);

/// The number of points of some dimensions, -1 where a size is not constant.
int64_t staticProduct(const compute::ContractionShape &shape, llvm::ArrayRef<unsigned> dims);

/// The size if it is constant, -1 otherwise.
int64_t staticSize(mlir::AffineExpr size);

/// The target of the module that holds `op`: its attribute `kernel.target`.
kernel::TargetAttr targetOf(mlir::Operation *op);

} // namespace longtail
