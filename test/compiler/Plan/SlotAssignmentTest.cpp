#include "compiler/Plan/SlotAssignment.h"
#include <gtest/gtest.h>
#include <random>

using namespace longtail::plan;

static Lifetime buffer(uint32_t first, uint32_t last, int64_t bytes, uint32_t region = 0) {
  return {first, last, region, {bytes, bytes * 4}};
}

TEST(SlotAssignment, SharesOneSlotAlongAChain) {
  // Each buffer dies where the next but one is born: two slots do.
  SlotAssignment result =
      assignSlots({buffer(0, 1, 100), buffer(1, 2, 200), buffer(2, 3, 300), buffer(3, 4, 50)});
  EXPECT_EQ(result.regions.size(), 2u);
  EXPECT_EQ(result.slots[0], result.slots[2]);
  EXPECT_EQ(result.slots[1], result.slots[3]);
}

TEST(SlotAssignment, KeepsBuffersOfOneStepApart) {
  // The last reader of the first buffer writes the second.
  SlotAssignment result = assignSlots({buffer(0, 3, 100), buffer(3, 5, 100)});
  EXPECT_NE(result.slots[0], result.slots[1]);
}

TEST(SlotAssignment, KeepsRegionsApart) {
  SlotAssignment result = assignSlots({buffer(0, 1, 100, 0), buffer(5, 6, 100, 1)});
  EXPECT_NE(result.slots[0], result.slots[1]);
  EXPECT_EQ(result.regions[result.slots[1]], 1u);
}

TEST(SlotAssignment, PrefersTheSlotThatFits) {
  // Both slots are free for the small buffer: it takes the small one.
  SlotAssignment result = assignSlots({buffer(0, 1, 1000), buffer(0, 1, 64), buffer(2, 3, 60)});
  EXPECT_EQ(result.slots[2], result.slots[1]);
}

TEST(SlotAssignment, NoBuffers) { EXPECT_TRUE(assignSlots({}).regions.empty()); }

TEST(SlotAssignment, RandomLifetimesNeverOverlap) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<Lifetime> buffers;
    for (int i = 0; i < 60; ++i) {
      uint32_t first = random() % 40;
      buffers.push_back(buffer(first, first + random() % 6, random() % 5000, random() % 3));
    }
    SlotAssignment result = assignSlots(buffers);
    for (size_t a = 0; a < buffers.size(); ++a)
      for (size_t b = a + 1; b < buffers.size(); ++b)
        if (result.slots[a] == result.slots[b]) {
          EXPECT_EQ(buffers[a].region, buffers[b].region);
          EXPECT_TRUE(buffers[a].last < buffers[b].first || buffers[b].last < buffers[a].first);
        }
  }
}
