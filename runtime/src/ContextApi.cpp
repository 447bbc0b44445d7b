// The C API of plans and contexts: checks arguments, then calls Plan and Context.
#include "Api.h"
#include "Context.h"
#include "DType.h"
#include "Pool.h"
#include "platform/Platform.h"
#include <new>

using namespace longtail::runtime;

namespace {

// Holds a context for one call. Another call at the same time is refused instead of racing.
class Busy {
public:
  explicit Busy(lt_context *context) : context(context) {
    taken = context->busy.exchange(1, std::memory_order_acquire) == 0;
  }
  Busy(const Busy &) = delete;
  ~Busy() {
    if (taken)
      context->busy.store(0, std::memory_order_release);
  }
  bool taken;

  lt_rc refuse(lt_error *error) const {
    return fail(error, LT_ERR_STATE, Where::Busy, 0, "another call is using this context");
  }

private:
  lt_context *context;
};

} // namespace

static lt_rc checkData(const Io &io, bool isOutput, const lt_tensor &tensor, lt_error *error) {
  const char *kind = isOutput ? "output" : "input";
  uint32_t alignment = elementAlignment(io.dtype);
  if (reinterpret_cast<uintptr_t>(tensor.data) % alignment != 0)
    return fail(error, LT_ERR_ARG, Where::TensorAlignment, alignment,
                "%s '%.96s' is not aligned to %u bytes", kind, io.name, alignment);
  if (tensor.bytes > SIZE_MAX / 2 ||
      reinterpret_cast<uintptr_t>(tensor.data) > UINTPTR_MAX - tensor.bytes)
    return fail(error, LT_ERR_ARG, Where::TensorBytes, tensor.bytes,
                "%s '%.96s' cannot have %llu bytes", kind, io.name,
                static_cast<unsigned long long>(tensor.bytes));
  int64_t needed = 0;
  bool open = false;
  for (uint32_t i = 0; i < io.rank; ++i)
    open |= tensor.dims[i] == -1;
  if (!open)
    tensorBytes(io.dtype, tensor.dims, io.rank, needed);
  needed = static_cast<int64_t>(apiBytes(io.dtype, static_cast<uint64_t>(needed)));
  if (tensor.bytes < static_cast<uint64_t>(needed))
    return fail(error, LT_ERR_ARG, Where::TensorBytes, tensor.bytes,
                "%s '%.96s' has %llu bytes, its dims need %llu", kind, io.name,
                static_cast<unsigned long long>(tensor.bytes),
                static_cast<unsigned long long>(needed));
  if (!tensor.data && tensor.bytes > 0)
    return fail(error, LT_ERR_ARG, Where::TensorNull, 0, "the data of %s '%.96s' is null", kind,
                io.name);
  return LT_OK;
}

static lt_rc fillPlan(Plan &plan, const lt_tensor *inputs, lt_error *error) {
  const Function &function = *plan.function;
  for (uint32_t slot = 0; slot < function.inputCount; ++slot) {
    lt_tensor tensor;
    if (lt_rc rc = readStruct(&inputs[slot], tensor, "inputs[]", error))
      return rc;
    const Io &io = function.ios[slot];
    if (lt_rc rc = checkTensor(io, /*isOutput=*/false, tensor, error))
      return rc;
    int64_t bytes = 0;
    tensorBytes(io.dtype, tensor.dims, io.rank, bytes);
    plan.ios[slot].bytes = static_cast<uint64_t>(bytes);
    for (uint32_t i = 0; i < io.rank; ++i)
      plan.ios[slot].dims[i] = tensor.dims[i];
  }
  plan.resetOutputs();
  return plan.evaluateRegion(0, error);
}

// Whether some run takes memory for strings.
static bool usesText(const Function &function) {
  bool found = false;
  for (const Io &io : function.ios)
    found |= io.dtype == LT_DTYPE_STRING;
  for (const Step &step : function.steps)
    found |= step.makesText;
  return found;
}

static void describeOutput(const Plan &plan, uint32_t slot, void *data, lt_tensor *out) {
  const Io &io = plan.function->ios[slot];
  lt_tensor tensor = {};
  tensor.dtype = static_cast<uint16_t>(io.dtype);
  tensor.rank = static_cast<uint16_t>(io.rank);
  tensor.data = data;
  tensor.bytes = apiBytes(io.dtype, plan.ios[slot].bytes);
  for (uint32_t i = 0; i < io.rank; ++i)
    tensor.dims[i] = plan.ios[slot].dims[i];
  writeStruct(tensor, out);
}

extern "C" lt_rc lt_plan(const lt_module *module, uint32_t ordinal, const lt_tensor *inputs,
                         uint32_t inputCount, lt_plan_info *info, lt_tensor *outputs,
                         uint32_t outputCount, lt_error *error) {
  if (!module)
    return nullArgument("module", error);
  const Function *function = findFunction(module, ordinal, error);
  if (!function)
    return LT_ERR_ARG;
  if (inputCount != function->inputCount)
    return fail(error, LT_ERR_ARG, Where::InputCount, inputCount,
                "function '%.96s' has %u inputs, %u were given", function->name,
                function->inputCount, inputCount);
  if (!inputs && inputCount > 0)
    return nullArgument("inputs", error);
  if (info)
    if (lt_rc rc = checkOut(info, sizeof *info, "info", error))
      return rc;
  if (outputs && outputCount != function->outputCount)
    return fail(error, LT_ERR_ARG, Where::OutputCount, outputCount,
                "function '%.96s' has %u outputs, room for %u was given", function->name,
                function->outputCount, outputCount);
  for (uint32_t i = 0; outputs && i < outputCount; ++i)
    if (lt_rc rc = checkOut(&outputs[i], sizeof(lt_tensor), "outputs[]", error))
      return rc;
  Plan plan;
  if (lt_rc rc = plan.create(module->memory, module->model, *function, error))
    return rc;
  if (lt_rc rc = fillPlan(plan, inputs, error))
    return rc;
  lt_plan_info sizes = {};
  sizes.arena_bytes = plan.regions[0].arena;
  sizes.scratch_bytes = plan.regions[0].scratch;
  for (uint32_t i = 0; i < function->outputCount; ++i) {
    uint32_t slot = function->inputCount + i;
    sizes.output_bytes += apiBytes(function->ios[slot].dtype, plan.ios[slot].bytes);
    if (outputs)
      describeOutput(plan, slot, nullptr, &outputs[i]);
  }
  if (info)
    writeStruct(sizes, info);
  return LT_OK;
}

extern "C" lt_rc lt_context_memory(const lt_module *module, uint32_t ordinal,
                                   const lt_tensor *inputs, uint32_t inputCount, uint64_t *bytes,
                                   lt_error *error) {
  if (!bytes)
    return nullArgument("bytes", error);
  if (lt_rc rc = lt_plan(module, ordinal, inputs, inputCount, nullptr, nullptr, 0, error))
    return rc; // all arguments are checked there
  lt_context context;
  context.module = const_cast<lt_module *>(module);
  context.function = findFunction(module, ordinal, error);
  if (context.function->regionCount() > 1)
    return fail(error, LT_ERR_SHAPE, Where::SizeOfData, context.function->regionCount(),
                "function '%.96s' has tensors whose sizes depend on data: its memory has no limit",
                context.function->name);
  if (context.function->calleeCount > 0)
    return fail(error, LT_ERR_SHAPE, Where::SizeOfData, context.function->calleeCount,
                "function '%.96s' branches or loops: its memory depends on data",
                context.function->name);
  if (usesText(*context.function))
    return fail(error, LT_ERR_SHAPE, Where::SizeOfData, 0,
                "function '%.96s' has strings: its memory depends on data", context.function->name);
  if (lt_rc rc = context.create(error))
    return rc;
  if (lt_rc rc = fillPlan(context.plan, inputs, error))
    return rc;
  *bytes = context.memoryNeeded();
  return LT_OK;
}

static void destroy(lt_context *context) {
  lt_module *module = context->module;
  context->releaseMemory();
  context->~lt_context();
  module->memory.release(context, sizeof *context);
  lt_module_release(module);
}

extern "C" lt_rc lt_context_create(lt_module *module, uint32_t ordinal, const lt_context_opts *opts,
                                   lt_context **out, lt_error *error) {
  if (!out)
    return nullArgument("out", error);
  *out = nullptr;
  if (!module)
    return nullArgument("module", error);
  lt_context_opts options = {};
  if (opts)
    if (lt_rc rc = readStruct(opts, options, "opts", error))
      return rc;
  if (options.threads > LT_MAX_THREADS)
    return fail(error, LT_ERR_ARG, Where::Threads, options.threads,
                "%u threads, expected 1 to %u, or 0 for all CPUs", options.threads, LT_MAX_THREADS);
  if ((options.flags & ~LT_CONTEXT_TRACE) || options.reserved)
    return fail(error, LT_ERR_ARG, Where::UnknownFlags, options.flags,
                "argument 'opts' sets unknown flags");
  if (module->inspectOnly)
    return fail(error, LT_ERR_STATE, Where::NotLoaded, 0,
                "the module was opened for inspection only");
  const Function *function = findFunction(module, ordinal, error);
  if (!function)
    return LT_ERR_ARG;
  void *place = module->memory.allocate(sizeof(lt_context), 16);
  if (!place)
    return outOfMemory(error, sizeof(lt_context), "the context");
  lt_context *context = new (place) lt_context;
  context->module = module;
  context->function = function;
  context->tracing = (options.flags & LT_CONTEXT_TRACE) != 0;
  context->threads = options.threads ? options.threads : platform::cpuCount();
  if (context->threads > LT_MAX_THREADS)
    context->threads = LT_MAX_THREADS;
  const Array<uint8_t> &constants = module->model.text;
  context->ownText.open(module->memory, constants.data(), constants.size(), options.text_limit);
  lt_module_retain(module);
  if (lt_rc rc = context->create(error)) {
    destroy(context);
    return rc;
  }
  *out = context;
  return LT_OK;
}

extern "C" lt_rc lt_context_destroy(lt_context *context) {
  if (!context)
    return LT_OK;
  if (context->busy.exchange(1, std::memory_order_acquire) != 0)
    return LT_ERR_STATE;
  destroy(context);
  return LT_OK;
}

static lt_rc checkSlot(const lt_context &context, uint32_t slot, bool outputOnly, lt_error *error) {
  const Function &function = *context.function;
  if (slot >= function.ios.size() || (outputOnly && slot < function.inputCount))
    return fail(error, LT_ERR_ARG, Where::Slot, slot,
                "slot %u is no %s: function '%.64s' has %u inputs, then %u outputs", slot,
                outputOnly ? "output" : "slot", function.name, function.inputCount,
                function.outputCount);
  return LT_OK;
}

extern "C" lt_rc lt_bind(lt_context *context, uint32_t slot, const lt_tensor *given,
                         lt_error *error) {
  if (!context)
    return nullArgument("context", error);
  Busy busy(context);
  if (!busy.taken)
    return busy.refuse(error);
  if (lt_rc rc = checkSlot(*context, slot, /*outputOnly=*/false, error))
    return rc;
  bool isOutput = slot >= context->function->inputCount;
  lt_context::Binding &binding = context->bindings[slot];
  if (!given) {
    if (!isOutput)
      return nullArgument("tensor", error);
    binding = {};
    context->pointersValid = context->outputsValid = false;
    return LT_OK;
  }
  lt_tensor tensor;
  if (lt_rc rc = readStruct(given, tensor, "tensor", error))
    return rc;
  const Io &io = context->function->ios[slot];
  if (lt_rc rc = checkTensor(io, isOutput, tensor, error))
    return rc;
  if (lt_rc rc = checkData(io, isOutput, tensor, error))
    return rc;
  bool sameDims = binding.bound;
  for (uint32_t i = 0; i < io.rank; ++i)
    sameDims &= binding.dims[i] == tensor.dims[i];
  binding.bound = true;
  binding.data = tensor.data;
  binding.bytes = tensor.bytes;
  for (uint32_t i = 0; i < io.rank; ++i)
    binding.dims[i] = tensor.dims[i];
  if (!isOutput && !sameDims)
    context->planValid = false;
  context->pointersValid = context->outputsValid = false;
  return LT_OK;
}

extern "C" lt_rc lt_run(lt_context *context, lt_error *error) {
  if (!context)
    return nullArgument("context", error);
  Busy busy(context);
  if (!busy.taken)
    return busy.refuse(error);
  context->outputsValid = false;
  context->cancelled.store(0, std::memory_order_relaxed);
  context->running.store(1, std::memory_order_release);
  lt_rc rc = context->prepare(error);
  if (!rc)
    rc = context->readTexts(error);
  if (!rc) {
    bool isShared = context->threads > 1;
    if (isShared)
      pool::beginRun();
    rc = context->execute(error);
    if (isShared)
      pool::endRun();
  }
  if (!rc)
    rc = context->writeTexts(error);
  context->running.store(0, std::memory_order_release);
  context->outputsValid = rc == LT_OK;
  return rc;
}

extern "C" lt_rc lt_output(lt_context *context, uint32_t slot, lt_tensor *out, lt_error *error) {
  if (!context)
    return nullArgument("context", error);
  if (lt_rc rc = checkOut(out, sizeof *out, "out", error))
    return rc;
  Busy busy(context);
  if (!busy.taken)
    return busy.refuse(error);
  if (lt_rc rc = checkSlot(*context, slot, /*outputOnly=*/true, error))
    return rc;
  if (!context->outputsValid)
    return fail(error, LT_ERR_STATE, Where::NotRun, slot,
                "there are no outputs: no successful run since the last change");
  describeOutput(context->plan, slot, context->callersData(slot), out);
  return LT_OK;
}

extern "C" lt_rc lt_cancel(lt_context *context) {
  if (!context)
    return LT_ERR_ARG;
  if (!context->running.load(std::memory_order_acquire))
    return LT_ERR_STATE;
  context->cancelled.store(1, std::memory_order_relaxed);
  return LT_OK;
}

extern "C" lt_rc lt_trace(lt_context *context, lt_trace_record *records, uint32_t capacity,
                          uint32_t *count, lt_error *error) {
  if (!context || !count)
    return nullArgument(context ? "count" : "context", error);
  if (capacity > 0)
    if (lt_rc rc = checkOut(records, sizeof *records, "records", error))
      return rc;
  Busy busy(context);
  if (!busy.taken)
    return busy.refuse(error);
  if (!context->tracing)
    return fail(error, LT_ERR_STATE, Where::NotTraced, 0,
                "the context was created without LT_CONTEXT_TRACE");
  *count = context->traceCount;
  uint32_t stride = capacity > 0 ? records[0].size : 0;
  for (uint32_t i = 0; i < context->traceCount && i < capacity; ++i) {
    const Step &step = context->function->steps[i];
    lt_trace_record record = {};
    record.size = stride;
    record.step = i;
    record.start_ns = context->trace[i].startNs;
    record.duration_ns = context->trace[i].durationNs;
    record.tiles = context->plan.steps[i].tiles;
    record.workers = context->trace[i].workers;
    record.name = step.name;
    record.kernel =
        step.kind == LT_STEP_DISPATCH ? context->module->current().kernels[step.target].name : "";
    memcpy(reinterpret_cast<char *>(records) + uint64_t{i} * stride, &record, sizeof record);
  }
  return LT_OK;
}
