// Chains of views: the composed map reads what the views read one after the other.
#include "Points.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace longtail;
using namespace longtail::access;
using namespace longtail::access::test;

namespace {

constexpr int64_t kFill = -1;

/// A tensor whose elements are offsets in the first one of the chain.
struct Elements {
  Values sizes, values;
  int64_t at(const Values &index) const {
    int64_t offset = 0;
    for (size_t dim = 0; dim < sizes.size(); ++dim) {
      EXPECT_GE(index[dim], 0);
      EXPECT_LT(index[dim], sizes[dim]);
      offset = offset * sizes[dim] + index[dim];
    }
    return values.at(offset);
  }
};

Elements read(const Elements &source, MapAttr map, const Values &sizes, const Values &symbols) {
  Elements result{sizes, {}};
  forEachPoint(sizes, [&](const Values &point) {
    bool valid = true;
    if (!map.isTotal())
      for (auto [expr, below] :
           llvm::zip(map.getValid().getResults(), map.getBelow().getResults())) {
        int64_t value = evaluate(expr, point, symbols);
        valid &= 0 <= value && value < evaluate(below, point, symbols);
      }
    if (!valid) {
      result.values.push_back(kFill);
      return;
    }
    Values index;
    for (AffineExpr expr : map.getMap().getResults())
      index.push_back(evaluate(expr, point, symbols));
    result.values.push_back(source.at(index));
  });
  return result;
}

/// Builds views of a tensor, each a map from the new dimensions to the old. A size is kept as a
/// list of factors, so that symbolic sizes can be split again.
class Chain {
public:
  using Factors = SmallVector<AffineExpr, 3>;
  Chain(MLIRContext *context, ArrayRef<Factors> sizes)
      : context(context), factors(sizes.begin(), sizes.end()), source(this->sizes()) {}

  SmallVector<AffineExpr> sizes() const {
    return llvm::map_to_vector(factors, [&](const Factors &list) { return sizeOf(list); });
  }
  AffineExpr sizeOf(const Factors &list) const {
    AffineExpr size = constant(1);
    for (AffineExpr factor : list)
      size = size * factor;
    return size;
  }
  Domain domain() const {
    return Domain(sizes(), [](AffineExpr) { return extent::Interval{1, std::nullopt}; });
  }
  unsigned rank() const { return factors.size(); }

  void transpose(ArrayRef<unsigned> order) { // result dimension i is old dimension order[i]
    SmallVector<AffineExpr> indices(rank());
    SmallVector<Factors> next;
    for (auto [position, old] : llvm::enumerate(order)) {
      indices[old] = dim(position);
      next.push_back(factors[old]);
    }
    push(indices, next);
  }
  void split(unsigned at, unsigned outerFactors) { // the first factors stay outside
    SmallVector<AffineExpr> indices;
    SmallVector<Factors> next(factors);
    ArrayRef<AffineExpr> all = factors[at];
    Factors outer(all.take_front(outerFactors)), inner(all.drop_front(outerFactors));
    next[at] = outer;
    next.insert(next.begin() + at + 1, inner);
    for (unsigned i = 0; i < rank(); ++i)
      indices.push_back(i < at    ? dim(i)
                        : i == at ? dim(i) * sizeOf(inner) + dim(i + 1)
                                  : dim(i + 1));
    push(indices, next);
  }
  void merge(unsigned at) { // with the next dimension
    AffineExpr inner = sizeOf(factors[at + 1]);
    SmallVector<AffineExpr> indices;
    for (unsigned i = 0; i < rank(); ++i)
      indices.push_back(i < at        ? dim(i)
                        : i == at     ? dim(at).floorDiv(inner)
                        : i == at + 1 ? dim(at) % inner
                                      : dim(i - 1));
    SmallVector<Factors> next(factors);
    next[at].append(next[at + 1]);
    next.erase(next.begin() + at + 1);
    push(indices, next);
  }
  void reshape(ArrayRef<Factors> next) { // through the row-major offset
    SmallVector<AffineExpr> point, newSizes;
    for (auto [position, list] : llvm::enumerate(next)) {
      point.push_back(dim(position));
      newSizes.push_back(sizeOf(list));
    }
    push(delinearize(linearize(point, newSizes, context), sizes()), next);
  }
  void slice(unsigned at, int64_t start, int64_t step) {
    AffineExpr size = sizeOf(factors[at]);
    replace(at, dim(at) * step + start, {(size - start - 1).floorDiv(step) + 1});
  }
  void flip(unsigned at) { replace(at, sizeOf(factors[at]) - 1 - dim(at), factors[at]); }
  void roll(unsigned at, int64_t by) {
    replace(at, (dim(at) + by) % sizeOf(factors[at]), factors[at]);
  }
  void tile(unsigned at, AffineExpr times) {
    Factors next{times};
    next.append(factors[at]);
    replace(at, dim(at) % sizeOf(factors[at]), next);
  }
  void pad(unsigned at, int64_t before, int64_t after) {
    AffineExpr size = sizeOf(factors[at]);
    SmallVector<AffineExpr> indices = identity();
    indices[at] = dim(at) - before;
    SmallVector<Factors> next(factors);
    next[at] = {size + before + after};
    push(indices, next, {dim(at) - before}, {size});
  }
  void broadcast(unsigned at, AffineExpr size) { // a new dimension
    SmallVector<AffineExpr> indices;
    for (unsigned i = 0; i < rank(); ++i)
      indices.push_back(dim(i < at ? i : i + 1));
    SmallVector<Factors> next(factors);
    next.insert(next.begin() + at, {size});
    push(indices, next);
  }
  void window(unsigned at, int64_t kernel, int64_t stride) { // adds the kernel's position behind
    SmallVector<AffineExpr> indices;
    for (unsigned i = 0; i < rank(); ++i)
      indices.push_back(i < at ? dim(i) : i == at ? dim(i) * stride + dim(i + 1) : dim(i + 1));
    SmallVector<Factors> next(factors);
    next[at] = {(sizeOf(factors[at]) - kernel).floorDiv(stride) + 1};
    next.insert(next.begin() + at + 1, {constant(kernel)});
    push(indices, next);
  }

  AffineExpr constant(int64_t value) const { return getAffineConstantExpr(value, context); }
  AffineExpr dim(unsigned i) const { return getAffineDimExpr(i, context); }

  MLIRContext *context;
  SmallVector<Factors> factors;
  SmallVector<AffineExpr> source;
  MapAttr composed;
  std::vector<std::pair<MapAttr, SmallVector<AffineExpr>>> views;

private:
  SmallVector<AffineExpr> identity() const {
    SmallVector<AffineExpr> indices;
    for (unsigned i = 0; i < rank(); ++i)
      indices.push_back(dim(i));
    return indices;
  }
  void replace(unsigned at, AffineExpr index, const Factors &size) {
    SmallVector<AffineExpr> indices = identity();
    indices[at] = index;
    SmallVector<Factors> next(factors);
    next[at] = size;
    push(indices, next);
  }
  void push(ArrayRef<AffineExpr> indices, ArrayRef<Factors> next, ArrayRef<AffineExpr> valid = {},
            ArrayRef<AffineExpr> below = {}) {
    SmallVector<Factors> copy(next.begin(), next.end());
    MapAttr map = makeMap(context, copy.size(), indices, valid, below);
    factors = copy;
    views.push_back({map, sizes()});
    composed = composed ? compose(map, composed, domain()) : simplify(map, domain());
  }
};

class ChainTest : public testing::Test {
protected:
  ChainTest() { context.loadDialect<AccessDialect>(); }
  AffineExpr s(unsigned i) { return getAffineSymbolExpr(i, &context); }
  AffineExpr c(int64_t value) { return getAffineConstantExpr(value, &context); }

  /// Compares the composed map with the views at some sizes. False where all are too large or
  /// empty.
  bool compare(const Chain &chain, ArrayRef<Values> assignments, const std::string &what) {
    bool compared = false;
    for (const Values &symbols : assignments) {
      auto evaluated = [&](ArrayRef<AffineExpr> sizes) {
        Values result;
        for (AffineExpr size : sizes)
          result.push_back(evaluate(size, {}, symbols));
        return result;
      };
      Elements first{evaluated(chain.source), {}};
      bool fits = true;
      for (auto &[map, sizes] : chain.views) {
        int64_t count = 1;
        for (int64_t size : evaluated(sizes))
          count *= size;
        fits &= count > 0 && count < 6000;
        for (int64_t size : evaluated(sizes))
          fits &= size > 0;
      }
      if (!fits)
        continue;
      forEachPoint(first.sizes,
                   [&](const Values &) { first.values.push_back(first.values.size()); });
      Elements sequential = first;
      for (auto &[map, sizes] : chain.views)
        sequential = read(sequential, map, evaluated(sizes), symbols);
      Elements direct = read(first, chain.composed, sequential.sizes, symbols);
      EXPECT_EQ(sequential.values, direct.values) << what << ": " << text(chain.composed);
      if (chain.composed.isTotal() && isInjective(chain.composed, chain.domain())) {
        Values unique = direct.values;
        llvm::sort(unique);
        unique.erase(std::unique(unique.begin(), unique.end()), unique.end());
        EXPECT_EQ(unique.size(), direct.values.size()) << what << ": " << text(chain.composed);
      }
      compared = true;
    }
    return compared;
  }

  void expectIdentity(const Chain &chain) {
    EXPECT_TRUE(chain.composed.isIdentity()) << text(chain.composed);
  }
  MLIRContext context;
};

using Factors = Chain::Factors;

void extendRandomly(Chain &chain, std::mt19937_64 &random, bool symbolic) {
  auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  unsigned at = pick(0, chain.rank() - 1);
  switch (pick(0, 11)) {
  case 0:
  case 1: {
    SmallVector<unsigned> order;
    for (unsigned i = 0; i < chain.rank(); ++i)
      order.push_back(i);
    std::shuffle(order.begin(), order.end(), random);
    return chain.transpose(order);
  }
  case 2:
  case 3:
    if (chain.factors[at].size() > 1)
      chain.split(at, pick(1, chain.factors[at].size() - 1));
    return;
  case 4:
  case 5:
    if (at + 1 < chain.rank())
      chain.merge(at);
    return;
  case 6:
    return chain.slice(at, pick(0, 1), pick(1, 2));
  case 7:
    return chain.flip(at);
  case 8:
    return chain.roll(at, pick(-2, 3));
  case 9:
    return chain.pad(at, pick(0, 2), pick(0, 2));
  case 10:
    if (chain.rank() < 5)
      chain.broadcast(at, symbolic && pick(0, 1) ? getAffineSymbolExpr(pick(0, 2), chain.context)
                                                 : chain.constant(pick(1, 3)));
    return;
  default:
    if (pick(0, 1))
      return chain.tile(at, chain.constant(pick(1, 3)));
    if (chain.rank() < 5)
      chain.window(at, pick(1, 2), pick(1, 2));
  }
}

TEST_F(ChainTest, RandomStaticChains) {
  std::mt19937_64 random(1);
  unsigned compared = 0;
  for (unsigned trial = 0; trial < 1500; ++trial) {
    Chain chain(&context, {Factors{c(2), c(3)}, Factors{c(2)}, Factors{c(4), c(2)}});
    for (unsigned i = 0, count = 1 + random() % 8; i < count; ++i)
      extendRandomly(chain, random, false);
    if (chain.composed)
      compared += compare(chain, {Values{}}, "trial " + std::to_string(trial));
    if (HasFailure())
      return;
  }
  EXPECT_GT(compared, 1000u);
}

TEST_F(ChainTest, RandomSymbolicChains) {
  std::mt19937_64 random(2);
  unsigned compared = 0;
  for (unsigned trial = 0; trial < 1500; ++trial) {
    Chain chain(&context, {Factors{s(0), s(1)}, Factors{c(2), s(2)}, Factors{s(1)}});
    for (unsigned i = 0, count = 1 + random() % 8; i < count; ++i)
      extendRandomly(chain, random, true);
    if (chain.composed)
      compared += compare(chain, {Values{2, 3, 1}, Values{1, 1, 2}, Values{3, 2, 2}},
                          "trial " + std::to_string(trial));
    if (HasFailure())
      return;
  }
  EXPECT_GT(compared, 1000u);
}

TEST_F(ChainTest, ReshapeThereAndBack) {
  Chain chain(&context, {Factors{s(0)}, Factors{s(1)}, Factors{c(12), c(64)}});
  chain.reshape({Factors{s(0)}, Factors{s(1)}, Factors{c(12)}, Factors{c(64)}});
  chain.transpose({0, 2, 1, 3});
  chain.reshape({Factors{s(0), c(12)}, Factors{s(1)}, Factors{c(64)}});
  chain.reshape({Factors{s(0)}, Factors{c(12)}, Factors{s(1)}, Factors{c(64)}});
  chain.transpose({0, 2, 1, 3});
  chain.reshape({Factors{s(0)}, Factors{s(1)}, Factors{c(768)}});
  expectIdentity(chain);
}

TEST_F(ChainTest, WindowPartitionAndReverse) {
  // Swin: [B, H, W, C] in windows of 7x7, symbolic numbers of windows.
  Chain chain(&context, {Factors{s(0)}, Factors{s(1), c(7)}, Factors{s(2), c(7)}, Factors{c(32)}});
  chain.split(1, 1);
  chain.split(3, 1);
  chain.transpose({0, 1, 3, 2, 4, 5});
  chain.reshape({Factors{s(0), s(1), s(2)}, Factors{c(7), c(7)}, Factors{c(32)}});
  MapAttr partition = chain.composed;
  EXPECT_TRUE(isInjective(partition, chain.domain())) << text(partition);
  chain.reshape(
      {Factors{s(0)}, Factors{s(1)}, Factors{s(2)}, Factors{c(7)}, Factors{c(7)}, Factors{c(32)}});
  chain.transpose({0, 1, 3, 2, 4, 5});
  chain.reshape({Factors{s(0)}, Factors{s(1), c(7)}, Factors{s(2), c(7)}, Factors{c(32)}});
  expectIdentity(chain);
}

TEST_F(ChainTest, RollAndBack) {
  Chain chain(&context, {Factors{s(0)}, Factors{c(14)}});
  chain.roll(0, 3);
  chain.roll(1, -3);
  chain.roll(1, 3);
  chain.roll(0, -3);
  expectIdentity(chain);
}

TEST_F(ChainTest, RolledWindowPartition) {
  Chain chain(&context, {Factors{s(1), c(7)}, Factors{s(2), c(7)}, Factors{c(3)}});
  chain.roll(0, 3);
  chain.roll(1, 3);
  chain.split(0, 1);
  chain.split(2, 1);
  chain.transpose({0, 2, 1, 3, 4});
  chain.merge(0);
  chain.merge(1);
  EXPECT_TRUE(compare(chain, {Values{0, 1, 2}, Values{0, 2, 2}}, "roll"));
}

TEST_F(ChainTest, PadThenCropVanishes) {
  Chain chain(&context, {Factors{s(0)}, Factors{s(1)}});
  chain.pad(1, 2, 3);
  chain.slice(1, 2, 1); // [2, s1 + 5)
  chain.flip(1);
  chain.slice(1, 3, 1);
  chain.flip(1);
  expectIdentity(chain);
}

TEST_F(ChainTest, PixelShuffleAndBack) {
  Chain chain(&context, {Factors{c(8), c(2), c(2)}, Factors{s(0)}, Factors{s(1)}});
  chain.reshape({Factors{c(8)}, Factors{c(2)}, Factors{c(2)}, Factors{s(0)}, Factors{s(1)}});
  chain.transpose({0, 3, 1, 4, 2});
  chain.reshape({Factors{c(8)}, Factors{s(0), c(2)}, Factors{s(1), c(2)}});
  chain.split(1, 1);
  chain.split(3, 1);
  chain.transpose({0, 2, 4, 1, 3});
  chain.reshape({Factors{c(32)}, Factors{s(0)}, Factors{s(1)}});
  expectIdentity(chain);
}

TEST_F(ChainTest, ConvolutionPixelsFlattened) {
  // [N, C, OH, OW] -> [N, OH * OW, C] -> [N, C, OH, OW], OH and OW sums.
  AffineExpr height = (s(1) - 3).floorDiv(2) + 1, width = (s(2) - 3).floorDiv(2) + 1;
  Chain chain(&context, {Factors{s(0)}, Factors{c(16)}, Factors{height}, Factors{width}});
  chain.merge(2);
  chain.transpose({0, 2, 1});
  chain.transpose({0, 2, 1});
  chain.split(2, 1);
  expectIdentity(chain);
}

TEST_F(ChainTest, ConditionsThatAlwaysHoldGo) {
  Chain chain(&context, {Factors{s(0)}});
  chain.pad(0, 1, 1);
  chain.window(0, 3, 1); // as many windows as elements
  EXPECT_FALSE(chain.composed.isTotal());
  chain.pad(0, 0, 0);
  EXPECT_EQ(chain.composed.getValid().getNumResults(), 1u) << text(chain.composed);
  Chain twice(&context, {Factors{s(0)}});
  twice.pad(0, 1, 1);
  twice.pad(0, 1, 1); // the inner condition implies the outer
  EXPECT_EQ(twice.composed.getValid().getNumResults(), 1u) << text(twice.composed);
}

TEST_F(ChainTest, FlattenedPadKeepsOneDigit) {
  // Under the condition the remainder is the dimension itself.
  Chain chain(&context, {Factors{s(0)}, Factors{s(1)}});
  chain.merge(0);
  chain.split(0, 1);
  chain.pad(1, 1, 1);
  EXPECT_EQ(chain.composed.getMap().getResult(1), chain.dim(1) - 1) << text(chain.composed);
}

} // namespace
