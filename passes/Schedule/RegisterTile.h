// The register tile of a contraction: a pure function of the target and the sizes, so that packing
// and scheduling agree.
#pragma once
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "dialects/Kernel/IR/Kernel.h"

namespace longtail {

/// Panels that several targets share are at most two of the widest vectors wide. Wider ones would
/// save loads where registers are many, but a target with narrow tiles would touch a small part of
/// each row of a panel.
inline constexpr int64_t kSharedPanelBytes = 128;

struct RegisterTile {
  int64_t lanes, rows, vectors;
  int64_t width() const { return lanes * vectors; }
};

/// The tile for `rows` by `columns` results of `elementBytes` bytes; a negative size is unknown.
/// The accumulators, the columns of one step and a broadcast fit the registers.
/// With `shared` its width is a power of two of at most kSharedPanelBytes.
RegisterTile chooseRegisterTile(kernel::TargetAttr target, int64_t rows, int64_t columns,
                                int64_t elementBytes, bool shared = false);

/// The tile of a contraction, by its sizes and the type of its sums. In a program for several
/// targets the tiles of all of them divide one width.
RegisterTile registerTileOf(compute::ContractOp contract, const compute::ContractionShape &shape,
                            kernel::TargetAttr target);

/// The width of the panels that its right operand is packed into: a multiple of the tile's width,
/// and the same for all targets of the program, so that they share their weights.
int64_t panelWidthOf(compute::ContractOp contract, const compute::ContractionShape &shape,
                     kernel::TargetAttr target);

/// The attribute of a module that lists the targets of the program, if there are several.
inline constexpr llvm::StringLiteral kProgramTargets = "kernel.targets";

/// The number of points of some dimensions, -1 where a size is not constant.
int64_t staticProduct(const compute::ContractionShape &shape, llvm::ArrayRef<unsigned> dims);

/// The size if it is constant, -1 otherwise.
int64_t staticSize(mlir::AffineExpr size);

/// The target of the module that holds `op`: its attribute `kernel.target`.
kernel::TargetAttr targetOf(mlir::Operation *op);

} // namespace longtail
