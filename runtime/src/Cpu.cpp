#include "Cpu.h"
#include "longtail/artifact.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#elif defined(__riscv)
#include <errno.h>
#include <sys/auxv.h>
#include <unistd.h>
#endif

using namespace longtail::runtime;

#if defined(__x86_64__)

uint32_t longtail::runtime::hostArch() { return LT_ARCH_X86_64; }

namespace {
struct Leaf {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  Leaf(uint32_t leaf, uint32_t sub) { __get_cpuid_count(leaf, sub, &a, &b, &c, &d); }
};
constexpr bool all(uint32_t reg, uint32_t bits) { return (reg & bits) == bits; }
constexpr uint32_t bit(int n) { return uint32_t{1} << n; }
} // namespace

uint64_t longtail::runtime::hostFeatures() {
  Leaf one(1, 0), seven(7, 0), sevenOne(7, 1), extended(0x80000001u, 0);
  uint64_t features = 0;
  // SSE3 SSSE3 CX16 SSE4.1 SSE4.2 POPCNT
  if (!all(one.c, bit(0) | bit(9) | bit(13) | bit(19) | bit(20) | bit(23)))
    return 0;
  features |= LT_X86_V2;
  // The kernel must save the wide registers: OSXSAVE, then XCR0.
  if (!all(one.c, bit(27)))
    return features;
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  bool ymm = all(low, bit(1) | bit(2));
  bool zmm = all(low, bit(1) | bit(2) | bit(5) | bit(6) | bit(7));
  // FMA MOVBE AVX F16C, BMI AVX2 BMI2, LZCNT
  if (!ymm || !all(one.c, bit(12) | bit(22) | bit(28) | bit(29)) ||
      !all(seven.b, bit(3) | bit(5) | bit(8)) || !all(extended.c, bit(5)))
    return features;
  features |= LT_X86_V3;
  if (all(sevenOne.a, bit(4)))
    features |= LT_X86_AVXVNNI;
  // AVX512 F DQ CD BW VL
  if (!zmm || !all(seven.b, bit(16) | bit(17) | bit(28) | bit(30) | bit(31)))
    return features;
  features |= LT_X86_V4;
  if (all(seven.c, bit(11)))
    features |= LT_X86_AVX512VNNI;
  if (all(sevenOne.a, bit(5)))
    features |= LT_X86_AVX512BF16;
  if (all(seven.d, bit(23)))
    features |= LT_X86_AVX512FP16;
  return features;
}

#elif defined(__aarch64__)

uint32_t longtail::runtime::hostArch() { return LT_ARCH_AARCH64; }

uint64_t longtail::runtime::hostFeatures() {
  // Numbers of Linux' uapi/asm/hwcap.h, named here because old headers lack the newer ones.
  unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  uint64_t features = 0;
  if (first & (1ul << 20)) // ASIMDDP
    features |= LT_ARM_DOTPROD;
  if ((first & (1ul << 9)) && (first & (1ul << 10))) // FPHP, ASIMDHP
    features |= LT_ARM_FP16;
  if (first & (1ul << 22))
    features |= LT_ARM_SVE;
  if (second & (1ul << 1))
    features |= LT_ARM_SVE2;
  if (second & (1ul << 13))
    features |= LT_ARM_I8MM;
  if (second & (1ul << 14))
    features |= LT_ARM_BF16;
  return features;
}

#elif defined(__riscv)

uint32_t longtail::runtime::hostArch() { return LT_ARCH_RISCV64; }

// Whether the vectors that HWCAP reports are those of V 1.0: it is also set for the draft 0.7, for
// which a type with a policy for its tail is illegal, and sets the sign of vtype.
static bool vectorsAreRatified() {
  int64_t type;
  asm volatile(".option push\n"
               ".option arch, +v\n"
               "vsetvli zero, zero, e8, m1, ta, ma\n"
               "csrr %0, vtype\n"
               ".option pop"
               : "=r"(type));
  return type >= 0;
}

/// The bits of a processor that has vectors: with how long they are.
static uint64_t vectorFeatures() {
  uint64_t bytes;
  asm volatile(".option push\n"
               ".option arch, +v\n"
               "csrr %0, vlenb\n"
               ".option pop"
               : "=r"(bytes));
  uint64_t features = LT_RISCV_V;
  if (bytes >= 32)
    features |= LT_RISCV_VLEN256;
  if (bytes >= 64)
    features |= LT_RISCV_VLEN512;
  return features;
}

uint64_t longtail::runtime::hostFeatures() {
  // riscv_hwprobe(2), since Linux 6.4.
  struct {
    int64_t key;
    uint64_t value;
  } extensions = {4, 0}; // RISCV_HWPROBE_KEY_IMA_EXT_0
  constexpr long kHwprobe = 258;
  if (syscall(kHwprobe, &extensions, 1l, 0l, nullptr, 0l) != 0) {
    constexpr unsigned long kVector = 1ul << ('V' - 'A');
    bool vectors = errno == ENOSYS && (getauxval(AT_HWCAP) & kVector) && vectorsAreRatified();
    return vectors ? vectorFeatures() : 0;
  }
  if (extensions.key != 4)
    return 0;
  uint64_t features = 0;
  if (extensions.value & (uint64_t{1} << 2))
    features |= vectorFeatures();
  if (extensions.value & (uint64_t{1} << 3))
    features |= LT_RISCV_ZBA;
  if (extensions.value & (uint64_t{1} << 4))
    features |= LT_RISCV_ZBB;
  if (extensions.value & (uint64_t{1} << 27))
    features |= LT_RISCV_ZFH;
  if (extensions.value & (uint64_t{1} << 30))
    features |= LT_RISCV_ZVFH;
  return features;
}

#else
#error "this architecture is not supported"
#endif

const char *longtail::runtime::archName(uint32_t arch) {
  switch (arch) {
  case LT_ARCH_X86_64:
    return "x86-64";
  case LT_ARCH_AARCH64:
    return "aarch64";
  case LT_ARCH_RISCV64:
    return "riscv64";
  default:
    return "unknown";
  }
}

const char *longtail::runtime::featureName(uint32_t arch, uint32_t bit) {
  static const char x86[][12] = {"SSE4.2",      "AVX2+FMA", "AVX-512",    "AVX512-VNNI",
                                 "AVX512-BF16", "AVX-VNNI", "AVX512-FP16"};
  static const char arm[][8] = {"DotProd", "FP16", "I8MM", "BF16", "SVE", "SVE2"};
  static const char riscv[][10] = {"V", "Zfh", "Zvfh", "Zba", "Zbb", "VLEN>=256", "VLEN>=512"};
  if (arch == LT_ARCH_X86_64 && bit < sizeof x86 / sizeof *x86)
    return x86[bit];
  if (arch == LT_ARCH_AARCH64 && bit < sizeof arm / sizeof *arm)
    return arm[bit];
  if (arch == LT_ARCH_RISCV64 && bit < sizeof riscv / sizeof *riscv)
    return riscv[bit];
  return "a feature unknown to this runtime";
}
