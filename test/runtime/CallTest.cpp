// Steps that run other functions: branches and loops.
#include "test/runtime/Artifacts.h"
#include <cstring>
#include <gtest/gtest.h>
#include <thread>

using namespace longtail;
using namespace longtail::container;
using namespace longtail::test;

namespace {

struct Call {
  Call() : module(write(programOf(callFunctions()))) {}
  OpenModule module;
  lt_error error = newError();
};

std::string refusal(const Program &program) {
  std::string message;
  std::vector<uint8_t> bytes;
  EXPECT_FALSE(writeContainer(program, message, bytes));
  return message;
}

// Changes a record behind the checker's back; what the reader says.
template <typename Record>
std::string readerSays(uint32_t kind, uint32_t index, void (*change)(Record &)) {
  std::vector<uint8_t> bytes = write(programOf(callFunctions()));
  lt_header header;
  memcpy(&header, bytes.data(), sizeof header);
  for (uint32_t i = 0; i < header.section_count; ++i) {
    lt_section section;
    memcpy(&section, bytes.data() + sizeof header + i * sizeof section, sizeof section);
    if (section.kind != kind)
      continue;
    Record record;
    uint8_t *place = bytes.data() + section.offset + index * sizeof record;
    memcpy(&record, place, sizeof record);
    change(record);
    memcpy(place, &record, sizeof record);
  }
  repairCrc(bytes);
  lt_error error = newError();
  lt_info info = LT_INIT(lt_info);
  lt_source source = memorySource(bytes);
  EXPECT_LT(lt_inspect(&source, &info, &error), 0);
  return error.msg;
}

} // namespace

TEST(Call, BranchRunsOneOfTwoFunctions) {
  Call call;
  for (uint32_t threads : {1u, 2u}) {
    OpenContext context(call.module, threads, 0);
    for (int64_t condition : {1, 0, 5, 0})
      for (int64_t n : {3, 0, 100}) {
        std::vector<float> x(static_cast<size_t>(n), 1.5f);
        std::vector<int64_t> c = {condition};
        lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {n}), tc = tensorOf(LT_DTYPE_I64, c, {1});
        ASSERT_EQ(lt_bind(context, 0, &tx, &call.error), LT_OK) << call.error.msg;
        ASSERT_EQ(lt_bind(context, 1, &tc, &call.error), LT_OK) << call.error.msg;
        ASSERT_EQ(lt_run(context, &call.error), LT_OK) << call.error.msg;
        lt_tensor y = LT_INIT(lt_tensor);
        ASSERT_EQ(lt_output(context, 2, &y, &call.error), LT_OK) << call.error.msg;
        ASSERT_EQ(y.dims[0], n);
        for (int64_t i = 0; i < n; ++i)
          ASSERT_EQ(static_cast<float *>(y.data)[i], condition ? 3.0f : 1.5f);
      }
  }
}

TEST(Call, LoopCarriesAndAccumulates) {
  Call call;
  OpenContext context(call.module, 1, 1);
  for (int64_t trips : {3, 0, 1, -7, 20, 2})
    for (int64_t n : {4, 0, 33}) {
      std::vector<float> x(static_cast<size_t>(n), 1);
      std::vector<int64_t> m = {trips};
      lt_tensor tm = tensorOf(LT_DTYPE_I64, m, {1}), tx = tensorOf(LT_DTYPE_F32, x, {n});
      ASSERT_EQ(lt_bind(context, 0, &tm, &call.error), LT_OK) << call.error.msg;
      ASSERT_EQ(lt_bind(context, 1, &tx, &call.error), LT_OK) << call.error.msg;
      ASSERT_EQ(lt_run(context, &call.error), LT_OK) << call.error.msg;
      int64_t done = trips < 0 ? 0 : trips;
      lt_tensor last = LT_INIT(lt_tensor), all = LT_INIT(lt_tensor);
      ASSERT_EQ(lt_output(context, 2, &last, &call.error), LT_OK) << call.error.msg;
      ASSERT_EQ(lt_output(context, 3, &all, &call.error), LT_OK) << call.error.msg;
      ASSERT_EQ(all.dims[0], done);
      ASSERT_EQ(all.dims[1], n);
      for (int64_t i = 0; i < n; ++i) {
        ASSERT_EQ(static_cast<float *>(last.data)[i], static_cast<float>(int64_t{1} << done));
        for (int64_t t = 0; t < done; ++t)
          ASSERT_EQ(static_cast<float *>(all.data)[t * n + i], static_cast<float>(int64_t{2} << t));
      }
    }
}

TEST(Call, EndlessLoopIsCancelled) {
  Call call;
  OpenContext context(call.module, 1, 1);
  std::vector<float> x; // slices without elements: nothing grows
  std::vector<int64_t> m = {INT64_MAX};
  lt_tensor tm = tensorOf(LT_DTYPE_I64, m, {1}), tx = tensorOf(LT_DTYPE_F32, x, {0});
  ASSERT_EQ(lt_bind(context, 0, &tm, &call.error), LT_OK) << call.error.msg;
  ASSERT_EQ(lt_bind(context, 1, &tx, &call.error), LT_OK) << call.error.msg;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    while (lt_cancel(context) != LT_OK)
      std::this_thread::yield();
  });
  EXPECT_EQ(lt_run(context, &call.error), LT_ERR_CANCELLED);
  other.join();
  // The context is as good as before.
  m[0] = 2;
  EXPECT_EQ(lt_run(context, &call.error), LT_OK) << call.error.msg;
}

TEST(Call, WriterRefusesWhatDoesNotFit) {
  auto change = [](size_t function, void (*edit)(Function &)) {
    std::vector<Function> functions = callFunctions();
    edit(functions[function]);
    return refusal(programOf(functions));
  };
  EXPECT_NE(change(0, [](Function &f) { f.steps[1].function = 0; }).find("must come after"),
            std::string::npos);
  EXPECT_NE(change(0, [](Function &f) { f.steps[1].otherwise = 4; }).find("does not fit"),
            std::string::npos);
  EXPECT_NE(change(0, [](Function &f) { f.steps[1].params.push_back(0); }).find("sizes"),
            std::string::npos);
  EXPECT_NE(change(1, [](Function &f) { f.steps[1].endsRegion = false; }).find("region"),
            std::string::npos);
  EXPECT_NE(change(1, [](Function &f) { f.steps[1].conditional = true; }).find("does not fit"),
            std::string::npos);
  EXPECT_NE(change(1, [](Function &f) { f.steps[1].carriedCount = 2; }).find("counts"),
            std::string::npos);
}

TEST(Call, ReaderRefusesRecursion) {
  // Step 1 is that of "branch".
  EXPECT_NE(
      readerSays<lt_step_record>(LT_SECTION_STEPS, 1, [](lt_step_record &step) { step.target = 0; })
          .find("must come after it"),
      std::string::npos);
  EXPECT_NE(readerSays<lt_call_record>(LT_SECTION_CALLS, 0,
                                       [](lt_call_record &call) { call.otherwise = 0; })
                .find("must come after it"),
            std::string::npos);
  EXPECT_NE(readerSays<lt_call_record>(LT_SECTION_CALLS, 0,
                                       [](lt_call_record &call) { call.sliced_count = 1; })
                .find("slices"),
            std::string::npos);
  EXPECT_NE(readerSays<lt_call_record>(LT_SECTION_CALLS, 1,
                                       [](lt_call_record &call) { call.flags = LT_CALL_CONDITION; })
                .find("does not fit"),
            std::string::npos);
}

TEST(Call, DeepCallsAreRefused) {
  std::vector<Function> functions;
  for (uint32_t i = 0; i < 70; ++i) {
    Function function = callFunctions()[0];
    function.name += std::to_string(i);
    function.inputs.pop_back();
    function.symbols.pop_back();
    function.buffers.erase(function.buffers.begin() + 1);
    function.steps.erase(function.steps.begin());
    function.steps[0].bindings = {0, 1};
    function.expressions.resize(3); // bytes, N, 8
    function.steps[0].condition = 2;
    function.steps[0].params = {1};
    function.steps[0].function = function.steps[0].otherwise = i + 1;
    functions.push_back(function);
  }
  functions.push_back(callFunctions()[2]);
  std::vector<uint8_t> bytes = write(programOf(functions));
  lt_error error = newError();
  lt_info info = LT_INIT(lt_info);
  lt_source source = memorySource(bytes);
  EXPECT_EQ(lt_inspect(&source, &info, &error), LT_ERR_LIMIT);
  EXPECT_NE(std::string(error.msg).find("calls functions more than"), std::string::npos);
}
