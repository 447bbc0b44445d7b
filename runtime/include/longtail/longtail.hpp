// C++17 over the C API of runtime.h: owners and results. Header-only; works with -fno-exceptions
// and -fno-rtti. What the C API says about threads, ownership of tensors and units holds here too.
#pragma once
#include "longtail/runtime.h"
#include <cstring>
#include <fcntl.h>
#include <type_traits>
#include <unistd.h>
#include <utility>

namespace longtail::api {

// An lt_error that converts to true when there is one.
class Error {
public:
  Error() : raw(LT_INIT(lt_error)) {}
  explicit operator bool() const { return raw.code != LT_OK; }
  lt_rc code() const { return raw.code; }
  uint32_t where() const { return raw.where; }
  uint64_t detail() const { return raw.detail; }
  const char *message() const { return raw.msg; }
  // For calls into the C API. A code that comes without text is kept all the same.
  lt_error *out() { return &raw; }
  Error &set(lt_rc code) {
    raw.code = code;
    return *this;
  }

private:
  lt_error raw;
};

// A value or an error.
template <typename T> class Result {
public:
  Result(T value) : content(std::move(value)) {}
  Result(const Error &error) : failure(error) {}
  explicit operator bool() const { return !failure; }
  const Error &error() const { return failure; }
  // Only after a check for success.
  T &operator*() { return content; }
  T *operator->() { return &content; }

private:
  T content = {};
  Error failure;
};

// Element types by C++ type.
template <typename T> constexpr uint16_t dtypeOf() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<U, float>)
    return LT_DTYPE_F32;
  else if constexpr (std::is_same_v<U, double>)
    return LT_DTYPE_F64;
  else if constexpr (std::is_same_v<U, bool>)
    return LT_DTYPE_BOOL;
  else {
    static_assert(std::is_integral_v<U> && sizeof(U) <= 8, "no element type for this C++ type");
    constexpr bool isSigned = std::is_signed_v<U>;
    return sizeof(U) == 1   ? (isSigned ? LT_DTYPE_I8 : LT_DTYPE_U8)
           : sizeof(U) == 2 ? (isSigned ? LT_DTYPE_I16 : LT_DTYPE_U16)
           : sizeof(U) == 4 ? (isSigned ? LT_DTYPE_I32 : LT_DTYPE_U32)
                            : (isSigned ? LT_DTYPE_I64 : LT_DTYPE_U64);
  }
}

// Describes `count` elements at `data`, for Context::bind. Borrows the memory. More than
// LT_MAX_RANK dims give a tensor that bind refuses.
template <typename T> lt_tensor tensor(T *data, uint64_t count, const int64_t *dims, size_t rank) {
  lt_tensor result = LT_INIT(lt_tensor);
  result.dtype = dtypeOf<T>();
  result.rank = static_cast<uint16_t>(rank <= LT_MAX_RANK ? rank : 0xffff);
  result.data = const_cast<std::remove_cv_t<T> *>(data);
  result.bytes = count * sizeof(T);
  for (size_t i = 0; i < rank && i < LT_MAX_RANK; ++i)
    result.dims[i] = dims[i];
  return result;
}
template <typename T, size_t Rank>
lt_tensor tensor(T *data, uint64_t count, const int64_t (&dims)[Rank]) {
  return tensor(data, count, dims, Rank);
}

// Shares ownership of an opened artifact. Copies are cheap; any thread may use one.
class Module {
public:
  Module() = default; // empty
  Module(const Module &other) : handle(other.handle) { lt_module_retain(handle); }
  Module(Module &&other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
  Module &operator=(Module other) noexcept {
    std::swap(handle, other.handle);
    return *this;
  }
  ~Module() { lt_module_release(handle); }

  static Result<Module> open(const lt_source &source, const lt_load_opts *opts = nullptr) {
    Module module;
    Error error;
    if (lt_rc code = lt_module_open(&source, opts, &module.handle, error.out()))
      return error.set(code);
    return module;
  }
  // Borrows `data` for the module's life, see lt_module_open.
  static Result<Module> openMemory(const void *data, uint64_t bytes,
                                   const lt_load_opts *opts = nullptr) {
    lt_source source = LT_INIT(lt_source);
    source.fd = -1;
    source.data = data ? data : "";
    source.len = data ? bytes : 0;
    return open(source, opts);
  }
  static Result<Module> openFile(const char *path, const lt_load_opts *opts = nullptr) {
    lt_source source = LT_INIT(lt_source);
    source.fd = ::open(path, O_RDONLY | O_CLOEXEC);
    Result<Module> result = open(source, opts); // also says what is wrong with fd -1
    if (source.fd >= 0)
      ::close(source.fd);
    return result;
  }

  explicit operator bool() const { return handle != nullptr; }
  lt_module *get() const { return handle; }

  Result<lt_info> info() const {
    return query<lt_info>(
        [&](lt_info *out, lt_error *error) { return lt_module_info(handle, out, error); });
  }
  // Null: the first function.
  Result<lt_func_info> function(const char *name = nullptr) const {
    return query<lt_func_info>([&](lt_func_info *out, lt_error *error) {
      return lt_module_function(handle, name, out, error);
    });
  }
  Result<lt_io_info> io(uint32_t function, uint32_t slot) const {
    return query<lt_io_info>([&](lt_io_info *out, lt_error *error) {
      return lt_module_io(handle, function, slot, out, error);
    });
  }
  // The value of a key of the model's properties, or null.
  const char *metadata(const char *key) const {
    return lt_module_find(handle, LT_TABLE_METADATA, key);
  }

private:
  template <typename T, typename Call> static Result<T> query(Call call) {
    T out = LT_INIT(T);
    Error error;
    if (lt_rc code = call(&out, error.out()))
      return error.set(code);
    return out;
  }

  lt_module *handle = nullptr;
};

// Owns one stream of runs. Not to be used by two threads at once, except for cancel().
class Context {
public:
  Context() = default; // empty
  Context(Context &&other) noexcept
      : handle(std::exchange(other.handle, nullptr)), inputs(other.inputs) {}
  Context &operator=(Context &&other) noexcept {
    std::swap(handle, other.handle);
    std::swap(inputs, other.inputs);
    return *this;
  }
  ~Context() { lt_context_destroy(handle); }

  // `threads` counts the calling one; 0: as many as there are CPUs.
  static Result<Context> create(const Module &module, uint32_t function = 0, uint32_t threads = 0,
                                uint32_t flags = 0) {
    lt_context_opts opts = LT_INIT(lt_context_opts);
    opts.threads = threads;
    opts.flags = flags;
    lt_func_info info = LT_INIT(lt_func_info);
    Context context;
    Error error;
    lt_rc code = lt_module_function_at(module.get(), function, &info, error.out());
    if (!code)
      code = lt_context_create(module.get(), function, &opts, &context.handle, error.out());
    if (code)
      return error.set(code);
    context.inputs = info.input_count;
    return context;
  }

  explicit operator bool() const { return handle != nullptr; }
  lt_context *get() const { return handle; }

  Error bindInput(uint32_t index, const lt_tensor &tensor) {
    if (index >= inputs) // would be the slot of an output
      index = LT_NO_ID;
    return call([&](lt_error *error) { return lt_bind(handle, index, &tensor, error); });
  }
  Error bindOutput(uint32_t index, const lt_tensor &tensor) {
    return call([&](lt_error *error) { return lt_bind(handle, slot(index), &tensor, error); });
  }
  Error unbindOutput(uint32_t index) {
    return call([&](lt_error *error) { return lt_bind(handle, slot(index), nullptr, error); });
  }
  Error run() {
    return call([&](lt_error *error) { return lt_run(handle, error); });
  }
  // Valid until the next run or bind.
  Result<lt_tensor> output(uint32_t index) const {
    lt_tensor out = LT_INIT(lt_tensor);
    Error error;
    if (lt_rc code = lt_output(handle, slot(index), &out, error.out()))
      return error.set(code);
    return out;
  }
  lt_rc cancel() { return lt_cancel(handle); } // from any thread

private:
  template <typename Call> static Error call(Call function) {
    Error error;
    error.set(function(error.out()));
    return error;
  }
  uint32_t slot(uint32_t output) const {
    return output < LT_NO_ID - inputs ? inputs + output : LT_NO_ID;
  }

  lt_context *handle = nullptr;
  uint32_t inputs = 0; // of the function
};

} // namespace longtail::api
