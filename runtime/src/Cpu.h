// Features of the CPU this process runs on, as bits of artifact.h.
#pragma once
#include <stdint.h>

namespace longtail::runtime {

uint32_t hostArch();     // lt_arch
uint64_t hostFeatures(); // features that both the CPU and the operating system support

// "x86-64", "aarch64", "riscv64" or "unknown".
const char *archName(uint32_t arch);

// Name of one feature bit of an arch, for messages: "AVX2+FMA".
const char *featureName(uint32_t arch, uint32_t bit);

} // namespace longtail::runtime
