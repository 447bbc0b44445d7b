// Every function against the C library in a wider type: f32 against double, f64 against long
// double. Bounds are in units in the last place. Sampled: all exponents and signs evenly, the range
// where the function is interesting densely, and the special values.
#include "test/codegen/Emit/KernelRunner.h"
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <random>

using namespace longtail;
using Long = long double;

namespace {

struct Case {
  const char *op;
  std::function<Long(Long)> exact;
  double low, high; // the dense range
  double bound32, bound64;
};

const Case kCases[] = {
    {"exp", [](Long x) { return expl(x); }, -104, 89, 2, 2},
    {"exp2", [](Long x) { return exp2l(x); }, -150, 128, 2, 2},
    {"expm1", [](Long x) { return expm1l(x); }, -20, 20, 3, 3},
    {"log", [](Long x) { return logl(x); }, 0.3, 4, 2, 2},
    {"log2", [](Long x) { return log2l(x); }, 0.3, 4, 3, 3},
    {"log10", [](Long x) { return log10l(x); }, 0.3, 4, 3, 3},
    {"log1p", [](Long x) { return log1pl(x); }, -0.9, 4, 3, 3},
    {"tanh", [](Long x) { return tanhl(x); }, -10, 10, 3, 4},
    {"erf", [](Long x) { return erfl(x); }, -6, 6, 4, 4},
    {"erfc", [](Long x) { return erfcl(x); }, -6, 27, 1, 4},
    {"sin", [](Long x) { return sinl(x); }, -100, 100, 2, 3},
    {"cos", [](Long x) { return cosl(x); }, -100, 100, 2, 3},
    {"tan", [](Long x) { return tanl(x); }, -100, 100, 1, 4},
    {"asin", [](Long x) { return asinl(x); }, -1, 1, 1, 3},
    {"acos", [](Long x) { return acosl(x); }, -1, 1, 1, 3},
    {"atan", [](Long x) { return atanl(x); }, -10, 10, 1, 3},
    {"sinh", [](Long x) { return sinhl(x); }, -5, 5, 1, 3},
    {"cosh", [](Long x) { return coshl(x); }, -5, 5, 1, 3},
    {"asinh", [](Long x) { return asinhl(x); }, -5, 5, 1, 4},
    {"acosh", [](Long x) { return acoshl(x); }, 1, 5, 1, 4},
    {"atanh", [](Long x) { return atanhl(x); }, -1, 1, 1, 4},
    {"cbrt", [](Long x) { return cbrtl(x); }, -10, 10, 1, 2},
    {"sqrt", [](Long x) { return sqrtl(x); }, 0, 10, 0.51, 0.51},
    {"rsqrt", [](Long x) { return 1 / sqrtl(x); }, 0, 10, 1.5, 1.5},
    {"floor", [](Long x) { return floorl(x); }, -10, 10, 0, 0},
    {"ceil", [](Long x) { return ceill(x); }, -10, 10, 0, 0},
    {"trunc", [](Long x) { return truncl(x); }, -10, 10, 0, 0},
    {"round", [](Long x) { return roundl(x); }, -10, 10, 0, 0},
    {"roundeven", [](Long x) { return rintl(x); }, -10, 10, 0, 0},
    {"absf", [](Long x) { return fabsl(x); }, -10, 10, 0, 0},
};

struct Case2 {
  const char *op;
  std::function<Long(Long, Long)> exact;
  double bound32, bound64;
};

const Case2 kCases2[] = {
    {"math.powf", [](Long x, Long y) { return powl(x, y); }, 1, 3},
    {"math.atan2", [](Long x, Long y) { return atan2l(x, y); }, 1, 3},
    {"arith.remf", [](Long x, Long y) { return fmodl(x, y); }, 0, 0},
    {"math.copysign", [](Long x, Long y) { return copysignl(x, y); }, 0, 0},
};

template <typename T> std::string typeName() { return sizeof(T) == 4 ? "f32" : "f64"; }

/// A kernel that applies `op` to each of n elements (a multiple of `lanes`).
std::string kernelText(const std::string &name, const std::string &op, const std::string &element,
                       int operands, int lanes) {
  std::string type = lanes > 1 ? "vector<" + std::to_string(lanes) + "x" + element + ">" : element;
  std::string buffer = "!kernel.buffer<" + element + ">";
  std::string text = "func.func @" + name + "(%x: " + buffer + ", %y: " + buffer +
                     ", %z: " + buffer +
                     ", %n: index, %tile: index) {\n"
                     "  %c0 = arith.constant 0 : index\n  %step = arith.constant " +
                     std::to_string(lanes) + " : index\n  scf.for %i = %c0 to %n step %step {\n";
  text += "    %a = kernel.load %x[%i] : " + buffer + " -> " + type + "\n";
  if (operands == 2)
    text += "    %b = kernel.load %y[%i] : " + buffer + " -> " + type + "\n";
  text += "    %r = " + op + " %a" + (operands == 2 ? ", %b" : "") + " : " + type + "\n";
  text += "    kernel.store %r, %z[%i] : " + type + " -> " + buffer + "\n  }\n  return\n}\n";
  return text;
}

/// All exponents and signs with random mantissas, and special values.
template <typename T> std::vector<T> sampleEverywhere(size_t count, unsigned seed) {
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  std::mt19937_64 random(seed);
  using Limits = std::numeric_limits<T>;
  std::vector<T> values = {0,
                           -T(0),
                           1,
                           -1,
                           2,
                           -2,
                           3,
                           -3,
                           T(0.5),
                           T(-0.5),
                           Limits::infinity(),
                           -Limits::infinity(),
                           Limits::quiet_NaN(),
                           Limits::max(),
                           -Limits::max(),
                           Limits::min(),
                           -Limits::min(),
                           Limits::denorm_min(),
                           -Limits::denorm_min(),
                           Limits::epsilon(),
                           T(M_PI),
                           T(M_PI / 2),
                           T(1e22),
                           T(1e6),
                           T(4e15),
                           T(0.70710678118654752),
                           T(1e-20)};
  while (values.size() < count) {
    Bits bits = Bits(random());
    T value;
    std::memcpy(&value, &bits, sizeof value);
    values.push_back(value);
  }
  return values;
}

template <typename T> void sampleRange(std::vector<T> &values, double low, double high, size_t n) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(low, high);
  for (size_t i = 0; i < n; ++i)
    values.push_back(T(uniform(random)));
  while (values.size() % 16)
    values.push_back(T(low));
}

/// |got - exact| in units in the last place of the exact result; 0 for equal special values.
template <typename T> double ulps(T got, Long exact) {
  T rounded = T(exact);
  if (std::isnan(got) || std::isnan(rounded))
    return std::isnan(got) && std::isnan(rounded) ? 0 : 1e30;
  if (got == rounded)
    return rounded == 0 && std::signbit(got) != std::signbit(rounded) ? 1e20 : 0.0;
  if (std::isinf(got) || std::isinf(rounded)) {
    // Overflow may begin a little early or late.
    T largest = std::numeric_limits<T>::max();
    bool near = std::isinf(got) ? std::abs(rounded) == largest : std::abs(got) == largest;
    return near && std::signbit(got) == std::signbit(rounded) ? 1 : 1e30;
  }
  int exponent;
  std::frexp(rounded, &exponent);
  int digits = std::numeric_limits<T>::digits;
  exponent = std::max(exponent, std::numeric_limits<T>::min_exponent);
  return double(std::abs(Long(got) - exact) / ldexpl(1.0L, exponent - digits));
}

struct Worst {
  double ulps = 0;
  double x = 0, y = 0, got = 0;
  double exact = 0;
};

std::ostream &operator<<(std::ostream &out, const Worst &w) {
  return out << w.ulps << " ulp at " << std::hexfloat << w.x << ", " << w.y << ": got " << w.got
             << ", exact " << w.exact << std::defaultfloat;
}

constexpr size_t kSamples = 1 << 19;

class MathFunctions : public testing::TestWithParam<std::tuple<std::string, int>> {
protected:
  const target::TargetDescription &machine() {
    return *target::lookupTarget(std::get<0>(GetParam()));
  }
  int lanes() { return std::get<1>(GetParam()); }
  std::string text;
};

template <typename T> void checkUnary(test::KernelRunner &kernels, size_t samples) {
  for (const Case &c : kCases) {
    std::vector<T> x = sampleEverywhere<T>(samples, 1);
    sampleRange(x, c.low, c.high, samples);
    std::vector<T> z(x.size());
    kernels.run(std::string(c.op) + "_" + typeName<T>(), {x.data(), x.data(), z.data()},
                {int64_t(x.size())});
    Worst worst;
    for (size_t i = 0; i < x.size(); ++i) {
      Long exact = c.exact(x[i]);
      double error = ulps(z[i], exact);
      if (error > worst.ulps)
        worst = {error, double(x[i]), 0, double(z[i]), double(exact)};
    }
    if (getenv("LONGTAIL_SHOW_ULPS"))
      std::cerr << c.op << " " << typeName<T>() << " " << worst << "\n";
    EXPECT_LE(worst.ulps, sizeof(T) == 4 ? c.bound32 : c.bound64)
        << c.op << " " << typeName<T>() << ": " << worst;
  }
}

template <typename T> void checkBinary(test::KernelRunner &kernels, size_t samples) {
  for (const Case2 &c : kCases2) {
    std::vector<T> x = sampleEverywhere<T>(samples, 2), y = sampleEverywhere<T>(samples, 3);
    // Every pair of special values.
    std::vector<T> special = sampleEverywhere<T>(27, 4);
    for (T a : special)
      for (T b : special) {
        x.push_back(a);
        y.push_back(b);
      }
    // Moderate pairs; integers among the exponents.
    std::mt19937_64 random(5);
    std::uniform_real_distribution<double> uniform(-20, 20);
    for (size_t i = 0; i < samples; ++i) {
      x.push_back(T(uniform(random)));
      y.push_back(T(i % 2 ? uniform(random) : std::round(uniform(random))));
    }
    while (x.size() % 16) {
      x.push_back(1);
      y.push_back(1);
    }
    std::vector<T> z(x.size());
    std::string name = std::string(c.op).substr(std::string(c.op).find('.') + 1);
    kernels.run(name + "_" + typeName<T>(), {x.data(), y.data(), z.data()}, {int64_t(x.size())});
    Worst worst;
    for (size_t i = 0; i < x.size(); ++i) {
      Long exact = c.exact(x[i], y[i]);
      double error = ulps(z[i], exact);
      if (error > worst.ulps)
        worst = {error, double(x[i]), double(y[i]), double(z[i]), double(exact)};
    }
    if (getenv("LONGTAIL_SHOW_ULPS"))
      std::cerr << c.op << " " << typeName<T>() << " " << worst << "\n";
    EXPECT_LE(worst.ulps, sizeof(T) == 4 ? c.bound32 : c.bound64)
        << c.op << " " << typeName<T>() << ": " << worst;
  }
}

TEST_P(MathFunctions, AreAccurate) {
  if (!target::runsOnHost(machine()))
    GTEST_SKIP() << "this machine does not run code for " << machine().name;
  for (const char *element : {"f32", "f64"}) {
    for (const Case &c : kCases)
      text += kernelText(std::string(c.op) + "_" + element, std::string("math.") + c.op, element, 1,
                         lanes());
    for (const Case2 &c : kCases2)
      text += kernelText(std::string(c.op).substr(std::string(c.op).find('.') + 1) + "_" + element,
                         c.op, element, 2, lanes());
  }
  test::KernelRunner kernels(text, machine());
  ASSERT_TRUE(kernels) << kernels.error;
  size_t samples = lanes() == 16 ? kSamples : kSamples / 16;
  checkUnary<float>(kernels, samples);
  checkUnary<double>(kernels, samples);
  checkBinary<float>(kernels, samples);
  checkBinary<double>(kernels, samples);
}

INSTANTIATE_TEST_SUITE_P(Targets, MathFunctions,
                         testing::Values(std::tuple("x86-64-v2", 4), std::tuple("x86-64-v3", 8),
                                         std::tuple("x86-64-v4", 16), std::tuple("x86-64-v3", 1)));

} // namespace
