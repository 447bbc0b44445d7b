#include "compiler/Operators/Scalar.h"
#include "compiler/Operators/Elements.h"

using namespace mlir;

namespace longtail::operators {

Value Scalar::constant(Type type, double value) const {
  if (isa<FloatType>(type))
    return make<arith::ConstantOp>(scalarAttr(type, value));
  return integer(type, static_cast<int64_t>(value));
}

Value Scalar::integer(Type type, int64_t value) const {
  if (type.isIndex())
    return make<arith::ConstantOp>(b.getIndexAttr(value));
  unsigned width = cast<IntegerType>(type).getWidth();
  return make<arith::ConstantOp>(IntegerAttr::get(type, APInt(64, value).sextOrTrunc(width)));
}

Value Scalar::widen(Value value) const {
  if (value.getType().isF16() || value.getType().isBF16())
    return make<arith::ExtFOp>(b.getF32Type(), value);
  return value;
}

/// f64 to f32 for a further rounding: an inexact result gets an odd last bit, so that rounding
/// twice gives what rounding once would.
Value Scalar::narrowToF32(Value value) const {
  Type f32 = b.getF32Type(), i32 = b.getI32Type();
  Value rounded = make<arith::TruncFOp>(f32, value);
  Value back = make<arith::ExtFOp>(value.getType(), rounded);
  Value bits = make<arith::BitcastOp>(i32, rounded);
  Value inexact = cmpF(arith::CmpFPredicate::ONE, value, back);
  Value even =
      cmpI(arith::CmpIPredicate::eq, make<arith::AndIOp>(bits, integer(i32, 1)), integer(i32, 0));
  Value below = cmpF(arith::CmpFPredicate::OLT, absolute(back), absolute(value));
  Value odd = add(bits, select(below, integer(i32, 1), integer(i32, -1)));
  Value fixed = select(make<arith::AndIOp>(inexact, even), odd, bits);
  return make<arith::BitcastOp>(f32, fixed);
}

Value Scalar::narrow(Value value, Type type) const {
  if (value.getType() == type)
    return value;
  if (value.getType().isF64() && !type.isF32())
    value = narrowToF32(value);
  return make<arith::TruncFOp>(type, value);
}

Value Scalar::add(Value x, Value y) const {
  return isFloat(x.getType()) ? make<arith::AddFOp>(x, y) : make<arith::AddIOp>(x, y);
}
Value Scalar::sub(Value x, Value y) const {
  return isFloat(x.getType()) ? make<arith::SubFOp>(x, y) : make<arith::SubIOp>(x, y);
}
Value Scalar::mul(Value x, Value y) const {
  return isFloat(x.getType()) ? make<arith::MulFOp>(x, y) : make<arith::MulIOp>(x, y);
}
Value Scalar::maximum(Value x, Value y, bool isUnsigned) const {
  if (isFloat(x.getType()))
    return make<arith::MaximumFOp>(x, y);
  return isUnsigned ? make<arith::MaxUIOp>(x, y) : make<arith::MaxSIOp>(x, y);
}
Value Scalar::minimum(Value x, Value y, bool isUnsigned) const {
  if (isFloat(x.getType()))
    return make<arith::MinimumFOp>(x, y);
  return isUnsigned ? make<arith::MinUIOp>(x, y) : make<arith::MinSIOp>(x, y);
}
Value Scalar::negate(Value x) const {
  return isFloat(x.getType()) ? make<arith::NegFOp>(x) : sub(integer(x.getType(), 0), x);
}
Value Scalar::absolute(Value x) const {
  return isFloat(x.getType()) ? make<math::AbsFOp>(x) : maximum(x, negate(x));
}

/// Truncates towards zero. What the target's register type cannot hold becomes its nearest value
/// and NaN 0, where the instruction alone would be undefined; narrower integers keep the low bits.
Value Scalar::floatToInt(Value value, IntegerType to, bool isUnsigned) const {
  Type type = value.getType();
  bool isWide = to.getWidth() == 64 || (isUnsigned && to.getWidth() == 32);
  bool isUnsigned64 = isUnsigned && to.getWidth() == 64;
  IntegerType reg = b.getIntegerType(isWide ? 64 : 32);
  // The largest value of the floating-point type below the integer's bound.
  double high = isUnsigned64 ? 0x1p64 : isWide ? 0x1p63 : 0x1p31;
  double low = isUnsigned64 ? 0.0 : -high;
  high -= type.isF32() ? high * 0x1p-24 : isWide ? high * 0x1p-53 : 1.0;
  value = select(isNaN(value), like(value, 0), value);
  value = minimum(maximum(value, like(value, low)), like(value, high));
  Value integer =
      isUnsigned64 ? make<arith::FPToUIOp>(reg, value) : make<arith::FPToSIOp>(reg, value);
  return reg == to ? integer : make<arith::TruncIOp>(to, integer);
}

Value Scalar::convert(Value value, Type from, Type to, bool saturate, RoundMode mode) const {
  if (from == to)
    return value;
  if (isTinyFloat(from)) {
    value = decodeTinyFloat(*this, value);
    from = value.getType();
  } else if (from.isF16() || from.isBF16()) {
    value = widen(value);
    from = value.getType();
  }
  auto fromInt = dyn_cast<IntegerType>(from);
  auto toInt = dyn_cast<IntegerType>(to);
  bool fromUnsigned = from.isUnsignedInteger() || from.isInteger(1);
  if (to.isInteger(1)) {
    if (fromInt)
      return cmpI(arith::CmpIPredicate::ne, value, integer(value.getType(), 0));
    return cmpF(arith::CmpFPredicate::UNE, value, like(value, 0));
  }
  if (toInt) {
    auto target = b.getIntegerType(toInt.getWidth());
    if (!fromInt)
      return floatToInt(value, target, toInt.isUnsigned());
    if (fromInt.getWidth() == toInt.getWidth())
      return value;
    if (fromInt.getWidth() > toInt.getWidth())
      return make<arith::TruncIOp>(target, value);
    return fromUnsigned ? make<arith::ExtUIOp>(target, value) : make<arith::ExtSIOp>(target, value);
  }
  if (fromInt) {
    // Through a type that holds the integer exactly where there is one, then one rounding.
    if (fromInt.getWidth() < 32) {
      Type i32 = b.getI32Type();
      value = fromUnsigned ? make<arith::ExtUIOp>(i32, value) : make<arith::ExtSIOp>(i32, value);
    }
    bool isExact = fromInt.getWidth() < 32 || to.isF32();
    Type wide = isExact && !to.isF64() ? Type(b.getF32Type()) : Type(b.getF64Type());
    bool zeroExtended = fromUnsigned && fromInt.getWidth() < 32;
    value = fromUnsigned && !zeroExtended ? make<arith::UIToFPOp>(wide, value)
                                          : make<arith::SIToFPOp>(wide, value);
  }
  if (isTinyFloat(to)) {
    if (value.getType().isF64())
      value = narrowToF32(value);
    return encodeTinyFloat(*this, value, to, saturate, mode);
  }
  if (to.isF64())
    return value.getType().isF64() ? value : make<arith::ExtFOp>(to, value);
  return narrow(value, to);
}

} // namespace longtail::operators
