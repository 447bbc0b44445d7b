// Loops in the code of one point whose trips are independent of one another: as many trips at a
// time as a vector has lanes. LLVM takes those that are straight code; here are those with branches
// and functions.
#include "codegen/Leaf/Elements.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

class IndependentTrips {
public:
  explicit IndependentTrips(scf::ForOp loop)
      : loop(loop),
        variance(*loop.getBody(), [&](Value value) { return value == loop.getInductionVar(); }) {}

  /// Whether no trip reads what another one writes, and lanes are worth it: functions are most of
  /// the work.
  bool run() {
    if (loop.getNumResults() != 0 || getConstantIntValue(loop.getStep()) != 1)
      return false;
    bool callsFunctions = false;
    WalkResult result = loop.getBody()->walk([&](Operation *op) {
      if (auto store = dyn_cast<access::StoreOp>(op))
        return isApart(store) && isAt(store.getIndices(),
                                      stores.try_emplace(store.getPlace(), store).first->second)
                   ? WalkResult::advance()
                   : WalkResult::interrupt();
      if (isa<math::MathDialect>(op->getDialect()))
        callsFunctions |= !isa<math::AbsFOp, math::AbsIOp, math::FloorOp, math::CeilOp,
                               math::SqrtOp, math::FmaOp, math::RoundEvenOp, math::TruncOp>(op);
      bool isKnown = isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
                     isa<scf::IfOp, scf::YieldOp, access::LoadOp, access::FetchOp,
                         compute::RequireOp, extent::SizeOp>(op);
      return isKnown ? WalkResult::advance() : WalkResult::interrupt();
    });
    return !result.wasInterrupted() && callsFunctions && fetchesItsOwn();
  }

private:
  /// The index of one trip's element is that of the trip before it plus 1.
  bool isShifted(Value index) {
    if (index == loop.getInductionVar())
      return true;
    Operation *op = index.getDefiningOp();
    if (!isa_and_nonnull<arith::AddIOp, arith::SubIOp, arith::IndexCastOp>(op))
      return false;
    bool isFirst = variance.varies(op->getOperand(0));
    if (op->getNumOperands() == 2 &&
        (isFirst == variance.varies(op->getOperand(1)) || (!isFirst && isa<arith::SubIOp>(op))))
      return false;
    return isShifted(op->getOperand(isFirst ? 0 : 1));
  }

  static bool isAt(ValueRange indices, access::StoreOp store) {
    return llvm::equal(indices, store.getIndices());
  }

  /// Trips write different elements, each in bytes of its own.
  bool isApart(access::StoreOp store) {
    unsigned bits = access::bitWidth(store.getPlace().getType().getTensor().getElementType());
    if (bits > 1 && bits < 8)
      return false;
    unsigned varying = 0;
    for (Value index : store.getIndices())
      if (variance.varies(index)) {
        if (!isShifted(index))
          return false;
        ++varying;
      }
    return varying == 1;
  }

  /// What is fetched of an array that the loop writes is the element that the trip itself writes.
  bool fetchesItsOwn() {
    return !loop.getBody()
                ->walk([&](access::FetchOp fetch) {
                  auto store = stores.find(fetch.getPlace());
                  return store == stores.end() || isAt(fetch.getIndices(), store->second)
                             ? WalkResult::advance()
                             : WalkResult::interrupt();
                })
                .wasInterrupted();
  }

  scf::ForOp loop;
  LaneVariance variance;
  llvm::DenseMap<Value, access::StoreOp> stores;
};

/// The widest number that differs between trips, in bytes; positions do not count.
int64_t widestOf(scf::ForOp loop) {
  int64_t bits = 8;
  loop.getBody()->walk([&](Operation *op) {
    for (Value result : op->getResults())
      if (isa<FloatType>(result.getType()))
        bits = std::max<int64_t>(bits, result.getType().getIntOrFloatBitWidth());
  });
  return bits / 8;
}

} // namespace

bool Elements::emitInLanes(scf::ForOp loop, IRMapping &mapping, Coordinates at,
                           const Frame &frame) {
  if (frame.lanes != 1 || kernel.target.getVectorBytes() == 0 || !IndependentTrips(loop).run())
    return false;
  OpBuilder &b = kernel.builder;
  Frame inner = frame;
  inner.lanes = kernel.target.getVectorBytes() / std::max<int64_t>(4, widestOf(loop));
  if (inner.lanes < 2)
    return false;
  std::optional<LaneVariance> around = std::move(variance);
  variance.emplace(*loop.getBody(), [&](Value value) { return value == loop.getInductionVar(); });
  Value low = operandOf(loop.getLowerBound(), mapping);
  Value high = operandOf(loop.getUpperBound(), mapping);
  auto type = VectorType::get({inner.lanes}, b.getIndexType());
  auto trips = [&](Value first, Value mask, Value tail) {
    inner.mask = mask;
    inner.tail = tail;
    Value numbers = vector::StepOp::create(b, kernel.loc, type);
    Value positions = arith::AddIOp::create(b, kernel.loc, numbers, splat(first, inner));
    runs[positions] = {first, Value()};
    mapping.map(loop.getInductionVar(), positions);
    emitBlock(*loop.getBody(), mapping, at, inner);
  };
  // The start may be behind the end.
  Value count = arith::MaxSIOp::create(b, kernel.loc, kernel.sub(high, low), kernel.index(0));
  Value rest = kernel.rem(count, kernel.index(inner.lanes));
  Value end = kernel.add(low, kernel.sub(count, rest));
  kernel.loop(low, end, inner.lanes, [&](Value i) { trips(i, Value(), Value()); });
  Value isLeft =
      arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::sgt, rest, kernel.index(0));
  auto branch = scf::IfOp::create(b, kernel.loc, isLeft, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    Value mask = vector::CreateMaskOp::create(
        b, kernel.loc, VectorType::get({inner.lanes}, b.getI1Type()), ValueRange{rest});
    trips(end, mask, rest);
  }
  variance = std::move(around);
  return true;
}

} // namespace longtail::leaf
