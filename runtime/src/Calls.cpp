// Runs the BRANCH and LOOP steps of a context.
#include "Calls.h"
#include "Checked.h"
#include "DType.h"
#include "Limits.h"
#include <new>
#include <string.h>

using namespace longtail::runtime;

void CallState::destroy(const Memory &memory) {
  for (Carried &value : carried)
    value.spare.release(memory);
  for (Accumulated &value : accumulated)
    value.memory.release(memory);
  context.releaseMemory();
  this->~CallState();
  memory.release(this, sizeof *this);
}

// One context for each function that a step calls, all of them now: runs do not allocate tables.
lt_rc lt_context::createCalls(lt_error *error) {
  const Memory &memory = module->memory;
  if (!calls.create(memory, function->calleeCount))
    return outOfMemory(error, function->calleeCount, "the calls' table");
  for (const Step &step : function->steps) {
    if (!step.isCall())
      continue;
    uint32_t callees[] = {step.target, step.otherwise};
    for (uint32_t i = 0; i < (step.kind == LT_STEP_BRANCH ? 2 : 1); ++i) {
      void *memoryOfState =
          memory.allocate(sizeof(CallState), alignof(CallState) < 16 ? 16 : alignof(CallState));
      if (!memoryOfState)
        return outOfMemory(error, sizeof(CallState), "a called function");
      CallState *state = new (memoryOfState) CallState;
      calls[step.nested + i] = state;
      lt_context &callee = state->context;
      callee.module = module;
      callee.function = &module->current().functions[callees[i]];
      callee.threads = threads;
      callee.isNested = true;
      callee.stop = stop;
      callee.text = text;
      if (lt_rc rc = callee.create(error))
        return rc;
      if (step.kind == LT_STEP_LOOP &&
          (!state->carried.create(memory, step.carriedCount) ||
           !state->accumulated.create(memory,
                                      step.bindingCount - step.argumentCount - step.carriedCount)))
        return outOfMemory(error, step.bindingCount, "a loop's tables");
    }
  }
  return LT_OK;
}

void lt_context::place(uint32_t slot, void *data, uint64_t bytes, const int64_t *dims) {
  Binding &binding = bindings[slot];
  bool isOutput = slot >= function->inputCount;
  bool sameDims = binding.bound;
  uint32_t rank = function->ios[slot].rank;
  for (uint32_t i = 0; i < rank; ++i) {
    int64_t dim = isOutput ? -1 : dims[i];
    sameDims &= binding.dims[i] == dim;
    binding.dims[i] = dim;
  }
  if (binding.data != data || !binding.bound || binding.bytes != bytes)
    pointersValid = false;
  if (!isOutput && !sameDims)
    planValid = false;
  binding.bound = true;
  binding.data = data;
  binding.bytes = bytes;
}

// What the callee's declaration says must hold for the values, as lt_bind checks it for a caller's.
static lt_rc checkArgument(const Io &io, const Step &step, const int64_t *dims, uint64_t room,
                           uint64_t &bytes, lt_error *error) {
  for (uint32_t i = 0; i < io.rank; ++i)
    if (dims[i] < 0 || dims[i] > limits::kDim || (io.dims[i] != -1 && dims[i] != io.dims[i]))
      return fail(error, LT_ERR_SHAPE, Where::TensorDim, static_cast<uint64_t>(dims[i]),
                  "step '%.80s' passes '%.80s' with dimension %u of %lld, expected %lld", step.name,
                  io.name, i, static_cast<long long>(dims[i]), static_cast<long long>(io.dims[i]));
  int64_t needed;
  if (!tensorBytes(io.dtype, dims, io.rank, needed))
    return fail(error, LT_ERR_LIMIT, Where::TensorDim, 0,
                "step '%.80s' passes '%.80s', which is larger than 2^40 bytes", step.name, io.name);
  bytes = static_cast<uint64_t>(needed);
  if (bytes <= room)
    return LT_OK;
  return fail(error, LT_ERR_FORMAT, Where::ArgumentBytes, bytes,
              "step '%.80s' passes '%.80s' with %llu bytes, but only %llu are there", step.name,
              io.name, static_cast<unsigned long long>(bytes),
              static_cast<unsigned long long>(room));
}

// Binds argument `argument` of a step, whose sizes begin at `param`, to input `slot` of the callee.
lt_rc lt_context::placeArgument(lt_context &callee, const Step &step, uint32_t argument,
                                uint32_t param, uint32_t slot, lt_error *error) {
  uint32_t buffer = function->lists[step.firstBinding + argument];
  const int64_t *dims = plan.params.data() + param;
  uint64_t bytes;
  if (lt_rc rc = checkArgument(callee.function->ios[slot], step, dims, plan.bufferBytes[buffer],
                               bytes, error))
    return rc;
  callee.place(slot, stepBuffers[step.firstBinding + argument], bytes, dims);
  return LT_OK;
}

// Makes `tensor` the step's result; the region that begins behind the step sees it.
void lt_context::handOver(const Step &step, uint32_t result, const Handed &tensor) {
  uint32_t buffer = function->lists[step.firstBinding + step.argumentCount + result];
  buffers[buffer] = tensor.data;
  plan.resultBytes[buffer] = tensor.bytes;
  for (uint32_t i = step.firstSymbol; i < step.firstSymbol + step.symbolCount; ++i)
    if (function->symbols[i].source == buffer)
      plan.symbols[i] = tensor.dims[function->symbols[i].index];
}

static lt_context::Handed outputOf(const lt_context &context, uint32_t slot) {
  lt_context::Handed tensor;
  tensor.data = context.outputData(slot);
  tensor.bytes = context.plan.ios[slot].bytes;
  memcpy(tensor.dims, context.plan.ios[slot].dims, sizeof tensor.dims);
  return tensor;
}

// The caller knew the size of a result that was written in its place.
static lt_rc checkPlaced(const Step &step, uint64_t expected, uint64_t bytes, lt_error *error) {
  if (expected == bytes)
    return LT_OK;
  return fail(error, LT_ERR_FORMAT, Where::ResultBytes, bytes,
              "step '%.96s' gives a result of %llu bytes, expected %llu", step.name,
              static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(expected));
}

lt_rc lt_context::branch(uint32_t index, lt_error *error) {
  const Step &step = function->steps[index];
  lt_context &callee = calls[step.nested + (plan.steps[index].tiles == 0)]->context;
  uint32_t param = step.firstParam;
  for (uint32_t i = 0; i < step.argumentCount; ++i) {
    if (lt_rc rc = placeArgument(callee, step, i, param, i, error))
      return rc;
    param += callee.function->ios[i].rank;
  }
  uint32_t results = step.bindingCount - step.argumentCount;
  for (uint32_t i = 0; i < results; ++i) {
    uint32_t buffer = function->lists[step.firstBinding + step.argumentCount + i];
    if (buffer != LT_NO_ID && function->buffers[buffer].kind != LT_BUFFER_RESULT)
      callee.place(step.argumentCount + i, buffers[buffer], plan.bufferBytes[buffer], nullptr);
  }
  if (lt_rc rc = callee.prepare(error))
    return rc;
  if (lt_rc rc = callee.execute(error))
    return rc;
  for (uint32_t i = 0; i < results; ++i) {
    uint32_t buffer = function->lists[step.firstBinding + step.argumentCount + i];
    if (buffer == LT_NO_ID)
      continue;
    Handed tensor = outputOf(callee, step.argumentCount + i);
    if (function->buffers[buffer].kind == LT_BUFFER_RESULT)
      handOver(step, i, tensor);
    else if (lt_rc rc = checkPlaced(step, plan.bufferBytes[buffer], tensor.bytes, error))
      return rc;
  }
  return LT_OK;
}

// ---- loops ------------------------------------------------------------------------------------

namespace {

// Room for more bytes behind those that are there; the memory at least doubles.
bool grow(const Memory &memory, Accumulated &values, uint64_t bytes) {
  if (bytes <= values.memory.capacity)
    return true;
  uint64_t wanted = values.memory.capacity * 2 > bytes ? values.memory.capacity * 2 : bytes;
  Block larger;
  if (!larger.reserve(memory, wanted))
    return false;
  if (values.bytes > 0)
    memcpy(larger.base, values.memory.base, values.bytes);
  values.memory.release(memory);
  values.memory = larger;
  return true;
}

// One run of a LOOP step.
class LoopRun {
public:
  LoopRun(lt_context &outer, const Step &step, int64_t limit)
      : outer(outer), step(step), state(*outer.calls[step.nested]), body(state.context),
        firstOutput(body.function->inputCount + step.conditional), limit(limit) {}

  // The step's own results are in `handOver`'s order: carried, then accumulated.
  uint32_t resultCount() const { return step.bindingCount - step.argumentCount; }
  uint32_t bufferOf(uint32_t result) const {
    return outer.function->lists[step.firstBinding + step.argumentCount + result];
  }
  bool isHanded(uint32_t result) const {
    uint32_t buffer = bufferOf(result);
    return buffer != LT_NO_ID && outer.function->buffers[buffer].kind == LT_BUFFER_RESULT;
  }

  lt_rc runTrip(lt_error *error);
  lt_rc collect(uint32_t result, lt_error *error);
  lt_rc placeSlices(uint32_t param, lt_error *error);
  lt_rc placeCarried(lt_error *error);
  void placeAccumulated();
  lt_rc initialValue(uint32_t argument, uint32_t param, lt_context::Handed &tensor,
                     lt_error *error);
  lt_context::Handed collected(uint32_t result) const;

  lt_context &outer;
  const Step &step;
  CallState &state;
  lt_context &body;
  uint32_t firstOutput; // of the body: its first carried value
  int64_t limit;
  int64_t trips = 0; // done
  bool goOn = true;
};

} // namespace

// Keeps one slice, or checks the one that was written in its place.
lt_rc LoopRun::collect(uint32_t result, lt_error *error) {
  uint32_t buffer = bufferOf(result);
  if (buffer == LT_NO_ID)
    return LT_OK;
  uint32_t slot = firstOutput + result;
  lt_context::Handed slice = outputOf(body, slot);
  if (!isHanded(result))
    return checkPlaced(step, outer.plan.bufferBytes[buffer] / static_cast<uint64_t>(limit),
                       slice.bytes, error);
  Accumulated &values = state.accumulated[result - step.carriedCount];
  uint32_t rank = body.function->ios[slot].rank;
  for (uint32_t i = 0; i < rank; ++i) {
    if (trips > 0 && values.dims[i + 1] != slice.dims[i])
      return fail(error, LT_ERR_SHAPE, Where::SliceSizes, i,
                  "step '%.80s': trip %lld gives %lld elements in dimension %u of output %u, the "
                  "trips before gave %lld",
                  step.name, static_cast<long long>(trips), static_cast<long long>(slice.dims[i]),
                  i, result, static_cast<long long>(values.dims[i + 1]));
    values.dims[i + 1] = slice.dims[i];
  }
  uint64_t bytes = values.bytes + slice.bytes;
  if (bytes > static_cast<uint64_t>(limits::kTensorBytes))
    return fail(error, LT_ERR_LIMIT, Where::BufferTooLarge, bytes,
                "step '%.96s' accumulates more than 2^40 bytes", step.name);
  if (!grow(outer.module->memory, values, bytes + LT_READ_TAIL))
    return outOfMemory(error, bytes, "accumulated results");
  if (slice.bytes > 0)
    memcpy(static_cast<char *>(values.memory.base) + values.bytes, slice.data, slice.bytes);
  values.bytes = bytes;
  return LT_OK;
}

lt_rc LoopRun::runTrip(lt_error *error) {
  state.trip = trips;
  if (lt_rc rc = body.prepare(error))
    return rc;
  if (lt_rc rc = body.execute(error))
    return rc;
  for (uint32_t i = step.carriedCount; i < resultCount(); ++i)
    if (lt_rc rc = collect(i, error))
      return rc;
  if (step.conditional)
    goOn = *static_cast<const uint8_t *>(body.outputData(body.function->inputCount)) != 0;
  ++trips;
  return LT_OK;
}

// The slices of this trip; their tensors' sizes begin at `param`.
lt_rc LoopRun::placeSlices(uint32_t param, lt_error *error) {
  auto trip = static_cast<uint64_t>(trips);
  for (uint32_t i = step.carriedCount; i < step.carriedCount + step.slicedCount; ++i) {
    uint32_t binding = step.firstBinding + i;
    const Io &io = body.function->ios[i + 1];
    const int64_t *dims = outer.plan.params.data() + param;
    uint64_t bytes, room = outer.plan.bufferBytes[outer.function->lists[binding]];
    if (lt_rc rc = checkArgument(io, step, dims + 1, room, bytes, error))
      return rc;
    if (trips >= dims[0] || (bytes > 0 && trip >= room / bytes))
      return fail(error, LT_ERR_FORMAT, Where::TripCount, trip,
                  "step '%.96s' makes more trips than there are slices", step.name);
    body.place(i + 1, static_cast<char *>(outer.stepBuffers[binding]) + trip * bytes, bytes,
               dims + 1);
    param += io.rank + 1;
  }
  return LT_OK;
}

// What the last trip wrote is read now; this one writes to the other block.
lt_rc LoopRun::placeCarried(lt_error *error) {
  for (uint32_t i = 0; i < step.carriedCount; ++i) {
    uint32_t slot = firstOutput + i;
    lt_context::Handed value = outputOf(body, slot);
    uint64_t bytes;
    if (lt_rc rc =
            checkArgument(body.function->ios[i + 1], step, value.dims, value.bytes, bytes, error))
      return rc;
    Block written = body.ownedOutputs[slot];
    body.ownedOutputs[slot] = state.carried[i].spare;
    state.carried[i].spare = written;
    body.place(i + 1, value.data, bytes, value.dims);
    body.pointersValid = false;
  }
  return LT_OK;
}

// Slices whose place is known are written there.
void LoopRun::placeAccumulated() {
  for (uint32_t i = step.carriedCount; i < resultCount(); ++i) {
    uint32_t buffer = bufferOf(i);
    if (buffer == LT_NO_ID || isHanded(i))
      continue;
    uint64_t bytes = outer.plan.bufferBytes[buffer] / static_cast<uint64_t>(limit);
    body.place(firstOutput + i,
               static_cast<char *>(outer.buffers[buffer]) + static_cast<uint64_t>(trips) * bytes,
               bytes, nullptr);
  }
}

// A carried value that no trip changed, in memory of the loop: the caller reuses its own.
lt_rc LoopRun::initialValue(uint32_t argument, uint32_t param, lt_context::Handed &tensor,
                            lt_error *error) {
  const Io &io = body.function->ios[argument + 1];
  const lt_context::Binding &given = body.bindings[argument + 1];
  Block &memory = state.carried[argument].spare;
  if (!memory.reserve(outer.module->memory, given.bytes + LT_READ_TAIL))
    return outOfMemory(error, given.bytes, io.name);
  if (given.bytes > 0)
    memcpy(memory.base, given.data, given.bytes);
  tensor.data = memory.base;
  tensor.bytes = given.bytes;
  for (uint32_t i = 0; i < io.rank; ++i)
    tensor.dims[i] = outer.plan.params[param + i];
  return LT_OK;
}

lt_context::Handed LoopRun::collected(uint32_t result) const {
  const Accumulated &values = state.accumulated[result - step.carriedCount];
  const Io &io = body.function->ios[firstOutput + result];
  lt_context::Handed tensor;
  tensor.data = values.memory.base;
  tensor.bytes = values.bytes;
  tensor.dims[0] = trips;
  for (uint32_t i = 0; i < io.rank; ++i) // without a trip nobody knows an open size
    tensor.dims[i + 1] = trips > 0 ? values.dims[i + 1] : io.dims[i] < 0 ? 0 : io.dims[i];
  return tensor;
}

lt_rc lt_context::loop(uint32_t index, lt_error *error) {
  const Step &step = function->steps[index];
  LoopRun run(*this, step, plan.steps[index].tiles);
  lt_context &body = run.body;
  const int64_t one = 1;
  body.place(0, &run.state.trip, sizeof run.state.trip, &one);

  // Where the arguments' sizes are among the step's params.
  uint32_t param = step.firstParam, slicedParam = 0;
  uint32_t slicedEnd = step.carriedCount + step.slicedCount;
  for (uint32_t i = 0; i < step.argumentCount; ++i) {
    bool sliced = i >= step.carriedCount && i < slicedEnd;
    if (i == step.carriedCount)
      slicedParam = param;
    if (!sliced)
      if (lt_rc rc = placeArgument(body, step, i, param, i + 1, error))
        return rc;
    param += body.function->ios[i + 1].rank + sliced;
  }
  for (Accumulated &values : run.state.accumulated)
    values.bytes = 0;

  while (run.trips < run.limit && run.goOn) {
    if (stop->load(std::memory_order_relaxed))
      return fail(error, LT_ERR_CANCELLED, Where::Cancelled, 0, "the run was cancelled");
    if (run.trips >= limits::kTrips)
      return fail(error, LT_ERR_LIMIT, Where::TripCount, static_cast<uint64_t>(run.trips),
                  "step '%.96s' makes more than 2^32 trips", step.name);
    if (lt_rc rc = run.placeSlices(slicedParam, error))
      return rc;
    if (run.trips > 0)
      if (lt_rc rc = run.placeCarried(error))
        return rc;
    run.placeAccumulated();
    if (lt_rc rc = run.runTrip(error))
      return rc;
  }

  param = step.firstParam;
  for (uint32_t i = 0; i < run.resultCount(); ++i) {
    bool carried = i < step.carriedCount;
    if (run.isHanded(i)) {
      Handed tensor;
      if (!carried)
        tensor = run.collected(i);
      else if (run.trips > 0)
        tensor = outputOf(body, run.firstOutput + i);
      else if (lt_rc rc = run.initialValue(i, param, tensor, error))
        return rc;
      handOver(step, i, tensor);
    }
    param += carried ? body.function->ios[i + 1].rank : 0;
  }
  return LT_OK;
}
