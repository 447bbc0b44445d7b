// Loops that look for the largest or the smallest floating-point number. Such a loop waits for each
// comparison, and processors compare as maximumf and minimumf want (NaN wins, -0 is less than 0) in
// several steps only. As integers numbers have the same order, and vectors of them are compared in
// one step, in any order.
#include "codegen/Leaf/Nest.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

bool isExtreme(Operation *op) { return isa_and_nonnull<arith::MaximumFOp, arith::MinimumFOp>(op); }

class ExtremeLoop {
public:
  explicit ExtremeLoop(scf::ForOp loop) : loop(loop), b(loop) {}

  /// Puts a loop that carries integers into the place of the loop.
  scf::ForOp run();

private:
  IntegerType integerOf(Value number) {
    return b.getIntegerType(cast<FloatType>(number.getType()).getWidth());
  }
  Value constant(IntegerType type, const APInt &value) {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
  }

  /// `number`, not NaN, as an integer; and the other way round. The bits of negative numbers grow
  /// when these fall.
  Value flipped(Value bits) {
    auto type = cast<IntegerType>(bits.getType());
    unsigned width = type.getWidth();
    Value sign = arith::ShRSIOp::create(b, loc, bits, constant(type, APInt(width, width - 1)));
    Value flips =
        arith::AndIOp::create(b, loc, sign, constant(type, APInt::getSignedMaxValue(width)));
    return arith::XOrIOp::create(b, loc, bits, flips);
  }
  /// The place of `number` in the order; that of NaN is behind all others in the direction that
  /// `extreme` looks.
  Value key(Value number, Operation *extreme) {
    IntegerType type = integerOf(number);
    unsigned width = type.getWidth();
    APInt last = isa<arith::MaximumFOp>(extreme) ? APInt::getSignedMaxValue(width)
                                                 : APInt::getSignedMinValue(width);
    Value place = flipped(arith::BitcastOp::create(b, loc, type, number));
    Value isNan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, number, number);
    return arith::SelectOp::create(b, loc, isNan, constant(type, last), place);
  }
  /// Both last places are those of a NaN.
  Value number(Value key, Type type) {
    return arith::BitcastOp::create(b, loc, type, flipped(key));
  }

  scf::ForOp loop;
  OpBuilder b;
  Location loc = loop.getLoc();
};

} // namespace

scf::ForOp ExtremeLoop::run() {
  SmallVector<Value> initial, yielded(loop.getYieldedValues());
  for (auto [value, after] : llvm::zip(loop.getInitArgs(), yielded)) {
    Operation *extreme = after.getDefiningOp();
    initial.push_back(isExtreme(extreme) ? key(value, extreme) : value);
  }
  auto made = scf::ForOp::create(b, loc, loop.getLowerBound(), loop.getUpperBound(), loop.getStep(),
                                 initial);
  made->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  Block &body = *loop.getBody(), &target = *made.getBody();
  target.getOperations().splice(target.end(), body.getOperations());
  loop.getInductionVar().replaceAllUsesWith(made.getInductionVar());
  for (auto [number, after] : llvm::enumerate(yielded)) {
    Value before = loop.getRegionIterArgs()[number], carried = made.getRegionIterArgs()[number];
    Operation *extreme = after.getDefiningOp();
    if (!isExtreme(extreme)) {
      before.replaceAllUsesWith(carried);
      b.setInsertionPointAfter(made);
      loop.getResult(number).replaceAllUsesWith(made.getResult(number));
      continue;
    }
    b.setInsertionPoint(extreme);
    Value other = extreme->getOperand(extreme->getOperand(0) == before ? 1 : 0);
    Value place = key(other, extreme);
    Value best = isa<arith::MaximumFOp>(extreme)
                     ? Value(arith::MaxSIOp::create(b, loc, carried, place))
                     : Value(arith::MinSIOp::create(b, loc, carried, place));
    target.getTerminator()->setOperand(number, best);
    extreme->erase();
    b.setInsertionPointAfter(made);
    loop.getResult(number).replaceAllUsesWith(
        this->number(made.getResult(number), before.getType()));
  }
  loop.erase();
  return made;
}

bool carriesExtreme(Value before, Value after) {
  Operation *op = after.getDefiningOp();
  return isExtreme(op) && before.hasOneUse() && after.hasOneUse() &&
         llvm::is_contained(op->getOperands(), before) && op->getOperand(0) != op->getOperand(1);
}

scf::ForOp findExtremesAsIntegers(scf::ForOp loop) {
  if (llvm::none_of(loop.getYieldedValues(),
                    [](Value after) { return isExtreme(after.getDefiningOp()); }))
    return loop;
  return ExtremeLoop(loop).run();
}

} // namespace longtail::leaf
