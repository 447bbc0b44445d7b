// Looks at the assembly of kernels for what ruins them: calls out of the image, vector registers
// that live on the stack inside the loops where the time is spent, and loops of scalars.
#pragma once
#include "llvm/ADT/StringRef.h"
#include "llvm/TargetParser/Triple.h"
#include <string>
#include <vector>

namespace longtail::emit {

/// An innermost loop: the span of a branch back to a label before it that holds no other such span.
/// Code that the compiler moved out of the span is not seen as part of it.
struct LoopReport {
  std::vector<std::string> instructions;
  unsigned vectors = 0;        // instructions on vector registers
  unsigned multiplyAdds = 0;   // of these, products that are added (dot products included)
  unsigned scalarFloats = 0;   // arithmetic on single floating-point numbers
  unsigned configurations = 0; // of RISC-V: vsetvli and its like
  /// Those that move vector registers (or single numbers in them) to or from the stack.
  std::vector<std::string> stackTraffic;
  /// Arithmetic on floating-point numbers one by one, and none on vectors.
  bool isScalar() const { return scalarFloats > 0 && vectors == 0; }
};

struct LeafReport {
  std::string kernel;
  std::vector<std::string> undefinedCalls; // each symbol once, in order
  std::vector<LoopReport> loops;           // innermost ones, in order

  /// The stack traffic of all loops.
  std::vector<std::string> stackTraffic() const;
};

/// One report for each function in `assembly` of architecture `arch` (as CodeImage holds it: x86-64
/// in AT&T syntax, AArch64 or RISC-V), in order.
std::vector<LeafReport> verifyLeaves(llvm::StringRef assembly,
                                     llvm::Triple::ArchType arch = llvm::Triple::x86_64);

} // namespace longtail::emit
