// The input of work that is not done by passes, kept for the case that it fails or crashes.
#pragma once
#include "mlir/IR/BuiltinOps.h"

namespace longtail {

/// Writes the IR before the work begins, because a crash leaves no time for it, and removes the
/// file when the work has succeeded.
class Reproducer {
public:
  /// `path` may be empty: then nothing is written. A file that cannot be written is a warning.
  Reproducer(llvm::StringRef path, llvm::StringRef work, mlir::ModuleOp module);
  void succeeded();

private:
  std::string path;
};

} // namespace longtail
