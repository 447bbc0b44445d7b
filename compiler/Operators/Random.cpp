#include "compiler/Operators/Random.h"
#include "llvm/ADT/bit.h"

using namespace mlir;

namespace longtail::operators {

// SplitMix64: a counter times an odd number, then this finalizer, which passes the usual tests of
// randomness.
static constexpr uint64_t kStep = 0x9e3779b97f4a7c15;
static constexpr std::pair<int, uint64_t> kRounds[] = {{30, 0xbf58476d1ce4e5b9},
                                                       {27, 0x94d049bb133111eb}};
static constexpr int kLastShift = 31;

static uint64_t mix(uint64_t bits) {
  for (auto [shift, factor] : kRounds)
    bits = (bits ^ (bits >> shift)) * factor;
  return bits ^ (bits >> kLastShift);
}

uint64_t streamOf(InferContext &ctx) {
  if (ctx.attribute("seed"))
    return mix(llvm::bit_cast<uint32_t>(ctx.getFloat("seed", 0)) + kStep);
  uint64_t hash = 0xcbf29ce484222325; // FNV-1a
  auto add = [&](StringRef text) {
    for (unsigned char byte : text)
      hash = (hash ^ byte) * 0x100000001b3;
    hash = (hash ^ 0xff) * 0x100000001b3; // a byte that no name has
  };
  graph::NodeOp node = ctx.getNode();
  add(node.getNodeName());
  for (Attribute name : node.getOutputNames())
    add(cast<StringAttr>(name).getValue());
  return mix(hash);
}

Value linearPosition(const RegionBuilder &b, ArrayRef<AffineExpr> sizes) {
  Value position = b.indexConstant(0);
  for (auto [dim, size] : llvm::enumerate(sizes))
    position = b.add(b.mul(position, b.size(size)), b.position(dim));
  return b.fromIndex(position, b.builder().getI64Type());
}

Value randomBits(const RegionBuilder &b, Value position, uint64_t key) {
  Type i64 = b.builder().getI64Type();
  auto shifted = [&](Value bits, int by) {
    return b.make<arith::XOrIOp>(bits, b.make<arith::ShRUIOp>(bits, b.integer(i64, by)));
  };
  Value bits = b.mul(b.add(position, b.integer(i64, 1)), b.integer(i64, kStep));
  bits = b.add(bits, b.integer(i64, key));
  for (auto [shift, factor] : kRounds)
    bits = b.mul(shifted(bits, shift), b.integer(i64, factor));
  return shifted(bits, kLastShift);
}

Value unitInterval(const RegionBuilder &b, Value bits, Type type) {
  Type i64 = b.builder().getI64Type();
  if (type.isF32()) {
    Value high = b.make<arith::ShRUIOp>(bits, b.integer(i64, 40));
    high = b.make<arith::TruncIOp>(b.builder().getI32Type(), high);
    return b.mul(b.make<arith::SIToFPOp>(type, high), b.number(type, 0x1p-24));
  }
  Value high = b.make<arith::ShRUIOp>(bits, b.integer(i64, 11));
  return b.mul(b.make<arith::SIToFPOp>(type, high), b.number(type, 0x1p-53));
}

} // namespace longtail::operators
