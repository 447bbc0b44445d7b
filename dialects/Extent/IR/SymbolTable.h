// The symbols of one function: declares them once, proves what their ranges allow.
#pragma once
#include "dialects/Extent/IR/Extent.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace longtail::extent {

/// An inclusive interval; a missing bound is infinite.
struct Interval {
  std::optional<int64_t> low, high;
};

/// A view of the `extent` declarations of a function. It is built from the IR and writes new
/// declarations into it; it holds no state that the IR does not.
class SymbolTable {
public:
  explicit SymbolTable(mlir::FunctionOpInterface function);

  /// Declares the size of a dimension of an argument.
  mlir::AffineExpr declareInput(llvm::StringRef name, unsigned input, unsigned dim, int64_t min);

  /// `function(args)`: folded where the ranges decide it, otherwise a derived symbol, one for equal
  /// arguments.
  mlir::AffineExpr derive(Function function, llvm::ArrayRef<mlir::AffineExpr> args);

  mlir::AffineExpr max(mlir::AffineExpr a, mlir::AffineExpr b) {
    return derive(Function::Max, {a, b});
  }
  mlir::AffineExpr min(mlir::AffineExpr a, mlir::AffineExpr b) {
    return derive(Function::Min, {a, b});
  }
  /// Quotients that round down and up; the divisor is positive.
  mlir::AffineExpr floorDiv(mlir::AffineExpr a, mlir::AffineExpr b);
  mlir::AffineExpr ceilDiv(mlir::AffineExpr a, mlir::AffineExpr b);
  mlir::AffineExpr constant(int64_t value) { return mlir::getAffineConstantExpr(value, context); }

  /// Binds element `index` of `source` to a symbol, at the builder's place.
  mlir::AffineExpr bind(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value source,
                        int64_t index, int64_t min, int64_t max);

  /// A symbol for a size that is known when an operation has run: first the symbols of its results,
  /// then the operation, whose types need them, then `measure` for each in turn.
  mlir::AffineExpr declareMeasured();
  void measure(mlir::OpBuilder &builder, mlir::Value source, int64_t dim, mlir::AffineExpr symbol);

  /// Requires `a == b` at run time. Returns failure where they are never equal; adds nothing where
  /// they always are.
  mlir::LogicalResult requireEqual(mlir::AffineExpr a, mlir::AffineExpr b, llvm::StringRef message);
  /// Requires `a <= b` at run time, likewise.
  mlir::LogicalResult requireAtMost(mlir::AffineExpr a, mlir::AffineExpr b,
                                    llvm::StringRef message);

  /// What the declared ranges prove about an expression.
  Interval range(mlir::AffineExpr expr) const;
  bool isProvably(Function comparison, mlir::AffineExpr a, mlir::AffineExpr b) const;

  unsigned size() const { return ranges.size(); }

private:
  mlir::AffineExpr declare(Interval range);
  void check(Function comparison, mlir::AffineExpr a, mlir::AffineExpr b, llvm::StringRef message);
  llvm::SmallVector<Interval> rangesOf(llvm::ArrayRef<mlir::AffineExpr> exprs) const;
  mlir::OpBuilder atEndOfDeclarations();

  mlir::MLIRContext *context;
  mlir::FunctionOpInterface function;
  mlir::Operation *last = nullptr; // the last declaration
  llvm::SmallVector<Interval> ranges;
  llvm::DenseMap<std::pair<unsigned, mlir::Attribute>, mlir::AffineExpr> derived;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::AffineExpr> bound;
};

} // namespace longtail::extent
