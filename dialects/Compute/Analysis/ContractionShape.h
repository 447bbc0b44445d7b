// Which dimensions of a contraction belong to which operand.
#pragma once
#include "dialects/Compute/IR/Compute.h"
#include <optional>

namespace longtail::compute {

/// The dimensions of a contraction's domain by the operands that depend on them, in logical order.
struct ContractionShape {
  llvm::SmallVector<unsigned> batch;   // both operands, or neither
  llvm::SmallVector<unsigned> rows;    // the left operand only
  unsigned column;                     // the right operand only: the dimension of the lanes
  llvm::SmallVector<unsigned> reduced; // reduction dimensions, outermost first
  /// The sizes of all dimensions of the domain.
  llvm::SmallVector<mlir::AffineExpr> extents;
  /// Other than 0: the left operand depends on the column's dimension too, but only on the group of
  /// this many columns that it belongs to, as in a grouped convolution. The groups are a batch.
  int64_t groupSize = 0;

  /// The dimension of the columns, its group (0 without groups) and the position in that.
  mlir::AffineExpr columnDim() const;
  mlir::AffineExpr group() const;
  mlir::AffineExpr columnInGroup() const;
  /// How many columns lie side by side: those of a group, or all.
  mlir::AffineExpr columnCount() const;
  mlir::AffineExpr groupCount() const;
};

/// The shape of a contraction that multiplies matrices: it has a dimension that only the right
/// operand depends on (the largest such one is the column; others count as batch) or one in groups,
/// at least one reduction dimension, and reads the right operand everywhere.
std::optional<ContractionShape> matchContraction(ContractOp contract);

/// True where the right operand is packed into panels of a multiple of `width` columns, padded with
/// zeros: with panels of P columns its positions are the column's group, if there are any, column
/// in it / P (somewhere) and, as the last, column in it mod P. Behind that position there may be
/// one for steps of the reduction (packedSteps).
bool isPacked(ContractOp contract, const ContractionShape &shape, int64_t width);

/// The width of the panels that the right operand is packed into; 0 where it is not.
int64_t panelWidth(ContractOp contract, const ContractionShape &shape);

/// Bytes whose products are summed at once.
inline constexpr int64_t kBytesOfProduct = 4;

/// A product of unsigned with signed bytes, summed in 32 bits, whose steps may be taken four at a
/// time: both operands are read everywhere and the number of steps is known.
bool isByteProduct(ContractOp contract, const ContractionShape &shape);

/// The steps of the last reduction dimension that are neighbours in a packed right operand: 4 where
/// its last position is that dimension mod 4, otherwise 1.
int64_t packedSteps(ContractOp contract, const ContractionShape &shape);

} // namespace longtail::compute
