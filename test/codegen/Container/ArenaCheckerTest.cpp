// The memory plan checker finds planted mistakes.
#include "codegen/Container/ArenaChecker.h"
#include "test/runtime/Artifacts.h"
#include <gtest/gtest.h>

using namespace longtail;
using namespace longtail::container;
using namespace longtail::test;

namespace {

// A chain: step i reads buffer i - 1 and writes buffer i; buffer i is in slot i % slots.
Function chain(uint32_t length, uint32_t slots) {
  FunctionBuilder f("chain");
  uint32_t size = f.constant(64);
  f.function.slots.resize(slots);
  for (uint32_t i = 0; i < length; ++i) {
    f.buffer(LT_BUFFER_ARENA, i % slots, size, LT_DTYPE_F32);
    std::vector<uint32_t> bindings{i};
    if (i > 0)
      bindings.insert(bindings.begin(), i - 1);
    f.dispatch("step" + std::to_string(i), Fill, size, bindings, {});
  }
  return f.function;
}

// The last binding is written.
bool writesLast(const void *context, uint32_t step, uint32_t position) {
  auto *function = static_cast<const Function *>(context);
  return position + 1 == function->steps[step].bindings.size();
}

} // namespace

TEST(ArenaChecker, AcceptsDisjointLifetimes) {
  std::string message;
  for (uint32_t slots : {2u, 3u, 10u}) {
    Function function = chain(10, slots);
    EXPECT_TRUE(checkArena(function, message)) << message;
    EXPECT_TRUE(checkArena(function, message, writesLast, &function)) << message;
  }
  EXPECT_TRUE(checkArena(addFunction(), message)) << message;
  EXPECT_TRUE(checkArena(nonZeroFunction(), message)) << message;
}

TEST(ArenaChecker, FindsOverlaps) {
  std::string message;
  EXPECT_FALSE(checkArena(chain(3, 1), message));
  EXPECT_EQ(message,
            "function 'chain': buffers 0 and 1 share slot 0, but the first is in use until "
            "step 1 'step1' and the second from step 1 'step1'");
  // A late second use makes a buffer live longer.
  Function late = chain(6, 2);
  late.steps[5].bindings.push_back(1);
  EXPECT_FALSE(checkArena(late, message));
  EXPECT_NE(message.find("buffers 1 and 3 share slot 1"), std::string::npos) << message;
}

TEST(ArenaChecker, FindsUsesBeforeDefinitions) {
  std::string message;
  Function function = chain(4, 4);
  std::swap(function.steps[1], function.steps[2]);
  EXPECT_FALSE(checkArena(function, message, writesLast, &function));
  EXPECT_EQ(message, "function 'chain': step 1 'step2' reads buffer 1 before any step writes it");
  // In and out at once is no definition for itself.
  Function inOut = chain(1, 1);
  inOut.steps[0].bindings = {0, 0};
  EXPECT_FALSE(checkArena(inOut, message, writesLast, &inOut));
  Function bind = nonZeroFunction();
  bind.steps.erase(bind.steps.begin());
  EXPECT_FALSE(checkArena(bind, message));
  EXPECT_NE(message.find("step 0 'bind' reads buffer 1"), std::string::npos) << message;
}

TEST(ArenaChecker, FindsIdsOutOfRange) {
  std::string message;
  Function function = chain(3, 3);
  function.steps[1].bindings.push_back(3);
  EXPECT_FALSE(checkArena(function, message));
  function = chain(3, 3);
  function.slots.pop_back();
  EXPECT_FALSE(checkArena(function, message));
  EXPECT_EQ(message, "function 'chain': buffer 2 names slot 2 of 2");
}
