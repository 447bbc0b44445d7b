#include "compiler/Operators/ContentsArithmetic.h"
#include "compiler/Operators/SizeProduct.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using extent::Function;

/// Beyond this, constants in sums and products might overflow; sizes are far below.
constexpr int64_t kLargest = int64_t(1) << 48;
/// Denominators stay small, so that floating-point arithmetic agrees with the exact quotient.
constexpr int64_t kLargestDenominator = 1 << 12;

std::optional<int64_t> constantOf(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue();
  return std::nullopt;
}

bool isModest(const Fraction &value) {
  std::optional<int64_t> constant = constantOf(value.numerator);
  return !constant || (*constant < kLargest && *constant > -kLargest);
}

class Arithmetic {
public:
  explicit Arithmetic(InferContext &context) : context(context), symbols(context.getSymbols()) {}

  std::optional<Fraction> evaluate(StringRef op, ArrayRef<Fraction> args) const;
  std::optional<Fraction> binary(StringRef op, const Fraction &a, const Fraction &b) const;

private:
  std::optional<Fraction> unary(StringRef op, const Fraction &a) const;
  std::optional<Fraction> divide(const Fraction &a, const Fraction &b) const;
  std::optional<Fraction> cast(const Fraction &a) const;
  std::optional<Fraction> truth(AffineExpr expr) const { return Fraction{expr, 1}; }
  std::optional<Fraction> compare(Function function, const Fraction &a, const Fraction &b) const {
    return truth(symbols.derive(function, {scaled(a, b.denominator), scaled(b, a.denominator)}));
  }
  AffineExpr scaled(const Fraction &value, int64_t by) const {
    return simplifyAffineExpr(value.numerator * by, 0, symbols.size());
  }
  AffineExpr constant(int64_t value) const { return context.constantExpr(value); }
  /// A quotient in lowest terms, where it is exact enough.
  std::optional<Fraction> reduced(AffineExpr numerator, int64_t denominator) const;
  bool isAtLeast(AffineExpr expr, int64_t bound) const {
    return symbols.isProvably(Function::LessEqual, constant(bound), expr);
  }

  InferContext &context;
  extent::SymbolTable &symbols;
};

std::optional<Fraction> Arithmetic::reduced(AffineExpr numerator, int64_t denominator) const {
  numerator = simplifyAffineExpr(numerator, 0, symbols.size());
  if (denominator > 1 && numerator.isMultipleOf(denominator))
    return Fraction{simplifyAffineExpr(numerator.floorDiv(denominator), 0, symbols.size()), 1};
  if (denominator > kLargestDenominator)
    return std::nullopt;
  return Fraction{numerator, denominator};
}

std::optional<Fraction> Arithmetic::divide(const Fraction &a, const Fraction &b) const {
  std::optional<int64_t> by = constantOf(b.numerator);
  bool isFloatingPoint = isFloat(context.elementType(0));
  if (by && *by < 0) // a / b is -a / -b
    return divide({-a.numerator, a.denominator}, {constant(-*by), b.denominator});
  if (isFloatingPoint) {
    if (by && *by > 0)
      return reduced(a.numerator * b.denominator, a.denominator * *by);
    if (a.numerator == b.numerator && isAtLeast(a.numerator, 1))
      return reduced(constant(b.denominator), a.denominator);
    return std::nullopt;
  }
  std::optional<int64_t> from = constantOf(a.numerator);
  if (from && by && *by > 0)
    return truth(constant(*from / *by));
  // Truncation is rounding down where neither is negative.
  if (!isAtLeast(a.numerator, 0) || !isAtLeast(b.numerator, 1))
    return std::nullopt;
  SizeProduct product(context.getContext(), a.numerator),
      divisor(context.getContext(), b.numerator);
  if (std::optional<SizeProduct> quotient = product.dividedBy(divisor))
    return truth(quotient->expr());
  return truth(symbols.derive(Function::FloorDiv, {a.numerator, b.numerator}));
}

std::optional<Fraction> Arithmetic::cast(const Fraction &a) const {
  Type to =
      cast_or_null<RankedTensorType>(context.getNode()->getResult(0).getType()).getElementType();
  if (to.isInteger(1))
    return truth(symbols.derive(
        Function::Select,
        {symbols.derive(Function::Equal, {a.numerator, constant(0)}), constant(0), constant(1)}));
  if (isFloat(to))
    return to.isF32() || to.isF64() ? std::optional(a) : std::nullopt;
  if (to.getIntOrFloatBitWidth() < 32) // may not hold a size
    return std::nullopt;
  if (a.denominator == 1)
    return a;
  if (!isAtLeast(a.numerator, 0))
    return std::nullopt;
  return truth(a.numerator.floorDiv(a.denominator));
}

std::optional<Fraction> Arithmetic::unary(StringRef op, const Fraction &a) const {
  if (op == "Neg")
    return Fraction{-a.numerator, a.denominator};
  if (op == "Cast" || op == "CastLike")
    return cast(a);
  if (op == "Not")
    return truth(symbols.derive(Function::Equal, {a.numerator, constant(0)}));
  if (op == "Floor")
    return truth(a.numerator.floorDiv(a.denominator));
  if (op == "Ceil")
    return truth(a.numerator.ceilDiv(a.denominator));
  if (op == "Round" && a.denominator == 1)
    return a;
  if (op == "Abs" && isAtLeast(a.numerator, 0))
    return a;
  if (op == "Relu")
    return Fraction{symbols.max(a.numerator, constant(0)), a.denominator};
  return std::nullopt;
}

std::optional<Fraction> Arithmetic::binary(StringRef op, const Fraction &a,
                                           const Fraction &b) const {
  if (op == "Equal")
    return compare(Function::Equal, a, b);
  if (op == "Less")
    return compare(Function::Less, a, b);
  if (op == "Greater")
    return compare(Function::Less, b, a);
  if (op == "LessOrEqual")
    return compare(Function::LessEqual, a, b);
  if (op == "GreaterOrEqual")
    return compare(Function::LessEqual, b, a);
  if (op == "And")
    return truth(symbols.derive(Function::And, {a.numerator, b.numerator}));
  if (op == "Or")
    return truth(symbols.derive(Function::Or, {a.numerator, b.numerator}));
  if (!isModest(a) || !isModest(b))
    return std::nullopt;
  AffineExpr left = scaled(a, b.denominator), right = scaled(b, a.denominator);
  int64_t denominator = a.denominator * b.denominator;
  if (op == "Add" || op == "Sum")
    return reduced(left + right, denominator);
  if (op == "Sub")
    return reduced(left - right, denominator);
  if (op == "Max" || op == "Min")
    return reduced(symbols.derive(op == "Max" ? Function::Max : Function::Min, {left, right}),
                   denominator);
  if (op == "Mul") {
    SizeProduct product(context.getContext(), {a.numerator, b.numerator});
    return reduced(product.expr(), denominator);
  }
  if (op == "Div")
    return divide(a, b);
  if (op == "Mod" && denominator == 1) {
    std::optional<int64_t> from = constantOf(a.numerator), by = constantOf(b.numerator);
    // With a divisor above 0, both kinds of remainder agree where the dividend is not negative.
    bool agrees = context.getInt("fmod", 0) == 0 || isAtLeast(a.numerator, 0);
    if (!agrees || !isAtLeast(b.numerator, 1))
      return std::nullopt;
    if (from && by)
      return truth(constant(((*from % *by) + *by) % *by));
    return truth(symbols.derive(Function::Mod, {a.numerator, b.numerator}));
  }
  return std::nullopt;
}

std::optional<Fraction> Arithmetic::evaluate(StringRef op, ArrayRef<Fraction> args) const {
  if (op == "Where" && args.size() == 3) {
    if (args[1].denominator != args[2].denominator)
      return std::nullopt;
    return Fraction{
        symbols.derive(Function::Select, {args[0].numerator, args[1].numerator, args[2].numerator}),
        args[1].denominator};
  }
  if (args.size() == 1 && op != "Max" && op != "Min" && op != "Sum")
    return unary(op, args[0]);
  bool isVariadic = op == "Max" || op == "Min" || op == "Sum";
  if (args.size() != 2 && !isVariadic)
    return std::nullopt;
  std::optional<Fraction> result = args[0];
  for (const Fraction &next : args.drop_front()) {
    result = binary(op, *result, next);
    if (!result)
      return std::nullopt;
  }
  return result;
}

} // namespace

std::optional<Fraction> evaluateElement(InferContext &context, ArrayRef<Fraction> args) {
  return Arithmetic(context).evaluate(context.getNode().getOpType(), args);
}

std::optional<Fraction> combineElements(InferContext &context, StringRef op, const Fraction &a,
                                        const Fraction &b) {
  StringRef name = op == "ReduceSum"    ? "Add"
                   : op == "ReduceProd" ? "Mul"
                   : op == "ReduceMax"  ? "Max"
                   : op == "ReduceMin"  ? "Min"
                                        : "";
  if (name.empty())
    return std::nullopt;
  return Arithmetic(context).binary(name, a, b);
}

} // namespace longtail::operators
