#include "Expression.h"
#include "Checked.h"

using namespace longtail::runtime;

// How many operands an opcode takes from the stack, or -1 for an unknown opcode.
static int arity(int32_t opcode) {
  switch (opcode) {
  case LT_OP_CONST:
  case LT_OP_SYM:
    return 0;
  case LT_OP_NEG:
    return 1;
  case LT_OP_SELECT:
    return 3;
  default:
    return opcode >= LT_OP_ADD && opcode <= LT_OP_OR ? 2 : -1;
  }
}

lt_rc longtail::runtime::verifyExpression(Expression &expr, uint32_t symbolCount, uint32_t index,
                                          lt_error *error) {
  uint32_t depth = 0;
  expr.symbolLimit = 0;
  for (uint32_t i = 0; i < expr.length; ++i) {
    const Instruction &in = expr.code[i];
    int operands = arity(in.opcode);
    if (operands < 0)
      return fail(error, LT_ERR_FORMAT, Where::ExprOpcode, static_cast<uint32_t>(in.opcode),
                  "expression %u has the unknown opcode %d", index, in.opcode);
    if (in.opcode == LT_OP_SYM) {
      if (in.operand < 0 || in.operand >= symbolCount)
        return fail(error, LT_ERR_FORMAT, Where::ExprOperand, static_cast<uint64_t>(in.operand),
                    "expression %u uses symbol %lld of %u", index,
                    static_cast<long long>(in.operand), symbolCount);
      uint32_t limit = static_cast<uint32_t>(in.operand) + 1;
      if (limit > expr.symbolLimit)
        expr.symbolLimit = limit;
    } else if (in.opcode != LT_OP_CONST && in.operand != 0) {
      return fail(error, LT_ERR_FORMAT, Where::ExprOperand, i,
                  "expression %u has an operand at opcode %d", index, in.opcode);
    }
    if (depth < static_cast<uint32_t>(operands))
      return fail(error, LT_ERR_FORMAT, Where::ExprStack, i,
                  "expression %u takes more operands than it has at instruction %u", index, i);
    depth += 1 - static_cast<uint32_t>(operands);
  }
  if (depth != 1)
    return fail(error, LT_ERR_FORMAT, Where::ExprStack, depth,
                "expression %u leaves %u values, expected 1", index, depth);
  return LT_OK;
}

namespace {
enum class Fault { None, Overflow, Divide };
} // namespace

static Fault divide(int32_t opcode, int64_t a, int64_t b, int64_t &out) {
  if (b == 0)
    return Fault::Divide;
  if (b == -1) { // INT64_MIN / -1 traps
    if (opcode == LT_OP_MOD) {
      out = 0;
      return Fault::None;
    }
    return checkedSub<int64_t>(0, a, out) ? Fault::None : Fault::Overflow;
  }
  int64_t quotient = a / b, rest = a % b;
  bool negative = (rest < 0) != (b < 0); // sign of the exact quotient's fraction
  if (opcode == LT_OP_FLOORDIV)
    out = quotient - (rest != 0 && negative);
  else if (opcode == LT_OP_CEILDIV)
    out = quotient + (rest != 0 && !negative);
  else
    out = rest != 0 && negative ? rest + b : rest;
  return Fault::None;
}

static Fault binary(int32_t opcode, int64_t a, int64_t b, int64_t &out) {
  bool fits = true;
  switch (opcode) {
  case LT_OP_ADD:
    fits = checkedAdd(a, b, out);
    break;
  case LT_OP_SUB:
    fits = checkedSub(a, b, out);
    break;
  case LT_OP_MUL:
    fits = checkedMul(a, b, out);
    break;
  case LT_OP_MIN:
    out = a < b ? a : b;
    break;
  case LT_OP_MAX:
    out = a > b ? a : b;
    break;
  case LT_OP_EQ:
    out = a == b;
    break;
  case LT_OP_NE:
    out = a != b;
    break;
  case LT_OP_LT:
    out = a < b;
    break;
  case LT_OP_LE:
    out = a <= b;
    break;
  case LT_OP_AND:
    out = a != 0 && b != 0;
    break;
  case LT_OP_OR:
    out = a != 0 || b != 0;
    break;
  default:
    return divide(opcode, a, b, out);
  }
  return fits ? Fault::None : Fault::Overflow;
}

lt_rc longtail::runtime::evaluate(const Expression &expr, const int64_t *symbols, int64_t &value,
                                  const char *what, lt_error *error) {
  int64_t stack[LT_MAX_EXPR_LENGTH];
  int64_t *top = stack; // one past the topmost value
  for (const Instruction *in = expr.code, *end = in + expr.length; in != end; ++in) {
    Fault fault = Fault::None;
    switch (in->opcode) {
    case LT_OP_CONST:
      *top++ = in->operand;
      continue;
    case LT_OP_SYM:
      *top++ = symbols[in->operand];
      continue;
    case LT_OP_NEG:
      fault = binary(LT_OP_SUB, 0, top[-1], top[-1]);
      break;
    case LT_OP_SELECT:
      top -= 2;
      top[-1] = top[-1] != 0 ? top[0] : top[1];
      break;
    default:
      --top;
      fault = binary(in->opcode, top[-1], top[0], top[-1]);
    }
    if (fault == Fault::Divide)
      return fail(error, LT_ERR_SHAPE, Where::EvalDivide, 0, "%s divides by zero for these shapes",
                  what);
    if (fault == Fault::Overflow)
      return fail(error, LT_ERR_SHAPE, Where::EvalOverflow, 0,
                  "%s does not fit into 64 bits for these shapes", what);
  }
  value = stack[0];
  return LT_OK;
}
