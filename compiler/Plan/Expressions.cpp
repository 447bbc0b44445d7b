#include "compiler/Plan/Expressions.h"

using namespace mlir;
using longtail::container::Expression;
using longtail::container::Instruction;

namespace longtail::plan {

/// Operands longer than this become symbols, so that any operation of them fits.
static constexpr size_t kMaxOperand = LT_MAX_EXPR_LENGTH / 4;

static lt_opcode opcodeOf(extent::Function function) {
  using extent::Function;
  switch (function) {
  case Function::Max:
    return LT_OP_MAX;
  case Function::Min:
    return LT_OP_MIN;
  case Function::Equal:
    return LT_OP_EQ;
  case Function::Less:
    return LT_OP_LT;
  case Function::LessEqual:
    return LT_OP_LE;
  case Function::Select:
    return LT_OP_SELECT;
  case Function::And:
    return LT_OP_AND;
  case Function::Or:
    return LT_OP_OR;
  case Function::FloorDiv:
    return LT_OP_FLOORDIV;
  case Function::Mod:
    return LT_OP_MOD;
  }
  llvm_unreachable("all functions are handled");
}

void ExpressionTable::defineSymbol(int64_t id) {
  if (id >= static_cast<int64_t>(symbols.size()))
    symbols.resize(id + 1, container::kNone);
  symbols[id] = function.symbols.size();
}

uint32_t ExpressionTable::regionOf(uint32_t expression) const {
  uint32_t region = 0;
  for (const Instruction &in : function.expressions[expression])
    if (in.opcode == LT_OP_SYM)
      region = std::max(region, function.symbols[in.operand].region);
  return region;
}

uint32_t ExpressionTable::intern(Expression expression) {
  std::vector<std::pair<int, int64_t>> key;
  for (const Instruction &in : expression)
    key.emplace_back(in.opcode, in.operand);
  auto [place, isNew] = known.try_emplace(std::move(key), function.expressions.size());
  if (isNew)
    function.expressions.push_back(std::move(expression));
  return place->second;
}

Expression ExpressionTable::shortened(Expression expression) {
  if (expression.size() <= kMaxOperand)
    return expression;
  uint32_t id = intern(std::move(expression));
  for (uint32_t i = 0; i < function.symbols.size(); ++i)
    if (function.symbols[i].kind == LT_SYMBOL_DERIVED && function.symbols[i].source == id)
      return {{LT_OP_SYM, i}};
  container::Symbol symbol;
  symbol.kind = LT_SYMBOL_DERIVED;
  symbol.region = regionOf(id);
  symbol.name = "size";
  symbol.source = id;
  symbol.min = std::numeric_limits<int64_t>::min();
  symbol.max = std::numeric_limits<int64_t>::max();
  function.symbols.push_back(symbol);
  return {{LT_OP_SYM, static_cast<int64_t>(function.symbols.size() - 1)}};
}

Expression ExpressionTable::join(Expression a, Expression b, lt_opcode opcode) {
  a = shortened(std::move(a));
  b = shortened(std::move(b));
  a.insert(a.end(), b.begin(), b.end());
  a.push_back({opcode});
  return a;
}

Expression ExpressionTable::lower(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return {{LT_OP_CONST, constant.getValue()}};
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    unsigned id = symbol.getPosition();
    // A symbol that is not declared is found by the container's checker.
    return {{LT_OP_SYM, id < symbols.size() ? symbols[id] : container::kNone}};
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  AffineExpr left = binary.getLHS(), right = binary.getRHS();
  switch (expr.getKind()) {
  case AffineExprKind::Add: {
    // a + b * -1 is how affine expressions say a - b.
    auto product = dyn_cast<AffineBinaryOpExpr>(right);
    if (product && product.getKind() == AffineExprKind::Mul &&
        product.getRHS() == getAffineConstantExpr(-1, expr.getContext()))
      return join(lower(left), lower(product.getLHS()), LT_OP_SUB);
    return join(lower(left), lower(right), LT_OP_ADD);
  }
  case AffineExprKind::Mul:
    return join(lower(left), lower(right), LT_OP_MUL);
  case AffineExprKind::FloorDiv:
    return join(lower(left), lowerDivisor(right), LT_OP_FLOORDIV);
  case AffineExprKind::CeilDiv:
    return join(lower(left), lowerDivisor(right), LT_OP_CEILDIV);
  case AffineExprKind::Mod:
    return join(lower(left), lowerDivisor(right), LT_OP_MOD);
  default:
    llvm_unreachable("sizes have no dimensions");
  }
}

Expression ExpressionTable::lowerDivisor(AffineExpr expr) {
  if (isa<AffineConstantExpr>(expr))
    return lower(expr);
  // A divisor in an affine expression is a size. Where it is 0 nothing is computed.
  return join(lower(expr), {{LT_OP_CONST, 1}}, LT_OP_MAX);
}

uint32_t ExpressionTable::add(extent::Function size, AffineMap args) {
  Expression result;
  for (AffineExpr arg : args.getResults()) {
    Expression operand = shortened(lower(arg));
    result.insert(result.end(), operand.begin(), operand.end());
  }
  result.push_back({opcodeOf(size)});
  return intern(std::move(result));
}

uint32_t ExpressionTable::bytes(ArrayRef<AffineExpr> sizes, unsigned bits) {
  int64_t constant = bits % 8 == 0 ? bits / 8 : bits;
  Expression result;
  for (AffineExpr size : sizes) {
    if (auto value = dyn_cast<AffineConstantExpr>(size))
      constant *= value.getValue();
    else
      result = result.empty() ? lower(size) : join(std::move(result), lower(size), LT_OP_MUL);
  }
  if (result.empty() || constant == 0)
    return this->constant(bits % 8 == 0 ? constant : (constant + 7) / 8);
  if (constant != 1)
    result = join(std::move(result), {{LT_OP_CONST, constant}}, LT_OP_MUL);
  if (bits % 8 != 0)
    result = join(std::move(result), {{LT_OP_CONST, 8}}, LT_OP_CEILDIV);
  return intern(shortened(std::move(result)));
}

uint32_t ExpressionTable::symbolEquals(uint32_t symbol, AffineExpr expr) {
  return intern(join({{LT_OP_SYM, symbol}}, lower(expr), LT_OP_EQ));
}

} // namespace longtail::plan
