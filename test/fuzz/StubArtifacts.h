// Artifacts whose plans can be run whatever a fuzzer makes of them.
#pragma once
#include "test/runtime/Artifacts.h"

namespace longtail::fuzz {

// An intact artifact and the size of its metadata.
struct Base {
  std::vector<uint8_t> bytes;
  size_t metadata;
};

// Small artifacts of all kinds of records. Their kernels do nothing and return at once, from
// whatever byte they are entered.
const std::vector<Base> &bases();

// An artifact of `metadata` with a right checksum. What follows the metadata is that of the base
// nearest in size. Valid until the next call.
const std::vector<uint8_t> &assemble(const uint8_t *metadata, size_t size);

// Memory of at most 16 MiB at once. Fresh memory is filled with ones, so that runs can be repeated.
class Quota {
public:
  const lt_allocator *allocator() const { return &hook; }
  // The next allocations succeed, then one fails; negative: none fails.
  void failAfter(int64_t count) { untilFailure = count; }
  size_t used() const { return live; }
  Quota();

private:
  static void *allocate(void *user, size_t bytes, size_t align);
  static void release(void *user, void *pointer, size_t bytes);
  lt_allocator hook;
  size_t live = 0;
  int64_t untilFailure = -1;
};

// Opens an artifact, plans, binds and runs all of its functions. Errors must be typed, and nothing
// may leak.
void runAll(const std::vector<uint8_t> &bytes);

// Mutates words as often as bytes: the metadata is made of words. `size` bytes in a room of
// `maximum`.
size_t mutateWords(uint8_t *data, size_t size, size_t maximum, uint32_t seed);

} // namespace longtail::fuzz
