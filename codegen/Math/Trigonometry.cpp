// Circular functions and their inverses.
#include "codegen/Math/Coefficients.h"
#include "codegen/Math/Functions.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::math {

/// Above it the number of quadrants takes more than the 20 bits that kHalfPi has room for.
static constexpr double kLargeAngle = 1.0e6;

/// Reduction of one finite |x| >= 2^19 by the bits of 2/pi that matter (Payne and Hanek): returns
/// the rest and the quadrant. All numbers here are scalars.
static std::pair<Value, Value> reduceLarge(OpBuilder &b, Location loc, Value x,
                                           const MathOptions &options) {
  Type i64 = b.getI64Type();
  auto integer = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
  };
  auto make = [&](auto tag, Value l, Value r) -> Value {
    return decltype(tag)::create(b, loc, l, r);
  };
  arith::AddIOp add;
  arith::SubIOp sub;
  arith::AndIOp band;
  arith::OrIOp bor;
  arith::ShLIOp shl;
  arith::ShRUIOp shr;

  Value bits = arith::BitcastOp::create(b, loc, i64, x);
  Value exponent = make(band, make(shr, bits, integer(52)), integer(0x7ff));
  Value m = make(bor, make(band, bits, integer((int64_t(1) << 52) - 1)), integer(int64_t(1) << 52));
  // x = m 2^(exponent - 1075). Bits of 2/pi before `first` add multiples of 4 to the product.
  Value first = make(sub, exponent, integer(1075 + 2 - 64)); // the table begins with 64 zeros
  first = arith::MaxSIOp::create(b, loc, first, integer(0));
  first = arith::MinSIOp::create(b, loc, first, integer(32 * 33));
  Value word = make(shr, first, integer(5)), shift = make(band, first, integer(31));
  SmallVector<int64_t> words(std::begin(kTwoOverPi), std::end(kTwoOverPi));
  auto tableType = VectorType::get({int64_t(words.size())}, i64);
  Value table =
      arith::ConstantOp::create(b, loc, DenseElementsAttr::get(tableType, ArrayRef(words)));
  SmallVector<Value> window;
  for (int64_t i = 0; i < 7; ++i) {
    Value position =
        arith::IndexCastOp::create(b, loc, b.getIndexType(), make(add, word, integer(i)));
    window.push_back(vector::ExtractOp::create(b, loc, table, OpFoldResult(position)));
  }
  auto chunk = [&](int64_t i) {
    Value both = make(bor, make(shl, window[2 * i], integer(32)), window[2 * i + 1]);
    Value rest = make(shr, window[2 * i + 2], make(sub, integer(32), shift));
    return make(bor, make(shl, both, shift), rest);
  };
  // The fraction of x (2/pi) / 4 in 128 bits.
  auto middle = arith::MulUIExtendedOp::create(b, loc, m, chunk(1));
  auto low = arith::MulUIExtendedOp::create(b, loc, m, chunk(2));
  Value high = make(add, make(arith::MulIOp(), m, chunk(0)), middle.getHigh());
  Value lower = make(add, middle.getLow(), low.getHigh());
  Value carry = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, lower, low.getHigh());
  high = make(add, high, arith::ExtUIOp::create(b, loc, i64, carry));
  // Two bits of quadrant; the rest as a signed fraction, rounded to the nearest quadrant.
  Value quadrant = make(shr, high, integer(62));
  Value fraction = make(bor, make(shl, high, integer(2)), make(shr, lower, integer(62)));
  lower = make(shl, lower, integer(2));
  Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, fraction, integer(0));
  quadrant = make(add, quadrant, arith::ExtUIOp::create(b, loc, i64, negative));
  Value ones = arith::ExtSIOp::create(b, loc, i64, negative);
  fraction = make(arith::XOrIOp(), fraction, ones); // one's complement: 2^-128 is nothing
  lower = make(arith::XOrIOp(), lower, ones);
  // Normalised, so that the conversion keeps all bits that there are.
  Value zeros = mlir::math::CountLeadingZerosOp::create(b, loc, fraction);
  zeros = arith::MinSIOp::create(b, loc, zeros, integer(63));
  Value moved = make(shr, make(shr, lower, integer(1)), make(sub, integer(63), zeros));
  Value top = make(bor, make(shl, fraction, zeros), moved);
  Value number = arith::UIToFPOp::create(b, loc, b.getF64Type(), top);
  Value exponentBits = make(shl, make(sub, integer(1023 - 64), zeros), integer(52));
  Value power = arith::BitcastOp::create(b, loc, b.getF64Type(), exponentBits);
  Emitter e(b, loc, b.getF64Type(), options);
  Num turns = e.num(number) * e.num(power);
  Num rest = fma(turns, e(1.5707963267948966), turns * kHalfPiLow);
  // The sign of x negates both.
  Value below = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, bits, integer(0));
  Value flip = arith::XOrIOp::create(b, loc, below, negative);
  rest = select(Bool{&e, flip}, -rest, rest);
  Value mirrored = make(sub, integer(0), quadrant);
  return {rest.v, arith::SelectOp::create(b, loc, below, mirrored, quadrant)};
}

/// `reduceLarge` on every lane of a vector.
static std::pair<Value, Value> reduceLanes(Num x, Reduced other) {
  OpBuilder &b = x.e->b;
  Location loc = x.e->loc;
  auto type = dyn_cast<VectorType>(x.e->type);
  if (!type)
    return reduceLarge(b, loc, x.v, x.e->options);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value lanes = arith::ConstantIndexOp::create(b, loc, type.getNumElements());
  auto loop =
      scf::ForOp::create(b, loc, zero, lanes, one, ValueRange{other.rest.v, other.quadrant.v});
  loop->setAttr("kernel.no_unroll", b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  OpFoldResult lane = loop.getInductionVar();
  Value angle = vector::ExtractOp::create(b, loc, x.v, lane);
  auto [rest, quadrant] = reduceLarge(b, loc, angle, x.e->options);
  Value rests = vector::InsertOp::create(b, loc, rest, loop.getRegionIterArg(0), lane);
  Value quadrants = vector::InsertOp::create(b, loc, quadrant, loop.getRegionIterArg(1), lane);
  scf::YieldOp::create(b, loc, ValueRange{rests, quadrants});
  return {loop.getResult(0), loop.getResult(1)};
}

Reduced reduceQuadrant(Num x) {
  Emitter &e = *x.e;
  OpBuilder &b = e.b;
  Num shifted = x * 0.6366197723675814 + e.magic();
  Num n = shifted - e.magic();
  Num rest = fma(n, e(-kHalfPi1), x);
  rest = fma(n, e(-kHalfPi2), rest);
  rest = fma(n, e(-kHalfPi3), rest);
  Reduced near{rest, bits(shifted)};

  // Large angles are rare: a branch, taken where a lane has one.
  Num a = abs(x);
  Bool large = (a >= kLargeAngle) & (a < e.infinity());
  Value any = large.v;
  if (isa<VectorType>(any.getType()))
    any = vector::ReductionOp::create(b, e.loc, vector::CombiningKind::OR, any);
  auto branch = scf::IfOp::create(b, e.loc, TypeRange{e.type, e.intType()}, any, /*withElse=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    auto [rests, quadrants] = reduceLanes(x, near);
    Num r = select(large, e.num(rests), near.rest);
    Int q = select(large, Int{&e, quadrants}, near.quadrant);
    scf::YieldOp::create(b, e.loc, ValueRange{r.v, q.v});
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, e.loc, ValueRange{near.rest.v, near.quadrant.v});
  }
  return {e.num(branch.getResult(0)), Int{&e, branch.getResult(1)}};
}

namespace {

/// Sine and cosine of the rest of a reduction.
Num sinOfRest(Num r) {
  Num z = r * r;
  return fma(r * z, r.e->isDouble() ? polynomial(z, kSinTail64) : polynomial(z, kSinTail32), r);
}
Num cosOfRest(Num r) {
  Num z = r * r;
  Num tail = z * z * (r.e->isDouble() ? polynomial(z, kCosTail64) : polynomial(z, kCosTail32));
  // 1 - z/2 with what its rounding loses.
  Num half = z * 0.5;
  Num w = 1.0 - half;
  return w + (((1.0 - w) - half) + tail);
}

/// The reduction of `x` in f64 and its results in the emitter's own type.
Reduced reduceIn(Num x) {
  Emitter &e = *x.e;
  if (e.isDouble())
    return reduceQuadrant(x);
  Emitter wide(e.b, e.loc, e.shaped(e.b.getF64Type()), e.options);
  Reduced r = reduceQuadrant(widen(x, wide));
  Value quadrant = arith::TruncIOp::create(e.b, e.loc, e.intType(), r.quadrant.v);
  return {narrow(r.rest, e), Int{&e, quadrant}};
}

/// sin(rest + quadrant pi/2).
Num sinOfQuadrant(Num rest, Int quadrant) {
  Num sine = sinOfRest(rest), cosine = cosOfRest(rest);
  Num value = select((quadrant & 1) == 0, sine, cosine);
  Int sign = (quadrant & 2) << (rest.e->width() - 2);
  return fromBits(bits(value) ^ sign);
}

} // namespace

Num sin(Num x) {
  Reduced r = reduceIn(x);
  return select(x == 0.0, x, sinOfQuadrant(r.rest, r.quadrant));
}

Num cos(Num x) {
  Reduced r = reduceIn(x);
  return sinOfQuadrant(r.rest, r.quadrant + 1);
}

Num tan(Num x) {
  Reduced r = reduceQuadrant(x);
  Num sine = sinOfRest(r.rest), cosine = cosOfRest(r.rest);
  Bool even = (r.quadrant & 1) == 0;
  return select(x == 0.0, x, select(even, sine, -cosine) / select(even, cosine, sine));
}

namespace {

/// asin of what remains of |x| > 1/2 by the half angle: z = (1 - |x|) / 2, returns asin(sqrt(z)).
struct HalfAngle {
  Bool isLarge;
  Num value; // asin(|x|) where small, asin(sqrt((1 - |x|) / 2)) where large
};

HalfAngle halfAngle(Num a) {
  Bool large = a > 0.5;
  Num z = select(large, (1.0 - a) * 0.5, a * a);
  Num base = select(large, sqrt(z), a);
  return {large, fma(base * z, polynomial(z, kAsinTail64), base)};
}

constexpr double kHalfPi = 1.5707963267948966;

/// atan(y / x) for finite non-negative x and y that are not both zero, not above or below range.
Num atanOfQuotient(Num y, Num x) {
  // Below tan(pi/8) as it is, above tan(3 pi/8) by the reciprocal, by (t - 1) / (t + 1) in between.
  Bool small = y < x * 0.41421356237309503;
  Bool large = y * 0.41421356237309503 > x;
  Num numerator = select(small, y, select(large, -x, y - x));
  Num denominator = select(small, x, select(large, y, y + x));
  Num u = numerator / denominator;
  Num z = u * u;
  Num value = u * z * polynomial(z, kAtanTail64);
  Num high = select(small, 0.0, select(large, kHalfPi, kHalfPi / 2));
  Num low = select(small, 0.0, select(large, kHalfPiLow, kHalfPiLow / 2));
  return high + (u + (value + low));
}

} // namespace

Num asin(Num x) {
  HalfAngle h = halfAngle(abs(x));
  Num large = (kHalfPi - h.value * 2.0) + kHalfPiLow;
  return copysign(select(h.isLarge, large, h.value), x);
}

Num acos(Num x) {
  HalfAngle h = halfAngle(abs(x));
  Num signedValue = copysign(h.value, x);
  Num small = kHalfPi - (signedValue - kHalfPiLow);
  Num twice = h.value * 2.0;
  Num large = select(x < 0.0, 2 * kHalfPi - (twice - 2 * kHalfPiLow), twice);
  return select(h.isLarge, large, small);
}

Num atan(Num x) {
  Num a = atMost(abs(x), 0x1p60); // the result is pi/2 from there on
  return copysign(atanOfQuotient(a, (*x.e)(1.0)), x);
}

Num atan2(Num y, Num x) {
  Emitter &e = *x.e;
  Num ay = abs(y), ax = abs(x), infinity = e.infinity();
  // Scaled so that sums are finite; two infinities are like two ones, two zeros like 0 / 1.
  Num larger = select(ax > ay, ax, ay);
  Num factor = select(larger > 0x1p1000, 0x1p-100, 1.0);
  factor = select(larger < 0x1p-900, e(0x1p100), factor);
  Num sy = ay * factor, sx = ax * factor;
  Bool both = (ay == infinity) & (ax == infinity);
  sy = select(both, 1.0, sy);
  sx = select(both, 1.0, select(larger == 0.0, 1.0, sx));
  Bool yOnly = (ay == infinity) & (ax < infinity);
  sy = select(yOnly, 1.0, sy);
  sx = select(yOnly, 0.0, sx);
  Bool xOnly = (ax == infinity) & (ay < infinity);
  sy = select(xOnly, 0.0, sy);
  sx = select(xOnly, 1.0, sx);
  Num result = atanOfQuotient(sy, sx);
  Bool left = copysign(e(1.0), x) < 0.0; // of the negative zero too
  result = select(left, 2 * kHalfPi - (result - 2 * kHalfPiLow), result);
  result = copysign(result, y);
  return select(isNan(x) | isNan(y), e.nan(), result);
}

} // namespace longtail::math
