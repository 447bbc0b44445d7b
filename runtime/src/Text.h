// Strings of a run: where handles point, and what kernels do with strings (artifact.h,
// lt_text_function).
#pragma once
#include "Memory.h"

namespace longtail::runtime {

struct TextView {
  const uint8_t *bytes;
  uint64_t size;
};

// The strings that a context and the contexts of its calls use. Strings are made by one thread at a
// time; while nobody makes any, all threads may look them up.
class TextPool {
public:
  // `constants` is the TEXT section of the artifact and must outlive the pool.
  void open(const Memory &from, const uint8_t *constants, uint64_t constantBytes, uint64_t limit);
  void release();

  // Forgets the strings of the last run; their memory is kept for the next one.
  void reset();
  // False for what is no handle of a string that exists.
  bool find(uint64_t handle, TextView &view) const;
  // Room for a string of `size` bytes. Null, and `failure` a lt_kernel_code, where there is none.
  uint8_t *make(uint64_t size, uint64_t &handle, int32_t &failure);
  uint64_t limitBytes() const { return limit; }

private:
  // Each is twice as large as the one before it; a larger string gets one of its size.
  static constexpr uint32_t kChunks = 40;
  static constexpr uint64_t kFirstChunk = 4096;
  struct Chunk {
    Block block;
    uint64_t used;
  };

  const Memory *memory = nullptr;
  const uint8_t *constants = nullptr;
  uint64_t constantBytes = 0;
  uint64_t limit = LT_TEXT_LIMIT;
  uint64_t total = 0; // of this run, bytes
  Chunk chunks[kChunks] = {};
  uint32_t current = 0;
};

// The frame of a kernel call with what the text functions need behind it.
struct TextFrame {
  lt_kernel_frame frame; // first: functions get its address
  TextPool *pool;
  bool mayMake; // the step may make strings
  int32_t failure;
};

// lt_kernel_frame::text of a TextFrame.
int64_t applyText(const lt_kernel_frame *frame, int32_t function, int64_t a, int64_t b, int64_t c);

// ---- numbers -----------------------------------------------------------------------------------

constexpr uint32_t kNumberBytes = 32; // the longest number in decimal digits is shorter

// Decimal digits of an integer; returns their count.
uint32_t formatInteger(int64_t value, bool isUnsigned, char *out);
// The fewest digits that tell the number from its neighbours of type `kind` (lt_text_float), as
// NumPy writes them: "1.5", "1e-05", "inf". Returns their count.
uint32_t formatFloat(double value, uint32_t kind, char *out);
// False where the text is no number of the type. Space around it is allowed.
bool parseInteger(TextView text, uint32_t bits, bool isUnsigned, int64_t &value);
bool parseFloat(TextView text, double &value);
bool parseBool(TextView text, bool &value);

// ---- tables (forms in artifact.h) --------------------------------------------------------------

// All return false for a table that is not well-formed where it is looked at.
bool lookUp(TextView key, TextView dictionary, int64_t &value);
bool matches(TextView text, TextView automaton, bool &accepted);
// The bytes after replacing each character, written to `out` unless it is null.
bool replaceCharacters(TextView text, TextView table, uint8_t *out, uint64_t &size);

// The number of bytes of the character that `text` begins with and its code point; 1 byte and no
// code point (0xffffffff) where it is not UTF-8. `text` is not empty.
uint32_t decodeCharacter(TextView text, uint32_t &codePoint);

} // namespace longtail::runtime
