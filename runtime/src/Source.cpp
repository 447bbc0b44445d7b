#include "Source.h"
#include "Api.h"
#include "platform/Platform.h"
#include <string.h>

using namespace longtail::runtime;

void Mapping::release(const Memory &memory) {
  if (kind == Kind::Mapped)
    platform::unmap(address, static_cast<size_t>(bytes));
  else if (kind == Kind::Allocated)
    memory.release(address, bytes);
  *this = Mapping();
}

static lt_rc systemError(lt_error *error, Where where, int number, const char *what) {
  return fail(error, LT_ERR_IO, where, static_cast<uint64_t>(number),
              "cannot %s the artifact: system error %d (%s)", what, number, strerror(number));
}

static constexpr uint32_t kCodeAlignment = 4096; // AArch64 addresses by pages of this size

lt_rc Source::open(const lt_source *source, lt_error *error) {
  lt_source given;
  if (lt_rc rc = readStruct(source, given, "source", error))
    return rc;
  if (given.data) {
    memoryBase = static_cast<const uint8_t *>(given.data);
    total = memoryBytes = given.len;
    codePart = given.code;
    weightPart = given.weights;
    if (!codePart)
      return LT_OK;
    if (reinterpret_cast<uintptr_t>(codePart) % kCodeAlignment != 0)
      return fail(error, LT_ERR_ARG, Where::CodePartAlignment, kCodeAlignment,
                  "the code of 'source' is not aligned to %u bytes", kCodeAlignment);
    lt_header header;
    if (given.len < sizeof header)
      return LT_OK; // too short, as the reader finds
    memcpy(&header, memoryBase, sizeof header);
    if (header.metadata_size != given.len)
      return fail(error, LT_ERR_FORMAT, Where::MetadataSize, given.len,
                  "the metadata of 'source' has %llu bytes, expected %llu",
                  static_cast<unsigned long long>(given.len),
                  static_cast<unsigned long long>(header.metadata_size));
    total = header.total_size;
    return LT_OK;
  }
  fd = given.fd;
  int number = platform::fileSize(fd, total);
  if (number == platform::kNotRegularFile)
    return fail(error, LT_ERR_IO, Where::NotRegularFile, static_cast<uint64_t>(fd),
                "the artifact is not a regular file");
  return number == 0 ? static_cast<lt_rc>(LT_OK)
                     : systemError(error, Where::ReadFailed, number, "read");
}

lt_rc Source::read(uint64_t offset, void *to, uint64_t bytes, lt_error *error) const {
  if (memoryBase) {
    uint64_t there = offset < memoryBytes ? memoryBytes - offset : 0;
    there = there < bytes ? there : bytes;
    if (there > 0)
      memcpy(to, memoryBase + offset, static_cast<size_t>(there));
    memset(static_cast<char *>(to) + there, 0, static_cast<size_t>(bytes - there));
    return LT_OK;
  }
  int number = platform::readAt(fd, offset, to, static_cast<size_t>(bytes));
  return number == 0 ? static_cast<lt_rc>(LT_OK)
                     : systemError(error, Where::ReadFailed, number, "read");
}

lt_rc Source::mapCode(uint64_t offset, uint64_t bytes, Mapping &out, lt_error *error) const {
  size_t size = static_cast<size_t>(bytes);
  if (codePart) {
    out.kind = Mapping::Kind::Borrowed;
    out.address = const_cast<void *>(codePart);
    out.bytes = bytes;
    return LT_OK;
  }
  if (!memoryBase && platform::mapFile(fd, offset, size, true, out.address) == 0) {
    out.kind = Mapping::Kind::Mapped;
    out.bytes = bytes;
    return LT_OK;
  }
  // Memory, or a file that may not be mapped executable (noexec mount): run a private copy.
  if (int number = platform::mapWritable(size, out.address))
    return systemError(error, Where::MapFailed, number, "map code of");
  out.kind = Mapping::Kind::Mapped;
  out.bytes = bytes;
  if (lt_rc rc = read(offset, out.address, bytes, error))
    return rc;
  int number = platform::makeExecutable(out.address, size);
  return number == 0 ? static_cast<lt_rc>(LT_OK)
                     : systemError(error, Where::MapFailed, number, "make code executable of");
}

lt_rc Source::mapData(uint64_t offset, uint64_t bytes, bool copy, const Memory &memory,
                      Mapping &out, lt_error *error) const {
  if (codePart && !weightPart)
    return fail(error, LT_ERR_ARG, Where::NullArgument, 0,
                "the artifact has weights, but those of 'source' are null");
  const void *inMemory = codePart ? weightPart : memoryBase ? memoryBase + offset : nullptr;
  if (!copy && inMemory) {
    if (reinterpret_cast<uintptr_t>(inMemory) % LT_DATA_ALIGN == 0) {
      out.kind = Mapping::Kind::Borrowed;
      out.address = const_cast<void *>(inMemory);
      out.bytes = bytes;
      return LT_OK;
    }
  } else if (!copy) {
    int number = platform::mapFile(fd, offset, static_cast<size_t>(bytes), false, out.address);
    if (number != 0)
      return systemError(error, Where::MapFailed, number, "map weights of");
    out.kind = Mapping::Kind::Mapped;
    out.bytes = bytes;
    return LT_OK;
  }
  out.address = memory.allocate(bytes, LT_DATA_ALIGN);
  if (!out.address)
    return outOfMemory(error, bytes, "the weights");
  out.kind = Mapping::Kind::Allocated;
  out.bytes = bytes;
  if (inMemory) {
    memcpy(out.address, inMemory, static_cast<size_t>(bytes));
    return LT_OK;
  }
  return read(offset, out.address, bytes, error);
}
