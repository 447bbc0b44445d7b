// The bytes of an artifact, in a file or in memory, behind one interface.
#pragma once
#include "Error.h"
#include "Memory.h"

namespace longtail::runtime {

// Owns one mapping, or one copy, of a part of a source; or borrows it from the caller.
struct Mapping {
  enum class Kind { None, Borrowed, Mapped, Allocated } kind = Kind::None;
  void *address = nullptr;
  uint64_t bytes = 0;

  const uint8_t *data() const { return static_cast<const uint8_t *>(address); }
  void release(const Memory &memory);
};

class Source {
public:
  // Checks the struct and finds out the size.
  lt_rc open(const lt_source *source, lt_error *error);

  uint64_t size() const { return total; }

  // An artifact in parts can have one variant only.
  bool inParts() const { return codePart != nullptr; }

  // All of these take ranges that the caller has checked against size(). Between its parts an
  // artifact is zero.
  lt_rc read(uint64_t offset, void *to, uint64_t bytes, lt_error *error) const;
  lt_rc mapCode(uint64_t offset, uint64_t bytes, Mapping &out, lt_error *error) const;
  // `copy`: neither map nor borrow. The result is LT_DATA_ALIGN aligned.
  lt_rc mapData(uint64_t offset, uint64_t bytes, bool copy, const Memory &memory, Mapping &out,
                lt_error *error) const;

private:
  int fd = -1;
  const uint8_t *memoryBase = nullptr; // null: the file
  uint64_t memoryBytes = 0;
  // Of an artifact in parts; `memoryBase` is its metadata.
  const void *codePart = nullptr, *weightPart = nullptr;
  uint64_t total = 0;
};

} // namespace longtail::runtime
