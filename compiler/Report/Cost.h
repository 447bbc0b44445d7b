// What a group has to do, as a function of the sizes.
#pragma once
#include "compiler/Plan/Valuation.h"
#include "dialects/Kernel/IR/Kernel.h"

namespace longtail::report {

/// factor / divisor times the product of the sizes.
struct Term {
  int64_t factor = 0, divisor = 1;
  llvm::SmallVector<mlir::AffineExpr> sizes;
};

/// Sums of terms: operations on elements (of any type), bytes of operands and results.
struct Cost {
  llvm::SmallVector<Term> operations, bytes;
};

Cost costOf(compute::FusedOp group);

/// The sum of terms at these sizes.
double total(llvm::ArrayRef<Term> terms, const plan::Valuation &valuation);

/// The name of the group's class.
llvm::StringRef className(compute::FusedOp group);

} // namespace longtail::report
