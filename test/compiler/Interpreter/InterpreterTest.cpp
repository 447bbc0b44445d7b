// Whole modules: what is computed, and what is refused as undefined.
#include "compiler/Interpreter/Interpreter.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace longtail::interpreter;

namespace {

struct Result {
  std::vector<float> values;
  std::string error;
};

/// Runs a module on arrays of f32 with one dimension.
Result run(llvm::StringRef text, const std::vector<std::vector<float>> &inputs) {
  auto failed = [](llvm::Error error) { return Result{{}, llvm::toString(std::move(error))}; };
  llvm::Expected<Program> program = Program::parse(text);
  if (!program)
    return failed(program.takeError());
  std::vector<TensorRef> tensors;
  for (const std::vector<float> &input : inputs) {
    auto tensor = program->makeInput(tensors.size(), {static_cast<int64_t>(input.size())});
    if (!tensor)
      return failed(tensor.takeError());
    (*tensor)->setData({reinterpret_cast<const char *>(input.data()), input.size() * 4});
    tensors.push_back(*tensor);
  }
  auto results = program->run(tensors);
  if (!results)
    return failed(results.takeError());
  llvm::ArrayRef<char> data = results->front()->getData();
  Result result;
  result.values.resize(data.size() / 4);
  std::memcpy(result.values.data(), data.data(), data.size());
  return result;
}

using Floats = std::vector<float>;

TEST(Interpreter, sizesMapsAndReductions) {
  const char *text = R"(
    #n = #extent.shape<()[s0] -> (s0)>
    func.func @main(%x: tensor<?xf32, #n>) -> tensor<f32> {
      extent.symbol 0 "n" = input 0 dim 0
      %back = access.read %x at <(d0)[s0] -> (s0 - 1 - d0)>
          : tensor<?xf32, #n> -> tensor<?xf32, #n>
      %p = compute.map (%x at #access.map<(d0) -> (d0)>, %back at #access.map<(d0) -> (d0)>)
          : (tensor<?xf32, #n>, tensor<?xf32, #n>) -> tensor<?xf32, #n> {
      ^bb0(%a: f32, %b: f32):
        %m = arith.mulf %a, %b : f32
        compute.yield %m : f32
      }
      %s = compute.reduce add over affine_map<()[s0] -> (s0)> (%p at #access.map<(d0) -> (d0)>)
          : (tensor<?xf32, #n>) -> tensor<f32> {
      ^bb0(%a: f32):
        compute.yield %a : f32
      }
      return %s : tensor<f32>
    })";
  EXPECT_EQ(run(text, {{1, 2, 3}}).values, Floats({10}));
  EXPECT_EQ(run(text, {{}}).values, Floats({0}));
}

TEST(Interpreter, padding) {
  const char *text = R"(
    func.func @main(%x: tensor<2xf32>) -> tensor<4xf32> {
      %y = access.read %x at <(d0) -> (d0 - 1), valid (d0) -> (d0 - 1) below (d0) -> (2)>
          fill 9.0 : f32 : tensor<2xf32> -> tensor<4xf32>
      return %y : tensor<4xf32>
    })";
  EXPECT_EQ(run(text, {{1, 2}}).values, Floats({9, 1, 2, 9}));
}

TEST(Interpreter, readsOutside) {
  const char *text = R"(
    func.func @main(%x: tensor<2xf32>) -> tensor<3xf32> {
      %y = access.read %x at <(d0) -> (d0)> : tensor<2xf32> -> tensor<3xf32> loc("op.py":7:5)
      return %y : tensor<3xf32>
    })";
  EXPECT_EQ(run(text, {{1, 2}}).error,
            "op.py:7:5: point (2) reads element (2) of argument 0, which has sizes (2)");
}

/// A grid of 4 points that store at `index`.
std::string gridThatStores(const std::string &index) {
  return R"(
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = compute.grid over affine_map<() -> (4)> : tensor<4xf32> {
      ^bb0(%i: index, %out: !access.place<tensor<4xf32>>):
        %v = access.load %x[%i] : tensor<4xf32> -> f32
        %two = arith.constant 2 : index
        %j = )" +
         index + R"( : index
        access.store %v, %out[%j] : f32, !access.place<tensor<4xf32>> loc("op.py":3:1)
      }
      return %y : tensor<4xf32> loc("op.py":9:1)
    })";
}

TEST(Interpreter, everyElementIsWrittenOnce) {
  Floats x = {1, 2, 3, 4};
  EXPECT_EQ(run(gridThatStores("arith.xori %i, %two"), {x}).values, Floats({3, 4, 1, 2}));
  EXPECT_EQ(run(gridThatStores("arith.divui %i, %two"), {x}).error,
            "op.py:3:1: points 0 and 1 of the grid both write element (0) of what the grid writes");
  EXPECT_EQ(run(gridThatStores("arith.addi %i, %two"), {x}).error,
            "op.py:3:1: the index 4 is outside of dimension 0 of what the grid writes, which has "
            "size 4");
}

TEST(Interpreter, elementsThatNobodyWrites) {
  std::string text = R"(
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %y = compute.grid over affine_map<() -> (1)> : tensor<2xf32> {
      ^bb0(%i: index, %out: !access.place<tensor<2xf32>>):
        %v = access.load %x[%i] : tensor<2xf32> -> f32
        access.store %v, %out[%i] : f32, !access.place<tensor<2xf32>>
      } loc("op.py":4:1)
      RETURN
    })";
  auto with = [&](const std::string &end) {
    std::string whole = text;
    return whole.replace(whole.find("RETURN"), 6, end);
  };
  EXPECT_EQ(run(with("return %y : tensor<2xf32>"), {{1, 2}}).error,
            "op.py:4:1: element (1) of result 0 is never written");
  // It may be moved, but nothing may depend on it.
  EXPECT_EQ(run(with(R"(
      %z = compute.map (%y at #access.map<(d0) -> (d0)>) : (tensor<2xf32>) -> tensor<2xf32> {
      ^bb0(%a: f32):
        %zero = arith.constant 0.0 : f32
        %c = arith.cmpf olt, %a, %zero : f32
        %r = scf.if %c -> f32 {
          scf.yield %a : f32
        } else {
          scf.yield %zero : f32
        } loc("op.py":6:1)
        compute.yield %r : f32
      }
      return %z : tensor<2xf32>)"),
                {{1, 2}})
                .error,
            "op.py:6:1: the condition is not defined");
}

TEST(Interpreter, pointsThatReadWhatOthersWrite) {
  const char *text = R"(
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %y = compute.grid over affine_map<() -> (2)> : tensor<2xf32> {
      ^bb0(%i: index, %out: !access.place<tensor<2xf32>>):
        %zero = arith.constant 0 : index
        %v = access.load %x[%i] : tensor<2xf32> -> f32
        access.store %v, %out[%i] : f32, !access.place<tensor<2xf32>>
        %w = access.fetch %out[%zero] : !access.place<tensor<2xf32>> -> f32 loc("op.py":5:2)
      }
      return %y : tensor<2xf32>
    })";
  EXPECT_EQ(run(text, {{1, 2}}).error, "op.py:5:2: point 1 of the grid reads element (0) of what "
                                       "the grid writes, which point 0 writes");
}

TEST(Interpreter, loopsAndCalls) {
  const char *text = R"(
    func.func private @body(%i: tensor<i64>, %h: tensor<f32>, %x: tensor<f32>)
        -> (tensor<f32>, tensor<f32>) {
      %s = compute.map (%h at #access.map<() -> ()>, %x at #access.map<() -> ()>)
          : (tensor<f32>, tensor<f32>) -> tensor<f32> {
      ^bb0(%a: f32, %b: f32):
        %c = arith.addf %a, %b : f32
        compute.yield %c : f32
      }
      return %s, %s : tensor<f32>, tensor<f32>
    }
    func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {
      %zero = arith.constant dense<0.5> : tensor<f32>
      %last, %all = compute.repeat @body affine_map<() -> (3)> carried(%zero : tensor<f32>)
          sliced(%x : tensor<3xf32>) -> tensor<f32>, tensor<3xf32>
      return %all : tensor<3xf32>
    })";
  EXPECT_EQ(run(text, {{1, 2, 3}}).values, Floats({1.5, 3.5, 6.5}));
}

TEST(Interpreter, whatDoesNotFit) {
  const char *text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
                     "  return %x : tensor<2xf32>\n}";
  EXPECT_EQ(run(text, {{1}}).error, "input 0 dimension 0 is 1, expected 2");
  EXPECT_EQ(run(text, {{1, 2}, {1}}).error, "input 1 is one too many: there are 1");
  EXPECT_EQ(run(text, {}).error, "module.mlir:1:1: function 'main' has 1 arguments, not 0");
  EXPECT_EQ(run("module {}", {}).error, "the module has no function 'main'");
  EXPECT_NE(run("func.func @main(", {}).error, "");
  EXPECT_EQ(run("func.func @main(%x: tensor<1xf32>) -> tensor<1xf32> {\n"
                "  %y = graph.node \"Relu\" version 14 (%x) -> [\"y\"]\n"
                "      : (tensor<1xf32>) -> tensor<1xf32>\n"
                "  return %y : tensor<1xf32>\n}",
                {{1}})
                .error,
            "module.mlir:2:8: the operation graph.node is not interpreted");
}

TEST(Interpreter, endsWhenAsked) {
  const char *text = R"(
    func.func @main(%x: tensor<1xf32>) -> tensor<1xf32> {
      %y = compute.grid over affine_map<() -> (1)> : tensor<1xf32> {
      ^bb0(%i: index, %out: !access.place<tensor<1xf32>>):
        scf.while : () -> () {
          %c = arith.constant true
          scf.condition(%c)
        } do {
          scf.yield
        }
      }
      return %y : tensor<1xf32>
    })";
  llvm::Expected<Program> program = Program::parse(text);
  ASSERT_TRUE(bool(program));
  llvm::Expected<TensorRef> input = program->makeInput(0, {1});
  ASSERT_TRUE(bool(input));
  auto results = program->run({*input}, [] { return false; });
  ASSERT_FALSE(bool(results));
  EXPECT_NE(llvm::toString(results.takeError()).find("the run was interrupted"), std::string::npos);
}

} // namespace
