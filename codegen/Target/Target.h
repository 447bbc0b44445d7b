// The machines that kernels are compiled for: a table of rows, not code.
#pragma once
#include "dialects/Kernel/IR/Kernel.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace longtail::target {

/// Everything that code generation knows about an instruction set level. A new architecture is a
/// new row of the table in Target.cpp.
struct TargetDescription {
  std::string name;     // "x86-64-v3"; the name in artifacts and in #kernel.target
  std::string triple;   // LLVM's
  std::string cpu;      // LLVM's -mcpu
  std::string features; // LLVM's -mattr, "+a,+b"
  int64_t vectorBytes;  // of one vector register
  int64_t registers;    // vector registers
  bool masks;           // loads and stores take masks at no cost
  bool fma;             // fused multiply-add is an instruction
  bool halfConversion;  // f16 <-> f32 is an instruction
  bool scalarFactors;   // a multiply-add takes one factor from a scalar register
  int64_t l1;           // data cache of one core, bytes
  int64_t l2;           // bytes
  uint64_t featureMask; // what the CPU must have: bits of longtail/artifact.h
  uint32_t arch;        // lt_arch
  uint32_t priority;    // of several variants that a CPU supports, the highest is chosen
  // Two vectors of half the width are multiplied in the time of one. Not of a row: a fact of the
  // machine at hand.
  bool pairsHalves = false;

  /// True where `features` has "+feature".
  bool hasFeature(llvm::StringRef feature) const;
};

/// All rows, lowest priority first within an architecture.
llvm::ArrayRef<TargetDescription> allTargets();

/// The row with this name, or null.
const TargetDescription *lookupTarget(llvm::StringRef name);

/// The best row that this machine supports, with the sizes of its caches. The lowest row of the
/// architecture where the machine has less than every row asks for.
TargetDescription hostTarget();

/// True where this machine can run code for `target`.
bool runsOnHost(const TargetDescription &target);

/// The facts that scheduling decisions depend on.
kernel::TargetAttr toAttribute(const TargetDescription &target, mlir::MLIRContext *context);

} // namespace longtail::target
