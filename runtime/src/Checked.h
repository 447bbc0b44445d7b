// Arithmetic that says when it overflows: each returns false and leaves `out` unspecified then.
#pragma once
#include <stdint.h>

namespace longtail::runtime {

template <typename T> inline bool checkedAdd(T a, T b, T &out) {
  return !__builtin_add_overflow(a, b, &out);
}
template <typename T> inline bool checkedSub(T a, T b, T &out) {
  return !__builtin_sub_overflow(a, b, &out);
}
template <typename T> inline bool checkedMul(T a, T b, T &out) {
  return !__builtin_mul_overflow(a, b, &out);
}

// Rounds up to a multiple of a power of two.
inline bool checkedAlign(uint64_t value, uint64_t alignment, uint64_t &out) {
  if (!checkedAdd(value, alignment - 1, out))
    return false;
  out &= ~(alignment - 1);
  return true;
}

// True when [offset, offset + size) lies within [0, limit).
inline bool rangeFits(uint64_t offset, uint64_t size, uint64_t limit) {
  return offset <= limit && size <= limit - offset;
}

} // namespace longtail::runtime
