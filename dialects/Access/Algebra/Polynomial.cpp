#include "dialects/Access/Algebra/Polynomial.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace longtail::access::detail {

// Expressions of real models have a handful of terms; more than this is a runaway expansion.
static constexpr size_t kMaxTerms = 96;

static int rankOf(AffineExpr expr) {
  switch (expr.getKind()) {
  case AffineExprKind::DimId:
    return 0;
  case AffineExprKind::SymbolId:
    return 1;
  case AffineExprKind::Constant:
    return 2;
  case AffineExprKind::Add:
    return 3;
  case AffineExprKind::Mul:
    return 4;
  case AffineExprKind::Mod:
    return 5;
  case AffineExprKind::FloorDiv:
    return 6;
  case AffineExprKind::CeilDiv:
    return 7;
  }
  llvm_unreachable("all kinds are handled");
}

template <typename T> static int compareValues(T a, T b) { return a < b ? -1 : a > b ? 1 : 0; }

int compare(AffineExpr a, AffineExpr b) {
  if (a == b)
    return 0;
  if (int order = compareValues(rankOf(a), rankOf(b)))
    return order;
  if (auto dim = dyn_cast<AffineDimExpr>(a))
    return compareValues(dim.getPosition(), cast<AffineDimExpr>(b).getPosition());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(a))
    return compareValues(symbol.getPosition(), cast<AffineSymbolExpr>(b).getPosition());
  if (auto constant = dyn_cast<AffineConstantExpr>(a))
    return compareValues(constant.getValue(), cast<AffineConstantExpr>(b).getValue());
  auto x = cast<AffineBinaryOpExpr>(a), y = cast<AffineBinaryOpExpr>(b);
  if (int order = compare(x.getLHS(), y.getLHS()))
    return order;
  return compare(x.getRHS(), y.getRHS());
}

/// Degree first, then lexicographic: compatible with multiplication, so division terminates.
static int compareMonomials(ArrayRef<AffineExpr> a, ArrayRef<AffineExpr> b) {
  if (a.size() != b.size())
    return compareValues(a.size(), b.size());
  for (auto [x, y] : llvm::zip(a, b))
    if (int order = compare(x, y))
      return order;
  return 0;
}

static Monomial product(ArrayRef<AffineExpr> a, ArrayRef<AffineExpr> b) {
  Monomial result(a);
  result.append(b.begin(), b.end());
  llvm::sort(result, [](AffineExpr x, AffineExpr y) { return compare(x, y) > 0; });
  return result;
}

/// `a / b`, or nothing where `b` does not divide `a`.
static std::optional<Monomial> quotient(ArrayRef<AffineExpr> a, ArrayRef<AffineExpr> b) {
  Monomial rest(a);
  for (AffineExpr atom : b) {
    auto *found = llvm::find(rest, atom);
    if (found == rest.end())
      return std::nullopt;
    rest.erase(found);
  }
  return rest;
}

bool hasDims(AffineExpr expr) {
  bool found = false;
  expr.walk([&](AffineExpr sub) { found |= isa<AffineDimExpr>(sub); });
  return found;
}

Polynomial Polynomial::atom(AffineExpr expr) {
  Polynomial result;
  result.terms.push_back({{expr}, 1});
  return result;
}

Polynomial Polynomial::of(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return Polynomial(constant.getValue());
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (binary && expr.getKind() == AffineExprKind::Add)
    return of(binary.getLHS()) + of(binary.getRHS());
  if (binary && expr.getKind() == AffineExprKind::Mul)
    return of(binary.getLHS()) * of(binary.getRHS());
  return atom(expr);
}

std::optional<int64_t> Polynomial::constant() const {
  if (!valid || terms.size() > 1 || (terms.size() == 1 && !terms[0].atoms.empty()))
    return std::nullopt;
  return terms.empty() ? 0 : terms[0].coefficient;
}

AffineExpr Polynomial::asAtom() const {
  if (!valid || terms.size() != 1 || terms[0].atoms.size() != 1 || terms[0].coefficient != 1)
    return {};
  return terms[0].atoms[0];
}

int64_t Polynomial::constantTerm() const {
  return !terms.empty() && terms.back().atoms.empty() ? terms.back().coefficient : 0;
}

void Polynomial::normalize() {
  llvm::sort(terms,
             [](const Term &a, const Term &b) { return compareMonomials(a.atoms, b.atoms) > 0; });
  size_t count = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (count != 0 && compareMonomials(terms[count - 1].atoms, terms[i].atoms) == 0) {
      valid &= !llvm::AddOverflow(terms[count - 1].coefficient, terms[i].coefficient,
                                  terms[count - 1].coefficient);
    } else {
      if (count != i)
        terms[count] = terms[i];
      ++count;
    }
    if (terms[count - 1].coefficient == 0)
      --count;
  }
  terms.resize(count);
  valid &= terms.size() <= kMaxTerms;
}

Polynomial Polynomial::operator+(const Polynomial &other) const {
  Polynomial result = *this;
  result.terms.append(other.terms.begin(), other.terms.end());
  result.valid &= other.valid;
  result.normalize();
  return result;
}

Polynomial Polynomial::operator*(const Polynomial &other) const {
  Polynomial result;
  result.valid = valid && other.valid && terms.size() * other.terms.size() <= kMaxTerms * 4;
  if (!result.valid)
    return result;
  for (const Term &a : terms)
    for (const Term &b : other.terms) {
      int64_t coefficient;
      result.valid &= !llvm::MulOverflow(a.coefficient, b.coefficient, coefficient);
      result.terms.push_back({product(a.atoms, b.atoms), coefficient});
    }
  result.normalize();
  return result;
}

std::pair<Polynomial, Polynomial> Polynomial::divide(const Polynomial &divisor) const {
  Polynomial whole, rest = *this;
  if (!valid || !divisor.valid || divisor.terms.empty())
    return {whole, rest};
  const Term &leading = divisor.terms.front();
  bool byConstant = leading.atoms.empty();
  for (size_t i = 0; i < rest.terms.size();) {
    const Term &term = rest.terms[i];
    std::optional<Monomial> atoms = quotient(term.atoms, leading.atoms);
    int64_t factor = 0;
    if (atoms && byConstant && term.atoms.empty())
      factor = llvm::divideFloorSigned(term.coefficient, leading.coefficient);
    else if (atoms)
      factor = term.coefficient / leading.coefficient;
    if (factor == 0) {
      ++i;
      continue;
    }
    Polynomial step;
    step.terms.push_back({*atoms, factor});
    whole = whole + step;
    rest = rest - step * divisor;
    if (!rest.valid || !whole.valid)
      break;
  }
  return {whole, rest};
}

std::optional<Polynomial> Polynomial::exactQuotient(const Polynomial &divisor) const {
  auto [whole, rest] = divide(divisor);
  if (whole.valid && rest.isZero())
    return whole;
  return std::nullopt;
}

SmallVector<AffineExpr> Polynomial::atoms() const {
  SmallVector<AffineExpr> result;
  for (const Term &term : terms)
    for (AffineExpr atom : term.atoms)
      if (!llvm::is_contained(result, atom))
        result.push_back(atom);
  llvm::sort(result, [](AffineExpr x, AffineExpr y) { return compare(x, y) > 0; });
  return result;
}

std::optional<std::pair<Polynomial, Polynomial>> Polynomial::linearIn(AffineExpr atom) const {
  Polynomial factor, rest;
  factor.valid = rest.valid = valid;
  for (const Term &term : terms) {
    std::optional<Monomial> others = quotient(term.atoms, {atom});
    if (!others) {
      rest.terms.push_back(term);
      continue;
    }
    if (llvm::is_contained(*others, atom))
      return std::nullopt;
    factor.terms.push_back({*others, term.coefficient});
  }
  factor.normalize();
  return std::pair(factor, rest);
}

Polynomial Polynomial::substitute(AffineExpr atom, const Polynomial &value) const {
  Polynomial result;
  result.valid = valid;
  for (const Term &term : terms) {
    Polynomial expanded;
    Monomial others;
    unsigned power = 0;
    for (AffineExpr factor : term.atoms)
      if (factor == atom)
        ++power;
      else
        others.push_back(factor);
    expanded.terms.push_back({others, term.coefficient});
    for (; power != 0; --power)
      expanded = expanded * value;
    result = result + expanded;
  }
  return result;
}

AffineExpr Polynomial::toExpr(MLIRContext *context) const {
  // Written as people do: by dimension, higher degrees first, constants last.
  auto firstDim = [](const Term &term) {
    unsigned first = ~0u;
    for (AffineExpr atom : term.atoms)
      atom.walk([&](AffineExpr sub) {
        if (auto dim = dyn_cast<AffineDimExpr>(sub))
          first = std::min(first, dim.getPosition());
      });
    return first;
  };
  SmallVector<Term> ordered(terms.begin(), terms.end());
  llvm::sort(ordered, [&](const Term &a, const Term &b) {
    if (unsigned x = firstDim(a), y = firstDim(b); x != y)
      return x < y;
    return compareMonomials(a.atoms, b.atoms) > 0;
  });
  AffineExpr sum;
  for (const Term &term : ordered) {
    AffineExpr value;
    // Factors with dimensions first: affine products have the symbolic factor on the right.
    for (bool dims : {true, false})
      for (AffineExpr atom : llvm::reverse(term.atoms))
        if (hasDims(atom) == dims)
          value = value ? value * atom : atom;
    if (!value)
      value = getAffineConstantExpr(term.coefficient, context);
    else if (term.coefficient != 1)
      value = value * term.coefficient;
    sum = sum ? sum + value : value;
  }
  return sum ? sum : getAffineConstantExpr(0, context);
}

} // namespace longtail::access::detail
