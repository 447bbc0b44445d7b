// Integer products by products of bytes, which processors have instructions for.
#pragma once
#include "compiler/Operators/RegionBuilder.h"

namespace longtail::operators {

/// An 8-bit operand of an integer product, as the instructions take it: unsigned on the left,
/// signed on the right. What was of the other kind is moved by 128, and its zero point with it.
struct ByteOperand {
  mlir::Value tensor;
  /// Added to zero points, 0, 128 or -128.
  int64_t moved;
};

ByteOperand leftBytes(ExpandContext &ctx, mlir::Value tensor);
ByteOperand rightBytes(ExpandContext &ctx, mlir::Value tensor);

/// Which operands of a node are factors, and their zero points (which may be missing).
struct ByteInputs {
  unsigned left = 0, right = 1, leftZero = 2, rightZero = 3;
};

/// Whether both factors are 8-bit integers, the left one has one zero point and the right one has
/// one, or one for each of `columns`.
bool areBytes(ExpandContext &ctx, const ByteInputs &inputs, mlir::AffineExpr columns);

/// Sums of products of bytes, and what zero points are multiplied with.
struct ByteSums {
  /// The sums, and the dimension of these that names the column.
  mlir::Value products;
  unsigned column = 0;
  /// How far factors were moved.
  int64_t leftMoved = 0, rightMoved = 0;
  /// How many products there are in a sum.
  int64_t depth = 0;
  /// Give the sums of all factors that meet in a product: one for each column, and those for each
  /// result with the place of that. Asked only where they are needed.
  std::function<mlir::Value()> rightSums;
  std::function<std::pair<mlir::Value, access::MapAttr>()> leftSums;
};

/// What is left of the sums without the zero points, as i32.
mlir::Value lessZeroPoints(ExpandContext &ctx, const ByteInputs &inputs, const ByteSums &sums);

/// The product of two matrices of integers: of the bytes as they are, less what the zero points
/// make of it. Null where an operand is no matrix of bytes, a size is not known, or a zero point
/// differs within what is summed; then the general form serves.
mlir::Value byteProduct(ExpandContext &ctx, const ByteInputs &inputs = {});

} // namespace longtail::operators
