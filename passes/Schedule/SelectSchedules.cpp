#include "codegen/Leaf/Nest.h"
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Schedule/Passes.h"
#include "passes/Schedule/RegisterTile.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_SELECTSCHEDULESPASS
#include "passes/Schedule/Passes.h.inc"

namespace {

/// Elements of pointwise work that are worth a tile of their own: a few microseconds.
constexpr int64_t tileElements = 16384;
/// Vectors that polynomials or windows keep at once, with their coefficients and weights.
constexpr int64_t manyRegisters = 16;
/// Operations in branches that vectors may run in vain.
constexpr int64_t mostInBranches = 64;
/// The vectors of NEON and SSE: of four single numbers.
constexpr int64_t narrowBytes = 16;
/// Operations of a trip that several vectors at once can take.
constexpr size_t mostInRows = 12;
// Elements of 4 bytes in a cache line.
constexpr int64_t sideBySidePoints = 16;
/// Multiply-adds that are worth a tile of their own.
constexpr int64_t tileProducts = 1 << 18;

struct SelectSchedules final : impl::SelectSchedulesPassBase<SelectSchedules> {
  using SelectSchedulesPassBase::SelectSchedulesPassBase;

  void runOnOperation() override {
    target = targetOf(getOperation());
    if (!target) {
      getOperation().emitError("the module names no target: set 'kernel.target'");
      return signalPassFailure();
    }
    getOperation().walk([&](compute::FusedOp group) {
      if (!group.getScheduleAttr())
        group.setScheduleAttr(select(group));
    });
  }

private:
  kernel::ScheduleAttr schedule(int64_t lanes, int64_t rows, int64_t vectors, int64_t unroll,
                                int64_t grain, int64_t panels) {
    return kernel::ScheduleAttr::get(&getContext(), lanes, rows, vectors, unroll, grain, panels, 0);
  }

  /// How many points of a grid are worth a tile: many without loops; with loops one, unless it is
  /// known to write little. Points that write side by side share cache lines, which two threads
  /// should not.
  static int64_t grainOfGrid(compute::FusedOp group) {
    bool loops = group.getBody()
                     .walk([](LoopLikeOpInterface) { return WalkResult::interrupt(); })
                     .wasInterrupted();
    if (!loops)
      return tileElements / 16;
    auto grid = *group.getBody().front().getOps<compute::GridOp>().begin();
    SmallVector<AffineExpr> sizes = extent::sizesOf(grid.getResult(0));
    ArrayRef<AffineExpr> extents = grid.getExtents().getResults();
    bool isSideBySide = !extents.empty() && !sizes.empty() && extents.back() == sizes.back() &&
                        extents.back() != getAffineConstantExpr(1, grid.getContext());
    int64_t grain = isSideBySide ? sideBySidePoints : 1;
    std::optional<int64_t> points = productOf(extents), elements = productOf(sizes);
    if (points && elements && *points > 0 && *elements > 0) {
      int64_t few = tileElements / 8 / llvm::divideCeil(*elements, *points);
      grain = std::clamp<int64_t>(few, grain, std::max(grain, *points / 8));
    }
    return grain;
  }

  /// The product where all factors are constants.
  static std::optional<int64_t> productOf(ArrayRef<AffineExpr> factors) {
    int64_t product = 1;
    for (AffineExpr factor : factors) {
      auto constant = dyn_cast<AffineConstantExpr>(factor);
      if (!constant || llvm::MulOverflow(product, constant.getValue(), product))
        return std::nullopt;
    }
    return product;
  }

  /// Several vectors where most of the work is done once for all lanes.
  int64_t lanesOfGridOf(compute::FusedOp group) {
    std::optional<leaf::GridLanes> found = leaf::lanesOfGrid(group);
    if (!found)
      return 1;
    int64_t native = std::max<int64_t>(2, target.getVectorBytes() / found->bytes), lanes = native;
    auto grid = *group.getBody().front().getOps<compute::GridOp>().begin();
    int64_t size = staticSize(grid.getExtents().getResult(found->dim));
    while (size > 0 && lanes / 2 >= size && lanes > 4)
      lanes /= 2;
    if (target.getRegisters() < manyRegisters)
      return lanes;
    int64_t most = size > 0 ? 4 : 2;
    while (lanes < most * native && (size <= 0 || size >= 2 * lanes) &&
           found->shared > found->each * lanes / native)
      lanes *= 2;
    if (goesByRows(group, grid, found->dim))
      while (lanes < target.getRegisters() / 4 * native && size >= 2 * lanes)
        lanes *= 2;
    return lanes;
  }

  /// True where points are loops that load something in each trip, with few values at once: along
  /// lanes that is a piece of a row, then of the next row. Long pieces are better: each row is a
  /// page of its own.
  static bool goesByRows(compute::FusedOp group, compute::GridOp grid, unsigned lane) {
    Value position = grid.getBody().getArgument(lane);
    bool hasRows = false;
    auto visit = [&](Operation *op) {
      if (isa<scf::WhileOp, scf::IfOp, access::LocalOp>(op))
        return WalkResult::interrupt();
      if (auto load = dyn_cast<access::LoadOp>(op))
        if (auto source = dyn_cast<BlockArgument>(load.getSource());
            source && !load.getIndices().empty()) {
          Value input = group.getInputs()[source.getArgNumber()];
          bool isRow = load.getIndices()[leaf::layoutOf(input).back()] == position;
          hasRows |= isRow && isa<scf::ForOp>(load->getParentOp());
          if (!isRow && llvm::is_contained(load.getIndices(), position))
            return WalkResult::interrupt();
        }
      auto loop = dyn_cast<scf::ForOp>(op);
      bool isLarge = loop && (loop.getBody()->getOperations().size() > mostInRows ||
                              loop.getNumRegionIterArgs() > 2);
      return isLarge ? WalkResult::interrupt() : WalkResult::advance();
    };
    return !grid.getBody().walk(visit).wasInterrupted() && hasRows;
  }

  kernel::ScheduleAttr select(compute::FusedOp group) {
    if (group.getStrategy() == compute::GroupClass::Grid)
      return schedule(naive ? 1 : lanesOfGridOf(group), 1, 1, 1, grainOfGrid(group), 1);
    if (naive && group.getStrategy() != compute::GroupClass::Contraction)
      return schedule(1, 1, 1, 1, tileElements, 1);
    switch (group.getStrategy().value_or(compute::GroupClass::Pointwise)) {
    case compute::GroupClass::Contraction:
      return selectContraction(group);
    case compute::GroupClass::Window:
      return selectWindow(group);
    case compute::GroupClass::Rows:
      // Of vectors that are summed side by side.
      return schedule(lanesFor(group), 1,
                      target.getVectorBytes() <= narrowBytes && usesPolynomials(group) ? 2 : 4, 1,
                      tileElements / 4, 1);
    case compute::GroupClass::Grid: // above
    case compute::GroupClass::Pointwise:
      return schedule(lanesFor(group), 1, vectorsAtOnce(group), 1, tileElements, 1);
    }
    llvm_unreachable("all classes are handled");
  }

  /// Functions that become polynomials, of a dozen coefficients and as many steps.
  static bool usesPolynomials(compute::FusedOp group) {
    return group.getBody()
        .walk([](Operation *op) {
          bool isInstruction =
              isa<math::AbsFOp, math::AbsIOp, math::CeilOp, math::CopySignOp, math::FloorOp,
                  math::FmaOp, math::RoundOp, math::RoundEvenOp, math::SqrtOp, math::TruncOp>(op);
          return isa<math::MathDialect>(op->getDialect()) && !isInstruction
                     ? WalkResult::interrupt()
                     : WalkResult::advance();
        })
        .wasInterrupted();
  }

  /// How many vectors a trip of a pointwise loop works on. Narrow ones want several: loops cost as
  /// much as they do, and processors that have them often keep the order of instructions.
  int64_t vectorsAtOnce(compute::FusedOp group) {
    bool gathers = group.getBody()
                       .walk([](access::LoadOp) { return WalkResult::interrupt(); })
                       .wasInterrupted();
    if (target.getVectorBytes() > narrowBytes || gathers || lanesFor(group) == 1)
      return 1;
    int64_t most = target.getRegisters() / 8; // each has temporaries
    return usesPolynomials(group) ? std::max<int64_t>(1, most / 2) : most;
  }

  /// Vectors are as wide as the widest element that the group computes with. Lanes that branch on
  /// data take both ways, unless these are long. Where registers are grouped to few, a group that
  /// keeps many values has narrower vectors instead.
  int64_t lanesFor(compute::FusedOp group) {
    int64_t inBranches = 0;
    group.getBody().walk(
        [&](scf::IfOp branch) { branch.walk([&](Operation *) { ++inBranches; }); });
    if (inBranches > mostInBranches)
      return 1;
    int64_t bytes = 4;
    bool gathers = group.getBody()
                       .walk([](access::LoadOp) { return WalkResult::interrupt(); })
                       .wasInterrupted();
    if (gathers && group.getStrategy() == compute::GroupClass::Pointwise &&
        cast<RankedTensorType>(group.getResult(0).getType()).getRank() > 0)
      // Positions that are the same for all lanes are no vectors.
      bytes = leaf::widestAlong(group, leaf::layoutOf(group.getResult(0)).back(), bytes);
    else
      group.getBody().walk([&](Operation *op) {
        for (Type type : op->getResultTypes())
          if (auto floating = dyn_cast<FloatType>(getElementTypeOrSelf(type)))
            bytes = std::max<int64_t>(bytes, floating.getWidth() / 8);
          else if (auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(type)))
            bytes = std::max<int64_t>(bytes, integer.getWidth() / 8);
      });
    int64_t vectorBytes = target.getVectorBytes();
    bool manyLive = usesPolynomials(group) || group.getStrategy() == compute::GroupClass::Window;
    for (int64_t count = target.getRegisters(); manyLive && count < manyRegisters; count *= 2)
      vectorBytes /= 2;
    return std::max<int64_t>(2, vectorBytes / bytes);
  }

  kernel::ScheduleAttr selectWindow(compute::FusedOp group) {
    compute::ReduceOp reduce = *group.getBody().front().getOps<compute::ReduceOp>().begin();
    int64_t points = 1, lanes = lanesFor(group), registers = target.getRegisters();
    for (AffineExpr extent : reduce.getExtents().getResults())
      points *= std::max<int64_t>(1, staticSize(extent));
    // Neighbouring windows share their loads, as long as their accumulators fit. Large windows have
    // more to share than their weights take.
    bool isLarge = points > 9 && points <= leaf::kMaxUnrolledPoints,
         isSmall = points >= 4 && points <= 9;
    int64_t rows = isLarge ? 6 : isSmall ? 4 : 1;
    if (registers <= 16) {
      // A product has two loads for each multiply-add, which more of them at a time hide better.
      bool isProduct = reduce.getInputs().size() > 1 && registers == 16 &&
                       !target.getScalarFactors() && points >= 9 &&
                       points <= leaf::kMaxUnrolledPoints;
      rows = isProduct ? 4 : std::min<int64_t>(rows, 2);
      if (isProduct && lanes > 1 && fillsLanes(group, 2 * lanes))
        lanes *= 2;
    }
    // Long sums go through memory by rows: of each, several vectors that lie side by side.
    int64_t vectors = points <= leaf::kMaxUnrolledPoints || lanes == 1 ? 1
                      : usesPolynomials(group)                         ? 2
                                                                       : registers / 4;
    return schedule(lanes, rows, vectors, 1,
                    std::max<int64_t>(256, tileElements * 4 / std::max<int64_t>(points, 4)), 1);
  }

  /// True where most vectors of so many lanes are full along the innermost dimension in memory.
  static bool fillsLanes(compute::FusedOp group, int64_t lanes) {
    SmallVector<AffineExpr> sizes = extent::sizesOf(group.getResult(0));
    if (sizes.empty())
      return false;
    unsigned innermost = sizes.size() - 1;
    if (auto layouts = group.getLayoutsAttr())
      if (auto order = cast<DenseI64ArrayAttr>(layouts[0]); !order.empty())
        innermost = order.asArrayRef().back();
    int64_t size = staticSize(sizes[innermost]);
    return size > 0 && (size % lanes == 0 || size >= 4 * lanes);
  }

  /// How many of `count` panels a tile takes, `most` at most, so that two threads with as many
  /// tiles each have about the same work.
  static int64_t evenPanels(int64_t count, int64_t most) {
    int64_t best = most, least = count;
    for (int64_t panels = most; panels > (most - 1) / 2; --panels) {
      int64_t first = llvm::divideCeil(count, panels) / 2 * panels;
      int64_t larger = std::max(first, count - first); // of the two parts
      if (larger >= least)
        continue;
      least = larger;
      best = panels;
    }
    return best;
  }

  kernel::ScheduleAttr selectContraction(compute::FusedOp group) {
    compute::ContractOp contract = *group.getBody().front().getOps<compute::ContractOp>().begin();
    compute::ContractionShape shape = *compute::matchContraction(contract);
    int64_t rows = staticProduct(shape, shape.rows);
    int64_t columns = staticSize(shape.columnCount());
    int64_t depth = std::max<int64_t>(1, staticProduct(shape, shape.reduced));
    RegisterTile tile = registerTileOf(contract, shape, target);
    // Its columns are vectors in any case, as wide as the panels that they may be packed into.
    if (naive)
      return schedule(tile.lanes, 1, tile.vectors, 1, 1, 1);
    int64_t bytes = target.getVectorBytes() / tile.lanes;
    // Panels that stay in the second cache level while a tile's rows pass.
    int64_t panelBytes = depth * tile.width() * bytes;
    int64_t panels =
        columns < 0 ? 1 : llvm::divideCeil(std::max<int64_t>(columns, 1), tile.width());
    panels = std::clamp<int64_t>(target.getL2() / 2 / std::max<int64_t>(panelBytes, 1), 1, panels);
    // Enough rows to pay for a tile, at least eight tiles where there is work for them.
    int64_t blockProducts = tile.rows * tile.width() * panels * depth;
    int64_t grain = std::max<int64_t>(1, llvm::divideCeil(tileProducts, blockProducts));
    if (rows > 0)
      grain =
          std::clamp<int64_t>(llvm::divideCeil(rows, tile.rows), 1, std::max<int64_t>(grain, 8));
    else
      grain = std::max<int64_t>(grain, 4);
    // Few rows, as far as these are known: threads share the columns.
    int64_t known = 1;
    for (unsigned dim : shape.rows)
      known *= std::max<int64_t>(1, staticSize(shape.extents[dim]));
    int64_t blocks = llvm::divideCeil(known, tile.rows);
    if (columns > 0 && blocks <= grain && blockProducts * blocks > tileProducts)
      panels = evenPanels(llvm::divideCeil(columns, tile.width()),
                          std::max<int64_t>(1, panels * tileProducts / (blockProducts * blocks)));
    // Elements of the left operand that are loaded on their own (not as an operand in memory) are
    // loaded long before they are used when several steps are written out, and the sums do not fit
    // the registers any more. Where a multiply-add takes as long as several others, one step hides
    // the loop in any case.
    int64_t unroll = target.getScalarFactors() || target.getVectorBytes() <= narrowBytes ? 1 : 4;
    return schedule(tile.lanes, tile.rows, tile.vectors, unroll, grain, panels);
  }

  kernel::TargetAttr target;
};

} // namespace
} // namespace longtail
