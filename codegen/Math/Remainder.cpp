// The exact remainder of a division of floats.
#include "codegen/Math/Functions.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::math {

/// Takes about 20 bits of quotient off `rest` >= `divisor` > 0. The next rest is smaller, not
/// negative and exact: it is a multiple of what both operands are multiples of.
static Num reduce(Num rest, Num divisor) {
  Emitter &e = *rest.e;
  // Where the quotient is out of range a multiple of the divisor takes its place: quotients go up
  // to 2^2098. Splitting a product (where the machine has no fma) needs room above the factors.
  Num multiple = divisor;
  for (int i = 0; i < 3; ++i)
    multiple = select(rest * 0x1p-600 > multiple, multiple * 0x1p512, multiple);
  Num down = e(1.0), up = e(1.0);
  if (!e.options.fma) {
    Bool high = multiple > 0x1p960;
    down = select(high, 0x1p-60, 1.0);
    up = select(high, 0x1p60, 1.0);
    rest = rest * down;
    multiple = multiple * down;
  }
  Num quotient = trunc(rest / multiple);
  quotient = fromBits(bits(quotient) & ~((int64_t(1) << 32) - 1));
  Pair product = twoProduct(quotient, multiple);
  Num next = (rest - product.high) - product.low;
  // The division may have rounded up: then one unit of the last bit of the quotient is given back.
  Num unit = fromBits(bits(quotient) & (int64_t(0x7ff) << 52)) * 0x1p-20;
  unit = select(unit > 1.0, unit, 1.0);
  return select(next < 0.0, next + multiple * unit, next) * up;
}

Num fmod(Num x, Num y) {
  Emitter &e = *x.e;
  OpBuilder &b = e.b;
  Num infinity = e.infinity();
  Num ax = abs(x), ay = abs(y);
  Bool valid = (ax < infinity) & (ay > 0.0);
  Bool divides = valid & (ay < infinity); // other lanes take no part in the loop
  Num divisor = select(divides, ay, 1.0);
  Num start = select(divides, ax, 0.0);
  auto loop = scf::WhileOp::create(b, e.loc, TypeRange{e.type}, ValueRange{start.v});
  {
    OpBuilder::InsertionGuard guard(b);
    Block *before = b.createBlock(&loop.getBefore(), {}, {e.type}, {e.loc});
    Value more = (e.num(before->getArgument(0)) >= divisor).v;
    if (isa<VectorType>(more.getType()))
      more = vector::ReductionOp::create(b, e.loc, vector::CombiningKind::OR, more);
    scf::ConditionOp::create(b, e.loc, more, before->getArguments());
    Block *after = b.createBlock(&loop.getAfter(), {}, {e.type}, {e.loc});
    Num rest = e.num(after->getArgument(0));
    Num next = select(rest >= divisor, reduce(rest, divisor), rest);
    scf::YieldOp::create(b, e.loc, next.v);
  }
  Num result = select(divides, e.num(loop.getResult(0)), select(valid, ax, e.nan()));
  result = copysign(result, x);
  return select(isNan(x) | isNan(y), e.nan(), result);
}

} // namespace longtail::math
