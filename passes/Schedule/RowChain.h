// Chains of groups that hand rows to one another. Run stripe by stripe, the rows between them stay
// in cache.
//
// There are two kinds: a product of matrices, a group of rows (such as a softmax) and a product
// with what that made; and a product of matrices among transformations (compute.scale) of what it
// reads and of what it makes, as in a convolution by minimal filtering.
#pragma once
#include "codegen/Leaf/KernelBuilder.h"
#include <optional>

namespace longtail {

/// On the group that ends a chain: the number of rows of a stripe.
inline constexpr llvm::StringLiteral kStripeAttr = "kernel.stripe";
/// On the others: they are part of the kernel of the group that ends their chain.
inline constexpr llvm::StringLiteral kInStripeAttr = "kernel.in_stripe";

struct RowChain {
  /// A group and the dimensions of its result that name the row, outermost first.
  struct Member {
    compute::FusedOp group;
    llvm::SmallVector<leaf::RowDim> rows;
  };
  /// In order; each reads the rows of the one before it, which nobody else reads.
  llvm::SmallVector<Member> members;
  /// The rows handed over: so many for each of so many batch positions; null as in leaf::Stripe.
  mlir::AffineExpr batches, rowCount;

  compute::FusedOp last() const { return members.back().group; }
  llvm::SmallVector<compute::FusedOp> groups() const {
    return llvm::map_to_vector(members, [](const Member &member) { return member.group; });
  }
};

/// The chain that `last` ends.
std::optional<RowChain> matchRowChain(compute::FusedOp last);
/// The same for one of the second kind alone.
std::optional<RowChain> matchScaledChain(compute::FusedOp last);

/// The group that makes `tensor` for one reader alone, and nothing else.
compute::FusedOp soleMaker(mlir::Value tensor, compute::GroupClass kind);

} // namespace longtail
