#include "Api.h"

using namespace longtail::runtime;

static lt_rc checkSize(uint32_t size, uint32_t known, const char *name, lt_error *error) {
  if (size >= known && size <= limits::kStructBytes)
    return LT_OK;
  return fail(error, LT_ERR_ARG, Where::StructSize, size,
              "field 'size' of argument '%s' is %u, expected at least %u: set it to sizeof", name,
              size, known);
}

lt_rc longtail::runtime::readStructBytes(const void *from, void *to, uint32_t known,
                                         const char *name, lt_error *error) {
  if (!from)
    return nullArgument(name, error);
  uint32_t size;
  memcpy(&size, from, sizeof size);
  if (lt_rc rc = checkSize(size, known, name, error))
    return rc;
  auto *bytes = static_cast<const uint8_t *>(from);
  for (uint32_t i = known; i < size; ++i)
    if (bytes[i] != 0)
      return fail(error, LT_ERR_ARG, Where::StructTail, i,
                  "argument '%s' sets a field that this runtime does not know", name);
  memcpy(to, from, known);
  return LT_OK;
}

lt_rc longtail::runtime::checkOut(const void *out, uint32_t known, const char *name,
                                  lt_error *error) {
  if (!out)
    return nullArgument(name, error);
  uint32_t size;
  memcpy(&size, out, sizeof size);
  return checkSize(size, known, name, error);
}
