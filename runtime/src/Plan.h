// Everything that follows from shapes: symbols, dims, byte sizes, arena offsets, tile counts.
// Evaluated region by region; allocates only in `create`.
#pragma once
#include "Error.h"
#include "Model.h"

namespace longtail::runtime {

struct Plan {
  struct IoShape {
    int64_t dims[LT_MAX_RANK]; // -1 where not known yet
    uint64_t bytes;            // 0 where not known yet
  };
  struct StepShape {
    int64_t tiles; // of a BRANCH: the condition; of a LOOP: the number of trips at most
  };
  struct RegionSize {
    uint64_t arena;   // bytes
    uint64_t scratch; // bytes per worker: maximum over the region's steps
  };

  const Model *model = nullptr;
  const Function *function = nullptr;
  Array<IoShape> ios; // inputs, then outputs
  Array<int64_t> symbols;
  Array<uint64_t> bufferBytes;
  Array<uint64_t> resultBytes; // of RESULT buffers: what the step left; by buffer
  Array<uint64_t> slotOffsets; // in the region's arena
  Array<StepShape> steps;
  Array<int64_t> params; // parallel to Function::lists; only params are filled
  Array<RegionSize> regions;

  lt_rc create(const Memory &memory, const Model &model, const Function &function, lt_error *error);
  uint64_t tableBytes() const; // that `create` allocated, in whole blocks

  // Evaluates a region. Region 0 needs the dims of all inputs, a later one its BOUND or
  // MEASURED symbols, `resultBytes`, and all regions before it.
  lt_rc evaluateRegion(uint32_t region, lt_error *error);

  // Forgets the outputs' dims, before region 0 is evaluated.
  void resetOutputs();

private:
  lt_rc evaluateSymbol(uint32_t index, lt_error *error);
  lt_rc evaluateOutput(uint32_t slot, lt_error *error);
  lt_rc evaluateBuffer(uint32_t index, lt_error *error);
  lt_rc evaluateSlots(uint32_t region, lt_error *error);
  lt_rc evaluateStep(uint32_t index, RegionSize &size, lt_error *error);
};

// Checks a tensor against the declaration of its slot, but not against symbols and not its data:
// dtype, rank, static dims. Dims of outputs may be -1.
lt_rc checkTensor(const Io &io, bool isOutput, const lt_tensor &tensor, lt_error *error);

} // namespace longtail::runtime
