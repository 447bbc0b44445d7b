// The C++ API, compiled without exceptions and RTTI.
#include "longtail/longtail.hpp"
#include "test/runtime/Artifacts.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace longtail;
using namespace longtail::test;

TEST(CppApi, OpensBindsRuns) {
  std::vector<uint8_t> bytes = write(programOf({addFunction()}));
  auto module = api::Module::openMemory(bytes.data(), bytes.size());
  ASSERT_TRUE(module) << module.error().message();
  api::Module copy = *module;
  auto function = copy.function("add");
  ASSERT_TRUE(function);
  EXPECT_EQ(function->input_count, 2u);
  EXPECT_STREQ(copy.io(0, 1)->name, "b");
  EXPECT_STREQ(copy.metadata("task"), "test");
  EXPECT_EQ(copy.info()->function_count, 1u);

  auto context = api::Context::create(copy, 0, 2);
  ASSERT_TRUE(context) << context.error().message();
  *module = api::Module();
  copy = api::Module();
  const float a[] = {1, 2, 3};
  float b[] = {10, 20, 30}, c[3] = {};
  EXPECT_FALSE(context->bindInput(0, api::tensor(a, 3, {1, 3})));
  EXPECT_FALSE(context->bindInput(1, api::tensor(b, 3, {1, 3})));
  EXPECT_FALSE(context->run());
  auto out = context->output(0);
  ASSERT_TRUE(out) << out.error().message();
  EXPECT_EQ(static_cast<float *>(out->data)[2], 33);
  EXPECT_FALSE(context->bindOutput(0, api::tensor(c, 3, {1, 3})));
  api::Context moved = std::move(*context);
  EXPECT_FALSE(moved.run());
  EXPECT_EQ(c[1], 22);
  EXPECT_FALSE(moved.unbindOutput(0));
  EXPECT_EQ(moved.cancel(), LT_ERR_STATE);
}

TEST(CppApi, PassesErrorsOn) {
  auto module = api::Module::openFile("/nonexistent/artifact.lt");
  EXPECT_FALSE(module);
  EXPECT_EQ(module.error().code(), LT_ERR_IO);
  EXPECT_NE(strlen(module.error().message()), 0u);
  EXPECT_EQ(api::Module::openMemory(nullptr, 0).error().code(), LT_ERR_FORMAT);

  std::vector<uint8_t> bytes = write(programOf({addFunction()}));
  module = api::Module::openMemory(bytes.data(), bytes.size());
  ASSERT_TRUE(module);
  EXPECT_EQ(api::Context::create(*module, 1).error().code(), LT_ERR_ARG);
  auto context = api::Context::create(*module);
  ASSERT_TRUE(context);
  int64_t wrong[] = {1, 2, 3};
  api::Error error = context->bindInput(0, api::tensor(wrong, 3, {1, 3}));
  EXPECT_EQ(error.code(), LT_ERR_ARG);
  EXPECT_STREQ(error.message(), "input 'a' has element type int64, expected float32");
  float data[3] = {};
  EXPECT_EQ(context->bindInput(2, api::tensor(data, 3, {1, 3})).code(), LT_ERR_ARG);
  EXPECT_EQ(context->bindInput(0, api::tensor(data, 3, {1, 1, 1, 1, 1, 1, 1, 1, 3})).code(),
            LT_ERR_ARG);
  EXPECT_EQ(context->run().code(), LT_ERR_STATE);
  EXPECT_EQ(context->output(0).error().code(), LT_ERR_STATE);
  EXPECT_EQ(api::Context().run().code(), LT_ERR_ARG);
}
