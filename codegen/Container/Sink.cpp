#include "codegen/Container/Sink.h"
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace longtail::container;

constexpr size_t kBufferBytes = size_t{1} << 20;

bool Sink::pad(uint64_t bytes) {
  static const uint8_t zeros[4096] = {};
  while (bytes > 0) {
    uint64_t count = std::min<uint64_t>(bytes, sizeof zeros);
    if (!write(zeros, count))
      return false;
    bytes -= count;
  }
  return true;
}

bool MemorySink::write(const void *data, uint64_t count) {
  auto *from = static_cast<const uint8_t *>(data);
  bytes.insert(bytes.end(), from, from + count);
  return true;
}

FileSink::FileSink(std::string path) : path(std::move(path)) {}

FileSink::~FileSink() {
  if (fd >= 0)
    close(fd);
  if (!temporary.empty())
    unlink(temporary.c_str());
}

bool FileSink::fail(const char *action) {
  code = errno;
  message = std::string("cannot ") + action + " '" + path + "': " + strerror(code);
  return false;
}

bool FileSink::open() {
  // A device or a pipe must not be replaced by a file; for a folder renaming fails by itself.
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
    code = EINVAL;
    message = "cannot write '" + path + "': not a regular file";
    return false;
  }
  // A name of its own per process and attempt; O_EXCL refuses files and links that exist.
  for (unsigned attempt = 0; attempt < 100; ++attempt) {
    temporary = path + ".tmp" + std::to_string(getpid()) + "." + std::to_string(attempt);
    fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0)
      return true;
    if (errno != EEXIST)
      break;
  }
  temporary.clear();
  return fail("create a file next to");
}

static bool writeAll(int fd, const uint8_t *data, uint64_t bytes) {
  while (bytes > 0) {
    ssize_t count = ::write(fd, data, std::min<uint64_t>(bytes, uint64_t{1} << 30));
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    data += count;
    bytes -= static_cast<uint64_t>(count);
  }
  return true;
}

bool FileSink::flush() {
  bool written = writeAll(fd, buffer.data(), buffer.size());
  buffer.clear();
  return written || fail("write");
}

bool FileSink::write(const void *data, uint64_t bytes) {
  auto *from = static_cast<const uint8_t *>(data);
  if (buffer.size() + bytes > kBufferBytes && !flush())
    return false;
  if (bytes > kBufferBytes)
    return writeAll(fd, from, bytes) || fail("write");
  buffer.insert(buffer.end(), from, from + bytes);
  return true;
}

bool FileSink::commit() {
  if (!flush())
    return false;
  // Data must be on disk before the name is, or a crash could leave an empty file under it.
  if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
    return fail("sync");
  int closing = std::exchange(fd, -1);
  if (close(closing) != 0)
    return fail("close");
  if (rename(temporary.c_str(), path.c_str()) != 0)
    return fail("replace");
  temporary.clear();
  size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    fsync(directory); // best effort: the file itself is complete
    close(directory);
  }
  return true;
}
