// Maps whose result is kept in memory.
#pragma once
#include "llvm/ADT/StringRef.h"

namespace longtail::compute {

/// Unit attribute of a `compute.map` that only moves elements, but whose readers ask for them often
/// and in the order of its result: it is computed, and not replaced by a read of its operand.
inline constexpr llvm::StringLiteral kStoredAttr = "compute.stored";

} // namespace longtail::compute
