// Conversions of floating-point types of 8 and 4 bits by integer arithmetic on their bits.
#include "compiler/Operators/Elements.h"
#include "compiler/Operators/Scalar.h"
#include <cmath>

using namespace mlir;

namespace longtail::operators {
namespace {

/// How a type spends its bits below the sign.
struct Format {
  int exponentBits, mantissaBits, bias;
  uint32_t largest;   // bits of the largest finite number
  bool hasInfinity;   // all exponent bits set, mantissa 0
  int64_t nan;        // bits of NaN with a sign bit of its own, or -1
  bool isUnsignedNaN; // one NaN in the place of minus zero (then `nan` holds all bits)
};

} // namespace

static Format formatOf(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return {4, 3, 7, 0x7e, false, 0x7f, false};
  if (isa<Float8E4M3FNUZType>(type))
    return {4, 3, 8, 0x7f, false, 0x80, true};
  if (isa<Float8E5M2Type>(type))
    return {5, 2, 15, 0x7b, true, 0x7e, false};
  if (isa<Float8E5M2FNUZType>(type))
    return {5, 2, 16, 0x7f, false, 0x80, true};
  return {2, 1, 1, 0x7, false, -1, false}; // Float4E2M1FN
}

bool isTinyFloat(Type type) {
  return isa<Float8E4M3FNType, Float8E4M3FNUZType, Float8E5M2Type, Float8E5M2FNUZType,
             Float8E8M0FNUType, Float4E2M1FNType>(type);
}

static Value bitsOf(const Scalar &s, Value value) {
  OpBuilder &b = s.builder();
  unsigned width = value.getType().getIntOrFloatBitWidth();
  Value bits = s.make<arith::BitcastOp>(b.getIntegerType(width), value);
  return s.make<arith::ExtUIOp>(b.getI32Type(), bits);
}

static Value fromBits(const Scalar &s, Value bits, Type type) {
  Type narrow = s.builder().getIntegerType(type.getIntOrFloatBitWidth());
  return s.make<arith::BitcastOp>(type, s.make<arith::TruncIOp>(narrow, bits));
}

/// The type without sign and mantissa: 2^(bits - 127), or NaN for 255.
static Value decodeExponent(const Scalar &s, Value bits) {
  Type i32 = bits.getType(), f32 = s.builder().getF32Type();
  auto int32 = [&](int64_t value) { return s.integer(i32, value); };
  Value normal = s.make<arith::ShLIOp>(bits, int32(23));
  Value isZero = s.cmpI(arith::CmpIPredicate::eq, bits, int32(0));
  Value isNaN = s.cmpI(arith::CmpIPredicate::eq, bits, int32(255));
  Value result = s.select(isZero, int32(0x00400000), normal); // 2^-127 is subnormal
  return s.make<arith::BitcastOp>(f32, s.select(isNaN, int32(0x7fc00000), result));
}

static Value encodeExponent(const Scalar &s, Value value, Type to, bool saturate, RoundMode mode) {
  Type i32 = s.builder().getI32Type();
  auto int32 = [&](int64_t number) { return s.integer(i32, number); };
  Value bits = s.make<arith::BitcastOp>(i32, value);
  Value exponent = s.make<arith::AndIOp>(s.make<arith::ShRUIOp>(bits, int32(23)), int32(255));
  Value mantissa = s.make<arith::AndIOp>(bits, int32(0x7fffff));
  Value isSpecial = s.cmpI(arith::CmpIPredicate::eq, exponent, int32(255));
  Value result = exponent;
  if (mode != RoundMode::Down) {
    Value up =
        s.cmpI(arith::CmpIPredicate::ugt, mantissa, int32(mode == RoundMode::Up ? 0 : 0x3fffff));
    if (mode == RoundMode::Nearest) // a tie goes up, except below the smallest normal number
      up = s.make<arith::AndIOp>(
          up, s.make<arith::OrIOp>(s.cmpI(arith::CmpIPredicate::ne, exponent, int32(0)),
                                   s.cmpI(arith::CmpIPredicate::ne, mantissa, int32(0x400000))));
    result = s.add(exponent, s.make<arith::ExtUIOp>(i32, up));
    if (saturate)
      result = s.make<arith::MinUIOp>(result, int32(254));
  }
  if (saturate) {
    // Infinity is above every number.
    Value isInfinite =
        s.make<arith::AndIOp>(isSpecial, s.cmpI(arith::CmpIPredicate::eq, mantissa, int32(0)));
    result = s.select(isSpecial, int32(255), result);
    result = s.select(isInfinite, int32(254), result);
  } else {
    result = s.select(isSpecial, int32(255), result);
  }
  return fromBits(s, result, to);
}

Value decodeTinyFloat(const Scalar &s, Value value) {
  Value bits = bitsOf(s, value);
  if (isa<Float8E8M0FNUType>(value.getType()))
    return decodeExponent(s, bits);
  Format format = formatOf(value.getType());
  Type i32 = bits.getType(), f32 = s.builder().getF32Type();
  auto int32 = [&](int64_t number) { return s.integer(i32, number); };
  int width = format.exponentBits + format.mantissaBits;
  Value magnitude = s.make<arith::AndIOp>(bits, int32((1 << width) - 1));
  Value normal = s.add(s.make<arith::ShLIOp>(magnitude, int32(23 - format.mantissaBits)),
                       int32(int64_t(127 - format.bias) << 23));
  // A subnormal number counts steps of the smallest one.
  Value steps = s.make<arith::SIToFPOp>(f32, magnitude);
  double step = std::ldexp(1.0, 1 - format.bias - format.mantissaBits);
  Value subnormal = s.make<arith::BitcastOp>(i32, s.mul(steps, s.constant(f32, step)));
  Value isSubnormal =
      s.cmpI(arith::CmpIPredicate::ult, magnitude, int32(int64_t(1) << format.mantissaBits));
  Value result = s.select(isSubnormal, subnormal, normal);
  if (format.hasInfinity) {
    int64_t infinity = ((1 << format.exponentBits) - 1) << format.mantissaBits;
    Value special = s.cmpI(arith::CmpIPredicate::uge, magnitude, int32(infinity));
    Value payload = s.make<arith::ShLIOp>(magnitude, int32(23 - format.mantissaBits));
    result = s.select(special, s.make<arith::OrIOp>(payload, int32(0x7f800000)), result);
  } else if (format.nan >= 0 && !format.isUnsignedNaN) {
    Value isNaN = s.cmpI(arith::CmpIPredicate::eq, magnitude, int32(format.nan));
    result = s.select(isNaN, int32(0x7fc00000), result);
  }
  Value sign = s.make<arith::ShLIOp>(s.make<arith::ShRUIOp>(bits, int32(width)), int32(31));
  result = s.make<arith::OrIOp>(result, sign);
  if (format.isUnsignedNaN)
    result = s.select(s.cmpI(arith::CmpIPredicate::eq, bits, int32(format.nan)), int32(0x7fc00000),
                      result);
  return s.make<arith::BitcastOp>(f32, result);
}

Value encodeTinyFloat(const Scalar &s, Value value, Type to, bool saturate, RoundMode mode) {
  if (isa<Float8E8M0FNUType>(to))
    return encodeExponent(s, value, to, saturate, mode);
  Format format = formatOf(to);
  OpBuilder &b = s.builder();
  Type i32 = b.getI32Type(), f32 = b.getF32Type();
  auto int32 = [&](int64_t number) { return s.integer(i32, number); };
  Value bits = s.make<arith::BitcastOp>(i32, value);
  Value magnitude = s.make<arith::AndIOp>(bits, int32(0x7fffffff));
  Value sign = s.make<arith::ShRUIOp>(bits, int32(31));
  int width = format.exponentBits + format.mantissaBits, dropped = 23 - format.mantissaBits;

  // Round to the nearest, ties to even, by adding just below half of the last kept bit.
  Value lastBit =
      s.make<arith::AndIOp>(s.make<arith::ShRUIOp>(magnitude, int32(dropped)), int32(1));
  Value rounded = s.add(s.add(magnitude, int32((1 << (dropped - 1)) - 1)), lastBit);
  Value normal = s.sub(s.make<arith::ShRUIOp>(rounded, int32(dropped)),
                       int32(int64_t(127 - format.bias) << format.mantissaBits));
  // Below the smallest normal number the sum with `magic`, whose last bit is one step, rounds.
  Value magic = s.constant(f32, std::ldexp(1.0, 24 - format.bias - format.mantissaBits));
  Value sum = s.add(s.make<arith::BitcastOp>(f32, magnitude), magic);
  Value subnormal = s.sub(s.make<arith::BitcastOp>(i32, sum), s.make<arith::BitcastOp>(i32, magic));
  Value isSubnormal =
      s.cmpI(arith::CmpIPredicate::ult, magnitude, int32(int64_t(128 - format.bias) << 23));
  Value result = s.select(isSubnormal, subnormal, normal);

  Value isNaN = s.cmpI(arith::CmpIPredicate::ugt, magnitude, int32(0x7f800000));
  Value isOver = s.cmpI(arith::CmpIPredicate::ugt, result, int32(format.largest));
  int64_t over = format.largest; // the type of 4 bits has nothing else
  if (!saturate && format.hasInfinity)
    over = ((1 << format.exponentBits) - 1) << format.mantissaBits;
  else if (!saturate && format.nan >= 0)
    over = format.nan;
  result = s.select(isOver, int32(over), result);
  if (format.nan < 0) { // NaN has no place: minus zero
    result = s.select(isNaN, int32(0), result);
    sign = s.select(isNaN, s.make<arith::XOrIOp>(sign, int32(1)), sign);
  } else {
    result = s.select(isNaN, int32(format.nan), result);
  }
  Value placed = s.make<arith::ShLIOp>(sign, int32(width));
  if (format.isUnsignedNaN) { // no minus zero, no sign of NaN
    Value isPlain =
        s.make<arith::OrIOp>(s.cmpI(arith::CmpIPredicate::eq, result, int32(0)),
                             s.cmpI(arith::CmpIPredicate::eq, result, int32(format.nan)));
    placed = s.select(isPlain, int32(0), placed);
  }
  return fromBits(s, s.make<arith::OrIOp>(result, placed), to);
}

} // namespace longtail::operators
