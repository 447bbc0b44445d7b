// exp and what is made of it.
#include "codegen/Math/Coefficients.h"
#include "codegen/Math/Functions.h"

namespace longtail::math {

namespace {

/// x = n ln(2) + r with |r| <= ln(2)/2, and e^r - 1 without the leading r: r + tail.
struct Split {
  Num n, r, tail;
};

Split split(Num x) {
  bool wide = x.e->isDouble();
  Num n = nearestProduct(x, 1.4426950408889634);
  Num r = fma(n, (*x.e)(wide ? -kLn2High64 : -kLn2High32), x);
  r = fma(n, (*x.e)(wide ? -kLn2Low64 : -kLn2Low32), r);
  Num q = wide ? polynomial(r, kExpTail64) : polynomial(r, kExpTail32);
  return {n, r, r * r * q};
}

/// Where e^x is infinite or zero for certain, so that exponents stay in range.
Num clamp(Num x) {
  bool wide = x.e->isDouble();
  return atLeast(atMost(x, wide ? 712.0 : 89.0), wide ? -750.0 : -105.0);
}

/// e^x * 2^extra without overflow in between, for f64.
Num expScaled(Num x, double extra) {
  Split s = split(clamp(x));
  return scale((s.r + s.tail) + 1.0, s.n + extra);
}

} // namespace

Num exp(Num x) {
  Emitter &e = *x.e;
  bool wide = e.isDouble();
  // e^r by one polynomial; the error of its last steps is what a result may have.
  auto series = [&](Num n) {
    Num r = fma(n, e(wide ? -kLn2High64 : -kLn2High32), x);
    r = fma(n, e(wide ? -kLn2Low64 : -kLn2Low32), r);
    Num q = wide ? polynomial(r, kExpTail64) : polynomial(r, kExpTail32);
    return fma(fma(q, r, e(1.0)), r, e(1.0));
  };
  if (hasScale(e)) {
    x = clamp(x);
    Num n = nearestProduct(x, 1.4426950408889634);
    return scaleByInstruction(series(n), n);
  }
  // The exponent is added to the bits. Small results are computed too large and scaled by a
  // product, which rounds once; large ones and NaN are taken from a sum with infinity.
  x = atLeast(x, wide ? -750.0 : -105.0);
  Num shifted = fma(x, e(1.4426950408889634), e(e.magic()));
  Num p = series(shifted - e.magic());
  Bool low = x < (wide ? -707.0 : -86.0);
  int shift = e.mantissaBits(), lift = wide ? 512 : 64;
  Int exponent = bits(shifted) << shift;
  exponent = exponent + select(low, e.integer(int64_t(lift) << shift), e.integer(0));
  Num y = fromBits(bits(p) + exponent) * select(low, wide ? 0x1p-512 : 0x1p-64, 1.0);
  return select(x < (wide ? 709.782712893384 : 88.72284), y, x + e.infinity());
}

Num exp(Pair x) {
  Split s = split(clamp(x.high));
  Num small = s.r + s.tail;
  Num tail = s.tail + fma(x.low, small, x.low); // e^low is 1 + low
  return scale((s.r + tail) + 1.0, s.n);
}

Num exp2(Num x) {
  bool wide = x.e->isDouble();
  x = atLeast(atMost(x, wide ? 1025.0 : 129.0), wide ? -1080.0 : -151.0);
  Num n = nearest(x);
  Num f = x - n;
  if (!wide)
    return scale(fma(f, polynomial(f, kExp2Tail32), (*x.e)(1.0)), n);
  Num r = f * 0.6931471805599453;
  Num tail = r * r * polynomial(r, kExpTail64);
  return scale((r + tail) + 1.0, n);
}

Num expm1(Num x) {
  bool wide = x.e->isDouble();
  Num bounded = atLeast(atMost(x, wide ? 710.0 : 89.0), wide ? -40.0 : -20.0);
  Split s = split(bounded);
  // 2^n may overflow where the result does not: half of it is used.
  Num power = powerOfTwo(s.n - 1.0);
  Num half = fma(power, s.r + s.tail, power - 0.5);
  return select(x == 0.0, x, half * 2.0);
}

Num tanh(Num x) {
  Num a = atMost(abs(x), x.e->isDouble() ? 20.0 : 10.0);
  Split s = split(a * 2.0);
  Num power = powerOfTwo(s.n);
  Num t = fma(power, s.r + s.tail, power - 1.0);
  return copysign(t / (t + 2.0), x);
}

Num erf(Num x) {
  if (x.e->isDouble()) {
    Num a = abs(x);
    Num small = x * polynomial(a * a, kErf64);
    return select(a < 1.0, small, copysign(1.0 - erfc(a), x));
  }
  // 1 - e^(-x h(x)) keeps the relative error of small results.
  Num a = atMost(abs(x), 4.0);
  Split s = split(-(a * polynomial(a, kErfExponent32)));
  Num power = powerOfTwo(s.n);
  Num result = fma(power, -(s.r + s.tail), 1.0 - power);
  return copysign(result, x);
}

Num erfc(Num x) {
  // e^(-a^2) times a function that changes slowly; the square is needed to more than a double.
  Num a = atMost(abs(x), 28.0);
  Num t = (a - 3.0) / (a + 3.0);
  Pair square = twoProduct(a, a);
  Num factor = polynomial(t, kErfcx64) / fma(a, (*x.e)(2.0), (*x.e)(1.0));
  Num far = exp(Pair{-square.high, -square.low}) * factor;
  far = select(x < 0.0, 2.0 - far, far);
  Num near = 1.0 - x * polynomial(a * a, kErf64);
  return select(a < 0.5, near, far);
}

Num sinh(Num x) {
  Num a = abs(x);
  Num square = a * a;
  Num small = fma(a * square, polynomial(square, kSinhTail64), a);
  Num half = expScaled(a, -1.0);
  Num large = half - (*x.e)(0.25) / half;
  return copysign(select(a < 1.0, small, large), x);
}

Num cosh(Num x) {
  Num half = expScaled(abs(x), -1.0);
  return half + (*x.e)(0.25) / half;
}

} // namespace longtail::math
