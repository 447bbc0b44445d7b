// Operands of the integer contractions, less their zero points.
#pragma once
#include "compiler/Operators/RegionBuilder.h"

namespace longtail::operators {

/// Requires operand `zeroPoint`, where given, to be a scalar or of one element for each index of
/// dimension `dim` of operand `input`, or to broadcast to that operand.
mlir::LogicalResult inferZeroPoint(InferContext &ctx, unsigned input, unsigned zeroPoint,
                                   llvm::StringRef name, int64_t dim);

/// Operand `input` less operand `zeroPoint` (where given), as i32.
mlir::Value withoutZeroPoint(ExpandContext &ctx, unsigned input, unsigned zeroPoint, int64_t dim);

} // namespace longtail::operators
