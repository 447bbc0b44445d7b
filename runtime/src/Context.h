// One stream of runs of a function: bound tensors, plan, memory.
#pragma once
#include "Module.h"
#include "Plan.h"
#include "Text.h"

namespace longtail::runtime {
struct CallState;
}

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

  // What a step hands over: a tensor in memory of a context that it ran.
  struct Handed {
    void *data;
    uint64_t bytes;
    int64_t dims[LT_MAX_RANK];
  };

  lt_module *module = nullptr;
  const longtail::runtime::Function *function = nullptr;
  uint32_t threads = 1;
  bool tracing = false;

  std::atomic<uint32_t> busy{0};                  // a call is using the context
  std::atomic<uint32_t> running{0};               // lt_run is past its checks
  std::atomic<uint32_t> cancelled{0};             // by lt_cancel, for the run in flight
  const std::atomic<uint32_t> *stop = &cancelled; // that of the context that was run
  bool isNested = false;                          // run by a step of another context
  bool hasText = false; // inputs or outputs of strings that the caller has

  longtail::runtime::TextPool ownText;
  longtail::runtime::TextPool *text = &ownText; // that of the context that was run

  bool planValid = false;     // region 0 fits the bound inputs' dims
  bool pointersValid = false; // region 0's pointers fit what is bound
  bool outputsValid = false;  // the last run succeeded and nothing was bound since

  longtail::runtime::Plan plan;
  longtail::runtime::Array<Binding> bindings;
  // Of outputs that are not bound; of the caller's tensors of strings, the handles.
  longtail::runtime::Array<longtail::runtime::Block> ownedOutputs;
  longtail::runtime::Array<longtail::runtime::Block> texts; // lt_text of outputs that are not bound
  longtail::runtime::Array<longtail::runtime::Block> arenas; // per region
  longtail::runtime::Block scratch;                          // of all workers
  uint64_t scratchStride = 0;
  longtail::runtime::Array<void *> buffers;
  longtail::runtime::Array<void *> stepBuffers;                   // parallel to Function::lists
  longtail::runtime::Array<longtail::runtime::CallState *> calls; // one for each callee
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
  // Before and after execute(): forgets the strings of the last run and takes those of the inputs;
  // gives the outputs' strings to the caller.
  lt_rc readTexts(lt_error *error);
  lt_rc writeTexts(lt_error *error);

  // Says where a slot's tensor is, for a context that a step runs. Dims of outputs are taken as
  // they come.
  void place(uint32_t slot, void *data, uint64_t bytes, const int64_t *dims);

  // Whether the caller's tensor is lt_texts, for which kernels see handles in memory of the
  // context.
  bool isCallersText(uint32_t slot) const {
    return !isNested && function->ios[slot].dtype == LT_DTYPE_STRING;
  }
  void *outputData(uint32_t slot) const {
    return isCallersText(slot)    ? ownedOutputs[slot].base
           : bindings[slot].bound ? bindings[slot].data
                                  : ownedOutputs[slot].base;
  }
  // What the caller sees of an output.
  void *callersData(uint32_t slot) const {
    return !isCallersText(slot)   ? outputData(slot)
           : bindings[slot].bound ? bindings[slot].data
                                  : texts[slot].base;
  }
  const char *slotKind(uint32_t slot) const {
    return slot < function->inputCount ? "input" : "output";
  }

private:
  lt_rc planInputs(lt_error *error);
  lt_rc allocateRegion(uint32_t region, lt_error *error);
  lt_rc resolveRegion(uint32_t region, lt_error *error);
  lt_rc checkOverlaps(lt_error *error);
  lt_rc createCalls(lt_error *error);
  lt_rc branch(uint32_t index, lt_error *error);
  lt_rc loop(uint32_t index, lt_error *error);
  lt_rc placeArgument(lt_context &callee, const longtail::runtime::Step &step, uint32_t argument,
                      uint32_t param, uint32_t slot, lt_error *error);
  void handOver(const longtail::runtime::Step &step, uint32_t result, const Handed &tensor);
  lt_rc bindSymbols(const longtail::runtime::Step &step, lt_error *error);
  lt_rc dispatch(uint32_t index, uint32_t &workers, lt_error *error);
};
