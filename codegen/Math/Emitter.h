// Writing arithmetic as expressions: what the functions of this folder are made of.
#pragma once
#include "codegen/Math/Math.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/ArrayRef.h"

namespace longtail::math {

class Emitter;

/// A value of the emitter's float type, or (`Int`) of the integer type of the same width and
/// shape, with operators. Cheap to copy.
struct Num {
  Emitter *e;
  mlir::Value v;
};
struct Int {
  Emitter *e;
  mlir::Value v;
};
/// One bit per lane.
struct Bool {
  Emitter *e;
  mlir::Value v;
};

/// An unevaluated sum: `low` is smaller than half a unit in the last place of `high`.
struct Pair {
  Num high, low;
};

/// Emits operations on f32 or f64, scalars or 1-D vectors. None of them is allowed to contract or
/// reorder: the rounding of each is part of the algorithms. Operands of commutative operators are
/// emitted left to right.
class Emitter {
public:
  Emitter(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type, const MathOptions &options)
      : b(b), loc(loc), type(type), options(options) {}

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type type; // f32, f64 or a vector of them
  const MathOptions &options;

  bool isDouble() const { return mlir::getElementTypeOrSelf(type).isF64(); }
  int mantissaBits() const { return isDouble() ? 52 : 23; }
  int width() const { return isDouble() ? 64 : 32; }
  int64_t bias() const { return isDouble() ? 1023 : 127; }
  /// One as bits.
  int64_t oneBits() const { return bias() << mantissaBits(); }
  /// 1.5 * 2^mantissaBits: a sum with it has an integer in its low bits.
  double magic() const { return isDouble() ? 6755399441055744.0 : 12582912.0; }
  mlir::Type intType() const;
  mlir::Type boolType() const;
  /// `scalar` in the shape of `type`.
  mlir::Type shaped(mlir::Type scalar) const;

  Num num(mlir::Value v) { return {this, v}; }
  Num operator()(double value);
  Int integer(int64_t value);
  mlir::Value constant(mlir::Type type, mlir::Attribute element);

  Num infinity();
  Num nan();
};

Num operator+(Num a, Num b);
Num operator-(Num a, Num b);
Num operator*(Num a, Num b);
Num operator/(Num a, Num b);
Num operator-(Num a);
Num operator+(Num a, double b);
Num operator-(Num a, double b);
Num operator-(double a, Num b);
Num operator*(Num a, double b);
/// a * b + c, in one rounding where the machine can.
Num fma(Num a, Num b, Num c);
Num sqrt(Num a);
Num abs(Num a);
Num trunc(Num a);
/// The magnitude of `a` with the sign of `sign`.
Num copysign(Num a, Num sign);

Bool operator<(Num a, Num b);
Bool operator<(Num a, double b);
Bool operator>(Num a, Num b);
Bool operator>(Num a, double b);
Bool operator>=(Num a, Num b);
Bool operator>=(Num a, double b);
Bool operator==(Num a, Num b);
Bool operator==(Num a, double b);
/// True where they differ or either is NaN.
Bool differ(Num a, Num b);
Bool isNan(Num a);
Bool operator&(Bool a, Bool b);
Bool operator|(Bool a, Bool b);
Num select(Bool c, Num a, Num b);
Num select(Bool c, Num a, double b);
Num select(Bool c, double a, Num b);
Num select(Bool c, double a, double b);
Int select(Bool c, Int a, Int b);

/// `a` where it is at most `limit` or NaN, `limit` otherwise; one instruction.
Num atMost(Num a, double limit);
Num atLeast(Num a, double limit);

Int bits(Num a);
Num fromBits(Int a);
Int operator+(Int a, Int b);
Int operator+(Int a, int64_t b);
Int operator-(Int a, Int b);
Int operator-(Int a, int64_t b);
Int operator&(Int a, int64_t b);
Int operator^(Int a, Int b);
Int operator<<(Int a, int64_t b);
Int shiftRight(Int a, int64_t b); // logical
Bool operator==(Int a, int64_t b);

/// c[0] + c[1] x + c[2] x^2 + ...
Num polynomial(Num x, llvm::ArrayRef<double> c);

/// The integer nearest to `x` (|x| < 2^(mantissaBits - 2)) as a number.
Num nearest(Num x);
/// The integer nearest to x * factor.
Num nearestProduct(Num x, double factor);
/// 2^n for an integer `n` in the range of exponents.
Num powerOfTwo(Num n);
/// x * 2^n for any integer n of at most twice the range of exponents.
Num scale(Num x, Num n);

/// The same as one instruction, for any integer n; only where `hasScale`.
bool hasScale(const Emitter &e);
Num scaleByInstruction(Num x, Num n);

/// Exact sums and products.
Pair twoSum(Num a, Num b);
Pair twoProduct(Num a, Num b);
/// Where |a| >= |b|.
Pair quickTwoSum(Num a, Num b);

} // namespace longtail::math
