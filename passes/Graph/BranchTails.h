// Branches that take with them what comes after them.
#pragma once
#include "passes/Graph/FunctionInference.h"

namespace longtail {

/// Moves everything in the node's block that depends on the results of `node`, an `If` whose
/// branches give different ranks or element types, into both of its branches, each with types of
/// its own: the results of the new `If`, which is inferred when the rest of the function has been,
/// are what leaves the block. The condition is a constant in what was moved.
///
/// Returns false, and changes nothing, where the results that differ leave the block themselves.
/// Fails with a diagnostic where the copies become too many.
mlir::FailureOr<bool> duplicateTail(FunctionInference &inference, operators::InferContext &context,
                                    mlir::ValueRange differing);

} // namespace longtail
