// Squares of registers turned around.
#include "codegen/Leaf/Nest.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::leaf {

/// Bits in which shuffles cost least: the registers of SSE and NEON, the parts of wider ones.
static constexpr int64_t partBits = 128;

SmallVector<Value> transposeRegisters(KernelBuilder &kernel, SmallVector<Value> vectors) {
  OpBuilder &b = kernel.builder;
  int64_t lanes = vectors.size();
  Type element = cast<VectorType>(vectors[0].getType()).getElementType();
  auto convert = [&](Type to, auto make) {
    auto type = VectorType::get({lanes}, to);
    for (Value &vector : vectors)
      vector = make(type, vector);
  };
  // Bits are moved as bytes.
  if (element.isInteger(1))
    convert(b.getI8Type(), [&](Type type, Value vector) -> Value {
      return arith::ExtUIOp::create(b, kernel.loc, type, vector);
    });
  int64_t bits = std::max<int64_t>(8, access::bitWidth(element));
  int64_t part = std::clamp<int64_t>(partBits / bits, 1, lanes), parts = lanes / part;
  auto shuffle = [&](Value x, Value y, function_ref<int64_t(int64_t)> source) -> Value {
    SmallVector<int64_t> sources =
        llvm::map_to_vector(llvm::seq<int64_t>(0, lanes), [&](int64_t i) { return source(i); });
    return vector::ShuffleOp::create(b, kernel.loc, x, y, sources);
  };
  // Within parts: rows `i` and `i + part / 2` interleaved, until each part is a square turned
  // around. One instruction each on x86 (unpack) and NEON (zip).
  for (int64_t done = 1; done < part; done *= 2) {
    SmallVector<Value> next(lanes);
    for (int64_t group = 0; group < lanes; group += part)
      for (int64_t i = 0; i < part / 2; ++i)
        for (int64_t upper : {0, 1})
          next[group + 2 * i + upper] =
              shuffle(vectors[group + i], vectors[group + i + part / 2], [&](int64_t to) {
                int64_t inPart = to % part, begin = to - inPart;
                return (inPart % 2) * lanes + begin + upper * part / 2 + inPart / 2;
              });
    vectors = std::move(next);
  }
  // Between parts: the vector at `group * part + j` has the columns `j`, `part + j`, ... as its
  // parts; even and odd parts of neighbouring groups join until each vector is one column.
  for (int64_t j = 0; j < part; ++j) {
    SmallVector<Value> column;
    for (int64_t group = 0; group < parts; ++group)
      column.push_back(vectors[group * part + j]);
    for (int64_t done = 1; done < parts; done *= 2) {
      // `done` runs of vectors, one for each residue of the column's number.
      SmallVector<Value> next(parts);
      int64_t run = parts / done;
      for (int64_t residue = 0; residue < done; ++residue)
        for (int64_t i = 0; i < run / 2; ++i)
          for (int64_t odd : {0, 1})
            next[(residue + odd * done) * (run / 2) + i] = shuffle(
                column[residue * run + 2 * i], column[residue * run + 2 * i + 1], [&](int64_t to) {
                  int64_t from = 2 * (to / part) + odd; // of the parts of both
                  return from * part + to % part;
                });
      column = std::move(next);
    }
    for (int64_t group = 0; group < parts; ++group)
      vectors[group * part + j] = column[group];
  }
  if (element.isInteger(1))
    convert(element, [&](Type type, Value vector) -> Value {
      return arith::TruncIOp::create(b, kernel.loc, type, vector);
    });
  return vectors;
}

} // namespace longtail::leaf
