// Sizes of element types.
#pragma once
#include "Checked.h"
#include "Limits.h"

namespace longtail::runtime {

// Bits of one element, or 0 for a type that no tensor of an artifact can have.
inline uint32_t elementBits(uint32_t dtype) {
  switch (dtype) {
  case LT_DTYPE_U2:
  case LT_DTYPE_I2:
    return 2;
  case LT_DTYPE_U4:
  case LT_DTYPE_I4:
  case LT_DTYPE_F4E2M1:
    return 4;
  case LT_DTYPE_U8:
  case LT_DTYPE_I8:
  case LT_DTYPE_BOOL:
  case LT_DTYPE_F8E4M3FN:
  case LT_DTYPE_F8E4M3FNUZ:
  case LT_DTYPE_F8E5M2:
  case LT_DTYPE_F8E5M2FNUZ:
  case LT_DTYPE_F8E8M0:
    return 8;
  case LT_DTYPE_U16:
  case LT_DTYPE_I16:
  case LT_DTYPE_F16:
  case LT_DTYPE_BF16:
    return 16;
  case LT_DTYPE_F32:
  case LT_DTYPE_I32:
  case LT_DTYPE_U32:
    return 32;
  case LT_DTYPE_I64:
  case LT_DTYPE_U64:
  case LT_DTYPE_F64:
  case LT_DTYPE_STRING: // a handle
  case LT_DTYPE_C64:
    return 64;
  case LT_DTYPE_C128:
    return 128;
  default:
    return 0;
  }
}

// Bytes that the API's form of a tensor takes which takes `bytes` in buffers.
inline uint64_t apiBytes(uint32_t dtype, uint64_t bytes) {
  return dtype == LT_DTYPE_STRING ? bytes / 8 * sizeof(lt_text) : bytes;
}

// Alignment that the API asks of a tensor's data, bytes.
inline uint32_t elementAlignment(uint32_t dtype) {
  uint32_t bytes = elementBits(dtype) / 8;
  return bytes < 1 ? 1 : bytes > 8 ? 8 : bytes;
}

inline const char *dtypeName(uint32_t dtype) {
  static const char names[][13] = {
      "undefined", "float32",    "uint8",      "int8",     "uint16",     "int16",  "int32",
      "int64",     "string",     "bool",       "float16",  "float64",    "uint32", "uint64",
      "complex64", "complex128", "bfloat16",   "f8e4m3fn", "f8e4m3fnuz", "f8e5m2", "f8e5m2fnuz",
      "uint4",     "int4",       "float4e2m1", "f8e8m0",   "uint2",      "int2"};
  return dtype < sizeof names / sizeof *names ? names[dtype] : "unknown";
}

// Bytes of a dense tensor; false when over the limit. All dims >= 0.
inline bool tensorBytes(uint32_t dtype, const int64_t *dims, uint32_t rank, int64_t &bytes) {
  int64_t bits = elementBits(dtype);
  bool empty = false;
  for (uint32_t i = 0; i < rank; ++i)
    empty |= dims[i] == 0;
  for (uint32_t i = 0; i < rank && !empty; ++i)
    if (!checkedMul(bits, dims[i], bits) || bits > limits::kTensorBytes * 8)
      return false;
  bytes = empty ? 0 : (bits + 7) / 8;
  return true;
}

} // namespace longtail::runtime
