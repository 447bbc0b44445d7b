#include "compiler/Operators/SizeProduct.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <limits>
#include <numeric>

using namespace mlir;

namespace longtail::operators {

void SizeProduct::multiply(AffineExpr size) {
  if (auto constant = dyn_cast<AffineConstantExpr>(size)) {
    // A product beyond 63 bits is no tensor's; it saturates, so that it equals no real size.
    if (llvm::MulOverflow(coefficient, constant.getValue(), coefficient))
      coefficient = std::numeric_limits<int64_t>::max();
    return;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(size);
  if (binary && binary.getKind() == AffineExprKind::Mul) {
    multiply(binary.getLHS());
    multiply(binary.getRHS());
    return;
  }
  // a * k + b * k is k * (a + b): take the common divisor out.
  if (int64_t divisor = size.getLargestKnownDivisor();
      binary && binary.getKind() == AffineExprKind::Add && divisor > 1) {
    coefficient *= divisor;
    size = size.floorDiv(divisor);
  }
  factors.push_back(size);
}

AffineExpr SizeProduct::expr() const {
  AffineExpr product = getAffineConstantExpr(coefficient, context);
  if (coefficient == 0 || factors.empty())
    return product;
  // A canonical order, so that equal products are equal expressions: symbols by number first.
  SmallVector<std::pair<unsigned, unsigned>> order;
  for (auto [i, factor] : llvm::enumerate(factors)) {
    auto symbol = dyn_cast<AffineSymbolExpr>(factor);
    order.push_back({symbol ? symbol.getPosition() : ~0u, i});
  }
  llvm::sort(order);
  product = factors[order.front().second];
  for (auto [rank, i] : ArrayRef(order).drop_front())
    product = product * factors[i];
  return product * coefficient;
}

void SizeProduct::cancel(SizeProduct &a, SizeProduct &b) {
  for (AffineExpr factor : SmallVector<AffineExpr>(b.factors)) {
    auto found = llvm::find(a.factors, factor);
    if (found == a.factors.end())
      continue;
    a.factors.erase(found);
    b.factors.erase(llvm::find(b.factors, factor));
  }
  if (int64_t divisor = std::gcd(a.coefficient, b.coefficient); divisor > 1 && a.coefficient != 0) {
    a.coefficient /= divisor;
    b.coefficient /= divisor;
  }
}

std::optional<SizeProduct> SizeProduct::dividedBy(const SizeProduct &divisor) const {
  SizeProduct quotient = *this, rest = divisor;
  cancel(quotient, rest);
  if (!rest.isOne())
    return std::nullopt;
  return quotient;
}

bool SizeProduct::operator==(const SizeProduct &other) const {
  if (coefficient != other.coefficient)
    return false;
  if (coefficient == 0)
    return true;
  SizeProduct a = *this, b = other;
  cancel(a, b);
  return a.factors.empty() && b.factors.empty();
}

} // namespace longtail::operators
