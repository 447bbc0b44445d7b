#include "compiler/Import/Onnx/Storage.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallVector.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace longtail::onnx;

using SharedStorage = std::shared_ptr<const Storage>;

static llvm::Error error(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static llvm::Error systemError(const llvm::Twine &message) {
  return error(message + ": " + std::strerror(errno));
}

Storage::~Storage() {
  if (isMapped)
    ::munmap(const_cast<char *>(content.data()), content.size());
}

SharedStorage Storage::copy(llvm::StringRef bytes) {
  std::shared_ptr<Storage> storage(new Storage);
  storage->copied = bytes.str();
  storage->content = storage->copied;
  return storage;
}

llvm::Expected<SharedStorage> Storage::mapDescriptor(int descriptor, bool allowLinks) {
  struct stat status;
  if (::fstat(descriptor, &status) != 0)
    return systemError("cannot be examined");
  if (!S_ISREG(status.st_mode))
    return error("is not a regular file");
  if (!allowLinks && status.st_nlink > 1)
    return error("has more than one hard link");
  std::shared_ptr<Storage> storage(new Storage);
  size_t size = static_cast<size_t>(status.st_size);
  if (size == 0)
    return storage;
  void *data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED)
    return systemError("cannot be mapped");
  storage->content = llvm::StringRef(static_cast<const char *>(data), size);
  storage->isMapped = true;
  return storage;
}

llvm::Expected<SharedStorage> Storage::map(llvm::StringRef path) {
  // O_NONBLOCK: opening a pipe must not wait for its writer.
  int descriptor = ::open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return systemError("cannot be opened");
  auto close = llvm::scope_exit([&] { ::close(descriptor); });
  return mapDescriptor(descriptor, /*allowLinks=*/true);
}

llvm::Expected<SharedStorage> Storage::mapBeneath(llvm::StringRef folder,
                                                  llvm::StringRef location) {
  if (location.empty() || location.contains('\0'))
    return error("is not a file name");
  if (location.starts_with("/"))
    return error("is not relative to the model's folder");
  llvm::SmallVector<llvm::StringRef> parts;
  location.split(parts, '/', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  int descriptor =
      ::open(folder.empty() ? "." : folder.str().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return systemError("is in a folder that cannot be opened");
  auto close = llvm::scope_exit([&] { ::close(descriptor); });
  // One component at a time, so that nothing can be exchanged for a link between check and use.
  for (auto [index, part] : llvm::enumerate(parts)) {
    if (part == "..")
      return error("leaves the model's folder");
    bool isLast = index + 1 == parts.size();
    int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (isLast ? 0 : O_DIRECTORY);
    int next = ::openat(descriptor, part.str().c_str(), flags);
    if (next < 0 && (errno == ELOOP || errno == ENOTDIR))
      return error("is reached through '" + part + "', which is a link or no folder");
    if (next < 0)
      return systemError("cannot be opened");
    ::close(descriptor);
    descriptor = next;
  }
  return mapDescriptor(descriptor, /*allowLinks=*/false);
}
