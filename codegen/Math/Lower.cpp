// Which operation is lowered by which function.
#include "codegen/Math/Functions.h"
#include "codegen/Math/SmallFloats.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace longtail::math {

Num widen(Num x, Emitter &wide) {
  return wide.num(arith::ExtFOp::create(wide.b, wide.loc, wide.type, x.v));
}
Num narrow(Num x, Emitter &single) {
  return single.num(arith::TruncFOp::create(single.b, single.loc, single.type, x.v));
}

namespace {

using Unary = Num (*)(Num);

/// Functions with an implementation of their own for f32.
Unary unaryOfBoth(Operation *op) {
  return llvm::TypeSwitch<Operation *, Unary>(op)
      .Case([](mlir::math::ExpOp) { return static_cast<Unary>(exp); })
      .Case([](mlir::math::Exp2Op) { return exp2; })
      .Case([](mlir::math::ExpM1Op) { return expm1; })
      .Case([](mlir::math::LogOp) { return log; })
      .Case([](mlir::math::Log2Op) { return log2; })
      .Case([](mlir::math::Log10Op) { return log10; })
      .Case([](mlir::math::Log1pOp) { return log1p; })
      .Case([](mlir::math::TanhOp) { return tanh; })
      .Case([](mlir::math::ErfOp) { return erf; })
      .Case([](mlir::math::SinOp) { return sin; })
      .Case([](mlir::math::CosOp) { return cos; })
      .Default([](Operation *) { return nullptr; });
}

Unary unaryOfDouble(Operation *op) {
  return llvm::TypeSwitch<Operation *, Unary>(op)
      .Case([](mlir::math::ErfcOp) { return erfc; })
      .Case([](mlir::math::TanOp) { return tan; })
      .Case([](mlir::math::AsinOp) { return asin; })
      .Case([](mlir::math::AcosOp) { return acos; })
      .Case([](mlir::math::AtanOp) { return atan; })
      .Case([](mlir::math::SinhOp) { return sinh; })
      .Case([](mlir::math::CoshOp) { return cosh; })
      .Case([](mlir::math::AsinhOp) { return asinh; })
      .Case([](mlir::math::AcoshOp) { return acosh; })
      .Case([](mlir::math::AtanhOp) { return atanh; })
      .Case([](mlir::math::CbrtOp) { return cbrt; })
      .Default([](Operation *) { return nullptr; });
}

/// Halves go away from zero: the number below 1/2 is added, so that it does not reach the next one.
Num roundAway(Num x) {
  double below = x.e->isDouble() ? 0.49999999999999994 : 0.49999997;
  return trunc(x + copysign((*x.e)(below), x));
}

/// base^exponent by squaring; a negative exponent gives 0 for |base| > 1.
Value integerPower(OpBuilder &b, Location loc, Value base, Value exponent) {
  Type type = base.getType();
  unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  auto constant = [&](int64_t value) -> Value {
    Attribute attribute = b.getIntegerAttr(getElementTypeOrSelf(type), value);
    if (auto shape = dyn_cast<ShapedType>(type))
      attribute = DenseElementsAttr::get(shape, attribute);
    return arith::ConstantOp::create(b, loc, cast<TypedAttr>(attribute));
  };
  auto equal = [&](Value l, Value r) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, l, r);
  };
  Value zero = constant(0), one = constant(1);
  Value low = arith::ConstantIndexOp::create(b, loc, 0);
  Value high = arith::ConstantIndexOp::create(b, loc, width);
  Value step = arith::ConstantIndexOp::create(b, loc, 1);
  // Of a negative exponent only whether it is odd matters, for the base -1.
  Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, exponent, zero);
  auto loop = scf::ForOp::create(b, loc, low, high, step, ValueRange{one, base, exponent});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value result = loop.getRegionIterArg(0), square = loop.getRegionIterArg(1);
    Value left = loop.getRegionIterArg(2);
    Value odd = equal(arith::AndIOp::create(b, loc, left, one), one);
    Value times = arith::MulIOp::create(b, loc, result, square);
    result = arith::SelectOp::create(b, loc, odd, times, result);
    square = arith::MulIOp::create(b, loc, square, square);
    left = arith::ShRUIOp::create(b, loc, left, one);
    scf::YieldOp::create(b, loc, ValueRange{result, square, left});
  }
  Value magnitudeOne = arith::OrIOp::create(b, loc, equal(base, one), equal(base, constant(-1)));
  Value vanishes = arith::AndIOp::create(
      b, loc, negative, arith::XOrIOp::create(b, loc, magnitudeOne, equal(one, one)));
  return arith::SelectOp::create(b, loc, vanishes, zero, loop.getResult(0));
}

/// Operations that LLVM has instructions for on every target.
bool staysAsItIs(Operation *op, const MathOptions &options) {
  if (isa<mlir::math::FmaOp>(op))
    return options.fma;
  return isa<mlir::math::AbsFOp, mlir::math::AbsIOp, mlir::math::CeilOp, mlir::math::FloorOp,
             mlir::math::TruncOp, mlir::math::RoundEvenOp, mlir::math::CopySignOp,
             mlir::math::SqrtOp, mlir::math::RsqrtOp, mlir::math::CountLeadingZerosOp,
             mlir::math::CountTrailingZerosOp, mlir::math::CtPopOp, mlir::math::IsFiniteOp,
             mlir::math::IsInfOp, mlir::math::IsNaNOp, mlir::math::IsNormalOp>(op);
}

/// Values for the results of `op`; empty where there is no lowering.
SmallVector<Value> lower(Operation *op, Emitter &e, Emitter &wide) {
  Num x = e.num(op->getOperand(0));
  if (Unary function = unaryOfBoth(op))
    return {function(x).v};
  // In f64, for both types.
  auto doubly = [&](auto function) -> Value {
    if (e.isDouble())
      return function(e).v;
    return narrow(function(wide), e).v;
  };
  auto operand = [&](Emitter &in, unsigned i) {
    Num value = e.num(op->getOperand(i));
    return &in == &e ? value : widen(value, in);
  };
  if (Unary function = unaryOfDouble(op))
    return {doubly([&](Emitter &in) { return function(operand(in, 0)); })};
  bool coarse = !e.isDouble();
  if (isa<mlir::math::PowFOp>(op))
    return {doubly([&](Emitter &in) { return pow(operand(in, 0), operand(in, 1), coarse); })};
  if (isa<mlir::math::Atan2Op>(op))
    return {doubly([&](Emitter &in) { return atan2(operand(in, 0), operand(in, 1)); })};
  if (isa<arith::RemFOp>(op))
    return {doubly([&](Emitter &in) { return fmod(operand(in, 0), operand(in, 1)); })};
  if (isa<mlir::math::FPowIOp>(op))
    return {doubly([&](Emitter &in) {
      Num y = in.num(arith::SIToFPOp::create(in.b, in.loc, in.type, op->getOperand(1)));
      return pow(operand(in, 0), y, coarse);
    })};
  if (isa<mlir::math::SincosOp>(op))
    return {sin(x).v, cos(x).v};
  if (isa<mlir::math::RoundOp>(op))
    return {roundAway(x).v};
  if (isa<mlir::math::FmaOp>(op))
    return {(x * e.num(op->getOperand(1)) + e.num(op->getOperand(2))).v};
  if (isa<mlir::math::ClampFOp>(op)) {
    Value atLeast = arith::MaximumFOp::create(e.b, e.loc, x.v, op->getOperand(1));
    return {arith::MinimumFOp::create(e.b, e.loc, atLeast, op->getOperand(2))};
  }
  return {};
}

LogicalResult lowerOperation(Operation *op, const MathOptions &options) {
  bool isMath = isa<mlir::math::MathDialect>(op->getDialect());
  if ((!isMath && !isa<arith::RemFOp>(op)) || staysAsItIs(op, options))
    return success();
  OpBuilder b(op);
  Type type = op->getOperand(0).getType(), element = getElementTypeOrSelf(type);
  auto vector = dyn_cast<VectorType>(type);
  SmallVector<Value> results;
  if (vector && (vector.getRank() != 1 || vector.isScalable()))
    return op->emitOpError("is lowered for scalars and vectors of one fixed dimension only");
  if (isa<mlir::math::IPowIOp>(op)) {
    results = {integerPower(b, op->getLoc(), op->getOperand(0), op->getOperand(1))};
  } else if (element.isF32() || element.isF64()) {
    Emitter e(b, op->getLoc(), type, options);
    Emitter wide(b, op->getLoc(), e.shaped(b.getF64Type()), options);
    results = lower(op, e, wide);
  }
  if (results.empty())
    return op->emitOpError() << "has no lowering for " << type;
  op->replaceAllUsesWith(results);
  op->erase();
  return success();
}

/// All operations below `root`, so that what is made of them can be changed on the way.
SmallVector<Operation *> collect(Operation *root) {
  SmallVector<Operation *> ops;
  root->walk([&](Operation *op) {
    if (isa_and_nonnull<arith::ArithDialect, mlir::math::MathDialect>(op->getDialect()) ||
        op->getName().getDialectNamespace() == "vector")
      ops.push_back(op);
  });
  return ops;
}

} // namespace

LogicalResult lowerMath(Operation *root, const MathOptions &options) {
  for (Operation *op : collect(root))
    computeInSingle(op);
  for (Operation *op : collect(root))
    if (failed(lowerOperation(op, options)))
      return failure();
  for (Operation *op : collect(root))
    selectAsBits(op);
  for (Operation *op : collect(root))
    splitConversion(op, options);
  for (Operation *op : collect(root))
    expandConversion(op, options);
  return success();
}

} // namespace longtail::math
