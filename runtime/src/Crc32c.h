// CRC-32C (Castagnoli), as in iSCSI and ext4. Header-only: the artifact writer uses it too.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace longtail {

namespace detail {

struct Crc32cTables {
  uint32_t word[8][256];
  constexpr Crc32cTables() : word() {
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit)
        crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
      word[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; ++i)
      for (int slice = 1; slice < 8; ++slice)
        word[slice][i] = (word[slice - 1][i] >> 8) ^ word[0][word[slice - 1][i] & 0xff];
  }
};
inline constexpr Crc32cTables kCrc32cTables;

} // namespace detail

// Continues `crc` (0 at the start) over `bytes`; eight bytes a step ("slicing by 8").
inline uint32_t crc32c(uint32_t crc, const void *data, size_t bytes) {
  const auto &table = detail::kCrc32cTables.word;
  auto *p = static_cast<const uint8_t *>(data);
  crc = ~crc;
  for (; bytes >= 8; bytes -= 8, p += 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    word ^= crc;
    crc = table[7][word & 0xff] ^ table[6][(word >> 8) & 0xff] ^ table[5][(word >> 16) & 0xff] ^
          table[4][(word >> 24) & 0xff] ^ table[3][(word >> 32) & 0xff] ^
          table[2][(word >> 40) & 0xff] ^ table[1][(word >> 48) & 0xff] ^ table[0][word >> 56];
  }
  for (; bytes; --bytes, ++p)
    crc = (crc >> 8) ^ table[0][(crc ^ *p) & 0xff];
  return ~crc;
}

} // namespace longtail
