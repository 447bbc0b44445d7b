// Brings expressions over one domain into the normal form of `simplify`.
#pragma once
#include "dialects/Access/Algebra/Bounds.h"

namespace longtail::access::detail {

class Simplifier {
public:
  Simplifier(const Domain &domain, mlir::MLIRContext *context);

  /// The normal form as a polynomial; invalid where it grows too large.
  Polynomial polynomial(mlir::AffineExpr expr);
  /// The normal form, or `expr` itself where it grows too large.
  mlir::AffineExpr simplify(mlir::AffineExpr expr);
  const Bounds &getBounds() const { return bounds; }
  void addFact(mlir::AffineExpr nonNegative) { bounds.addFact(polynomial(nonNegative)); }

private:
  Polynomial floorDiv(const Polynomial &x, const Polynomial &m);
  Polynomial mod(const Polynomial &x, const Polynomial &m);
  /// Replaces digits that together are a longer digit by it.
  Polynomial joinDigits(Polynomial p);
  bool joinOne(Polynomial &p, mlir::AffineExpr low);
  Polynomial dropInnerMods(Polynomial x, const Polynomial &m) const;
  /// The k in {0, -1, 1} with `k * m <= x < (k + 1) * m`.
  std::optional<int64_t> periodOf(const Polynomial &x, const Polynomial &m) const;
  /// A factor of `m` that splits `x` into `factor * high + low` with `0 <= low < factor`.
  struct Split {
    Polynomial factor, high, low, divisor; // m == factor * divisor
  };
  std::optional<Split> splitCommonFactor(const Polynomial &x, const Polynomial &m) const;
  llvm::SmallVector<Polynomial> commonFactors(const Polynomial &x, const Polynomial &m) const;
  Polynomial binary(mlir::AffineExprKind kind, const Polynomial &x, const Polynomial &m) const;

  mlir::MLIRContext *context;
  Bounds bounds;
  llvm::SmallVector<Polynomial> extents;
  unsigned depth = 0;
};

} // namespace longtail::access::detail
