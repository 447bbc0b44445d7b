// The elementary functions as arithmetic. Errors are stated in units in the last place against the
// exact result. NaN gives NaN, and the cases of the C standard's annex F hold (signs of zero
// included) unless a function says otherwise.
#pragma once
#include "codegen/Math/Emitter.h"

namespace longtail::math {

// ---- f32 and f64, 2 ulp where not stated
Num exp(Num x);
/// e^(high + low), for f64.
Num exp(Pair x);
Num exp2(Num x);
Num expm1(Num x); // 3 ulp
Num log(Num x);
Num log2(Num x);
Num log10(Num x);
Num log1p(Num x);
Num tanh(Num x); // 3 ulp
Num erf(Num x);  // 4 ulp
Num sin(Num x);  // f64: 3 ulp
Num cos(Num x);  // f64: 3 ulp

// ---- f64 only, 3 ulp where not stated. f32 is computed in f64.
Num erfc(Num x); // 4 ulp
Num tan(Num x);  // 4 ulp
Num asin(Num x);
Num acos(Num x);
Num atan(Num x);
Num atan2(Num y, Num x);
Num sinh(Num x);
Num cosh(Num x);
Num asinh(Num x);
Num acosh(Num x);
Num atanh(Num x);
Num cbrt(Num x);
/// x^y to 2 ulp of f64; with `coarse`, to 2^-30, which is enough for f32.
Num pow(Num x, Num y, bool coarse);
/// The remainder of x / y with the sign of x, exact.
Num fmod(Num x, Num y);

/// x = quadrant * pi/2 + rest with |rest| <= pi/4 (and a little); the quadrant modulo 4. `x` is
/// f64.
struct Reduced {
  Num rest;
  Int quadrant;
};
Reduced reduceQuadrant(Num x);

/// The same value as f64; `wide` is the emitter for it.
Num widen(Num x, Emitter &wide);
Num narrow(Num x, Emitter &single);

} // namespace longtail::math
