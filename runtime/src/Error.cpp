#include "Error.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

using namespace longtail::runtime;

// A text cut in the middle of a UTF-8 sequence would not decode: drops the incomplete tail.
static void trimUtf8(char *text) {
  size_t length = strlen(text), back = 0;
  while (back < 3 && back < length && (text[length - 1 - back] & 0xc0) == 0x80)
    ++back;
  if (back == length)
    return;
  unsigned char lead = static_cast<unsigned char>(text[length - 1 - back]);
  size_t wanted = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  if (back < wanted)
    text[length - 1 - back] = 0;
}

lt_rc longtail::runtime::fail(lt_error *error, lt_rc code, Where where, uint64_t detail,
                              const char *format, ...) {
  if (!error || error->size < sizeof(lt_error))
    return code;
  error->code = code;
  error->where = static_cast<uint32_t>(where);
  error->reserved = 0;
  error->detail = detail;
  va_list arguments;
  va_start(arguments, format);
  int written = vsnprintf(error->msg, sizeof error->msg, format, arguments);
  va_end(arguments);
  for (char *c = error->msg; *c; ++c)
    if (static_cast<unsigned char>(*c) < 0x20 || *c == 0x7f)
      *c = '?';
  if (written >= static_cast<int>(sizeof error->msg))
    trimUtf8(error->msg);
  return code;
}

extern "C" const char *lt_strerror(lt_rc code) {
  switch (code) {
  case LT_OK:
    return "ok";
  case LT_ERR_ARG:
    return "bad argument";
  case LT_ERR_FORMAT:
    return "malformed artifact";
  case LT_ERR_VERSION:
    return "artifact needs a newer runtime";
  case LT_ERR_LIMIT:
    return "limit exceeded";
  case LT_ERR_INTEGRITY:
    return "checksum mismatch";
  case LT_ERR_TRUST:
    return "not trusted";
  case LT_ERR_ISA:
    return "no code for this CPU";
  case LT_ERR_SHAPE:
    return "shape not accepted";
  case LT_ERR_MEMORY:
    return "out of memory";
  case LT_ERR_IO:
    return "input/output error";
  case LT_ERR_STATE:
    return "not in this state";
  case LT_ERR_CANCELLED:
    return "cancelled";
  case LT_ERR_TIMEOUT:
    return "timed out";
  case LT_ERR_KERNEL:
    return "kernel error";
  default:
    return "unknown error code";
  }
}
