// log and what is made of it.
#include "codegen/Math/Coefficients.h"
#include "codegen/Math/Functions.h"

namespace longtail::math {

namespace {

/// x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), for positive finite x.
struct Parts {
  Num k, f;
};

Parts split(Num x) {
  Emitter &e = *x.e;
  bool wide = e.isDouble();
  Bool tiny = x < (wide ? 2.2250738585072014e-308 : 1.1754943508222875e-38);
  double up = wide ? 54 : 25;
  x = select(tiny, x * (wide ? 18014398509481984.0 : 33554432.0), x);
  int shift = e.mantissaBits();
  int64_t half = wide ? 0x3fe6a09e667f3bcd : 0x3f3504f3; // sqrt(1/2) as bits
  // The biased exponent, stepping at sqrt(1/2); as a number by way of the magic sum.
  Int exponent = shiftRight(bits(x) - (half - e.oneBits()), shift);
  Num m = fromBits(bits(x) - (exponent << shift) + e.oneBits());
  int64_t magicBits = wide ? 0x4338000000000000 : 0x4b400000;
  Num k = fromBits(exponent + magicBits) - (e.magic() + double(e.bias()));
  return {select(tiny, k - up, k), m - 1.0};
}

/// log(1 + f) = f - tail.
Num tailOf(Num f) {
  if (!f.e->isDouble()) {
    Num square = f * f;
    return square * fma(-f, polynomial(f, kLogTail32), (*f.e)(0.5));
  }
  Num s = f / (f + 2.0);
  Num z = s * s;
  return s * (f - z * polynomial(z, kLogTail64));
}

/// The values at zero, infinity, NaN and below zero.
Num special(Num x, Num result) {
  Num infinity = x.e->infinity();
  result = select(x < infinity, result, x);
  result = select(x == 0.0, -infinity, result);
  return select(x < 0.0, x.e->nan(), result);
}

/// log(x) for positive finite x.
Num logOfPositive(Num x) {
  Emitter &e = *x.e;
  bool wide = e.isDouble();
  Parts p = split(x);
  Num low = fma(p.k, e(wide ? kLn2Low64 : kLn2Low32), -tailOf(p.f));
  return fma(p.k, e(wide ? kLn2High64 : kLn2High32), p.f + low);
}

} // namespace

Num log(Num x) { return special(x, logOfPositive(x)); }

Num log2(Num x) {
  Parts p = split(x);
  Num m = p.f - tailOf(p.f);
  return special(x, fma(m, (*x.e)(1.4426950408889634), p.k));
}

Num log10(Num x) {
  Emitter &e = *x.e;
  bool wide = e.isDouble();
  Parts p = split(x);
  Num m = p.f - tailOf(p.f);
  Num low = fma(p.k, e(wide ? kLog10Of2Low64 : kLog10Of2Low32), m * 0.4342944819032518);
  return special(x, fma(p.k, e(wide ? kLog10Of2High64 : kLog10Of2High32), low));
}

Num log1p(Num x) {
  Num u = x + 1.0;
  Num lost = x - (u - 1.0);
  Num result = logOfPositive(u) + lost / u;
  result = select(u == 1.0, x, result);
  Num infinity = x.e->infinity();
  result = select(x < infinity, result, x);
  result = select(u == 0.0, -infinity, result);
  return select(u < 0.0, x.e->nan(), result);
}

Num asinh(Num x) {
  Num a = abs(x);
  Bool huge = a > 0x1p60;
  Num square = a * a;
  Num argument = a + square / (sqrt(square + 1.0) + 1.0);
  Num result = log1p(select(huge, a, argument));
  return copysign(select(huge, result + 0.6931471805599453, result), x);
}

Num acosh(Num x) {
  Bool huge = x > 0x1p60;
  Num t = x - 1.0;
  Num argument = t + sqrt(t * (t + 2.0));
  Num result = log1p(select(huge, x, argument));
  result = select(huge, result + 0.6931471805599453, result);
  return select(x < 1.0, x.e->nan(), result);
}

Num atanh(Num x) {
  Num a = abs(x);
  return copysign(log1p((a + a) / (1.0 - a)) * 0.5, x);
}

namespace {

/// log(x) of positive finite f64 to about 2^-65.
Pair logLong(Num x) {
  Emitter &e = *x.e;
  Parts p = split(x);
  // s = f / (2 + f) as a pair.
  Num f = p.f;
  Pair d = quickTwoSum(e(2.0), f);
  Num s = f / d.high;
  Pair product = twoProduct(s, d.high);
  Num sLow = (((f - product.high) - product.low) - s * d.low) / d.high;
  // log(m) = 2 s + 2/3 s^3 + s^5 (...): the first two terms as pairs.
  Pair z = twoProduct(s, s);
  z.low = z.low + s * sLow * 2.0;
  Pair cube = twoProduct(z.high, s);
  cube.low = cube.low + (z.low * s + z.high * sLow);
  Pair third = twoProduct(cube.high, e(2.0 / 3.0));
  third.low = third.low + (cube.high * kTwoThirdsLow + cube.low * (2.0 / 3.0));
  Num tail = cube.high * z.high * polynomial(z.high, kLogTailLong64);
  // k ln(2), then the terms by falling size.
  Pair sum = twoSum(p.k * kLn2High64, s * 2.0);
  Pair next = twoSum(sum.high, third.high);
  Num low = (sum.low + next.low) + (p.k * kLn2Low64 + sLow * 2.0) + (third.low + tail);
  return quickTwoSum(next.high, low);
}

} // namespace

Num pow(Num x, Num y, bool coarse) {
  Emitter &e = *x.e;
  Num infinity = e.infinity();
  Num a = abs(x);
  Num magnitude = a;
  if (coarse) {
    magnitude = exp(y * special(a, logOfPositive(a)));
  } else {
    Pair l = logLong(a);
    Bool finite = (a < infinity) & (a > 0.0);
    l.high = select(finite, l.high, select(a == 0.0, -infinity, a));
    l.low = select(finite, l.low, 0.0);
    // Beyond 2^200 the result is 0, 1 or infinity whatever y is; splitting needs room above it.
    Num bounded = atLeast(atMost(y, 0x1p200), -0x1p200);
    Pair product = twoProduct(bounded, l.high);
    product.low = product.low + bounded * l.low;
    // Beyond the range of exp the low part is meaningless (and may be NaN).
    product.low = select(abs(product.high) < 800.0, product.low, 0.0);
    magnitude = exp(product);
  }
  // Integers and odd integers; above 2^53 every number is even.
  Bool isInteger = trunc(y) == y;
  Num half = y * 0.5;
  Bool isOdd = isInteger & differ(trunc(half), half);
  Num result = select((x < 0.0) & (a < infinity) & differ(trunc(y), y), e.nan(), magnitude);
  result = select(isOdd, copysign(result, x), result);
  // The base -1 or 1 with infinities, 1 with NaN, and anything to the zeroth.
  Bool toInfinity = abs(y) == infinity;
  result = select((a == 1.0) & toInfinity, 1.0, result);
  return select((x == 1.0) | (y == 0.0), 1.0, result);
}

Num cbrt(Num x) {
  Num a = abs(x);
  Num infinity = x.e->infinity();
  Bool ordinary = (a < infinity) & (a > 0.0);
  Num safe = select(ordinary, a, 1.0);
  Num y = exp(logOfPositive(safe) * (1.0 / 3.0));
  // One step of Newton's method takes the error of the logarithm away.
  Num square = y * y;
  y = y - (y - safe / square) * (1.0 / 3.0);
  return copysign(select(ordinary, y, a), x);
}

} // namespace longtail::math
