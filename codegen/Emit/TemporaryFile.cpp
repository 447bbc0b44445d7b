#include "codegen/Emit/TemporaryFile.h"
#include "codegen/Emit/Compile.h"
#include "llvm/Support/FileSystem.h"

using namespace llvm;

namespace longtail::emit {

Expected<TemporaryFile> TemporaryFile::create(StringRef suffix, StringRef contents) {
  TemporaryFile file;
  int descriptor;
  if (std::error_code code =
          sys::fs::createTemporaryFile("longtail", suffix, descriptor, file.path))
    return makeError("cannot create a temporary file: " + code.message());
  raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
  stream << contents;
  stream.close();
  if (stream.has_error()) {
    std::string message = stream.error().message();
    stream.clear_error();
    return makeError("cannot write '" + file.path + "': " + message);
  }
  return file;
}

TemporaryFile::~TemporaryFile() {
  if (!path.empty())
    sys::fs::remove(path);
}

} // namespace longtail::emit
