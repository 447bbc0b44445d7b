// The runtime under load: many contexts and threads, many opens and runs, cancelled runs. What the
// environment variable LONGTAIL_TEST_LOAD gives multiplies the rounds (1 where it is not set).
#include "test/runtime/Artifacts.h"
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <thread>
#include <unistd.h>

using namespace longtail;
using namespace longtail::container;
using namespace longtail::test;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LONGTAIL_SANITIZED 1
#endif
#endif

namespace {

#ifdef LONGTAIL_SANITIZED
constexpr bool isSanitized = true;
#else
constexpr bool isSanitized = false;
#endif

int rounds(int plain, int sanitized) {
  const char *load = getenv("LONGTAIL_TEST_LOAD");
  return (isSanitized ? sanitized : plain) * (load ? atoi(load) : 1);
}

// Bytes of this process that are in memory.
size_t residentBytes() {
  std::ifstream file("/proc/self/statm");
  size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

int openDescriptors() {
  int count = 0;
  DIR *folder = opendir("/proc/self/fd");
  while (readdir(folder))
    ++count;
  closedir(folder);
  return count;
}

int mappings() {
  std::ifstream file("/proc/self/maps");
  std::string line;
  int count = 0;
  while (std::getline(file, line))
    ++count;
  return count;
}

std::vector<uint8_t> allFunctions() {
  static const std::vector<float> weight(8, 3);
  Program program = programOf({addFunction(), nonZeroFunction(), scaleFunction(0)});
  program.weights = {{weight.data(), 32, "weight"}};
  return write(program);
}

// Runs one of the three functions with `n` rows and checks every element. False if anything is
// wrong.
bool runAndCheck(lt_context *context, uint32_t function, int64_t n, float first) {
  auto room = static_cast<size_t>(n);
  lt_tensor out = LT_INIT(lt_tensor);
  if (function == 0) {
    std::vector<float> a(room * 3, first), b(room * 3, 1);
    lt_tensor ta = tensorOf(LT_DTYPE_F32, a, {n, 3}), tb = tensorOf(LT_DTYPE_F32, b, {n, 3});
    if (lt_bind(context, 0, &ta, nullptr) || lt_bind(context, 1, &tb, nullptr) ||
        lt_run(context, nullptr) || lt_output(context, 2, &out, nullptr))
      return false;
    for (size_t i = 0; i < room * 3; ++i)
      if (static_cast<float *>(out.data)[i] != first + 1)
        return false;
    return out.dims[0] == n;
  }
  if (function == 1) {
    std::vector<float> x(room, 0);
    for (size_t i = 0; i < room; i += 2)
      x[i] = first + 1;
    lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {n});
    if (lt_bind(context, 0, &tx, nullptr) || lt_run(context, nullptr) ||
        lt_output(context, 1, &out, nullptr) || out.dims[0] != (n + 1) / 2)
      return false;
    for (int64_t i = 0; i < out.dims[0]; ++i)
      if (static_cast<int64_t *>(out.data)[i] != 2 * i)
        return false;
    return lt_output(context, 2, &out, nullptr) == LT_OK && out.dims[0] == (n + 1) / 2 * 2;
  }
  std::vector<float> x(8, first);
  lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {8});
  if (lt_bind(context, 0, &tx, nullptr) || lt_run(context, nullptr) ||
      lt_output(context, 1, &out, nullptr))
    return false;
  return static_cast<float *>(out.data)[7] == first * 3;
}

} // namespace

TEST(Load, ContextsOfAllFunctionsOnManyThreads) {
  std::vector<uint8_t> bytes = allFunctions(); // borrowed
  OpenModule module(bytes);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  int count = rounds(400, 40);
  for (uint32_t t = 0; t < 16; ++t)
    threads.emplace_back([&module, &wrong, t, count] {
      std::minstd_rand random(t + 1);
      for (int i = 0; i < count / 20 + 1; ++i) {
        // A context of its own, and the module is held by it alone for a while.
        OpenContext context(module, 1 + random() % 8, t % 3);
        for (int k = 0; k < 20; ++k)
          wrong += !runAndCheck(context, t % 3, 1 + static_cast<int64_t>(random() % 200),
                                static_cast<float>(t));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Load, ModulesOpenAndCloseOnManyThreads) {
  std::vector<uint8_t> bytes = allFunctions();
  TemporaryFile file(bytes);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  int count = rounds(200, 20);
  for (uint32_t t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < count; ++i) {
        lt_source source = t % 2 ? file.source() : memorySource(bytes);
        lt_module *module = nullptr;
        lt_context *context = nullptr;
        lt_context_opts opts = LT_INIT(lt_context_opts);
        opts.threads = 2;
        wrong += lt_module_open(&source, nullptr, &module, nullptr) != LT_OK;
        wrong += lt_context_create(module, t % 3, &opts, &context, nullptr) != LT_OK;
        lt_module_release(module); // The context holds it.
        wrong += !runAndCheck(context, t % 3, 50, 2);
        wrong += lt_context_destroy(context) != LT_OK;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Load, TenThousandOpensLeaveNothing) {
  std::vector<uint8_t> bytes = allFunctions();
  TemporaryFile file(bytes);
  auto openAndClose = [&](int i) {
    lt_source source = i % 2 ? file.source() : memorySource(bytes);
    lt_load_opts opts = LT_INIT(lt_load_opts);
    opts.flags = i % 3 == 0 ? LT_LOAD_COPY_WEIGHTS : i % 3 == 1 ? LT_LOAD_VERIFY_WEIGHTS : 0;
    lt_module *module = nullptr;
    ASSERT_EQ(lt_module_open(&source, &opts, &module, nullptr), LT_OK);
    {
      OpenContext context(module, 1, 2);
      ASSERT_TRUE(runAndCheck(context, 2, 8, 2));
    }
    lt_module_release(module);
  };
  for (int i = 0; i < 100; ++i)
    openAndClose(i);
  int descriptors = openDescriptors(), maps = mappings();
  size_t resident = residentBytes();
  for (int i = 0, n = rounds(10000, 300); i < n; ++i)
    openAndClose(i);
  EXPECT_EQ(openDescriptors(), descriptors);
  EXPECT_LE(mappings(), maps + 8);
  if (!isSanitized) {
    EXPECT_LE(residentBytes(), resident + (1u << 20));
  }
}

TEST(Load, RunsDoNotGrow) {
  std::vector<uint8_t> bytes = allFunctions(); // borrowed
  OpenModule module(bytes);
  OpenContext add(module, 2, 0), nonZero(module, 1, 1);
  auto run = [&](int i) {
    ASSERT_TRUE(runAndCheck(add, 0, 1 + i % 90, 5));
    ASSERT_TRUE(runAndCheck(nonZero, 1, 1 + i % 90, 5));
  };
  for (int i = 0; i < 1000; ++i)
    run(i);
  size_t resident = residentBytes();
  for (int i = 0, n = rounds(50000, 1000); i < n; ++i)
    run(i);
  if (!isSanitized) {
    EXPECT_LE(residentBytes(), resident + (256u << 10));
  }
}

TEST(Load, CancelledRunsLeaveTheContextUsable) {
  // Tiles that take a while, so that a cancel finds the run in flight.
  FunctionBuilder f;
  f.input("n", LT_DTYPE_U8, {1});
  uint32_t bytes = f.constant(1 << 16);
  f.output("worker", LT_DTYPE_I64, {{256}});
  uint32_t out = f.buffer(LT_BUFFER_OUTPUT, 0, f.constant(256 * 8), LT_DTYPE_I64);
  f.dispatch("probe", Probe, f.constant(256), {out}, {bytes}, true, bytes);
  OpenModule module(write(programOf({f.function})));
  std::minstd_rand random(7);
  int cancelled = 0, done = 0;
  for (int i = 0, n = rounds(300, 60); i < n; ++i) {
    OpenContext context(module, 1 + i % 4);
    std::vector<uint8_t> x(1);
    lt_tensor tx = tensorOf(LT_DTYPE_U8, x, {1});
    ASSERT_EQ(lt_bind(context, 0, &tx, nullptr), LT_OK);
    std::atomic<bool> isOver{false};
    lt_rc rc = LT_OK;
    std::thread runner([&] {
      rc = lt_run(context, nullptr);
      isOver = true;
    });
    for (unsigned spin = random() % 200000; spin > 0 && !isOver; --spin)
      ;
    while (!isOver && lt_cancel(context) != LT_OK)
      ;
    runner.join();
    ASSERT_TRUE(rc == LT_OK || rc == LT_ERR_CANCELLED) << rc;
    cancelled += rc == LT_ERR_CANCELLED;
    ASSERT_EQ(lt_run(context, nullptr), LT_OK);
    lt_tensor result = LT_INIT(lt_tensor);
    ASSERT_EQ(lt_output(context, 1, &result, nullptr), LT_OK);
    for (int k = 0; k < 256; ++k)
      ASSERT_LT(static_cast<int64_t *>(result.data)[k], 4);
    ++done;
  }
  EXPECT_GT(cancelled, done / 10);
}

TEST(Load, ResultsDoNotDependOnThreads) {
  OpenModule module(write(programOf({addFunction()})));
  std::vector<float> a(3000), b(3000), expected;
  std::mt19937 random(3);
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = std::normal_distribution<float>()(random);
    b[i] = std::normal_distribution<float>(0, 1e-6f)(random);
  }
  for (uint32_t threads = 1; threads <= 8; ++threads) {
    OpenContext context(module, threads);
    lt_tensor ta = tensorOf(LT_DTYPE_F32, a, {1000, 3}), tb = tensorOf(LT_DTYPE_F32, b, {1000, 3});
    ASSERT_EQ(lt_bind(context, 0, &ta, nullptr), LT_OK);
    ASSERT_EQ(lt_bind(context, 1, &tb, nullptr), LT_OK);
    for (int i = 0; i < rounds(20, 5); ++i) {
      ASSERT_EQ(lt_run(context, nullptr), LT_OK);
      lt_tensor c = LT_INIT(lt_tensor);
      ASSERT_EQ(lt_output(context, 2, &c, nullptr), LT_OK);
      auto *data = static_cast<float *>(c.data);
      if (expected.empty())
        expected.assign(data, data + a.size());
      ASSERT_EQ(memcmp(data, expected.data(), expected.size() * sizeof(float)), 0) << threads;
    }
  }
}
