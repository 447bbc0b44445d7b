// Opening artifacts: sources, variants, weights, and what a module tells about itself.
#include "longtail/embedded.h"
#include "runtime/src/Cpu.h"
#include "test/runtime/Artifacts.h"
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

using namespace longtail;
using namespace longtail::container;
using namespace longtail::test;

static lt_rc open(const lt_source &source, lt_error &error, uint32_t flags = 0,
                  uint64_t disabled = 0, const char *variant = nullptr) {
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.flags = flags;
  opts.disabled_features = disabled;
  opts.variant = variant;
  lt_module *module = nullptr;
  lt_rc rc = lt_module_open(&source, &opts, &module, &error);
  EXPECT_EQ(module != nullptr, rc == LT_OK);
  lt_module_release(module);
  return rc;
}

static Program scaleProgram(const std::vector<float> &first, const std::vector<float> &second) {
  Program program = programOf({scaleFunction(1)});
  program.weights = {{first.data(), first.size() * 4, "first"},
                     {second.data(), second.size() * 4, "second"}};
  return program;
}

static void runScale(lt_module *module, const std::vector<float> &weight) {
  OpenContext context(module);
  std::vector<float> x{1, 2, 3, 4, 5, 6, 7, 8};
  lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {8}), y = LT_INIT(lt_tensor);
  lt_error error = newError();
  ASSERT_EQ(lt_bind(context, 0, &tx, &error), LT_OK) << error.msg;
  ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  ASSERT_EQ(lt_output(context, 1, &y, &error), LT_OK) << error.msg;
  for (size_t i = 0; i < 8; ++i)
    EXPECT_EQ(static_cast<float *>(y.data)[i], x[i] * weight[i]);
}

/// An artifact as sections of a program would hold it: code that can run, on a page of its own.
class Parts {
public:
  explicit Parts(const std::vector<uint8_t> &bytes) {
    lt_header header;
    memcpy(&header, bytes.data(), sizeof header);
    source = LT_INIT(lt_source);
    source.data = bytes.data();
    source.len = header.metadata_size;
    for (uint32_t i = 0; i < header.section_count; ++i) {
      lt_section section;
      memcpy(&section, bytes.data() + sizeof header + i * sizeof section, sizeof section);
      const uint8_t *contents = bytes.data() + section.offset;
      if (section.kind == LT_SECTION_CODE) {
        code =
            mmap(nullptr, section.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        codeBytes = section.size;
        memcpy(code, contents, section.size);
        mprotect(code, section.size, PROT_READ | PROT_EXEC);
        source.code = code;
      } else if (section.kind == LT_SECTION_WDATA) {
        source.weights = contents;
      }
    }
  }
  Parts(const Parts &) = delete;
  ~Parts() { munmap(code, codeBytes); }
  lt_source source;

private:
  void *code = nullptr;
  size_t codeBytes = 0;
};

TEST(Module, InParts) {
  std::vector<float> first(100, 2), second{1, 10, 100, 1000, -1, -10, -100, 0.5f};
  std::vector<uint8_t> bytes = write(scaleProgram(first, second));
  Parts parts(bytes);
  lt_error error = newError();
  lt_module *module;
  ASSERT_EQ(lt_module_open(&parts.source, nullptr, &module, &error), LT_OK) << error.msg;
  runScale(module, second);
  lt_module_release(module);
  for (uint32_t flags : {0u, 1u, 2u, 4u, 6u})
    EXPECT_EQ(open(parts.source, error, flags), LT_OK) << flags << ": " << error.msg;
}

TEST(Module, PartsThatDoNotFit) {
  std::vector<float> weight(100, 2);
  std::vector<uint8_t> bytes = write(scaleProgram(weight, weight));
  Parts parts(bytes);
  lt_error error = newError();
  lt_source odd = parts.source;
  odd.code = static_cast<const uint8_t *>(odd.code) + 64;
  EXPECT_EQ(open(odd, error), LT_ERR_ARG);
  EXPECT_NE(std::string(error.msg).find("not aligned"), std::string::npos) << error.msg;
  lt_source without = parts.source;
  without.weights = nullptr;
  EXPECT_EQ(open(without, error), LT_ERR_ARG);
  lt_source shorter = parts.source;
  shorter.len -= 1;
  EXPECT_NE(open(shorter, error), LT_OK);
  Program several = scaleProgram(weight, weight);
  several.variants.push_back(several.variants[0]);
  several.variants[1].name = "second";
  std::vector<uint8_t> two = write(several);
  Parts twoParts(two);
  EXPECT_EQ(open(twoParts.source, error), LT_ERR_ARG);
  EXPECT_NE(std::string(error.msg).find("has one variant"), std::string::npos) << error.msg;
}

TEST(Module, MemoryOfAContextIsEnough) {
  std::vector<float> first(100, 2), second{1, 10, 100, 1000, -1, -10, -100, 0.5f};
  std::vector<uint8_t> bytes = write(scaleProgram(first, second));
  lt_source source = memorySource(bytes);
  std::vector<unsigned char> memory(1 << 20);
  lt_arena arena = {memory.data(), memory.size(), 0, 0};
  lt_allocator allocator = lt_arena_allocator(&arena);
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.memory = &allocator;
  lt_error error = newError();
  lt_module *module;
  ASSERT_EQ(lt_module_open(&source, &opts, &module, &error), LT_OK) << error.msg;
  std::vector<float> x{1, 2, 3, 4, 5, 6, 7, 8}, y(8);
  lt_tensor in = tensorOf(LT_DTYPE_F32, x, {8}), out = tensorOf(LT_DTYPE_F32, y, {8});
  uint64_t needed = 0;
  ASSERT_EQ(lt_context_memory(module, 0, &in, 1, &needed, &error), LT_OK) << error.msg;
  size_t before = arena.used;
  arena.bytes = before + LT_DATA_ALIGN + needed;
  lt_context_opts one = LT_INIT(lt_context_opts);
  one.threads = 1;
  lt_context *context;
  ASSERT_EQ(lt_context_create(module, 0, &one, &context, &error), LT_OK) << error.msg;
  ASSERT_EQ(lt_bind(context, 0, &in, &error), LT_OK) << error.msg;
  ASSERT_EQ(lt_bind(context, 1, &out, &error), LT_OK) << error.msg;
  EXPECT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  EXPECT_EQ(y[7], x[7] * second[7]);
  lt_context_destroy(context);
  lt_module_release(module);
}

TEST(Module, WeightsFromEverySource) {
  std::vector<float> first(100, 2), second{1, 10, 100, 1000, -1, -10, -100, 0.5f};
  std::vector<uint8_t> bytes = write(scaleProgram(first, second));
  TemporaryFile file(bytes);
  std::vector<uint8_t> moved(bytes.size() + 64 + 1);
  // Memory that is not 64-byte aligned cannot be borrowed.
  uint8_t *odd = moved.data() + (reinterpret_cast<uintptr_t>(moved.data()) % 64 == 1 ? 2 : 1);
  memcpy(odd, bytes.data(), bytes.size());
  lt_source oddSource = memorySource(bytes);
  oddSource.data = odd;
  void *aligned = aligned_alloc(64, (bytes.size() + 63) / 64 * 64);
  memcpy(aligned, bytes.data(), bytes.size());
  lt_source alignedSource = memorySource(bytes);
  alignedSource.data = aligned;
  for (const lt_source &source : {file.source(), oddSource, alignedSource})
    for (uint32_t flags : {0u, 2u, 4u, 6u}) {
      lt_load_opts opts = LT_INIT(lt_load_opts);
      opts.flags = flags;
      lt_module *module = nullptr;
      lt_error error = newError();
      ASSERT_EQ(lt_module_open(&source, &opts, &module, &error), LT_OK) << error.msg;
      runScale(module, second);
      lt_module_release(module);
    }
  free(aligned);
}

TEST(Module, FindsDamagedWeightsAndCode) {
  std::vector<float> first(100, 2), second(8, 3);
  std::vector<uint8_t> bytes = write(scaleProgram(first, second));
  lt_error error = newError();
  bytes[bytes.size() - 2 * 64] ^= 1; // in `second`, which is stored last
  EXPECT_EQ(open(memorySource(bytes), error), LT_OK) << "weights are not read on opening";
  EXPECT_EQ(open(memorySource(bytes), error, LT_LOAD_VERIFY_WEIGHTS), LT_ERR_INTEGRITY);
  EXPECT_STREQ(error.msg, "weight 'second' is damaged: its checksum differs");
  EXPECT_EQ(open(memorySource(bytes), error, LT_LOAD_VERIFY_WEIGHTS | LT_LOAD_INSPECT),
            LT_ERR_INTEGRITY);
  bytes[65536 + 50] ^= 1; // the code is the first section behind the metadata
  EXPECT_EQ(open(memorySource(bytes), error), LT_ERR_INTEGRITY);
  EXPECT_STREQ(error.msg, "the code of variant 'baseline' is damaged: its checksum differs");
  EXPECT_EQ(open(memorySource(bytes), error, LT_LOAD_INSPECT), LT_OK);
}

TEST(Module, PicksTheBestVariant) {
  ASSERT_EQ(runtime::hostArch(), static_cast<uint32_t>(hostArchitecture()));
  Program program = programOf({addFunction()});
  program.variants[0].priority = 1;
  Variant better = program.variants[0], impossible = better, foreign = better;
  better.name = "better";
  better.priority = 5;
  better.featureMask = runtime::hostFeatures();
  impossible.name = "impossible";
  impossible.priority = 9;
  impossible.featureMask = uint64_t{1} << 63;
  foreign.name = "foreign";
  foreign.priority = 10;
  foreign.arch = hostArchitecture() == LT_ARCH_X86_64 ? LT_ARCH_AARCH64 : LT_ARCH_X86_64;
  program.variants.insert(program.variants.end(), {better, impossible, foreign});
  for (Kernel &kernel : program.variants[3].kernels)
    kernel.entry &= ~uint64_t{3};
  std::vector<uint8_t> bytes = write(program);
  OpenModule module(bytes);
  lt_info info = LT_INIT(lt_info);
  lt_error error = newError();
  ASSERT_EQ(lt_module_info(module, &info, &error), LT_OK);
  EXPECT_EQ(info.variant, 1u);
  EXPECT_EQ(info.variant_count, 4u);
  lt_variant_info variant = LT_INIT(lt_variant_info);
  ASSERT_EQ(lt_module_variant(module, 2, &variant, &error), LT_OK);
  EXPECT_STREQ(variant.name, "impossible");
  EXPECT_EQ(variant.missing, uint64_t{1} << 63);
  EXPECT_EQ(lt_module_variant(module, 4, &variant, &error), LT_ERR_ARG);

  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.variant = "baseline";
  OpenModule forced(bytes, &opts);
  ASSERT_EQ(lt_module_info(forced, &info, &error), LT_OK);
  EXPECT_EQ(info.variant, 0u);
  if (runtime::hostFeatures() != 0) {
    opts.variant = nullptr;
    opts.disabled_features = ~uint64_t{0};
    OpenModule masked(bytes, &opts);
    ASSERT_EQ(lt_module_info(masked, &info, &error), LT_OK);
    EXPECT_EQ(info.variant, 0u);
    EXPECT_EQ(open(memorySource(bytes), error, 0, ~uint64_t{0}, "better"), LT_ERR_ISA);
  }
  EXPECT_EQ(open(memorySource(bytes), error, 0, 0, "foreign"), LT_ERR_ISA);
  EXPECT_EQ(open(memorySource(bytes), error, LT_LOAD_INSPECT, 0, "foreign"), LT_OK);
  EXPECT_EQ(open(memorySource(bytes), error, 0, 0, "absent"), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "the artifact has no variant 'absent'");
}

TEST(Module, RefusesForeignArtifactsButInspectsThem) {
  Program program = programOf({addFunction()});
  bool onArm = hostArchitecture() == LT_ARCH_AARCH64;
  program.variants[0].arch = onArm ? LT_ARCH_RISCV64 : LT_ARCH_AARCH64;
  program.variants[0].kernels.resize(1);
  program.variants[0].kernels[0].entry = 0;
  std::vector<uint8_t> bytes = write(program);
  lt_error error = newError();
  EXPECT_EQ(open(memorySource(bytes), error), LT_ERR_ISA);
  EXPECT_NE(strstr(error.msg, onArm ? "is for riscv64" : "is for aarch64"), nullptr) << error.msg;
  lt_load_opts opts = LT_INIT(lt_load_opts);
  opts.flags = LT_LOAD_INSPECT;
  OpenModule module(bytes, &opts);
  lt_info info = LT_INIT(lt_info);
  lt_source source = memorySource(bytes);
  ASSERT_EQ(lt_inspect(&source, &info, &error), LT_OK) << error.msg;
  EXPECT_EQ(info.variant, LT_NO_ID);
  EXPECT_EQ(info.function_count, 1u);
  EXPECT_EQ(info.total_bytes, bytes.size());
  lt_func_info function = LT_INIT(lt_func_info);
  EXPECT_EQ(lt_module_function(module, "add", &function, &error), LT_OK);
  lt_context *context = nullptr;
  EXPECT_EQ(lt_context_create(module, 0, nullptr, &context, &error), LT_ERR_STATE);
  EXPECT_STREQ(error.msg, "the module was opened for inspection only");
}

TEST(Module, NamesMissingFeatures) {
  if (hostArchitecture() != LT_ARCH_X86_64)
    GTEST_SKIP() << "names of x86 features";
  Program program = programOf({addFunction()});
  program.variants[0].featureMask = LT_X86_V3 | LT_X86_V4;
  lt_error error = newError();
  EXPECT_EQ(open(memorySource(write(program)), error, 0, LT_X86_V3 | LT_X86_V4), LT_ERR_ISA);
  EXPECT_STREQ(error.msg, "variant 'baseline' needs AVX2+FMA, AVX-512, which this CPU does not "
                          "have or which is disabled");
}

TEST(Module, DescribesFunctionsAndTensors) {
  OpenModule module(write(programOf({addFunction(), nonZeroFunction()})));
  lt_error error = newError();
  lt_func_info function = LT_INIT(lt_func_info);
  ASSERT_EQ(lt_module_function(module, nullptr, &function, &error), LT_OK);
  EXPECT_STREQ(function.name, "add");
  ASSERT_EQ(lt_module_function(module, "nonzero", &function, &error), LT_OK);
  EXPECT_EQ(function.ordinal, 1u);
  EXPECT_EQ(function.input_count, 1u);
  EXPECT_EQ(function.output_count, 2u);
  EXPECT_EQ(function.step_count, 5u);
  EXPECT_EQ(function.region_count, 2u);
  EXPECT_EQ(lt_module_function(module, "absent", &function, &error), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "the artifact has no function 'absent'");

  lt_io_info io = LT_INIT(lt_io_info);
  ASSERT_EQ(lt_module_io(module, 0, 0, &io, &error), LT_OK);
  EXPECT_STREQ(io.name, "a");
  EXPECT_FALSE(io.is_output);
  EXPECT_EQ(io.dtype, LT_DTYPE_F32);
  EXPECT_EQ(io.rank, 2);
  EXPECT_EQ(io.dims[0], -1);
  EXPECT_EQ(io.min_dims[0], 0);
  EXPECT_EQ(io.max_dims[0], 1000);
  EXPECT_STREQ(io.dim_names[0], "batch");
  EXPECT_EQ(io.dims[1], 3);
  EXPECT_EQ(io.max_dims[1], 3);
  ASSERT_EQ(lt_module_io(module, 1, 2, &io, &error), LT_OK);
  EXPECT_STREQ(io.name, "ramp");
  EXPECT_TRUE(io.is_output);
  EXPECT_TRUE(io.data_dependent);
  EXPECT_EQ(lt_module_io(module, 1, 3, &io, &error), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "slot 3 does not exist: function 'nonzero' has 1 inputs and 2 outputs");
  EXPECT_EQ(lt_module_io(module, 2, 0, &io, &error), LT_ERR_ARG);
}

TEST(Module, KeepsMetadata) {
  Program program = programOf({addFunction()});
  program.metadata.push_back({"long", std::string(1 << 20, 'x')});
  OpenModule module(write(program));
  EXPECT_STREQ(lt_module_find(module, LT_TABLE_METADATA, "character"), "abc\nd");
  EXPECT_EQ(strlen(lt_module_find(module, LT_TABLE_METADATA, "long")), size_t{1} << 20);
  EXPECT_STREQ(lt_module_find(module, LT_TABLE_PROVENANCE, "compiler"), "none");
  EXPECT_EQ(lt_module_find(module, LT_TABLE_METADATA, "absent"), nullptr);
  EXPECT_EQ(lt_module_find(module, 2, "character"), nullptr);
  const char *key = nullptr, *value = nullptr;
  lt_error error = newError();
  ASSERT_EQ(lt_module_metadata(module, LT_TABLE_METADATA, 1, &key, &value, &error), LT_OK);
  EXPECT_STREQ(key, "task");
  EXPECT_STREQ(value, "test");
  EXPECT_EQ(lt_module_metadata(module, LT_TABLE_METADATA, 3, &key, &value, &error), LT_ERR_ARG);
  EXPECT_EQ(lt_module_metadata(module, 7, 0, &key, &value, &error), LT_ERR_ARG);
}

TEST(Module, PlansWithoutRunning) {
  OpenModule module(write(programOf({addFunction(), nonZeroFunction()})));
  std::vector<float> none;
  lt_tensor inputs[2] = {tensorOf(LT_DTYPE_F32, none, {5, 3}),
                         tensorOf(LT_DTYPE_F32, none, {5, 3})};
  lt_tensor outputs[2] = {LT_INIT(lt_tensor), LT_INIT(lt_tensor)};
  lt_plan_info info = LT_INIT(lt_plan_info);
  lt_error error = newError();
  ASSERT_EQ(lt_plan(module, 0, inputs, 2, &info, outputs, 1, &error), LT_OK) << error.msg;
  EXPECT_EQ(outputs[0].dims[0], 5);
  EXPECT_EQ(outputs[0].bytes, 60u);
  EXPECT_EQ(info.arena_bytes, 0u);
  EXPECT_EQ(info.output_bytes, 60u);
  inputs[1].dims[0] = 6;
  EXPECT_EQ(lt_plan(module, 0, inputs, 2, &info, outputs, 1, &error), LT_ERR_SHAPE);
  EXPECT_EQ(lt_plan(module, 0, inputs, 1, &info, outputs, 1, &error), LT_ERR_ARG);
  EXPECT_STREQ(error.msg, "function 'add' has 2 inputs, 1 were given");
  EXPECT_EQ(lt_plan(module, 0, inputs, 2, &info, outputs, 2, &error), LT_ERR_ARG);
  lt_tensor x = tensorOf(LT_DTYPE_F32, none, {9});
  ASSERT_EQ(lt_plan(module, 1, &x, 1, &info, outputs, 2, &error), LT_OK) << error.msg;
  EXPECT_EQ(outputs[0].dims[0], -1);
  EXPECT_EQ(outputs[0].bytes, 0u);
  EXPECT_EQ(info.arena_bytes, 128u);
}

TEST(Module, RefusesWhatIsNoFile) {
  lt_error error = newError();
  lt_source source = LT_INIT(lt_source);
  source.fd = -1;
  EXPECT_EQ(open(source, error), LT_ERR_IO);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  source.fd = ends[0];
  EXPECT_EQ(open(source, error), LT_ERR_IO);
  EXPECT_STREQ(error.msg, "the artifact is not a regular file");
  close(ends[0]);
  close(ends[1]);
  source.fd = ::open("/tmp", O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(open(source, error), LT_ERR_IO);
  close(source.fd);
}

TEST(Module, ContextsKeepTheModule) {
  std::vector<float> first(8, 2), second(8, 3);
  std::vector<uint8_t> bytes = write(scaleProgram(first, second));
  lt_source source = memorySource(bytes);
  lt_module *module = nullptr;
  lt_context *context = nullptr;
  lt_error error = newError();
  ASSERT_EQ(lt_module_open(&source, nullptr, &module, &error), LT_OK) << error.msg;
  ASSERT_EQ(lt_context_create(module, 0, nullptr, &context, &error), LT_OK) << error.msg;
  lt_module_retain(module);
  lt_module_release(module);
  lt_module_release(module);
  std::vector<float> x(8, 1);
  lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {8});
  ASSERT_EQ(lt_bind(context, 0, &tx, &error), LT_OK);
  ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  EXPECT_EQ(lt_context_destroy(context), LT_OK);
}
