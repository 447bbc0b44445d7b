// The register tile of a contraction: a pure function of the target and the sizes, so that packing
// and scheduling agree.
#pragma once
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

/// The size if it is constant, -1 otherwise.
int64_t staticSize(mlir::AffineExpr size);

/// The target of the module that holds `op`: its attribute `kernel.target`.
kernel::TargetAttr targetOf(mlir::Operation *op);

} // namespace longtail
