// Memory through the caller's allocator, and an array that owns such memory.
#pragma once
#include "longtail/runtime.h"

namespace longtail::runtime {

struct Memory {
  lt_allocator hook; // `alloc` null: the C library

  // Returns null on failure, also when the hook's memory is misaligned. `bytes` > 0.
  void *allocate(uint64_t bytes, uint64_t alignment) const;
  void release(void *pointer, uint64_t bytes) const;
};

// What a block of `bytes` takes at most of memory in which blocks of every alignment follow
// another.
inline uint64_t roundToBlock(uint64_t bytes) {
  return (bytes + LT_DATA_ALIGN - 1) / LT_DATA_ALIGN * LT_DATA_ALIGN;
}

// Fixed after `create`; the elements start as zero bytes and need no destruction.
template <typename T> class Array {
public:
  Array() = default;
  Array(const Array &) = delete;
  Array &operator=(const Array &) = delete;
  ~Array() { reset(); }

  // False when out of memory. `memory` must outlive the array.
  bool create(const Memory &from, uint64_t count) {
    reset();
    if (count == 0)
      return true;
    uint64_t bytes;
    if (__builtin_mul_overflow(count, sizeof(T), &bytes))
      return false;
    elements = static_cast<T *>(from.allocate(bytes, alignof(T) < 16 ? 16 : alignof(T)));
    if (!elements)
      return false;
    __builtin_memset(static_cast<void *>(elements), 0, bytes);
    memory = &from;
    length = count;
    return true;
  }

  void reset() {
    if (elements)
      memory->release(elements, length * sizeof(T));
    elements = nullptr;
    length = 0;
  }

  T *data() const { return elements; }
  uint64_t size() const { return length; }
  uint64_t blockBytes() const { return roundToBlock(length * sizeof(T)); }
  T &operator[](uint64_t index) const { return elements[index]; }
  T *begin() const { return elements; }
  T *end() const { return elements + length; }

private:
  const Memory *memory = nullptr;
  T *elements = nullptr;
  uint64_t length = 0;
};

// A borrowed part of an array.
template <typename T> struct Span {
  T *elements = nullptr;
  uint32_t length = 0;

  T &operator[](uint32_t index) const { return elements[index]; }
  uint32_t size() const { return length; }
  T *begin() const { return elements; }
  T *end() const { return elements + length; }
};

// A block that only grows; its contents are lost when it does.
struct Block {
  void *base = nullptr;
  uint64_t capacity = 0;

  bool reserve(const Memory &memory, uint64_t bytes) {
    if (bytes <= capacity)
      return true;
    release(memory);
    base = memory.allocate(bytes, LT_DATA_ALIGN);
    if (!base)
      return false;
    capacity = bytes;
    return true;
  }

  void release(const Memory &memory) {
    if (base)
      memory.release(base, capacity);
    base = nullptr;
    capacity = 0;
  }
};

} // namespace longtail::runtime
