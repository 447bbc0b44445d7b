#include "codegen/Math/SmallFloats.h"
#include "codegen/Math/Emitter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/APFloat.h"

using namespace mlir;

namespace longtail::math {

static FloatType smallFloat(Type type) {
  auto element = dyn_cast<FloatType>(getElementTypeOrSelf(type));
  return element && element.getWidth() < 32 ? element : FloatType();
}

static Type withElement(Type type, Type element) {
  auto shape = dyn_cast<ShapedType>(type);
  return shape ? Type(shape.clone(element)) : element;
}

/// Operations that move values of any type and do not look into them.
static bool onlyMoves(Operation *op) {
  if (isa<arith::ConstantOp, arith::SelectOp, arith::BitcastOp, arith::ExtFOp, arith::TruncFOp>(op))
    return true;
  return !isa<arith::ArithDialect, mlir::math::MathDialect>(op->getDialect()) &&
         !isa<vector::ReductionOp, vector::FMAOp>(op);
}

bool computeInSingle(Operation *op) {
  auto isSmall = [](Type type) { return bool(smallFloat(type)); };
  bool any =
      llvm::any_of(op->getOperandTypes(), isSmall) || llvm::any_of(op->getResultTypes(), isSmall);
  if (!any || onlyMoves(op) || op->getNumRegions() != 0)
    return false;
  OpBuilder b(op);
  Location loc = op->getLoc();
  // Integers of more bits than f32 holds go by way of f64, where they round once.
  Type wide = b.getF32Type();
  if (isa<arith::SIToFPOp, arith::UIToFPOp>(op) &&
      getElementTypeOrSelf(op->getOperand(0).getType()).getIntOrFloatBitWidth() > 24)
    wide = b.getF64Type();
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(
        isSmall(operand.getType())
            ? arith::ExtFOp::create(b, loc, withElement(operand.getType(), wide), operand)
            : operand);
  SmallVector<Type> results;
  for (Type type : op->getResultTypes())
    results.push_back(isSmall(type) ? withElement(type, wide) : type);
  OperationState state(loc, op->getName(), operands, results, op->getAttrs());
  state.propertiesAttr = op->getPropertiesAsAttribute();
  Operation *computed = b.create(state);
  for (auto [before, after] : llvm::zip(op->getResults(), computed->getResults())) {
    Value value = after;
    if (before.getType() != after.getType())
      value = arith::TruncFOp::create(b, loc, before.getType(), value);
    before.replaceAllUsesWith(value);
  }
  op->erase();
  return true;
}

bool selectAsBits(Operation *op) {
  auto choice = dyn_cast<arith::SelectOp>(op);
  FloatType small = choice ? smallFloat(choice.getType()) : FloatType();
  if (!small)
    return false;
  OpBuilder b(op);
  Location loc = op->getLoc();
  Type raw = withElement(choice.getType(), b.getIntegerType(small.getWidth()));
  Value left = arith::BitcastOp::create(b, loc, raw, choice.getTrueValue());
  Value right = arith::BitcastOp::create(b, loc, raw, choice.getFalseValue());
  Value chosen = arith::SelectOp::create(b, loc, choice.getCondition(), left, right);
  choice.replaceAllUsesWith(arith::BitcastOp::create(b, loc, choice.getType(), chosen).getResult());
  op->erase();
  return true;
}

namespace {

/// How a format differs from IEEE's: what its highest exponent means, and if it has a zero below.
struct Format {
  int width, mantissa, bias;
  bool hasInfinity;  // all ones in the exponent is infinity or NaN
  bool nanIsMaximum; // all ones (but the sign) is the only NaN
  bool nanIsNegativeZero;
  int64_t largest; // bits of the largest finite number
};

Format formatOf(FloatType type) {
  const llvm::fltSemantics &semantics = type.getFloatSemantics();
  Format f;
  f.width = type.getWidth();
  f.mantissa = llvm::APFloat::semanticsPrecision(semantics) - 1;
  f.bias = 1 - llvm::APFloat::semanticsMinExponent(semantics);
  f.hasInfinity = llvm::APFloat::semanticsHasInf(semantics);
  f.nanIsMaximum = isa<Float8E4M3FNType>(type);
  f.nanIsNegativeZero = isa<Float8E4M3FNUZType, Float8E5M2FNUZType, Float8E4M3B11FNUZType>(type);
  f.largest = llvm::APFloat::getLargest(semantics).bitcastToAPInt().getZExtValue();
  return f;
}

/// The bits of small floats (as i32, zero-extended) to f32, exactly.
Num decode(Emitter &e, Int raw, const Format &f) {
  int64_t magnitudeMask = (int64_t(1) << (f.width - 1)) - 1;
  Int magnitude = raw & magnitudeMask;
  Int sign = (raw & ~magnitudeMask) << (32 - f.width);
  Num value = e(0.0);
  if (f.bias == 127) { // bf16: the upper half
    value = fromBits(magnitude << (23 - f.mantissa));
  } else {
    // Placed in f32's fields and rescaled, which is right for subnormal numbers too.
    value = fromBits(magnitude << (23 - f.mantissa)) * std::ldexp(1.0, 127 - f.bias);
    if (f.hasInfinity) {
      int64_t infinity = ((int64_t(1) << (f.width - 1 - f.mantissa)) - 1) << f.mantissa;
      Value allOnes = e.integer(0x7f800000).v;
      Num special = fromBits(
          Int{&e, arith::OrIOp::create(e.b, e.loc, (magnitude << (23 - f.mantissa)).v, allOnes)});
      Bool isSpecial{&e, arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::uge, magnitude.v,
                                               e.integer(infinity).v)};
      value = select(isSpecial, special, value);
    }
  }
  if (f.nanIsMaximum)
    value = select(magnitude == magnitudeMask, e.nan(), value);
  value = fromBits(bits(value) ^ sign);
  if (f.nanIsNegativeZero)
    value = select(raw == magnitudeMask + 1, e.nan(), value);
  return value;
}

/// f32 to the bits of small floats (in i32), rounded to nearest even. Too large numbers become
/// infinity, or NaN, or the largest number, in this order of what the format has.
Int encode(Emitter &e, Num x, const Format &f) {
  int64_t signBit = int64_t(1) << (f.width - 1);
  Int all = bits(x);
  Int sign = shiftRight(all, 32 - f.width) & signBit;
  Int magnitude = all & 0x7fffffff;
  int drop = 23 - f.mantissa;
  // Normal numbers: the integer rounds, and a carry goes to the exponent.
  Int odd = shiftRight(magnitude, drop) & 1;
  Int rounded = magnitude + odd + ((int64_t(1) << (drop - 1)) - 1);
  Int normal = shiftRight(rounded, drop) - (int64_t(127 - f.bias) << f.mantissa);
  Int result = normal;
  if (f.bias != 127) {
    // Subnormal ones: an addition whose last place is that of the format rounds.
    double smallest = std::ldexp(1.0, 1 - f.bias);
    Num magic = e(std::ldexp(1.5, 23 + 1 - f.bias - f.mantissa));
    Int subnormal = bits(fromBits(magnitude) + magic) - bits(magic);
    result = select(fromBits(magnitude) < smallest, subnormal, normal);
  }
  auto above = [&](Int value, int64_t limit) {
    return Bool{&e, arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sgt, value.v,
                                          e.integer(limit).v)};
  };
  int64_t infinity = f.largest + 1; // where there is one
  int64_t nan = f.hasInfinity ? infinity | (int64_t(1) << (f.mantissa - 1)) : signBit - 1;
  bool hasNan = f.hasInfinity || f.nanIsMaximum || f.nanIsNegativeZero;
  int64_t overflow = f.hasInfinity ? infinity : f.nanIsMaximum ? nan : f.largest;
  result = select(above(result, f.largest), e.integer(overflow), result);
  if (f.nanIsNegativeZero) {
    // No sign of zero; NaN (and what is too large) takes its place.
    Bool isZero = result == 0;
    Int value = result + sign;
    value = select(isZero, e.integer(0), value);
    Bool tooLarge = above(normal, f.largest);
    return select(isNan(x) | tooLarge, e.integer(signBit), value);
  }
  if (hasNan)
    result = select(isNan(x), e.integer(nan), result);
  return result + sign;
}

/// f64 to f32 such that a second rounding to less is the only one: inexact results are made odd.
Num roundToOdd(Emitter &single, Num wide) {
  Emitter &e = *wide.e;
  Value nearest = arith::TruncFOp::create(e.b, e.loc, single.type, wide.v);
  Num back = e.num(arith::ExtFOp::create(e.b, e.loc, e.type, nearest));
  Num value = single.num(nearest);
  // Toward zero first: nearest may have gone away from it. Then the last bit tells of the rest.
  Bool away = abs(back) > abs(wide);
  Bool inexact = differ(back, wide);
  Bool finite = abs(wide) < e.infinity();
  Int toward = select(Bool{&single, (away & finite).v}, bits(value) - 1, bits(value));
  Int odd{&single, arith::OrIOp::create(e.b, e.loc, toward.v, single.integer(1).v)};
  return fromBits(select(Bool{&single, (inexact & finite).v}, odd, bits(value)));
}

/// The 8-bit format of powers of two: an exponent and nothing else.
bool isExponentOnly(FloatType type) { return isa<Float8E8M0FNUType>(type); }

} // namespace

bool splitConversion(Operation *op, const MathOptions &options) {
  if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
    return false;
  Value source = op->getOperand(0);
  Type from = source.getType(), to = op->getResult(0).getType();
  bool smallSource = bool(smallFloat(from)), smallResult = bool(smallFloat(to));
  OpBuilder b(op);
  Location loc = op->getLoc();
  Type f32 = withElement(from, b.getF32Type());
  Emitter single(b, loc, f32, options), wide(b, loc, withElement(from, b.getF64Type()), options);
  Value value;
  if (smallSource && to != f32)
    value = arith::ExtFOp::create(b, loc, f32, source);
  else if (smallResult && from != f32)
    value = roundToOdd(single, wide.num(source)).v;
  else
    return false;
  if (smallResult)
    value = arith::TruncFOp::create(b, loc, to, value);
  else
    value = arith::ExtFOp::create(b, loc, to, value);
  op->getResult(0).replaceAllUsesWith(value);
  op->erase();
  return true;
}

bool expandConversion(Operation *op, const MathOptions &options) {
  if (!isa<arith::ExtFOp, arith::TruncFOp>(op))
    return false;
  bool extends = isa<arith::ExtFOp>(op);
  Value source = op->getOperand(0);
  Type from = source.getType(), to = op->getResult(0).getType();
  FloatType small = smallFloat(extends ? from : to);
  if (!small || (isa<Float16Type>(small) && options.halfConversion))
    return false;
  OpBuilder b(op);
  Location loc = op->getLoc();
  Emitter e(b, loc, withElement(from, b.getF32Type()), options);
  Type raw = withElement(from, b.getIntegerType(small.getWidth()));
  Value result;
  if (extends) {
    Value narrow = arith::BitcastOp::create(b, loc, raw, source);
    Int integer{&e, arith::ExtUIOp::create(b, loc, e.intType(), narrow)};
    if (isExponentOnly(small)) {
      Num power = fromBits(select(integer == 0, e.integer(0x00400000), integer << 23));
      result = select(integer == 255, e.nan(), power).v;
    } else {
      result = decode(e, integer, formatOf(small)).v;
    }
  } else {
    Num value = e.num(source);
    Int encoded = isExponentOnly(small)
                      ? select(isNan(value), e.integer(255), shiftRight(bits(value), 23) & 255)
                      : encode(e, value, formatOf(small));
    Value narrow = arith::TruncIOp::create(b, loc, raw, encoded.v);
    result = arith::BitcastOp::create(b, loc, to, narrow);
  }
  op->getResult(0).replaceAllUsesWith(result);
  op->erase();
  return true;
}

} // namespace longtail::math
