#include "test/runtime/Artifacts.h"
#include "runtime/src/Crc32c.h"
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <unistd.h>

using namespace longtail;
using namespace longtail::container;
using namespace longtail::test;

lt_arch longtail::test::hostArchitecture() {
#if defined(__x86_64__)
  return LT_ARCH_X86_64;
#elif defined(__aarch64__)
  return LT_ARCH_AARCH64;
#else
  return LT_ARCH_RISCV64;
#endif
}

static std::vector<uint8_t> readFile(const char *path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

Variant longtail::test::hostVariant(const std::string &name) {
  static const char *const names[KernelCount] = {"add",  "fill",  "count", "compact", "fail",
                                                 "wait", "probe", "scale", "copy",    "meet"};
  Variant variant;
  variant.name = name;
  variant.arch = hostArchitecture();
  variant.codeImage = readFile(LONGTAIL_TEST_KERNELS);
  EXPECT_GE(variant.codeImage.size(), KernelCount * sizeof(uint32_t));
  for (uint32_t i = 0; i < KernelCount; ++i) {
    uint32_t entry;
    memcpy(&entry, variant.codeImage.data() + i * sizeof entry, sizeof entry);
    variant.kernels.push_back({names[i], entry});
  }
  return variant;
}

template <typename Item> static uint32_t add(std::vector<Item> &items, Item item) {
  items.push_back(std::move(item));
  return static_cast<uint32_t>(items.size() - 1);
}

uint32_t FunctionBuilder::expr(Expression code) { return add(function.expressions, code); }

uint32_t FunctionBuilder::scaled(uint32_t symbol, int64_t factor) {
  return expr({{LT_OP_SYM, symbol}, {LT_OP_CONST, factor}, {LT_OP_MUL}});
}

uint32_t FunctionBuilder::input(const std::string &name, uint32_t dtype,
                                std::vector<int64_t> dims) {
  Value value{name, dtype, {}, 0};
  for (int64_t dim : dims)
    value.dims.push_back({dim, kNone, dim == -1 ? "batch" : ""});
  return add(function.inputs, value);
}

uint32_t FunctionBuilder::output(const std::string &name, uint32_t dtype, std::vector<Dim> dims,
                                 uint32_t region) {
  return add(function.outputs, Value{name, dtype, dims, region});
}

uint32_t FunctionBuilder::inputDim(uint32_t input, uint32_t dim, int64_t min, int64_t max) {
  return add(function.symbols, Symbol{LT_SYMBOL_INPUT_DIM, 0, "dim", input, dim, min, max});
}

uint32_t FunctionBuilder::derived(const std::string &name, Expression code, uint32_t region) {
  return add(function.symbols,
             Symbol{LT_SYMBOL_DERIVED, region, name, expr(code), 0, INT64_MIN, INT64_MAX});
}

uint32_t FunctionBuilder::bound(const std::string &name, uint32_t buffer, uint32_t index,
                                uint32_t region, int64_t min, int64_t max) {
  return add(function.symbols, Symbol{LT_SYMBOL_BOUND, region, name, buffer, index, min, max});
}

uint32_t FunctionBuilder::check(Expression code, const std::string &message, uint32_t region) {
  return add(function.checks, Check{expr(code), message, region});
}

uint32_t FunctionBuilder::buffer(lt_buffer_kind kind, uint32_t index, uint32_t sizeExpr,
                                 uint32_t dtype, uint32_t region) {
  return add(function.buffers, Buffer{kind, index, sizeExpr, dtype, region});
}

uint32_t FunctionBuilder::temporary(uint32_t sizeExpr, uint32_t dtype, uint32_t region) {
  uint32_t slot = add(function.slots, Slot{region});
  return buffer(LT_BUFFER_ARENA, slot, sizeExpr, dtype, region);
}

uint32_t FunctionBuilder::dispatch(const std::string &name, uint32_t kernel, uint32_t tiles,
                                   std::vector<uint32_t> bindings, std::vector<uint32_t> params,
                                   bool parallel, uint32_t scratch) {
  Step step;
  step.name = name;
  step.kernel = kernel;
  step.tiles = tiles;
  step.bindings = bindings;
  step.params = params;
  step.parallel = parallel;
  step.scratch = scratch;
  return add(function.steps, step);
}

uint32_t FunctionBuilder::bind(const std::string &name, uint32_t buffer, uint32_t first,
                               uint32_t count) {
  Step step;
  step.kind = LT_STEP_BIND;
  step.name = name;
  step.buffer = buffer;
  step.firstSymbol = first;
  step.symbolCount = count;
  return add(function.steps, step);
}

uint32_t FunctionBuilder::measured(const std::string &name, uint32_t buffer, uint32_t dim,
                                   uint32_t region) {
  return add(function.symbols,
             Symbol{LT_SYMBOL_MEASURED, region, name, buffer, dim, 0, 0x7fffffff});
}

Step &FunctionBuilder::call(const std::string &name, lt_step_kind kind, uint32_t callee,
                            uint32_t condition, std::vector<uint32_t> arguments,
                            std::vector<uint32_t> results, std::vector<uint32_t> sizes) {
  Step step;
  step.kind = kind;
  step.name = name;
  step.function = callee;
  step.condition = condition;
  step.argumentCount = static_cast<uint32_t>(arguments.size());
  step.bindings = arguments;
  step.bindings.insert(step.bindings.end(), results.begin(), results.end());
  step.params = sizes;
  function.steps.push_back(step);
  return function.steps.back();
}

// y[N] = x + x, or x.
static Function unaryFunction(const std::string &name, bool isSum) {
  FunctionBuilder f(name);
  f.input("x", LT_DTYPE_F32, {-1});
  uint32_t n = f.inputDim(0, 0), bytes = f.scaled(n, 4), one = f.constant(1);
  f.output("y", LT_DTYPE_F32, {{-1, f.symbolExpr(n), ""}});
  uint32_t x = f.buffer(LT_BUFFER_INPUT, 0, bytes, LT_DTYPE_F32);
  uint32_t y = f.buffer(LT_BUFFER_OUTPUT, 0, bytes, LT_DTYPE_F32);
  if (isSum)
    f.dispatch("sum", Add, one, {x, x, y}, {f.symbolExpr(n), f.symbolExpr(n)});
  else
    f.dispatch("same", Copy, one, {x, y}, {bytes});
  return f.function;
}

// x[N], c[1] -> y[N] by one of two functions.
static Function branchFunction(const std::string &name, uint32_t then, uint32_t otherwise) {
  FunctionBuilder f(name);
  f.input("x", LT_DTYPE_F32, {-1});
  f.input("c", LT_DTYPE_I64, {1});
  uint32_t n = f.inputDim(0, 0), bytes = f.scaled(n, 4);
  f.output("y", LT_DTYPE_F32, {{-1, f.symbolExpr(n), ""}});
  uint32_t x = f.buffer(LT_BUFFER_INPUT, 0, bytes, LT_DTYPE_F32);
  uint32_t c = f.buffer(LT_BUFFER_INPUT, 1, f.constant(8), LT_DTYPE_I64);
  uint32_t y = f.buffer(LT_BUFFER_OUTPUT, 0, bytes, LT_DTYPE_F32);
  uint32_t s = f.bound("condition", c, 0, 1);
  f.bind("bind", c, s, 1);
  f.call("If_0", LT_STEP_BRANCH, then, f.symbolExpr(s), {x}, {y}, {f.symbolExpr(n)}).otherwise =
      otherwise;
  return f.function;
}

static Function bodyFunction() {
  FunctionBuilder f("trip");
  f.input("i", LT_DTYPE_I64, {});
  f.input("s", LT_DTYPE_F32, {-1});
  uint32_t n = f.inputDim(1, 0), bytes = f.scaled(n, 4), one = f.constant(1);
  for (const char *name : {"t", "all"})
    f.output(name, LT_DTYPE_F32, {{-1, f.symbolExpr(n), ""}});
  uint32_t s = f.buffer(LT_BUFFER_INPUT, 1, bytes, LT_DTYPE_F32);
  uint32_t t = f.buffer(LT_BUFFER_OUTPUT, 0, bytes, LT_DTYPE_F32);
  uint32_t all = f.buffer(LT_BUFFER_OUTPUT, 1, bytes, LT_DTYPE_F32);
  f.dispatch("sum", Add, one, {s, s, t}, {f.symbolExpr(n), f.symbolExpr(n)});
  f.dispatch("keep", Copy, one, {t, all}, {bytes});
  return f.function;
}

static Function loopFunction(uint32_t body) {
  FunctionBuilder f("loop");
  f.input("m", LT_DTYPE_I64, {1});
  f.input("x", LT_DTYPE_F32, {-1});
  uint32_t n = f.inputDim(1, 0), bytes = f.scaled(n, 4), one = f.constant(1);
  uint32_t m = f.buffer(LT_BUFFER_INPUT, 0, f.constant(8), LT_DTYPE_I64);
  uint32_t x = f.buffer(LT_BUFFER_INPUT, 1, bytes, LT_DTYPE_F32);
  uint32_t trips = f.bound("trips", m, 0, 1, INT64_MIN, INT64_MAX);
  // Buffers name the symbol of their own size, which is the next one.
  uint32_t count = trips + 1;
  uint32_t s = f.buffer(LT_BUFFER_RESULT, 0, bytes, LT_DTYPE_F32, 2);
  f.measured("count", s + 1, 0, 2);
  uint32_t allBytes =
      f.expr({{LT_OP_SYM, n}, {LT_OP_SYM, count}, {LT_OP_MUL}, {LT_OP_CONST, 4}, {LT_OP_MUL}});
  uint32_t all = f.buffer(LT_BUFFER_RESULT, 1, allBytes, LT_DTYPE_F32, 2);
  f.output("last", LT_DTYPE_F32, {{-1, f.symbolExpr(n), ""}});
  f.output("all", LT_DTYPE_F32, {{-1, f.symbolExpr(count), ""}, {-1, f.symbolExpr(n), ""}}, 2);
  uint32_t last = f.buffer(LT_BUFFER_OUTPUT, 0, bytes, LT_DTYPE_F32);
  uint32_t kept = f.buffer(LT_BUFFER_OUTPUT, 1, allBytes, LT_DTYPE_F32, 2);
  f.bind("bind", m, trips, 1);
  Step &step =
      f.call("Loop_0", LT_STEP_LOOP, body, f.symbolExpr(trips), {x}, {s, all}, {f.symbolExpr(n)});
  step.carriedCount = 1;
  step.endsRegion = true;
  step.firstSymbol = count;
  step.symbolCount = 1;
  f.dispatch("last", Copy, one, {s, last}, {bytes});
  f.dispatch("all", Copy, one, {all, kept}, {allBytes});
  return f.function;
}

std::vector<Function> longtail::test::callFunctions(uint32_t first) {
  return {branchFunction("branch", first + 2, first + 3), loopFunction(first + 4),
          unaryFunction("sum", true), unaryFunction("same", false), bodyFunction()};
}

Function longtail::test::addFunction() {
  FunctionBuilder f("add");
  f.input("a", LT_DTYPE_F32, {-1, 3});
  f.input("b", LT_DTYPE_F32, {-1, 3});
  uint32_t n = f.inputDim(0, 0, 0, 1000), m = f.inputDim(1, 0);
  uint32_t elements = f.derived("elements", {{LT_OP_SYM, n}, {LT_OP_CONST, 3}, {LT_OP_MUL}});
  f.check({{LT_OP_SYM, n}, {LT_OP_SYM, m}, {LT_OP_EQ}},
          "input 'a' dimension 0 must equal input 'b' dimension 0");
  f.output("c", LT_DTYPE_F32, {{-1, f.symbolExpr(n), "batch"}, {3}});
  uint32_t bytes = f.scaled(elements, 4);
  uint32_t a = f.buffer(LT_BUFFER_INPUT, 0, bytes, LT_DTYPE_F32);
  uint32_t b = f.buffer(LT_BUFFER_INPUT, 1, bytes, LT_DTYPE_F32);
  uint32_t c = f.buffer(LT_BUFFER_OUTPUT, 0, bytes, LT_DTYPE_F32);
  uint32_t tiles = f.expr({{LT_OP_SYM, elements}, {LT_OP_CONST, 4}, {LT_OP_CEILDIV}});
  f.dispatch("Add_0", Add, tiles, {a, b, c}, {f.symbolExpr(elements), f.constant(4)}, true);
  return f.function;
}

Function longtail::test::nonZeroFunction() {
  FunctionBuilder f("nonzero");
  f.input("x", LT_DTYPE_F32, {-1});
  uint32_t n = f.inputDim(0, 0);
  uint32_t x = f.buffer(LT_BUFFER_INPUT, 0, f.scaled(n, 4), LT_DTYPE_F32);
  uint32_t count = f.temporary(f.constant(8), LT_DTYPE_I64);
  uint32_t k = f.bound("number of non-zeros", count, 0, 1, 0, 100);
  uint32_t twice = f.derived("twice", {{LT_OP_SYM, k}, {LT_OP_CONST, 2}, {LT_OP_MUL}}, 1);
  f.output("indices", LT_DTYPE_I64, {{-1, f.symbolExpr(k), "found"}}, 1);
  f.output("ramp", LT_DTYPE_I64, {{-1, f.symbolExpr(twice), ""}}, 1);
  uint32_t bytes = f.scaled(k, 8);
  uint32_t spare = f.temporary(bytes, LT_DTYPE_I64, 1);
  uint32_t indices = f.buffer(LT_BUFFER_OUTPUT, 0, bytes, LT_DTYPE_I64, 1);
  uint32_t ramp = f.buffer(LT_BUFFER_OUTPUT, 1, f.scaled(twice, 8), LT_DTYPE_I64, 1);
  uint32_t one = f.constant(1), size = f.symbolExpr(n), found = f.symbolExpr(k);
  f.dispatch("count", Count, one, {x, count}, {size});
  f.bind("bind", count, k, 1);
  f.dispatch("compact", Compact, one, {x, spare}, {size, found});
  f.dispatch("copy", Copy, one, {spare, indices}, {bytes});
  f.dispatch("ramp", Fill, f.symbolExpr(twice), {ramp}, {f.constant(100)}, true);
  return f.function;
}

Function longtail::test::scaleFunction(uint32_t weight) {
  FunctionBuilder f("scale");
  f.input("x", LT_DTYPE_F32, {8});
  f.output("y", LT_DTYPE_F32, {{8}});
  uint32_t bytes = f.constant(32);
  uint32_t x = f.buffer(LT_BUFFER_INPUT, 0, bytes, LT_DTYPE_F32);
  uint32_t w = f.buffer(LT_BUFFER_WEIGHT, weight, bytes, LT_DTYPE_F32);
  uint32_t y = f.buffer(LT_BUFFER_OUTPUT, 0, bytes, LT_DTYPE_F32);
  f.dispatch("Mul_0", Scale, f.constant(1), {x, w, y}, {f.constant(8)});
  return f.function;
}

Program longtail::test::programOf(std::vector<Function> functions) {
  Program program;
  program.variants.push_back(hostVariant());
  program.variants[0].functions = std::move(functions);
  program.metadata = {{"character", "abc\nd"}, {"task", "test"}};
  program.provenance = {{"compiler", "none"}};
  return program;
}

std::vector<uint8_t> longtail::test::write(const Program &program) {
  std::vector<uint8_t> bytes;
  std::string message;
  EXPECT_TRUE(writeContainer(program, message, bytes)) << message;
  return bytes;
}

void longtail::test::repairCrc(std::vector<uint8_t> &bytes) {
  lt_header header;
  if (bytes.size() < sizeof header)
    return;
  memcpy(&header, bytes.data(), sizeof header);
  if (header.metadata_size < sizeof header || header.metadata_size > bytes.size())
    return;
  header.crc32c = 0;
  memcpy(bytes.data(), &header, sizeof header);
  header.crc32c = crc32c(0, bytes.data(), header.metadata_size);
  memcpy(bytes.data(), &header, sizeof header);
}

lt_source longtail::test::memorySource(const std::vector<uint8_t> &bytes) {
  static const uint8_t nothing = 0;
  lt_source source = LT_INIT(lt_source);
  source.fd = -1;
  source.data = bytes.empty() ? &nothing : bytes.data();
  source.len = bytes.size();
  return source;
}

TemporaryFile::TemporaryFile(const std::vector<uint8_t> &bytes) {
  std::string name = ::testing::TempDir() + "longtail-test-XXXXXX";
  fd = mkstemp(name.data());
  EXPECT_GE(fd, 0);
  unlink(name.c_str());
  EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

TemporaryFile::~TemporaryFile() { close(fd); }

lt_source TemporaryFile::source() const {
  lt_source source = LT_INIT(lt_source);
  source.fd = fd;
  return source;
}

OpenModule::OpenModule(const std::vector<uint8_t> &bytes, const lt_load_opts *opts) {
  lt_source source = memorySource(bytes);
  lt_error error = newError();
  EXPECT_EQ(lt_module_open(&source, opts, &module, &error), LT_OK) << error.msg;
}

OpenContext::OpenContext(lt_module *module, uint32_t threads, uint32_t function, uint32_t flags) {
  lt_context_opts opts = LT_INIT(lt_context_opts);
  opts.threads = threads;
  opts.flags = flags;
  lt_error error = newError();
  EXPECT_EQ(lt_context_create(module, function, &opts, &context, &error), LT_OK) << error.msg;
}
