#include "compiler/Operators/Registry.h"
#include "dialects/Register.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace longtail;
using namespace longtail::operators;
using namespace mlir;

namespace {

/// A function with two symbols for dimensions of its argument, and one node.
constexpr const char *kModule = R"(
func.func @f(%x: tensor<?x?xf32, #extent.shape<()[s0, s1] -> (s0, s1)>>, %n: tensor<2xi64>) {
  extent.symbol 0 "a" = input 0 dim 0 min 1
  extent.symbol 1 "b" = input 0 dim 1 min 1
  extent.derived 2 = min affine_map<()[s0] -> (s0, 512)>
  extent.derived 3 = select affine_map<()[s0, s1] -> (s0, s1, 8)>
  %c = graph.constant dense<[7, 18446744073709551615]> : tensor<2xui64>
  %h = graph.constant dense<[0.5, 1.5, 3.0]> : tensor<3xf32>
  %none = graph.none
  %y = graph.node "Op" version 13 (%x, %none, %n, %c, %h) -> ["y"]
      with {axes = array<i64: 1>, text = "t", empty = []}
      : (tensor<?x?xf32, #extent.shape<()[s0, s1] -> (s0, s1)>>, none, tensor<2xi64>, tensor<2xui64>,
         tensor<3xf32>) -> !graph.any
  return
})";

class InferContextTest : public testing::Test {
protected:
  InferContextTest() {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    module = parseSourceString<ModuleOp>(kModule, &context);
    function = *module->getOps<func::FuncOp>().begin();
    symbols.emplace(cast<FunctionOpInterface>(function.getOperation()));
    node = *function.getOps<graph::NodeOp>().begin();
    infer.emplace(node, *symbols);
  }
  AffineExpr symbol(unsigned i) { return getAffineSymbolExpr(i, &context); }
  AffineExpr constant(int64_t v) { return getAffineConstantExpr(v, &context); }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  std::optional<extent::SymbolTable> symbols;
  graph::NodeOp node;
  std::optional<InferContext> infer;
};

TEST_F(InferContextTest, OperandsAndAttributes) {
  EXPECT_TRUE(infer->hasInput(0));
  EXPECT_FALSE(infer->hasInput(1)); // left out
  EXPECT_FALSE(infer->hasInput(9)); // not there
  EXPECT_EQ(infer->sizes(0)[1], symbol(1));
  EXPECT_EQ(infer->getInts("axes")->front(), 1);
  EXPECT_TRUE(infer->getInts("empty")->empty());
  EXPECT_FALSE(infer->getInts("text"));
  EXPECT_EQ(infer->getInt("text", 5), 5); // of another kind
}

TEST_F(InferContextTest, ConstantsAreKnown) {
  EXPECT_EQ((*infer->constantInts(3))[0], 7);
  EXPECT_EQ((*infer->constantNumbers(3))[1], 18446744073709551616.0);
  auto halves = infer->fractions(4);
  ASSERT_TRUE(halves);
  EXPECT_EQ((*halves)[1].numerator, constant(3));
  EXPECT_EQ((*halves)[1].denominator, 2);
  EXPECT_EQ((*halves)[2].denominator, 1);
  EXPECT_FALSE(infer->contents(4)); // not integers
  EXPECT_FALSE(infer->contents(2)); // an argument
}

TEST_F(InferContextTest, BindsEachElementOnce) {
  auto first = infer->contentsOrBind(2, 0, 100), second = infer->contentsOrBind(2, 0, 100);
  ASSERT_TRUE(succeeded(first) && succeeded(second));
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(llvm::range_size(function.getOps<extent::BindOp>()), 2);
  EXPECT_EQ(symbols->range((*first)[0]).high, 100);
}

TEST_F(InferContextTest, Broadcasts) {
  EXPECT_EQ(*infer->broadcast(constant(1), symbol(0)), symbol(0));
  EXPECT_EQ(*infer->broadcast(symbol(0), symbol(0)), symbol(0));
  // Unrelated sizes: a choice, and a check that it is allowed.
  AffineExpr choice = *infer->broadcast(symbol(0), symbol(1));
  EXPECT_TRUE(choice != symbol(0) && choice != symbol(1));
  EXPECT_EQ(llvm::range_size(function.getOps<extent::CheckOp>()), 1);
  // A plain size and a constant: the constant, if the size is that or 1.
  EXPECT_EQ(*infer->broadcast(symbol(1), constant(7)), constant(7));
}

TEST_F(InferContextTest, AgreeingSizes) {
  EXPECT_TRUE(infer->mustAgree(symbol(0), symbol(0).floorDiv(2) * 2));
  EXPECT_TRUE(infer->mustAgree(symbol(0), symbol(2))); // min(s0, 512)
  EXPECT_TRUE(infer->mustAgree(symbol(1) + 1, constant(197)));
  EXPECT_FALSE(infer->mustAgree(symbol(0), constant(197)));
  EXPECT_FALSE(infer->mustAgree(symbol(0), symbol(1)));
  EXPECT_FALSE(infer->mustAgree(symbol(0), symbol(3))); // already a choice
  EXPECT_EQ(*infer->broadcast(symbol(2), symbol(0)), symbol(0));
}

TEST_F(InferContextTest, ImpossibleSizesAreErrors) {
  std::string message;
  ScopedDiagnosticHandler handler(&context,
                                  [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  infer->setResult(0, Float32Type::get(&context), {symbol(0), constant(-3)});
  EXPECT_NE(message.find("dimension 1 of result 0 would be -3"), std::string::npos) << message;
  EXPECT_TRUE(infer->hasReported());
  EXPECT_TRUE(isa<graph::AnyType>(node->getResult(0).getType()));
  EXPECT_TRUE(failed(infer->normalizeAxis(2, 2)));
  EXPECT_NE(message.find("axis 2 is not a dimension of a tensor of rank 2"), std::string::npos);
}

} // namespace
