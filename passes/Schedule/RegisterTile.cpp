#include "passes/Schedule/RegisterTile.h"

using namespace mlir;

namespace longtail {

int64_t staticSize(AffineExpr size) {
  auto constant = dyn_cast_or_null<AffineConstantExpr>(size);
  return constant ? constant.getValue() : -1;
}

int64_t staticProduct(const compute::ContractionShape &shape, ArrayRef<unsigned> dims) {
  int64_t product = 1;
  for (unsigned dim : dims) {
    int64_t size = staticSize(shape.extents[dim]);
    product = size < 0 || product < 0 ? -1 : product * size;
  }
  return product;
}

static RegisterTile tileOf(compute::ContractOp contract, const compute::ContractionShape &shape,
                           kernel::TargetAttr target, bool shared) {
  Type sum = getElementTypeOrSelf(contract.getOutput().getType());
  return chooseRegisterTile(target, staticProduct(shape, shape.rows),
                            staticSize(shape.columnCount()),
                            std::max<int64_t>(4, sum.getIntOrFloatBitWidth() / 8), shared);
}

static ArrayAttr programTargets(Operation *op) {
  return op->getParentOfType<ModuleOp>()->getAttrOfType<ArrayAttr>(kProgramTargets);
}

RegisterTile registerTileOf(compute::ContractOp contract, const compute::ContractionShape &shape,
                            kernel::TargetAttr target) {
  return tileOf(contract, shape, target, bool(programTargets(contract)));
}

int64_t panelWidthOf(compute::ContractOp contract, const compute::ContractionShape &shape,
                     kernel::TargetAttr target) {
  ArrayAttr targets = programTargets(contract);
  if (!targets)
    return tileOf(contract, shape, target, /*shared=*/false).width();
  int64_t width = 1; // all are powers of two, so the largest is a multiple of each
  for (auto each : targets.getAsRange<kernel::TargetAttr>())
    width = std::max(width, tileOf(contract, shape, each, /*shared=*/true).width());
  return width;
}

kernel::TargetAttr targetOf(Operation *op) {
  auto module = dyn_cast<ModuleOp>(op);
  if (!module)
    module = op->getParentOfType<ModuleOp>();
  return module->getAttrOfType<kernel::TargetAttr>("kernel.target");
}

// Halves of vectors where they are multiplied in pairs: as many multiply-adds, but twice the
// instructions and loads. Measured: with 1.4 a gain of a third for 24 columns, of which whole
// vectors waste a quarter; with 1.2 losses for 16 and 72.
static constexpr double kHalvesPenalty = 1.4;

// Vectors of fewer lanes are no faster anywhere.
static constexpr int64_t kLeastLanes = 4;

/// The height of blocks, at most `most`, so that few of `rows` rows are computed twice because the
/// last block must be whole. Lower blocks load more for each multiply-add, which costs little as
/// long as there are `hiding` multiply-adds, enough to hide their latency.
static int64_t rowsOfBlocks(int64_t rows, int64_t most, int64_t vectors, int64_t hiding) {
  constexpr double kLoadCost = 0.1; // of a load in multiply-adds, measured
  int64_t best = most;
  double bestCost = -1;
  for (int64_t height = most; 2 * height >= most; --height) {
    double loads = double(height + vectors) / double(height * vectors);
    double cost = double(llvm::divideCeil(rows, height) * std::max(hiding, height * vectors)) *
                  (1.0 + kLoadCost * loads);
    if (bestCost < 0 || cost < bestCost) {
      bestCost = cost;
      best = height;
    }
  }
  return best;
}

RegisterTile chooseRegisterTile(kernel::TargetAttr target, int64_t rows, int64_t columns,
                                int64_t elementBytes, bool shared) {
  int64_t lanes = target.getVectorBytes() / elementBytes, registers = target.getRegisters();
  // Of few columns half a vector holds all, and a core multiplies at least as many of those.
  while (columns > 0 && columns <= lanes / 2 && lanes > kLeastLanes)
    lanes /= 2;
  // Addresses of rows live in general registers, of which eight are free for them.
  constexpr int64_t maxRows = 8;
  // An element of the left operand takes a vector register, unless it is a scalar factor.
  int64_t broadcasts = target.getScalarFactors() ? 0 : 1;
  auto rowsFor = [&](int64_t vectors) {
    return std::min(maxRows, (registers - broadcasts - vectors) / vectors);
  };
  RegisterTile best{lanes, 1, 1};
  double bestCost = -1;
  auto consider = [&](int64_t laneCount, double penalty) {
    for (int64_t vectors = 1; vectors <= (registers > 16 ? 4 : 3); ++vectors) {
      int64_t width = laneCount * vectors;
      if (shared && (!llvm::isPowerOf2_64(vectors) || width * elementBytes > kSharedPanelBytes))
        continue;
      // Columns that are computed for nothing, and loads for each multiply-add.
      double waste = columns < 0 ? 1.0
                                 : double(llvm::divideCeil(columns, width) * width) /
                                       std::max<int64_t>(columns, 1);
      double loads =
          double(rowsFor(vectors) * broadcasts + vectors) / double(rowsFor(vectors) * vectors);
      double cost = waste * (1.0 + loads) * penalty;
      if (bestCost < 0 || cost < bestCost) {
        bestCost = cost;
        best = {laneCount, 1, vectors};
      }
    }
  };
  consider(lanes, 1);
  if (target.getPairsHalves() && lanes * elementBytes == target.getVectorBytes())
    consider(lanes / 2, kHalvesPenalty);
  best.rows = rowsFor(best.vectors);
  // Four cycles; narrow vectors are multiplied two at a time.
  int64_t hiding = target.getVectorBytes() >= 64 ? 4 : 8;
  if (rows <= 0)
    return best;
  // Scalar factors come with processors that keep the order of instructions: a lower block would
  // wait. There, equal blocks, so that the last one is not mostly computed twice.
  if (target.getScalarFactors())
    best.rows = llvm::divideCeil(rows, llvm::divideCeil(rows, best.rows));
  else
    best.rows = rows <= best.rows ? rows : rowsOfBlocks(rows, best.rows, best.vectors, hiding);
  return best;
}

} // namespace longtail
