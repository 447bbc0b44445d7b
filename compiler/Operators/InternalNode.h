// Nodes that rules add for work that comes before a size is known.
#pragma once
#include "compiler/Operators/Registry.h"

namespace longtail::operators {

/// Adds a node of the internal operator `op` before the one that the rule sees, with that one's
/// operands and attributes, and makes its results the operands from number `at` on. A second run of
/// inference finds the node that the first one added.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
addInternalNode(InferContext &ctx, llvm::StringRef op, unsigned at,
                llvm::ArrayRef<mlir::RankedTensorType> types);

/// Element 0 of `counts`, an internal node's result of i64, as a size of at most `most`.
mlir::AffineExpr bindSize(InferContext &ctx, mlir::Value counts, mlir::AffineExpr most);

} // namespace longtail::operators
