// How numbers become quantized ones.
#pragma once
#include "compiler/Operators/RegionBuilder.h"

namespace longtail::operators {

/// True for the types that QuantizeLinear gives.
bool isQuantizedType(mlir::Type type);

/// `quotient` (f32 or f64, the number divided by the scale) rounded to the nearest, plus
/// `zeroPoint` of type `to` where it is not null, within the range of `to`. The zero point of an
/// 8-bit float is 0. `saturate` is for these.
mlir::Value quantized(const RegionBuilder &b, mlir::Value quotient, mlir::Value zeroPoint,
                      mlir::Type to, bool saturate = true);

} // namespace longtail::operators
