#include "test/runtime/Artifacts.h"
#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

using namespace longtail::test;

namespace {

struct Module {
  ~Module() { lt_module_release(handle); }
  lt_module *handle = nullptr;
};

void expectTyped(lt_rc rc, const lt_error &error) {
  ASSERT_LT(rc, 0);
  ASSERT_GE(rc, LT_ERR_KERNEL);
  ASSERT_EQ(error.code, rc);
  ASSERT_GE(error.where, 100u);
  ASSERT_GT(strlen(error.msg), 0u);
}

} // namespace

void longtail::test::exercise(const std::vector<uint8_t> &bytes) {
  lt_error error = newError();
  lt_source source = memorySource(bytes);
  Module module;
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.flags = LT_LOAD_VERIFY_WEIGHTS;
  if (lt_rc rc = lt_module_open(&source, &opts, &module.handle, &error))
    return expectTyped(rc, error);
  lt_info info = LT_INIT(lt_info);
  ASSERT_EQ(lt_module_info(module.handle, &info, &error), LT_OK);
  for (uint32_t f = 0; f < info.function_count; ++f) {
    lt_func_info function = LT_INIT(lt_func_info);
    ASSERT_EQ(lt_module_function_at(module.handle, f, &function, &error), LT_OK);
    std::vector<lt_tensor> inputs;
    std::vector<std::vector<double>> data;
    size_t length = strlen(function.name);
    for (uint32_t slot = 0; slot < function.input_count + function.output_count; ++slot) {
      lt_io_info io = LT_INIT(lt_io_info);
      ASSERT_EQ(lt_module_io(module.handle, f, slot, &io, &error), LT_OK);
      length += strlen(io.name);
      if (io.is_output)
        continue;
      lt_tensor tensor = LT_INIT(lt_tensor);
      tensor.dtype = io.dtype;
      tensor.rank = io.rank;
      for (uint32_t i = 0; i < io.rank; ++i)
        tensor.dims[i] = io.dims[i] == -1 ? std::min<int64_t>(io.max_dims[i], 4) : io.dims[i];
      data.push_back(std::vector<double>(1000));
      tensor.data = data.back().data();
      tensor.bytes = 8000;
      inputs.push_back(tensor);
    }
    EXPECT_LT(length, 1u << 20);
    if (lt_rc rc = lt_plan(module.handle, f, inputs.data(), function.input_count, nullptr, nullptr,
                           0, &error))
      expectTyped(rc, error);
    lt_context_opts contextOpts = LT_INIT(lt_context_opts);
    contextOpts.threads = 1;
    lt_context *context = nullptr;
    ASSERT_EQ(lt_context_create(module.handle, f, &contextOpts, &context, &error), LT_OK);
    for (uint32_t slot = 0; slot < function.input_count; ++slot)
      if (lt_rc rc = lt_bind(context, slot, &inputs[slot], &error))
        expectTyped(rc, error);
    lt_context_destroy(context);
  }
}
