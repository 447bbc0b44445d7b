// Example values of a function's symbols: sizes to plan and report with. Nothing that is correct
// depends on them.
#pragma once
#include "dialects/Extent/IR/Extent.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include <vector>

namespace longtail::plan {

class Valuation {
public:
  /// Gives the first dimension of each input the value `outer`, all other dimensions `inner` and
  /// sizes that depend on data `inner` too, as far as their ranges allow; derived symbols follow.
  Valuation(mlir::FunctionOpInterface function, int64_t outer, int64_t inner);

  /// The same, but dimension `dim` of input `input` is `shapes[input][dim]` where that exists and
  /// is not negative.
  Valuation(mlir::FunctionOpInterface function, int64_t outer, int64_t inner,
            const std::vector<std::vector<int64_t>> &shapes);

  /// The value of an expression of symbols, at least 0. Overflow and division by zero give 0.
  int64_t evaluate(mlir::AffineExpr expr) const;
  /// The product of expressions; too large ones give the largest value.
  int64_t product(llvm::ArrayRef<mlir::AffineExpr> exprs) const;
  /// The bytes of a tensor.
  int64_t bytes(mlir::RankedTensorType type) const;

  /// By symbol number.
  llvm::ArrayRef<int64_t> values() const { return symbols; }

private:
  std::optional<int64_t> compute(mlir::AffineExpr expr) const;
  int64_t derive(extent::Function function, mlir::AffineMap args) const;

  std::vector<int64_t> symbols;
};

/// The result of a function of sizes; nothing on division by zero.
std::optional<int64_t> apply(extent::Function function, llvm::ArrayRef<int64_t> args);

} // namespace longtail::plan
