// Running functions: shapes, regions, outputs, threads, traces.
#include "test/runtime/Artifacts.h"
#include <gtest/gtest.h>
#include <numeric>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace longtail;
using namespace longtail::container;
using namespace longtail::test;

namespace {

// Binds a, b of n rows and runs; c is left to the context.
lt_rc runAdd(lt_context *context, std::vector<float> &a, std::vector<float> &b, int64_t n,
             lt_error &error) {
  lt_tensor ta = tensorOf(LT_DTYPE_F32, a, {n, 3}), tb = tensorOf(LT_DTYPE_F32, b, {n, 3});
  if (lt_rc rc = lt_bind(context, 0, &ta, &error))
    return rc;
  if (lt_rc rc = lt_bind(context, 1, &tb, &error))
    return rc;
  return lt_run(context, &error);
}

std::vector<float> ramp(int64_t count, float first) {
  std::vector<float> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), first);
  return values;
}

std::vector<uint8_t> addArtifact() { return write(programOf({addFunction()})); }

} // namespace

TEST(Run, AddsWithDynamicDims) {
  OpenModule module(addArtifact());
  for (uint32_t threads : {1u, 2u, 3u}) {
    OpenContext context(module, threads);
    for (int64_t n : {5, 5, 1, 0, 1000, 7}) {
      std::vector<float> a = ramp(n * 3, 1), b = ramp(n * 3, 100);
      lt_error error = newError();
      ASSERT_EQ(runAdd(context, a, b, n, error), LT_OK) << error.msg;
      lt_tensor c = LT_INIT(lt_tensor);
      ASSERT_EQ(lt_output(context, 2, &c, &error), LT_OK) << error.msg;
      EXPECT_EQ(c.dtype, LT_DTYPE_F32);
      ASSERT_EQ(c.rank, 2);
      EXPECT_EQ(c.dims[0], n);
      EXPECT_EQ(c.dims[1], 3);
      ASSERT_EQ(c.bytes, static_cast<uint64_t>(n) * 12);
      for (int64_t i = 0; i < n * 3; ++i)
        ASSERT_EQ(static_cast<float *>(c.data)[i], 101 + 2 * static_cast<float>(i));
    }
  }
}

TEST(Run, WritesIntoBoundOutputs) {
  OpenModule module(addArtifact());
  OpenContext context(module);
  std::vector<float> a = ramp(6, 0), b = ramp(6, 0), c(6, -1);
  lt_error error = newError();
  lt_tensor tc = tensorOf(LT_DTYPE_F32, c, {-1, 3});
  ASSERT_EQ(lt_bind(context, 2, &tc, &error), LT_OK) << error.msg;
  ASSERT_EQ(runAdd(context, a, b, 2, error), LT_OK) << error.msg;
  EXPECT_EQ(c, (std::vector<float>{0, 2, 4, 6, 8, 10}));
  lt_tensor out = LT_INIT(lt_tensor);
  ASSERT_EQ(lt_output(context, 2, &out, &error), LT_OK);
  EXPECT_EQ(out.data, c.data());
  // Too many rows for the bound memory; then the context takes over.
  std::vector<float> more(9, 1);
  EXPECT_EQ(runAdd(context, more, more, 3, error), LT_ERR_SHAPE);
  EXPECT_STREQ(error.msg, "output 'c' needs 36 bytes, the bound memory has 24");
  EXPECT_EQ(lt_output(context, 2, &out, &error), LT_ERR_STATE);
  ASSERT_EQ(lt_bind(context, 2, nullptr, &error), LT_OK);
  ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  ASSERT_EQ(lt_output(context, 2, &out, &error), LT_OK);
  EXPECT_NE(out.data, c.data());
  EXPECT_EQ(out.dims[0], 3);
}

TEST(Run, NamesWhatIsWrongWithShapes) {
  OpenModule module(addArtifact());
  OpenContext context(module);
  std::vector<float> a(6, 1), b(9, 1);
  lt_tensor ta = tensorOf(LT_DTYPE_F32, a, {2, 3}), tb = tensorOf(LT_DTYPE_F32, b, {3, 3});
  lt_error error = newError();
  ASSERT_EQ(lt_bind(context, 0, &ta, &error), LT_OK);
  EXPECT_EQ(lt_run(context, &error), LT_ERR_STATE);
  EXPECT_STREQ(error.msg, "input 'b' is not bound");
  ASSERT_EQ(lt_bind(context, 1, &tb, &error), LT_OK);
  EXPECT_EQ(lt_run(context, &error), LT_ERR_SHAPE);
  EXPECT_STREQ(error.msg, "input 'a' dimension 0 must equal input 'b' dimension 0");
  EXPECT_EQ(error.where, 603u);
  std::vector<float> large(3003, 1);
  EXPECT_EQ(runAdd(context, large, large, 1001, error), LT_ERR_SHAPE);
  EXPECT_STREQ(error.msg, "input 'a' dimension 0 is 1001, expected 0 to 1000");
  ASSERT_EQ(runAdd(context, a, a, 2, error), LT_OK) << "the context must stay usable";
}

TEST(Run, KeepsABindingThatCannotBeReplaced) {
  OpenModule module(addArtifact());
  OpenContext context(module);
  std::vector<float> a = ramp(6, 1), few(2, 0);
  lt_error error = newError();
  ASSERT_EQ(runAdd(context, a, a, 2, error), LT_OK) << error.msg;
  lt_tensor small = tensorOf(LT_DTYPE_F32, few, {2, 3});
  EXPECT_EQ(lt_bind(context, 0, &small, &error), LT_ERR_ARG);
  ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  lt_tensor c = LT_INIT(lt_tensor);
  ASSERT_EQ(lt_output(context, 2, &c, &error), LT_OK) << error.msg;
  EXPECT_EQ(static_cast<float *>(c.data)[5], 12);
}

TEST(Run, FollowsDataDependentShapes) {
  OpenModule module(write(programOf({nonZeroFunction()})));
  for (uint32_t threads : {1u, 2u}) {
    OpenContext context(module, threads);
    for (std::vector<float> x :
         {std::vector<float>{0, 1, 0, 2}, {0, 0}, {5, 6, 7, 8, 9, 10}, {}, {1}}) {
      std::vector<int64_t> expected;
      for (size_t i = 0; i < x.size(); ++i)
        if (x[i] != 0)
          expected.push_back(static_cast<int64_t>(i));
      lt_error error = newError();
      lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {static_cast<int64_t>(x.size())});
      ASSERT_EQ(lt_bind(context, 0, &tx, &error), LT_OK) << error.msg;
      ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
      lt_tensor indices = LT_INIT(lt_tensor), numbers = LT_INIT(lt_tensor);
      ASSERT_EQ(lt_output(context, 1, &indices, &error), LT_OK);
      ASSERT_EQ(lt_output(context, 2, &numbers, &error), LT_OK);
      ASSERT_EQ(indices.dims[0], static_cast<int64_t>(expected.size()));
      ASSERT_EQ(numbers.dims[0], static_cast<int64_t>(expected.size() * 2));
      for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_EQ(static_cast<int64_t *>(indices.data)[i], expected[i]);
      for (int64_t i = 0; i < numbers.dims[0]; ++i)
        EXPECT_EQ(static_cast<int64_t *>(numbers.data)[i], 100 + i);
    }
    // More than the symbol's range.
    std::vector<float> x(101, 1);
    lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {101});
    lt_error error = newError();
    ASSERT_EQ(lt_bind(context, 0, &tx, &error), LT_OK);
    EXPECT_EQ(lt_run(context, &error), LT_ERR_SHAPE);
    EXPECT_STREQ(error.msg, "number of non-zeros is 101, expected 0 to 100");
  }
}

TEST(Run, BoundOutputOfDataDependentSize) {
  OpenModule module(write(programOf({nonZeroFunction()})));
  OpenContext context(module);
  std::vector<float> x{1, 0, 1, 1};
  std::vector<int64_t> room(3);
  lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {4}), out = tensorOf(LT_DTYPE_I64, room, {-1});
  lt_error error = newError();
  ASSERT_EQ(lt_bind(context, 0, &tx, &error), LT_OK);
  ASSERT_EQ(lt_bind(context, 1, &out, &error), LT_OK) << error.msg;
  ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  EXPECT_EQ(room, (std::vector<int64_t>{0, 2, 3}));
  x[1] = 1;
  EXPECT_EQ(lt_run(context, &error), LT_ERR_SHAPE);
  EXPECT_STREQ(error.msg, "output 'indices' needs 32 bytes, the bound memory has 24");
  x = {0, 0, 1, 0};
  ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  ASSERT_EQ(lt_output(context, 1, &out, &error), LT_OK);
  EXPECT_EQ(out.dims[0], 1);
  EXPECT_EQ(room[0], 2);
}

TEST(Run, ReadsInt32AndBoolScalars) {
  for (uint32_t dtype : {LT_DTYPE_I32, LT_DTYPE_BOOL}) {
    FunctionBuilder f;
    f.input("n", dtype, {2});
    int64_t width = dtype == LT_DTYPE_I32 ? 4 : 1;
    uint32_t n = f.buffer(LT_BUFFER_INPUT, 0, f.constant(2 * width), dtype);
    uint32_t k = f.bound("second", n, 1, 1, -5, 100);
    uint32_t size = f.derived("size", {{LT_OP_SYM, k}, {LT_OP_CONST, 0}, {LT_OP_MAX}}, 1);
    f.output("out", LT_DTYPE_I64, {{-1, f.symbolExpr(size), ""}}, 1);
    uint32_t out = f.buffer(LT_BUFFER_OUTPUT, 0, f.scaled(size, 8), LT_DTYPE_I64, 1);
    f.bind("bind", n, k, 1);
    f.dispatch("fill", Fill, f.symbolExpr(size), {out}, {f.symbolExpr(k)});
    OpenModule module(write(programOf({f.function})));
    OpenContext context(module);
    std::vector<int32_t> words{7, 3};
    std::vector<uint8_t> bytes{0, 200};
    lt_tensor in = dtype == LT_DTYPE_I32 ? tensorOf(LT_DTYPE_I32, words, {2})
                                         : tensorOf(LT_DTYPE_BOOL, bytes, {2});
    lt_error error = newError();
    ASSERT_EQ(lt_bind(context, 0, &in, &error), LT_OK) << error.msg;
    ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
    lt_tensor result = LT_INIT(lt_tensor);
    ASSERT_EQ(lt_output(context, 1, &result, &error), LT_OK);
    EXPECT_EQ(result.dims[0], dtype == LT_DTYPE_I32 ? 3 : 1);
    EXPECT_EQ(*static_cast<int64_t *>(result.data), result.dims[0]);
    words[1] = -4;
    if (dtype != LT_DTYPE_I32)
      continue;
    ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
    ASSERT_EQ(lt_output(context, 1, &result, &error), LT_OK);
    EXPECT_EQ(result.dims[0], 0);
  }
}

TEST(Run, KeepsTemporariesApartAndReusesSlots) {
  // t = a + b; u = t + b; v = t + u in t's slot would be wrong, so it has its own; w = v + u in
  // t's slot; out = w + v.
  FunctionBuilder f;
  f.input("a", LT_DTYPE_F32, {-1});
  f.input("b", LT_DTYPE_F32, {-1});
  uint32_t n = f.inputDim(0, 0), m = f.inputDim(1, 0);
  f.check({{LT_OP_SYM, n}, {LT_OP_SYM, m}, {LT_OP_EQ}}, "equal");
  f.output("out", LT_DTYPE_F32, {{-1, f.symbolExpr(n)}});
  uint32_t bytes = f.scaled(n, 4), size = f.symbolExpr(n), four = f.constant(4);
  uint32_t tiles = f.expr({{LT_OP_SYM, n}, {LT_OP_CONST, 4}, {LT_OP_CEILDIV}});
  uint32_t a = f.buffer(LT_BUFFER_INPUT, 0, bytes, LT_DTYPE_F32);
  uint32_t b = f.buffer(LT_BUFFER_INPUT, 1, bytes, LT_DTYPE_F32);
  uint32_t out = f.buffer(LT_BUFFER_OUTPUT, 0, bytes, LT_DTYPE_F32);
  uint32_t t = f.temporary(bytes, LT_DTYPE_F32), u = f.temporary(bytes, LT_DTYPE_F32);
  uint32_t v = f.temporary(bytes, LT_DTYPE_F32);
  uint32_t w = f.buffer(LT_BUFFER_ARENA, f.function.buffers[t].index, bytes, LT_DTYPE_F32);
  uint32_t chain[5][3] = {{a, b, t}, {t, b, u}, {t, u, v}, {v, u, w}, {w, v, out}};
  for (auto &step : chain)
    f.dispatch("add", Add, tiles, {step[0], step[1], step[2]}, {size, four}, true);
  OpenModule module(write(programOf({f.function})));
  for (uint32_t threads : {1u, 2u}) {
    OpenContext context(module, threads);
    for (int64_t rows : {3, 100, 17}) {
      std::vector<float> x = ramp(rows, 1), y = ramp(rows, -7);
      lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {rows}), ty = tensorOf(LT_DTYPE_F32, y, {rows});
      lt_error error = newError();
      ASSERT_EQ(lt_bind(context, 0, &tx, &error), LT_OK);
      ASSERT_EQ(lt_bind(context, 1, &ty, &error), LT_OK);
      ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
      lt_tensor result = LT_INIT(lt_tensor);
      ASSERT_EQ(lt_output(context, 2, &result, &error), LT_OK);
      for (size_t i = 0; i < x.size(); ++i) // t = x + y, u = x + 2y, v = 2x + 3y, w = 3x + 5y
        ASSERT_EQ(static_cast<float *>(result.data)[i], 5 * x[i] + 8 * y[i]);
      lt_plan_info info = LT_INIT(lt_plan_info);
      lt_tensor inputs[] = {tx, ty};
      ASSERT_EQ(lt_plan(module, 0, inputs, 2, &info, nullptr, 0, &error), LT_OK);
      EXPECT_EQ(info.arena_bytes, 3 * (static_cast<uint64_t>(rows * 4 + 63) / 64 * 64 + 64));
    }
  }
}

TEST(Run, RegionsFollowEachOther) {
  // k = n[1] elements count up from n[0]; the last of them is the size of the output.
  FunctionBuilder f;
  f.input("n", LT_DTYPE_I64, {2});
  uint32_t n = f.buffer(LT_BUFFER_INPUT, 0, f.constant(16), LT_DTYPE_I64);
  uint32_t first = f.bound("first", n, 0, 1), k = f.bound("k", n, 1, 1, 1, 50);
  uint32_t ramp = f.temporary(f.scaled(k, 8), LT_DTYPE_I64, 1);
  uint32_t second = f.bound("second", ramp, 1, 2);
  f.check({{LT_OP_SYM, second}, {LT_OP_SYM, first}, {LT_OP_NE}}, "differ", 2);
  f.output("out", LT_DTYPE_I64, {{-1, f.symbolExpr(second)}, {-1, f.symbolExpr(k)}}, 2);
  uint32_t elements = f.expr({{LT_OP_SYM, second}, {LT_OP_SYM, k}, {LT_OP_MUL}});
  uint32_t bytes =
      f.expr({{LT_OP_CONST, 8}, {LT_OP_SYM, second}, {LT_OP_SYM, k}, {LT_OP_MUL}, {LT_OP_MUL}});
  uint32_t spare = f.temporary(bytes, LT_DTYPE_I64, 2);
  uint32_t out = f.buffer(LT_BUFFER_OUTPUT, 0, bytes, LT_DTYPE_I64, 2);
  f.bind("bind n", n, first, 2);
  f.dispatch("ramp", Fill, f.symbolExpr(k), {ramp}, {f.symbolExpr(first)});
  f.bind("bind ramp", ramp, second, 1);
  f.dispatch("fill", Fill, elements, {spare}, {f.symbolExpr(k)});
  f.dispatch("copy", Copy, f.constant(1), {spare, out}, {bytes});
  OpenModule module(write(programOf({f.function})));
  OpenContext context(module);
  std::vector<int64_t> data(2);
  lt_tensor in = tensorOf(LT_DTYPE_I64, data, {2}), result = LT_INIT(lt_tensor);
  lt_error error = newError();
  ASSERT_EQ(lt_bind(context, 0, &in, &error), LT_OK);
  for (auto [base, count] : {std::pair<int64_t, int64_t>{3, 2}, {100, 50}, {0, 7}}) {
    data = {base, count};
    in.data = data.data();
    ASSERT_EQ(lt_bind(context, 0, &in, &error), LT_OK);
    ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
    ASSERT_EQ(lt_output(context, 1, &result, &error), LT_OK);
    ASSERT_EQ(result.dims[0], base + 1);
    ASSERT_EQ(result.dims[1], count);
    for (int64_t i = 0; i < (base + 1) * count; ++i)
      ASSERT_EQ(static_cast<int64_t *>(result.data)[i], count + i);
  }
  data[1] = 1; // the second element of one
  EXPECT_EQ(lt_run(context, &error), LT_ERR_SHAPE);
  EXPECT_STREQ(error.msg, "step 'bind ramp': 'second' is element 1 of a tensor with 1 elements");
}

TEST(Run, SplitsTilesAndScratchAmongWorkers) {
  FunctionBuilder f;
  f.input("n", LT_DTYPE_F32, {-1});
  uint32_t n = f.inputDim(0, 0);
  f.output("worker", LT_DTYPE_I64, {{-1, f.symbolExpr(n), ""}});
  uint32_t out = f.buffer(LT_BUFFER_OUTPUT, 0, f.scaled(n, 8), LT_DTYPE_I64);
  f.dispatch("probe", Probe, f.symbolExpr(n), {out}, {f.constant(1000)}, true, f.constant(1000));
  OpenModule module(write(programOf({f.function})));
  for (uint32_t threads : {1u, 2u, 5u}) {
    OpenContext context(module, threads);
    for (int64_t tiles : {1, 2, 3, 64, 1001}) {
      std::vector<float> x(static_cast<size_t>(tiles));
      lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {tiles});
      lt_error error = newError();
      ASSERT_EQ(lt_bind(context, 0, &tx, &error), LT_OK);
      for (int repeat = 0; repeat < 50; ++repeat) {
        ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
        lt_tensor result = LT_INIT(lt_tensor);
        ASSERT_EQ(lt_output(context, 1, &result, &error), LT_OK);
        auto *worker = static_cast<int64_t *>(result.data);
        int64_t workers = std::min<int64_t>(threads, tiles);
        for (int64_t t = 0; t < tiles; ++t) {
          ASSERT_GE(worker[t], 0) << "tile " << t << " of " << tiles;
          ASSERT_LT(worker[t], workers) << "tile " << t << " of " << tiles;
        }
      }
    }
  }
}

TEST(Run, WhoIsDoneTakesTheTilesOfOthers) {
  FunctionBuilder f;
  f.input("flags", LT_DTYPE_I32, {4});
  uint32_t flags = f.buffer(LT_BUFFER_INPUT, 0, f.constant(16), LT_DTYPE_I32);
  f.dispatch("meet", Meet, f.constant(4), {flags}, {}, true);
  OpenModule module(write(programOf({f.function})));
  OpenContext context(module, 2);
  for (int repeat = 0; repeat < 20; ++repeat) {
    // The first two tiles are meant for the first worker, which comes to the second one only when
    // somebody else has done it.
    std::vector<int32_t> words(4);
    lt_tensor tensor = tensorOf(LT_DTYPE_I32, words, {4});
    lt_error error = newError();
    ASSERT_EQ(lt_bind(context, 0, &tensor, &error), LT_OK) << error.msg;
    ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
    EXPECT_EQ(words, std::vector<int32_t>(4, 1));
  }
}

TEST(Run, ContextsOnSeveralThreadsShareThePool) {
  OpenModule module(addArtifact());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&module, &wrong, t] {
      OpenContext context(module, 2);
      std::vector<float> a = ramp(300, static_cast<float>(t)), b = ramp(300, 1);
      lt_error error = newError();
      for (int i = 0; i < 300; ++i) {
        wrong += runAdd(context, a, b, 100, error) != LT_OK;
        lt_tensor c = LT_INIT(lt_tensor);
        wrong += lt_output(context, 2, &c, &error) != LT_OK;
        for (int k = 0; k < 300; ++k)
          wrong += static_cast<float *>(c.data)[k] != static_cast<float>(t + 1 + 2 * k);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Run, PoolIsMadeAnewAfterFork) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "the thread sanitizer allows no threads after a fork";
#endif
#endif
  OpenModule module(addArtifact());
  OpenContext context(module, 2);
  std::vector<float> a = ramp(300, 0);
  lt_error error = newError();
  ASSERT_EQ(runAdd(context, a, a, 100, error), LT_OK) << error.msg;
  for (int i = 0; i < 10; ++i) {
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      lt_tensor c = LT_INIT(lt_tensor);
      bool good = runAdd(context, a, a, 100, error) == LT_OK &&
                  lt_output(context, 2, &c, &error) == LT_OK &&
                  static_cast<float *>(c.data)[299] == 598;
      _exit(good ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ASSERT_EQ(runAdd(context, a, a, 100, error), LT_OK) << "the parent's pool must still work";
  }
}

TEST(Run, ReportsKernelErrors) {
  struct {
    int64_t code;
    const char *text;
  } const cases[] = {{LT_KERNEL_INDEX, "an index is out of range"},
                     {LT_KERNEL_DIVIDE, "integer division by zero"},
                     {LT_KERNEL_VALUE, "a value is not allowed"},
                     {77, "unknown error"}};
  for (uint32_t threads : {1u, 2u})
    for (const auto &test : cases) {
      FunctionBuilder f;
      f.dispatch("Gather_3", Fail, f.constant(100), {}, {f.constant(test.code), f.constant(63)},
                 true);
      OpenModule module(write(programOf({f.function})));
      OpenContext context(module, threads);
      lt_error error = newError();
      EXPECT_EQ(lt_run(context, &error), LT_ERR_KERNEL);
      EXPECT_EQ(error.detail, static_cast<uint64_t>(test.code));
      EXPECT_EQ(error.msg, "step 'Gather_3' (kernel 'fail'): " + std::string(test.text));
      EXPECT_EQ(lt_run(context, &error), LT_ERR_KERNEL);
    }
}

TEST(Run, SkipsStepsWithoutTiles) {
  FunctionBuilder f;
  f.dispatch("never", Fail, f.constant(0), {}, {f.constant(1), f.constant(0)});
  OpenModule module(write(programOf({f.function})));
  OpenContext context(module);
  lt_error error = newError();
  EXPECT_EQ(lt_run(context, &error), LT_OK) << error.msg;
}

// A function whose kernel waits for the test.
class Waiting : public ::testing::TestWithParam<uint32_t> {
protected:
  static Function waitFunction() {
    FunctionBuilder f;
    f.input("flags", LT_DTYPE_I32, {2});
    uint32_t flags = f.buffer(LT_BUFFER_INPUT, 0, f.constant(8), LT_DTYPE_I32);
    f.dispatch("wait", Wait, f.constant(1000), {flags}, {}, true);
    f.dispatch("after", Fill, f.constant(0), {}, {f.constant(0)});
    return f.function;
  }
  void start() {
    lt_tensor flags = LT_INIT(lt_tensor);
    flags.dtype = LT_DTYPE_I32;
    flags.rank = 1;
    flags.dims[0] = 2;
    flags.bytes = sizeof words;
    flags.data = words;
    lt_error error = newError();
    ASSERT_EQ(lt_bind(context, 0, &flags, &error), LT_OK) << error.msg;
    runner = std::thread([this] { code = lt_run(context, nullptr); });
    while (words[1] == 0)
      std::this_thread::yield();
  }
  void finish() {
    words[0] = 1;
    runner.join();
  }

  OpenModule module{write(programOf({waitFunction()}))};
  OpenContext context{module, GetParam()};
  std::atomic<int32_t> words[2] = {{0}, {0}};
  std::thread runner;
  lt_rc code = LT_OK;
};

TEST_P(Waiting, CancelStopsBetweenTiles) {
  EXPECT_EQ(lt_cancel(context), LT_ERR_STATE) << "nothing runs yet";
  start();
  EXPECT_EQ(lt_cancel(context), LT_OK);
  finish();
  EXPECT_EQ(code, LT_ERR_CANCELLED);
  EXPECT_LT(words[1], 1000);
  // The request is gone with the run it was for.
  lt_error error = newError();
  words[1] = 0;
  EXPECT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  EXPECT_EQ(words[1], 1000);
}

TEST_P(Waiting, BusyContextRefusesOtherCalls) {
  start();
  lt_error error = newError();
  lt_tensor tensor = LT_INIT(lt_tensor);
  uint32_t count;
  EXPECT_EQ(lt_run(context, &error), LT_ERR_STATE);
  EXPECT_STREQ(error.msg, "another call is using this context");
  EXPECT_EQ(lt_bind(context, 0, &tensor, &error), LT_ERR_STATE);
  EXPECT_EQ(lt_output(context, 0, &tensor, &error), LT_ERR_STATE);
  EXPECT_EQ(lt_trace(context, nullptr, 0, &count, &error), LT_ERR_STATE);
  EXPECT_EQ(lt_context_destroy(context), LT_ERR_STATE);
  finish();
  EXPECT_EQ(code, LT_OK);
}

INSTANTIATE_TEST_SUITE_P(Threads, Waiting, ::testing::Values(1u, 2u));

TEST(Run, TracesSteps) {
  OpenModule module(write(programOf({nonZeroFunction()})));
  OpenContext context(module, 1, 0, LT_CONTEXT_TRACE);
  std::vector<float> x{1, 0, 1};
  lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {3});
  lt_error error = newError();
  ASSERT_EQ(lt_bind(context, 0, &tx, &error), LT_OK);
  ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  uint32_t count = 0;
  ASSERT_EQ(lt_trace(context, nullptr, 0, &count, &error), LT_OK);
  ASSERT_EQ(count, 5u);
  std::vector<lt_trace_record> records(5, LT_INIT(lt_trace_record));
  ASSERT_EQ(lt_trace(context, records.data(), 5, &count, &error), LT_OK);
  EXPECT_STREQ(records[0].name, "count");
  EXPECT_STREQ(records[0].kernel, "count");
  EXPECT_STREQ(records[1].kernel, "");
  EXPECT_STREQ(records[4].kernel, "fill");
  EXPECT_EQ(records[4].tiles, 4);
  for (uint32_t i = 0; i < 5; ++i) {
    EXPECT_EQ(records[i].step, i);
    EXPECT_EQ(records[i].size, sizeof(lt_trace_record));
    if (i > 0) {
      EXPECT_GE(records[i].start_ns, records[i - 1].start_ns + records[i - 1].duration_ns);
    }
  }
  OpenContext untraced(module);
  EXPECT_EQ(lt_trace(untraced, records.data(), 5, &count, &error), LT_ERR_STATE);
}
