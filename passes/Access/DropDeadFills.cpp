// Loops of a grid that fill what a later loop writes anew: `out = lt.zeros(...)` before
// `out[b, :] = ...`.
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Access/Passes.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_DROPDEADFILLSPASS
#include "passes/Access/Passes.h.inc"

namespace {

/// Loops, each the only thing in the one around it but for the values of indices, around a store.
struct StoringNest {
  scf::ForOp outermost;
  access::StoreOp store;
};

bool isSame(Value a, Value b) {
  if (a == b)
    return true;
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  return x && x == y;
}

scf::ForOp loopOf(Value index, scf::ForOp outermost) {
  auto argument = dyn_cast<BlockArgument>(index);
  auto loop = argument ? dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp()) : scf::ForOp();
  return loop && argument.getArgNumber() == 0 && outermost->isAncestor(loop) ? loop : scf::ForOp();
}

/// The loops of `outermost` where they do nothing but store one number everywhere.
std::optional<StoringNest> fillOf(scf::ForOp outermost) {
  for (scf::ForOp loop = outermost; loop && loop.getNumResults() == 0;) {
    scf::ForOp inner;
    access::StoreOp store;
    for (Operation &op : loop.getBody()->without_terminator()) {
      if (inner || store)
        return {};
      inner = dyn_cast<scf::ForOp>(op);
      store = dyn_cast<access::StoreOp>(op);
      if (!inner && !store)
        return {};
    }
    if (store)
      return StoringNest{outermost, store};
    loop = inner;
  }
  return {};
}

/// Whether `store` is done for all trips of the loops of `outermost`.
bool isUnconditional(access::StoreOp store, scf::ForOp outermost) {
  for (Operation *op = store; op != outermost; op = op->getParentOp())
    if (!isa<scf::ForOp>(op->getParentOp()))
      return false;
  return true;
}

/// Whether `later`, in the loops of `outermost`, writes all that `fill` does.
bool covers(access::StoreOp later, scf::ForOp outermost, StoringNest fill) {
  if (later.getPlace() != fill.store.getPlace() || !isUnconditional(later, outermost))
    return false;
  llvm::SmallPtrSet<Operation *, 4> used;
  for (auto [a, b] : llvm::zip_equal(fill.store.getIndices(), later.getIndices())) {
    scf::ForOp first = loopOf(a, fill.outermost), second = loopOf(b, outermost);
    if (!first || !second) {
      if (first || second || !isSame(a, b))
        return false;
      continue;
    }
    if (!isSame(first.getLowerBound(), second.getLowerBound()) ||
        !isSame(first.getUpperBound(), second.getUpperBound()) ||
        !isSame(first.getStep(), second.getStep()) || !used.insert(second).second)
      return false;
  }
  // No other loop, which may have no trip, is around it.
  for (Operation *op = later->getParentOp();; op = op->getParentOp()) {
    if (!used.contains(op))
      return false;
    if (op == outermost)
      return true;
  }
}

bool isDead(StoringNest fill) {
  Value place = fill.store.getPlace();
  for (Operation *op = fill.outermost->getNextNode(); op; op = op->getNextNode()) {
    bool isRead =
        op->walk([&](access::FetchOp fetch) {
            return fetch.getPlace() == place ? WalkResult::interrupt() : WalkResult::advance();
          }).wasInterrupted();
    if (isRead)
      return false;
    if (auto loop = dyn_cast<scf::ForOp>(op))
      if (loop.walk([&](access::StoreOp store) {
                return covers(store, loop, fill) ? WalkResult::interrupt() : WalkResult::advance();
              })
              .wasInterrupted())
        return true;
  }
  return false;
}

struct DropDeadFills final : impl::DropDeadFillsPassBase<DropDeadFills> {
  using DropDeadFillsPassBase::DropDeadFillsPassBase;

  void runOnOperation() override {
    SmallVector<scf::ForOp> dead;
    getOperation().walk([&](compute::GridOp grid) {
      grid.walk([&](scf::ForOp loop) {
        std::optional<StoringNest> fill = fillOf(loop);
        if (fill && !isa<scf::ForOp>(loop->getParentOp()) && isDead(*fill))
          dead.push_back(loop);
      });
    });
    for (scf::ForOp loop : dead)
      loop.erase();
  }
};

} // namespace
} // namespace longtail
