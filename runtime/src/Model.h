// An artifact's metadata after parsing: owned, checked structs. Everything here may be trusted:
// ids are in range, expressions are well-formed, regions are sorted, strings end.
#pragma once
#include "Memory.h"

namespace longtail::runtime {

struct Instruction {
  int64_t operand;
  int32_t opcode;
};

struct Expression {
  const Instruction *code;
  uint32_t length;
  uint32_t region;      // of the latest symbol it uses
  uint32_t symbolLimit; // 1 + the highest symbol it uses
};

struct Io {
  const char *name;
  uint32_t dtype;
  uint32_t rank;
  uint32_t region;
  int64_t dims[LT_MAX_RANK]; // -1: dynamic
  uint32_t exprs[LT_MAX_RANK];
  const char *dimNames[LT_MAX_RANK];
};

struct Symbol {
  const char *name;
  uint32_t kind;
  uint32_t region;
  uint32_t source;
  uint32_t index;
  int64_t min, max;
};

struct Check {
  const char *message;
  uint32_t expr;
  uint32_t region;
};

struct Slot {
  uint32_t region;
};

struct Buffer {
  uint32_t kind;
  uint32_t index;
  uint32_t sizeExpr;
  uint32_t dtype;
  uint32_t region;
};

struct Step {
  const char *name;
  uint32_t kind;
  bool parallel;
  bool makesText;
  uint32_t target;
  uint32_t tilesExpr;
  uint32_t scratchExpr;  // LT_NO_ID: none
  uint32_t firstBinding; // in Function::lists
  uint32_t bindingCount;
  uint32_t firstParam; // in Function::lists
  uint32_t paramCount;
  uint32_t firstSymbol;
  uint32_t symbolCount;
  // BRANCH and LOOP
  uint32_t otherwise; // LT_NO_ID in a LOOP
  uint32_t argumentCount, carriedCount, slicedCount;
  bool conditional;
  bool endsRegion; // also BIND
  uint32_t nested; // the first context of the functions that it calls

  bool isCall() const { return kind == LT_STEP_BRANCH || kind == LT_STEP_LOOP; }
};

// Where each table's part of a region begins; the next region's entry is the end.
struct Region {
  uint32_t symbol, check, slot, buffer, step;
};

struct Kernel {
  const char *name;
  uint64_t entry;
};

struct Function {
  const char *name;
  uint32_t inputCount, outputCount;
  Span<Io> ios; // inputs, then outputs
  Span<Symbol> symbols;
  Span<Expression> exprs;
  Span<Check> checks;
  Span<Slot> slots;
  Span<Buffer> buffers;
  Span<Step> steps;
  Span<uint32_t> lists;
  Span<Region> regions; // regionCount() + 1 entries
  uint32_t calleeCount; // functions that its steps call, each as often as it is called

  uint32_t regionCount() const { return regions.length - 1; }
};

struct Variant {
  const char *name;
  uint32_t arch;
  uint32_t priority;
  uint64_t features;
  uint64_t codeOffset, codeBytes; // in the file
  uint32_t codeCrc;
  Span<Function> functions;
  Span<Kernel> kernels;
};

struct Weight {
  const char *name;
  uint64_t offset; // in the WDATA section
  uint64_t bytes;
  uint32_t crc;
};

struct Pair {
  const char *key;
  const char *value;
};

struct Model {
  uint16_t major, minor;
  uint64_t totalBytes;
  uint64_t weightDataOffset, weightDataBytes; // of the WDATA section in the file

  Array<char> strings;
  Array<uint8_t> text; // constants, which handles point to
  Array<Variant> variants;
  Array<Function> functions;
  Array<Io> ios;
  Array<Symbol> symbols;
  Array<Expression> exprs;
  Array<Instruction> code;
  Array<Check> checks;
  Array<Slot> slots;
  Array<Buffer> buffers;
  Array<Kernel> kernels;
  Array<Step> steps;
  Array<uint32_t> lists;
  Array<Region> regions;
  Array<Weight> weights;
  Array<Pair> metadata;
  Array<Pair> provenance;
};

} // namespace longtail::runtime
