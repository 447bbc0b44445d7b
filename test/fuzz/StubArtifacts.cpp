#include "test/fuzz/StubArtifacts.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>

using namespace longtail;
using namespace longtail::test;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maximum);

// xor eax, eax; clc; ret. From its second byte it is `sar al, 195` and then the next one.
static std::vector<uint8_t> stubCode() {
  static constexpr uint8_t pattern[] = {0x31, 0xc0, 0xf8, 0xc3};
  std::vector<uint8_t> code;
  for (int i = 0; i < 256; ++i)
    code.insert(code.end(), pattern, pattern + sizeof pattern);
  code.push_back(0xc3);
  return code;
}

static std::vector<uint8_t> makeBase(std::vector<container::Function> functions, bool hasWeight) {
  static const std::vector<float> weight(8, 1);
  container::Program program = programOf(std::move(functions));
  program.variants[0].codeImage = stubCode();
  for (size_t i = 0; i < program.variants[0].kernels.size(); ++i)
    program.variants[0].kernels[i].entry = static_cast<uint32_t>(i * 4);
  if (hasWeight)
    program.weights = {{weight.data(), 32, "weight"}};
  return write(program);
}

// Two regions, scratch memory, parallel steps, and slots that several buffers share.
static container::Function sharingFunction() {
  FunctionBuilder f("sharing");
  f.function = nonZeroFunction();
  f.function.name = "sharing";
  uint32_t out = f.buffer(LT_BUFFER_OUTPUT, 1, f.constant(0), LT_DTYPE_I64, 1);
  f.dispatch("probe", Probe, f.constant(3), {out}, {f.constant(64)}, true, f.constant(64));
  return f.function;
}

const std::vector<fuzz::Base> &longtail::fuzz::bases() {
  static const std::vector<Base> all = [] {
    std::vector<Base> made;
    for (std::vector<uint8_t> bytes :
         {makeBase({addFunction(), nonZeroFunction(), scaleFunction(0)}, true),
          makeBase({sharingFunction()}, false), makeBase({scaleFunction(0)}, true)}) {
      lt_header header;
      memcpy(&header, bytes.data(), sizeof header);
      made.push_back({std::move(bytes), header.metadata_size});
    }
    return made;
  }();
  return all;
}

const std::vector<uint8_t> &longtail::fuzz::assemble(const uint8_t *metadata, size_t size) {
  // Copying whole artifacts would take longer than reading them.
  static std::vector<Base> copies = bases();
  static std::vector<size_t> dirty(copies.size());
  size_t nearest = 0;
  auto distance = [&](size_t index) {
    size_t own = copies[index].metadata;
    return own > size ? own - size : size - own;
  };
  for (size_t i = 1; i < copies.size(); ++i)
    if (distance(i) < distance(nearest))
      nearest = i;
  const std::vector<uint8_t> &intact = bases()[nearest].bytes;
  std::vector<uint8_t> &bytes = copies[nearest].bytes;
  size = std::min(size, bytes.size());
  std::copy_n(intact.begin(), dirty[nearest], bytes.begin());
  std::copy_n(metadata, size, bytes.begin());
  std::copy_n(intact.begin(), 16, bytes.begin()); // magic, version, count of sections
  repairCrc(bytes);
  dirty[nearest] = std::max(size, sizeof(lt_header));
  return bytes;
}

fuzz::Quota::Quota() : hook(LT_INIT(lt_allocator)) {
  hook.alloc = allocate;
  hook.free = release;
  hook.user = this;
}

void *fuzz::Quota::allocate(void *user, size_t bytes, size_t align) {
  auto *self = static_cast<Quota *>(user);
  constexpr size_t limit = size_t{16} << 20;
  if (bytes > limit - self->live || self->untilFailure == 0)
    return nullptr;
  if (self->untilFailure > 0)
    --self->untilFailure;
  void *block = nullptr;
  if (posix_memalign(&block, std::max(align, sizeof(void *)), bytes) != 0)
    return nullptr;
  memset(block, 1, std::min<size_t>(bytes, 4096));
  self->live += bytes;
  return block;
}

void fuzz::Quota::release(void *user, void *pointer, size_t bytes) {
  static_cast<Quota *>(user)->live -= bytes;
  free(pointer);
}

static void require(bool condition) {
  if (!condition)
    abort();
}

static bool isTyped(lt_rc rc, const lt_error &error) {
  return rc == LT_OK || (rc < 0 && rc >= LT_ERR_KERNEL && error.code == rc && error.msg[0]);
}

static void runFunction(lt_module *module, uint32_t function) {
  lt_error error = newError();
  lt_func_info about = LT_INIT(lt_func_info);
  require(lt_module_function_at(module, function, &about, &error) == LT_OK);
  lt_context_opts opts = LT_INIT(lt_context_opts);
  opts.threads = 1;
  lt_context *context = nullptr;
  lt_rc rc = lt_context_create(module, function, &opts, &context, &error);
  require(isTyped(rc, error));
  if (rc)
    return;
  std::vector<std::vector<double>> data;
  std::vector<bool> bound(about.input_count); // by whichever call: one that fails changes nothing
  for (int64_t dynamic : {3, 0, 5}) {
    for (uint32_t slot = 0; slot < about.input_count; ++slot) {
      lt_io_info io = LT_INIT(lt_io_info);
      require(lt_module_io(module, function, slot, &io, &error) == LT_OK);
      lt_tensor tensor = LT_INIT(lt_tensor);
      tensor.dtype = io.dtype;
      tensor.rank = io.rank;
      for (uint32_t i = 0; i < io.rank; ++i)
        tensor.dims[i] =
            io.dims[i] == -1 ? std::clamp(dynamic, io.min_dims[i], io.max_dims[i]) : io.dims[i];
      data.emplace_back(1000, 1.5);
      tensor.data = data.back().data();
      tensor.bytes = 8000;
      rc = lt_bind(context, slot, &tensor, &error);
      require(isTyped(rc, error));
      if (rc == LT_OK)
        bound[slot] = true;
    }
    rc = lt_run(context, &error);
    bool all = std::find(bound.begin(), bound.end(), false) == bound.end();
    require(isTyped(rc, error) && (all || rc != LT_OK));
    for (uint32_t k = 0; k < about.output_count; ++k) {
      lt_tensor out = LT_INIT(lt_tensor);
      lt_rc got = lt_output(context, about.input_count + k, &out, &error);
      require(isTyped(got, error) && (rc == LT_OK) == (got == LT_OK));
      if (got == LT_OK && out.bytes > 0) // The memory is there.
        require(static_cast<volatile char *>(out.data)[out.bytes - 1] + 256 != 0);
    }
  }
  require(lt_context_destroy(context) == LT_OK);
}

void longtail::fuzz::runAll(const std::vector<uint8_t> &bytes) {
  Quota quota;
  lt_source source = memorySource(bytes);
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.memory = quota.allocator();
  lt_error error = newError();
  lt_module *module = nullptr;
  lt_rc rc = lt_module_open(&source, &opts, &module, &error);
  require(isTyped(rc, error));
  if (rc == LT_OK) {
    lt_info info = LT_INIT(lt_info);
    require(lt_module_info(module, &info, &error) == LT_OK);
#if defined(__x86_64__) // The stubs are its code.
    for (uint32_t f = 0; f < info.function_count; ++f)
      runFunction(module, f);
#endif
    lt_module_release(module);
  }
  require(quota.used() == 0);
}

size_t longtail::fuzz::mutateWords(uint8_t *data, size_t size, size_t maximum, uint32_t seed) {
  std::minstd_rand random(seed);
  if (size < 8 || random() % 2)
    return LLVMFuzzerMutate(data, size, maximum);
  static constexpr uint64_t words[] = {0,          1,          2,          3,
                                       4,          7,          63,         64,
                                       0xff,       0xffff,     0x7fffffff, 0x80000000,
                                       0xffffffff, 0xfffffffe, 1ull << 40, 1ull << 62,
                                       1ull << 63, ~0ull,      ~0ull >> 1, 0xffffffff00000000};
  for (unsigned n = 1 + random() % 3; n > 0; --n) {
    size_t width = random() % 3 ? 4 : 8, at = random() % (size / width) * width;
    uint64_t value = 0;
    memcpy(&value, data + at, width);
    switch (random() % 4) {
    case 0:
      value = words[random() % std::size(words)];
      break;
    case 1:
      value += random() % 9 - 4;
      break;
    case 2:
      memcpy(&value, data + random() % (size / width) * width, width);
      break;
    default:
      value ^= uint64_t{1} << random() % (8 * width);
    }
    memcpy(data + at, &value, width);
  }
  return size;
}
