// Groups with one reduction whose lanes lie along a parallel dimension: pooling, depthwise
// convolution, sums over outer dimensions. Accumulators are vectors in registers; what follows the
// reduction is computed on them before they are stored.
#include "codegen/Leaf/Nest.h"
#include "codegen/Leaf/WindowSums.h"

using namespace mlir;

namespace longtail::leaf {

Kernel emitWindow(KernelBuilder &kernel) {
  compute::ReduceOp reduce = *kernel.group.getBody().front().getOps<compute::ReduceOp>().begin();
  if (auto scaled = makeScaledNest(kernel, reduce))
    return emitScaled(kernel, reduce, *scaled);
  int64_t points = 1;
  for (AffineExpr extent : reduce.getExtents().getResults()) {
    auto constant = dyn_cast<AffineConstantExpr>(extent);
    points = constant && points >= 0 ? points * constant.getValue() : -1;
  }
  bool unrolled = points >= 0 && points <= kMaxUnrolledPoints && kernel.schedule.getLanes() > 1;
  Elements elements(kernel);
  WindowSums windows(kernel, reduce, elements, unrolled);
  Nest nest = makeNest(kernel, reduce);
  unsigned neighbour = nest.extents.size() - 2; // only used where there are at least two loops
  auto body = [&](Frame frame, Value low, Value high, int64_t count) {
    auto emit = [&](const Frame &at) {
      SmallVector<WindowSums::Position> pixels;
      for (int64_t i = 0; i < count; ++i) {
        pixels.push_back(nest.coordinates);
        if (count == 1)
          continue;
        AffineExpr dim = getAffineDimExpr(neighbour, kernel.context());
        for (AffineExpr &coordinate : pixels.back())
          coordinate = kernel.simplify(coordinate.replace(dim, dim + i), at.domain);
      }
      SmallVector<Value> sums = windows.at(pixels, at);
      for (auto [pixel, sum] : llvm::zip(pixels, sums)) {
        elements.keep(reduce.getOutput(), pixel, sum);
        elements.storeResults(pixel, at);
      }
    };
    emitLanes(kernel, elements, frame, low, high, emit,
              unrolled ? 1 : kernel.schedule.getVectors());
  };
  return finish(kernel, emitTiles(kernel, nest, unrolled ? kernel.schedule.getRows() : 1, body));
}

} // namespace longtail::leaf
