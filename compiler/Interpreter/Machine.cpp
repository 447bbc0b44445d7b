#include "compiler/Interpreter/Machine.h"
#include "compiler/Plan/Valuation.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace longtail::interpreter {

bool Machine::fail(Location location, const llvm::Twine &message) {
  emitError(location) << message.str();
  return false;
}

static std::optional<int64_t> applyBinary(AffineExprKind kind, int64_t a, int64_t b) {
  int64_t result;
  switch (kind) {
  case AffineExprKind::Add:
    return llvm::AddOverflow(a, b, result) ? std::nullopt : std::optional(result);
  case AffineExprKind::Mul:
    return llvm::MulOverflow(a, b, result) ? std::nullopt : std::optional(result);
  case AffineExprKind::FloorDiv:
    return plan::apply(extent::Function::FloorDiv, {a, b});
  case AffineExprKind::CeilDiv:
    return b == 0 ? std::nullopt : std::optional(llvm::divideCeilSigned(a, b));
  case AffineExprKind::Mod:
    return plan::apply(extent::Function::Mod, {a, b});
  default:
    return std::nullopt;
  }
}

std::optional<int64_t> evaluate(AffineExpr expr, ArrayRef<int64_t> dims,
                                ArrayRef<int64_t> symbols) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbol.getPosition() < symbols.size() ? std::optional(symbols[symbol.getPosition()])
                                                 : std::nullopt;
  auto binary = cast<AffineBinaryOpExpr>(expr);
  std::optional<int64_t> a = evaluate(binary.getLHS(), dims, symbols);
  std::optional<int64_t> b = evaluate(binary.getRHS(), dims, symbols);
  return a && b ? applyBinary(expr.getKind(), *a, *b) : std::nullopt;
}

std::optional<SmallVector<int64_t>> evaluate(AffineMap map, ArrayRef<int64_t> dims,
                                             ArrayRef<int64_t> symbols) {
  SmallVector<int64_t> values;
  for (AffineExpr expr : map.getResults()) {
    std::optional<int64_t> value = evaluate(expr, dims, symbols);
    if (!value)
      return std::nullopt;
    values.push_back(*value);
  }
  return values;
}

} // namespace longtail::interpreter
