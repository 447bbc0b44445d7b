// Which buffers share memory.
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <vector>

namespace longtail::plan {

/// A buffer of the arena: live from step `first` to step `last`, both included.
struct Lifetime {
  uint32_t first, last;
  uint32_t region;
  llvm::SmallVector<int64_t, 2> sizes; // bytes for each example valuation
};

struct SlotAssignment {
  std::vector<uint32_t> slots;   // by buffer
  std::vector<uint32_t> regions; // by slot
};

/// Buffers of one slot are never live at one time and belong to one region. Large buffers choose
/// first, and take the slot that has to grow least; equal input gives equal output.
SlotAssignment assignSlots(llvm::ArrayRef<Lifetime> buffers);

} // namespace longtail::plan
