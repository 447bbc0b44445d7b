#include "compiler/Plan/Text.h"
#include "mlir/IR/Builders.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace longtail::plan;

TEST(Text, IsCutAtWholeCharacters) {
  EXPECT_EQ(shortText("conv"), "conv");
  std::string umlauts;
  for (int i = 0; i < 600; ++i)
    umlauts += "ü";
  std::string cut = shortText(umlauts);
  EXPECT_LE(cut.size(), 512u);
  EXPECT_EQ(cut.substr(cut.size() - 3), "...");
  EXPECT_EQ((cut.size() - 3) % 2, 0u);
  EXPECT_EQ(shortText(llvm::StringRef("a\0b", 3)), "ab");
}

TEST(Text, NamesOfLocations) {
  MLIRContext context;
  auto name = [&](llvm::StringRef text) { return NameLoc::get(StringAttr::get(&context, text)); };
  EXPECT_EQ(locationText(UnknownLoc::get(&context)), "unnamed");
  EXPECT_EQ(locationText(FileLineColLoc::get(&context, "m.onnx", 3, 0)), "m.onnx:3");
  Location both = FusedLoc::get(&context, {name("a"), name("b"), name("a")});
  EXPECT_EQ(locationText(both), "a, b");
}
