#include "../Platform.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

using namespace longtail::runtime;

void *platform::allocate(size_t bytes, size_t alignment) {
  constexpr size_t kHugePage = size_t{2} << 20;
  if (bytes >= 2 * kHugePage)
    alignment = kHugePage;
  void *pointer = nullptr;
  if (posix_memalign(&pointer, alignment < sizeof(void *) ? sizeof(void *) : alignment, bytes))
    return nullptr;
#ifdef MADV_HUGEPAGE
  if (bytes >= 2 * kHugePage)
    madvise(pointer, bytes & ~(kHugePage - 1), MADV_HUGEPAGE);
#endif
  return pointer;
}

void platform::deallocate(void *pointer) { free(pointer); }

int platform::fileSize(int fd, uint64_t &bytes) {
  struct stat status;
  if (fstat(fd, &status) != 0)
    return errno;
  if (!S_ISREG(status.st_mode))
    return kNotRegularFile;
  bytes = static_cast<uint64_t>(status.st_size);
  return 0;
}

int platform::readAt(int fd, uint64_t offset, void *data, size_t bytes) {
  auto *to = static_cast<char *>(data);
  while (bytes > 0) {
    ssize_t count = pread(fd, to, bytes, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return errno;
    if (count == 0) // the file shrank since its size was read
      return EIO;
    to += count;
    offset += static_cast<uint64_t>(count);
    bytes -= static_cast<size_t>(count);
  }
  return 0;
}

int platform::mapFile(int fd, uint64_t offset, size_t bytes, bool executable, void *&address) {
  int protection = executable ? PROT_READ | PROT_EXEC : PROT_READ;
  void *result = mmap(nullptr, bytes, protection, MAP_PRIVATE, fd, static_cast<off_t>(offset));
  if (result == MAP_FAILED)
    return errno;
  address = result;
  return 0;
}

int platform::mapWritable(size_t bytes, void *&address) {
  void *result = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (result == MAP_FAILED)
    return errno;
  address = result;
  return 0;
}

int platform::makeExecutable(void *address, size_t bytes) {
  auto *begin = static_cast<char *>(address);
  __builtin___clear_cache(begin, begin + bytes);
  return mprotect(address, bytes, PROT_READ | PROT_EXEC) == 0 ? 0 : errno;
}

void platform::unmap(void *address, size_t bytes) { munmap(address, bytes); }
