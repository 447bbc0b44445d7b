#include "compiler/Plan/Valuation.h"
#include "compiler/Plan/ElementType.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace longtail::plan {

std::optional<int64_t> apply(extent::Function function, ArrayRef<int64_t> args) {
  using extent::Function;
  int64_t a = args[0], b = args[1];
  switch (function) {
  case Function::Max:
    return std::max(a, b);
  case Function::Min:
    return std::min(a, b);
  case Function::Equal:
    return a == b;
  case Function::Less:
    return a < b;
  case Function::LessEqual:
    return a <= b;
  case Function::Select:
    return a != 0 ? b : args[2];
  case Function::And:
    return a != 0 && b != 0;
  case Function::Or:
    return a != 0 || b != 0;
  case Function::FloorDiv:
    return b == 0 ? std::nullopt : std::optional(llvm::divideFloorSigned(a, b));
  case Function::Mod:
    return b == 0 ? std::nullopt : std::optional(a - llvm::divideFloorSigned(a, b) * b);
  }
  llvm_unreachable("all functions are handled");
}

Valuation::Valuation(FunctionOpInterface function, int64_t outer, int64_t inner)
    : Valuation(function, outer, inner, {}) {}

Valuation::Valuation(FunctionOpInterface function, int64_t outer, int64_t inner,
                     const std::vector<std::vector<int64_t>> &shapes) {
  auto given = [&](extent::SymbolOp symbol) {
    uint64_t input = symbol.getInput(), dim = symbol.getDim();
    int64_t known = input < shapes.size() && dim < shapes[input].size() ? shapes[input][dim] : -1;
    return known >= 0 ? known : dim == 0 ? outer : inner;
  };
  auto set = [&](int64_t id, int64_t value) {
    if (id >= static_cast<int64_t>(symbols.size()))
      symbols.resize(id + 1);
    symbols[id] = value;
  };
  function.walk([&](Operation *op) {
    if (auto symbol = dyn_cast<extent::SymbolOp>(op))
      set(symbol.getId(), std::clamp<int64_t>(given(symbol), symbol.getMin(), symbol.getMax()));
    else if (auto bind = dyn_cast<extent::BindOp>(op))
      set(bind.getId(), std::clamp<int64_t>(inner, bind.getMin(), bind.getMax()));
    else if (auto measure = dyn_cast<extent::MeasureOp>(op))
      set(measure.getId(), std::clamp<int64_t>(inner, measure.getMin(), measure.getMax()));
    else if (auto derived = dyn_cast<extent::DerivedOp>(op))
      set(derived.getId(), derive(derived.getFunction(), derived.getArgs()));
  });
}

int64_t Valuation::derive(extent::Function function, AffineMap args) const {
  SmallVector<int64_t> values;
  for (AffineExpr arg : args.getResults())
    values.push_back(compute(arg).value_or(0));
  return apply(function, values).value_or(0);
}

std::optional<int64_t> Valuation::compute(AffineExpr expr) const {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbol.getPosition() < symbols.size() ? symbols[symbol.getPosition()] : 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  std::optional<int64_t> a = compute(binary.getLHS()), b = compute(binary.getRHS());
  int64_t result;
  if (!a || !b)
    return std::nullopt;
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return llvm::AddOverflow(*a, *b, result) ? std::nullopt : std::optional(result);
  case AffineExprKind::Mul:
    return llvm::MulOverflow(*a, *b, result) ? std::nullopt : std::optional(result);
  case AffineExprKind::FloorDiv:
    return apply(extent::Function::FloorDiv, {*a, *b});
  case AffineExprKind::CeilDiv:
    return *b == 0 ? std::nullopt : std::optional(llvm::divideCeilSigned(*a, *b));
  case AffineExprKind::Mod:
    return apply(extent::Function::Mod, {*a, *b});
  default:
    return std::nullopt;
  }
}

int64_t Valuation::evaluate(AffineExpr expr) const {
  return expr ? std::max<int64_t>(0, compute(expr).value_or(0)) : 0;
}

int64_t Valuation::product(ArrayRef<AffineExpr> exprs) const {
  int64_t result = 1;
  for (AffineExpr expr : exprs)
    if (llvm::MulOverflow(result, evaluate(expr), result))
      return std::numeric_limits<int64_t>::max();
  return result;
}

int64_t Valuation::bytes(RankedTensorType type) const {
  int64_t elements = product(extent::sizesOf(type)), bits = storageBits(type.getElementType());
  int64_t limit = std::numeric_limits<int64_t>::max() / 128;
  return elements > limit ? limit : llvm::divideCeil(elements * bits, 8);
}

} // namespace longtail::plan
