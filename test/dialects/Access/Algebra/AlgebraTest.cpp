// Rules of the algebra one by one, and random expressions against their values.
#include "Points.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace longtail;
using namespace longtail::access;
using namespace longtail::access::test;

namespace {

class AlgebraTest : public testing::Test {
protected:
  AlgebraTest() { context.loadDialect<AccessDialect>(); }
  AffineExpr d(unsigned i) { return getAffineDimExpr(i, &context); }
  AffineExpr s(unsigned i) { return getAffineSymbolExpr(i, &context); }
  AffineExpr c(int64_t value) { return getAffineConstantExpr(value, &context); }
  static extent::Interval positive(AffineExpr) { return {1, std::nullopt}; }
  Domain domain(ArrayRef<AffineExpr> extents) { return Domain(extents, positive); }
  std::string simplified(AffineExpr expr, const Domain &over) { return text(simplify(expr, over)); }

  MLIRContext context;
};

TEST_F(AlgebraTest, RemovesDigitsWithinOnePeriod) {
  Domain over = domain({c(5), c(4)});
  EXPECT_EQ(simplified(d(1) % 4, over), "d1");
  EXPECT_EQ(simplified(d(1).floorDiv(4), over), "0");
  EXPECT_EQ(simplified((d(0) * 4 + d(1)).floorDiv(4), over), "d0");
  EXPECT_EQ(simplified((d(0) * 4 + d(1)) % 4, over), "d1");
  EXPECT_EQ(simplified((d(1) - 4) % 4, over), "d1");
  EXPECT_EQ(simplified((d(1) + 4).floorDiv(4), over), "1");
  EXPECT_EQ(simplified(d(0) % 4, over), "d0 mod 4");
}

TEST_F(AlgebraTest, RemovesDigitsWithSymbolicDivisors) {
  Domain over = domain({s(1), s(0), s(2)});
  EXPECT_EQ(simplified((d(0) * s(0) + d(1)).floorDiv(s(0)), over), "d0");
  EXPECT_EQ(simplified((d(0) * s(0) + d(1)) % s(0), over), "d1");
  AffineExpr offset = (d(0) * s(0) + d(1)) * s(2) + d(2);
  EXPECT_EQ(simplified(offset.floorDiv(s(0) * s(2)), over), "d0");
  EXPECT_EQ(simplified(offset.floorDiv(s(2)) % s(0), over), "d1");
  EXPECT_EQ(simplified((s(0) - 1 - d(1)) % s(0), over), text(simplify(s(0) - 1 - d(1), over)));
}

TEST_F(AlgebraTest, RemovesDigitsWithSumsAsDivisors) {
  // The width of a convolution's result.
  AffineExpr width = (s(0) - 3).floorDiv(2) + 1, height = (s(1) - 3).floorDiv(2) + 1;
  Domain over = domain({c(3), height, width});
  AffineExpr offset = (d(0) * height + d(1)) * width + d(2);
  EXPECT_EQ(simplified(offset % width, over), "d2");
  EXPECT_EQ(simplified(offset.floorDiv(width) % height, over), "d1");
  EXPECT_EQ(simplified(offset.floorDiv(height * width), over), "d0");
}

TEST_F(AlgebraTest, MergesNestedQuotients) {
  Domain over = domain({c(1000)});
  EXPECT_EQ(simplified(d(0).floorDiv(4).floorDiv(5), over), "d0 floordiv 20");
  EXPECT_EQ(simplified((d(0) % 20).floorDiv(4), over), "(d0 floordiv 4) mod 5");
  EXPECT_EQ(simplified((d(0) % 20) % 4, over), "d0 mod 4");
  EXPECT_EQ(simplified(d(0).floorDiv(s(0)).floorDiv(s(1)), domain({s(0) * s(1) * s(2)})),
            "d0 floordiv (s0 * s1)");
}

TEST_F(AlgebraTest, PullsMultiplesOut) {
  Domain over = domain({c(10), c(10)});
  EXPECT_EQ(simplified((d(0) * 12 + d(1)) % 4, over), "d1 mod 4");
  EXPECT_EQ(simplified((d(0) * 12 + d(1)).floorDiv(4), over), "d0 * 3 + d1 floordiv 4");
  EXPECT_EQ(simplified((d(0) * 6 + d(1)).floorDiv(12), domain({c(10), c(6)})), "d0 floordiv 2");
  EXPECT_EQ(simplified((d(0) * 6 + d(1)) % 12, domain({c(10), c(6)})), "(d0 mod 2) * 6 + d1");
}

TEST_F(AlgebraTest, JoinsDigits) {
  Domain over = domain({c(1000)});
  EXPECT_EQ(simplified(d(0).floorDiv(7) * 7 + d(0) % 7, over), "d0");
  EXPECT_EQ(simplified((d(0).floorDiv(7) % 5) * 7 + d(0) % 7, over), "d0 mod 35");
  EXPECT_EQ(simplified(((d(0).floorDiv(7) + 2) % 5) * 7 + d(0) % 7, over), "(d0 + 14) mod 35");
  SmallVector<AffineExpr> sizes{s(0), s(1), c(3)};
  AffineExpr back = linearize(delinearize(d(0), sizes), sizes, &context);
  EXPECT_EQ(simplified(back, domain({s(0) * s(1) * 3})), "d0");
}

TEST_F(AlgebraTest, UsesFacts) {
  Domain over = domain({s(0) + 2});
  EXPECT_EQ(simplified((d(0) - 1) % s(0), over), text((d(0) - 1) % s(0)));
  over.nonNegative = {d(0) - 1, s(0) - d(0)};
  EXPECT_EQ(simplified((d(0) - 1) % s(0), over), "d0 - 1");
}

TEST_F(AlgebraTest, ProvesSigns) {
  Domain over = domain({s(0), s(1)});
  EXPECT_TRUE(isNonNegative(s(0) * s(1) - 1 - d(0) * s(1) - d(1), over));
  EXPECT_FALSE(isNonNegative(s(0) * s(1) - 2 - d(0) * s(1) - d(1), over));
  EXPECT_TRUE(isLess(d(0).floorDiv(2), s(0), over));
  EXPECT_TRUE(isNonNegative(d(0) - d(0).floorDiv(4) * 4, over));
  EXPECT_FALSE(isLess(d(0), s(1), over));
  EXPECT_TRUE(isEqual(d(0) * (s(0) + 1), d(0) + s(0) * d(0), over));
  EXPECT_FALSE(isEqual(d(0), d(1), over));
}

TEST_F(AlgebraTest, Strides) {
  Domain over = domain({s(0), s(1), c(4)});
  AffineExpr offset = d(0) * s(1) * 4 + d(1) * 4 + d(2);
  EXPECT_EQ(text(strideAlong(offset, 0, over)), text(s(1) * 4));
  EXPECT_EQ(strideAlong(offset, 1, over), c(4));
  EXPECT_TRUE(isContiguousAlong(offset, 2, over));
  EXPECT_FALSE(isContiguousAlong(offset, 1, over));
  EXPECT_EQ(strideAlong(d(1), 0, over), c(0));
  EXPECT_EQ(strideAlong(c(3) - d(2), 2, over), c(-1));
  EXPECT_FALSE(strideAlong(d(0) % 2, 0, over));
  EXPECT_FALSE(strideAlong(d(0).floorDiv(s(1)), 0, over));
}

TEST_F(AlgebraTest, CollapsesAdjacentDimensions) {
  Domain over = domain({s(0), s(1), c(4)});
  AffineExpr dense = (d(0) * s(1) + d(1)) * 4 + d(2);
  AffineExpr row = d(1) * 4 + d(2); // broadcast along 0
  using Runs = SmallVector<SmallVector<unsigned>>;
  EXPECT_EQ(collapse({dense}, {0, 1, 2}, over), (Runs{{0, 1, 2}}));
  EXPECT_EQ(collapse({dense, row}, {0, 1, 2}, over), (Runs{{0}, {1, 2}}));
  EXPECT_EQ(collapse({dense}, {1, 0, 2}, over), (Runs{{1}, {0}, {2}}));
  EXPECT_EQ(collapse({dense}, {0, 1, 2}, over, {d(1) - 1}), (Runs{{0}, {1}, {2}}));
  EXPECT_EQ(collapse({d(2) % 2 + dense}, {0, 1, 2}, over), (Runs{{0, 1}, {2}}));
  EXPECT_EQ(collapse({}, {0, 1}, Domain()), (Runs{{0}, {1}}));
}

TEST_F(AlgebraTest, ShapesOfMaps) {
  auto transposed = makeMap(&context, 3, {d(2), d(0), d(1)});
  EXPECT_EQ(*isPermutation(transposed), (SmallVector<unsigned>{2, 0, 1}));
  EXPECT_FALSE(isPermutation(makeMap(&context, 2, {d(0)})));
  EXPECT_FALSE(isPermutation(makeMap(&context, 2, {d(0), d(1)}, {d(0) - 1}, {s(0)})));

  Domain merged = domain({s(0) * s(1), c(4)});
  auto reshape = makeMap(&context, 2, {d(0).floorDiv(s(1)), d(0) % s(1), d(1)});
  EXPECT_TRUE(isRowMajorReshape(reshape, {s(0), s(1), c(4)}, merged));
  EXPECT_FALSE(isRowMajorReshape(reshape, {s(0), s(1), c(5)}, merged));
  EXPECT_TRUE(isInjective(reshape, merged));
  EXPECT_TRUE(isInjective(transposed, domain({s(0), s(1), s(2)})));
  EXPECT_TRUE(
      isInjective(makeMap(&context, 2, {d(0) * 2 + 1, s(0) - 1 - d(1)}), domain({s(1), s(0)})));
  EXPECT_FALSE(isInjective(makeMap(&context, 2, {d(0)}), domain({s(0), s(1)})));
  EXPECT_TRUE(isInjective(makeMap(&context, 2, {d(0)}), domain({s(0), c(1)})));
  EXPECT_FALSE(isInjective(makeMap(&context, 2, {d(0) + d(1)}), domain({c(4), c(3)})));
  EXPECT_FALSE(isInjective(makeMap(&context, 1, {d(0) % s(0)}), domain({s(0) * 2})));
}

TEST_F(AlgebraTest, LeavesWhatHasNoValue) {
  Domain over = domain({c(4)});
  AffineExpr zero = getAffineBinaryOpExpr(AffineExprKind::Mod, d(0), s(0)).replaceSymbols({c(0)});
  EXPECT_EQ(simplify(zero, over), zero);
}

/// A random expression of small values; divisors are positive.
AffineExpr randomExpr(std::mt19937_64 &random, MLIRContext *context, unsigned depth) {
  auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  if (depth == 0 || pick(0, 5) == 0) {
    switch (pick(0, 3)) {
    case 0:
      return getAffineConstantExpr(pick(-6, 6), context);
    case 1:
      return getAffineSymbolExpr(pick(0, 1), context);
    default:
      return getAffineDimExpr(pick(0, 2), context);
    }
  }
  AffineExpr a = randomExpr(random, context, depth - 1);
  AffineExpr size = pick(0, 1) ? getAffineSymbolExpr(pick(0, 1), context) * pick(1, 3)
                               : getAffineConstantExpr(pick(1, 8), context);
  switch (pick(0, 4)) {
  case 0:
    return a * size;
  case 1:
    return a % size;
  case 2:
    return a.floorDiv(size);
  case 3:
    return a.ceilDiv(size);
  default:
    return a + randomExpr(random, context, depth - 1);
  }
}

TEST_F(AlgebraTest, SimplifiedEqualsOriginal) {
  const uint64_t seed = 20240607;
  std::mt19937_64 random(seed);
  for (unsigned trial = 0; trial < 3000; ++trial) {
    AffineExpr expr = randomExpr(random, &context, 5);
    bool symbolic = trial % 2;
    Domain over = symbolic ? domain({s(0), c(4), s(1) * 2}) : domain({c(3), c(4), c(6)});
    AffineExpr simple = simplify(expr, over);
    AffineExpr stride = strideAlong(expr, 0, over);
    bool nonNegative = isNonNegative(expr, over);
    for (const Values &symbols : {Values{1, 1}, Values{2, 3}, Values{5, 2}}) {
      Values sizes;
      for (AffineExpr extent : over.extents)
        sizes.push_back(evaluate(extent, {}, symbols));
      forEachPoint(sizes, [&](const Values &point) {
        int64_t value = evaluate(expr, point, symbols);
        ASSERT_EQ(value, evaluate(simple, point, symbols))
            << "trial " << trial << ": " << text(expr) << " became " << text(simple);
        if (nonNegative)
          ASSERT_GE(value, 0) << "trial " << trial << ": " << text(expr);
        if (stride && point[0] + 1 < sizes[0]) {
          Values next = point;
          ++next[0];
          ASSERT_EQ(evaluate(expr, next, symbols) - value, evaluate(stride, point, symbols))
              << "trial " << trial << ": " << text(expr);
        }
      });
      if (HasFatalFailure())
        return;
    }
  }
}

TEST_F(AlgebraTest, InjectiveMapsReadEachElementOnce) {
  const uint64_t seed = 77;
  std::mt19937_64 random(seed);
  unsigned proven = 0;
  for (unsigned trial = 0; trial < 3000; ++trial) {
    Domain over = domain({s(0), c(4), s(1) * 2});
    SmallVector<AffineExpr> indices;
    for (unsigned i = 0, count = 1 + random() % 4; i < count; ++i)
      indices.push_back(randomExpr(random, &context, 2));
    MapAttr map = makeMap(&context, 3, indices);
    if (!isInjective(map, over))
      continue;
    ++proven;
    for (const Values &symbols : {Values{1, 1}, Values{3, 2}}) {
      std::vector<Values> seen;
      forEachPoint({symbols[0], 4, symbols[1] * 2}, [&](const Values &point) {
        Values index;
        for (AffineExpr expr : indices)
          index.push_back(evaluate(expr, point, symbols));
        seen.push_back(index);
      });
      size_t count = seen.size();
      llvm::sort(seen);
      seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
      ASSERT_EQ(seen.size(), count) << "trial " << trial << ": " << text(map);
    }
  }
  EXPECT_GT(proven, 10u);
}

} // namespace
