// Rows at positions that an index array tells: the processor cannot know of the next ones, so loops
// ask for the row that they come to a few trips later.
#include "codegen/Leaf/Nest.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

/// Trips ahead: as many rows as arrive while one comes from memory.
constexpr int64_t kAhead = 8;
/// Of a row's cache lines those that are asked for; processors see by themselves how it goes on.
constexpr int64_t kLine = 64, kMostLines = 4;

class RowPrefetch {
public:
  RowPrefetch(scf::ForOp loop, Operation *before) : loop(loop), builder(before) {}

  /// Asks for what `load`, along a line that begins at element `start`, reads in a later trip of
  /// the loop. False where `start` does not come from an array of indices.
  bool emit(kernel::LoadOp load, Value start, std::optional<int64_t> length) {
    int64_t loads = 0;
    if (!canMove(start, loads) || loads != 1)
      return false;
    Location loc = load.getLoc();
    auto index = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    Value later = arith::AddIOp::create(builder, loc, loop.getInductionVar(), index(kAhead));
    Value last = arith::SubIOp::create(builder, loc, loop.getUpperBound(), index(1));
    mapping.map(loop.getInductionVar(), arith::MinSIOp::create(builder, loc, later, last));
    Value first = move(start);
    auto buffer = cast<kernel::BufferType>(load.getBuffer().getType());
    int64_t perLine = kLine / llvm::divideCeil(access::bitWidth(buffer.getElementType()), 8);
    int64_t lines =
        length ? std::min<int64_t>(kMostLines, llvm::divideCeil(*length, perLine)) : kMostLines;
    for (int64_t line = 0; line < lines; ++line)
      kernel::PrefetchOp::create(builder, loc, load.getBuffer(),
                                 arith::AddIOp::create(builder, loc, first, index(line * perLine)));
    return true;
  }

private:
  /// Whether `value` can be computed for another trip; counts the elements of arrays in it.
  bool canMove(Value value, int64_t &loads) {
    if (loop.isDefinedOutsideOfLoop(value) || value == loop.getInductionVar())
      return true;
    Operation *op = value.getDefiningOp();
    if (!op)
      return false;
    if (auto load = dyn_cast<kernel::LoadOp>(op)) {
      ++loads; // every trip does it, so another trip's element can be read now
      return op->getBlock() == loop.getBody() && strideIn(load.getOffset(), loop) == 1;
    }
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return op->getBlock() == loop.getBody() && canMoveBranch(branch, loads);
    return op->getNumRegions() == 0 && isMemoryEffectFree(op) &&
           llvm::all_of(op->getOperands(), [&](Value each) { return canMove(each, loads); });
  }

  bool canMoveBranch(scf::IfOp branch, int64_t &loads) {
    if (!canMove(branch.getCondition(), loads))
      return false;
    WalkResult result = branch->walk([&](Operation *inner) {
      if (inner == branch)
        return WalkResult::advance();
      auto load = dyn_cast<kernel::LoadOp>(inner);
      loads += bool(load);
      bool isKnown = load ? isShifted(load.getOffset())
                          : isMemoryEffectFree(inner) && inner->getNumRegions() == 0;
      for (Value operand : inner->getOperands())
        if (!branch->isAncestor(operand.getParentBlock()->getParentOp()))
          isKnown = isKnown && canMove(operand, loads);
      return isKnown ? WalkResult::advance() : WalkResult::interrupt();
    });
    return !result.wasInterrupted();
  }

  /// The position itself, or the position plus what is the same in all trips.
  bool isShifted(Value offset) {
    if (offset == loop.getInductionVar())
      return true;
    auto sum = offset.getDefiningOp<arith::AddIOp>();
    return sum && ((isShifted(sum.getLhs()) && loop.isDefinedOutsideOfLoop(sum.getRhs())) ||
                   (isShifted(sum.getRhs()) && loop.isDefinedOutsideOfLoop(sum.getLhs())));
  }

  Value move(Value value) {
    if (Value known = mapping.lookupOrNull(value))
      return known;
    if (loop.isDefinedOutsideOfLoop(value))
      return value;
    Operation *op = value.getDefiningOp();
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (!op->isAncestor(operand.getParentBlock()->getParentOp()))
          mapping.map(operand, move(operand));
    });
    builder.clone(*op, mapping);
    return mapping.lookup(value);
  }

  scf::ForOp loop;
  OpBuilder builder;
  IRMapping mapping;
};

} // namespace

void prefetchRows(func::FuncOp function) {
  SmallVector<scf::ForOp> lines;
  function.walk([&](scf::ForOp loop) { lines.push_back(loop); });
  llvm::SmallPtrSet<Operation *, 8> done; // what computes where a row begins
  for (scf::ForOp line : lines) {
    auto loop = line->getParentOfType<scf::ForOp>();
    if (!loop || getConstantIntValue(loop.getStep()) != 1)
      continue;
    for (auto load : llvm::to_vector(line.getOps<kernel::LoadOp>())) {
      auto sum = load.getOffset().getDefiningOp<arith::AddIOp>();
      if (!sum || strideIn(sum, line) != 1)
        continue;
      bool isFirst = line.isDefinedOutsideOfLoop(sum.getLhs());
      Value start = isFirst ? sum.getLhs() : sum.getRhs();
      Operation *op = start.getDefiningOp();
      if (!op || !line.isDefinedOutsideOfLoop(start) || loop.isDefinedOutsideOfLoop(start) ||
          done.contains(op))
        continue;
      Operation *before = line;
      while (before->getParentOp() != loop)
        before = before->getParentOp();
      if (RowPrefetch(loop, before).emit(load, start, getConstantIntValue(line.getUpperBound())))
        done.insert(op);
    }
  }
}

} // namespace longtail::leaf
