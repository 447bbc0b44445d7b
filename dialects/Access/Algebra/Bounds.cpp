#include "dialects/Access/Algebra/Bounds.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace longtail::access::detail {

// Steps of one proof. Proofs that succeed take a few dozen.
static constexpr unsigned kBudget = 300;

void Bounds::setExtents(ArrayRef<std::optional<Polynomial>> values) {
  extents.assign(values.begin(), values.end());
  for (const std::optional<Polynomial> &extent : extents) {
    if (!extent || extent->constant())
      continue;
    // c * atom + k >= 1 bounds the atom; anything else is a fact of its own.
    Polynomial linear = *extent - Polynomial(extent->constantTerm());
    if (linear.getTerms().size() == 1 && linear.getTerms()[0].atoms.size() == 1 &&
        linear.getTerms()[0].coefficient > 0) {
      const Term &term = linear.getTerms()[0];
      int64_t low = llvm::divideCeilSigned(1 - extent->constantTerm(), term.coefficient);
      auto [entry, isNew] = lows.try_emplace(term.atoms[0], low);
      if (!isNew)
        entry->second = std::max(entry->second, low);
    } else {
      addFact(*extent - Polynomial(1));
    }
  }
}

void Bounds::addFact(Polynomial nonNegative) {
  if (nonNegative.isValid() && !nonNegative.constant())
    facts.push_back(std::move(nonNegative));
}

bool Bounds::isNonNegative(const Polynomial &p) const {
  unsigned budget = kBudget;
  return prove(p, /*facts=*/2, budget);
}

bool Bounds::isWithin(const Polynomial &p, const Polynomial &below) const {
  return isNonNegative(p) && isNonNegative(below - p - Polynomial(1));
}

bool Bounds::prove(const Polynomial &p, unsigned uses, unsigned &budget) const {
  if (!p.isValid() || budget == 0)
    return false;
  --budget;
  if (std::optional<int64_t> constant = p.constant())
    return *constant >= 0;
  // Quotients and remainders before dimensions (their bounds speak of dimensions), dimensions
  // before symbols. Atoms come greatest first, which is this order among those with dimensions.
  SmallVector<AffineExpr> atoms = p.atoms();
  AffineExpr next;
  for (AffineExpr atom : atoms)
    if (hasDims(atom) && !next)
      next = atom;
  bool proven = next ? proveByAtom(p, next, uses, budget) : proveBySymbols(p, budget);
  if (!proven && !next)
    for (AffineExpr atom : atoms)
      if (!proven && isa<AffineBinaryOpExpr>(atom))
        proven = proveByAtom(p, atom, 0, budget);
  return proven || proveByFacts(p, uses, budget);
}

bool Bounds::proveByAtom(const Polynomial &p, AffineExpr atom, unsigned uses,
                         unsigned &budget) const {
  auto linear = p.linearIn(atom);
  if (!linear)
    return false;
  auto &[factor, rest] = *linear;
  bool rising = prove(factor, 0, budget);
  if (!rising && !prove(factor * Polynomial(-1), 0, budget))
    return false;
  if (auto dim = dyn_cast<AffineDimExpr>(atom)) {
    if (rising)
      return prove(rest, uses, budget);
    if (dim.getPosition() >= extents.size() || !extents[dim.getPosition()])
      return false;
    return prove(factor * (*extents[dim.getPosition()] - Polynomial(1)) + rest, uses, budget);
  }
  auto binary = cast<AffineBinaryOpExpr>(atom);
  Polynomial x = Polynomial::of(binary.getLHS()), m = Polynomial::of(binary.getRHS());
  if (atom.getKind() == AffineExprKind::Mod) {
    if (rising) // >= 0
      return prove(rest, uses, budget);
    return prove(factor * (m - Polynomial(1)) + rest, uses, budget) ||
           (prove(x, 0, budget) && prove(factor * x + rest, uses, budget)); // <= x where x >= 0
  }
  if (atom.getKind() != AffineExprKind::FloorDiv)
    return false;
  // x - m + 1 <= m * atom <= x. As p is an integer, p >= 0 follows from m * p > -m.
  Polynomial slack = m - Polynomial(1);
  if (!rising)
    return prove(factor * x + m * rest + slack, uses, budget);
  return (prove(x, 0, budget) && prove(rest, uses, budget)) ||
         prove(factor * (x - slack) + m * rest + slack, uses, budget);
}

bool Bounds::proveByFacts(const Polynomial &p, unsigned uses, unsigned &budget) const {
  if (uses == 0)
    return false;
  SmallVector<AffineExpr> atoms = p.atoms();
  for (const Polynomial &fact : facts) {
    for (AffineExpr atom : fact.atoms()) {
      if (!llvm::is_contained(atoms, atom))
        continue;
      // p - factor * fact >= 0 with factor >= 0 chosen so that the atom goes away.
      auto inFact = fact.linearIn(atom), inP = p.linearIn(atom);
      if (!inFact || !inP)
        continue;
      std::optional<Polynomial> factor = inP->first.exactQuotient(inFact->first);
      if (factor && !factor->isZero() && prove(*factor, 0, budget) &&
          prove(p - *factor * fact, uses - 1, budget))
        return true;
    }
  }
  return false;
}

bool Bounds::proveBySymbols(const Polynomial &p, unsigned &budget) const {
  // Every atom is its lower bound plus something >= 0: then coefficients decide.
  Polynomial shifted = p;
  bool bounded = true;
  for (AffineExpr atom : p.atoms()) {
    extent::Interval range = rangeOf(atom);
    if (range.low && range.high && *range.low == *range.high)
      shifted = shifted.substitute(atom, Polynomial(*range.low));
    else if (range.low)
      shifted = shifted.substitute(atom, Polynomial::atom(atom) + Polynomial(*range.low));
    else
      bounded = false;
  }
  if (bounded && shifted.isValid() &&
      llvm::all_of(shifted.getTerms(), [](const Term &term) { return term.coefficient >= 0; }))
    return true;
  for (AffineExpr atom : p.atoms()) {
    extent::Interval range = rangeOf(atom);
    auto linear = p.linearIn(atom);
    if (range.high && linear && prove(linear->first * Polynomial(-1), 0, budget) &&
        prove(linear->first * Polynomial(*range.high) + linear->second, 0, budget))
      return true;
  }
  return false;
}

extent::Interval Bounds::rangeOf(AffineExpr expr) const {
  extent::Interval result;
  auto checked = [](bool overflow, int64_t value) {
    return overflow ? std::optional<int64_t>() : std::optional(value);
  };
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return {constant.getValue(), constant.getValue()};
  if (isa<AffineSymbolExpr>(expr)) {
    result = domain.symbolRange ? domain.symbolRange(expr) : extent::Interval{0, std::nullopt};
  } else if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr)) {
    extent::Interval a = rangeOf(binary.getLHS()), b = rangeOf(binary.getRHS());
    int64_t value;
    switch (expr.getKind()) {
    case AffineExprKind::Add:
      if (a.low && b.low)
        result.low = checked(llvm::AddOverflow(*a.low, *b.low, value), value);
      if (a.high && b.high)
        result.high = checked(llvm::AddOverflow(*a.high, *b.high, value), value);
      break;
    case AffineExprKind::Mul:
      if (b.low && b.high && *b.low == *b.high) {
        if (*b.low < 0)
          std::swap(a.low, a.high);
        if (a.low)
          result.low = checked(llvm::MulOverflow(*a.low, *b.low, value), value);
        if (a.high)
          result.high = checked(llvm::MulOverflow(*a.high, *b.low, value), value);
      } else if (a.low && b.low && *a.low >= 0 && *b.low >= 0) {
        result.low = checked(llvm::MulOverflow(*a.low, *b.low, value), value);
        if (a.high && b.high)
          result.high = checked(llvm::MulOverflow(*a.high, *b.high, value), value);
      }
      break;
    case AffineExprKind::Mod:
      result.low = 0;
      if (b.high)
        result.high = *b.high - 1;
      break;
    case AffineExprKind::FloorDiv:
      if (b.low && b.high && *b.low == *b.high && *b.low > 0) {
        if (a.low)
          result.low = llvm::divideFloorSigned(*a.low, *b.low);
        if (a.high)
          result.high = llvm::divideFloorSigned(*a.high, *b.low);
      } else if (a.low && *a.low >= 0) {
        result.low = 0; // a positive divisor only brings the value nearer to 0
        result.high = a.high;
      }
      break;
    default:
      break;
    }
  }
  auto known = lows.find(expr);
  if (known != lows.end() && (!result.low || *result.low < known->second))
    result.low = known->second;
  return result;
}

} // namespace longtail::access::detail
