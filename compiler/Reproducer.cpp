#include "compiler/Reproducer.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;

namespace longtail {

Reproducer::Reproducer(StringRef path, StringRef work, ModuleOp module) : path(path.str()) {
  if (path.empty())
    return;
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (!error) {
    file << "// " << work << " fails or crashes on this module.\n";
    module->print(file);
    file.close();
    error = file.error();
    file.clear_error();
  }
  if (error)
    module.emitWarning() << "'" << path << "': " << error.message();
}

void Reproducer::succeeded() {
  if (!path.empty())
    llvm::sys::fs::remove(path);
}

} // namespace longtail
