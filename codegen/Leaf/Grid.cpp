// Code for each point of a grid, in order or with the points of a vector side by side.
#include "codegen/Leaf/Nest.h"

using namespace mlir;

namespace longtail::leaf {

/// Says where the results of `grid` and the arrays of a point lie in memory.
static void keepPlaces(KernelBuilder &kernel, Elements &elements, compute::GridOp grid) {
  Block &body = grid.getBody().front();
  int64_t lanes = kernel.schedule.getLanes();
  // The group yields all results of the grid, in an order of its own.
  OperandRange yielded = kernel.yielded();
  for (OpResult result : grid.getResults()) {
    unsigned position = llvm::find(yielded, result) - yielded.begin();
    const KernelBuilder::Place &place = kernel.result(position);
    unsigned argument = grid.getExtents().getNumResults() + result.getResultNumber();
    elements.keepPlace(body.getArgument(argument), kernel.buffer(place), place.strides,
                       /*perLane=*/false);
  }
  body.walk([&](access::LocalOp local) {
    RankedTensorType type = local.getType().getTensor();
    AffineExpr bytes = getAffineConstantExpr(
        lanes * llvm::divideCeil(access::bitWidth(type.getElementType()), 8), kernel.context());
    for (AffineExpr size : extent::sizesOf(type))
      bytes = bytes * size;
    elements.keepPlace(local.getResult(), kernel.scratch(bytes, type.getElementType()),
                       stridesOf(type, llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()))),
                       /*perLane=*/lanes > 1);
  });
}

/// Vectors along dimension `lane`, for all points of the others.
static Kernel emitVectors(KernelBuilder &kernel, compute::GridOp grid, unsigned lane) {
  Nest nest;
  SmallVector<unsigned> order;
  for (unsigned dim = 0; dim < grid.getExtents().getNumResults(); ++dim)
    if (dim != lane)
      order.push_back(dim);
  order.push_back(lane);
  nest.coordinates.resize(order.size());
  for (auto [place, dim] : llvm::enumerate(order)) {
    nest.extents.push_back(grid.getExtents().getResult(dim));
    nest.coordinates[dim] = getAffineDimExpr(place, kernel.context());
  }
  Elements elements(kernel);
  keepPlaces(kernel, elements, grid);
  AffineExpr tiles = emitTiles(kernel, nest, 1, [&](Frame frame, Value low, Value high, int64_t) {
    emitLanes(kernel, elements, frame, low, high, [&](const Frame &at) {
      SmallVector<Value> points = llvm::map_to_vector(nest.coordinates, [&](AffineExpr expr) {
        return expr.isFunctionOfDim(at.lane) ? elements.lanesOf(expr, at)
                                             : kernel.evaluate(expr, at.dims);
      });
      elements.evaluateBody(grid.getBody().front(), points, {}, at);
    });
  });
  return finish(kernel, tiles);
}

Kernel emitGrid(KernelBuilder &kernel) {
  compute::GridOp grid = *kernel.group.getBody().front().getOps<compute::GridOp>().begin();
  if (kernel.schedule.getLanes() > 1)
    if (std::optional<GridLanes> lanes = lanesOfGrid(kernel.group))
      return emitVectors(kernel, grid, lanes->dim);
  ArrayRef<AffineExpr> extents = grid.getExtents().getResults();
  AffineExpr total = getAffineConstantExpr(1, kernel.context());
  for (AffineExpr extent : extents)
    total = total * extent;
  int64_t grain = kernel.schedule.getGrain();
  // Elements that share a byte are written by one thread: a store reads and writes the whole byte.
  bool isSequential = llvm::any_of(grid.getResultTypes(), [](Type type) {
    unsigned bits = access::bitWidth(cast<RankedTensorType>(type).getElementType());
    return bits > 1 && bits < 8;
  });
  Elements elements(kernel);
  keepPlaces(kernel, elements, grid);
  Value low = kernel.mul(kernel.tile(), kernel.index(isSequential ? 0 : grain));
  Value high = kernel.size(total);
  if (!isSequential)
    high = kernel.min(kernel.add(low, kernel.index(grain)), high);
  kernel.loop(low, high, 1, [&](Value point) {
    elements.evaluateBody(grid.getBody().front(), kernel.delinearize(point, extents), {}, Frame());
  });
  Kernel made = finish(kernel, isSequential ? getAffineConstantExpr(1, kernel.context())
                                            : total.ceilDiv(grain));
  hoistChecks(made.function);
  prefetchRows(made.function);
  markVectorLoops(made.function);
  vectorizeDotLoops(made.function, kernel.target.getVectorBytes() / 4);
  return made;
}

} // namespace longtail::leaf
