// Wrong use of the C API: a typed error with a text, never a crash.
#include "test/runtime/Artifacts.h"
#include <cstring>
#include <gtest/gtest.h>

using namespace longtail;
using namespace longtail::test;

namespace {

class Api : public ::testing::Test {
protected:
  lt_rc bind(lt_tensor tensor, uint32_t slot = 0) {
    error = newError();
    return lt_bind(context, slot, &tensor, &error);
  }

  std::vector<float> data = std::vector<float>(12, 1);
  lt_tensor good = tensorOf(LT_DTYPE_F32, data, {4, 3});
  lt_error error = newError();
  OpenModule module{write(programOf({addFunction()}))};
  OpenContext context{module};
};

} // namespace

TEST_F(Api, Versions) {
  EXPECT_EQ(lt_abi_version(), LT_ABI_VERSION);
  for (lt_rc code = 0; code >= LT_ERR_KERNEL; --code) {
    EXPECT_GT(strlen(lt_strerror(code)), 0u);
    EXPECT_STRNE(lt_strerror(code), lt_strerror(1));
  }
}

TEST_F(Api, NullArguments) {
  lt_source source = LT_INIT(lt_source);
  lt_info info = LT_INIT(lt_info);
  lt_variant_info variant = LT_INIT(lt_variant_info);
  lt_func_info function = LT_INIT(lt_func_info);
  lt_io_info io = LT_INIT(lt_io_info);
  lt_module *opened = nullptr;
  lt_context *created = nullptr;
  const char *text = nullptr;
  uint32_t count = 0;
  EXPECT_EQ(lt_inspect(nullptr, &info, &error), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "argument 'source' is null");
  EXPECT_EQ(lt_module_open(nullptr, nullptr, &opened, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_open(&source, nullptr, nullptr, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_info(nullptr, &info, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_info(module, nullptr, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_variant(nullptr, 0, &variant, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_variant(module, 0, nullptr, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_function(nullptr, nullptr, &function, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_function(module, nullptr, nullptr, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_function_at(nullptr, 0, &function, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_function_at(module, 1, &function, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_io(nullptr, 0, 0, &io, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_io(module, 0, 0, nullptr, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_metadata(nullptr, 0, 0, &text, &text, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_metadata(module, 0, 0, nullptr, &text, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_metadata(module, 0, 0, &text, nullptr, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_find(nullptr, 0, "key"), nullptr);
  EXPECT_EQ(lt_module_find(module, 0, nullptr), nullptr);
  EXPECT_EQ(lt_plan(nullptr, 0, &good, 1, nullptr, nullptr, 0, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_plan(module, 0, nullptr, 2, nullptr, nullptr, 0, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_context_create(nullptr, 0, nullptr, &created, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_context_create(module, 0, nullptr, nullptr, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_context_create(module, 5, nullptr, &created, &error), LT_ERR_ARG);
  EXPECT_EQ(created, nullptr);
  EXPECT_EQ(lt_bind(nullptr, 0, &good, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_bind(context, 0, nullptr, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_run(nullptr, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_output(nullptr, 2, &good, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_output(context, 2, nullptr, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_cancel(nullptr), LT_ERR_ARG);
  EXPECT_EQ(lt_trace(nullptr, nullptr, 0, &count, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_trace(context, nullptr, 0, nullptr, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_trace(context, nullptr, 3, &count, &error), LT_ERR_ARG);
  // Errors are optional.
  EXPECT_EQ(lt_run(nullptr, nullptr), LT_ERR_ARG);
  lt_module_retain(nullptr);
  lt_module_release(nullptr);
  EXPECT_EQ(lt_context_destroy(nullptr), LT_OK);
}

TEST_F(Api, StructSizes) {
  for (uint32_t size : {0u, 8u, static_cast<uint32_t>(sizeof(lt_tensor)) - 1, 4097u, ~0u}) {
    lt_tensor tensor = good;
    tensor.size = size;
    EXPECT_EQ(bind(tensor), LT_ERR_ARG) << size;
    EXPECT_EQ(error.where, 101u);
    EXPECT_EQ(lt_output(context, 2, &tensor, &error), LT_ERR_ARG);
  }
  // A longer struct of a newer caller.
  struct {
    lt_tensor known;
    uint64_t added;
  } longer = {good, 0};
  longer.known.size = sizeof longer;
  EXPECT_EQ(lt_bind(context, 0, &longer.known, &error), LT_OK) << error.msg;
  longer.added = 1;
  EXPECT_EQ(lt_bind(context, 0, &longer.known, &error), LT_ERR_ARG);
  EXPECT_EQ(error.where, 102u);
  // A shorter lt_error is left alone.
  lt_error tiny = newError();
  tiny.size = sizeof tiny - 1;
  tiny.code = 42;
  EXPECT_EQ(lt_run(nullptr, &tiny), LT_ERR_ARG);
  EXPECT_EQ(tiny.code, 42);
}

TEST_F(Api, Options) {
  lt_context_opts opts = LT_INIT(lt_context_opts);
  lt_context *created = nullptr;
  opts.threads = 65;
  EXPECT_EQ(lt_context_create(module, 0, &opts, &created, &error), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "65 threads, expected 1 to 64, or 0 for all CPUs");
  opts.threads = 64;
  opts.flags = 2;
  EXPECT_EQ(lt_context_create(module, 0, &opts, &created, &error), LT_ERR_ARG);
  opts.flags = 0;
  EXPECT_EQ(lt_context_create(module, 0, &opts, &created, &error), LT_OK);
  EXPECT_EQ(lt_context_destroy(created), LT_OK);
  lt_load_opts load = LT_INIT(lt_load_opts);
  load.flags = 8;
  lt_source source = LT_INIT(lt_source);
  lt_module *opened = nullptr;
  EXPECT_EQ(lt_module_open(&source, &load, &opened, &error), LT_ERR_ARG);
  EXPECT_EQ(error.where, 103u);
  load.flags = 0;
  lt_allocator allocator = LT_INIT(lt_allocator);
  load.memory = &allocator;
  EXPECT_EQ(lt_module_open(&source, &load, &opened, &error), LT_ERR_ARG);
}

TEST_F(Api, Tensors) {
  EXPECT_EQ(bind(good), LT_OK) << error.msg;
  lt_tensor bad = good;
  bad.dtype = LT_DTYPE_F64;
  EXPECT_EQ(bind(bad), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "input 'a' has element type float64, expected float32");
  bad.dtype = 999;
  EXPECT_EQ(bind(bad), LT_ERR_ARG);
  bad = good;
  bad.rank = 3;
  EXPECT_EQ(bind(bad), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "input 'a' has rank 3, expected 2");
  bad.rank = 0xffff;
  EXPECT_EQ(bind(bad), LT_ERR_ARG);
  bad = good;
  bad.dims[1] = 4;
  EXPECT_EQ(bind(bad), LT_ERR_SHAPE);
  EXPECT_STREQ(error.msg, "input 'a' dimension 1 is 4, expected 3");
  for (int64_t dim : {INT64_C(-1), INT64_MIN, INT64_MAX, INT64_C(1) << 31}) {
    bad = good;
    bad.dims[0] = dim;
    EXPECT_EQ(bind(bad), LT_ERR_SHAPE) << dim;
  }
  bad = good;
  bad.bytes = 47;
  EXPECT_EQ(bind(bad), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "input 'a' has 47 bytes, its dims need 48");
  bad.bytes = UINT64_MAX;
  EXPECT_EQ(bind(bad), LT_ERR_ARG);
  bad = good;
  bad.data = reinterpret_cast<char *>(data.data()) + 2;
  EXPECT_EQ(bind(bad), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "input 'a' is not aligned to 4 bytes");
  bad.data = nullptr;
  EXPECT_EQ(bind(bad), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "the data of input 'a' is null");
  bad.dims[0] = 0;
  bad.bytes = 0;
  EXPECT_EQ(bind(bad), LT_OK) << "no elements, no data: " << error.msg;
  EXPECT_EQ(bind(good, 3), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "slot 3 is no slot: function 'add' has 2 inputs, then 1 outputs");
  // A refused tensor leaves what was bound before.
  EXPECT_EQ(bind(good, 0), LT_OK);
  EXPECT_EQ(bind(good, 1), LT_OK);
  EXPECT_EQ(bind(bad = good, 1), LT_OK);
  bad.rank = 1;
  EXPECT_EQ(bind(bad, 1), LT_ERR_ARG);
  EXPECT_EQ(lt_run(context, &error), LT_OK) << error.msg;
}

TEST_F(Api, OverlappingOutputs) {
  std::vector<float> memory(30, 1);
  auto at = [&](size_t offset) {
    lt_tensor tensor = good;
    tensor.data = memory.data() + offset;
    return tensor;
  };
  ASSERT_EQ(bind(at(0), 0), LT_OK);
  ASSERT_EQ(bind(at(0), 1), LT_OK) << "inputs may share memory";
  ASSERT_EQ(bind(at(11), 2), LT_OK);
  EXPECT_EQ(lt_run(context, &error), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "the memory of output 'c' overlaps input 'a'");
  ASSERT_EQ(bind(at(12), 2), LT_OK);
  EXPECT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  EXPECT_EQ(memory[12], 2);
}

TEST_F(Api, OutputsNeedARun) {
  lt_tensor out = LT_INIT(lt_tensor);
  EXPECT_EQ(lt_output(context, 2, &out, &error), LT_ERR_STATE);
  EXPECT_EQ(lt_output(context, 1, &out, &error), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "slot 1 is no output: function 'add' has 2 inputs, then 1 outputs");
  ASSERT_EQ(bind(good, 0), LT_OK);
  ASSERT_EQ(bind(good, 1), LT_OK);
  ASSERT_EQ(lt_run(context, &error), LT_OK);
  EXPECT_EQ(lt_output(context, 2, &out, &error), LT_OK);
  ASSERT_EQ(bind(good, 1), LT_OK);
  EXPECT_EQ(lt_output(context, 2, &out, &error), LT_ERR_STATE);
}

TEST_F(Api, MessagesAreOnePrintableLine) {
  container::Program program = programOf({addFunction()});
  program.variants[0].functions[0].inputs[0].name = "a\n\x1b[2J" + std::string(500, 'x');
  OpenModule named(write(program));
  OpenContext other(named);
  EXPECT_EQ(lt_run(other, &error), LT_ERR_STATE);
  EXPECT_EQ(strncmp(error.msg, "input 'a??[2Jxxx", 16), 0) << error.msg;
  EXPECT_LT(strlen(error.msg), sizeof error.msg);
}
