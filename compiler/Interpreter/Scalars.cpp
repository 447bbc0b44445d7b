#include "compiler/Interpreter/Scalars.h"
#include "compiler/Interpreter/Functions.h"
#include "dialects/Compute/IR/Compute.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/APInt.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using llvm::APFloat;
using llvm::APInt;

namespace longtail::interpreter {

unsigned widthOf(Type type) {
  if (type.isIndex())
    return 64;
  unsigned width = type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 0;
  return width <= 64 ? width : 0;
}

Scalar scalarOf(Attribute value) {
  if (auto number = dyn_cast<FloatAttr>(value))
    return Scalar::of(number.getValue().bitcastToAPInt().getZExtValue());
  if (auto number = dyn_cast<IntegerAttr>(value))
    return Scalar::of(number.getValue().getZExtValue());
  return {};
}

int64_t toInteger(Scalar value, unsigned width) { return llvm::SignExtend64(value.bits, width); }

Scalar fromInteger(int64_t value, unsigned width) {
  return Scalar::of(static_cast<uint64_t>(value) & llvm::maskTrailingOnes<uint64_t>(width));
}

double toDouble(Scalar value, const llvm::fltSemantics &semantics) {
  if (&semantics == &APFloat::IEEEdouble())
    return llvm::bit_cast<double>(value.bits);
  if (&semantics == &APFloat::IEEEsingle())
    return llvm::bit_cast<float>(static_cast<uint32_t>(value.bits));
  APFloat number(semantics, APInt(APFloat::getSizeInBits(semantics), value.bits));
  bool inexact;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
  return number.convertToDouble();
}

Scalar fromDouble(double value, const llvm::fltSemantics &semantics) {
  if (&semantics == &APFloat::IEEEdouble())
    return Scalar::of(llvm::bit_cast<uint64_t>(value));
  if (&semantics == &APFloat::IEEEsingle())
    return Scalar::of(llvm::bit_cast<uint32_t>(static_cast<float>(value)));
  APFloat number(value);
  bool inexact;
  number.convert(semantics, APFloat::rmNearestTiesToEven, &inexact);
  return Scalar::of(number.bitcastToAPInt().getZExtValue());
}

std::string textOf(Scalar value, Type type) {
  if (!value.defined)
    return "an undefined value";
  if (type.isInteger(1))
    return value.bits ? "true" : "false";
  if (auto real = dyn_cast<FloatType>(type)) {
    llvm::SmallString<24> text;
    APFloat(real.getFloatSemantics(), APInt(real.getWidth(), value.bits)).toString(text);
    return text.str().str();
  }
  return llvm::itostr(toInteger(value, widthOf(type)));
}

using MaybeInt = std::optional<APInt>;

template <typename Function> static Evaluate integers(Operation *op, Function function) {
  unsigned width = widthOf(op->getOperand(0).getType());
  return [=](const Scalar *v) {
    if (!v[0].defined || !v[1].defined)
      return Scalar();
    MaybeInt result = function(APInt(width, v[0].bits), APInt(width, v[1].bits));
    return result ? Scalar::of(result->getZExtValue()) : Scalar();
  };
}

/// Conversions of the bits from the operand's width to the result's.
template <typename Function> static Evaluate converted(Operation *op, Function function) {
  unsigned from = widthOf(op->getOperand(0).getType()), to = widthOf(op->getResult(0).getType());
  return [=](const Scalar *v) {
    return v[0].defined ? Scalar::of(function(APInt(from, v[0].bits), to).getZExtValue())
                        : Scalar();
  };
}

static bool holds(arith::CmpIPredicate predicate, const APInt &a, const APInt &b) {
  return arith::applyCmpPredicate(predicate, a, b);
}

/// Undefined where the divisor is 0 or the quotient does not fit.
static bool canDivide(const APInt &a, const APInt &b) {
  return !b.isZero() && !(a.isMinSignedValue() && b.isAllOnes());
}

static Evaluate integerOperation(Operation *op) {
  auto of = [&](auto function) { return integers(op, function); };
  return llvm::TypeSwitch<Operation *, Evaluate>(op)
      .Case<arith::AddIOp>([&](auto) { return of([](APInt a, APInt b) { return a + b; }); })
      .Case<arith::SubIOp>([&](auto) { return of([](APInt a, APInt b) { return a - b; }); })
      .Case<arith::MulIOp>([&](auto) { return of([](APInt a, APInt b) { return a * b; }); })
      .Case<arith::AndIOp>([&](auto) { return of([](APInt a, APInt b) { return a & b; }); })
      .Case<arith::OrIOp>([&](auto) { return of([](APInt a, APInt b) { return a | b; }); })
      .Case<arith::XOrIOp>([&](auto) { return of([](APInt a, APInt b) { return a ^ b; }); })
      .Case<arith::MaxSIOp>([&](auto) { return of(llvm::APIntOps::smax); })
      .Case<arith::MinSIOp>([&](auto) { return of(llvm::APIntOps::smin); })
      .Case<arith::MaxUIOp>([&](auto) { return of(llvm::APIntOps::umax); })
      .Case<arith::MinUIOp>([&](auto) { return of(llvm::APIntOps::umin); })
      .Case<arith::DivSIOp>([&](auto) {
        return of(
            [](APInt a, APInt b) { return canDivide(a, b) ? MaybeInt(a.sdiv(b)) : MaybeInt(); });
      })
      .Case<arith::RemSIOp>([&](auto) {
        return of([](APInt a, APInt b) { return b.isZero() ? MaybeInt() : MaybeInt(a.srem(b)); });
      })
      .Case<arith::DivUIOp>([&](auto) {
        return of([](APInt a, APInt b) { return b.isZero() ? MaybeInt() : MaybeInt(a.udiv(b)); });
      })
      .Case<arith::RemUIOp>([&](auto) {
        return of([](APInt a, APInt b) { return b.isZero() ? MaybeInt() : MaybeInt(a.urem(b)); });
      })
      .Case<arith::FloorDivSIOp>([&](auto) {
        return of([](APInt a, APInt b) {
          return canDivide(a, b)
                     ? MaybeInt(llvm::APIntOps::RoundingSDiv(a, b, APInt::Rounding::DOWN))
                     : MaybeInt();
        });
      })
      .Case<arith::CeilDivSIOp>([&](auto) {
        return of([](APInt a, APInt b) {
          return canDivide(a, b) ? MaybeInt(llvm::APIntOps::RoundingSDiv(a, b, APInt::Rounding::UP))
                                 : MaybeInt();
        });
      })
      .Case<arith::CeilDivUIOp>([&](auto) {
        return of([](APInt a, APInt b) {
          return b.isZero() ? MaybeInt()
                            : MaybeInt(llvm::APIntOps::RoundingUDiv(a, b, APInt::Rounding::UP));
        });
      })
      .Case<arith::ShLIOp>([&](auto) {
        return of([](APInt a, APInt b) {
          return b.ult(a.getBitWidth()) ? MaybeInt(a.shl(b)) : MaybeInt();
        });
      })
      .Case<arith::ShRSIOp>([&](auto) {
        return of([](APInt a, APInt b) {
          return b.ult(a.getBitWidth()) ? MaybeInt(a.ashr(b)) : MaybeInt();
        });
      })
      .Case<arith::ShRUIOp>([&](auto) {
        return of([](APInt a, APInt b) {
          return b.ult(a.getBitWidth()) ? MaybeInt(a.lshr(b)) : MaybeInt();
        });
      })
      .Case<arith::CmpIOp>([&](arith::CmpIOp compare) {
        return of([predicate = compare.getPredicate()](APInt a, APInt b) {
          return APInt(1, holds(predicate, a, b));
        });
      })
      .Case<arith::ExtSIOp, arith::IndexCastOp>([&](auto) {
        return converted(op, [](APInt a, unsigned to) { return a.sextOrTrunc(to); });
      })
      .Case<arith::ExtUIOp, arith::TruncIOp, arith::IndexCastUIOp, arith::BitcastOp>([&](auto) {
        return converted(op, [](APInt a, unsigned to) { return a.zextOrTrunc(to); });
      })
      .Default(Evaluate());
}

static Evaluate conversion(Operation *op) {
  Type from = op->getOperand(0).getType(), to = op->getResult(0).getType();
  auto real = dyn_cast<FloatType>(isa<FloatType>(to) ? to : from);
  if (!real)
    return {};
  const llvm::fltSemantics &semantics = real.getFloatSemantics();
  if (isa<arith::SIToFPOp, arith::UIToFPOp>(op))
    return
        [width = widthOf(from), isSigned = isa<arith::SIToFPOp>(op), &semantics](const Scalar *v) {
          if (!v[0].defined)
            return Scalar();
          APFloat result(semantics);
          result.convertFromAPInt(APInt(width, v[0].bits), isSigned, APFloat::rmNearestTiesToEven);
          return Scalar::of(result.bitcastToAPInt().getZExtValue());
        };
  if (isa<arith::FPToSIOp, arith::FPToUIOp>(op))
    return [width = widthOf(to), isSigned = isa<arith::FPToSIOp>(op), &semantics](const Scalar *v) {
      if (!v[0].defined)
        return Scalar();
      APFloat value(semantics, APInt(APFloat::getSizeInBits(semantics), v[0].bits));
      llvm::APSInt result(width, !isSigned);
      bool exact;
      if (value.convertToInteger(result, APFloat::rmTowardZero, &exact) & APFloat::opInvalidOp)
        return Scalar(); // too large for the type
      return Scalar::of(result.getZExtValue());
    };
  if (isa<arith::ExtFOp, arith::TruncFOp>(op))
    return [&source = cast<FloatType>(from).getFloatSemantics(), &semantics](const Scalar *v) {
      return v[0].defined ? fromDouble(toDouble(v[0], source), semantics) : Scalar();
    };
  return {};
}

static Evaluate comparison(arith::CmpFOp op) {
  return [&semantics = cast<FloatType>(op.getLhs().getType()).getFloatSemantics(),
          predicate = op.getPredicate()](const Scalar *v) {
    if (!v[0].defined || !v[1].defined)
      return Scalar();
    return Scalar::of(arith::applyCmpPredicate(predicate, APFloat(toDouble(v[0], semantics)),
                                               APFloat(toDouble(v[1], semantics))));
  };
}

/// Functions of real numbers are computed in double and rounded once. That is exact for the four
/// operations and the root of all narrower types.
static Evaluate realOperation(Operation *op) {
  RealFunction function = realFunctionOf(op);
  auto type = dyn_cast<FloatType>(op->getResult(0).getType());
  if (!function || !type || type.getWidth() > 64)
    return {};
  return [function, count = op->getNumOperands(),
          &semantics = type.getFloatSemantics()](const Scalar *v) {
    double values[3] = {};
    for (unsigned i = 0; i < count; ++i) {
      if (!v[i].defined)
        return Scalar();
      values[i] = toDouble(v[i], semantics);
    }
    return fromDouble(function(values), semantics);
  };
}

/// Sum of products of four bytes, unsigned ones and signed ones.
static Scalar dot(const Scalar *v) {
  if (!v[0].defined || !v[1].defined || !v[2].defined)
    return Scalar();
  uint32_t sum = v[2].bits;
  for (int shift = 0; shift < 32; shift += 8) {
    uint32_t a = uint8_t(v[0].bits >> shift);
    sum += a * uint32_t(int8_t(v[1].bits >> shift));
  }
  return Scalar::of(sum);
}

Evaluate evaluatorOf(Operation *op) {
  if (isa<compute::DotOp>(op))
    return dot;
  if (op->getNumResults() != 1 || op->getNumOperands() == 0 || op->getNumOperands() > 3 ||
      widthOf(op->getResult(0).getType()) == 0 ||
      llvm::any_of(op->getOperandTypes(), [](Type type) { return widthOf(type) == 0; }))
    return {};
  if (isa<arith::SelectOp>(op))
    return [](const Scalar *v) { return !v[0].defined ? Scalar() : v[0].bits ? v[1] : v[2]; };
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    return comparison(compare);
  if (Evaluate found = integerOperation(op))
    return found;
  if (Evaluate found = conversion(op))
    return found;
  if (Evaluate found = realOperation(op))
    return found;
  return integerFunctionOf(op);
}

} // namespace longtail::interpreter
