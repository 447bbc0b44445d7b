// Internal to codegen/Math: floats of less than 32 bits.
#pragma once
#include "codegen/Math/Math.h"

namespace longtail::math {

/// Makes `op` (arithmetic on f16, bf16 or smaller) compute in f32 and round its results; false
/// where it is no such operation.
bool computeInSingle(mlir::Operation *op);

/// Makes a choice between small floats one between their bits: LLVM would convert some of them to
/// f32 and back, by a function call where the machine has no instruction for it. False where `op`
/// is none.
bool selectAsBits(mlir::Operation *op);

/// Makes a conversion between a small float and anything but f32 two conversions by way of f32,
/// without rounding twice. False where `op` is none.
bool splitConversion(mlir::Operation *op, const MathOptions &options);

/// Replaces an arith.extf or arith.truncf between f32 and a small float by arithmetic on bits where
/// the machine has no instruction for it. False where it stays.
bool expandConversion(mlir::Operation *op, const MathOptions &options);

} // namespace longtail::math
