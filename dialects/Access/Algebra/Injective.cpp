// Proves that a map reads no element twice.
#include "dialects/Access/Algebra/Simplifier.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace longtail::access {
namespace {

using detail::Polynomial;

/// Collects atoms (dimensions, quotients, remainders) whose value the position read determines. The
/// map is injective when every dimension is determined.
class InjectivityProof {
public:
  InjectivityProof(const Domain &domain, MLIRContext *context)
      : domain(domain), context(context), simplifier(domain, context) {
    for (auto [position, extent] : llvm::enumerate(domain.extents))
      if (extent && extent == 1)
        determined.insert(getAffineDimExpr(position, context));
  }

  bool run(ArrayRef<AffineExpr> indices) {
    SmallVector<Polynomial> forms;
    for (AffineExpr index : indices) {
      forms.push_back(simplifier.polynomial(index));
      if (!forms.back().isValid())
        return false;
    }
    for (size_t before = determined.size() + 1; before != determined.size();) {
      before = determined.size();
      for (const Polynomial &form : forms)
        split(form);
      for (const Polynomial &joined : joinDeterminedDigits())
        split(joined);
    }
    for (unsigned dim = 0; dim < domain.extents.size(); ++dim)
      if (!determined.contains(getAffineDimExpr(dim, context)))
        return false;
    return true;
  }

private:
  /// A sum of strides times atoms, each stride above all that the smaller terms add up to,
  /// determines its atoms: all of them, or none is taken.
  void split(const Polynomial &form) {
    SmallVector<std::pair<AffineExpr, Polynomial>> parts; // atom and stride
    for (AffineExpr atom : form.atoms()) {
      if (!detail::hasDims(atom) || determined.contains(atom))
        continue;
      auto linear = form.linearIn(atom);
      if (!linear || llvm::any_of(linear->first.atoms(), detail::hasDims))
        return;
      Polynomial stride = linear->first;
      if (!isPositive(stride)) {
        auto dim = dyn_cast<AffineDimExpr>(atom);
        stride = stride * Polynomial(-1);
        if (!dim || !domain.extents[dim.getPosition()] || !isPositive(stride))
          return;
      }
      parts.push_back({atom, linear->first});
    }
    auto sizeOf = [&](const Polynomial &stride) {
      return isPositive(stride) ? stride : stride * Polynomial(-1);
    };
    SmallVector<AffineExpr> found;
    Polynomial lower(0);
    while (!parts.empty()) {
      auto *next = llvm::find_if(parts, [&](auto &part) {
        return llvm::all_of(parts, [&](auto &other) {
          return simplifier.getBounds().isNonNegative(sizeOf(other.second) - sizeOf(part.second));
        });
      });
      if (next == parts.end() || !simplifier.getBounds().isWithin(lower, sizeOf(next->second)))
        return;
      Polynomial term = next->second * Polynomial::atom(next->first);
      if (!isPositive(next->second)) // c * (extent - 1 - d)
        term = term + sizeOf(next->second) *
                          (simplifier.polynomial(
                               domain.extents[cast<AffineDimExpr>(next->first).getPosition()]) -
                           Polynomial(1));
      lower = lower + term;
      found.push_back(next->first);
      parts.erase(next);
    }
    determined.insert(found.begin(), found.end());
  }

  /// Digits of one number, each times its place: with all digits there, the number.
  SmallVector<Polynomial> joinDeterminedDigits() {
    SmallVector<AffineExpr> digits;
    for (AffineExpr atom : determined)
      if (isa<AffineBinaryOpExpr>(atom))
        digits.push_back(atom);
    llvm::sort(digits, [](AffineExpr a, AffineExpr b) { return detail::compare(a, b) < 0; });
    SmallVector<Polynomial> joined;
    while (!digits.empty()) {
      AffineExpr sum = getAffineConstantExpr(0, context), together = digits.front();
      // Digits that share a dimension belong together.
      for (bool grown = true; grown;) {
        grown = false;
        for (AffineExpr &digit : digits) {
          if (!digit || !shareDimension(digit, together))
            continue;
          together = together + digit;
          sum = sum + digit * placeOf(digit);
          digit = {};
          grown = true;
        }
      }
      llvm::erase(digits, AffineExpr());
      joined.push_back(simplifier.polynomial(sum));
    }
    return joined;
  }

  /// a in `x // a` and `(x // a) % b`; 1 in `x % b`.
  AffineExpr placeOf(AffineExpr digit) {
    auto binary = cast<AffineBinaryOpExpr>(digit);
    if (digit.getKind() == AffineExprKind::Mod)
      if (auto inner = dyn_cast<AffineBinaryOpExpr>(binary.getLHS()))
        binary = inner;
    return binary.getKind() == AffineExprKind::FloorDiv ? binary.getRHS()
                                                        : getAffineConstantExpr(1, context);
  }

  bool shareDimension(AffineExpr a, AffineExpr b) {
    for (unsigned dim = 0; dim < domain.extents.size(); ++dim)
      if (dependsOn(a, dim) && dependsOn(b, dim))
        return true;
    return false;
  }

  bool isPositive(const Polynomial &p) {
    return simplifier.getBounds().isNonNegative(p - Polynomial(1));
  }

  const Domain &domain;
  MLIRContext *context;
  detail::Simplifier simplifier;
  llvm::DenseSet<AffineExpr> determined;
};

} // namespace

bool isInjective(MapAttr map, const Domain &domain) {
  // A dimension without an extent may be anywhere.
  if (map.getMap().getNumDims() != domain.extents.size())
    return false;
  return InjectivityProof(domain, map.getContext()).run(map.getMap().getResults());
}

} // namespace longtail::access
