#include "compiler/Plan/SlotAssignment.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include <set>

namespace longtail::plan {

namespace {
struct Slot {
  uint32_t region;
  llvm::SmallVector<int64_t, 2> sizes;
  std::set<std::pair<uint32_t, uint32_t>> taken; // disjoint intervals of steps

  bool isFree(const Lifetime &buffer) const {
    auto next = taken.lower_bound({buffer.first, 0});
    if (next != taken.end() && next->first <= buffer.last)
      return false;
    return next == taken.begin() || std::prev(next)->second < buffer.first;
  }
  /// Bytes by which the slot has to grow, then bytes that stay unused, over all valuations.
  std::pair<int64_t, int64_t> cost(const Lifetime &buffer) const {
    int64_t growth = 0, waste = 0;
    for (auto [slot, need] : llvm::zip(sizes, buffer.sizes)) {
      growth += std::max<int64_t>(0, need - slot);
      waste += std::max<int64_t>(0, slot - need);
    }
    return {growth, waste};
  }
};
} // namespace

SlotAssignment assignSlots(llvm::ArrayRef<Lifetime> buffers) {
  auto order = llvm::to_vector(llvm::seq<uint32_t>(0, buffers.size()));
  llvm::sort(order, [&](uint32_t a, uint32_t b) {
    if (buffers[a].sizes != buffers[b].sizes)
      return std::lexicographical_compare(buffers[b].sizes.begin(), buffers[b].sizes.end(),
                                          buffers[a].sizes.begin(), buffers[a].sizes.end());
    return a < b;
  });
  SlotAssignment result;
  result.slots.resize(buffers.size());
  std::vector<Slot> slots;
  for (uint32_t index : order) {
    const Lifetime &buffer = buffers[index];
    size_t best = slots.size();
    std::pair<int64_t, int64_t> bestCost;
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slots[i].region != buffer.region || !slots[i].isFree(buffer))
        continue;
      std::pair<int64_t, int64_t> cost = slots[i].cost(buffer);
      if (best == slots.size() || cost < bestCost) {
        best = i;
        bestCost = cost;
      }
    }
    if (best == slots.size()) {
      slots.push_back({buffer.region, buffer.sizes, {}});
      result.regions.push_back(buffer.region);
    }
    Slot &slot = slots[best];
    for (auto [size, need] : llvm::zip(slot.sizes, buffer.sizes))
      size = std::max(size, need);
    slot.taken.insert({buffer.first, buffer.last});
    result.slots[index] = best;
  }
  return result;
}

} // namespace longtail::plan
