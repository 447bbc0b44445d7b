#include "dialects/Access/Algebra/Simplifier.h"
#include "llvm/Support/SaveAndRestore.h"
#include <numeric>

using namespace mlir;

namespace longtail::access {
namespace detail {

// Rules call each other; each makes the expression smaller, this stops what does not.
static constexpr unsigned kMaxDepth = 24;

Simplifier::Simplifier(const Domain &domain, MLIRContext *context)
    : context(context), bounds(domain) {
  SmallVector<std::optional<Polynomial>> known;
  for (AffineExpr extent : domain.extents) {
    if (!extent) {
      known.push_back(std::nullopt);
      continue;
    }
    Polynomial size = polynomial(extent);
    known.push_back(size);
    if (size.isValid())
      extents.push_back(size);
  }
  bounds.setExtents(known);
  for (AffineExpr fact : domain.nonNegative)
    addFact(fact);
}

AffineExpr Simplifier::simplify(AffineExpr expr) {
  Polynomial result = polynomial(expr);
  return result.isValid() ? result.toExpr(context) : expr;
}

Polynomial Simplifier::polynomial(AffineExpr expr) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return Polynomial::of(expr);
  Polynomial x = polynomial(binary.getLHS()), y = polynomial(binary.getRHS());
  if (!x.isValid() || !y.isValid())
    return x + y;
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return joinDigits(x + y);
  case AffineExprKind::Mul:
    return x * y;
  default:
    break;
  }
  if (std::optional<int64_t> divisor = y.constant(); divisor && *divisor <= 0)
    return Polynomial::atom(expr); // has no value
  switch (expr.getKind()) {
  case AffineExprKind::Mod:
    return mod(x, y);
  case AffineExprKind::FloorDiv:
    return floorDiv(x, y);
  default: // ceildiv: one form of rounding only
    return floorDiv(x + y - Polynomial(1), y);
  }
}

/// The quotient or remainder as an atom.
Polynomial Simplifier::binary(AffineExprKind kind, const Polynomial &x, const Polynomial &m) const {
  if (!x.isValid() || !m.isValid())
    return x + m;
  return Polynomial::of(getAffineBinaryOpExpr(kind, x.toExpr(context), m.toExpr(context)));
}

std::optional<int64_t> Simplifier::periodOf(const Polynomial &x, const Polynomial &m) const {
  for (int64_t period : {0, -1, 1})
    if (bounds.isWithin(x - m * Polynomial(period), m))
      return period;
  return std::nullopt;
}

Polynomial Simplifier::floorDiv(const Polynomial &x, const Polynomial &m) {
  llvm::SaveAndRestore guard(depth, depth + 1);
  if (!x.isValid() || !m.isValid() || depth > kMaxDepth)
    return binary(AffineExprKind::FloorDiv, x, m);
  if (bounds.isWithin(x, m)) // one period
    return Polynomial(0);
  auto [whole, rest] = x.divide(m);
  if (rest.isZero())
    return whole;
  if (std::optional<int64_t> period = periodOf(rest, m))
    return whole + Polynomial(*period);
  // (c * high + low) // (c * n) = high // n
  if (std::optional<Split> split = splitCommonFactor(rest, m))
    return joinDigits(whole + floorDiv(split->high, split->divisor));
  // (x // a + k) // b = (x + a * k) // (a * b)
  Polynomial variable = rest - Polynomial(rest.constantTerm());
  if (AffineExpr atom = variable.asAtom()) {
    auto inner = dyn_cast<AffineBinaryOpExpr>(atom);
    if (inner && atom.getKind() == AffineExprKind::FloorDiv) {
      Polynomial a = Polynomial::of(inner.getRHS());
      return whole +
             floorDiv(Polynomial::of(inner.getLHS()) + a * Polynomial(rest.constantTerm()), a * m);
    }
    // (x % (a * b)) // a = (x // a) % b
    if (inner && atom.getKind() == AffineExprKind::Mod && rest.constantTerm() == 0)
      if (std::optional<Polynomial> b = Polynomial::of(inner.getRHS()).exactQuotient(m))
        return whole + mod(floorDiv(Polynomial::of(inner.getLHS()), m), *b);
  }
  return whole + binary(AffineExprKind::FloorDiv, rest, m);
}

Polynomial Simplifier::mod(const Polynomial &x, const Polynomial &m) {
  llvm::SaveAndRestore guard(depth, depth + 1);
  if (!x.isValid() || !m.isValid() || depth > kMaxDepth)
    return binary(AffineExprKind::Mod, x, m);
  if (bounds.isWithin(x, m))
    return x;
  Polynomial rest = joinDigits(dropInnerMods(x, m).divide(m).second);
  if (rest.isZero())
    return rest;
  if (std::optional<int64_t> period = periodOf(rest, m))
    return rest - m * Polynomial(*period);
  // (c * high + low) % (c * n) = c * (high % n) + low
  if (std::optional<Split> split = splitCommonFactor(rest, m))
    return joinDigits(split->factor * mod(split->high, split->divisor) + split->low);
  return binary(AffineExprKind::Mod, rest, m);
}

/// c * (x % n) is c * x modulo m where m divides c * n.
Polynomial Simplifier::dropInnerMods(Polynomial x, const Polynomial &m) const {
  for (AffineExpr atom : x.atoms()) {
    auto inner = dyn_cast<AffineBinaryOpExpr>(atom);
    if (!inner || atom.getKind() != AffineExprKind::Mod)
      continue;
    auto linear = x.linearIn(atom);
    if (linear && (linear->first * Polynomial::of(inner.getRHS())).exactQuotient(m))
      x = dropInnerMods(linear->first * Polynomial::of(inner.getLHS()) + linear->second, m);
  }
  return x;
}

/// Candidates: what terms of `x` have in common with a single-term `m`, and extents that divide
/// `m`.
SmallVector<Polynomial> Simplifier::commonFactors(const Polynomial &x, const Polynomial &m) const {
  SmallVector<Polynomial> factors;
  auto add = [&](const Polynomial &factor) {
    if (factor.isValid() && !factor.constant().value_or(0) && !llvm::is_contained(factors, factor))
      factors.push_back(factor);
    else if (factor.constant().value_or(0) > 1 && !llvm::is_contained(factors, factor))
      factors.push_back(factor);
  };
  if (m.getTerms().size() == 1 && m.getTerms()[0].coefficient > 0) {
    const Term &divisor = m.getTerms()[0];
    for (const Term &term : x.getTerms()) {
      if (term.atoms.empty())
        continue;
      Polynomial factor(std::gcd(term.coefficient, divisor.coefficient));
      Monomial left(term.atoms);
      for (AffineExpr atom : divisor.atoms)
        if (auto *found = llvm::find(left, atom); found != left.end()) {
          left.erase(found);
          factor = factor * Polynomial::atom(atom);
        }
      add(factor);
    }
  } else {
    int64_t content = 0;
    for (const Term &term : m.getTerms())
      content = std::gcd(content, term.coefficient);
    add(Polynomial(content));
  }
  for (const Polynomial &extent : extents)
    if (extent.getTerms().size() > 1 && m.exactQuotient(extent))
      add(extent);
  return factors;
}

std::optional<Simplifier::Split> Simplifier::splitCommonFactor(const Polynomial &x,
                                                               const Polynomial &m) const {
  for (const Polynomial &factor : commonFactors(x, m)) {
    std::optional<Polynomial> divisor = m.exactQuotient(factor);
    if (!divisor || divisor->constant() == 1)
      continue;
    // Only whole terms go up: 5 * d = 4 * d + d would not leave a small rest.
    Polynomial high, low;
    if (factor.getTerms().size() == 1) {
      for (const Term &term : x.getTerms()) {
        Polynomial single(term.coefficient);
        for (AffineExpr atom : term.atoms)
          single = single * Polynomial::atom(atom);
        if (std::optional<Polynomial> part = single.exactQuotient(factor))
          high = high + *part;
        else
          low = low + single;
      }
    } else {
      std::tie(high, low) = x.divide(factor);
    }
    if (high.isZero())
      continue;
    if (std::optional<int64_t> constant = factor.constant()) {
      auto [up, down] = Polynomial(low.constantTerm()).divide(factor);
      high = high + up;
      low = low - up * factor;
    }
    if (std::optional<int64_t> period = periodOf(low, factor))
      return Split{factor, high + Polynomial(*period), low - factor * Polynomial(*period),
                   *divisor};
  }
  return std::nullopt;
}

Polynomial Simplifier::joinDigits(Polynomial p) {
  llvm::SaveAndRestore guard(depth, depth + 1);
  if (depth > kMaxDepth)
    return p;
  bool changed = p.isValid();
  while (changed) {
    changed = false;
    for (AffineExpr atom : p.atoms())
      if (atom.getKind() == AffineExprKind::Mod && joinOne(p, atom)) {
        changed = true;
        break;
      }
  }
  return p;
}

/// c * (x % a) + c * a * (x // a) = c * x, and with (x // a + k) % b in place of the quotient it is
/// c * ((x + k * a) % (a * b)).
bool Simplifier::joinOne(Polynomial &p, AffineExpr low) {
  auto lowDigit = cast<AffineBinaryOpExpr>(low);
  Polynomial x = Polynomial::of(lowDigit.getLHS()), a = Polynomial::of(lowDigit.getRHS());
  auto linear = p.linearIn(low);
  if (!linear)
    return false;
  auto &[factor, rest] = *linear;
  Polynomial stride = factor * a;
  std::optional<Polynomial> above;
  for (AffineExpr atom : rest.atoms()) {
    auto digit = dyn_cast<AffineBinaryOpExpr>(atom);
    if (!digit ||
        (atom.getKind() != AffineExprKind::FloorDiv && atom.getKind() != AffineExprKind::Mod))
      continue;
    auto inRest = rest.linearIn(atom);
    if (!inRest || !(inRest->first == stride))
      continue;
    if (!above)
      above = floorDiv(x, a);
    if (atom.getKind() == AffineExprKind::FloorDiv) {
      if (!(*above == Polynomial::atom(atom)))
        continue;
      p = factor * x + inRest->second;
      return true;
    }
    AffineExpr quotient = above->asAtom();
    Polynomial y = Polynomial::of(digit.getLHS()), b = Polynomial::of(digit.getRHS());
    if (!quotient || !llvm::is_contained(y.atoms(), quotient))
      continue;
    Polynomial k = y - *above;
    if (llvm::is_contained(k.atoms(), quotient))
      continue;
    p = factor * mod(x + k * a, a * b) + inRest->second;
    return true;
  }
  return false;
}

} // namespace detail

AffineExpr simplify(AffineExpr expr, const Domain &domain) {
  return detail::Simplifier(domain, expr.getContext()).simplify(expr);
}

bool isNonNegative(AffineExpr expr, const Domain &domain) {
  detail::Simplifier simplifier(domain, expr.getContext());
  return simplifier.getBounds().isNonNegative(simplifier.polynomial(expr));
}

bool isLess(AffineExpr a, AffineExpr b, const Domain &domain) {
  return isNonNegative(b - a - 1, domain);
}

bool isEqual(AffineExpr a, AffineExpr b, const Domain &domain) {
  if (a == b)
    return true;
  detail::Simplifier simplifier(domain, a.getContext());
  return simplifier.polynomial(a - b).isZero();
}

} // namespace longtail::access
