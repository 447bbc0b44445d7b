// Chains of groups that hand rows to one another: a product of matrices, a group of rows (such as a
// softmax), a product with what that made. Run stripe by stripe, the rows between them stay in
// cache.
#pragma once
#include "dialects/Compute/IR/Compute.h"
#include <optional>

namespace longtail {

/// On the groups of a chain: the number of rows of a stripe.
inline constexpr llvm::StringLiteral kStripeAttr = "kernel.stripe";

struct RowChain {
  compute::FusedOp first, rows, last;
  /// The rows handed over: those of all batch positions, each of the same count and length.
  mlir::AffineExpr batches, rowCount, length;

  llvm::SmallVector<compute::FusedOp> groups() const { return {first, rows, last}; }
};

/// The chain that `last` ends: each of its groups reads the same rows of the one before it, which
/// nobody else reads.
std::optional<RowChain> matchRowChain(compute::FusedOp last);

} // namespace longtail
