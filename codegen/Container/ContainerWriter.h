// Writes compiled programs as `.lt` artifacts (format: runtime/include/longtail/artifact.h).
//
// Plain structs on purpose: no MLIR here, so tests and tools can build artifacts by hand. Ids are
// indices into the vectors of the same Function unless said otherwise. Vectors may be in any order;
// the writer sorts by region and renumbers where the format wants it. The order among symbols is
// kept: an expression of a derived symbol may only use symbols that come before it.
#pragma once
#include "longtail/artifact.h"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace longtail::container {

constexpr uint32_t kNone = LT_NO_ID;

struct Instruction {
  lt_opcode opcode;
  int64_t operand = 0; // value of CONST, symbol of SYM, else 0
};
using Expression = std::vector<Instruction>; // postfix

struct Dim {
  int64_t size = -1;           // -1: dynamic
  uint32_t expression = kNone; // dynamic dims of outputs only
  std::string name = {};       // "batch"; may be empty
};

struct Value { // an input or output
  std::string name;
  uint32_t dtype = LT_DTYPE_F32;
  std::vector<Dim> dims;
  uint32_t region = 0; // outputs: where the dims become known
};

struct Symbol {
  lt_symbol_kind kind = LT_SYMBOL_INPUT_DIM;
  uint32_t region = 0;
  std::string name;    // for messages
  uint32_t source = 0; // INPUT_DIM: input; DERIVED: expression; BOUND, MEASURED: buffer
  uint32_t index = 0;  // INPUT_DIM, MEASURED: dimension; BOUND: element
  int64_t min = 0;     // inclusive
  int64_t max = 0x7fffffff;
};

struct Check {
  uint32_t expression = 0; // must be non-zero
  std::string message;     // what is wrong if it is zero
  uint32_t region = 0;
};

struct Slot {
  uint32_t region = 0;
};

struct Buffer {
  lt_buffer_kind kind = LT_BUFFER_ARENA;
  uint32_t index = 0;          // input, output, slot, weight of the Program, or step's result
  uint32_t sizeExpression = 0; // bytes
  uint32_t dtype = LT_DTYPE_F32;
  uint32_t region = 0; // ARENA: the slot's; OUTPUT: the output's; RESULT: its own; else 0
};

struct Step {
  lt_step_kind kind = LT_STEP_DISPATCH;
  std::string name; // the source nodes
  // DISPATCH
  uint32_t kernel = 0;            // of the Variant
  bool parallel = false;          // tiles may run on several workers
  bool makesText = false;         // LT_STEP_TEXT: not parallel
  uint32_t tiles = 0;             // expression
  uint32_t scratch = kNone;       // expression: bytes per worker
  std::vector<uint32_t> bindings; // buffers
  std::vector<uint32_t> params;   // expressions
  // BRANCH, LOOP (see lt_call_record)
  uint32_t function = 0;      // of the Variant
  uint32_t otherwise = kNone; // BRANCH: of the Variant
  uint32_t condition = 0;     // expression: BRANCH: the condition; LOOP: the number of trips
  uint32_t argumentCount = 0; // bindings that are arguments; the others are results
  uint32_t carriedCount = 0;
  uint32_t slicedCount = 0;
  bool conditional = false; // LT_CALL_CONDITION
  bool endsRegion = false;  // some result is of kind RESULT
  // BIND: reads the symbols [firstSymbol, firstSymbol + symbolCount), all BOUND to `buffer`.
  // BRANCH, LOOP: measures such a range
  uint32_t buffer = 0;
  uint32_t firstSymbol = 0;
  uint32_t symbolCount = 0;
};

inline bool isCall(const Step &step) {
  return step.kind == LT_STEP_BRANCH || step.kind == LT_STEP_LOOP;
}
inline bool endsRegion(const Step &step) { return step.kind == LT_STEP_BIND || step.endsRegion; }
// BOUND and MEASURED symbols come first in their region.
inline bool isSetByStep(const Symbol &symbol) {
  return symbol.kind == LT_SYMBOL_BOUND || symbol.kind == LT_SYMBOL_MEASURED;
}

struct Function {
  std::string name;
  std::vector<Value> inputs;
  std::vector<Value> outputs;
  std::vector<Symbol> symbols;
  std::vector<Expression> expressions;
  std::vector<Check> checks;
  std::vector<Slot> slots;
  std::vector<Buffer> buffers;
  std::vector<Step> steps;
};

struct Kernel {
  std::string name;
  uint64_t entry = 0; // byte offset in codeImage
};

struct Variant { // one level of one ISA
  std::string name;
  lt_arch arch = LT_ARCH_X86_64;
  uint64_t featureMask = 0;
  uint32_t priority = 0;
  std::vector<uint8_t> codeImage;
  std::vector<Kernel> kernels;
  std::vector<Function> functions;
};

// Borrowed until the artifact is written. Equal contents are stored once.
struct Weight {
  const void *data = nullptr;
  uint64_t size = 0; // bytes
  std::string name;
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Program {
  Pairs metadata;   // the model's own properties
  Pairs provenance; // compiler version, flags, digest of the model
  std::vector<Variant> variants;
  std::vector<Weight> weights;
  std::vector<uint8_t>
      text; // the TEXT section: constant strings, each behind its uint32_t of bytes
};

// Both check the program first and return false with a message that names the thing that is wrong.
// Equal programs give equal bytes.

// Replaces `bytes`; leaves it empty on failure.
bool writeContainer(const Program &program, std::string &errorMessage, std::vector<uint8_t> &bytes);

// Writes a temporary file next to `path`, syncs it and renames it: `path` is either replaced as a
// whole or left alone, and no temporary file stays behind. On failure `*systemError` is
// the errno of what failed, or 0 where the program is at fault.
bool writeContainer(const Program &program, std::string &errorMessage, const std::string &path,
                    int *systemError = nullptr);

} // namespace longtail::container
