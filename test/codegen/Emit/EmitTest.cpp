// Small kernels compiled for this machine and run by the kernel ABI, and for every target, checked.
#include "codegen/Emit/LeafVerifier.h"
#include "test/codegen/Emit/KernelRunner.h"
#include "llvm/Object/ELFObjectFile.h"
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

using namespace longtail;
using test::KernelRunner;

namespace {

const char *kAxpy = R"(
func.func @axpy(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %z: !kernel.buffer<f32>,
                %n: index, %tile: index) {
  %c64 = arith.constant 64 : index
  %c16 = arith.constant 16 : index
  %begin = arith.muli %tile, %c64 : index
  %past = arith.addi %begin, %c64 : index
  %end = arith.minsi %past, %n : index
  %a = arith.constant dense<2.0> : vector<16xf32>
  scf.for %i = %begin to %end step %c16 {
    %left = arith.subi %end, %i : index
    %m = vector.create_mask %left : vector<16xi1>
    %vx = kernel.load %x[%i] mask %m : vector<16xi1>, : !kernel.buffer<f32> -> vector<16xf32>
    %vy = kernel.load %y[%i] mask %m : vector<16xi1>, : !kernel.buffer<f32> -> vector<16xf32>
    %p = arith.mulf %vx, %a fastmath<contract> : vector<16xf32>
    %s = arith.addf %p, %vy fastmath<contract> : vector<16xf32>
    kernel.store %s, %z[%i] mask %m : vector<16xi1>, : vector<16xf32> -> !kernel.buffer<f32>
  }
  return
})";

const char *kGather = R"(
func.func @gather(%x: !kernel.buffer<f32>, %i: !kernel.buffer<si32>, %y: !kernel.buffer<f32>,
                  %n: index, %tile: index) {
  %c8 = arith.constant 8 : index
  %at = arith.muli %tile, %c8 : index
  %v = kernel.load %i[%at] : !kernel.buffer<si32> -> vector<8xi32>
  %o = arith.index_cast %v : vector<8xi32> to vector<8xindex>
  %limit = vector.broadcast %n : index to vector<8xindex>
  %in = arith.cmpi ult, %o, %limit : vector<8xindex>
  %out = arith.cmpi uge, %o, %limit : vector<8xindex>
  kernel.raise 1 if %out : vector<8xi1>
  %g = kernel.gather %x[%o] mask %in : vector<8xi1>, : !kernel.buffer<f32>, vector<8xindex> -> vector<8xf32>
  kernel.store %g, %y[%at] : vector<8xf32> -> !kernel.buffer<f32>
  return
})";

const char *kReduce = R"(
func.func @reduce(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %n: index, %tile: index) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %row = arith.muli %tile, %n : index
  %b = kernel.advance %x[%row] : !kernel.buffer<f32>
  %zero = arith.constant dense<0.0> : vector<8xf32>
  %sum = scf.for %i = %c0 to %n step %c8 iter_args(%a = %zero) -> (vector<8xf32>) {
    kernel.prefetch %b[%i] : !kernel.buffer<f32>
    %v = kernel.load %b[%i] : !kernel.buffer<f32> -> vector<8xf32>
    %s = arith.addf %a, %v : vector<8xf32>
    scf.yield %s : vector<8xf32>
  } {kernel.no_unroll}
  %r = vector.reduction <add>, %sum : vector<8xf32> into f32
  kernel.store %r, %y[%tile] : f32 -> !kernel.buffer<f32>
  return
})";

const char *kScratch = R"(
func.func @scratch(%x: !kernel.buffer<f32>, %p: !kernel.buffer<i1>, %y: !kernel.buffer<f32>,
                   %tile: index) {
  %c0 = arith.constant 0 : index
  %s = kernel.scratch 64 : !kernel.buffer<f32>
  %t = kernel.scratch 128 : !kernel.buffer<f32>
  %z = kernel.zeros 100 : !kernel.buffer<f32>
  %c = kernel.load %p[%tile] : !kernel.buffer<i1> -> i1
  %from = kernel.select %c, %x, %z : !kernel.buffer<f32>
  %v = kernel.load %from[%c0] : !kernel.buffer<f32> -> vector<4xf32>
  kernel.store %v, %s[%c0] : vector<4xf32> -> !kernel.buffer<f32>
  %w = arith.addf %v, %v : vector<4xf32>
  kernel.store %w, %t[%c0] : vector<4xf32> -> !kernel.buffer<f32>
  %a = kernel.load %s[%c0] : !kernel.buffer<f32> -> vector<4xf32>
  %b = kernel.load %t[%c0] : !kernel.buffer<f32> -> vector<4xf32>
  %r = arith.addf %a, %b : vector<4xf32>
  %c4 = arith.constant 4 : index
  %at = arith.muli %tile, %c4 : index
  kernel.store %r, %y[%at] : vector<4xf32> -> !kernel.buffer<f32>
  return
})";

/// Everything the other kernels leave out: types, vector operations, divisions.
const char *kMixed = R"(
func.func @mixed(%x: !kernel.buffer<f64>, %u: !kernel.buffer<ui8>, %h: !kernel.buffer<f16>,
                 %w: !kernel.buffer<bf16>, %l: !kernel.buffer<si64>, %n: index, %tile: index) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %v = kernel.load %h[%c0] : !kernel.buffer<f16> -> vector<16xf16>
  %v2 = arith.mulf %v, %v : vector<16xf16>
  %f = arith.extf %v2 : vector<16xf16> to vector<16xf32>
  %e = math.exp %f : vector<16xf32>
  %b = arith.truncf %e : vector<16xf32> to vector<16xbf16>
  %m = vector.create_mask %n : vector<16xi1>
  kernel.store %b, %w[%c0] mask %m : vector<16xi1>, : vector<16xbf16> -> !kernel.buffer<bf16>
  %lo = vector.extract_strided_slice %f {offsets = [0], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
  %hi = vector.extract_strided_slice %f {offsets = [8], sizes = [8], strides = [1]} : vector<16xf32> to vector<8xf32>
  %il = vector.interleave %lo, %hi : vector<8xf32> -> vector<16xf32>
  %s = vector.shuffle %il, %f [0, 17, 2, 19, 4, 21, 6, 23] : vector<16xf32>, vector<16xf32>
  %one = vector.extract %s[3] : f32 from vector<8xf32>
  %ins = vector.insert %one, %s[0] : f32 into vector<8xf32>
  %d = arith.extf %ins : vector<8xf32> to vector<8xf64>
  %p = math.powf %d, %d : vector<8xf64>
  %rem = arith.remf %p, %d : vector<8xf64>
  %rd = math.roundeven %rem : vector<8xf64>
  %fma = math.fma %rd, %d, %p : vector<8xf64>
  kernel.store %fma, %x[%c0] : vector<8xf64> -> !kernel.buffer<f64>
  %q = kernel.load %u[%c0] : !kernel.buffer<ui8> -> vector<16xi8>
  %q2 = arith.divui %q, %q : vector<16xi8>
  kernel.store %q2, %u[%c0] : vector<16xi8> -> !kernel.buffer<ui8>
  %i = kernel.load %l[%c0] mask %m8 : vector<8xi1>, : !kernel.buffer<si64> -> vector<8xi64>
  %steps = vector.step : vector<8xindex>
  %si = arith.index_cast %steps : vector<8xindex> to vector<8xi64>
  %div = arith.floordivsi %si, %i : vector<8xi64>
  %pw = math.ipowi %div, %si : vector<8xi64>
  kernel.store %pw, %l[%c0] : vector<8xi64> -> !kernel.buffer<si64>
  %sin = math.sin %e : vector<16xf32>
  %tr = arith.truncf %sin : vector<16xf32> to vector<16xf16>
  kernel.store %tr, %h[%c0] : vector<16xf16> -> !kernel.buffer<f16>
  return
})";

std::string mixed() { // the mask of 8 lanes
  std::string text = kMixed;
  std::string marker = "  %i = kernel.load %l";
  text.insert(text.find(marker), "  %m8 = vector.constant_mask [5] : vector<8xi1>\n");
  return text;
}

std::vector<float> iota(size_t n) {
  std::vector<float> values(n);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

class OnTarget : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    if (!target::runsOnHost(machine()))
      GTEST_SKIP() << "this machine does not run code for " << machine().name;
  }
  const target::TargetDescription &machine() { return *target::lookupTarget(GetParam()); }
};

TEST_P(OnTarget, MasksProtectWhatLiesBehind) {
  KernelRunner kernels(kAxpy, machine());
  ASSERT_TRUE(kernels) << kernels.error;
  std::vector<float> x = iota(100), y(100, 0.5f), z(104, -1);
  EXPECT_EQ(kernels.run("axpy", {x.data(), y.data(), z.data()}, {100}, 0, 2), 0);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(z[i], 2 * x[i] + 0.5f) << i;
  for (int i = 100; i < 104; ++i)
    EXPECT_EQ(z[i], -1) << i;
}

TEST_P(OnTarget, TilesAreIndependent) {
  KernelRunner kernels(kAxpy, machine());
  ASSERT_TRUE(kernels) << kernels.error;
  std::vector<float> x = iota(200), y(200), z(200, -1);
  kernels.run("axpy", {x.data(), y.data(), z.data()}, {200}, 1, 3);
  EXPECT_EQ(z[63], -1);
  EXPECT_EQ(z[64], 130);
  EXPECT_EQ(z[191], 384);
  EXPECT_EQ(z[192], -1);
  kernels.run("axpy", {x.data(), y.data(), z.data()}, {200}, 3, 3); // no tiles
  EXPECT_EQ(z[192], -1);
}

TEST_P(OnTarget, GatherRaisesForBadIndices) {
  KernelRunner kernels(kGather, machine());
  ASSERT_TRUE(kernels) << kernels.error;
  std::vector<float> x = iota(10), y(16);
  std::vector<int32_t> index = {0, 9, 3, 3, 1, 2, 4, 8, 5, 5, 5, 5, 5, 5, 5, 5};
  EXPECT_EQ(kernels.run("gather", {x.data(), index.data(), y.data()}, {10}, 0, 2), 0);
  for (int i = 0; i < 16; ++i)
    EXPECT_EQ(y[i], x[index[i]]);
  for (int32_t bad : {10, -1, INT32_MAX, INT32_MIN}) {
    index[2] = bad;
    // The code survives later tiles without an error.
    EXPECT_EQ(kernels.run("gather", {x.data(), index.data(), y.data()}, {10}, 0, 2), 1) << bad;
    EXPECT_EQ(y[2], 0);
    EXPECT_EQ(y[3], 4);
  }
}

TEST_P(OnTarget, ReducesRows) {
  KernelRunner kernels(kReduce, machine());
  ASSERT_TRUE(kernels) << kernels.error;
  std::vector<float> x = iota(64), y(2);
  EXPECT_EQ(kernels.run("reduce", {x.data(), y.data()}, {32}, 0, 2), 0);
  EXPECT_EQ(y[0], 528);
  EXPECT_EQ(y[1], 1552);
}

TEST_P(OnTarget, ScratchZerosAndSelect) {
  KernelRunner kernels(kScratch, machine());
  ASSERT_TRUE(kernels) << kernels.error;
  std::vector<float> x = iota(4), y(8, -1);
  uint8_t p[] = {1, 0};
  alignas(64) float scratch[64];
  std::fill(std::begin(scratch), std::end(scratch), -7.0f);
  EXPECT_EQ(kernels.run("scratch", {x.data(), p, y.data()}, {}, 0, 2, scratch), 0);
  EXPECT_EQ(y, (std::vector<float>{3, 6, 9, 12, 0, 0, 0, 0}));
  EXPECT_EQ(scratch[15], -7); // before the first buffer
}

TEST_P(OnTarget, RaiseKeepsTheHighestCode) {
  KernelRunner kernels(R"(
    func.func @codes(%x: !kernel.buffer<si32>, %tile: index) {
      %v = kernel.load %x[%tile] : !kernel.buffer<si32> -> i32
      %c1 = arith.constant 1 : i32
      %c2 = arith.constant 2 : i32
      %a = arith.cmpi eq, %v, %c1 : i32
      %b = arith.cmpi eq, %v, %c2 : i32
      scf.if %a {
        kernel.raise 3 if %a : i1
      }
      kernel.raise 2 if %b : i1
      return
    })",
                       machine());
  ASSERT_TRUE(kernels) << kernels.error;
  std::vector<int32_t> x = {0, 1, 2, 0};
  EXPECT_EQ(kernels.run("codes", {x.data()}, {}, 0, 1), 0);
  EXPECT_EQ(kernels.run("codes", {x.data()}, {}, 0, 4), 3);
  EXPECT_EQ(kernels.run("codes", {x.data()}, {}, 2, 4), 2);
}

TEST_P(OnTarget, BitsAreBytes) {
  KernelRunner kernels(R"(
    func.func @bits(%x: !kernel.buffer<i1>, %y: !kernel.buffer<i1>, %n: index, %tile: index) {
      %c0 = arith.constant 0 : index
      %m = vector.create_mask %n : vector<8xi1>
      %v = kernel.load %x[%c0] mask %m : vector<8xi1>, : !kernel.buffer<i1> -> vector<8xi1>
      %t = arith.constant dense<true> : vector<8xi1>
      %r = arith.xori %v, %t : vector<8xi1>
      kernel.store %r, %y[%c0] mask %m : vector<8xi1>, : vector<8xi1> -> !kernel.buffer<i1>
      %c8 = arith.constant 8 : index
      %s = kernel.load %x[%c8] : !kernel.buffer<i1> -> i1
      kernel.store %s, %y[%c8] : i1 -> !kernel.buffer<i1>
      return
    })",
                       machine());
  ASSERT_TRUE(kernels) << kernels.error;
  std::vector<uint8_t> x = {1, 0, 1, 1, 0, 0, 1, 1, 1}, y(9, 77);
  kernels.run("bits", {x.data(), y.data()}, {6});
  EXPECT_EQ(y, (std::vector<uint8_t>{0, 1, 0, 0, 1, 1, 77, 77, 1}));
}

TEST_P(OnTarget, PackedNibbles) {
  KernelRunner kernels(R"(
    func.func @nibbles(%x: !kernel.buffer<si4>, %y: !kernel.buffer<si32>, %z: !kernel.buffer<ui4>,
                       %n: index, %tile: index) {
      %c1 = arith.constant 1 : index
      %m = vector.create_mask %n : vector<8xi1>
      %v = kernel.load %x[%c1] mask %m : vector<8xi1>, : !kernel.buffer<si4> -> vector<8xi4>
      %w = arith.extsi %v : vector<8xi4> to vector<8xi32>
      %c0 = arith.constant 0 : index
      kernel.store %w, %y[%c0] : vector<8xi32> -> !kernel.buffer<si32>
      kernel.store %v, %z[%c0] mask %m : vector<8xi1>, : vector<8xi4> -> !kernel.buffer<ui4>
      %s = kernel.load %x[%c0] : !kernel.buffer<si4> -> i4
      %c7 = arith.constant 7 : index
      kernel.store %s, %z[%c7] : i4 -> !kernel.buffer<ui4>
      return
    })",
                       machine());
  ASSERT_TRUE(kernels) << kernels.error;
  std::vector<uint8_t> x = {0x21, 0x83, 0xf4, 0x00}; // elements 1 2 3 -8 4 -1 0 0
  std::vector<uint8_t> z(4, 0x55);
  std::vector<int32_t> y(8);
  kernels.run("nibbles", {x.data(), y.data(), z.data()}, {5});
  EXPECT_EQ(y, (std::vector<int32_t>{2, 3, -8, 4, -1, 0, 0, 0}));
  EXPECT_EQ(z, (std::vector<uint8_t>{0x32, 0x48, 0x5f, 0x15}));
}

TEST_P(OnTarget, IntegerDivisionNeverTraps) {
  KernelRunner kernels(R"(
    func.func @divide(%x: !kernel.buffer<si32>, %y: !kernel.buffer<si32>, %q: !kernel.buffer<si32>,
                      %r: !kernel.buffer<si32>, %tile: index) {
      %c0 = arith.constant 0 : index
      %a = kernel.load %x[%c0] : !kernel.buffer<si32> -> vector<4xi32>
      %b = kernel.load %y[%c0] : !kernel.buffer<si32> -> vector<4xi32>
      %d = arith.divsi %a, %b : vector<4xi32>
      %m = arith.remsi %a, %b : vector<4xi32>
      kernel.store %d, %q[%c0] : vector<4xi32> -> !kernel.buffer<si32>
      kernel.store %m, %r[%c0] : vector<4xi32> -> !kernel.buffer<si32>
      return
    })",
                       machine());
  ASSERT_TRUE(kernels) << kernels.error;
  std::vector<int32_t> x = {7, INT32_MIN, -7, 5}, y = {2, -1, 2, 0}, q(4), r(4);
  kernels.run("divide", {x.data(), y.data(), q.data(), r.data()}, {});
  EXPECT_EQ(q[0], 3);
  EXPECT_EQ(q[1], INT32_MIN);
  EXPECT_EQ(q[2], -3);
  EXPECT_EQ(r[0], 1);
  EXPECT_EQ(r[1], 0);
  EXPECT_EQ(r[2], -1);
}

TEST_P(OnTarget, MixedKernelRuns) {
  KernelRunner kernels(mixed(), machine());
  ASSERT_TRUE(kernels) << kernels.error;
  std::vector<double> x(8);
  std::vector<uint8_t> u(16, 9);
  std::vector<uint16_t> h(16, 0x3e00), w(16, 0x1234); // f16 1.5
  std::vector<int64_t> l(8, 2);
  EXPECT_EQ(kernels.run("mixed", {x.data(), u.data(), h.data(), w.data(), l.data()}, {3}), 0);
  EXPECT_EQ(w[2], 0x4118); // e^2.25 = 9.4877 as bf16: 9.5
  EXPECT_EQ(w[3], 0x1234);
  double p = std::pow(2.25, 2.25);
  EXPECT_DOUBLE_EQ(x[0], std::rint(std::fmod(p, 2.25)) * 2.25 + p);
  EXPECT_EQ(u, std::vector<uint8_t>(16, 1));
  EXPECT_EQ(l[2], 1);      // (2 / 2) ^ 2
  EXPECT_EQ(l[4], 16);     // (4 / 2) ^ 4
  EXPECT_EQ(h[0], 0xac07); // sin(e^2.25) = -0.06293 as f16
}

INSTANTIATE_TEST_SUITE_P(Targets, OnTarget, testing::Values("x86-64-v2", "x86-64-v3", "x86-64-v4"));

std::string all() { return std::string(kAxpy) + kGather + kReduce + kScratch + mixed(); }

TEST(EmitCode, StandsForItselfOnEveryTarget) {
  for (const target::TargetDescription &machine : target::allTargets()) {
    emit::EmitOptions options;
    options.keepObjects = options.keepAssembly = true;
    KernelRunner kernels(all(), machine, options);
    ASSERT_TRUE(kernels) << machine.name << ": " << kernels.error;
    EXPECT_EQ(kernels.image.entries.size(), 5u);
    for (const emit::LeafReport &report :
         emit::verifyLeaves(kernels.image.assemblyText, llvm::Triple(machine.triple).getArch()))
      EXPECT_TRUE(report.undefinedCalls.empty())
          << machine.name << ": " << report.kernel << " calls " << report.undefinedCalls.front();
    // No relocation of the objects is left for somebody else, and none of them is undefined.
    for (const std::string &object : kernels.image.objects) {
      auto file = llvm::object::ObjectFile::createELFObjectFile({object, "kernels"});
      ASSERT_TRUE(bool(file));
      for (const auto &symbol : (*file)->symbols())
        if (*symbol.getFlags() & llvm::object::SymbolRef::SF_Undefined) {
          EXPECT_EQ(*symbol.getName(), "") << machine.name;
        }
    }
  }
}

TEST(EmitCode, IsDeterministic) {
  const target::TargetDescription &machine = *target::lookupTarget("x86-64-v3");
  emit::EmitOptions one, two;
  one.threads = 1;
  two.threads = 2;
  KernelRunner a(all(), machine, one), b(all(), machine, two);
  EXPECT_EQ(a.image.bytes, b.image.bytes);
  ASSERT_EQ(a.image.entries.size(), b.image.entries.size());
  for (size_t i = 0; i < a.image.entries.size(); ++i) {
    EXPECT_EQ(a.image.entries[i].name, b.image.entries[i].name);
    EXPECT_EQ(a.image.entries[i].offset, b.image.entries[i].offset);
  }
}

TEST(EmitCode, UnrollingCanBeTurnedOff) {
  emit::EmitOptions options;
  options.keepOptimized = true;
  KernelRunner kernels(kReduce, *target::lookupTarget("x86-64-v3"), options);
  ASSERT_TRUE(kernels);
  EXPECT_NE(kernels.image.optimizedText.find("llvm.loop.unroll.disable"), std::string::npos);
  std::string text = kernels.image.optimizedText;
  size_t count = 0;
  for (size_t at = text.find("fadd <8 x float>"); at != std::string::npos;
       at = text.find("fadd <8 x float>", at + 1))
    ++count;
  EXPECT_EQ(count, 1u);
}

TEST(EmitCode, ContractsWhereAllowed) {
  emit::EmitOptions options;
  options.keepAssembly = true;
  auto assembly = [&](std::string text, const char *machine) {
    return KernelRunner(text, *target::lookupTarget(machine), options).image.assemblyText;
  };
  EXPECT_NE(assembly(kAxpy, "x86-64-v3").find("vfmadd"), std::string::npos);
  EXPECT_EQ(assembly(kAxpy, "x86-64-v2").find("fma"), std::string::npos);
  std::string strict = kAxpy;
  for (std::string flag = " fastmath<contract>"; strict.find(flag) != std::string::npos;)
    strict.erase(strict.find(flag), flag.size());
  strict.replace(strict.find("dense<2.0>"), 10, "dense<3.0>"); // 2 x is a sum
  EXPECT_EQ(assembly(strict, "x86-64-v3").find("vfmadd"), std::string::npos);
  EXPECT_NE(assembly(strict, "x86-64-v3").find("vmulps"), std::string::npos);
}

TEST(EmitCode, LoopsDoNotBecomeLibraryCalls) {
  KernelRunner kernels(R"(
    func.func @fill(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %n: index, %tile: index) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %z = arith.constant 0.0 : f32
      scf.for %i = %c0 to %n step %c1 {
        kernel.store %z, %x[%i] : f32 -> !kernel.buffer<f32>
      }
      scf.for %i = %c0 to %n step %c1 {
        %v = kernel.load %x[%i] : !kernel.buffer<f32> -> f32
        kernel.store %v, %y[%i] : f32 -> !kernel.buffer<f32>
      }
      return
    })",
                       *target::lookupTarget("x86-64-v3"));
  EXPECT_TRUE(kernels) << kernels.error;
}

TEST(EmitCode, ConstantsOfSmallFloats) {
  KernelRunner kernels(R"(
    func.func @constants(%x: !kernel.buffer<f8E4M3FN>, %y: !kernel.buffer<bf16>, %tile: index) {
      %c0 = arith.constant 0 : index
      %a = arith.constant dense<1.5> : vector<4xf8E4M3FN>
      %one = arith.constant 1.0 : f8E4M3FN
      %b = vector.broadcast %one : f8E4M3FN to vector<4xf8E4M3FN>
      %s = arith.addf %a, %b : vector<4xf8E4M3FN>
      %m = arith.cmpf ogt, %s, %a : vector<4xf8E4M3FN>
      %r = arith.select %m, %s, %a : vector<4xi1>, vector<4xf8E4M3FN>
      kernel.store %r, %x[%c0] : vector<4xf8E4M3FN> -> !kernel.buffer<f8E4M3FN>
      %w = arith.extf %r : vector<4xf8E4M3FN> to vector<4xbf16>
      %sum = vector.reduction <add>, %w : vector<4xbf16> into bf16
      kernel.store %sum, %y[%c0] : bf16 -> !kernel.buffer<bf16>
      return
    })",
                       target::hostTarget());
  ASSERT_TRUE(kernels) << kernels.error;
  std::vector<uint8_t> x(4);
  uint16_t y = 0;
  kernels.run("constants", {x.data(), &y}, {});
  EXPECT_EQ(x, std::vector<uint8_t>(4, 0x42)); // 2.5
  EXPECT_EQ(y, 0x4120);                        // 10
}

TEST(EmitCode, NamesWhatIsUndefined) {
  KernelRunner kernels(R"(
    func.func private @elsewhere(f32) -> f32
    func.func @caller(%x: !kernel.buffer<f32>, %tile: index) {
      %v = kernel.load %x[%tile] : !kernel.buffer<f32> -> f32
      %r = func.call @elsewhere(%v) : (f32) -> f32
      kernel.store %r, %x[%tile] : f32 -> !kernel.buffer<f32>
      return
    })",
                       *target::lookupTarget("x86-64-v3"));
  EXPECT_FALSE(kernels);
  EXPECT_NE(kernels.error.find("'elsewhere'"), std::string::npos) << kernels.error;
}

TEST(EmitCode, RefusesWhatIsNoKernel) {
  const target::TargetDescription &machine = *target::lookupTarget("x86-64-v3");
  KernelRunner noTile("func.func @f(%x: !kernel.buffer<f32>) {\n return\n}", machine);
  EXPECT_FALSE(noTile);
  EXPECT_NE(noTile.error.find("'f' is not a kernel"), std::string::npos) << noTile.error;
  KernelRunner results("func.func @g(%t: index) -> index {\n return %t : index\n}", machine);
  EXPECT_FALSE(results);
  EXPECT_NE(results.error.find("'g' is not a kernel"), std::string::npos) << results.error;
  KernelRunner math("func.func @h(%x: !kernel.buffer<f32>, %t: index) {\n"
                    "%c = arith.constant dense<1.0> : vector<2x4xf32>\n"
                    "%r = math.exp %c : vector<2x4xf32>\nreturn\n}",
                    machine);
  EXPECT_FALSE(math);
  EXPECT_NE(math.error.find("one fixed dimension"), std::string::npos) << math.error;
}

TEST(EmitCode, NoKernelsIsAnEmptyImage) {
  KernelRunner kernels("module {}", *target::lookupTarget("x86-64-v3"));
  EXPECT_TRUE(kernels.image.bytes.empty());
  EXPECT_TRUE(kernels.error.empty()) << kernels.error;
}

} // namespace
