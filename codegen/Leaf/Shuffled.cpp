// Lanes that lie a few elements apart in memory, or in reverse: loads of neighbours, shuffled.
#include "codegen/Leaf/Elements.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::leaf {

/// Lanes further apart than this are gathered: there would be a load for each few of them.
static constexpr int64_t maxStride = 4;
/// Vectors of these bytes (SSE, NEON) have no masked loads.
static constexpr int64_t bytesWithoutMasks = 16;

bool Elements::canShuffle(VectorType type, int64_t stride, const Frame &frame) const {
  int64_t distance = std::abs(stride);
  // Where registers come in groups there are loads with strides, and shuffles are slow.
  if (distance == 0 || distance > maxStride || distance >= type.getNumElements() ||
      kernel.target.getScalarFactors() || access::bitWidth(type.getElementType()) < 8)
    return false;
  return !frame.mask || kernel.target.getMasks() ||
         kernel.target.getVectorBytes() > bytesWithoutMasks;
}

Value Elements::loadShuffled(VectorType type, Value buffer, Value first, int64_t stride,
                             Value mask) {
  OpBuilder &b = kernel.builder;
  int64_t lanes = type.getNumElements(), distance = std::abs(stride);
  // From here on in the order of memory: what lies at `distance * i` becomes the lane `laneAt(i)`.
  auto laneAt = [&](int64_t i) { return stride > 0 ? i : lanes - 1 - i; };
  if (stride < 0)
    first = kernel.add(first, kernel.index(stride * (lanes - 1)));
  Value none;
  if (mask)
    none = arith::ConstantOp::create(
        b, kernel.loc, DenseElementsAttr::get(cast<ShapedType>(mask.getType()), false));
  Value result;
  for (int64_t found = 0; found < lanes;) {
    // The last load ends at the last element: nothing behind it is read.
    int64_t start = std::min(distance * found, (distance - 1) * (lanes - 1));
    Value exist;
    if (mask) {
      SmallVector<int64_t> sources(lanes, lanes); // of `none`
      for (int64_t i = found; i < lanes && distance * i - start < lanes; ++i)
        sources[distance * i - start] = laneAt(i);
      exist = vector::ShuffleOp::create(b, kernel.loc, mask, none, sources);
    }
    Value loaded = kernel::LoadOp::create(b, kernel.loc, type, buffer,
                                          kernel.add(first, kernel.index(start)), exist);
    SmallVector<int64_t> sources = llvm::to_vector(llvm::seq<int64_t>(0, lanes));
    for (; found < lanes && distance * found - start < lanes; ++found)
      sources[laneAt(found)] = (result ? lanes : 0) + distance * found - start;
    result = vector::ShuffleOp::create(b, kernel.loc, result ? result : loaded, loaded, sources);
  }
  return result;
}

} // namespace longtail::leaf
