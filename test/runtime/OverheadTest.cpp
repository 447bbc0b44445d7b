// What opening and running cost besides the kernels. Limits are far above the usual figures, since
// tests share their machine; sanitized builds only print.
#include "test/runtime/Artifacts.h"
#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>

using namespace longtail;
using namespace longtail::test;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LONGTAIL_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LONGTAIL_SANITIZED 1
#endif

// Smallest of `repeats` times of one call, nanoseconds: noise only adds.
template <typename Call> static double fastest(int repeats, Call call) {
  double best = 1e18;
  for (int i = 0; i < repeats; ++i) {
    auto start = std::chrono::steady_clock::now();
    call();
    std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    best = std::min(best, time.count());
  }
  return best;
}

static void expectBelow(const char *what, double nanoseconds, double limit) {
  printf("%s: %.0f ns\n", what, nanoseconds);
#if defined(NDEBUG) && !defined(LONGTAIL_SANITIZED)
  EXPECT_LT(nanoseconds, limit) << what;
#else
  (void)limit;
#endif
}

TEST(Overhead, OpenSmallArtifact) {
  std::vector<uint8_t> bytes = write(programOf({addFunction(), nonZeroFunction()}));
  TemporaryFile file(bytes);
  for (const lt_source &source : {file.source(), memorySource(bytes)})
    expectBelow(source.data ? "open from memory" : "open from a file",
                fastest(200,
                        [&] {
                          lt_module *module = nullptr;
                          ASSERT_EQ(lt_module_open(&source, nullptr, &module, nullptr), LT_OK);
                          lt_module_release(module);
                        }),
                200e3);
}

TEST(Overhead, RunOneStep) {
  OpenModule module(write(programOf({addFunction()})));
  std::vector<float> a(3, 1);
  lt_tensor tensor = tensorOf(LT_DTYPE_F32, a, {1, 3});
  OpenContext context(module, 1);
  ASSERT_EQ(lt_bind(context, 0, &tensor, nullptr), LT_OK);
  ASSERT_EQ(lt_bind(context, 1, &tensor, nullptr), LT_OK);
  constexpr int kRuns = 1000;
  double time = fastest(50, [&] {
    for (int i = 0; i < kRuns; ++i)
      lt_run(context, nullptr);
  });
  expectBelow("run of one small step", time / kRuns, 3e3);
}

TEST(Overhead, RunManySteps) {
  FunctionBuilder f;
  uint32_t zero = f.constant(0), one = f.constant(1), ten = f.constant(10);
  for (int i = 0; i < 1000; ++i)
    f.dispatch("step", Fail, one, {}, {zero, ten});
  OpenModule module(write(programOf({f.function})));
  OpenContext context(module, 1);
  ASSERT_EQ(lt_run(context, nullptr), LT_OK);
  expectBelow("one step of many", fastest(200, [&] { lt_run(context, nullptr); }) / 1000, 1e3);
}

TEST(Overhead, RunOneParallelStep) {
  FunctionBuilder f;
  f.dispatch("step", Fail, f.constant(2), {}, {f.constant(0), f.constant(10)}, true);
  OpenModule module(write(programOf({f.function})));
  OpenContext context(module, 2);
  ASSERT_EQ(lt_run(context, nullptr), LT_OK);
  expectBelow("parallel step on two threads", fastest(20000, [&] { lt_run(context, nullptr); }),
              100e3);
}
