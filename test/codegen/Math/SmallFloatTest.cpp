// Conversions of floats of less than 32 bits against LLVM's software floats: every value that can
// be widened, and samples (with ties and both ends of the range) that are rounded.
#include "test/codegen/Emit/KernelRunner.h"
#include "llvm/ADT/APFloat.h"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace longtail;
using llvm::APFloat;

namespace {

struct Format {
  const char *type;
  const llvm::fltSemantics &semantics;
};

std::vector<Format> formats() {
  return {{"f16", APFloat::IEEEhalf()},          {"bf16", APFloat::BFloat()},
          {"f8E4M3FN", APFloat::Float8E4M3FN()}, {"f8E4M3FNUZ", APFloat::Float8E4M3FNUZ()},
          {"f8E5M2", APFloat::Float8E5M2()},     {"f8E5M2FNUZ", APFloat::Float8E5M2FNUZ()},
          {"f4E2M1FN", APFloat::Float4E2M1FN()}};
}

/// Kernels from_<type> (all elements to f32), to_<type> (f32 rounded) and down_<type> (f64
/// rounded).
std::string kernelText(const std::string &type) {
  auto one = [&](const std::string &name, const std::string &from, const std::string &to,
                 const std::string &op) {
    std::string in = "vector<16x" + from + ">", out = "vector<16x" + to + ">";
    return "func.func @" + name + "_" + type + "(%x: !kernel.buffer<" + from +
           ">, %y: !kernel.buffer<" + to +
           ">, %n: index, %tile: index) {\n%c0 = arith.constant 0 : index\n"
           "%c16 = arith.constant 16 : index\nscf.for %i = %c0 to %n step %c16 {\n"
           "%v = kernel.load %x[%i] : !kernel.buffer<" +
           from + "> -> " + in + "\n%r = arith." + op + " %v : " + in + " to " + out +
           "\nkernel.store %r, %y[%i] : " + out + " -> !kernel.buffer<" + to + ">\n}\nreturn\n}\n";
  };
  return one("from", type, "f32", "extf") + one("to", "f32", type, "truncf") +
         one("down", "f64", type, "truncf");
}

class SmallFloats : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    machine = target::lookupTarget(GetParam());
    if (!target::runsOnHost(*machine))
      GTEST_SKIP() << "this machine does not run code for " << machine->name;
    std::string text;
    for (const Format &format : formats())
      text += kernelText(format.type);
    kernels = std::make_unique<test::KernelRunner>(text, *machine);
    ASSERT_TRUE(*kernels) << kernels->error;
  }
  const target::TargetDescription *machine = nullptr;
  std::unique_ptr<test::KernelRunner> kernels;
};

/// Element `i` of packed storage.
unsigned elementAt(const std::vector<uint8_t> &memory, size_t i, unsigned width) {
  if (width == 4)
    return memory[i / 2] >> (i % 2 * 4) & 15;
  if (width == 8)
    return memory[i];
  return memory[2 * i] | memory[2 * i + 1] << 8;
}

std::vector<double> samples(const llvm::fltSemantics &semantics) {
  std::vector<double> values = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1e-300, -1e300, 1e30};
  std::mt19937_64 random(11);
  unsigned width = APFloat::semanticsSizeInBits(semantics);
  // Around every value (or some, for 16 bits): itself, ties with the next, and beside ties.
  for (unsigned i = 0; i < (width < 16 ? 1u << width : 4096u); ++i) {
    unsigned bits = width < 16 ? i : random() & 0xffff;
    APFloat value(semantics, llvm::APInt(width, bits));
    if (!value.isFinite())
      continue;
    APFloat next = value;
    next.next(false);
    if (!next.isFinite())
      next = value;
    double a = value.convertToDouble(), b = next.convertToDouble(), tie = (a + b) / 2;
    for (double x : {a, tie, std::nextafter(tie, 1e9), std::nextafter(tie, -1e9),
                     double(std::nextafter(float(tie), 1e9f)), a * 1.5, a * 1.1})
      values.push_back(x);
  }
  for (int i = 0; i < 4000; ++i) {
    uint32_t bits = random();
    float x;
    std::memcpy(&x, &bits, 4);
    values.push_back(x);
  }
  while (values.size() % 16)
    values.push_back(0);
  return values;
}

TEST_P(SmallFloats, WidenExactly) {
  for (const Format &format : formats()) {
    unsigned width = APFloat::semanticsSizeInBits(format.semantics);
    size_t count = size_t(1) << width;
    std::vector<uint8_t> memory(count * width / 8);
    for (size_t i = 0; i < count; ++i) {
      if (width == 4)
        memory[i / 2] |= i << (i % 2 * 4);
      else if (width == 8)
        memory[i] = i;
      else
        memory[2 * i] = i, memory[2 * i + 1] = i >> 8;
    }
    std::vector<float> got(count);
    kernels->run(std::string("from_") + format.type, {memory.data(), got.data()}, {int64_t(count)});
    for (size_t i = 0; i < count; ++i) {
      APFloat exact(format.semantics, llvm::APInt(width, i));
      bool lost;
      exact.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &lost);
      float expected = exact.convertToFloat();
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(got[i])) << format.type << " " << i;
      else
        EXPECT_TRUE(expected == got[i] && std::signbit(expected) == std::signbit(got[i]))
            << format.type << " " << i << ": " << got[i] << ", not " << expected;
    }
  }
}

void checkRounding(const Format &format, const std::vector<double> &x,
                   const std::vector<uint8_t> &memory) {
  unsigned width = APFloat::semanticsSizeInBits(format.semantics);
  int shown = 0;
  for (size_t i = 0; i < x.size() && shown < 5; ++i) {
    APFloat value(x[i]);
    bool lost;
    value.convert(format.semantics, APFloat::rmNearestTiesToEven, &lost);
    unsigned got = elementAt(memory, i, width);
    APFloat result(format.semantics, llvm::APInt(width, got));
    bool hasNan = APFloat::semanticsHasNaN(format.semantics);
    if (std::isnan(x[i]) && !hasNan)
      continue;                      // any value
    if (std::isinf(x[i]) && !hasNan) // neither infinity nor NaN: the largest number
      value = APFloat::getLargest(format.semantics, x[i] < 0);
    unsigned expected = value.bitcastToAPInt().getZExtValue();
    bool equal = value.isNaN() ? result.isNaN() : got == expected;
    shown += !equal;
    EXPECT_TRUE(equal) << format.type << " of " << x[i] << ": " << std::hex << got << ", not "
                       << expected;
  }
}

TEST_P(SmallFloats, RoundSinglesToNearestEven) {
  for (const Format &format : formats()) {
    std::vector<double> x = samples(format.semantics);
    std::vector<float> singles(x.begin(), x.end());
    x.assign(singles.begin(), singles.end());
    std::vector<uint8_t> memory(x.size() * 2);
    kernels->run(std::string("to_") + format.type, {singles.data(), memory.data()},
                 {int64_t(x.size())});
    checkRounding(format, x, memory);
  }
}

TEST_P(SmallFloats, RoundDoublesOnce) {
  for (const Format &format : formats()) {
    std::vector<double> x = samples(format.semantics);
    std::vector<uint8_t> memory(x.size() * 2);
    kernels->run(std::string("down_") + format.type, {x.data(), memory.data()},
                 {int64_t(x.size())});
    checkRounding(format, x, memory);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, SmallFloats,
                         testing::Values("x86-64-v2", "x86-64-v3", "x86-64-v4"));

} // namespace
