#include "compiler/Plan/Valuation.h"
#include "compiler/Report/Report.h"
#include "llvm/Support/MathExtras.h"

using namespace longtail;
using container::Expression;
using container::Instruction;
namespace json = llvm::json;

namespace {

/// Evaluates a plan's expressions; what overflows or divides by zero counts as 0.
class Interpreter {
public:
  Interpreter(const container::Function &function, report::ExampleSizes example)
      : function(function) {
    for (const container::Symbol &symbol : function.symbols) {
      bool outer = symbol.kind == LT_SYMBOL_INPUT_DIM && symbol.index == 0;
      int64_t value = symbol.kind == LT_SYMBOL_DERIVED ? evaluate(symbol.source)
                      : outer                          ? example.outer
                                                       : example.inner;
      symbols.push_back(std::clamp(value, symbol.min, symbol.max));
    }
  }

  int64_t evaluate(uint32_t expression) const {
    std::vector<int64_t> stack;
    for (const Instruction &in : function.expressions[expression])
      step(in, stack);
    return stack.back();
  }

  const std::vector<int64_t> &values() const { return symbols; }

private:
  void step(const Instruction &in, std::vector<int64_t> &stack) const {
    if (in.opcode == LT_OP_CONST)
      return stack.push_back(in.operand);
    if (in.opcode == LT_OP_SYM)
      return stack.push_back(symbols[in.operand]);
    int64_t b = stack.back();
    stack.pop_back();
    if (in.opcode == LT_OP_NEG)
      return stack.push_back(b == INT64_MIN ? 0 : -b);
    int64_t a = stack.back();
    if (in.opcode == LT_OP_SELECT) {
      stack.pop_back();
      stack.back() = stack.back() != 0 ? a : b;
      return;
    }
    stack.back() = binary(in.opcode, a, b);
  }

  static int64_t binary(lt_opcode opcode, int64_t a, int64_t b) {
    int64_t result = 0;
    switch (opcode) {
    case LT_OP_ADD:
      return llvm::AddOverflow(a, b, result) ? 0 : result;
    case LT_OP_SUB:
      return llvm::SubOverflow(a, b, result) ? 0 : result;
    case LT_OP_MUL:
      return llvm::MulOverflow(a, b, result) ? 0 : result;
    case LT_OP_CEILDIV:
      return b == 0 ? 0 : llvm::divideCeilSigned(a, b);
    case LT_OP_FLOORDIV:
      return b == 0 ? 0 : llvm::divideFloorSigned(a, b);
    case LT_OP_MOD:
      return b == 0 ? 0 : a - llvm::divideFloorSigned(a, b) * b;
    case LT_OP_MIN:
      return std::min(a, b);
    case LT_OP_MAX:
      return std::max(a, b);
    case LT_OP_EQ:
      return a == b;
    case LT_OP_NE:
      return a != b;
    case LT_OP_LT:
      return a < b;
    case LT_OP_LE:
      return a <= b;
    case LT_OP_AND:
      return a != 0 && b != 0;
    case LT_OP_OR:
      return a != 0 || b != 0;
    default:
      return 0;
    }
  }

  const container::Function &function;
  std::vector<int64_t> symbols;
};

} // namespace

json::Object report::describePlan(const container::Function &function, ExampleSizes example) {
  Interpreter interpreter(function, example);
  std::vector<int64_t> slots(function.slots.size());
  int64_t unshared = 0; // what the arena would be if no buffers shared memory
  for (const container::Buffer &buffer : function.buffers) {
    if (buffer.kind != LT_BUFFER_ARENA)
      continue;
    int64_t bytes = llvm::alignTo(interpreter.evaluate(buffer.sizeExpression), LT_DATA_ALIGN);
    slots[buffer.index] = std::max(slots[buffer.index], bytes + LT_READ_TAIL);
    unshared += bytes + LT_READ_TAIL;
  }
  json::Object sizes;
  for (auto [symbol, value] : llvm::zip(function.symbols, interpreter.values()))
    if (symbol.kind != LT_SYMBOL_DERIVED)
      sizes[llvm::json::fixUTF8(symbol.name)] = value;
  int64_t arena = 0, binds = 0;
  for (int64_t bytes : slots)
    arena += bytes;
  for (const container::Step &step : function.steps)
    binds += container::endsRegion(step);
  return json::Object{{"name", function.name},
                      {"steps", int64_t(function.steps.size())},
                      {"data_dependent_regions", binds},
                      {"symbols", int64_t(function.symbols.size())},
                      {"checks", int64_t(function.checks.size())},
                      {"slots", int64_t(function.slots.size())},
                      {"example_sizes", std::move(sizes)},
                      {"arena_bytes", arena},
                      {"arena_bytes_without_sharing", unshared}};
}
