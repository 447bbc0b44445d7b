// Small artifacts for the runtime's tests, made with the container writer.
#pragma once
#include "codegen/Container/ContainerWriter.h"
#include "longtail/runtime.h"
#include <string>
#include <vector>

namespace longtail::test {

enum TestKernel : uint32_t {
  Add,
  Fill,
  Count,
  Compact,
  Fail,
  Wait,
  Probe,
  Scale,
  Copy,
  Meet,
  KernelCount
};

lt_arch hostArchitecture();

// A variant for this host, with all test kernels and no functions.
container::Variant hostVariant(const std::string &name = "baseline");

// A function under construction. All methods return the new id.
struct FunctionBuilder {
  container::Function function;

  explicit FunctionBuilder(const std::string &name = "main") { function.name = name; }

  uint32_t expr(container::Expression code);
  uint32_t constant(int64_t value) { return expr({{LT_OP_CONST, value}}); }
  uint32_t symbolExpr(uint32_t symbol) { return expr({{LT_OP_SYM, symbol}}); }
  // symbol * factor
  uint32_t scaled(uint32_t symbol, int64_t factor);

  uint32_t input(const std::string &name, uint32_t dtype, std::vector<int64_t> dims);
  uint32_t output(const std::string &name, uint32_t dtype, std::vector<container::Dim> dims,
                  uint32_t region = 0);
  uint32_t inputDim(uint32_t input, uint32_t dim, int64_t min = 0, int64_t max = 0x7fffffff);
  uint32_t derived(const std::string &name, container::Expression code, uint32_t region = 0);
  uint32_t bound(const std::string &name, uint32_t buffer, uint32_t index, uint32_t region,
                 int64_t min = 0, int64_t max = 0x7fffffff);
  uint32_t check(container::Expression code, const std::string &message, uint32_t region = 0);
  uint32_t buffer(lt_buffer_kind kind, uint32_t index, uint32_t sizeExpr, uint32_t dtype,
                  uint32_t region = 0);
  // An arena buffer in a slot of its own.
  uint32_t temporary(uint32_t sizeExpr, uint32_t dtype, uint32_t region = 0);
  uint32_t dispatch(const std::string &name, uint32_t kernel, uint32_t tiles,
                    std::vector<uint32_t> bindings, std::vector<uint32_t> params,
                    bool parallel = false, uint32_t scratch = container::kNone);
  uint32_t bind(const std::string &name, uint32_t buffer, uint32_t first, uint32_t count);
  uint32_t measured(const std::string &name, uint32_t buffer, uint32_t dim, uint32_t region);
  container::Step &call(const std::string &name, lt_step_kind kind, uint32_t callee,
                        uint32_t condition, std::vector<uint32_t> arguments,
                        std::vector<uint32_t> results, std::vector<uint32_t> sizes);
};

// c[N, 3] = a[N, 3] + b[M, 3]; N in 0..1000, checked to equal M; tiles of 4 elements, parallel.
container::Function addFunction();

// indices[K] = where x[N] is not zero, through a temporary whose size depends on the data, and
// ramp[2 * K] = 100, 101, ... with K known after the first step.
container::Function nonZeroFunction();

// y[8] = x[8] * weight.
container::Function scaleFunction(uint32_t weight);

// Functions that run others, in front of those that they run:
// "branch": y[N] = c[0] ? x + x : x; "loop": m[0] trips of s[N] = s + s, then all that s was, [M,
// N].
// The first will have number `first` in its variant.
std::vector<container::Function> callFunctions(uint32_t first = 0);

container::Program programOf(std::vector<container::Function> functions);

// Fails the test and returns nothing if the program is refused.
std::vector<uint8_t> write(const container::Program &program);

// Opens an artifact and, if that works, asks and plans everything without running code. Errors must
// be typed and have a text.
void exercise(const std::vector<uint8_t> &bytes);

// Recomputes the checksum of an artifact whose metadata was changed, if its header allows.
void repairCrc(std::vector<uint8_t> &bytes);

lt_source memorySource(const std::vector<uint8_t> &bytes);

// A file with these bytes, deleted at once: only the descriptor keeps it.
class TemporaryFile {
public:
  explicit TemporaryFile(const std::vector<uint8_t> &bytes);
  ~TemporaryFile();
  lt_source source() const;
  int fd = -1;
};

// Owners that fail the test when opening fails.
struct OpenModule {
  explicit OpenModule(const std::vector<uint8_t> &bytes, const lt_load_opts *opts = nullptr);
  OpenModule(const OpenModule &) = delete;
  ~OpenModule() { lt_module_release(module); }
  operator lt_module *() const { return module; }
  lt_module *module = nullptr;
};

struct OpenContext {
  explicit OpenContext(lt_module *module, uint32_t threads = 1, uint32_t function = 0,
                       uint32_t flags = 0);
  OpenContext(const OpenContext &) = delete;
  ~OpenContext() { lt_context_destroy(context); }
  operator lt_context *() const { return context; }
  lt_context *context = nullptr;
};

template <typename T>
lt_tensor tensorOf(uint16_t dtype, std::vector<T> &data, std::vector<int64_t> dims) {
  lt_tensor tensor = LT_INIT(lt_tensor);
  tensor.dtype = dtype;
  tensor.rank = static_cast<uint16_t>(dims.size());
  tensor.data = data.data();
  tensor.bytes = data.size() * sizeof(T);
  for (size_t i = 0; i < dims.size(); ++i)
    tensor.dims[i] = dims[i];
  return tensor;
}

inline lt_error newError() { return LT_INIT(lt_error); }

} // namespace longtail::test
