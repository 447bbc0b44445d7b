// Streams of random numbers: element `i` of stream `key` is a hash of both, so that numbers do not
// depend on the order in which they are computed (docs/decisions/random.md).
#pragma once
#include "compiler/Operators/RegionBuilder.h"

namespace longtail::operators {

/// The stream of a node: of its attribute `seed`, or else of its name and that of its result.
uint64_t streamOf(InferContext &ctx);

/// The position of the element in row-major order of a domain of `sizes`, as i64.
mlir::Value linearPosition(const RegionBuilder &b, llvm::ArrayRef<mlir::AffineExpr> sizes);

/// 64 random bits.
mlir::Value randomBits(const RegionBuilder &b, mlir::Value position, uint64_t key);

/// Random bits as a number in [0, 1) of `type`, f32 (24 bits) or f64 (53 bits).
mlir::Value unitInterval(const RegionBuilder &b, mlir::Value bits, mlir::Type type);

} // namespace longtail::operators
