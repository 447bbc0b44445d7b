// Products of sizes: a coefficient and factors, so that equal products compare equal and divide.
#pragma once
#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace longtail::operators {

class SizeProduct {
public:
  explicit SizeProduct(mlir::MLIRContext *context) : context(context) {}
  SizeProduct(mlir::MLIRContext *context, llvm::ArrayRef<mlir::AffineExpr> sizes)
      : context(context) {
    for (mlir::AffineExpr size : sizes)
      multiply(size);
  }

  void multiply(mlir::AffineExpr size);
  mlir::AffineExpr expr() const;
  /// The product without the factors of `divisor`, if it has all of them; the divisor is not 0.
  std::optional<SizeProduct> dividedBy(const SizeProduct &divisor) const;
  /// Removes the factors that both have.
  static void cancel(SizeProduct &a, SizeProduct &b);
  bool operator==(const SizeProduct &other) const;
  bool isOne() const { return coefficient == 1 && factors.empty(); }
  bool isZero() const { return coefficient == 0; }

private:
  mlir::MLIRContext *context;
  int64_t coefficient = 1;
  llvm::SmallVector<mlir::AffineExpr> factors; // not constants, in any order
};

} // namespace longtail::operators
