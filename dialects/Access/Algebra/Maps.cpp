// Access maps: composition, and what shape they have.
#include "dialects/Access/Algebra/Simplifier.h"

using namespace mlir;

namespace longtail::access {

MapAttr makeMap(MLIRContext *context, unsigned domainRank, ArrayRef<AffineExpr> indices,
                ArrayRef<AffineExpr> valid, ArrayRef<AffineExpr> below) {
  auto mapOf = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(domainRank, extent::symbolCount(exprs), exprs, context);
  };
  if (valid.empty())
    return MapAttr::get(context, mapOf(indices), {}, {});
  return MapAttr::get(context, mapOf(indices), mapOf(valid), mapOf(below));
}

namespace {
struct Condition {
  AffineExpr valid, below;
};
} // namespace

/// Drops conditions that always hold or that the others imply.
static SmallVector<Condition> simplifyConditions(ArrayRef<Condition> conditions,
                                                 const Domain &domain, MLIRContext *context) {
  SmallVector<Condition> kept;
  detail::Simplifier plain(domain, context);
  for (const Condition &condition : conditions) {
    detail::Polynomial valid = plain.polynomial(condition.valid);
    detail::Polynomial below = plain.polynomial(condition.below);
    if (plain.getBounds().isWithin(valid, below))
      continue;
    Condition simple{valid.isValid() ? valid.toExpr(context) : condition.valid,
                     below.isValid() ? below.toExpr(context) : condition.below};
    if (llvm::none_of(kept, [&](const Condition &other) {
          return other.valid == simple.valid && other.below == simple.below;
        }))
      kept.push_back(simple);
  }
  for (size_t i = 0; i < kept.size() && kept.size() > 1;) {
    detail::Simplifier others(domain, context);
    for (size_t j = 0; j < kept.size(); ++j)
      if (j != i) {
        others.addFact(kept[j].valid);
        others.addFact(kept[j].below - kept[j].valid - 1);
      }
    if (others.getBounds().isWithin(others.polynomial(kept[i].valid),
                                    others.polynomial(kept[i].below)))
      kept.erase(kept.begin() + i);
    else
      ++i;
  }
  return kept;
}

static MapAttr simplifyParts(MLIRContext *context, unsigned rank, ArrayRef<AffineExpr> indices,
                             ArrayRef<Condition> conditions, const Domain &domain) {
  SmallVector<Condition> kept = simplifyConditions(conditions, domain, context);
  detail::Simplifier simplifier(domain, context);
  SmallVector<AffineExpr> valid, below, simple;
  for (const Condition &condition : kept) {
    // Indices only matter where the element is there.
    simplifier.addFact(condition.valid);
    simplifier.addFact(condition.below - condition.valid - 1);
    valid.push_back(condition.valid);
    below.push_back(condition.below);
  }
  for (AffineExpr index : indices)
    simple.push_back(simplifier.simplify(index));
  return makeMap(context, rank, simple, valid, below);
}

static void appendConditions(MapAttr map, SmallVectorImpl<Condition> &conditions) {
  if (!map.isTotal())
    for (auto [valid, below] : llvm::zip(map.getValid().getResults(), map.getBelow().getResults()))
      conditions.push_back({valid, below});
}

MapAttr simplify(MapAttr map, const Domain &domain) {
  SmallVector<Condition> conditions;
  appendConditions(map, conditions);
  return simplifyParts(map.getContext(), map.getMap().getNumDims(), map.getMap().getResults(),
                       conditions, domain);
}

MapAttr compose(MapAttr outer, MapAttr inner, const Domain &domain) {
  SmallVector<Condition> conditions, innerConditions;
  appendConditions(outer, conditions);
  appendConditions(inner, innerConditions);
  // Symbols are those of the function in both maps, so only dimensions are replaced.
  ArrayRef<AffineExpr> point = outer.getMap().getResults();
  for (const Condition &condition : innerConditions)
    conditions.push_back({condition.valid.replaceDims(point), condition.below.replaceDims(point)});
  SmallVector<AffineExpr> indices = llvm::map_to_vector(
      inner.getMap().getResults(), [&](AffineExpr index) { return index.replaceDims(point); });
  return simplifyParts(outer.getContext(), outer.getMap().getNumDims(), indices, conditions,
                       domain);
}

bool isIdentityOn(MapAttr map, ArrayRef<AffineExpr> sizes) {
  if (!map.isTotal() || map.getMap().getNumDims() != sizes.size() ||
      map.getMap().getNumResults() != sizes.size())
    return false;
  MLIRContext *context = map.getContext();
  for (auto [dim, index] : llvm::enumerate(map.getMap().getResults()))
    if (index != getAffineDimExpr(dim, context) &&
        !(sizes[dim] == getAffineConstantExpr(1, context) &&
          index == getAffineConstantExpr(0, context)))
      return false;
  return true;
}

std::optional<SmallVector<unsigned>> isPermutation(MapAttr map) {
  if (!map.isTotal() || !map.getMap().isPermutation())
    return std::nullopt;
  return llvm::map_to_vector(map.getMap().getResults(), [](AffineExpr index) {
    return cast<AffineDimExpr>(index).getPosition();
  });
}

bool isRowMajorReshape(MapAttr map, ArrayRef<AffineExpr> sourceSizes, const Domain &domain) {
  if (!map.isTotal() || llvm::is_contained(sourceSizes, AffineExpr()) ||
      llvm::is_contained(domain.extents, AffineExpr()))
    return false;
  MLIRContext *context = map.getContext();
  detail::Simplifier simplifier(domain, context);
  SmallVector<AffineExpr> point;
  detail::Polynomial points(1), elements(1);
  for (auto [position, extent] : llvm::enumerate(domain.extents)) {
    point.push_back(getAffineDimExpr(position, context));
    points = points * simplifier.polynomial(extent);
  }
  for (AffineExpr size : sourceSizes)
    elements = elements * simplifier.polynomial(size);
  AffineExpr difference = linearize(map.getMap().getResults(), sourceSizes, context) -
                          linearize(point, domain.extents, context);
  return points == elements && simplifier.polynomial(difference).isZero();
}

} // namespace longtail::access
