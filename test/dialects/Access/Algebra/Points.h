// Evaluates expressions at points, for comparison with what the algebra says.
#pragma once
#include "dialects/Access/Algebra/Algebra.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <random>
#include <string>
#include <vector>

namespace longtail::access::test {

using Values = std::vector<int64_t>;

inline int64_t evaluate(mlir::AffineExpr expr, const Values &dims, const Values &symbols) {
  if (auto constant = llvm::dyn_cast<mlir::AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto dim = llvm::dyn_cast<mlir::AffineDimExpr>(expr))
    return dims.at(dim.getPosition());
  if (auto symbol = llvm::dyn_cast<mlir::AffineSymbolExpr>(expr))
    return symbols.at(symbol.getPosition());
  auto binary = llvm::cast<mlir::AffineBinaryOpExpr>(expr);
  int64_t a = evaluate(binary.getLHS(), dims, symbols);
  int64_t b = evaluate(binary.getRHS(), dims, symbols);
  switch (expr.getKind()) {
  case mlir::AffineExprKind::Add:
    return a + b;
  case mlir::AffineExprKind::Mul:
    return a * b;
  case mlir::AffineExprKind::Mod:
    return llvm::mod(a, b);
  case mlir::AffineExprKind::FloorDiv:
    return llvm::divideFloorSigned(a, b);
  default:
    return llvm::divideCeilSigned(a, b);
  }
}

/// Calls `body` with every point of a box, the last dimension fastest.
template <typename Body> void forEachPoint(const Values &sizes, Body body) {
  for (int64_t size : sizes)
    if (size <= 0)
      return;
  Values point(sizes.size(), 0);
  while (true) {
    body(point);
    size_t dim = sizes.size();
    while (dim != 0 && ++point[dim - 1] == sizes[dim - 1])
      point[--dim] = 0;
    if (dim == 0)
      return;
  }
}

inline std::string text(mlir::AffineExpr expr) {
  std::string result;
  llvm::raw_string_ostream(result) << expr;
  return result;
}

inline std::string text(MapAttr map) {
  std::string result;
  llvm::raw_string_ostream(result) << map;
  return result;
}

} // namespace longtail::access::test
