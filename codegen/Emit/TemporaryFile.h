// A file of our own in the system's directory for temporary files; removed at the end of scope.
#pragma once
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Error.h"

namespace longtail::emit {

class TemporaryFile {
public:
  static llvm::Expected<TemporaryFile> create(llvm::StringRef suffix, llvm::StringRef contents);
  TemporaryFile(TemporaryFile &&other) : path(std::move(other.path)) { other.path.clear(); }
  ~TemporaryFile();
  llvm::SmallString<128> path;

private:
  TemporaryFile() = default;
};

} // namespace longtail::emit
