#include "compiler/Plan/PlanBuilder.h"
#include "codegen/Container/ProgramChecker.h"
#include "dialects/Register.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace longtail;

namespace {

class Plan : public testing::Test {
protected:
  Plan() {
    DialectRegistry registry;
    registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    kernels["k"] = 0;
  }

  FailureOr<container::Function> build(StringRef text) {
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return failure();
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      messages += diagnostic.str() + "\n";
      return success();
    });
    program.weights.clear();
    weights = std::make_unique<plan::WeightTable>(program);
    return plan::buildPlan(*module->getOps<func::FuncOp>().begin(), kernels, {}, *weights);
  }

  /// What the container's own checker says about a plan.
  std::string complaint(const container::Function &function) {
    container::Variant variant;
    variant.name = "x86-64-v2";
    variant.codeImage = {0};
    variant.kernels.push_back({"k", 0});
    variant.functions.push_back(function);
    program.variants = {variant};
    std::string message;
    return container::checkProgram(program, message) ? "" : message;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  llvm::StringMap<uint32_t> kernels;
  container::Program program;
  std::unique_ptr<plan::WeightTable> weights;
  std::string messages;
};

constexpr const char *chain = R"(
#n = affine_map<()[s0] -> (s0)>
#one = affine_map<() -> (1)>
#none = affine_map<() -> ()>
#zero = affine_map<() -> (0)>
!t = tensor<?x4xf32, #extent.shape<()[s0] -> (s0, 4)>>
!flat = tensor<?xf32, #extent.shape<()[s0] -> (s0 * 4)>>
func.func @main(%x: !t {graph.name = "x", graph.dim_names = ["batch", ""]})
    -> (!t {graph.name = "y"}) {
  extent.symbol 0 "batch" = input 0 dim 0 min 1
  %w = graph.constant named "w" dense<[1.0, 2.0]> : tensor<2xf32>
  %a = kernel.dispatch @k(%x, %w) params #n tiles #n scratch #zero {label = "first"} : (!t, tensor<2xf32>) -> !t
  %r = kernel.alias %a : !t -> !flat
  %b = kernel.dispatch @k(%r) params #none tiles #one scratch #n : (!flat) -> !t
  %c = kernel.dispatch @k(%b) params #none tiles #one scratch #zero : (!t) -> !t
  %d = kernel.dispatch @k(%c, %b) params #none tiles #one scratch #zero : (!t, !t) -> !t
  return %d : !t
}
)";

} // namespace

TEST_F(Plan, Chain) {
  auto function = build(chain);
  ASSERT_TRUE(succeeded(function)) << messages;
  EXPECT_EQ(complaint(*function), "");
  ASSERT_EQ(function->symbols.size(), 1u);
  EXPECT_EQ(function->symbols[0].name, "input 'x' dimension 0 (batch)");
  EXPECT_EQ(function->symbols[0].min, 1);
  ASSERT_EQ(function->steps.size(), 4u);
  const container::Step &first = function->steps[0];
  EXPECT_EQ(first.name, "first");
  EXPECT_TRUE(first.parallel);
  EXPECT_EQ(first.scratch, container::kNone);
  EXPECT_EQ(first.params.size(), 1u);
  ASSERT_EQ(first.bindings.size(), 3u);
  auto buffer = [&](unsigned step, unsigned binding) {
    return function->buffers[function->steps[step].bindings[binding]];
  };
  EXPECT_EQ(buffer(0, 0).kind, LT_BUFFER_INPUT);
  EXPECT_EQ(buffer(0, 1).kind, LT_BUFFER_WEIGHT);
  EXPECT_EQ(buffer(0, 2).kind, LT_BUFFER_ARENA);
  // The alias is the same memory.
  EXPECT_EQ(function->steps[1].bindings[0], first.bindings[2]);
  EXPECT_FALSE(function->steps[1].parallel);
  EXPECT_NE(function->steps[1].scratch, container::kNone);
  EXPECT_EQ(buffer(3, 2).kind, LT_BUFFER_OUTPUT);
  // The third result takes the memory of the first, which is dead by then.
  EXPECT_EQ(function->slots.size(), 2u);
  EXPECT_EQ(buffer(2, 1).index, buffer(0, 2).index);
  ASSERT_EQ(program.weights.size(), 1u);
  EXPECT_EQ(program.weights[0].size, 8u);
}

TEST_F(Plan, DataDependentSizesMakeRegions) {
  auto function = build(R"(
#one = affine_map<() -> (1)>
#none = affine_map<() -> ()>
#zero = affine_map<() -> (0)>
!a = tensor<?xf32, #extent.shape<()[s0, s1, s2] -> (s1)>>
!b = tensor<?xf32, #extent.shape<()[s0, s1, s2, s3, s4] -> (s3 + s4)>>
func.func @main(%shape: tensor<2xi64> {graph.name = "shape"}, %x: tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> !b {
  extent.symbol 0 "n" = input 1 dim 0
  extent.bind 1 = %shape[0] : tensor<2xi64>
  extent.bind 2 = %shape[1] min 1 max 9 : tensor<2xi64>
  %a = kernel.dispatch @k(%x) params #none tiles #one scratch #zero : (tensor<?xf32, #extent.shape<()[s0] -> (s0)>>) -> !a
  %n = kernel.dispatch @k(%a) params #none tiles #one scratch #zero : (!a) -> tensor<1xi64>
  extent.derived 3 = max affine_map<()[s0, s1, s2] -> (s2, s1)>
  extent.bind 4 = %n[0] : tensor<1xi64>
  extent.check le affine_map<()[s0, s1, s2, s3, s4] -> (s4, s0)> "too many"
  %y = kernel.dispatch @k(%a) params #none tiles #one scratch #zero : (!a) -> !b
  return %y : !b
}
)");
  ASSERT_TRUE(succeeded(function)) << messages;
  EXPECT_EQ(complaint(*function), "");
  std::vector<lt_step_kind> kinds;
  for (const container::Step &step : function->steps)
    kinds.push_back(step.kind);
  EXPECT_EQ(kinds, (std::vector<lt_step_kind>{LT_STEP_BIND, LT_STEP_DISPATCH, LT_STEP_DISPATCH,
                                              LT_STEP_BIND, LT_STEP_DISPATCH}));
  EXPECT_EQ(function->steps[0].symbolCount, 2u); // one step for both elements
  EXPECT_EQ(function->steps[3].symbolCount, 1u);
  ASSERT_EQ(function->checks.size(), 1u);
  EXPECT_EQ(function->checks[0].region, 2u);
  EXPECT_EQ(function->checks[0].message, "too many");
  EXPECT_EQ(function->outputs[0].region, 2u);
  EXPECT_EQ(function->outputs[0].dims[0].size, -1);
}

TEST_F(Plan, DimensionsWithoutSymbolsAreChecked) {
  auto function = build(R"(
#one = affine_map<() -> (1)>
#none = affine_map<() -> ()>
#zero = affine_map<() -> (0)>
!t = tensor<?xf32, #extent.shape<()[s0] -> (s0)>>
func.func @main(%x: !t, %y: tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>>) -> !t {
  extent.symbol 0 "n" = input 0 dim 0
  %z = kernel.dispatch @k(%x, %y) params #none tiles #one scratch #zero : (!t, tensor<?xf32, #extent.shape<()[s0] -> (s0 * 2)>>) -> !t
  return %z : !t
}
)");
  ASSERT_TRUE(succeeded(function)) << messages;
  EXPECT_EQ(complaint(*function), "");
  ASSERT_EQ(function->symbols.size(), 2u);
  ASSERT_EQ(function->checks.size(), 1u);
  EXPECT_NE(function->checks[0].message.find("input 'input1' dimension 0"), std::string::npos);
}

TEST_F(Plan, ResultsNeedMemoryOfTheirOwn) {
  EXPECT_TRUE(failed(build(R"(
func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32> {graph.name = "y"}) {
  return %x : tensor<4xf32>
}
)")));
  EXPECT_NE(messages.find("output 'y' is not a step's result of its own"), std::string::npos);
}

TEST_F(Plan, KernelsNeedCode) {
  kernels.clear();
  EXPECT_TRUE(failed(build(chain)));
  EXPECT_NE(messages.find("calls kernel 'k', which has no code"), std::string::npos);
}

TEST_F(Plan, OtherOperationsAreNoSteps) {
  EXPECT_TRUE(failed(build(R"(
#one = affine_map<() -> (1)>
#none = affine_map<() -> ()>
#zero = affine_map<() -> (0)>
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %r = access.read %x at <(d0) -> (d0)> : tensor<4xf32> -> tensor<4xf32>
  %y = kernel.dispatch @k(%x) params #none tiles #one scratch #zero : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
)")));
  EXPECT_NE(messages.find("is not a step of a plan"), std::string::npos) << messages;
}
