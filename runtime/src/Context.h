// One stream of runs of a function: bound tensors, plan, memory.
#pragma once
#include "Module.h"
#include "Plan.h"

struct lt_context {
  // What the caller bound to a slot.
  struct Binding {
    bool bound;
    void *data;
    uint64_t bytes;
    int64_t dims[LT_MAX_RANK]; // -1 in outputs: any
  };
  struct TraceEntry {
    uint64_t startNs, durationNs;
    uint32_t workers;
  };

  lt_module *module = nullptr;
  const longtail::runtime::Function *function = nullptr;
  uint32_t threads = 1;
  bool tracing = false;

  std::atomic<uint32_t> busy{0};      // a call is using the context
  std::atomic<uint32_t> running{0};   // lt_run is past its checks
  std::atomic<uint32_t> cancelled{0}; // by lt_cancel, for the run in flight

  bool planValid = false;     // region 0 fits the bound inputs' dims
  bool pointersValid = false; // region 0's pointers fit what is bound
  bool outputsValid = false;  // the last run succeeded and nothing was bound since

  longtail::runtime::Plan plan;
  longtail::runtime::Array<Binding> bindings;
  longtail::runtime::Array<longtail::runtime::Block> ownedOutputs;
  longtail::runtime::Array<longtail::runtime::Block> arenas; // per region
  longtail::runtime::Block scratch;                          // of all workers
  uint64_t scratchStride = 0;
  longtail::runtime::Array<void *> buffers;
  longtail::runtime::Array<void *> stepBuffers; // parallel to Function::lists
  longtail::runtime::Array<TraceEntry> trace;
  uint32_t traceCount = 0; // steps of the last run

  lt_rc create(lt_error *error);
  void releaseMemory();
  // All that one thread needs to run region 0, which `plan` knows, with bound outputs; in whole
  // blocks and with the context itself.
  uint64_t memoryNeeded() const;

  // Makes plan, memory and pointers of region 0 fit what is bound. Allocates only if dims changed.
  lt_rc prepare(lt_error *error);
  // The same for a region whose BOUND symbols were just set.
  lt_rc prepareRegion(uint32_t region, lt_error *error);
  // Runs all steps; prepare() has succeeded.
  lt_rc execute(lt_error *error);

  void *outputData(uint32_t slot) const {
    return bindings[slot].bound ? bindings[slot].data : ownedOutputs[slot].base;
  }
  const char *slotKind(uint32_t slot) const {
    return slot < function->inputCount ? "input" : "output";
  }

private:
  lt_rc planInputs(lt_error *error);
  lt_rc allocateRegion(uint32_t region, lt_error *error);
  lt_rc resolveRegion(uint32_t region, lt_error *error);
  lt_rc checkOverlaps(lt_error *error);
  lt_rc bindSymbols(const longtail::runtime::Step &step, lt_error *error);
  lt_rc dispatch(uint32_t index, uint32_t &workers, lt_error *error);
};
