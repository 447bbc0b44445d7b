// Strides, row-major offsets, and dimensions that are one.
#include "dialects/Access/Algebra/Simplifier.h"

using namespace mlir;

namespace longtail::access {

bool dependsOn(AffineExpr expr, unsigned dim) { return expr.isFunctionOfDim(dim); }

/// The stride as a polynomial, or nothing where it is not the same everywhere.
static std::optional<detail::Polynomial> strideOf(const detail::Polynomial &p, AffineExpr dim) {
  if (!p.isValid())
    return std::nullopt;
  auto linear = p.linearIn(dim);
  if (!linear)
    return std::nullopt;
  unsigned position = cast<AffineDimExpr>(dim).getPosition();
  for (AffineExpr atom : linear->second.atoms())
    if (dependsOn(atom, position))
      return std::nullopt;
  for (AffineExpr atom : linear->first.atoms())
    if (detail::hasDims(atom))
      return std::nullopt;
  return linear->first;
}

AffineExpr strideAlong(AffineExpr expr, unsigned dim, const Domain &domain) {
  MLIRContext *context = expr.getContext();
  detail::Simplifier simplifier(domain, context);
  auto stride = strideOf(simplifier.polynomial(expr), getAffineDimExpr(dim, context));
  return stride ? stride->toExpr(context) : AffineExpr();
}

bool isContiguousAlong(AffineExpr expr, unsigned dim, const Domain &domain) {
  AffineExpr stride = strideAlong(expr, dim, domain);
  return stride && stride == 1;
}

AffineExpr linearize(ArrayRef<AffineExpr> indices, ArrayRef<AffineExpr> sizes,
                     MLIRContext *context) {
  AffineExpr offset = getAffineConstantExpr(0, context);
  for (auto [index, size] : llvm::zip_equal(indices, sizes))
    offset = offset * size + index;
  return offset;
}

SmallVector<AffineExpr> delinearize(AffineExpr offset, ArrayRef<AffineExpr> sizes) {
  SmallVector<AffineExpr> indices(sizes.size());
  AffineExpr stride = getAffineConstantExpr(1, offset.getContext());
  for (size_t i = sizes.size(); i-- > 0;) {
    indices[i] = offset.floorDiv(stride);
    if (i != 0)
      indices[i] = indices[i] % sizes[i];
    stride = sizes[i] * stride;
  }
  return indices;
}

SmallVector<SmallVector<unsigned>> collapse(ArrayRef<AffineExpr> offsets, ArrayRef<unsigned> order,
                                            const Domain &domain, ArrayRef<AffineExpr> conditions) {
  SmallVector<SmallVector<unsigned>> runs;
  if (order.empty())
    return runs;
  MLIRContext *context = nullptr;
  for (ArrayRef<AffineExpr> list : {offsets, ArrayRef(domain.extents)})
    for (AffineExpr expr : list)
      if (expr)
        context = expr.getContext();
  if (!context) { // nothing is known
    for (unsigned dim : order)
      runs.push_back({dim});
    return runs;
  }
  detail::Simplifier simplifier(domain, context);
  SmallVector<detail::Polynomial> offsetForms;
  for (AffineExpr offset : offsets)
    offsetForms.push_back(simplifier.polynomial(offset));
  auto isConditional = [&](unsigned dim) {
    return llvm::any_of(conditions, [&](AffineExpr expr) { return dependsOn(expr, dim); });
  };
  auto areOne = [&](unsigned outer, unsigned inner) {
    if (!domain.extents[inner] || isConditional(outer) || isConditional(inner))
      return false;
    detail::Polynomial extent = simplifier.polynomial(domain.extents[inner]);
    return llvm::all_of(offsetForms, [&](const detail::Polynomial &offset) {
      auto above = strideOf(offset, getAffineDimExpr(outer, context));
      auto below = strideOf(offset, getAffineDimExpr(inner, context));
      return above && below && *above == extent * *below;
    });
  };
  for (unsigned dim : order)
    if (!runs.empty() && areOne(runs.back().back(), dim))
      runs.back().push_back(dim);
    else
      runs.push_back({dim});
  return runs;
}

} // namespace longtail::access
