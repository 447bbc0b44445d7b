#include "codegen/Target/Target.h"
#include "longtail/artifact.h"
#include <gtest/gtest.h>

using namespace longtail;
using target::TargetDescription;

TEST(Target, RowsAreFoundByName) {
  for (const TargetDescription &row : target::allTargets())
    EXPECT_EQ(target::lookupTarget(row.name), &row);
  EXPECT_EQ(target::lookupTarget("x86-64"), nullptr);
  EXPECT_EQ(target::lookupTarget(""), nullptr);
}

TEST(Target, FactsOfTheX86Levels) {
  const TargetDescription &v2 = *target::lookupTarget("x86-64-v2");
  const TargetDescription &v3 = *target::lookupTarget("x86-64-v3");
  const TargetDescription &v4 = *target::lookupTarget("x86-64-v4");
  EXPECT_EQ(v2.vectorBytes, 16);
  EXPECT_EQ(v3.vectorBytes, 32);
  EXPECT_EQ(v4.vectorBytes, 64);
  EXPECT_EQ(v3.registers, 16);
  EXPECT_EQ(v4.registers, 32);
  EXPECT_TRUE(v4.masks);
  EXPECT_FALSE(v3.masks);
  EXPECT_FALSE(v2.fma);
  EXPECT_TRUE(v3.hasFeature("avx2"));
  EXPECT_FALSE(v3.hasFeature("avx512f"));
  EXPECT_FALSE(v2.hasFeature("sse4")); // whole names only
  // A machine that a higher level runs on runs the lower ones.
  EXPECT_EQ(v2.featureMask & v3.featureMask, v2.featureMask);
  EXPECT_EQ(v3.featureMask & v4.featureMask, v3.featureMask);
  EXPECT_LT(v2.priority, v3.priority);
  EXPECT_LT(v3.priority, v4.priority);
  EXPECT_EQ(v4.arch, uint32_t(LT_ARCH_X86_64));
  // The same with products of bytes.
  const TargetDescription &v3Bytes = *target::lookupTarget("x86-64-v3+vnni");
  const TargetDescription &v4Bytes = *target::lookupTarget("x86-64-v4+vnni");
  EXPECT_EQ(v3Bytes.featureMask, v3.featureMask | LT_X86_AVXVNNI);
  EXPECT_EQ(v4Bytes.featureMask, v4.featureMask | LT_X86_AVX512VNNI);
  EXPECT_LT(v3.priority, v3Bytes.priority);
  EXPECT_LT(v3Bytes.priority, v4.priority);
  EXPECT_LT(v4.priority, v4Bytes.priority);
  EXPECT_EQ(v4Bytes.vectorBytes, 64);
}

TEST(Target, FactsOfTheOtherArchitectures) {
  const TargetDescription &arm = *target::lookupTarget("aarch64");
  const TargetDescription &newer = *target::lookupTarget("armv8.2-a+fp16+dotprod");
  const TargetDescription &riscv = *target::lookupTarget("riscv64");
  EXPECT_EQ(arm.arch, uint32_t(LT_ARCH_AARCH64));
  EXPECT_EQ(arm.featureMask, 0u); // every processor of the architecture runs it
  EXPECT_EQ(newer.featureMask, uint64_t(LT_ARM_DOTPROD | LT_ARM_FP16));
  EXPECT_LT(arm.priority, newer.priority);
  EXPECT_EQ(arm.vectorBytes * arm.registers, 512);
  EXPECT_EQ(riscv.arch, uint32_t(LT_ARCH_RISCV64));
  EXPECT_EQ(riscv.featureMask, uint64_t(LT_RISCV_V));
  EXPECT_EQ(riscv.vectorBytes * riscv.registers, 512); // 32 registers of 128 bits in groups
  const TargetDescription &longer = *target::lookupTarget("riscv64-vlen256");
  EXPECT_EQ(longer.featureMask, uint64_t(LT_RISCV_V | LT_RISCV_VLEN256));
  EXPECT_EQ(longer.vectorBytes * longer.registers, 1024);
  const TargetDescription &longest = *target::lookupTarget("riscv64-vlen512");
  EXPECT_EQ(longest.featureMask, uint64_t(LT_RISCV_V | LT_RISCV_VLEN256 | LT_RISCV_VLEN512));
  EXPECT_EQ(longest.vectorBytes * longest.registers, 2048);
  EXPECT_LT(riscv.priority, longer.priority);
  EXPECT_LT(longer.priority, longest.priority);
  for (const TargetDescription *row : {&arm, &newer, &riscv, &longer, &longest})
    EXPECT_TRUE(row->fma);
}

TEST(Target, HostIsTheBestThatRuns) {
  TargetDescription host = target::hostTarget();
  ASSERT_NE(target::lookupTarget(host.name), nullptr);
  EXPECT_GE(host.l1, 8 * 1024);
  EXPECT_GE(host.l2, host.l1);
  for (const TargetDescription &row : target::allTargets())
    if (target::runsOnHost(row)) {
      EXPECT_GE(host.priority, row.priority) << row.name;
    }
}

TEST(Target, BecomesAnAttribute) {
  mlir::MLIRContext context;
  context.loadDialect<kernel::KernelDialect>();
  kernel::TargetAttr attribute = target::toAttribute(*target::lookupTarget("x86-64-v4"), &context);
  EXPECT_EQ(attribute.getName(), "x86-64-v4");
  EXPECT_EQ(attribute.getVectorBytes(), 64);
  EXPECT_EQ(attribute.getRegisters(), 32);
  EXPECT_TRUE(attribute.getMasks());
  EXPECT_EQ(attribute.getL1(), 32 * 1024);
}
