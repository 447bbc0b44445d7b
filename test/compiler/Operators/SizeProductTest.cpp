#include "compiler/Operators/SizeProduct.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace longtail::operators;
using mlir::AffineExpr;

namespace {

class SizeProductTest : public testing::Test {
protected:
  AffineExpr symbol(unsigned i) { return mlir::getAffineSymbolExpr(i, &context); }
  AffineExpr constant(int64_t v) { return mlir::getAffineConstantExpr(v, &context); }
  SizeProduct product(llvm::ArrayRef<AffineExpr> sizes) { return SizeProduct(&context, sizes); }

  mlir::MLIRContext context;
};

TEST_F(SizeProductTest, OrderDoesNotMatter) {
  AffineExpr a = symbol(0), b = symbol(1) + 1, c = constant(6);
  EXPECT_TRUE(product({a, b, c}) == product({b, constant(2), a, constant(3)}));
  EXPECT_EQ(product({symbol(1), symbol(0)}).expr(), product({symbol(0), symbol(1)}).expr());
  EXPECT_FALSE(product({a, b}) == product({a, a}));
  EXPECT_FALSE(product({a, c}) == product({a}));
}

TEST_F(SizeProductTest, TakesCommonDivisorsOfSumsOut) {
  EXPECT_TRUE(product({symbol(0) * 4 + 8}) == product({constant(4), symbol(0) + 2}));
}

TEST_F(SizeProductTest, DividesOnlyWhatItHas) {
  auto quotient =
      product({symbol(0), symbol(1), constant(12)}).dividedBy(product({symbol(1), constant(4)}));
  ASSERT_TRUE(quotient);
  EXPECT_EQ(quotient->expr(), symbol(0) * 3);
  EXPECT_FALSE(product({symbol(0)}).dividedBy(product({symbol(1)})));
  EXPECT_FALSE(product({constant(6)}).dividedBy(product({constant(4)})));
}

TEST_F(SizeProductTest, NothingAndZero) {
  EXPECT_TRUE(product({}).isOne());
  EXPECT_EQ(product({}).expr(), constant(1));
  EXPECT_TRUE(product({symbol(0), constant(0)}) == product({constant(0)}));
  EXPECT_EQ(product({symbol(0), constant(0)}).expr(), constant(0));
}

TEST_F(SizeProductTest, HugeProductsSaturate) {
  AffineExpr huge = constant(int64_t(1) << 40);
  EXPECT_EQ(product({huge, huge}).expr(), constant(std::numeric_limits<int64_t>::max()));
}

} // namespace
