#include "codegen/Emit/LeafVerifier.h"
#include "test/codegen/Emit/KernelRunner.h"
#include <gtest/gtest.h>

using namespace longtail;

TEST(LeafVerifier, FindsCallsAndSpillsInInnermostLoops) {
  const char *assembly = "\t.type\ta,@function\n"
                         "a:\n"
                         "\tvmovups\t%zmm0, 64(%rsp)\n" // outside of loops: no matter
                         ".LBB0_1:\n"
                         "\tvmovups\t%zmm3, 64(%rsp)\n" // in an outer loop: no matter
                         ".LBB0_2:\n"
                         "\tvmovups\t64(%rsp), %zmm1\n"
                         "\tmovq\t8(%rsp), %rax\n" // no vector
                         "\tcallq\tfmaf@PLT\n"
                         "\tcallq\tfmaf@PLT\n"
                         "\tcallq\tb\n"
                         "\tjne\t.LBB0_2\n"
                         "\tjne\t.LBB0_1\n"
                         "\tretq\n"
                         ".Lfunc_end0:\n"
                         "\t.type\tb,@function\n"
                         "b:\n"
                         "\tjmp\tmemcpy\n"
                         ".Lfunc_end1:\n";
  auto reports = emit::verifyLeaves(assembly);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].kernel, "a");
  EXPECT_EQ(reports[0].undefinedCalls, std::vector<std::string>{"fmaf"});
  EXPECT_EQ(reports[0].loops.size(), 1u);
  EXPECT_EQ(reports[0].stackTraffic(), std::vector<std::string>{"vmovups\t64(%rsp), %zmm1"});
  EXPECT_EQ(reports[1].undefinedCalls, std::vector<std::string>{"memcpy"});
  EXPECT_EQ(reports[1].loops.size(), 0u);
}

TEST(LeafVerifier, ReadsTheOtherArchitectures) {
  const char *arm = "\t.type\ta,@function\n"
                    "a:\n"
                    "\tstp\tq0, q1, [sp, #32]\n" // outside of loops: no matter
                    ".LBB0_1:\n"
                    "\tldr\tq0, [sp, #32]           // 16-byte reload\n"
                    "\tldr\tx9, [sp, #8]\n"
                    "\tldr\tq2, [x9, #16]\n"
                    "\tfmla\tv1.4s, v2.4s, v0.s[0]\n"
                    "\tsdot\tv3.4s, v2.16b, v0.4b[1]\n"
                    "\ttbz\tw8, #0, .LBB0_1\n"
                    "\tbl\texpf\n"
                    ".LBB0_2:\n"
                    "\tfadd\ts0, s0, s1\n"
                    "\tb.ne\t.LBB0_2\n"
                    "\tret\n"
                    ".Lfunc_end0:\n";
  auto reports = emit::verifyLeaves(arm, llvm::Triple::aarch64);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].undefinedCalls, std::vector<std::string>{"expf"});
  ASSERT_EQ(reports[0].loops.size(), 2u);
  EXPECT_EQ(reports[0].loops[0].stackTraffic, std::vector<std::string>{"ldr\tq0, [sp, #32]"});
  EXPECT_EQ(reports[0].loops[0].multiplyAdds, 2u);
  EXPECT_EQ(reports[0].loops[0].vectors, 4u);
  EXPECT_FALSE(reports[0].loops[0].isScalar());
  EXPECT_TRUE(reports[0].loops[1].isScalar());

  const char *riscv = "\t.type\tk0,@function\n"
                      "k0:\n"
                      ".LBB0_1:\n"
                      "\tvsetivli\tzero, 16, e32, m4, ta, ma\n"
                      "\tvl4r.v\tv8, (a4)                      # vscale x 32-byte reload\n"
                      "\tvle32.v\tv12, (a5)\n"
                      "\tvfmacc.vf\tv8, fa5, v12\n"
                      "\tbne\ta5, s0, .LBB0_1\n"
                      "\ttail\tmemcpy\n"
                      ".LBB0_2:\n"
                      "\tflw\tfa5, 0(a1)\n"
                      "\tfmadd.s\tfa4, fa5, fa5, fa4\n"
                      "\tbnez\ta1, .LBB0_2\n"
                      ".Lfunc_end0:\n";
  reports = emit::verifyLeaves(riscv, llvm::Triple::riscv64);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].undefinedCalls, std::vector<std::string>{"memcpy"});
  ASSERT_EQ(reports[0].loops.size(), 2u);
  EXPECT_EQ(reports[0].loops[0].stackTraffic, std::vector<std::string>{"vl4r.v\tv8, (a4)"});
  EXPECT_EQ(reports[0].loops[0].configurations, 1u);
  EXPECT_EQ(reports[0].loops[0].multiplyAdds, 1u);
  EXPECT_TRUE(reports[0].loops[1].isScalar());
}

namespace {

/// A loop over k that keeps `count` accumulators of 16 lanes.
std::string accumulators(int count) {
  std::string text = "func.func @k(%x: !kernel.buffer<f32>, %y: !kernel.buffer<f32>, %n: index, "
                     "%tile: index) {\n"
                     "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n"
                     "%z = arith.constant dense<0.0> : vector<16xf32>\n";
  std::string names, starts, types, yields, body, stores;
  for (int i = 0; i < count; ++i) {
    std::string n = std::to_string(i), comma = i ? ", " : "";
    text += "%o" + n + " = arith.constant " + std::to_string(i * 16) + " : index\n";
    starts += comma + "%a" + n + " = %z";
    types += comma + "vector<16xf32>";
    body += "%p" + n + " = arith.addi %k, %o" + n + " : index\n%v" + n + " = kernel.load %x[%p" +
            n + "] : !kernel.buffer<f32> -> vector<16xf32>\n%s" + n + " = vector.fma %v" + n +
            ", %v" + n + ", %a" + n + " : vector<16xf32>\n";
    yields += comma + "%s" + n;
    stores +=
        "kernel.store %r#" + n + ", %y[%o" + n + "] : vector<16xf32> -> !kernel.buffer<f32>\n";
  }
  return text + "%r:" + std::to_string(count) + " = scf.for %k = %c0 to %n step %c1 iter_args(" +
         starts + ") -> (" + types + ") {\n" + body + "scf.yield " + yields + " : " + types +
         "\n} {kernel.no_unroll}\n" + stores + "return\n}\n";
}

emit::LeafReport reportOf(int count) {
  emit::EmitOptions options;
  options.keepAssembly = true;
  test::KernelRunner kernels(accumulators(count), *target::lookupTarget("x86-64-v4"), options);
  EXPECT_TRUE(kernels) << kernels.error;
  auto reports = emit::verifyLeaves(kernels.image.assemblyText);
  EXPECT_EQ(reports.size(), 1u);
  return reports.at(0);
}

} // namespace

TEST(LeafVerifier, RegisterTilesStayInRegisters) {
  emit::LeafReport report = reportOf(24);
  EXPECT_GE(report.loops.size(), 1u);
  EXPECT_TRUE(report.stackTraffic().empty()) << report.stackTraffic().front();
  EXPECT_TRUE(report.undefinedCalls.empty());
}

TEST(LeafVerifier, TooManyAccumulatorsAreNoticed) {
  EXPECT_FALSE(reportOf(40).stackTraffic().empty());
}
