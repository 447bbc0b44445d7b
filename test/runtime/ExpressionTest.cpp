// Shape expressions against their definition.
#include "runtime/src/Expression.h"
#include "test/runtime/Artifacts.h"
#include <climits>
#include <cmath>
#include <gtest/gtest.h>

using namespace longtail;
using namespace longtail::test;
using runtime::Instruction;

namespace {

lt_rc run(std::vector<Instruction> code, int64_t &value, lt_error &error,
          std::vector<int64_t> symbols = {}) {
  runtime::Expression expr = {code.data(), static_cast<uint32_t>(code.size()), 0, 0};
  if (lt_rc rc = verifyExpression(expr, static_cast<uint32_t>(symbols.size()), 0, &error))
    return rc;
  return evaluate(expr, symbols.data(), value, "it", &error);
}

// Value of `a op b`, or the error code as the test's failure.
int64_t binary(lt_opcode opcode, int64_t a, int64_t b) {
  int64_t value = 0;
  lt_error error = newError();
  EXPECT_EQ(run({{a, LT_OP_CONST}, {b, LT_OP_CONST}, {0, opcode}}, value, error), LT_OK)
      << error.msg;
  return value;
}

lt_rc code(lt_opcode opcode, int64_t a, int64_t b) {
  int64_t value;
  lt_error error = newError();
  return run({{a, LT_OP_CONST}, {b, LT_OP_CONST}, {0, opcode}}, value, error);
}

} // namespace

TEST(Expression, Divides) {
  for (int64_t a = -13; a <= 13; ++a)
    for (int64_t b = -5; b <= 5; ++b) {
      if (b == 0)
        continue;
      int64_t floor = binary(LT_OP_FLOORDIV, a, b), ceil = binary(LT_OP_CEILDIV, a, b);
      // floor * b <= a < (floor + 1) * b for b > 0, and mirrored for b < 0.
      EXPECT_EQ(floor, static_cast<int64_t>(std::floor(static_cast<double>(a) / b)));
      EXPECT_EQ(ceil, static_cast<int64_t>(std::ceil(static_cast<double>(a) / b)));
      EXPECT_EQ(binary(LT_OP_MOD, a, b), a - floor * b);
    }
  EXPECT_EQ(binary(LT_OP_FLOORDIV, INT64_MIN, 3), INT64_MIN / 3 - 1);
  EXPECT_EQ(binary(LT_OP_CEILDIV, INT64_MAX, -2), INT64_MAX / -2);
  EXPECT_EQ(binary(LT_OP_MOD, INT64_MIN, -1), 0);
}

TEST(Expression, ComparesAndSelects) {
  EXPECT_EQ(binary(LT_OP_MIN, -3, 2), -3);
  EXPECT_EQ(binary(LT_OP_MAX, -3, 2), 2);
  EXPECT_EQ(binary(LT_OP_EQ, 4, 4), 1);
  EXPECT_EQ(binary(LT_OP_NE, 4, 4), 0);
  EXPECT_EQ(binary(LT_OP_LT, 4, 4), 0);
  EXPECT_EQ(binary(LT_OP_LE, 4, 4), 1);
  EXPECT_EQ(binary(LT_OP_AND, 2, 4), 1);
  EXPECT_EQ(binary(LT_OP_AND, 2, 0), 0);
  EXPECT_EQ(binary(LT_OP_OR, 0, -1), 1);
  EXPECT_EQ(binary(LT_OP_OR, 0, 0), 0);
  EXPECT_EQ(binary(LT_OP_SUB, 2, 5), -3);
  lt_error error = newError();
  for (int64_t condition : {0, 7}) {
    int64_t value = 0;
    ASSERT_EQ(
        run({{0, LT_OP_SYM}, {1, LT_OP_SYM}, {2, LT_OP_SYM}, {0, LT_OP_SELECT}, {0, LT_OP_NEG}},
            value, error, {condition, 10, 20}),
        LT_OK);
    EXPECT_EQ(value, condition ? -10 : -20);
  }
}

TEST(Expression, ReportsOverflowAndDivisionByZero) {
  EXPECT_EQ(code(LT_OP_ADD, INT64_MAX, 1), LT_ERR_SHAPE);
  EXPECT_EQ(code(LT_OP_SUB, INT64_MIN, 1), LT_ERR_SHAPE);
  EXPECT_EQ(code(LT_OP_MUL, INT64_C(1) << 32, INT64_C(1) << 32), LT_ERR_SHAPE);
  EXPECT_EQ(code(LT_OP_FLOORDIV, INT64_MIN, -1), LT_ERR_SHAPE);
  EXPECT_EQ(code(LT_OP_CEILDIV, INT64_MIN, -1), LT_ERR_SHAPE);
  for (lt_opcode opcode : {LT_OP_FLOORDIV, LT_OP_CEILDIV, LT_OP_MOD})
    EXPECT_EQ(code(opcode, 1, 0), LT_ERR_SHAPE);
  int64_t value;
  lt_error error = newError();
  EXPECT_EQ(run({{INT64_MIN, LT_OP_CONST}, {0, LT_OP_NEG}}, value, error), LT_ERR_SHAPE);
  EXPECT_STREQ(error.msg, "it does not fit into 64 bits for these shapes");
}

TEST(Expression, DeepestStackFits) {
  std::vector<Instruction> code;
  for (int i = 0; i < 171; ++i)
    code.push_back({1, LT_OP_CONST});
  for (int i = 0; i < 85; ++i)
    code.push_back({0, LT_OP_SELECT});
  ASSERT_EQ(code.size(), LT_MAX_EXPR_LENGTH);
  int64_t value = 0;
  lt_error error = newError();
  ASSERT_EQ(run(code, value, error), LT_OK) << error.msg;
  EXPECT_EQ(value, 1);
}
