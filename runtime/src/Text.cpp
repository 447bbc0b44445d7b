#include "Text.h"
#include <string.h>

using namespace longtail::runtime;

// Pools 0 and 1 of handles are the empty string and the constants.
static constexpr uint32_t kConstants = 1, kFirstPool = 2, kPoolShift = 48;
static constexpr uint64_t kHeader = sizeof(uint32_t);

void TextPool::open(const Memory &from, const uint8_t *bytes, uint64_t count, uint64_t atMost) {
  memory = &from;
  constants = bytes;
  constantBytes = count;
  limit = atMost ? atMost : LT_TEXT_LIMIT;
}

void TextPool::release() {
  for (Chunk &chunk : chunks)
    if (memory)
      chunk.block.release(*memory);
}

void TextPool::reset() {
  for (uint32_t i = 0; i <= current; ++i)
    chunks[i].used = 0;
  current = 0;
  total = 0;
}

bool TextPool::find(uint64_t handle, TextView &view) const {
  view = {nullptr, 0};
  if (handle == 0)
    return true;
  uint64_t pool = handle >> kPoolShift, offset = handle & ((uint64_t{1} << kPoolShift) - 1);
  const uint8_t *base = constants;
  uint64_t size = constantBytes;
  if (pool != kConstants) {
    if (pool < kFirstPool || pool - kFirstPool > current)
      return false;
    const Chunk &chunk = chunks[pool - kFirstPool];
    base = static_cast<const uint8_t *>(chunk.block.base);
    size = chunk.used;
  }
  if (offset > size || size - offset < kHeader)
    return false;
  uint32_t length;
  memcpy(&length, base + offset, sizeof length);
  if (length > size - offset - kHeader)
    return false;
  view = {base + offset + kHeader, length};
  return true;
}

uint8_t *TextPool::make(uint64_t size, uint64_t &handle, int32_t &failure) {
  uint64_t bytes = size + kHeader;
  if (size > UINT32_MAX || bytes > limit - total) {
    failure = LT_KERNEL_TEXT_LIMIT;
    return nullptr;
  }
  while (chunks[current].block.capacity - chunks[current].used < bytes) {
    if (chunks[current].used > 0) {
      if (current + 1 == kChunks) {
        failure = LT_KERNEL_TEXT_LIMIT;
        return nullptr;
      }
      ++current; // what is in front of a large string stays unused
    }
    uint64_t wanted = kFirstChunk << current;
    if (!chunks[current].block.reserve(*memory, wanted < bytes ? bytes : wanted)) {
      failure = LT_KERNEL_TEXT_MEMORY;
      return nullptr;
    }
  }
  Chunk &chunk = chunks[current];
  auto *place = static_cast<uint8_t *>(chunk.block.base) + chunk.used;
  auto length = static_cast<uint32_t>(size);
  memcpy(place, &length, sizeof length);
  handle = uint64_t{kFirstPool + current} << kPoolShift | chunk.used;
  chunk.used += bytes;
  total += bytes;
  return place + kHeader;
}

namespace {

// One call of a text function. Whatever goes wrong is noted, and the result is 0.
class Call {
public:
  explicit Call(TextFrame &frame) : frame(frame) {}

  int64_t apply(int32_t function, int64_t a, int64_t b, int64_t c);

private:
  int64_t fail(int32_t code) {
    if (frame.failure == 0)
      frame.failure = code;
    return 0;
  }
  TextView view(int64_t handle) {
    TextView found;
    if (!frame.pool->find(static_cast<uint64_t>(handle), found))
      fail(LT_KERNEL_TEXT_HANDLE);
    return found;
  }
  // Room for a string; null for an empty one and where it cannot be made.
  uint8_t *room(uint64_t size, uint64_t &handle) {
    handle = 0;
    if (size == 0)
      return nullptr;
    if (!frame.mayMake) {
      fail(LT_KERNEL_TEXT_HANDLE);
      return nullptr;
    }
    int32_t failure = 0;
    uint8_t *place = frame.pool->make(size, handle, failure);
    if (!place)
      fail(failure);
    return place;
  }
  int64_t make(const void *bytes, uint64_t size) {
    uint64_t handle;
    if (uint8_t *place = room(size, handle))
      memcpy(place, bytes, size);
    return static_cast<int64_t>(handle);
  }

  int64_t compare(TextView a, TextView b);
  int64_t join(TextView a, TextView b);
  int64_t search(TextView text, TextView needle, uint64_t begin);
  int64_t replace(TextView text, TextView table);

  TextFrame &frame;
};

uint64_t clamp(int64_t position, uint64_t size) {
  return position < 0 ? 0 : static_cast<uint64_t>(position) > size ? size : position;
}

// The white space of Unicode, as Python's str.split sees it.
bool isSpace(uint32_t code) {
  return (code >= 9 && code <= 13) || (code >= 28 && code <= 32) || code == 0x85 || code == 0xa0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
         code == 0x202f || code == 0x205f || code == 0x3000;
}

// The first position from `begin` on whose character is white space, or is not.
uint64_t scan(TextView text, uint64_t begin, bool wanted) {
  while (begin < text.size) {
    uint32_t code;
    uint32_t length = decodeCharacter({text.bytes + begin, text.size - begin}, code);
    if (isSpace(code) == wanted)
      break;
    begin += length;
  }
  return begin;
}

} // namespace

int64_t Call::compare(TextView a, TextView b) {
  uint64_t common = a.size < b.size ? a.size : b.size;
  int order = common ? memcmp(a.bytes, b.bytes, common) : 0;
  return order ? order : a.size < b.size ? -1 : a.size > b.size;
}

int64_t Call::join(TextView a, TextView b) {
  uint64_t handle;
  if (uint8_t *place = room(a.size + b.size, handle)) {
    if (a.size)
      memcpy(place, a.bytes, a.size);
    if (b.size)
      memcpy(place + a.size, b.bytes, b.size);
  }
  return static_cast<int64_t>(handle);
}

int64_t Call::search(TextView text, TextView needle, uint64_t begin) {
  if (needle.size == 0)
    return static_cast<int64_t>(begin);
  for (; text.size - begin >= needle.size; ++begin) {
    auto *found = static_cast<const uint8_t *>(
        memchr(text.bytes + begin, needle.bytes[0], text.size - begin - needle.size + 1));
    if (!found)
      break;
    begin = static_cast<uint64_t>(found - text.bytes);
    if (memcmp(found, needle.bytes, needle.size) == 0)
      return static_cast<int64_t>(begin);
  }
  return static_cast<int64_t>(text.size);
}

int64_t Call::replace(TextView text, TextView table) {
  uint64_t size, handle;
  if (!replaceCharacters(text, table, nullptr, size))
    return fail(LT_KERNEL_TEXT_HANDLE);
  if (uint8_t *place = room(size, handle))
    replaceCharacters(text, table, place, size);
  return static_cast<int64_t>(handle);
}

int64_t Call::apply(int32_t function, int64_t a, int64_t b, int64_t c) {
  char digits[kNumberBytes];
  switch (function) {
  case LT_TEXT_EQUAL: {
    TextView x = view(a), y = view(b);
    return a == b || (x.size == y.size && (x.size == 0 || memcmp(x.bytes, y.bytes, x.size) == 0));
  }
  case LT_TEXT_COMPARE:
    return compare(view(a), view(b));
  case LT_TEXT_SIZE:
    return static_cast<int64_t>(view(a).size);
  case LT_TEXT_JOIN:
    return join(view(a), view(b));
  case LT_TEXT_SLICE: {
    TextView text = view(a);
    uint64_t end = clamp(c, text.size), begin = clamp(b, end);
    return make(text.bytes + begin, end - begin);
  }
  case LT_TEXT_SEARCH: {
    TextView text = view(a);
    return search(text, view(b), clamp(c, text.size));
  }
  case LT_TEXT_SKIP:
  case LT_TEXT_SPAN: {
    TextView text = view(a);
    return static_cast<int64_t>(scan(text, clamp(b, text.size), function == LT_TEXT_SPAN));
  }
  case LT_TEXT_LOOKUP: {
    int64_t value;
    return lookUp(view(a), view(b), value) ? value : fail(LT_KERNEL_TEXT_HANDLE);
  }
  case LT_TEXT_MATCH: {
    bool accepted;
    return matches(view(a), view(b), accepted) ? accepted : fail(LT_KERNEL_TEXT_HANDLE);
  }
  case LT_TEXT_REPLACE:
    return replace(view(a), view(b));
  case LT_TEXT_FROM_INT:
    return make(digits, formatInteger(a, b != 0, digits));
  case LT_TEXT_FROM_FLOAT: {
    double value;
    memcpy(&value, &a, sizeof value);
    return make(digits, formatFloat(value, static_cast<uint32_t>(b), digits));
  }
  case LT_TEXT_TO_INT: {
    int64_t value;
    return parseInteger(view(a), static_cast<uint32_t>(b), c != 0, value)
               ? value
               : fail(LT_KERNEL_TEXT_NUMBER);
  }
  case LT_TEXT_TO_FLOAT: {
    double value;
    if (!parseFloat(view(a), value))
      return fail(LT_KERNEL_TEXT_NUMBER);
    memcpy(&a, &value, sizeof a);
    return a;
  }
  case LT_TEXT_TO_BOOL: {
    bool value;
    return parseBool(view(a), value) ? value : fail(LT_KERNEL_TEXT_NUMBER);
  }
  default:
    return fail(LT_KERNEL_TEXT_HANDLE);
  }
}

// Kernels carry no type hashes; this is called by them.
int64_t longtail::runtime::applyText(const lt_kernel_frame *frame, int32_t function, int64_t a,
                                     int64_t b, int64_t c) {
  return Call(*reinterpret_cast<TextFrame *>(const_cast<lt_kernel_frame *>(frame)))
      .apply(function, a, b, c);
}
