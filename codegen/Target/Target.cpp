#include "codegen/Target/Target.h"
#include "longtail/artifact.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include <unistd.h>

using namespace longtail;
using namespace longtail::target;

namespace {

constexpr const char *kX86Triple = "x86_64-unknown-linux-gnu";
constexpr const char *kArmTriple = "aarch64-unknown-linux-gnu";
constexpr const char *kRiscvTriple = "riscv64-unknown-linux-gnu";
constexpr int64_t kKiB = 1024;

#define V2_FEATURES "+cx16,+sahf,+popcnt,+sse3,+ssse3,+sse4.1,+sse4.2"
#define V3_FEATURES V2_FEATURES ",+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe"
#define V4_FEATURES V3_FEATURES ",+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl"
#define RISCV_FEATURES "+m,+a,+f,+d,+c,+v"

// name, triple, cpu, features, vectorBytes, registers, masks, fma, halfConversion, scalarFactors,
// l1, l2, featureMask, arch, priority. Cache sizes are those of a common machine of the level.
const TargetDescription kTargets[] = {
    {"x86-64-v2", kX86Triple, "x86-64-v2", V2_FEATURES, 16, 16, false, false, false, false,
     32 * kKiB, 256 * kKiB, LT_X86_V2, LT_ARCH_X86_64, 20},
    {"x86-64-v3", kX86Triple, "x86-64-v3", V3_FEATURES, 32, 16, false, true, true, false, 32 * kKiB,
     512 * kKiB, LT_X86_V2 | LT_X86_V3, LT_ARCH_X86_64, 30},
    {"x86-64-v3+vnni", kX86Triple, "x86-64-v3", V3_FEATURES ",+avxvnni", 32, 16, false, true, true,
     false, 32 * kKiB, 1024 * kKiB, LT_X86_V2 | LT_X86_V3 | LT_X86_AVXVNNI, LT_ARCH_X86_64, 35},
    {"x86-64-v4", kX86Triple, "x86-64-v4", V4_FEATURES, 64, 32, true, true, true, false, 32 * kKiB,
     1024 * kKiB, LT_X86_V2 | LT_X86_V3 | LT_X86_V4, LT_ARCH_X86_64, 40},
    {"x86-64-v4+vnni", kX86Triple, "x86-64-v4", V4_FEATURES ",+avx512vnni", 64, 32, true, true,
     true, false, 32 * kKiB, 1024 * kKiB, LT_X86_V2 | LT_X86_V3 | LT_X86_V4 | LT_X86_AVX512VNNI,
     LT_ARCH_X86_64, 50},
    {"aarch64", kArmTriple, "generic", "+neon", 16, 32, false, true, true, false, 32 * kKiB,
     512 * kKiB, 0, LT_ARCH_AARCH64, 20},
    {"armv8.2-a+fp16+dotprod", kArmTriple, "generic",
     "+v8.2a,+neon,+lse,+rdm,+crc,+fullfp16,+dotprod", 16, 32, false, true, true, false, 64 * kKiB,
     512 * kKiB, LT_ARM_DOTPROD | LT_ARM_FP16, LT_ARCH_AARCH64, 30},
    // A vector here is a group of four registers (of the last row: two), so that one instruction
    // (and one vsetvli) covers 64 bytes, or 128. It has a fixed length, which runs on every VLEN
    // from the row's own up, and fills the registers of that.
    {"riscv64", kRiscvTriple, "generic-rv64", RISCV_FEATURES, 64, 8, true, true, false, true,
     32 * kKiB, 512 * kKiB, LT_RISCV_V, LT_ARCH_RISCV64, 20},
    {"riscv64-vlen256", kRiscvTriple, "generic-rv64", RISCV_FEATURES ",+zvl256b", 128, 8, true,
     true, false, true, 32 * kKiB, 512 * kKiB, LT_RISCV_V | LT_RISCV_VLEN256, LT_ARCH_RISCV64, 30},
    {"riscv64-vlen512", kRiscvTriple, "generic-rv64", RISCV_FEATURES ",+zvl512b", 128, 16, true,
     true, false, true, 32 * kKiB, 512 * kKiB, LT_RISCV_V | LT_RISCV_VLEN256 | LT_RISCV_VLEN512,
     LT_ARCH_RISCV64, 40},
};

/// A size that the system reports, or what the table says.
int64_t cacheSize(int key, int64_t fallback) {
  long size = sysconf(key);
  return size > 0 ? size : fallback;
}

} // namespace

bool TargetDescription::hasFeature(llvm::StringRef feature) const {
  return llvm::is_contained(llvm::split(features, ','), ("+" + feature).str());
}

llvm::ArrayRef<TargetDescription> target::allTargets() { return kTargets; }

const TargetDescription *target::lookupTarget(llvm::StringRef name) {
  for (const TargetDescription &row : kTargets)
    if (row.name == name)
      return &row;
  return nullptr;
}

bool target::runsOnHost(const TargetDescription &target) {
  llvm::Triple host(llvm::sys::getProcessTriple());
  if (host.getArch() != llvm::Triple(target.triple).getArch())
    return false;
  llvm::StringMap<bool> present = llvm::sys::getHostCPUFeatures();
  return llvm::all_of(llvm::split(target.features, ','), [&](llvm::StringRef feature) {
    feature.consume_front("+");
    return feature.empty() || present.lookup(feature);
  });
}

TargetDescription target::hostTarget() {
  llvm::Triple::ArchType arch = llvm::Triple(llvm::sys::getProcessTriple()).getArch();
  const TargetDescription *best = nullptr;
  for (const TargetDescription &row : kTargets)
    if (llvm::Triple(row.triple).getArch() == arch && (!best || runsOnHost(row)))
      best = &row;
  TargetDescription host = best ? *best : kTargets[0];
#ifdef _SC_LEVEL1_DCACHE_SIZE
  host.l1 = cacheSize(_SC_LEVEL1_DCACHE_SIZE, host.l1);
  host.l2 = cacheSize(_SC_LEVEL2_CACHE_SIZE, host.l2);
#endif
  // AMD's first core with vectors of 64 bytes computes with each half of them on its own.
  host.pairsHalves = host.vectorBytes == 64 && llvm::sys::getHostCPUName() == "znver4";
  return host;
}

kernel::TargetAttr target::toAttribute(const TargetDescription &target,
                                       mlir::MLIRContext *context) {
  return kernel::TargetAttr::get(context, target.name, target.vectorBytes, target.registers,
                                 target.masks, target.l1, target.l2, target.scalarFactors,
                                 target.pairsHalves);
}
