// Which loops of a grid LLVM shall vectorize: innermost ones whose trips are independent and work
// on neighbours in memory. Their results are the same element by element. Of loops that carry
// values those whose order does not matter are taken: bits and integers, extremes, and sums over
// the points of a grid. Other sums of floating-point numbers keep their order because such loops
// are left alone.
#include "codegen/Leaf/Nest.h"

using namespace mlir;

namespace longtail::leaf {

std::optional<int64_t> strideIn(Value value, scf::ForOp loop) {
  if (value == loop.getInductionVar())
    return getConstantIntValue(loop.getStep());
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != loop.getBody())
    return loop.isDefinedOutsideOfLoop(value) ? std::optional<int64_t>(0) : std::nullopt;
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op)) {
    bool isInvariant = op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
                       llvm::all_of(op->getOperands(),
                                    [&](Value operand) { return strideIn(operand, loop) == 0; });
    return isInvariant ? std::optional<int64_t>(0) : std::nullopt;
  }
  std::optional<int64_t> a = strideIn(op->getOperand(0), loop);
  std::optional<int64_t> b = strideIn(op->getOperand(1), loop);
  if (!a || !b)
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    return *a + *b;
  if (isa<arith::SubIOp>(op))
    return *a - *b;
  if (*a == 0 && *b == 0)
    return 0;
  if (std::optional<int64_t> factor = getConstantIntValue(op->getOperand(1)))
    return *a * *factor;
  if (std::optional<int64_t> factor = getConstantIntValue(op->getOperand(0)))
    return *b * *factor;
  return std::nullopt;
}

namespace {

bool hasWholeBytes(Value buffer) {
  Type element = cast<kernel::BufferType>(buffer.getType()).getElementType();
  return element.isIndex() || element.isInteger(1) || access::bitWidth(element) >= 8;
}

/// Trips that are worth a vector.
constexpr int64_t kFewTrips = 8;

/// Whether each carried value only takes up what trips give, in any order: the points of a grid
/// have none.
bool carriesInAnyOrder(scf::ForOp loop) {
  bool isUnordered = loop->hasAttr("compute.unordered");
  std::optional<int64_t> trips = getConstantIntValue(loop.getUpperBound());
  bool isShort = trips && *trips < kFewTrips;
  if (isUnordered && isShort)
    return false;
  return llvm::all_of(
      llvm::zip(loop.getRegionIterArgs(), loop.getYieldedValues()), [&](auto carried) {
        auto [before, after] = carried;
        if (!isShort && carriesExtreme(before, after))
          return true;
        Operation *op = after.getDefiningOp();
        return (isa_and_nonnull<arith::OrIOp, arith::AndIOp, arith::XOrIOp, arith::AddIOp>(op) ||
                (isUnordered && isa_and_nonnull<arith::AddFOp>(op))) &&
               before.hasOneUse() && llvm::is_contained(op->getOperands(), before);
      });
}

/// Sums of several lanes of one loop are summed at its end.
void allowLanes(scf::ForOp loop) {
  for (Value after : loop.getYieldedValues())
    if (auto sum = after.getDefiningOp<arith::AddFOp>())
      sum.setFastmath(sum.getFastmath() | arith::FastMathFlags::reassoc);
}

bool isVectorizable(scf::ForOp loop) {
  if (!carriesInAnyOrder(loop) || getConstantIntValue(loop.getStep()) != 1)
    return false;
  bool stores = loop.getNumResults() != 0;
  for (Operation &op : loop.getBody()->without_terminator()) {
    if (auto load = dyn_cast<kernel::LoadOp>(op)) {
      std::optional<int64_t> stride = strideIn(load.getOffset(), loop);
      if (!stride || *stride < 0 || *stride > 1 || load.getMask() ||
          !hasWholeBytes(load.getBuffer()))
        return false;
    } else if (auto store = dyn_cast<kernel::StoreOp>(op)) {
      if (strideIn(store.getOffset(), loop) != 1 || store.getMask() ||
          !hasWholeBytes(store.getBuffer()))
        return false;
      stores = true;
    } else if (op.getNumRegions() != 0 || !isMemoryEffectFree(&op)) {
      return false;
    }
  }
  return stores;
}

} // namespace

void markVectorLoops(func::FuncOp function) {
  SmallVector<scf::ForOp> loops;
  function.walk([&](scf::ForOp loop) { loops.push_back(loop); });
  for (scf::ForOp loop : loops) {
    if (isVectorizable(loop)) {
      loop = findExtremesAsIntegers(loop);
      loop->setAttr("kernel.vectorize", UnitAttr::get(loop.getContext()));
      allowLanes(loop);
    }
    loop->removeAttr("compute.unordered");
  }
}

} // namespace longtail::leaf
