#include "dialects/Extent/IR/SymbolTable.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace longtail::extent {

/// The range of `function` of arguments in these ranges.
static Interval rangeOf(Function function, ArrayRef<Interval> args) {
  Interval a = args[0], b = args[1], result;
  switch (function) {
  case Function::Max:
    result.low = a.low && b.low ? std::optional(std::max(*a.low, *b.low)) : (a.low ? a.low : b.low);
    if (a.high && b.high)
      result.high = std::max(*a.high, *b.high);
    return result;
  case Function::Min:
    result.high =
        a.high && b.high ? std::optional(std::min(*a.high, *b.high)) : (a.high ? a.high : b.high);
    if (a.low && b.low)
      result.low = std::min(*a.low, *b.low);
    return result;
  case Function::Select:
    if (b.low && args[2].low)
      result.low = std::min(*b.low, *args[2].low);
    if (b.high && args[2].high)
      result.high = std::max(*b.high, *args[2].high);
    return result;
  case Function::FloorDiv:
  case Function::Mod:
    if (a.low && b.low && *a.low >= 0 && *b.low >= 0)
      result.low = 0;
    return result;
  default:
    return {0, 1};
  }
}

SymbolTable::SymbolTable(FunctionOpInterface function)
    : context(function.getContext()), function(function) {
  function.walk([&](Operation *op) {
    if (auto symbol = dyn_cast<SymbolOp>(op)) {
      ranges.push_back({symbol.getMin(), symbol.getMax()});
    } else if (auto bind = dyn_cast<BindOp>(op)) {
      bound[{bind.getSource(), bind.getIndex()}] = getAffineSymbolExpr(bind.getId(), context);
      ranges.push_back({bind.getMin(), bind.getMax()});
    } else if (auto measure = dyn_cast<MeasureOp>(op)) {
      ranges.push_back({measure.getMin(), measure.getMax()});
    } else if (auto define = dyn_cast<DerivedOp>(op)) {
      auto key =
          std::pair(static_cast<unsigned>(define.getFunction()), Attribute(define.getArgsAttr()));
      derived[key] = getAffineSymbolExpr(define.getId(), context);
      ranges.push_back(rangeOf(define.getFunction(), rangesOf(define.getArgs().getResults())));
    } else {
      return;
    }
    last = op;
  });
}

SmallVector<Interval> SymbolTable::rangesOf(ArrayRef<AffineExpr> exprs) const {
  return llvm::map_to_vector(exprs, [&](AffineExpr expr) { return range(expr); });
}

OpBuilder SymbolTable::atEndOfDeclarations() {
  OpBuilder builder(context);
  if (last)
    builder.setInsertionPointAfter(last);
  else
    builder.setInsertionPointToStart(&function.getFunctionBody().front());
  return builder;
}

AffineExpr SymbolTable::declare(Interval range) {
  ranges.push_back(range);
  return getAffineSymbolExpr(ranges.size() - 1, context);
}

AffineExpr SymbolTable::declareInput(StringRef name, unsigned input, unsigned dim, int64_t min) {
  OpBuilder builder = atEndOfDeclarations();
  int64_t max = std::numeric_limits<int32_t>::max();
  last = SymbolOp::create(builder, function.getLoc(), ranges.size(), name, input, dim, min, max);
  return declare({min, max});
}

AffineExpr SymbolTable::bind(OpBuilder &builder, Location loc, Value source, int64_t index,
                             int64_t min, int64_t max) {
  AffineExpr &symbol = bound[{source, index}];
  if (!symbol) {
    last = BindOp::create(builder, loc, source, ranges.size(), index, min, max);
    symbol = declare({min, max});
  }
  return symbol;
}

void SymbolTable::measure(OpBuilder &builder, Value source, int64_t dim, AffineExpr symbol) {
  last = MeasureOp::create(builder, source.getLoc(), source,
                           cast<AffineSymbolExpr>(symbol).getPosition(), dim, 0,
                           std::numeric_limits<int32_t>::max());
}

AffineExpr SymbolTable::declareMeasured() {
  return declare({0, std::numeric_limits<int32_t>::max()});
}

Interval SymbolTable::range(AffineExpr expr) const {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return {constant.getValue(), constant.getValue()};
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbol.getPosition() < ranges.size() ? ranges[symbol.getPosition()] : Interval{};
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return {};
  Interval a = range(binary.getLHS()), b = range(binary.getRHS()), result;
  auto checked = [](auto operation, std::optional<int64_t> x, std::optional<int64_t> y) {
    std::optional<int64_t> value;
    int64_t out;
    if (x && y && !operation(*x, *y, out))
      value = out;
    return value;
  };
  auto add = [](int64_t x, int64_t y, int64_t &out) { return llvm::AddOverflow(x, y, out); };
  auto mul = [](int64_t x, int64_t y, int64_t &out) { return llvm::MulOverflow(x, y, out); };
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return {checked(add, a.low, b.low), checked(add, a.high, b.high)};
  case AffineExprKind::Mul: {
    if (b.low && b.high && *b.low == *b.high) {
      result = {checked(mul, a.low, b.low), checked(mul, a.high, b.low)};
      if (*b.low < 0)
        std::swap(result.low, result.high);
      return result;
    }
    if (a.low && b.low && *a.low >= 0 && *b.low >= 0)
      return {checked(mul, a.low, b.low), checked(mul, a.high, b.high)};
    return {};
  }
  case AffineExprKind::FloorDiv:
  case AffineExprKind::CeilDiv: {
    bool up = expr.getKind() == AffineExprKind::CeilDiv;
    auto divide = [&](int64_t x, int64_t y) {
      return up ? llvm::divideCeilSigned(x, y) : llvm::divideFloorSigned(x, y);
    };
    if (b.low && b.high && *b.low == *b.high && *b.low > 0) {
      if (a.low)
        result.low = divide(*a.low, *b.low);
      if (a.high)
        result.high = divide(*a.high, *b.low);
    } else if (a.low && *a.low >= 0 && b.low && *b.low > 0) {
      result = {0, a.high};
    }
    return result;
  }
  case AffineExprKind::Mod:
    result.low = 0;
    if (b.high)
      result.high = *b.high - 1;
    return result;
  default:
    return {};
  }
}

bool SymbolTable::isProvably(Function comparison, AffineExpr a, AffineExpr b) const {
  Interval difference = range(simplifyAffineExpr(a - b, 0, ranges.size()));
  switch (comparison) {
  case Function::Equal:
    return difference.low == 0 && difference.high == 0;
  case Function::Less:
    return difference.high && *difference.high < 0;
  case Function::LessEqual:
    return difference.high && *difference.high <= 0;
  default:
    return false;
  }
}

AffineExpr SymbolTable::derive(Function kind, ArrayRef<AffineExpr> args) {
  auto truth = [&](bool value) { return constant(value); };
  auto constantOf = [](AffineExpr e) -> std::optional<int64_t> {
    if (auto value = dyn_cast<AffineConstantExpr>(e))
      return value.getValue();
    return std::nullopt;
  };
  AffineExpr a = args[0], b = args[1];
  std::optional<int64_t> ca = constantOf(a), cb = constantOf(b);
  switch (kind) {
  case Function::Max:
    if (isProvably(Function::LessEqual, a, b))
      return b;
    if (isProvably(Function::LessEqual, b, a))
      return a;
    break;
  case Function::Min:
    if (isProvably(Function::LessEqual, a, b))
      return a;
    if (isProvably(Function::LessEqual, b, a))
      return b;
    break;
  case Function::Equal:
    if (isProvably(Function::Equal, a, b))
      return truth(true);
    if (isProvably(Function::Less, a, b) || isProvably(Function::Less, b, a))
      return truth(false);
    break;
  case Function::Less:
  case Function::LessEqual: {
    if (isProvably(kind, a, b))
      return truth(true);
    Function opposite = kind == Function::Less ? Function::LessEqual : Function::Less;
    if (isProvably(opposite, b, a))
      return truth(false);
    break;
  }
  case Function::Select: {
    if (ca)
      return *ca ? b : args[2];
    if (b == args[2])
      return b;
    break;
  }
  case Function::And:
  case Function::Or:
    if (ca)
      return (*ca != 0) == (kind == Function::And) ? b : truth(kind == Function::Or);
    if (cb)
      return (*cb != 0) == (kind == Function::And) ? a : truth(kind == Function::Or);
    break;
  case Function::FloorDiv:
  case Function::Mod:
    if (cb && *cb > 0)
      return kind == Function::Mod ? a % *cb : a.floorDiv(*cb);
    break;
  }
  AffineMap map = sizesMap(context, args);
  AffineExpr &symbol = derived[{static_cast<unsigned>(kind), AffineMapAttr::get(map)}];
  if (!symbol) {
    OpBuilder builder = atEndOfDeclarations();
    last = DerivedOp::create(builder, function.getLoc(), ranges.size(), kind, map);
    symbol = declare(rangeOf(kind, rangesOf(args)));
  }
  return symbol;
}

AffineExpr SymbolTable::floorDiv(AffineExpr a, AffineExpr b) {
  if (a == b)
    return constant(1);
  if (isa<AffineConstantExpr>(b))
    return derive(Function::FloorDiv, {a, b});
  return simplifyAffineExpr(a.floorDiv(b), 0, ranges.size());
}

AffineExpr SymbolTable::ceilDiv(AffineExpr a, AffineExpr b) {
  return simplifyAffineExpr(a.ceilDiv(b), 0, ranges.size());
}

void SymbolTable::check(Function comparison, AffineExpr a, AffineExpr b, StringRef message) {
  OpBuilder builder = atEndOfDeclarations();
  CheckOp::create(builder, function.getLoc(), comparison, sizesMap(context, {a, b}), message);
}

LogicalResult SymbolTable::requireEqual(AffineExpr a, AffineExpr b, StringRef message) {
  if (a == b || isProvably(Function::Equal, a, b))
    return success();
  if (isProvably(Function::Less, a, b) || isProvably(Function::Less, b, a))
    return failure();
  check(Function::Equal, a, b, message);
  return success();
}

LogicalResult SymbolTable::requireAtMost(AffineExpr a, AffineExpr b, StringRef message) {
  if (isProvably(Function::LessEqual, a, b))
    return success();
  if (isProvably(Function::Less, b, a))
    return failure();
  check(Function::LessEqual, a, b, message);
  return success();
}

} // namespace longtail::extent
