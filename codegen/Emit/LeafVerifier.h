// Looks at the assembly of kernels for what ruins them: calls out of the image, and vector
// registers that live on the stack inside the loops where the time is spent.
#pragma once
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace longtail::emit {

struct LeafReport {
  std::string kernel;
  std::vector<std::string> undefinedCalls; // each symbol once, in order
  unsigned innermostLoops = 0;
  /// Instructions in innermost loops that move vector registers to or from the stack.
  std::vector<std::string> stackTraffic;
};

/// One report for each function in `assembly` (of x86-64 in AT&T syntax, as CodeImage holds it), in
/// order. A loop is the span of a branch back to a label before it, innermost where it holds no
/// other; code that the compiler moved out of a loop's span is not seen as part of it.
std::vector<LeafReport> verifyLeaves(llvm::StringRef assembly);

} // namespace longtail::emit
