#include "compiler/Plan/Expressions.h"
#include "mlir/IR/MLIRContext.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace longtail;
using container::Instruction;
using plan::ExpressionTable;

namespace {

class Expressions : public testing::Test {
protected:
  Expressions() : table(function) {
    for (int64_t id = 0; id < 2; ++id) {
      table.defineSymbol(id);
      container::Symbol symbol;
      symbol.region = static_cast<uint32_t>(id);
      function.symbols.push_back(symbol);
    }
  }

  AffineExpr s(unsigned i) { return getAffineSymbolExpr(i, &context); }
  AffineExpr c(int64_t value) { return getAffineConstantExpr(value, &context); }

  static int64_t floorDiv(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
  }

  /// Runs a postfix program; written without the compiler's help.
  int64_t run(uint32_t id, const std::vector<int64_t> &values) {
    std::vector<int64_t> stack;
    auto pop = [&] {
      int64_t top = stack.back();
      stack.pop_back();
      return top;
    };
    for (const Instruction &in : function.expressions[id]) {
      if (in.opcode == LT_OP_CONST || in.opcode == LT_OP_SYM) {
        auto index = static_cast<size_t>(in.operand);
        stack.push_back(in.opcode == LT_OP_CONST ? in.operand
                        : index < values.size()  ? values[index]
                                                 : run(function.symbols.at(index).source, values));
        continue;
      }
      int64_t b = pop(), a = pop();
      switch (in.opcode) {
      case LT_OP_ADD:
        stack.push_back(a + b);
        break;
      case LT_OP_SUB:
        stack.push_back(a - b);
        break;
      case LT_OP_MUL:
        stack.push_back(a * b);
        break;
      case LT_OP_FLOORDIV:
        stack.push_back(floorDiv(a, b));
        break;
      case LT_OP_CEILDIV:
        stack.push_back(-floorDiv(-a, b));
        break;
      case LT_OP_MOD:
        stack.push_back(a - floorDiv(a, b) * b);
        break;
      case LT_OP_MAX:
        stack.push_back(std::max(a, b));
        break;
      case LT_OP_LE:
        stack.push_back(a <= b);
        break;
      case LT_OP_EQ:
        stack.push_back(a == b);
        break;
      default:
        ADD_FAILURE() << "unexpected opcode " << in.opcode;
        stack.push_back(0);
      }
    }
    EXPECT_EQ(stack.size(), 1u);
    return stack.back();
  }

  MLIRContext context;
  container::Function function;
  ExpressionTable table;
};

} // namespace

TEST_F(Expressions, SaysWhatAffineExpressionsSay) {
  AffineExpr size = (s(0) - 1).floorDiv(2) * s(1) + s(1).ceilDiv(4) - s(0) % 3;
  uint32_t id = table.add(size);
  for (int64_t a : {1, 2, 7, 64})
    for (int64_t b : {1, 3, 9})
      EXPECT_EQ(run(id, {a, b}), (a - 1) / 2 * b + (b + 3) / 4 - a % 3) << a << " " << b;
  EXPECT_EQ(run(id, {0, 5}), -5 + 2); // quotients round down
}

TEST_F(Expressions, EqualOnesAreOne) {
  EXPECT_EQ(table.add(s(0) + 2), table.add(s(0) + 2));
  EXPECT_NE(table.add(s(0) + 2), table.add(s(1) + 2));
}

TEST_F(Expressions, KnowsRegions) {
  EXPECT_EQ(table.regionOf(table.add(s(0) * 3)), 0u);
  EXPECT_EQ(table.regionOf(table.add(s(0) * s(1))), 1u);
}

TEST_F(Expressions, FunctionsOfSizes) {
  AffineMap args = AffineMap::get(0, 2, {s(0), s(1) + 1}, &context);
  EXPECT_EQ(run(table.add(extent::Function::Max, args), {3, 9}), 10);
  EXPECT_EQ(run(table.add(extent::Function::LessEqual, args), {11, 9}), 0);
}

TEST_F(Expressions, Bytes) {
  EXPECT_EQ(run(table.bytes({c(3), c(5)}, 32), {}), 60);
  EXPECT_EQ(run(table.bytes({}, 64), {}), 8);
  EXPECT_EQ(run(table.bytes({s(0), c(3)}, 16), {7, 0}), 42);
  EXPECT_EQ(run(table.bytes({s(0), c(3)}, 4), {3, 0}), 5); // 9 half bytes
  EXPECT_EQ(run(table.bytes({c(3)}, 2), {}), 1);
  EXPECT_EQ(run(table.bytes({s(0), c(0)}, 32), {7, 0}), 0);
}

TEST_F(Expressions, LongOnesAreCutAtSymbols) {
  AffineExpr sum = s(0);
  int64_t expected = 5;
  for (int i = 1; i < 400; ++i) { // not folded: each divides by something else
    sum = sum + s(1).floorDiv(i);
    expected += 1000 / i;
  }
  uint32_t id = table.add(sum);
  EXPECT_GT(function.symbols.size(), 2u);
  for (const container::Expression &each : function.expressions)
    EXPECT_LE(each.size(), LT_MAX_EXPR_LENGTH);
  for (size_t i = 2; i < function.symbols.size(); ++i)
    EXPECT_EQ(function.symbols[i].region, 1u);
  EXPECT_EQ(run(id, {5, 1000}), expected);
}
