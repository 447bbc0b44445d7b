#include "passes/Fusion/ConstantOps.h"
#include "dialects/Compute/IR/Compute.h"
#include "dialects/Graph/IR/Graph.h"
#include "passes/Fusion/BlockGraph.h"

using namespace mlir;

namespace longtail {

// A result of constants that is larger than they are by more than this factor is not kept: it is
// cheaper to compute than to load.
static constexpr double kMaxGrowth = 2;

/// The bytes of tensors with constant sizes, roughly; negative where a size is not constant.
static double bytesOf(ValueRange values) {
  double total = 0;
  for (Value value : values) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type)
      continue;
    if (!type.hasStaticShape() || !type.getElementType().isIntOrFloat())
      return -1;
    total += double(type.getNumElements()) *
             llvm::divideCeil(type.getElementType().getIntOrFloatBitWidth(), 8);
  }
  return total;
}

llvm::DenseSet<Operation *> findConstantOps(Block &block) {
  llvm::DenseSet<Operation *> found;
  // Values are defined before they are read, so one pass in the block's order is enough.
  for (Operation &op : block) {
    if (isa<graph::ConstantOp>(op)) {
      found.insert(&op);
      continue;
    }
    if (!isa<compute::MapOp, compute::ReduceOp, access::ReadOp>(op) || op.getNumOperands() == 0)
      continue;
    bool isConstant = llvm::all_of(valuesReadBy(&op), [&](Value value) {
      Operation *source = value.getDefiningOp();
      return source && (isa<RankedTensorType>(value.getType()) ? found.contains(source)
                                                               : source->getNumOperands() == 0);
    });
    double stored = bytesOf(op.getResults());
    if (isConstant && stored >= 0 && stored <= kMaxGrowth * bytesOf(op.getOperands()))
      found.insert(&op);
  }
  return found;
}

} // namespace longtail
