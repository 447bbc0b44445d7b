#include "compiler/Session.h"
#include "longtail/longtail.hpp"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace longtail;

namespace {

// y = relu(x * w + b) and the input itself; the weights are folded and packed at compile time.
constexpr const char *model = R"(
module attributes {graph.opsets = {ai.onnx = 13 : i64}, graph.metadata = {character = "a b"}} {
  func.func @main(%x: tensor<?x3xf32> {graph.name = "x", graph.dim_names = ["n", ""]})
      -> (!graph.any {graph.name = "y"}, tensor<?x3xf32> {graph.name = "same"}) {
    %w = graph.constant named "w" dense<[[1.0, -1.0], [2.0, 0.5], [0.0, 1.0]]> : tensor<3x2xf32>
    %b = graph.constant named "b" dense<[10.0, -1.0]> : tensor<2xf32>
    %two = graph.constant named "two" dense<2.0> : tensor<f32>
    %v = graph.node "Mul" version 13 (%w, %two) -> ["v"] : (tensor<3x2xf32>, tensor<f32>) -> !graph.any
    %p = graph.node "MatMul" version 13 named "product" (%x, %v) -> ["p"]
        : (tensor<?x3xf32>, !graph.any) -> !graph.any
    %s = graph.node "Add" version 13 (%p, %b) -> ["s"] : (!graph.any, tensor<2xf32>) -> !graph.any
    %y = graph.node "Relu" version 13 (%s) -> ["y"] : (!graph.any) -> !graph.any
    return %y, %x : !graph.any, tensor<?x3xf32>
  }
}
)";

Options fromGraph() {
  Options options;
  options.from = "graph";
  return options;
}

std::vector<std::string> diagnosticsOf(llvm::Error error) {
  std::vector<std::string> diagnostics;
  llvm::handleAllErrors(std::move(error),
                        [&](const CompileError &each) { diagnostics = each.diagnostics; });
  return diagnostics;
}

std::vector<uint8_t> compileBytes(const Options &options, const char *text = model) {
  auto artifact = compile(Source::memory(text, "test"), options);
  if (!artifact) {
    ADD_FAILURE() << llvm::join(diagnosticsOf(artifact.takeError()), "\n");
    return {};
  }
  auto bytes = artifact->bytes();
  EXPECT_TRUE(bool(bytes));
  return bytes ? *bytes : std::vector<uint8_t>();
}

void expectRuns(const std::vector<uint8_t> &bytes) {
  auto module = api::Module::openMemory(bytes.data(), bytes.size());
  ASSERT_TRUE(bool(module)) << module.error().message();
  EXPECT_STREQ(module->metadata("character"), "a b");
  auto context = api::Context::create(*module, 0, 1);
  ASSERT_TRUE(bool(context)) << context.error().message();
  for (int64_t n : {1, 5, 40}) {
    std::vector<float> x(n * 3);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = static_cast<float>(std::sin(double(i))) * 4;
    int64_t dims[] = {n, 3};
    ASSERT_FALSE(context->bindInput(0, api::tensor(x.data(), x.size(), dims)));
    api::Error error = context->run();
    ASSERT_FALSE(error) << error.message();
    auto y = context->output(0), same = context->output(1);
    ASSERT_TRUE(y && same);
    ASSERT_EQ(y->dims[0], n);
    ASSERT_EQ(y->dims[1], 2);
    auto *values = static_cast<const float *>(y->data);
    constexpr float w[3][2] = {{2, -2}, {4, 1}, {0, 2}}, b[2] = {10, -1};
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < 2; ++j) {
        float sum = b[j];
        for (int64_t k = 0; k < 3; ++k)
          sum += x[i * 3 + k] * w[k][j];
        EXPECT_NEAR(values[i * 2 + j], std::max(sum, 0.0f), 1e-5);
      }
    EXPECT_EQ(memcmp(same->data, x.data(), x.size() * sizeof(float)), 0);
  }
}

} // namespace

TEST(Session, CompiledModelsCompute) { expectRuns(compileBytes(fromGraph())); }

TEST(Session, NaiveCodeComputesTheSame) {
  Options options = fromGraph();
  options.naive = true;
  expectRuns(compileBytes(options));
}

TEST(Session, EqualInputGivesEqualBytes) {
  Options options = fromGraph();
  options.targets = {"x86-64-v2", "x86-64-v3"};
  options.threads = 1;
  std::vector<uint8_t> first = compileBytes(options);
  options.threads = 3;
  EXPECT_EQ(first, compileBytes(options));
}

TEST(Session, EachTargetIsAVariant) {
  Options options = fromGraph();
  options.targets = {"x86-64-v2", "x86-64-v4", "x86-64-v2"};
  auto artifact = compile(Source::memory(model, "test"), options);
  ASSERT_TRUE(bool(artifact));
  ASSERT_EQ(artifact->getProgram().variants.size(), 2u);
  EXPECT_EQ(artifact->getProgram().variants[1].name, "x86-64-v4");
}

TEST(Session, ConstantsAreComputedAtCompileTime) {
  auto artifact = compile(Source::memory(model, "test"), fromGraph());
  ASSERT_TRUE(bool(artifact));
  const container::Function &main = artifact->getProgram().variants[0].functions[0];
  EXPECT_EQ(main.steps.size(), 2u); // the product with its epilogue, and the copy of the input
}

TEST(Session, AllComplaintsAtOnce) {
  constexpr const char *bad = R"(
func.func @main(%x: tensor<4xf32> {graph.name = "x"}) -> (!graph.any, !graph.any) {
  %a = graph.node "NoSuch" version 13 named "first" (%x) -> ["a"] : (tensor<4xf32>) -> !graph.any
  %b = graph.node "Nothing" version 13 named "second" (%x) -> ["b"] : (tensor<4xf32>) -> !graph.any
  return %a, %b : !graph.any, !graph.any
}
)";
  auto artifact = compile(Source::memory(bad, "test"), fromGraph());
  ASSERT_FALSE(bool(artifact));
  std::vector<std::string> diagnostics = diagnosticsOf(artifact.takeError());
  ASSERT_EQ(diagnostics.size(), 2u);
  EXPECT_NE(diagnostics[0].find("first"), std::string::npos) << diagnostics[0];
  EXPECT_NE(diagnostics[1].find("second"), std::string::npos) << diagnostics[1];
}

TEST(Session, OptionsAreChecked) {
  Options options;
  options.targets = {"z80"};
  options.to = "nowhere";
  auto artifact = compile(Source::memory(model, "test"), options);
  ASSERT_FALSE(bool(artifact));
  std::string text = llvm::join(diagnosticsOf(artifact.takeError()), "\n");
  EXPECT_NE(text.find("no target 'z80'"), std::string::npos) << text;
  EXPECT_NE(text.find("no phase 'nowhere'"), std::string::npos) << text;
}

TEST(Session, ProgressCanEndIt) {
  std::vector<std::string> seen;
  Progress stop = [&](llvm::StringRef phase, unsigned index, unsigned total) {
    seen.push_back(phase.str());
    EXPECT_LT(index, total);
    return index < 1;
  };
  auto artifact = compile(Source::memory(model, "test"), fromGraph(), stop);
  ASSERT_FALSE(bool(artifact));
  EXPECT_EQ(seen.size(), 2u);
  std::vector<std::string> diagnostics = diagnosticsOf(artifact.takeError());
  EXPECT_EQ(diagnostics,
            std::vector<std::string>{"compilation was stopped before phase '" + seen[1] + "'"});
}

TEST(Session, CostsOfGroupsAreInTheProvenance) {
  auto artifact = compile(Source::memory(model, "test"), fromGraph());
  ASSERT_TRUE(bool(artifact));
  std::string text;
  for (const auto &[key, value] : artifact->getProgram().provenance)
    if (key == "groups")
      text = value;
  auto record = llvm::json::parse(text);
  ASSERT_TRUE(bool(record)) << llvm::toString(record.takeError());
  llvm::json::Object *object = record->getAsObject();
  ASSERT_TRUE(object);
  EXPECT_EQ(object->getArray("groups")->size(),
            artifact->getProgram().variants[0].functions[0].steps.size());
  // The only size that is open is dimension 0 of input 0.
  llvm::json::Value place = llvm::json::Array{0, 0};
  EXPECT_EQ(*object->getObject("sizes")->get("s0"), place);
}

TEST(Session, BadSources) {
  for (Source source : {Source::memory("not a model", "noise"), Source::file("/no/such/file")}) {
    auto artifact = compile(source, {});
    ASSERT_FALSE(bool(artifact));
    EXPECT_FALSE(diagnosticsOf(artifact.takeError()).empty());
  }
}

TEST(Session, StopsAfterAPhaseAndDumps) {
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("longtail-session", folder));
  Options options = fromGraph();
  options.to = "fuse";
  options.keepStages = true;
  options.dumpDirectory = (folder + "/dump").str();
  unsigned calls = 0;
  auto artifact = compile(Source::memory(model, "test"), options,
                          [&](llvm::StringRef, unsigned index, unsigned total) {
                            EXPECT_EQ(index, calls++);
                            EXPECT_EQ(total, 4u);
                            return true;
                          });
  ASSERT_TRUE(bool(artifact));
  EXPECT_EQ(calls, 4u);
  EXPECT_FALSE(artifact->isComplete());
  EXPECT_FALSE(diagnosticsOf(artifact->bytes().takeError()).empty());
  ASSERT_EQ(artifact->getStages().size(), 4u);
  EXPECT_EQ(artifact->getStages().back().first, "fuse");
  EXPECT_NE(artifact->getStages().back().second.find("compute.fused"), std::string::npos);
  for (const char *name : {"01-graph.mlir", "02-expand.mlir", "03-compose.mlir", "04-fuse.mlir"})
    EXPECT_TRUE(llvm::sys::fs::exists(options.dumpDirectory + "/" + name)) << name;

  // What was dumped can be taken up again.
  Options rest;
  rest.from = "layout";
  expectRuns(compileBytes(rest, artifact->getStages().back().second.c_str()));
  llvm::sys::fs::remove_directories(folder);
}

TEST(Session, SavesWholeFilesOnly) {
  auto artifact = compile(Source::memory(model, "test"), fromGraph());
  ASSERT_TRUE(bool(artifact));
  EXPECT_TRUE(bool(llvm::Error(artifact->save("/no/such/folder/model.lt"))));
  llvm::SmallString<128> folder;
  ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("longtail-session", folder));
  std::string path = (folder + "/model.lt").str();
  llvm::Error error = artifact->save(path);
  EXPECT_FALSE(bool(error));
  auto module = api::Module::openFile(path.c_str());
  EXPECT_TRUE(bool(module)) << module.error().message();
  llvm::sys::fs::remove_directories(folder);
}

TEST(Session, OptionsHaveAHash) {
  Options a, b;
  b.threads = 7; // without influence on the artifact
  EXPECT_EQ(a.hash(), b.hash());
  b.naive = true;
  EXPECT_NE(a.hash(), b.hash());
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
