// The arithmetic of windows that convolution and pooling share: output sizes, pads, accesses.
#pragma once
#include "compiler/Operators/Registry.h"

namespace longtail::operators {

/// One spatial dimension. Kernel position `k` of output `o` is input `o * stride + k * dilation -
/// padBegin`.
struct Window {
  mlir::AffineExpr input, kernel, output, padBegin, padEnd;
  int64_t stride = 1, dilation = 1;
  /// Some positions may lie outside the input.
  bool isPadded = false;

  /// From the first to the last input of a window, inclusive.
  mlir::AffineExpr reach() const { return (kernel - 1) * dilation + 1; }
};

/// The attributes `strides`, `dilations` and `pads`, checked, with their defaults; `pads` is all
/// beginnings, then all ends.
struct SpatialAttributes {
  llvm::SmallVector<int64_t> strides, dilations, pads;
  llvm::StringRef autoPad;
};
mlir::FailureOr<SpatialAttributes> spatialAttributes(InferContext &ctx, unsigned count);

/// The attribute `kernel_shape` of `count` positive numbers.
mlir::FailureOr<llvm::SmallVector<mlir::AffineExpr>> kernelShape(InferContext &ctx, unsigned count);

/// The windows over the dimensions of `input` from the third on. With `check`, inputs that are
/// smaller than a window are refused (now, or at run time).
mlir::FailureOr<llvm::SmallVector<Window>> slidingWindows(InferContext &ctx,
                                                          llvm::ArrayRef<mlir::AffineExpr> input,
                                                          llvm::ArrayRef<mlir::AffineExpr> kernel,
                                                          bool ceilMode, bool check);

/// How a loop over windows reads its input. `extents` are those of the kernel positions that vary;
/// `kernel[i]` is position `i` of the kernel in the domain of `resultRank` dimensions and then
/// `extents`.
struct WindowAccess {
  llvm::SmallVector<mlir::AffineExpr> extents, kernel, indices, valid, below;
};
WindowAccess windowAccess(ExpandContext &ctx, llvm::ArrayRef<Window> windows, unsigned resultRank);

/// `expr` in its simplest form, over the symbols of the function.
mlir::AffineExpr simplified(const InferContext &ctx, mlir::AffineExpr expr);

/// ConvTranspose, part of the convolutions.
void registerConvolutionTranspose(Registry &registry);

} // namespace longtail::operators
