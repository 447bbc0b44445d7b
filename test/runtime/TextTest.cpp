// Strings: pools, numbers, tables, the API's form, and what is wrong with any of them.
#include "runtime/src/Text.h"
#include "test/runtime/Artifacts.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

using namespace longtail;
using namespace longtail::container;
using namespace longtail::runtime;
using namespace longtail::test;

namespace {

TextView viewOf(const std::string &text) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

std::string textOf(TextView view) {
  return std::string(reinterpret_cast<const char *>(view.bytes), view.size);
}

// A pool with a frame to call functions with; `constants` as in a TEXT section.
struct Texts {
  explicit Texts(std::string constants = "", uint64_t limit = 0) : constants(std::move(constants)) {
    pool.open(memory, viewOf(this->constants).bytes, this->constants.size(), limit);
    frame.pool = &pool;
    frame.mayMake = true;
  }
  ~Texts() { pool.release(); }

  int64_t make(const std::string &text) {
    uint64_t handle = 0;
    int32_t failure = 0;
    if (uint8_t *place = pool.make(text.size(), handle, failure))
      std::memcpy(place, text.data(), text.size());
    return static_cast<int64_t>(handle);
  }
  int64_t apply(int32_t function, int64_t a, int64_t b = 0, int64_t c = 0) {
    frame.failure = 0;
    return applyText(&frame.frame, function, a, b, c);
  }
  std::string at(int64_t handle) {
    TextView view;
    return pool.find(static_cast<uint64_t>(handle), view) ? textOf(view) : "(none)";
  }

  std::string constants;
  Memory memory = {};
  TextPool pool;
  TextFrame frame = {};
};

std::string formatted(double value, uint32_t kind) {
  char digits[kNumberBytes];
  return std::string(digits, formatFloat(value, kind, digits));
}

std::string withSize(const std::string &text) {
  uint32_t size = static_cast<uint32_t>(text.size());
  return std::string(reinterpret_cast<char *>(&size), sizeof size) + text;
}

// main(x: string[n]) -> y: string[n], which copies handles; or says that they are something else.
Program identity(uint32_t inputType = LT_DTYPE_STRING, uint32_t outputType = LT_DTYPE_STRING) {
  FunctionBuilder f;
  uint32_t x = f.input("x", inputType, {-1});
  uint32_t n = f.inputDim(x, 0);
  f.output("y", outputType, {{-1, f.symbolExpr(n), ""}});
  uint32_t bytes = f.scaled(n, 8);
  uint32_t in = f.buffer(LT_BUFFER_INPUT, 0, bytes, inputType);
  uint32_t out = f.buffer(LT_BUFFER_OUTPUT, 0, bytes, outputType);
  f.dispatch("copy", TestKernel::Copy, f.constant(1), {in, out}, {bytes});
  return programOf({f.function});
}

lt_tensor tensorOfTexts(std::vector<lt_text> &texts) {
  return tensorOf(LT_DTYPE_STRING, texts, {static_cast<int64_t>(texts.size())});
}

} // namespace

TEST(Text, PoolFindsOnlyWhatItMade) {
  std::string constants = withSize("first") + withSize("second");
  Texts texts(constants);
  int64_t constant = int64_t{1} << 48;
  EXPECT_EQ(texts.at(0), "");
  EXPECT_EQ(texts.at(constant), "first");
  EXPECT_EQ(texts.at(constant + 9), "second");
  std::vector<int64_t> handles;
  for (int i = 0; i < 3000; ++i)
    handles.push_back(texts.make(std::string(static_cast<size_t>(i % 700), 'x')));
  int64_t large = texts.make(std::string(1 << 20, 'y'));
  for (int i = 0; i < 3000; ++i)
    ASSERT_EQ(texts.at(handles[static_cast<size_t>(i)]).size(), static_cast<size_t>(i % 700));
  EXPECT_EQ(texts.at(large).size(), size_t{1} << 20);
  // Sizes that end behind the pool, offsets outside of it, pools that are not there.
  for (int64_t wrong : {constant + 1, constant + 15, constant + 1000, int64_t{2} << 48 | 1 << 30,
                        int64_t{60} << 48, int64_t{5}, int64_t{-1}})
    EXPECT_EQ(texts.at(wrong), "(none)") << wrong;
  texts.pool.reset();
  EXPECT_EQ(texts.at(handles[5]), "(none)");
}

TEST(Text, PoolHasALimit) {
  Texts texts("", 100);
  EXPECT_NE(texts.make(std::string(80, 'x')), 0);
  uint64_t handle;
  int32_t failure = 0;
  EXPECT_EQ(texts.pool.make(20, handle, failure), nullptr);
  EXPECT_EQ(failure, LT_KERNEL_TEXT_LIMIT);
  texts.pool.reset();
  EXPECT_NE(texts.pool.make(20, handle, failure), nullptr);
  EXPECT_EQ(texts.pool.make(uint64_t{1} << 40, handle, failure), nullptr);
}

TEST(Text, FunctionsTakeAndMakeStrings) {
  Texts texts;
  int64_t a = texts.make("a,b,"), b = texts.make(","), same = texts.make("a,b,");
  EXPECT_EQ(texts.apply(LT_TEXT_EQUAL, a, same), 1);
  EXPECT_EQ(texts.apply(LT_TEXT_EQUAL, a, b), 0);
  EXPECT_GT(texts.apply(LT_TEXT_COMPARE, a, b), 0);
  EXPECT_LT(texts.apply(LT_TEXT_COMPARE, 0, b), 0);
  EXPECT_EQ(texts.at(texts.apply(LT_TEXT_JOIN, a, b)), "a,b,,");
  EXPECT_EQ(texts.apply(LT_TEXT_JOIN, 0, 0), 0);
  EXPECT_EQ(texts.apply(LT_TEXT_SEARCH, a, b, 0), 1);
  EXPECT_EQ(texts.apply(LT_TEXT_SEARCH, a, b, 4), 4);
  EXPECT_EQ(texts.at(texts.apply(LT_TEXT_SLICE, a, 1, 99)), ",b,");
  EXPECT_EQ(texts.apply(LT_TEXT_SLICE, a, 3, -5), 0);
  int64_t spaced = texts.make(" \u00a0x\u3000");
  EXPECT_EQ(texts.apply(LT_TEXT_SKIP, spaced, 0), 3);
  EXPECT_EQ(texts.apply(LT_TEXT_SPAN, spaced, 3), 4);
  EXPECT_EQ(texts.frame.failure, 0);
}

TEST(Text, FailuresAreNoted) {
  Texts texts;
  int64_t word = texts.make("word");
  auto failsWith = [&](lt_kernel_code code, int32_t function, int64_t a, int64_t b = 0) {
    EXPECT_EQ(texts.apply(function, a, b), 0);
    EXPECT_EQ(texts.frame.failure, code) << function;
  };
  failsWith(LT_KERNEL_TEXT_HANDLE, LT_TEXT_SIZE, 12345);
  failsWith(LT_KERNEL_TEXT_NUMBER, LT_TEXT_TO_INT, word, 64);
  failsWith(LT_KERNEL_TEXT_NUMBER, LT_TEXT_TO_FLOAT, word);
  failsWith(LT_KERNEL_TEXT_NUMBER, LT_TEXT_TO_BOOL, word);
  failsWith(LT_KERNEL_TEXT_HANDLE, 99, word);
  // Tables that are none.
  for (lt_text_function function : {LT_TEXT_LOOKUP, LT_TEXT_MATCH, LT_TEXT_REPLACE}) {
    failsWith(LT_KERNEL_TEXT_HANDLE, function, word, word);
    failsWith(LT_KERNEL_TEXT_HANDLE, function, word, 0);
    failsWith(LT_KERNEL_TEXT_HANDLE, function, word, texts.make(std::string(400, '\xff')));
  }
  texts.frame.mayMake = false;
  failsWith(LT_KERNEL_TEXT_HANDLE, LT_TEXT_JOIN, word, word);
}

TEST(Text, NumbersHaveTheFewestDigits) {
  EXPECT_EQ(formatted(0.1, LT_TEXT_F64), "0.1");
  EXPECT_EQ(formatted(1.0 / 3, LT_TEXT_F64), "0.3333333333333333");
  EXPECT_EQ(formatted(0.1f, LT_TEXT_F32), "0.1");
  EXPECT_EQ(formatted(1.0f / 3, LT_TEXT_F32), "0.33333334");
  EXPECT_EQ(formatted(-0.0, LT_TEXT_F64), "-0.0");
  EXPECT_EQ(formatted(5e-324, LT_TEXT_F64), "5e-324");
  EXPECT_EQ(formatted(1e100, LT_TEXT_F64), "1e+100");
  EXPECT_EQ(formatted(65504, LT_TEXT_F16), "6.55e+04");
  EXPECT_EQ(formatted(3.140625, LT_TEXT_BF16), "3.14");
  EXPECT_EQ(formatted(-std::numeric_limits<double>::infinity(), LT_TEXT_F32), "-inf");
  EXPECT_EQ(formatted(std::numeric_limits<double>::quiet_NaN(), LT_TEXT_F32), "nan");
}

TEST(Text, NumbersAreReadWholeOrRefused) {
  int64_t integer;
  double number;
  EXPECT_TRUE(parseInteger(viewOf(" -128\n"), 8, false, integer));
  EXPECT_EQ(integer, -128);
  EXPECT_TRUE(parseInteger(viewOf("18446744073709551615"), 64, true, integer));
  EXPECT_EQ(integer, -1);
  for (const char *wrong : {"", "-", "128", "1 2", "1.0", "99999999999999999999"})
    EXPECT_FALSE(parseInteger(viewOf(wrong), 8, false, integer)) << wrong;
  EXPECT_FALSE(parseInteger(viewOf("-1"), 8, true, integer));
  for (const char *wrong : {"", ".", "e5", "1e", "1e+", "1.2.3", "0x1", "inf1", "1,5"})
    EXPECT_FALSE(parseFloat(viewOf(wrong), number)) << wrong;
  EXPECT_TRUE(parseFloat(viewOf("1" + std::string(2000, '0') + "1e-2001"), number));
  EXPECT_EQ(number, 1.0);
  EXPECT_TRUE(parseFloat(viewOf("1e99999999999999"), number));
  EXPECT_TRUE(std::isinf(number));
}

TEST(Text, CharactersThatAreNoneStandForThemselves) {
  uint32_t code;
  for (const char *wrong : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe8\xaa"}) {
    EXPECT_EQ(decodeCharacter(viewOf(wrong), code), 1u);
    EXPECT_EQ(code, 0xffffffffu);
  }
  EXPECT_EQ(decodeCharacter(viewOf("\xf0\x9f\x98\x80"), code), 4u);
  EXPECT_EQ(code, 0x1f600u);
}

TEST(Text, TheApiTakesAndGivesTexts) {
  std::vector<uint8_t> artifact = write(identity());
  OpenModule module(artifact);
  OpenContext context(module, 1);
  lt_error error = LT_INIT(lt_error);
  std::vector<lt_text> in = {{"one", 3}, {nullptr, 0}, {"t\0o", 3}};
  lt_tensor x = tensorOfTexts(in);
  ASSERT_EQ(lt_bind(context, 0, &x, &error), LT_OK) << error.msg;
  for (bool isBound : {false, true}) {
    std::vector<lt_text> out(3, lt_text{"old", 3});
    lt_tensor y = tensorOfTexts(out);
    ASSERT_EQ(lt_bind(context, 1, isBound ? &y : nullptr, &error), LT_OK) << error.msg;
    ASSERT_EQ(lt_run(context, &error), LT_OK) << error.msg;
    lt_tensor result = LT_INIT(lt_tensor);
    ASSERT_EQ(lt_output(context, 1, &result, &error), LT_OK);
    EXPECT_EQ(result.bytes, 3 * sizeof(lt_text));
    auto *texts = static_cast<const lt_text *>(result.data);
    EXPECT_EQ(isBound, texts == out.data());
    EXPECT_EQ(std::string(texts[0].data, texts[0].bytes), "one");
    EXPECT_EQ(texts[1].bytes, 0u);
    EXPECT_EQ(std::string(texts[2].data, texts[2].bytes), std::string("t\0o", 3));
  }
  ASSERT_EQ(lt_bind(context, 1, nullptr, &error), LT_OK) << error.msg;
  // Every run reads the strings anew, and names one that is not there.
  in[1] = {nullptr, 7};
  EXPECT_EQ(lt_run(context, &error), LT_ERR_ARG);
  EXPECT_NE(std::string(error.msg).find("string 1 of input 'x'"), std::string::npos) << error.msg;
  in[1] = {"new", 3};
  EXPECT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  x.bytes = 3 * 8;
  EXPECT_EQ(lt_bind(context, 0, &x, &error), LT_ERR_ARG);
}

TEST(Text, TheApiHasALimit) {
  std::vector<uint8_t> artifact = write(identity());
  OpenModule module(artifact);
  lt_error error = LT_INIT(lt_error);
  lt_context_opts opts = LT_INIT(lt_context_opts);
  opts.threads = 1;
  opts.text_limit = 20;
  lt_context *context;
  ASSERT_EQ(lt_context_create(module, 0, &opts, &context, &error), LT_OK);
  std::vector<lt_text> in = {{"0123456789", 10}, {"0123456789", 10}};
  lt_tensor x = tensorOfTexts(in);
  ASSERT_EQ(lt_bind(context, 0, &x, &error), LT_OK);
  EXPECT_EQ(lt_run(context, &error), LT_ERR_LIMIT);
  EXPECT_NE(std::string(error.msg).find("string 1 of 'x'"), std::string::npos) << error.msg;
  in[1].bytes = 1;
  EXPECT_EQ(lt_run(context, &error), LT_OK) << error.msg;
  uint64_t bytes;
  EXPECT_EQ(lt_context_memory(module, 0, &x, 1, &bytes, &error), LT_ERR_SHAPE);
  lt_context_destroy(context);
}

TEST(Text, HandlesThatAFileMakesUpEndTheRun) {
  std::vector<uint8_t> artifact = write(identity(LT_DTYPE_I64, LT_DTYPE_STRING));
  OpenModule module(artifact);
  OpenContext context(module, 1);
  lt_error error = LT_INIT(lt_error);
  std::vector<int64_t> in = {0, 0x7fffffffffff, 3};
  lt_tensor x = tensorOf(LT_DTYPE_I64, in, {3});
  ASSERT_EQ(lt_bind(context, 0, &x, &error), LT_OK);
  EXPECT_EQ(lt_run(context, &error), LT_ERR_FORMAT);
  EXPECT_NE(std::string(error.msg).find("string 1 of output 'y'"), std::string::npos) << error.msg;
  EXPECT_NE(lt_output(context, 1, &x, &error), LT_OK);
}
