// Memory through the caller's allocator: failures, leaks, and runs that need none.
#include "test/runtime/Artifacts.h"
#include <cstdlib>
#include <gtest/gtest.h>

using namespace longtail;
using namespace longtail::container;
using namespace longtail::test;

namespace {

// Counts allocations and fails the one of number `failAt`.
struct Counter {
  int count = 0, failAt = -1, live = 0;
  size_t bytes = 0;
  bool misalign = false;

  static void *allocate(void *user, size_t bytes, size_t align) {
    auto *self = static_cast<Counter *>(user);
    if (self->count++ == self->failAt && !self->misalign)
      return nullptr;
    // Room in front, so that a misaligned pointer still tells its block.
    char *block = static_cast<char *>(
        aligned_alloc(align < 64 ? 64 : align, (bytes + 64 + 4095) / 4096 * 4096));
    ++self->live;
    self->bytes += bytes;
    return self->misalign && self->count - 1 == self->failAt ? block + 8 : block;
  }
  static void release(void *user, void *pointer, size_t bytes) {
    auto *self = static_cast<Counter *>(user);
    --self->live;
    self->bytes -= bytes;
    free(reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(pointer) & ~uintptr_t{63}));
  }
  lt_allocator allocator() {
    lt_allocator result = LT_INIT(lt_allocator);
    result.alloc = allocate;
    result.free = release;
    result.user = this;
    return result;
  }
};

std::vector<uint8_t> artifact() {
  static const std::vector<float> weight(8, 1);
  FunctionBuilder f("scratch");
  f.function = nonZeroFunction();
  uint32_t out = f.buffer(LT_BUFFER_OUTPUT, 1, f.constant(0), LT_DTYPE_I64, 1);
  f.dispatch("probe", Probe, f.constant(0), {out}, {f.constant(64)}, false, f.constant(64));
  Program program = programOf({f.function, scaleFunction(0)});
  program.weights = {{weight.data(), 32, "weight"}};
  return write(program);
}

lt_rc openPlanRun(const std::vector<uint8_t> &bytes, Counter &counter, lt_error &error) {
  lt_allocator allocator = counter.allocator();
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.memory = &allocator;
  opts.flags = LT_LOAD_COPY_WEIGHTS;
  lt_source source = memorySource(bytes);
  std::vector<float> x{1, 0, 2};
  lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {3});
  lt_module *module = nullptr;
  lt_context *context = nullptr;
  lt_context_opts contextOpts = LT_INIT(lt_context_opts);
  contextOpts.threads = 1;
  contextOpts.flags = LT_CONTEXT_TRACE;
  lt_rc rc = lt_module_open(&source, &opts, &module, &error);
  if (!rc)
    rc = lt_plan(module, 0, &tx, 1, nullptr, nullptr, 0, &error);
  if (!rc)
    rc = lt_context_create(module, 0, &contextOpts, &context, &error);
  if (!rc)
    rc = lt_bind(context, 0, &tx, &error);
  if (!rc) {
    rc = lt_run(context, &error);
    if (rc == LT_ERR_MEMORY) {
      // Only one allocation fails, so the same context must get through now.
      EXPECT_EQ(lt_run(context, nullptr), LT_OK);
    }
    lt_tensor out = LT_INIT(lt_tensor);
    EXPECT_EQ(lt_output(context, 1, &out, nullptr), LT_OK);
    EXPECT_EQ(out.dims[0], 2);
    EXPECT_EQ(static_cast<int64_t *>(out.data)[1], 2);
  }
  EXPECT_EQ(lt_context_destroy(context), LT_OK);
  lt_module_release(module);
  return rc;
}

} // namespace

TEST(Allocation, EveryFailureIsReportedAndNothingLeaks) {
  std::vector<uint8_t> bytes = artifact();
  for (bool misalign : {false, true}) {
    int failures = 0;
    for (;; ++failures) {
      Counter counter;
      counter.failAt = failures;
      counter.misalign = misalign;
      lt_error error = newError();
      lt_rc rc = openPlanRun(bytes, counter, error);
      ASSERT_EQ(counter.live, 0) << "allocation " << failures;
      ASSERT_EQ(counter.bytes, 0u);
      if (rc == LT_OK) {
        ASSERT_LE(counter.count, failures) << "a failure was swallowed";
        break;
      }
      ASSERT_EQ(rc, LT_ERR_MEMORY) << error.msg;
      ASSERT_EQ(error.where, 800u);
    }
    EXPECT_GT(failures, 30);
  }
}

TEST(Allocation, RunsWithUnchangedDimsNeedNone) {
  Counter counter;
  lt_allocator allocator = counter.allocator();
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.memory = &allocator;
  OpenModule module(write(programOf({addFunction()})), &opts);
  OpenContext context(module, 2);
  std::vector<float> a(300, 1), b(300, 2);
  lt_tensor ta = tensorOf(LT_DTYPE_F32, a, {100, 3}), tb = tensorOf(LT_DTYPE_F32, b, {100, 3});
  ASSERT_EQ(lt_bind(context, 0, &ta, nullptr), LT_OK);
  ASSERT_EQ(lt_bind(context, 1, &tb, nullptr), LT_OK);
  ASSERT_EQ(lt_run(context, nullptr), LT_OK);
  int before = counter.count;
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(lt_bind(context, i % 2, i % 2 ? &ta : &tb, nullptr), LT_OK);
    ASSERT_EQ(lt_run(context, nullptr), LT_OK);
  }
  EXPECT_EQ(counter.count, before);
  // Smaller dims fit into what is there; larger ones do not.
  ta.dims[0] = tb.dims[0] = 50;
  ASSERT_EQ(lt_bind(context, 0, &ta, nullptr), LT_OK);
  ASSERT_EQ(lt_bind(context, 1, &tb, nullptr), LT_OK);
  ASSERT_EQ(lt_run(context, nullptr), LT_OK);
  EXPECT_EQ(counter.count, before);
}

TEST(Allocation, DataDependentRegionsGrowOnly) {
  Counter counter;
  lt_allocator allocator = counter.allocator();
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.memory = &allocator;
  OpenModule module(write(programOf({nonZeroFunction()})), &opts);
  OpenContext context(module, 1);
  std::vector<float> x(100, 1);
  lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {100});
  ASSERT_EQ(lt_bind(context, 0, &tx, nullptr), LT_OK);
  ASSERT_EQ(lt_run(context, nullptr), LT_OK);
  int before = counter.count;
  for (size_t i = 0; i < 100; ++i) {
    x[i] = 0;
    ASSERT_EQ(lt_run(context, nullptr), LT_OK);
  }
  EXPECT_EQ(counter.count, before);
}

TEST(Allocation, FailedGrowthOfScratchMemoryIsRepaired) {
  FunctionBuilder f;
  f.input("n", LT_DTYPE_U8, {-1});
  uint32_t bytes = f.symbolExpr(f.inputDim(0, 0));
  f.output("worker", LT_DTYPE_I64, {{1}});
  uint32_t out = f.buffer(LT_BUFFER_OUTPUT, 0, f.constant(8), LT_DTYPE_I64);
  f.dispatch("probe", Probe, f.constant(1), {out}, {bytes}, false, bytes);
  Counter counter;
  lt_allocator allocator = counter.allocator();
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.memory = &allocator;
  OpenModule module(write(programOf({f.function})), &opts);
  OpenContext context(module, 1);
  std::vector<uint8_t> x(100000);
  for (int64_t size : {1000, 100000, 1000}) {
    lt_tensor tx = tensorOf(LT_DTYPE_U8, x, {size});
    ASSERT_EQ(lt_bind(context, 0, &tx, nullptr), LT_OK);
    counter.failAt = size == 100000 ? counter.count : -1;
    EXPECT_EQ(lt_run(context, nullptr), size == 100000 ? LT_ERR_MEMORY : LT_OK);
  }
}

namespace {

// Opens the functions that call others and runs the loop.
lt_rc runLoop(const std::vector<uint8_t> &bytes, Counter &counter, lt_error &error, int runs,
              int *after) {
  lt_allocator allocator = counter.allocator();
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.memory = &allocator;
  lt_source source = memorySource(bytes);
  std::vector<float> x(20, 1);
  std::vector<int64_t> m = {5};
  lt_tensor tm = tensorOf(LT_DTYPE_I64, m, {1}), tx = tensorOf(LT_DTYPE_F32, x, {20});
  lt_module *module = nullptr;
  lt_context *context = nullptr;
  lt_context_opts contextOpts = LT_INIT(lt_context_opts);
  contextOpts.threads = 1;
  lt_rc rc = lt_module_open(&source, &opts, &module, &error);
  if (!rc)
    rc = lt_context_create(module, 1, &contextOpts, &context, &error);
  if (!rc)
    rc = lt_bind(context, 0, &tm, &error);
  if (!rc)
    rc = lt_bind(context, 1, &tx, &error);
  for (int i = 0; !rc && i < runs; ++i) {
    rc = lt_run(context, &error);
    if (rc == LT_ERR_MEMORY) {
      EXPECT_EQ(lt_run(context, nullptr), LT_OK);
    }
    if (i == 0 && after)
      *after = counter.count;
    lt_tensor out = LT_INIT(lt_tensor);
    EXPECT_EQ(lt_output(context, 2, &out, nullptr), LT_OK);
    EXPECT_EQ(static_cast<float *>(out.data)[19], 32.0f);
  }
  EXPECT_EQ(lt_context_destroy(context), LT_OK);
  lt_module_release(module);
  return rc;
}

} // namespace

TEST(Allocation, EveryFailureInALoopIsReportedAndNothingLeaks) {
  std::vector<uint8_t> bytes = write(programOf(callFunctions()));
  for (int failures = 0;; ++failures) {
    ASSERT_LT(failures, 1000);
    Counter counter;
    counter.failAt = failures;
    lt_error error = newError();
    lt_rc rc = runLoop(bytes, counter, error, 1, nullptr);
    ASSERT_EQ(counter.live, 0) << "allocation " << failures;
    ASSERT_EQ(counter.bytes, 0u);
    if (rc == LT_OK)
      break;
    ASSERT_EQ(rc, LT_ERR_MEMORY) << error.msg;
  }
}

TEST(Allocation, LoopsNeedNoneOnceTheyRan) {
  Counter counter;
  lt_error error = newError();
  int first = 0;
  ASSERT_EQ(runLoop(write(programOf(callFunctions())), counter, error, 1, &first), LT_OK);
  Counter again;
  int afterFirst = 0;
  ASSERT_EQ(runLoop(write(programOf(callFunctions())), again, error, 9, &afterFirst), LT_OK);
  EXPECT_EQ(afterFirst, first);
  EXPECT_EQ(again.count, first);
}
