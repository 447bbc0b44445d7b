// Groups without reductions: every result element is computed where it is stored.
#include "codegen/Leaf/Nest.h"

using namespace mlir;

namespace longtail::leaf {

Kernel emitPointwise(KernelBuilder &kernel) {
  Nest nest = makeNest(kernel);
  if (std::optional<Kernel> transposed = emitTransposed(kernel, nest))
    return *transposed;
  Elements elements(kernel);
  AffineExpr tiles = emitTiles(kernel, nest, 1, [&](Frame frame, Value low, Value high, int64_t) {
    emitLanes(
        kernel, elements, frame, low, high,
        [&](const Frame &at) { elements.storeResults(nest.coordinates, at); },
        kernel.schedule.getVectors());
  });
  return finish(kernel, tiles);
}

} // namespace longtail::leaf
