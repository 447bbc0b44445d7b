// Fuzz target: sequences of calls of the C API. Two bytes are one call; memory may fail to be had.
// Every answer must be typed, and what is released must leave nothing behind.
#include "test/fuzz/StubArtifacts.h"
#include <cstdlib>
#include <cstring>
#include <deque>

using namespace longtail;
using namespace longtail::test;

namespace {

void require(bool condition) {
  if (!condition)
    abort();
}

class Session {
public:
  ~Session() {
    for (lt_context *&context : contexts)
      require(lt_context_destroy(context) == LT_OK);
    for (lt_module *&module : modules)
      lt_module_release(module);
    require(quota.used() == 0);
  }

  void call(uint8_t what, uint8_t how) {
    error = newError();
    lt_module *&module = modules[how % 2];
    lt_context *&context = contexts[how / 2 % 3];
    switch (what % 16) {
    case 0:
    case 1:
      return open(module, how);
    case 2:
      lt_module_retain(module);
      lt_module_release(module);
      return;
    case 3:
      lt_module_release(module);
      module = nullptr;
      return;
    case 4:
    case 5:
      return create(module, context, how);
    case 6:
      require(lt_context_destroy(context) == LT_OK);
      context = nullptr;
      return;
    case 7:
    case 8:
    case 9:
      return bind(context, what, how);
    case 10:
    case 11:
      return check(lt_run(context, &error));
    case 12: {
      lt_tensor out = LT_INIT(lt_tensor);
      out.size = how & 64 ? how : out.size;
      return check(lt_output(context, how % 8, &out, how & 128 ? nullptr : &error), how & 128);
    }
    case 13: {
      lt_trace_record records[4];
      for (lt_trace_record &record : records)
        record = LT_INIT(lt_trace_record);
      uint32_t count = 0;
      return check(lt_trace(context, records, how % 5, &count, &error));
    }
    case 14:
      require(lt_cancel(context) < 0); // No run is in flight.
      return;
    default:
      return ask(module, how);
    }
  }

  void failAllocation(int64_t count) { quota.failAfter(count); }

private:
  void check(lt_rc rc, bool silent = false) {
    require(rc == LT_OK ||
            (rc < 0 && rc >= LT_ERR_KERNEL && (silent || (error.code == rc && error.msg[0]))));
  }

  void open(lt_module *&module, uint8_t how) {
    if (module)
      return;
    const std::vector<uint8_t> &bytes = fuzz::bases()[how / 2 % 3].bytes;
    lt_source source = memorySource(bytes);
    lt_load_opts opts = LT_INIT(lt_load_opts);
    opts.memory = quota.allocator();
    opts.flags = how >> 4;
    opts.variant = how == 255 ? "none such" : nullptr;
    check(lt_module_open(&source, &opts, &module, &error));
  }

  void create(lt_module *module, lt_context *&context, uint8_t how) {
    if (context)
      return;
    lt_context_opts opts = LT_INIT(lt_context_opts);
    opts.threads = how % 16 == 15 ? 2 : how % 16 == 14 ? 1000 : 1;
    opts.flags = how >> 5;
    check(lt_context_create(module, how / 8 % 4, how == 0 ? nullptr : &opts, &context, &error));
  }

  void bind(lt_context *context, uint8_t what, uint8_t how) {
    static constexpr int64_t sizes[] = {0, 1, 3, 8, 100, 1000, -1, INT64_MAX};
    lt_tensor tensor = LT_INIT(lt_tensor);
    tensor.dtype = what & 64 ? how % 32 : how & 128 ? LT_DTYPE_I64 : LT_DTYPE_F32;
    tensor.rank = what & 128 ? what % 10 : how & 128 ? 1 : 1 + (how >> 6 & 1);
    for (unsigned i = 0; i < LT_MAX_RANK; ++i)
      tensor.dims[i] = i == 1 ? 3 : sizes[(how >> 3) % 8];
    memory.emplace_back(1000, 2.5); // Borrowed until the context ends.
    tensor.data =
        what & 32 ? nullptr : reinterpret_cast<char *>(memory.back().data()) + (what >> 4) % 2;
    tensor.bytes = 7990;
    check(lt_bind(context, how % 6, how == 77 ? nullptr : &tensor, &error));
  }

  void ask(lt_module *module, uint8_t how) {
    lt_info info = LT_INIT(lt_info);
    info.size = how & 128 ? how : info.size;
    check(lt_module_info(module, &info, &error));
    lt_func_info function = LT_INIT(lt_func_info);
    check(lt_module_function(module, how % 3 ? nullptr : "scale", &function, &error));
    lt_io_info io = LT_INIT(lt_io_info);
    check(lt_module_io(module, how % 4, how % 5, &io, &error));
    const char *key = nullptr, *value = nullptr;
    check(lt_module_metadata(module, how % 3, how % 4, &key, &value, &error));
    lt_tensor inputs[3] = {LT_INIT(lt_tensor), LT_INIT(lt_tensor), LT_INIT(lt_tensor)};
    for (lt_tensor &input : inputs) {
      input.dtype = LT_DTYPE_F32;
      input.rank = how % 3;
      input.dims[0] = input.dims[1] = 3;
    }
    lt_plan_info plan = LT_INIT(lt_plan_info);
    check(lt_plan(module, how % 4, inputs, how / 4 % 4, &plan, nullptr, 0, &error));
  }

  fuzz::Quota quota;
  lt_error error;
  lt_module *modules[2] = {};
  lt_context *contexts[3] = {};
  std::deque<std::vector<double>> memory;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1 || size > 400)
    return 0;
  Session session;
  session.failAllocation(data[0] < 200 ? -1 : data[0] - 200);
  for (size_t at = 1; at + 2 <= size; at += 2)
    session.call(data[at], data[at + 1]);
  return 0;
}
