// Matrix products as NumPy's matmul: batches broadcast, vectors have a dimension less.
#pragma once
#include "compiler/Operators/RegionBuilder.h"

namespace longtail::operators {

/// The sizes of the product of operands `a` and `b` of the node; reports what does not fit.
mlir::FailureOr<llvm::SmallVector<mlir::AffineExpr>> matrixProductSizes(InferContext &ctx,
                                                                        unsigned a, unsigned b);

/// The product, of `sizes`, of tensors with the sizes of operands `a` and `b`. Integers are summed
/// in their own type, shorter floating-point types in f32.
mlir::Value matrixProduct(ExpandContext &ctx, mlir::Value lhs, mlir::Value rhs,
                          llvm::ArrayRef<mlir::AffineExpr> sizes);

/// Scales and zero points of the left operand have one element for each row, those of the right one
/// for each column: which dimension of operand `input` that is.
int64_t quantizedDim(InferContext &ctx, unsigned input, bool isLeft);

} // namespace longtail::operators
