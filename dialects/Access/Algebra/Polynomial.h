// Polynomials with integer coefficients over atoms: dimensions, symbols, and quotients and
// remainders taken as a whole. The working form of the simplifier.
#pragma once
#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace longtail::access::detail {

/// A total order of expressions that depends on structure only: dimensions, then symbols, then
/// constants, then sums, products, remainders and quotients.
int compare(mlir::AffineExpr a, mlir::AffineExpr b);

/// A product of atoms, greatest first, with repetition. Empty: 1.
using Monomial = llvm::SmallVector<mlir::AffineExpr, 3>;

struct Term {
  Monomial atoms;
  int64_t coefficient;
};

class Polynomial {
public:
  Polynomial() = default;
  Polynomial(int64_t constant) {
    if (constant != 0)
      terms.push_back({{}, constant});
  }
  static Polynomial atom(mlir::AffineExpr expr);
  /// Sums and products are expanded; quotients and remainders become atoms as they are.
  static Polynomial of(mlir::AffineExpr expr);

  /// False after an overflow or where there are too many terms; the value is then meaningless.
  bool isValid() const { return valid; }
  bool isZero() const { return valid && terms.empty(); }
  std::optional<int64_t> constant() const;
  /// The atom that this is, or null.
  mlir::AffineExpr asAtom() const;
  /// Greatest monomial first; no zero coefficients.
  llvm::ArrayRef<Term> getTerms() const { return terms; }
  /// The coefficient of the term without atoms.
  int64_t constantTerm() const;

  Polynomial operator+(const Polynomial &other) const;
  Polynomial operator-(const Polynomial &other) const { return *this + other * Polynomial(-1); }
  Polynomial operator*(const Polynomial &other) const;
  bool operator==(const Polynomial &other) const { return (*this - other).isZero(); }

  /// Quotient and remainder with `this == quotient * divisor + remainder`: every term that the
  /// divisor's leading term divides goes into the quotient; the constant left over is not negative
  /// where the divisor is a constant.
  std::pair<Polynomial, Polynomial> divide(const Polynomial &divisor) const;
  /// The quotient, if there is no remainder.
  std::optional<Polynomial> exactQuotient(const Polynomial &divisor) const;

  /// Every distinct atom, greatest first.
  llvm::SmallVector<mlir::AffineExpr> atoms() const;
  /// `this == first * atom + second` with `atom` in neither, or nothing where the degree is
  /// above 1.
  std::optional<std::pair<Polynomial, Polynomial>> linearIn(mlir::AffineExpr atom) const;
  Polynomial substitute(mlir::AffineExpr atom, const Polynomial &value) const;

  mlir::AffineExpr toExpr(mlir::MLIRContext *context) const;

private:
  void normalize();
  llvm::SmallVector<Term, 4> terms;
  bool valid = true;
};

/// True where the expression contains a dimension.
bool hasDims(mlir::AffineExpr expr);

} // namespace longtail::access::detail
