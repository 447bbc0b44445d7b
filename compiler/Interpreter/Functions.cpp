#include "compiler/Interpreter/Functions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/APInt.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace longtail::interpreter {

/// The smaller of two numbers where -0 is less than 0; the comparison decides which is which.
static double lesser(double a, double b) { return a < b || (a == b && std::signbit(a)) ? a : b; }

template <double (*Function)(double, double)> static double propagating(const double *v) {
  return std::isnan(v[0]) ? v[0] : std::isnan(v[1]) ? v[1] : Function(v[0], v[1]);
}
template <double (*Function)(double, double)> static double ignoring(const double *v) {
  return std::isnan(v[0]) ? v[1] : std::isnan(v[1]) ? v[0] : Function(v[0], v[1]);
}
static double least(double a, double b) { return lesser(a, b); }
static double greatest(double a, double b) { return -lesser(-a, -b); }

RealFunction realFunctionOf(Operation *op) {
  if (!llvm::all_of(op->getOperandTypes(),
                    [&](Type type) { return type == op->getResult(0).getType(); }))
    return nullptr;
  using V = const double *;
  return llvm::TypeSwitch<Operation *, RealFunction>(op)
      .Case<arith::AddFOp>([](auto) { return +[](V v) { return v[0] + v[1]; }; })
      .Case<arith::SubFOp>([](auto) { return +[](V v) { return v[0] - v[1]; }; })
      .Case<arith::MulFOp>([](auto) { return +[](V v) { return v[0] * v[1]; }; })
      .Case<arith::DivFOp>([](auto) { return +[](V v) { return v[0] / v[1]; }; })
      .Case<arith::RemFOp>([](auto) { return +[](V v) { return std::fmod(v[0], v[1]); }; })
      .Case<arith::NegFOp>([](auto) { return +[](V v) { return -v[0]; }; })
      .Case<arith::MaximumFOp>([](auto) { return propagating<greatest>; })
      .Case<arith::MinimumFOp>([](auto) { return propagating<least>; })
      .Case<arith::MaxNumFOp>([](auto) { return ignoring<greatest>; })
      .Case<arith::MinNumFOp>([](auto) { return ignoring<least>; })
      .Case<math::AbsFOp>([](auto) { return +[](V v) { return std::fabs(v[0]); }; })
      .Case<math::ExpOp>([](auto) { return +[](V v) { return std::exp(v[0]); }; })
      .Case<math::Exp2Op>([](auto) { return +[](V v) { return std::exp2(v[0]); }; })
      .Case<math::ExpM1Op>([](auto) { return +[](V v) { return std::expm1(v[0]); }; })
      .Case<math::LogOp>([](auto) { return +[](V v) { return std::log(v[0]); }; })
      .Case<math::Log2Op>([](auto) { return +[](V v) { return std::log2(v[0]); }; })
      .Case<math::Log10Op>([](auto) { return +[](V v) { return std::log10(v[0]); }; })
      .Case<math::Log1pOp>([](auto) { return +[](V v) { return std::log1p(v[0]); }; })
      .Case<math::SqrtOp>([](auto) { return +[](V v) { return std::sqrt(v[0]); }; })
      .Case<math::RsqrtOp>([](auto) { return +[](V v) { return 1 / std::sqrt(v[0]); }; })
      .Case<math::CbrtOp>([](auto) { return +[](V v) { return std::cbrt(v[0]); }; })
      .Case<math::SinOp>([](auto) { return +[](V v) { return std::sin(v[0]); }; })
      .Case<math::CosOp>([](auto) { return +[](V v) { return std::cos(v[0]); }; })
      .Case<math::TanOp>([](auto) { return +[](V v) { return std::tan(v[0]); }; })
      .Case<math::AsinOp>([](auto) { return +[](V v) { return std::asin(v[0]); }; })
      .Case<math::AcosOp>([](auto) { return +[](V v) { return std::acos(v[0]); }; })
      .Case<math::AtanOp>([](auto) { return +[](V v) { return std::atan(v[0]); }; })
      .Case<math::Atan2Op>([](auto) { return +[](V v) { return std::atan2(v[0], v[1]); }; })
      .Case<math::SinhOp>([](auto) { return +[](V v) { return std::sinh(v[0]); }; })
      .Case<math::CoshOp>([](auto) { return +[](V v) { return std::cosh(v[0]); }; })
      .Case<math::TanhOp>([](auto) { return +[](V v) { return std::tanh(v[0]); }; })
      .Case<math::AsinhOp>([](auto) { return +[](V v) { return std::asinh(v[0]); }; })
      .Case<math::AcoshOp>([](auto) { return +[](V v) { return std::acosh(v[0]); }; })
      .Case<math::AtanhOp>([](auto) { return +[](V v) { return std::atanh(v[0]); }; })
      .Case<math::ErfOp>([](auto) { return +[](V v) { return std::erf(v[0]); }; })
      .Case<math::ErfcOp>([](auto) { return +[](V v) { return std::erfc(v[0]); }; })
      .Case<math::FloorOp>([](auto) { return +[](V v) { return std::floor(v[0]); }; })
      .Case<math::CeilOp>([](auto) { return +[](V v) { return std::ceil(v[0]); }; })
      .Case<math::TruncOp>([](auto) { return +[](V v) { return std::trunc(v[0]); }; })
      .Case<math::RoundOp>([](auto) { return +[](V v) { return std::round(v[0]); }; })
      // The rounding mode of the process is never another one than to nearest even.
      .Case<math::RoundEvenOp>([](auto) { return +[](V v) { return std::nearbyint(v[0]); }; })
      .Case<math::PowFOp>([](auto) { return +[](V v) { return std::pow(v[0], v[1]); }; })
      .Case<math::CopySignOp>([](auto) { return +[](V v) { return std::copysign(v[0], v[1]); }; })
      .Case<math::FmaOp>([](auto) { return +[](V v) { return std::fma(v[0], v[1], v[2]); }; })
      .Default(RealFunction(nullptr));
}

/// Wraps; of a negative power what is left of the fraction.
static Scalar integerPower(llvm::APInt base, llvm::APInt exponent) {
  llvm::APInt one(base.getBitWidth(), 1);
  if (exponent.isNegative()) {
    if (base.isZero())
      return {};
    if (base.isAllOnes() && exponent[0])
      return Scalar::of(base.getZExtValue());
    return Scalar::of(base.isAllOnes() || base == one);
  }
  llvm::APInt result = one;
  for (; !exponent.isZero(); exponent.lshrInPlace(1), base *= base)
    if (exponent[0])
      result *= base;
  return Scalar::of(result.getZExtValue());
}

Evaluate integerFunctionOf(Operation *op) {
  Type type = op->getOperand(0).getType();
  unsigned width = widthOf(type);
  if (auto real = dyn_cast<FloatType>(type)) {
    using Test = bool (*)(double);
    Test test =
        llvm::TypeSwitch<Operation *, Test>(op)
            .Case<math::IsNaNOp>([](auto) { return +[](double x) { return x != x; }; })
            .Case<math::IsInfOp>([](auto) { return +[](double x) { return bool(std::isinf(x)); }; })
            .Case<math::IsFiniteOp>(
                [](auto) { return +[](double x) { return bool(std::isfinite(x)); }; })
            .Default(Test(nullptr));
    if (!test)
      return {};
    return [test, &semantics = real.getFloatSemantics()](const Scalar *v) {
      return v[0].defined ? Scalar::of(test(toDouble(v[0], semantics))) : Scalar();
    };
  }
  if (isa<math::IPowIOp>(op))
    return [width](const Scalar *v) {
      if (!v[0].defined || !v[1].defined)
        return Scalar();
      return integerPower(llvm::APInt(width, v[0].bits), llvm::APInt(width, v[1].bits));
    };
  using Unary = llvm::APInt (*)(const llvm::APInt &);
  Unary unary =
      llvm::TypeSwitch<Operation *, Unary>(op)
          .Case<math::AbsIOp>([](auto) { return +[](const llvm::APInt &a) { return a.abs(); }; })
          .Case<math::CountLeadingZerosOp>([](auto) {
            return +[](const llvm::APInt &a) {
              return llvm::APInt(a.getBitWidth(), a.countl_zero());
            };
          })
          .Case<math::CountTrailingZerosOp>([](auto) {
            return +[](const llvm::APInt &a) {
              return llvm::APInt(a.getBitWidth(), a.countr_zero());
            };
          })
          .Case<math::CtPopOp>([](auto) {
            return +[](const llvm::APInt &a) { return llvm::APInt(a.getBitWidth(), a.popcount()); };
          })
          .Default(Unary(nullptr));
  if (!unary)
    return {};
  return [unary, width](const Scalar *v) {
    return v[0].defined ? Scalar::of(unary(llvm::APInt(width, v[0].bits)).getZExtValue())
                        : Scalar();
  };
}

} // namespace longtail::interpreter
