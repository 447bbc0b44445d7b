// Discrete Fourier transforms of f64 tensors whose last dimension is 2 (real and imaginary parts)
// or 1 (real parts only).
#pragma once
#include "compiler/Operators/RegionBuilder.h"

namespace longtail::operators {

struct Fourier {
  /// Of the transform; as many elements has the dimension before the last.
  mlir::AffineExpr length;
  /// The exponent is positive; the result is not divided by the length.
  bool inverse = false;
  /// Only the first results are computed.
  mlir::AffineExpr wanted;
  /// Only real parts are computed: the last dimension of the result is 1.
  bool realOnly = false;
};

/// The transform of `signal`, [batch..., length, parts], as [batch..., wanted, parts]. A length
/// that is known now is split into factors, each of which is a contraction; otherwise the kernel
/// splits it.
mlir::Value fourierTransform(ExpandContext &ctx, mlir::Value signal, const Fourier &transform);

/// The same for a length that the run tells.
mlir::Value fourierAtRunTime(ExpandContext &ctx, mlir::Value signal, const Fourier &transform);

} // namespace longtail::operators
