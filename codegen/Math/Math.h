// Lowers math on scalars and 1-D vectors to arithmetic that no library is needed for.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LogicalResult.h"

namespace longtail::math {

struct MathOptions {
  /// The machine multiplies and adds in one rounding. Otherwise products and sums are rounded
  /// apiece, and where exact products matter they are split.
  bool fma = true;
  /// f16 <-> f32 is an instruction. Otherwise it is arithmetic on bits.
  bool halfConversion = true;
  /// x * 2^n is an instruction for vectors of 512 bits (AVX-512).
  bool scale = false;
};

/// Rewrites below `root`: math operations, arithmetic on floats of less than 32 bits, and their
/// conversions. What stays of the math dialect maps to instructions (sqrt, fma, floor, ceil, trunc,
/// roundeven, absf, copysign, bit counts). Fails with a diagnostic on an operation or a type that
/// there is no lowering for.
mlir::LogicalResult lowerMath(mlir::Operation *root, const MathOptions &options);

} // namespace longtail::math
