// Pointwise arithmetic of two and more operands.
#include "compiler/Operators/Elementwise.h"
#include <cmath>

using namespace mlir;

namespace longtail::operators {
namespace {

bool isIntOrFloat(Type type) {
  return isNumber(type) && (isa<IntegerType>(type) || isComputeFloat(type));
}
bool isInt(Type type) { return isa<IntegerType>(type) && !type.isInteger(1); }

//===-- division and remainder ----------------------------------------------------------------===//

/// `y`, or 1 where dividing by it would trap: 0, and -1 for signed integers.
Value safeDivisor(const Scalar &s, Value y, bool isUnsigned) {
  Type type = y.getType();
  Value traps = s.cmpI(arith::CmpIPredicate::eq, y, s.integer(type, 0));
  if (!isUnsigned)
    traps = s.make<arith::OrIOp>(traps, s.cmpI(arith::CmpIPredicate::eq, y, s.integer(type, -1)));
  return s.select(traps, s.integer(type, 1), y);
}

/// Truncated quotient; 0 where the divisor is 0.
Value divide(const Scalar &s, Value x, Value y, Type type) {
  if (isFloat(x.getType()))
    return s.divF(x, y);
  bool isUnsigned = type.isUnsignedInteger();
  Value divisor = safeDivisor(s, y, isUnsigned);
  Value quotient =
      isUnsigned ? s.make<arith::DivUIOp>(x, divisor) : s.make<arith::DivSIOp>(x, divisor);
  if (!isUnsigned)
    quotient = s.select(s.cmpI(arith::CmpIPredicate::eq, y, s.integer(y.getType(), -1)),
                        s.negate(x), quotient);
  Value zero = s.integer(y.getType(), 0);
  return s.select(s.cmpI(arith::CmpIPredicate::eq, y, zero), zero, quotient);
}

/// The remainder of truncated division of floating-point numbers, exact for quotients below 2^53.
Value remainder(const Scalar &s, Value x, Value y) {
  Type type = x.getType(), f64 = s.builder().getF64Type();
  auto wide = [&](Value v) { return type.isF64() ? v : s.make<arith::ExtFOp>(f64, v); };
  Value ax = s.absolute(wide(x)), ay = s.absolute(wide(y));
  Value quotient = s.make<math::FloorOp>(s.divF(ax, ay));
  Value rest = s.make<math::FmaOp>(s.negate(quotient), ay, ax);
  // The rounded quotient may be one too large or too small.
  rest = s.select(s.cmpF(arith::CmpFPredicate::OLT, rest, s.like(rest, 0)), s.add(rest, ay), rest);
  rest = s.select(s.cmpF(arith::CmpFPredicate::OGE, rest, ay), s.sub(rest, ay), rest);
  Value isInfinite = s.cmpF(arith::CmpFPredicate::OEQ, ay, s.like(ay, INFINITY));
  Value isFinite = s.cmpF(arith::CmpFPredicate::OLT, ax, s.like(ax, INFINITY));
  rest = s.select(s.make<arith::AndIOp>(isInfinite, isFinite), ax, rest);
  rest = type.isF64() ? rest : s.make<arith::TruncFOp>(type, rest);
  return s.select(s.cmpF(arith::CmpFPredicate::OLT, x, s.like(x, 0)), s.negate(rest), rest);
}

Value modulo(const Scalar &s, Value x, Value y, Type type, bool truncated) {
  if (isFloat(x.getType())) {
    Value rest = remainder(s, x, y);
    if (truncated)
      return rest;
    Value zero = s.like(x, 0);
    Value restNegative = s.cmpF(arith::CmpFPredicate::OLT, rest, zero);
    Value divisorNegative = s.cmpF(arith::CmpFPredicate::OLT, y, zero);
    Value differs = s.make<arith::AndIOp>(s.cmpF(arith::CmpFPredicate::ONE, rest, zero),
                                          s.make<arith::XOrIOp>(restNegative, divisorNegative));
    // A zero takes the divisor's sign as well.
    Value signedZero = s.select(divisorNegative, s.like(x, -0.0), zero);
    Value isZero = s.cmpF(arith::CmpFPredicate::OEQ, rest, zero);
    return s.select(isZero, signedZero, s.select(differs, s.add(rest, y), rest));
  }
  bool isUnsigned = type.isUnsignedInteger();
  Value divisor = safeDivisor(s, y, isUnsigned);
  if (isUnsigned)
    return s.make<arith::RemUIOp>(x, divisor);
  Value rest = s.make<arith::RemSIOp>(x, divisor);
  if (truncated)
    return rest;
  Value zero = s.integer(x.getType(), 0);
  Value differs = s.make<arith::AndIOp>(
      s.cmpI(arith::CmpIPredicate::ne, rest, zero),
      s.cmpI(arith::CmpIPredicate::slt, s.make<arith::XOrIOp>(rest, divisor), zero));
  return s.select(differs, s.add(rest, divisor), rest);
}

//===-- power ---------------------------------------------------------------------------------===//

/// An integer to an integer power by squaring. Results that overflow keep the low bits.
Value integerPower(const Scalar &s, Value base, Value exponent, bool isUnsignedExponent) {
  OpBuilder &b = s.builder();
  Type type = base.getType(), i64 = b.getI64Type();
  Value e = exponent;
  if (e.getType() != i64)
    e = isUnsignedExponent ? s.make<arith::ExtUIOp>(i64, e) : s.make<arith::ExtSIOp>(i64, e);
  Value zero = s.integer(i64, 0), one = s.integer(type, 1);
  Value lowBit = s.make<arith::AndIOp>(e, s.integer(i64, 1));
  // Beyond 63 only -1, 0 and 1 have powers that fit, and their period is 2.
  Value isLarge = s.cmpI(arith::CmpIPredicate::ugt, e, s.integer(i64, 63));
  Value bits = s.select(isLarge, s.add(lowBit, s.integer(i64, 62)), e);
  Value result = one, square = base;
  for (int bit = 0; bit < 6; ++bit) {
    Value isSet = s.cmpI(arith::CmpIPredicate::ne,
                         s.make<arith::AndIOp>(bits, s.integer(i64, int64_t(1) << bit)), zero);
    result = s.select(isSet, s.mul(result, square), result);
    if (bit < 5)
      square = s.mul(square, square);
  }
  if (isUnsignedExponent)
    return result;
  // A negative power of anything but -1 and 1 truncates to 0.
  Value isUnit = s.make<arith::OrIOp>(s.cmpI(arith::CmpIPredicate::eq, base, one),
                                      s.cmpI(arith::CmpIPredicate::eq, base, s.integer(type, -1)));
  Value isOdd = s.cmpI(arith::CmpIPredicate::ne, lowBit, zero);
  Value unit = s.select(isUnit, s.select(isOdd, base, one), s.integer(type, 0));
  return s.select(s.cmpI(arith::CmpIPredicate::slt, e, zero), unit, result);
}

/// The power of floating-point numbers; exponents that are constants of everyday use are products.
Value floatPower(const Scalar &s, Value base, Value exponent, std::optional<double> known) {
  if (known == 1.0)
    return base;
  if (known == 2.0)
    return s.mul(base, base);
  if (known == 3.0)
    return s.mul(s.mul(base, base), base);
  if (known == -1.0)
    return s.divF(s.like(base, 1), base);
  return s.make<math::PowFOp>(base, exponent);
}

LogicalResult inferPow(InferContext &context) {
  for (unsigned i : {0u, 1u})
    if (!isIntOrFloat(context.elementType(i)))
      return context.error() << "input " << i << " must hold numbers";
  return inferBroadcast(context, context.elementType(0));
}

LogicalResult expandPow(ExpandContext &context) {
  Type baseType = context.elementType(0), exponentType = context.elementType(1);
  std::optional<double> known;
  if (auto numbers = context.constantNumbers(1); numbers && numbers->size() == 1)
    known = numbers->front();
  return expandPointwise(context, [&](const Scalar &s, ValueRange x, Type) {
    if (isInt(baseType) && isInt(exponentType))
      return integerPower(s, x[0], x[1], exponentType.isUnsignedInteger());
    Type f64 = s.builder().getF64Type();
    if (isInt(baseType)) {
      // Computed in f64; a result next to an integer is that integer.
      Value power = floatPower(s, s.convert(x[0], baseType, f64),
                               s.convert(x[1], x[1].getType(), f64), known);
      Value nearest = s.make<math::RoundEvenOp>(power);
      Value gap = s.absolute(s.sub(power, nearest));
      Value slack = s.mul(s.absolute(nearest), s.like(nearest, 1e-12));
      Value value = s.select(s.cmpF(arith::CmpFPredicate::OLE, gap, slack), nearest, power);
      return s.convert(value, f64, baseType);
    }
    Type type = x[0].getType();
    Value exponent = s.convert(x[1], isInt(exponentType) ? exponentType : x[1].getType(), type);
    return floatPower(s, x[0], exponent, known);
  });
}

//===-- operators of two operands -------------------------------------------------------------===//

LogicalResult inferArithmetic(InferContext &context) {
  if (failed(requireTypes(context, isIntOrFloat, "numbers")))
    return failure();
  if (context.getNode().getOpType() == "Mean" && !isFloat(context.elementType(0)))
    return context.error() << "elements are " << context.elementType(0)
                           << ", expected a floating-point type";
  return inferBroadcast(context, context.elementType(0));
}

template <Value (Scalar::*Member)(Value, Value) const>
LogicalResult expandBinary(ExpandContext &context) {
  return expandPointwise(
      context, [](const Scalar &s, ValueRange x, Type) { return (s.*Member)(x[0], x[1]); });
}

LogicalResult expandDiv(ExpandContext &context) {
  return expandPointwise(context, [](const Scalar &s, ValueRange x, Type type) {
    return divide(s, x[0], x[1], type);
  });
}

LogicalResult expandMod(ExpandContext &context) {
  bool truncated = context.getInt("fmod", 0) != 0;
  return expandPointwise(context, [&](const Scalar &s, ValueRange x, Type type) {
    return modulo(s, x[0], x[1], type, truncated);
  });
}

//===-- operators of any number of operands ---------------------------------------------------===//

LogicalResult expandVariadic(ExpandContext &context) {
  StringRef name = context.getNode().getOpType();
  return expandPointwise(context, [&](const Scalar &s, ValueRange x, Type type) {
    Value result = x.front();
    for (Value value : x.drop_front())
      result = name == "Max"   ? s.maximum(result, value, type.isUnsignedInteger())
               : name == "Min" ? s.minimum(result, value, type.isUnsignedInteger())
                               : s.add(result, value);
    if (name == "Mean")
      result = s.divF(result, s.like(result, x.size()));
    return result;
  });
}

//===-- bits ----------------------------------------------------------------------------------===//

LogicalResult inferBits(InferContext &context) {
  bool isLogical = !context.getNode().getOpType().starts_with("Bit");
  auto isBool = [](Type type) { return type.isInteger(1); };
  if (failed(requireTypes(context, isLogical ? +isBool : isInt, isLogical ? "bool" : "an integer")))
    return failure();
  StringRef direction = context.getString("direction", "");
  if (context.getNode().getOpType() == "BitShift" && direction != "LEFT" && direction != "RIGHT")
    return context.error() << "attribute 'direction' is '" << direction
                           << "', expected 'LEFT' or 'RIGHT'";
  return inferBroadcast(context, context.elementType(0));
}

LogicalResult expandBits(ExpandContext &context) {
  StringRef name = context.getNode().getOpType();
  return expandPointwise(context, [&](const Scalar &s, ValueRange x, Type) {
    if (name.ends_with("And"))
      return s.make<arith::AndIOp>(x[0], x[1]);
    if (name.ends_with("Xor"))
      return s.make<arith::XOrIOp>(x[0], x[1]);
    return s.make<arith::OrIOp>(x[0], x[1]);
  });
}

/// Shifts by the width and more, which the instruction leaves open, shift everything out.
LogicalResult expandBitShift(ExpandContext &context) {
  bool left = context.getString("direction", "") == "LEFT";
  return expandPointwise(context, [&](const Scalar &s, ValueRange x, Type elementType) {
    Type type = x[0].getType();
    unsigned width = type.getIntOrFloatBitWidth();
    bool isArithmetic = !left && !elementType.isUnsignedInteger();
    Value last = s.integer(type, width - 1);
    Value fits = s.cmpI(arith::CmpIPredicate::ule, x[1], last);
    Value amount = s.select(fits, x[1], last);
    if (isArithmetic)
      return s.make<arith::ShRSIOp>(x[0], amount);
    Value shifted =
        left ? s.make<arith::ShLIOp>(x[0], amount) : s.make<arith::ShRUIOp>(x[0], amount);
    return s.select(fits, shifted, s.integer(type, 0));
  });
}

} // namespace

void registerArithmetic(Registry &registry) {
  registry.add({"", "Add", 1, inferArithmetic, expandBinary<&Scalar::add>, 2});
  registry.add({"", "Sub", 1, inferArithmetic, expandBinary<&Scalar::sub>, 2});
  registry.add({"", "Mul", 1, inferArithmetic, expandBinary<&Scalar::mul>, 2});
  registry.add({"", "Div", 1, inferArithmetic, expandDiv, 2});
  registry.add({"", "Mod", 10, inferArithmetic, expandMod, 2});
  registry.add({"", "Pow", 1, inferPow, expandPow, 2});
  for (const char *name : {"Max", "Min", "Sum", "Mean"})
    registry.add({"", name, 1, inferArithmetic, expandVariadic});
  for (const char *name : {"And", "Or", "Xor"})
    registry.add({"", name, 1, inferBits, expandBits, 2});
  for (const char *name : {"BitwiseAnd", "BitwiseOr", "BitwiseXor"})
    registry.add({"", name, 18, inferBits, expandBits, 2});
  registry.add({"", "BitShift", 11, inferBits, expandBitShift, 2});
}

} // namespace longtail::operators
