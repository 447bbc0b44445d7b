// Integer matrix products by products of bytes, which processors have instructions for.
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

/// MatMulInteger of operands 0 and 1 with zero points 2 and 3 of the node: the product of the bytes
/// as they are, less what the zero points make of it. Null where an operand is no matrix of bytes,
/// a size is not known, or a zero point differs within what is summed; then the general form
/// serves.
mlir::Value byteProduct(ExpandContext &ctx);

} // namespace longtail::operators
