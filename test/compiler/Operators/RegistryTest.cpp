#include "compiler/Operators/Registry.h"
#include "gtest/gtest.h"

using namespace longtail::operators;

namespace {

mlir::LogicalResult infer(InferContext &) { return mlir::success(); }
mlir::LogicalResult expand(ExpandContext &) { return mlir::success(); }

TEST(RegistryTest, FindsTheNewestVersionThatIsNotTooNew) {
  Registry registry;
  registry.add({"d", "Op", 9, infer, expand});
  registry.add({"d", "Op", 1, infer, expand});
  registry.add({"d", "Op", 13, infer, expand});
  EXPECT_EQ(registry.lookup("d", "Op", 8)->since, 1);
  EXPECT_EQ(registry.lookup("d", "Op", 9)->since, 9);
  EXPECT_EQ(registry.lookup("d", "Op", 12)->since, 9);
  EXPECT_EQ(registry.lookup("d", "Op", 99)->since, 13);
}

TEST(RegistryTest, KnowsNothingElse) {
  Registry registry;
  registry.add({"d", "Op", 9, infer, expand});
  EXPECT_EQ(registry.lookup("d", "Op", 8), nullptr);
  EXPECT_EQ(registry.lookup("", "Op", 9), nullptr);
  EXPECT_EQ(registry.lookup("d", "Other", 9), nullptr);
}

TEST(RegistryTest, ListsInOrder) {
  Registry registry;
  registry.add({"d", "B", 1, infer, expand});
  registry.add({"d", "A", 7, infer, expand});
  registry.add({"d", "A", 2, infer, expand});
  std::vector<const Operator *> all = registry.all();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0]->name + std::to_string(all[0]->since), "A2");
  EXPECT_EQ(all[1]->name + std::to_string(all[1]->since), "A7");
  EXPECT_EQ(all[2]->name, "B");
}

TEST(RegistryDeathTest, RefusesTheSameTwice) {
  Registry registry;
  registry.add({"d", "Op", 9, infer, expand});
  EXPECT_DEATH(registry.add({"d", "Op", 9, infer, expand}),
               "'d::Op' version 9 is registered twice");
}

TEST(RegistryTest, EveryBuiltinHasBothRulesOrNone) {
  for (const Operator *op : Registry::builtin().all()) {
    // Operators with neither are replaced during inference.
    EXPECT_EQ(op->infer == nullptr, op->expand == nullptr) << op->name;
  }
  EXPECT_NE(Registry::builtin().lookup("", "Relu", 14), nullptr);
}

} // namespace
