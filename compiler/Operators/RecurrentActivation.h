// The activation functions that recurrent layers name in their attributes.
#pragma once
#include "compiler/Operators/RegionBuilder.h"

namespace longtail::operators {

/// An entry of attribute 'activations' with its parameters.
struct RecurrentActivation {
  mlir::Value (*body)(const RegionBuilder &, mlir::Value x, double alpha, double beta) = nullptr;
  double alpha = 0, beta = 0;

  mlir::Value operator()(const RegionBuilder &b, mlir::Value x) const {
    return body(b, x, alpha, beta);
  }
  bool operator==(const RecurrentActivation &other) const {
    return body == other.body && alpha == other.alpha && beta == other.beta;
  }
};

/// The functions of one direction, in the order of the operator's equations.
using RecurrentActivations = llvm::SmallVector<RecurrentActivation, 3>;

/// The functions of each of `directions` directions: attribute 'activations', or `defaults` in each
/// where it is missing. The lists of alphas and betas hold one entry for each function that has
/// one, in order; what they lack has the default of the function.
mlir::FailureOr<llvm::SmallVector<RecurrentActivations>>
recurrentActivations(InferContext &ctx, int64_t directions,
                     llvm::ArrayRef<llvm::StringRef> defaults);

} // namespace longtail::operators
