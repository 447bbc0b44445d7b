// The artifact writer: bytes, refusals, files.
#include "runtime/src/Crc32c.h"
#include "test/runtime/Artifacts.h"
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace longtail;
using namespace longtail::container;
using namespace longtail::test;
namespace fs = std::filesystem;

namespace {

class Folder : public ::testing::Test {
protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "longtail-writer-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { fs::remove_all(folder); }
  std::vector<uint8_t> read(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  size_t fileCount() {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
  }
  fs::path folder;
};

using Weights = std::vector<std::vector<float>>; // must outlive the program

Program weightProgram(const Weights &weights) {
  Program program = programOf({scaleFunction(0)});
  for (const auto &weight : weights)
    program.weights.push_back(
        {weight.data(), weight.size() * 4, "w" + std::to_string(program.weights.size())});
  return program;
}

// nonZeroFunction() with symbols, checks, slots and buffers in the least convenient order.
Function shuffled() {
  FunctionBuilder f("shuffled");
  f.input("x", LT_DTYPE_F32, {-1});
  f.function.slots = {{1}, {0}};
  constexpr uint32_t countBuffer = 2;
  uint32_t two = f.derived("two", {{LT_OP_CONST, 2}}, 1);
  uint32_t k = f.bound("k", countBuffer, 0, 1);
  uint32_t n = f.inputDim(0, 0);
  uint32_t twice = f.derived("twice", {{LT_OP_SYM, k}, {LT_OP_SYM, two}, {LT_OP_MUL}}, 1);
  f.check({{LT_OP_SYM, k}, {LT_OP_CONST, 50}, {LT_OP_LT}}, "too many", 1);
  f.check({{LT_OP_CONST, 1}}, "never fails");
  f.output("indices", LT_DTYPE_I64, {{-1, f.symbolExpr(k)}}, 1);
  f.output("ramp", LT_DTYPE_I64, {{-1, f.symbolExpr(twice)}}, 1);
  uint32_t indices = f.buffer(LT_BUFFER_OUTPUT, 0, f.scaled(k, 8), LT_DTYPE_I64, 1);
  uint32_t spare = f.buffer(LT_BUFFER_ARENA, 0, f.scaled(k, 8), LT_DTYPE_I64, 1);
  uint32_t count = f.buffer(LT_BUFFER_ARENA, 1, f.constant(8), LT_DTYPE_I64);
  uint32_t ramp = f.buffer(LT_BUFFER_OUTPUT, 1, f.scaled(twice, 8), LT_DTYPE_I64, 1);
  uint32_t x = f.buffer(LT_BUFFER_INPUT, 0, f.scaled(n, 4), LT_DTYPE_F32);
  EXPECT_EQ(count, countBuffer);
  uint32_t one = f.constant(1), size = f.symbolExpr(n), found = f.symbolExpr(k);
  f.dispatch("count", Count, one, {x, count}, {size});
  f.bind("bind", count, k, 1);
  f.dispatch("compact", Compact, one, {x, spare}, {size, found});
  f.dispatch("copy", Copy, one, {spare, indices}, {f.scaled(k, 8)});
  f.dispatch("ramp", Fill, f.symbolExpr(twice), {ramp}, {f.constant(100)});
  return f.function;
}

} // namespace

TEST(Writer, Crc32cKnownAnswers) {
  EXPECT_EQ(crc32c(0, "123456789", 9), 0xe3069283u);
  std::vector<uint8_t> zeros(32), ones(32, 0xff);
  EXPECT_EQ(crc32c(0, zeros.data(), 32), 0x8a9136aau);
  EXPECT_EQ(crc32c(0, ones.data(), 32), 0x62a8ab43u);
  EXPECT_EQ(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
}

TEST(Writer, IsDeterministic) {
  Program program = programOf({addFunction(), nonZeroFunction()});
  EXPECT_EQ(write(program), write(programOf({addFunction(), nonZeroFunction()})));
  program.metadata[0].second = "other";
  EXPECT_NE(write(program), write(programOf({addFunction(), nonZeroFunction()})));
}

TEST(Writer, StoresEqualWeightsOnce) {
  Weights same(10, std::vector<float>(100000, 3)), different = same;
  for (size_t i = 0; i < different.size(); ++i)
    different[i].back() = static_cast<float>(i);
  size_t once = write(weightProgram(same)).size(), each = write(weightProgram(different)).size();
  EXPECT_LT(once, 600000u);
  EXPECT_GT(each, 4000000u);
  // A prefix of another weight is a weight of its own, and so is nothing at all.
  Weights mixed = {std::vector<float>(8, 1), std::vector<float>(4, 1), {}};
  OpenModule module(write(weightProgram(mixed)));
  lt_info info = LT_INIT(lt_info);
  ASSERT_EQ(lt_module_info(module, &info, nullptr), LT_OK);
  EXPECT_EQ(info.weight_count, 3u);
}

TEST(Writer, AlignsWhatIsMapped) {
  Weights weights = {std::vector<float>(9, 1)};
  std::vector<uint8_t> bytes = write(weightProgram(weights));
  lt_header header;
  memcpy(&header, bytes.data(), sizeof header);
  EXPECT_EQ(header.total_size, bytes.size());
  int payloads = 0;
  for (uint32_t i = 0; i < header.section_count; ++i) {
    lt_section section;
    memcpy(&section, bytes.data() + sizeof header + i * sizeof section, sizeof section);
    bool payload = section.kind == LT_SECTION_CODE || section.kind == LT_SECTION_WDATA;
    EXPECT_EQ(section.offset % (payload ? 65536 : 8), 0u);
    payloads += payload;
  }
  EXPECT_EQ(payloads, 2);
}

TEST(Writer, SortsByRegion) {
  Program program = programOf({shuffled()});
  OpenModule module(write(program));
  OpenContext context(module);
  std::vector<float> x{0, 1, 0, 2, 3};
  lt_tensor tx = tensorOf(LT_DTYPE_F32, x, {5}), out = LT_INIT(lt_tensor);
  lt_error error = newError();
  ASSERT_EQ(lt_bind(context, 0, &tx, &error), LT_OK) << error.msg;
  ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  ASSERT_EQ(lt_output(context, 1, &out, &error), LT_OK);
  ASSERT_EQ(out.dims[0], 3);
  EXPECT_EQ(static_cast<int64_t *>(out.data)[2], 4);
  ASSERT_EQ(lt_output(context, 2, &out, &error), LT_OK);
  ASSERT_EQ(out.dims[0], 6);
  EXPECT_EQ(static_cast<int64_t *>(out.data)[5], 105);
  std::vector<float> many(60, 1);
  lt_tensor tm = tensorOf(LT_DTYPE_F32, many, {60});
  ASSERT_EQ(lt_bind(context, 0, &tm, &error), LT_OK);
  EXPECT_EQ(lt_run(context, &error), LT_ERR_SHAPE);
  EXPECT_STREQ(error.msg, "too many");
}

// Each case breaks a good program in one way.
struct Refusal {
  const char *name;
  const char *message;
  std::function<void(Program &)> change;
};

static Function &function(Program &program) { return program.variants[0].functions[0]; }

static const std::vector<Refusal> &refusals() {
  using P = Program;
  static const std::vector<Refusal> cases = {
      {"NoVariants", "the program has 0 variants, expected 1 to 32",
       [](P &p) { p.variants.clear(); }},
      {"SameVariants", "two variants are named 'baseline'",
       [](P &p) { p.variants.push_back(p.variants[0]); }},
      {"NoCode", "variant 'baseline': the code has 0 bytes",
       [](P &p) { p.variants[0].codeImage.clear(); }},
      {"NoFunctions", "variant 'baseline': there is no function",
       [](P &p) { p.variants[0].functions.clear(); }},
      {"SameFunctions", "variant 'baseline': two functions are named 'nonzero'",
       [](P &p) { p.variants[0].functions.push_back(function(p)); }},
      {"KernelEntry", "kernel 'add' cannot start at byte 1000000000 of the code",
       [](P &p) { p.variants[0].kernels[0].entry = 1000000000; }},
      {"NulInKey", "metadata 'a", [](P &p) { p.metadata.push_back({std::string("a\0b", 3), ""}); }},
      {"WeightWithoutData", "weight 'w': no data",
       [](P &p) { p.weights.push_back({nullptr, 4, "w"}); }},
      {"EmptyName", "the name is empty", [](P &p) { function(p).name.clear(); }},
      {"LongName", "is longer than 1023 bytes",
       [](P &p) { function(p).steps[0].name = std::string(1024, 'x'); }},
      {"UnknownType", "input 'x' has the element type 99",
       [](P &p) { function(p).inputs[0].dtype = 99; }},
      {"HighRank", "input 'x' has rank 9", [](P &p) { function(p).inputs[0].dims.resize(9); }},
      {"NegativeDim", "input 'x' dimension 0 is -2",
       [](P &p) { function(p).inputs[0].dims[0].size = -2; }},
      {"SameOutputs", "two outputs are named 'indices'",
       [](P &p) { function(p).outputs[1].name = "indices"; }},
      {"OutputWithoutExpr", "output 'indices' dimension 0 names expression 4294967295 of",
       [](P &p) { function(p).outputs[0].dims[0].expression = kNone; }},
      {"OutputTooEarly",
       "output 'indices' dimension 0 is needed in region 0, but uses a symbol of "
       "region 1",
       [](P &p) { function(p).outputs[0].region = 0; }},
      {"EmptyExpression", "expression 0 has 0 instructions",
       [](P &p) { function(p).expressions[0].clear(); }},
      {"BadOpcode", "has the unknown opcode 18",
       [](P &p) { function(p).expressions[0][0].opcode = static_cast<lt_opcode>(18); }},
      {"Underflow", "takes more operands than it has",
       [](P &p) { function(p).expressions[0] = {{LT_OP_NEG}}; }},
      {"Leftover", "leaves 2 values",
       [](P &p) { function(p).expressions[0] = {{LT_OP_CONST, 1}, {LT_OP_CONST, 1}}; }},
      {"NoSuchSymbol", "uses symbol 3 of 3",
       [](P &p) { function(p).expressions[0] = {{LT_OP_SYM, 3}}; }},
      {"EmptyRange", "symbol 0 'dim' has an empty range",
       [](P &p) { function(p).symbols[0].min = INT64_MAX; }},
      {"LateSymbol", "uses a symbol that does not come before it",
       [](P &p) { function(p).expressions[function(p).symbols[2].source] = {{LT_OP_SYM, 2}}; }},
      {"CheckRegion", "belongs to region 2",
       [](P &p) { function(p).checks.push_back({0, "never", 2}); }},
      {"BufferSlot", "buffer 1 names number 7 of 2",
       [](P &p) { function(p).buffers[1].index = 7; }},
      {"BufferWeight", "buffer 1 names number 0 of 0",
       [](P &p) { function(p).buffers[1].kind = LT_BUFFER_WEIGHT; }},
      {"BufferRegion", "buffer 1 is in region 1, expected 0",
       [](P &p) { function(p).buffers[1].region = 1; }},
      {"NoSuchKernel", "step 'count' names kernel 1000 of ",
       [](P &p) { function(p).steps[0].kernel = 1000; }},
      {"EarlyBuffer", "step 'count' names buffer 3 of 5, which is not known in region 0",
       [](P &p) { function(p).steps[0].bindings[0] = 3; }},
      {"EarlyParam", "step 'count' (param) is needed in region 0",
       [](P &p) { function(p).steps[0].params[0] = function(p).outputs[0].dims[0].expression; }},
      {"BindNothing", "step 'bind' must bind exactly the BOUND symbols of region 1",
       [](P &p) { function(p).steps[1].symbolCount = 0; }},
      {"BindFloats", "step 'bind' reads a buffer of float32, expected int32, int64 or bool",
       [](P &p) { function(p).buffers[1].dtype = LT_DTYPE_F32; }},
      {"NoBind", "belongs to region 1 of 1",
       [](P &p) { function(p).steps.erase(function(p).steps.begin() + 1); }},
  };
  return cases;
}

class Refused : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refused, NamesWhatIsWrong) {
  Program program = programOf({nonZeroFunction()});
  std::vector<uint8_t> bytes(5);
  std::string message;
  ASSERT_TRUE(writeContainer(program, message, bytes)) << message;
  GetParam().change(program);
  EXPECT_FALSE(writeContainer(program, message, bytes));
  EXPECT_NE(message.find(GetParam().message), std::string::npos) << message;
  EXPECT_TRUE(bytes.empty());
}

INSTANTIATE_TEST_SUITE_P(Cases, Refused, ::testing::ValuesIn(refusals()),
                         [](const auto &info) { return std::string(info.param.name); });

TEST_F(Folder, FilesHoldTheSameBytes) {
  Weights large = {std::vector<float>(1000000, 2)}; // more than the sink collects
  Program program = weightProgram(large);
  std::string message;
  fs::path path = folder / "model.lt";
  ASSERT_TRUE(writeContainer(program, message, path.string())) << message;
  EXPECT_EQ(read(path), write(program));
  EXPECT_EQ(fileCount(), 1u);
  // Replaced as a whole.
  program.metadata.clear();
  ASSERT_TRUE(writeContainer(program, message, path.string())) << message;
  EXPECT_EQ(read(path), write(program));
  EXPECT_EQ(fileCount(), 1u);
  EXPECT_EQ(fs::status(path).permissions() & fs::perms::owner_exec, fs::perms::none);
}

TEST_F(Folder, FailuresLeaveTheOldFileAndNothingElse) {
  Weights small = {std::vector<float>(100, 1)};
  Program program = weightProgram(small);
  std::string message;
  fs::path path = folder / "model.lt";
  ASSERT_TRUE(writeContainer(program, message, path.string())) << message;
  std::vector<uint8_t> before = read(path);

  std::vector<float> large(1000000, 2);
  program.weights.push_back({large.data(), large.size() * 4, "large"});
  for (rlim_t limit : {rlim_t{100}, rlim_t{65536}, rlim_t{3000000}}) {
    // A file size limit acts like a full disk.
    struct rlimit old;
    getrlimit(RLIMIT_FSIZE, &old);
    struct rlimit full = {limit, old.rlim_max};
    auto handler = std::signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &full);
    bool written = writeContainer(program, message, path.string());
    setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, handler);
    EXPECT_FALSE(written);
    EXPECT_EQ(message, "cannot write '" + path.string() + "': File too large");
    EXPECT_EQ(read(path), before);
    EXPECT_EQ(fileCount(), 1u);
  }
  int systemError = 0;
  EXPECT_FALSE(
      writeContainer(program, message, (folder / "absent" / "model.lt").string(), &systemError));
  EXPECT_EQ(systemError, ENOENT);
  EXPECT_NE(message.find("No such file or directory"), std::string::npos) << message;
  fs::create_directory(folder / "taken");
  EXPECT_FALSE(writeContainer(program, message, (folder / "taken").string()));
  EXPECT_NE(message.find("cannot replace"), std::string::npos) << message;
  program.variants.clear();
  EXPECT_FALSE(writeContainer(program, message, path.string(), &systemError));
  EXPECT_EQ(systemError, 0);
  EXPECT_EQ(fileCount(), 2u);
  EXPECT_EQ(read(path), before);
}

TEST_F(Folder, DoesNotReplaceDevices) {
  fs::path pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::string message;
  EXPECT_FALSE(writeContainer(programOf({addFunction()}), message, pipe.string()));
  EXPECT_EQ(message, "cannot write '" + pipe.string() + "': not a regular file");
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_EQ(fileCount(), 1u);
}

TEST_F(Folder, DoesNotFollowLinksAtTheTemporaryName) {
  Program program = programOf({addFunction()});
  fs::path path = folder / "model.lt", victim = folder / "victim";
  std::ofstream(victim) << "precious";
  fs::create_symlink(victim, path.string() + ".tmp" + std::to_string(getpid()) + ".0");
  std::string message;
  ASSERT_TRUE(writeContainer(program, message, path.string())) << message;
  EXPECT_EQ(fs::file_size(victim), 8u);
}
