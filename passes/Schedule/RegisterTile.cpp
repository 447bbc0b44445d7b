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

// Vectors of fewer lanes are no faster anywhere.
static constexpr int64_t kLeastLanes = 4;

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
  for (int64_t vectors = 1; vectors <= (registers > 16 ? 4 : 3); ++vectors) {
    int64_t width = lanes * vectors;
    if (shared && (!llvm::isPowerOf2_64(vectors) || width * elementBytes > kSharedPanelBytes))
      continue;
    // Columns that are computed for nothing, and loads for each multiply-add.
    double waste = columns < 0 ? 1.0
                               : double(llvm::divideCeil(columns, width) * width) /
                                     std::max<int64_t>(columns, 1);
    double loads =
        double(rowsFor(vectors) * broadcasts + vectors) / double(rowsFor(vectors) * vectors);
    double cost = waste * (1.0 + loads);
    if (bestCost < 0 || cost < bestCost) {
      bestCost = cost;
      best.vectors = vectors;
    }
  }
  best.rows = rowsFor(best.vectors);
  // Equal blocks of rows, so that the last one is not mostly computed twice.
  if (rows > 0)
    best.rows = llvm::divideCeil(rows, llvm::divideCeil(rows, best.rows));
  return best;
}

} // namespace longtail
