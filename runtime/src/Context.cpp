#include "Context.h"
#include "Calls.h"
#include "Checked.h"
#include "DType.h"
#include "Limits.h"
#include <string.h>

using namespace longtail::runtime;

lt_rc lt_context::create(lt_error *error) {
  const Memory &memory = module->memory;
  for (uint32_t slot = 0; slot < function->ios.size(); ++slot)
    hasText |= isCallersText(slot);
  if (lt_rc rc = plan.create(memory, module->model, *function, error))
    return rc;
  bool created = bindings.create(memory, function->ios.size()) &&
                 ownedOutputs.create(memory, function->ios.size()) &&
                 (!hasText || texts.create(memory, function->ios.size())) &&
                 arenas.create(memory, function->regionCount()) &&
                 buffers.create(memory, function->buffers.size()) &&
                 stepBuffers.create(memory, function->lists.size()) &&
                 (!tracing || trace.create(memory, function->steps.size()));
  if (!created)
    return outOfMemory(error, function->steps.size(), "the context's tables");
  return function->calleeCount ? createCalls(error) : static_cast<lt_rc>(LT_OK);
}

// A line between workers keeps their stores apart and gives each a readable tail.
static uint64_t scratchOfWorker(uint64_t bytes) {
  return bytes == 0 ? 0 : roundToBlock(bytes) + LT_READ_TAIL;
}

uint64_t lt_context::memoryNeeded() const {
  const Plan::RegionSize &size = plan.regions[0];
  return roundToBlock(sizeof *this) + plan.tableBytes() + bindings.blockBytes() +
         ownedOutputs.blockBytes() + arenas.blockBytes() + buffers.blockBytes() +
         stepBuffers.blockBytes() + roundToBlock(size.arena) + scratchOfWorker(size.scratch);
}

void lt_context::releaseMemory() {
  for (Block &block : ownedOutputs)
    block.release(module->memory);
  for (Block &block : texts)
    block.release(module->memory);
  ownText.release();
  for (Block &block : arenas)
    block.release(module->memory);
  scratch.release(module->memory);
  for (CallState *call : calls)
    if (call)
      call->destroy(module->memory);
}

lt_rc lt_context::prepare(lt_error *error) {
  if (!planValid) {
    pointersValid = false;
    if (lt_rc rc = planInputs(error))
      return rc;
    if (lt_rc rc = plan.evaluateRegion(0, error))
      return rc;
    if (lt_rc rc = allocateRegion(0, error))
      return rc;
    planValid = true;
  }
  if (!pointersValid) {
    if (!isNested) // steps of one function never overlap
      if (lt_rc rc = checkOverlaps(error))
        return rc;
    if (lt_rc rc = resolveRegion(0, error))
      return rc;
    pointersValid = true;
  }
  return LT_OK;
}

lt_rc lt_context::planInputs(lt_error *error) {
  for (uint32_t slot = 0; slot < function->inputCount; ++slot) {
    const Io &io = function->ios[slot];
    if (!bindings[slot].bound)
      return fail(error, LT_ERR_STATE, Where::InputNotBound, slot, "input '%.96s' is not bound",
                  io.name);
    int64_t bytes = 0; // lt_bind checked that it fits
    tensorBytes(io.dtype, bindings[slot].dims, io.rank, bytes);
    plan.ios[slot].bytes = static_cast<uint64_t>(bytes);
    for (uint32_t i = 0; i < io.rank; ++i)
      plan.ios[slot].dims[i] = bindings[slot].dims[i];
    if (isCallersText(slot) && bytes > 0 &&
        !ownedOutputs[slot].reserve(module->memory, plan.ios[slot].bytes + LT_READ_TAIL))
      return outOfMemory(error, plan.ios[slot].bytes, io.name);
  }
  plan.resetOutputs();
  return LT_OK;
}

lt_rc lt_context::prepareRegion(uint32_t region, lt_error *error) {
  if (lt_rc rc = plan.evaluateRegion(region, error))
    return rc;
  if (lt_rc rc = allocateRegion(region, error))
    return rc;
  return resolveRegion(region, error);
}

lt_rc lt_context::allocateRegion(uint32_t region, lt_error *error) {
  const Plan::RegionSize &size = plan.regions[region];
  if (size.arena > 0 && !arenas[region].reserve(module->memory, size.arena))
    return outOfMemory(error, size.arena, "intermediate tensors");
  if (size.scratch > 0) {
    uint64_t stride = scratchOfWorker(size.scratch);
    if (stride > scratchStride) {
      if (!scratch.reserve(module->memory, stride * threads)) {
        scratchStride = 0;
        return outOfMemory(error, stride * threads, "scratch memory");
      }
      scratchStride = stride;
    }
  }
  return LT_OK;
}

// Sets the pointers of a region's outputs, buffers and steps.
lt_rc lt_context::resolveRegion(uint32_t region, lt_error *error) {
  for (uint32_t slot = function->inputCount; slot < function->ios.size(); ++slot) {
    const Io &io = function->ios[slot];
    if (io.region != region)
      continue;
    uint64_t bytes = plan.ios[slot].bytes;
    if ((!bindings[slot].bound || isCallersText(slot)) && bytes > 0 &&
        !ownedOutputs[slot].reserve(module->memory, bytes + LT_READ_TAIL))
      return outOfMemory(error, bytes, io.name);
    if (!isNested)
      bytes = apiBytes(io.dtype, bytes);
    if (!bindings[slot].bound) {
      if (isCallersText(slot) && bytes > 0 && !texts[slot].reserve(module->memory, bytes))
        return outOfMemory(error, bytes, io.name);
      continue;
    }
    for (uint32_t i = 0; i < io.rank; ++i)
      if (bindings[slot].dims[i] != -1 && bindings[slot].dims[i] != plan.ios[slot].dims[i])
        return fail(error, LT_ERR_SHAPE, Where::TensorDim, i,
                    "output '%.96s' dimension %u is bound as %lld and is %lld", io.name, i,
                    static_cast<long long>(bindings[slot].dims[i]),
                    static_cast<long long>(plan.ios[slot].dims[i]));
    if (bytes > bindings[slot].bytes)
      return fail(error, LT_ERR_SHAPE, Where::OutputRoom, bytes,
                  "output '%.96s' needs %llu bytes, the bound memory has %llu", io.name,
                  static_cast<unsigned long long>(bytes),
                  static_cast<unsigned long long>(bindings[slot].bytes));
  }
  const Region &begin = function->regions[region], &end = function->regions[region + 1];
  for (uint32_t i = begin.buffer; i < end.buffer; ++i) {
    const Buffer &buffer = function->buffers[i];
    switch (buffer.kind) {
    case LT_BUFFER_INPUT:
      buffers[i] = isCallersText(buffer.index) ? ownedOutputs[buffer.index].base
                                               : bindings[buffer.index].data;
      break;
    case LT_BUFFER_OUTPUT:
      buffers[i] = outputData(function->inputCount + buffer.index);
      break;
    case LT_BUFFER_ARENA:
      buffers[i] = static_cast<char *>(arenas[region].base) + plan.slotOffsets[buffer.index];
      break;
    case LT_BUFFER_RESULT: // set by its step
      break;
    default:
      buffers[i] = const_cast<uint8_t *>(module->weightData(buffer.index));
    }
  }
  for (uint32_t i = begin.step; i < end.step; ++i) {
    const Step &step = function->steps[i];
    for (uint32_t k = step.firstBinding; k < step.firstBinding + step.bindingCount; ++k)
      stepBuffers[k] = function->lists[k] == LT_NO_ID ? nullptr : buffers[function->lists[k]];
  }
  return LT_OK;
}

// An output that overlaps another tensor would be overwritten while the other is in use.
lt_rc lt_context::checkOverlaps(lt_error *error) {
  for (uint32_t out = function->inputCount; out < function->ios.size(); ++out) {
    if (!bindings[out].bound || bindings[out].bytes == 0)
      continue;
    auto begin = reinterpret_cast<uintptr_t>(bindings[out].data);
    for (uint32_t other = 0; other < out; ++other) {
      if (!bindings[other].bound || bindings[other].bytes == 0)
        continue;
      auto otherBegin = reinterpret_cast<uintptr_t>(bindings[other].data);
      if (begin < otherBegin ? otherBegin - begin < bindings[out].bytes
                             : begin - otherBegin < bindings[other].bytes)
        return fail(error, LT_ERR_ARG, Where::TensorOverlap, out,
                    "the memory of output '%.80s' overlaps %s '%.80s'", function->ios[out].name,
                    slotKind(other), function->ios[other].name);
    }
  }
  return LT_OK;
}

lt_rc lt_context::readTexts(lt_error *error) {
  text->reset();
  for (uint32_t slot = 0; hasText && slot < function->inputCount; ++slot) {
    if (!isCallersText(slot))
      continue;
    auto *given = static_cast<const lt_text *>(bindings[slot].data);
    auto *handles = static_cast<uint64_t *>(ownedOutputs[slot].base);
    for (uint64_t i = 0; i < plan.ios[slot].bytes / sizeof *handles; ++i) {
      handles[i] = 0;
      if (given[i].bytes == 0)
        continue;
      if (!given[i].data)
        return fail(error, LT_ERR_ARG, Where::TextNull, i,
                    "string %llu of input '%.96s' has %llu bytes at a null address",
                    static_cast<unsigned long long>(i), function->ios[slot].name,
                    static_cast<unsigned long long>(given[i].bytes));
      int32_t failure = 0;
      uint8_t *place = text->make(given[i].bytes, handles[i], failure);
      if (!place)
        return failure == LT_KERNEL_TEXT_MEMORY
                   ? outOfMemory(error, given[i].bytes, function->ios[slot].name)
                   : fail(error, LT_ERR_LIMIT, Where::TextLimit, given[i].bytes,
                          "the strings of the inputs take more than %llu bytes, at string %llu of "
                          "'%.96s'",
                          static_cast<unsigned long long>(text->limitBytes()),
                          static_cast<unsigned long long>(i), function->ios[slot].name);
      memcpy(place, given[i].data, given[i].bytes);
    }
  }
  return LT_OK;
}

lt_rc lt_context::writeTexts(lt_error *error) {
  for (uint32_t slot = function->inputCount; hasText && slot < function->ios.size(); ++slot) {
    if (!isCallersText(slot))
      continue;
    auto *handles = static_cast<const uint64_t *>(ownedOutputs[slot].base);
    auto *out = static_cast<lt_text *>(callersData(slot));
    for (uint64_t i = 0; i < plan.ios[slot].bytes / sizeof *handles; ++i) {
      TextView view;
      if (!text->find(handles[i], view))
        return fail(error, LT_ERR_FORMAT, Where::TextHandle, i,
                    "string %llu of output '%.96s' does not exist",
                    static_cast<unsigned long long>(i), function->ios[slot].name);
      out[i] = {reinterpret_cast<const char *>(view.bytes), view.size};
    }
  }
  return LT_OK;
}
