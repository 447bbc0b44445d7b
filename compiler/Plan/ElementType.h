// Element types of MLIR as those of artifacts.
#pragma once
#include "mlir/IR/BuiltinTypes.h"

namespace longtail::plan {

/// The lt_dtype of an element type, or 0 where artifacts have none.
uint32_t dtypeOf(mlir::Type elementType);

/// The bits of an element in memory: a byte for i1, less than a byte for packed types, 0 where
/// artifacts have no such type.
unsigned storageBits(mlir::Type elementType);

/// The bytes of a tensor with static sizes, or nothing where sizes or elements do not allow it.
std::optional<uint64_t> staticBytes(mlir::RankedTensorType type);

} // namespace longtail::plan
