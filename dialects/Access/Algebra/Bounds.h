// Proves signs of polynomials over a domain.
#pragma once
#include "dialects/Access/Algebra/Algebra.h"
#include "dialects/Access/Algebra/Polynomial.h"
#include "llvm/ADT/DenseMap.h"

namespace longtail::access::detail {

class Bounds {
public:
  explicit Bounds(const Domain &domain) : domain(domain) {}

  /// Extents and facts in normal form, in the order of the domain; a null extent stays unknown.
  void setExtents(llvm::ArrayRef<std::optional<Polynomial>> values);
  void addFact(Polynomial nonNegative);

  /// True where `p >= 0` is proven at every point.
  bool isNonNegative(const Polynomial &p) const;
  /// True where `0 <= p < below` is proven at every point.
  bool isWithin(const Polynomial &p, const Polynomial &below) const;

private:
  bool prove(const Polynomial &p, unsigned facts, unsigned &budget) const;
  bool proveByAtom(const Polynomial &p, mlir::AffineExpr atom, unsigned facts,
                   unsigned &budget) const;
  bool proveByFacts(const Polynomial &p, unsigned facts, unsigned &budget) const;
  bool proveBySymbols(const Polynomial &p, unsigned &budget) const;
  /// The numeric range of an atom or expression without dimensions.
  extent::Interval rangeOf(mlir::AffineExpr expr) const;

  const Domain &domain;
  llvm::SmallVector<std::optional<Polynomial>> extents;
  llvm::SmallVector<Polynomial> facts;
  /// Lower bounds that follow from extents being positive.
  llvm::DenseMap<mlir::AffineExpr, int64_t> lows;
};

} // namespace longtail::access::detail
