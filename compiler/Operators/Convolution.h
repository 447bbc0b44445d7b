// Convolutions of operands that may be transformed before.
#pragma once
#include "compiler/Operators/Spatial.h"

namespace longtail::operators {

/// Which operands of a node are convolved, and what messages call them.
struct ConvolutionOperands {
  unsigned data = 0, weights = 1, dataZeroPoint = 2, weightsZeroPoint = 3; // of integers
  llvm::StringRef dataName = "X", weightsName = "W";
};

/// The sizes of the result; reports operands and attributes that do not fit.
mlir::FailureOr<llvm::SmallVector<mlir::AffineExpr>>
convolutionSizes(InferContext &ctx, const ConvolutionOperands &operands);

/// The convolution of integers less their zero points, in i32. Bytes are multiplied as such where
/// all sizes of the kernel are known and there are no groups.
mlir::FailureOr<mlir::Value> integerConvolution(ExpandContext &ctx,
                                                const ConvolutionOperands &operands);

/// The same of bytes; null where something about it is not known.
mlir::Value byteConvolution(ExpandContext &ctx, const ConvolutionOperands &operands,
                            llvm::ArrayRef<Window> windows);

/// The convolution of `data` and `weights`, which have the sizes of the operands, summed in `sum`.
mlir::FailureOr<mlir::Value> convolution(ExpandContext &ctx, const ConvolutionOperands &operands,
                                         mlir::Value data, mlir::Value weights, mlir::Type sum);

} // namespace longtail::operators
