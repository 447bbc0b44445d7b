// Dictionaries, automata and character maps that the compiler made. Nothing in them is trusted:
// every position is checked before it is read.
#include "Text.h"
#include <string.h>

using namespace longtail::runtime;

static uint32_t wordAt(TextView table, uint64_t offset) {
  uint32_t word;
  memcpy(&word, table.bytes + offset, sizeof word);
  return word;
}

static bool fits(TextView table, uint64_t offset, uint64_t size) {
  return offset <= table.size && table.size - offset >= size;
}

bool longtail::runtime::lookUp(TextView key, TextView dictionary, int64_t &value) {
  constexpr uint64_t kSlot = 4 * sizeof(uint32_t);
  if (!fits(dictionary, 0, 4))
    return false;
  uint32_t slots = wordAt(dictionary, 0);
  if (slots == 0 || (slots & (slots - 1)) != 0 || !fits(dictionary, 4, slots * kSlot))
    return false;
  uint32_t hash = 2166136261u;
  for (uint64_t i = 0; i < key.size; ++i)
    hash = (hash ^ key.bytes[i]) * 16777619u;
  value = -1;
  for (uint32_t i = 0; i < slots; ++i) {
    uint64_t slot = 4 + uint64_t{(hash + i) & (slots - 1)} * kSlot;
    uint32_t stored = wordAt(dictionary, slot + 12);
    if (stored == 0)
      return true;
    uint32_t offset = wordAt(dictionary, slot + 4), size = wordAt(dictionary, slot + 8);
    if (wordAt(dictionary, slot) != hash || size != key.size)
      continue;
    if (!fits(dictionary, offset, size))
      return false;
    if (size == 0 || memcmp(dictionary.bytes + offset, key.bytes, size) == 0) {
      value = int64_t{stored} - 1;
      return true;
    }
  }
  return true;
}

bool longtail::runtime::matches(TextView text, TextView automaton, bool &accepted) {
  if (!fits(automaton, 0, 12 + 256))
    return false;
  uint32_t states = wordAt(automaton, 0), classes = wordAt(automaton, 4);
  uint32_t state = wordAt(automaton, 8);
  const uint8_t *classOf = automaton.bytes + 12;
  uint64_t table = 12 + 256 + uint64_t{states};
  if (states > 65536 || classes > 256 || state >= states ||
      !fits(automaton, table, uint64_t{states} * classes * 2))
    return false;
  const uint8_t *next = automaton.bytes + table;
  for (uint64_t i = 0; i < text.size && state != 0; ++i) {
    uint8_t kind = classOf[text.bytes[i]];
    if (kind >= classes)
      return false;
    const uint8_t *entry = next + (uint64_t{state} * classes + kind) * 2;
    state = entry[0] | static_cast<uint32_t>(entry[1]) << 8;
    if (state >= states)
      return false;
  }
  accepted = state != 0 && automaton.bytes[12 + 256 + state] != 0;
  return true;
}

uint32_t longtail::runtime::decodeCharacter(TextView text, uint32_t &codePoint) {
  uint8_t first = text.bytes[0];
  codePoint = first;
  if (first < 0x80)
    return 1;
  codePoint = 0xffffffff;
  uint32_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size < length)
    return 1;
  uint32_t code = first & (0xffu >> (length + 1));
  for (uint32_t i = 1; i < length; ++i) {
    if ((text.bytes[i] & 0xc0) != 0x80)
      return 1;
    code = code << 6 | (text.bytes[i] & 0x3f);
  }
  // Longer than needed, half of a surrogate pair, or beyond Unicode.
  if (code < (length == 2   ? 0x80u
              : length == 3 ? 0x800u
                            : 0x10000u) ||
      code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return 1;
  codePoint = code;
  return length;
}

bool longtail::runtime::replaceCharacters(TextView text, TextView table, uint8_t *out,
                                          uint64_t &size) {
  size = 0;
  if (!fits(table, 0, 128 + 4))
    return false;
  uint32_t count = wordAt(table, 128);
  uint64_t codes = 128 + 4, offsets = codes + uint64_t{count} * 4;
  uint64_t bytes = offsets + (uint64_t{count} + 1) * 4;
  if (!fits(table, 0, bytes))
    return false;
  for (uint64_t at = 0; at < text.size;) {
    uint32_t code;
    uint32_t length = decodeCharacter({text.bytes + at, text.size - at}, code);
    const uint8_t *source = text.bytes + at;
    uint64_t copied = length;
    uint32_t low = 0, high = count;
    if (code < 128) {
      source = table.bytes + code;
    } else if (code != 0xffffffff) {
      while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (wordAt(table, codes + uint64_t{middle} * 4) < code)
          low = middle + 1;
        else
          high = middle;
      }
      if (low < count && wordAt(table, codes + uint64_t{low} * 4) == code) {
        uint32_t begin = wordAt(table, offsets + uint64_t{low} * 4);
        uint32_t end = wordAt(table, offsets + uint64_t{low} * 4 + 4);
        if (end < begin || !fits(table, bytes + begin, end - begin))
          return false;
        source = table.bytes + bytes + begin;
        copied = end - begin;
      }
    }
    if (out)
      memcpy(out + size, source, copied);
    size += copied;
    at += length;
  }
  return true;
}
