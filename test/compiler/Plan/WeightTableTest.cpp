#include "compiler/Plan/WeightTable.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace longtail;

namespace {

class Weights : public testing::Test {
protected:
  std::vector<char> bytes(ElementsAttr value) {
    std::vector<char> storage;
    auto result =
        plan::bytesOf(value, storage, [&] { return emitError(UnknownLoc::get(&context)); });
    if (failed(result))
      return {};
    return std::vector<char>(result->begin(), result->end());
  }
  RankedTensorType tensor(ArrayRef<int64_t> shape, Type element) {
    return RankedTensorType::get(shape, element);
  }
  IntegerType integer(unsigned bits, bool isUnsigned = false) {
    return IntegerType::get(&context, bits,
                            isUnsigned ? IntegerType::Unsigned : IntegerType::Signless);
  }

  MLIRContext context;
};

} // namespace

TEST_F(Weights, BooleansTakeAByte) {
  auto mixed = DenseElementsAttr::get(tensor({9}, integer(1)),
                                      {true, false, true, true, false, false, false, true, true});
  EXPECT_EQ(bytes(mixed), (std::vector<char>{1, 0, 1, 1, 0, 0, 0, 1, 1}));
  auto splat = DenseElementsAttr::get(tensor({3}, integer(1)), true);
  EXPECT_EQ(bytes(splat), (std::vector<char>{1, 1, 1}));
}

TEST_F(Weights, SplatsAreWrittenOut) {
  auto splat = DenseElementsAttr::get(tensor({2, 2}, integer(16)), APInt(16, 0x0201));
  EXPECT_EQ(bytes(splat), (std::vector<char>{1, 2, 1, 2, 1, 2, 1, 2}));
  auto empty = DenseElementsAttr::get(tensor({0, 2}, integer(16)), APInt(16, 7));
  EXPECT_TRUE(bytes(empty).empty());
}

TEST_F(Weights, SmallElementsArePacked) {
  auto values = DenseElementsAttr::get(tensor({3}, integer(4)),
                                       {APInt(4, 1), APInt(4, -1, true), APInt(4, 7)});
  EXPECT_EQ(bytes(values), (std::vector<char>{char(0xf1), 7}));
  auto splat = DenseElementsAttr::get(tensor({5}, integer(2, true)), APInt(2, 3));
  EXPECT_EQ(bytes(splat), (std::vector<char>{char(0xff), 3}));
}

TEST_F(Weights, EqualConstantsAreOneWeight) {
  container::Program program;
  plan::WeightTable table(program);
  auto fail = [&] { return emitError(UnknownLoc::get(&context)); };
  auto a = DenseElementsAttr::get(tensor({2}, integer(8)), {APInt(8, 1), APInt(8, 2)});
  auto b = DenseElementsAttr::get(tensor({2}, integer(8)), {APInt(8, 1), APInt(8, 3)});
  EXPECT_EQ(*table.add(a, "a", fail), 0u);
  EXPECT_EQ(*table.add(b, "b", fail), 1u);
  EXPECT_EQ(*table.add(a, "c", fail), 0u);
  EXPECT_EQ(program.weights.size(), 2u);
}

TEST_F(Weights, BlobsOfTheWrongSizeAreRefused) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  std::vector<char> data(12);
  auto value =
      DenseResourceElementsAttr::get(tensor({4}, Float32Type::get(&context)), "w",
                                     HeapAsmResourceBlob::allocateAndCopyWithAlign(data, 8));
  EXPECT_TRUE(bytes(value).empty());
  EXPECT_NE(message.find("takes 16 bytes, but holds 12"), std::string::npos) << message;
}
