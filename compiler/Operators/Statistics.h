// Means and variances over dimensions, and the parts of normalizations that other files hold.
#pragma once
#include "compiler/Operators/RegionBuilder.h"

namespace longtail::operators {

/// Mean and population variance in `work`, with size 1 in the dimensions `axes`.
struct Moments {
  mlir::Value mean, variance;
};
Moments momentsOf(ExpandContext &ctx, mlir::Value source, llvm::ArrayRef<int64_t> axes,
                  mlir::Type work);

/// The mean of `body` of the elements over `axes`, which keep size 1.
mlir::Value meanOver(ExpandContext &ctx, llvm::ArrayRef<mlir::Value> operands,
                     llvm::ArrayRef<mlir::AffineExpr> sizes, llvm::ArrayRef<int64_t> axes,
                     mlir::Type work, ScalarBody body);

/// `1 / sqrt(variance + epsilon)`, in the shape and type of `variance`.
mlir::Value inverseDeviation(ExpandContext &ctx, mlir::Value variance, double epsilon);

void registerBatchNormalization(Registry &registry);
void registerGroupNormalization(Registry &registry);
void registerSoftmax(Registry &registry);

} // namespace longtail::operators
