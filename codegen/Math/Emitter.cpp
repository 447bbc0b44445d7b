#include "codegen/Math/Emitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;

namespace longtail::math {

Type Emitter::shaped(Type scalar) const {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(scalar)) : scalar;
}

Type Emitter::intType() const { return shaped(b.getIntegerType(width())); }
Type Emitter::boolType() const { return shaped(b.getI1Type()); }

Value Emitter::constant(Type of, Attribute element) {
  if (auto shape = dyn_cast<ShapedType>(of))
    element = DenseElementsAttr::get(shape, element);
  return arith::ConstantOp::create(b, loc, cast<TypedAttr>(element));
}

Num Emitter::operator()(double value) {
  return {this, constant(type, b.getFloatAttr(getElementTypeOrSelf(type), value))};
}

Int Emitter::integer(int64_t value) {
  Type of = intType();
  return {this, constant(of, b.getIntegerAttr(getElementTypeOrSelf(of), value))};
}

Num Emitter::infinity() { return (*this)(std::numeric_limits<double>::infinity()); }
Num Emitter::nan() { return (*this)(std::numeric_limits<double>::quiet_NaN()); }

template <typename Op> static Value binary(Emitter *e, Value a, Value b) {
  return Op::create(e->b, e->loc, a, b);
}

Num operator+(Num a, Num b) { return {a.e, binary<arith::AddFOp>(a.e, a.v, b.v)}; }
Num operator-(Num a, Num b) { return {a.e, binary<arith::SubFOp>(a.e, a.v, b.v)}; }
Num operator*(Num a, Num b) { return {a.e, binary<arith::MulFOp>(a.e, a.v, b.v)}; }
Num operator/(Num a, Num b) { return {a.e, binary<arith::DivFOp>(a.e, a.v, b.v)}; }
Num operator-(Num a) { return {a.e, arith::NegFOp::create(a.e->b, a.e->loc, a.v)}; }
Num operator+(Num a, double b) { return a + (*a.e)(b); }
Num operator-(Num a, double b) { return a - (*a.e)(b); }
Num operator-(double a, Num b) { return (*b.e)(a)-b; }
Num operator*(Num a, double b) { return a * (*a.e)(b); }

Num fma(Num a, Num b, Num c) {
  if (!a.e->options.fma)
    return a * b + c;
  return {a.e, mlir::math::FmaOp::create(a.e->b, a.e->loc, a.v, b.v, c.v)};
}
Num sqrt(Num a) { return {a.e, mlir::math::SqrtOp::create(a.e->b, a.e->loc, a.v)}; }
Num abs(Num a) { return {a.e, mlir::math::AbsFOp::create(a.e->b, a.e->loc, a.v)}; }
Num trunc(Num a) { return {a.e, mlir::math::TruncOp::create(a.e->b, a.e->loc, a.v)}; }
Num copysign(Num a, Num sign) {
  return {a.e, mlir::math::CopySignOp::create(a.e->b, a.e->loc, a.v, sign.v)};
}

static Bool compare(arith::CmpFPredicate predicate, Num a, Num b) {
  return {a.e, arith::CmpFOp::create(a.e->b, a.e->loc, predicate, a.v, b.v)};
}
Bool operator<(Num a, Num b) { return compare(arith::CmpFPredicate::OLT, a, b); }
Bool operator<(Num a, double b) { return a < (*a.e)(b); }
Bool operator>(Num a, Num b) { return compare(arith::CmpFPredicate::OGT, a, b); }
Bool operator>(Num a, double b) { return a > (*a.e)(b); }
Bool operator>=(Num a, Num b) { return compare(arith::CmpFPredicate::OGE, a, b); }
Bool operator>=(Num a, double b) { return a >= (*a.e)(b); }
Bool operator==(Num a, Num b) { return compare(arith::CmpFPredicate::OEQ, a, b); }
Bool operator==(Num a, double b) { return a == (*a.e)(b); }
Bool differ(Num a, Num b) { return compare(arith::CmpFPredicate::UNE, a, b); }
Bool isNan(Num a) { return compare(arith::CmpFPredicate::UNO, a, a); }
Bool operator&(Bool a, Bool b) { return {a.e, binary<arith::AndIOp>(a.e, a.v, b.v)}; }
Bool operator|(Bool a, Bool b) { return {a.e, binary<arith::OrIOp>(a.e, a.v, b.v)}; }

static Value selectValue(Bool c, Value a, Value b) {
  return arith::SelectOp::create(c.e->b, c.e->loc, c.v, a, b);
}
Num select(Bool c, Num a, Num b) { return {c.e, selectValue(c, a.v, b.v)}; }
Num select(Bool c, Num a, double b) { return select(c, a, (*c.e)(b)); }
Num select(Bool c, double a, Num b) { return select(c, (*c.e)(a), b); }
Num select(Bool c, double a, double b) { return select(c, (*c.e)(a), (*c.e)(b)); }
Int select(Bool c, Int a, Int b) { return {c.e, selectValue(c, a.v, b.v)}; }

Num atMost(Num a, double limit) {
  Num l = (*a.e)(limit);
  return select(l < a, l, a);
}
Num atLeast(Num a, double limit) {
  Num l = (*a.e)(limit);
  return select(l > a, l, a);
}

Int bits(Num a) { return {a.e, arith::BitcastOp::create(a.e->b, a.e->loc, a.e->intType(), a.v)}; }
Num fromBits(Int a) { return {a.e, arith::BitcastOp::create(a.e->b, a.e->loc, a.e->type, a.v)}; }
Int operator+(Int a, Int b) { return {a.e, binary<arith::AddIOp>(a.e, a.v, b.v)}; }
Int operator+(Int a, int64_t b) { return a + a.e->integer(b); }
Int operator-(Int a, Int b) { return {a.e, binary<arith::SubIOp>(a.e, a.v, b.v)}; }
Int operator-(Int a, int64_t b) { return a - a.e->integer(b); }
Int operator&(Int a, int64_t b) {
  return {a.e, binary<arith::AndIOp>(a.e, a.v, a.e->integer(b).v)};
}
Int operator^(Int a, Int b) { return {a.e, binary<arith::XOrIOp>(a.e, a.v, b.v)}; }
Int operator<<(Int a, int64_t b) {
  return {a.e, binary<arith::ShLIOp>(a.e, a.v, a.e->integer(b).v)};
}
Int shiftRight(Int a, int64_t b) {
  return {a.e, binary<arith::ShRUIOp>(a.e, a.v, a.e->integer(b).v)};
}
Bool operator==(Int a, int64_t b) {
  return {a.e, arith::CmpIOp::create(a.e->b, a.e->loc, arith::CmpIPredicate::eq, a.v,
                                     a.e->integer(b).v)};
}

Num polynomial(Num x, ArrayRef<double> c) {
  Num result = (*x.e)(c.back());
  for (double next : llvm::reverse(c.drop_back()))
    result = fma(result, x, (*x.e)(next));
  return result;
}

Num nearest(Num x) {
  Num magic = (*x.e)(x.e->magic());
  return (x + magic) - magic;
}

Num nearestProduct(Num x, double factor) {
  Num magic = (*x.e)(x.e->magic());
  return fma(x, (*x.e)(factor), magic) - magic;
}

Num powerOfTwo(Num n) {
  return fromBits((bits(n + n.e->magic()) << n.e->mantissaBits()) + n.e->oneBits());
}

Num scale(Num x, Num n) {
  Num half = nearest(n * 0.5);
  return x * powerOfTwo(half) * powerOfTwo(n - half);
}

bool hasScale(const Emitter &e) {
  auto vector = dyn_cast<VectorType>(e.type);
  return e.options.scale && vector && vector.getNumElements() * e.width() == 512;
}

Num scaleByInstruction(Num x, Num n) {
  Emitter &e = *x.e;
  // vscalefps/pd of AVX-512: all lanes, rounding as the machine is set.
  Value all = arith::ConstantOp::create(
      e.b, e.loc, e.b.getIntegerAttr(e.b.getIntegerType(512 / e.width()), -1));
  Value rounding = arith::ConstantOp::create(e.b, e.loc, e.b.getI32IntegerAttr(4));
  auto name = e.b.getStringAttr(e.isDouble() ? "llvm.x86.avx512.mask.scalef.pd.512"
                                             : "llvm.x86.avx512.mask.scalef.ps.512");
  auto call = LLVM::CallIntrinsicOp::create(e.b, e.loc, e.type, name,
                                            ValueRange{x.v, n.v, x.v, all, rounding});
  return {&e, call.getResult(0)};
}

Pair twoSum(Num a, Num b) {
  Num sum = a + b;
  Num fromB = sum - a;
  Num fromA = sum - fromB;
  Num errorB = b - fromB;
  return {sum, (a - fromA) + errorB};
}

Pair quickTwoSum(Num a, Num b) {
  Num sum = a + b;
  Num taken = sum - a;
  return {sum, b - taken};
}

/// The upper half of the bits of `a`, and the rest.
static Pair halves(Num a) {
  Num scaled = a * (a.e->isDouble() ? 134217729.0 : 4097.0);
  Num over = scaled - a;
  Num high = scaled - over;
  return {high, a - high};
}

Pair twoProduct(Num a, Num b) {
  Num product = a * b;
  if (a.e->options.fma)
    return {product, fma(a, b, -product)};
  Pair x = halves(a), y = halves(b);
  Num error = x.high * y.high - product;
  error = error + x.high * y.low;
  error = error + x.low * y.high;
  return {product, error + x.low * y.low};
}

} // namespace longtail::math
