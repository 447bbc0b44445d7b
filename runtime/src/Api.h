// Helpers for the C boundary: versioned structs in and out.
#pragma once
#include "Error.h"
#include "Limits.h"
#include <string.h>

namespace longtail::runtime {

// Copies a caller's struct of any version into today's. A newer caller may pass a longer struct,
// if it leaves what this library does not know zero. `name` is for the message.
lt_rc readStructBytes(const void *from, void *to, uint32_t known, const char *name,
                      lt_error *error);

template <typename Struct>
lt_rc readStruct(const Struct *from, Struct &to, const char *name, lt_error *error) {
  return readStructBytes(from, &to, static_cast<uint32_t>(sizeof(Struct)), name, error);
}

// Whether a struct to be filled is there and large enough.
lt_rc checkOut(const void *out, uint32_t known, const char *name, lt_error *error);

// Fills a caller's struct, keeping its `size`.
template <typename Struct> void writeStruct(const Struct &from, Struct *to) {
  uint32_t size = to->size;
  memcpy(static_cast<void *>(to), &from, sizeof(Struct));
  to->size = size;
}

inline lt_rc nullArgument(const char *name, lt_error *error) {
  return fail(error, LT_ERR_ARG, Where::NullArgument, 0, "argument '%s' is null", name);
}

} // namespace longtail::runtime
