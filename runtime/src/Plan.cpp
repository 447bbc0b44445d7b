#include "Plan.h"
#include "Checked.h"
#include "DType.h"
#include "Expression.h"
#include "Limits.h"

using namespace longtail::runtime;

lt_rc Plan::create(const Memory &memory, const Model &fromModel, const Function &fromFunction,
                   lt_error *error) {
  model = &fromModel;
  function = &fromFunction;
  bool created =
      ios.create(memory, function->ios.size()) &&
      symbols.create(memory, function->symbols.size()) &&
      bufferBytes.create(memory, function->buffers.size()) &&
      (function->calleeCount == 0 || resultBytes.create(memory, function->buffers.size())) &&
      slotOffsets.create(memory, function->slots.size()) &&
      steps.create(memory, function->steps.size()) &&
      params.create(memory, function->lists.size()) &&
      regions.create(memory, function->regionCount());
  return created ? static_cast<lt_rc>(LT_OK)
                 : outOfMemory(error, function->steps.size(), "the plan's tables");
}

uint64_t Plan::tableBytes() const {
  return ios.blockBytes() + symbols.blockBytes() + bufferBytes.blockBytes() +
         slotOffsets.blockBytes() + steps.blockBytes() + params.blockBytes() + regions.blockBytes();
}

void Plan::resetOutputs() {
  for (uint32_t slot = function->inputCount; slot < function->ios.size(); ++slot) {
    const Io &io = function->ios[slot];
    for (uint32_t i = 0; i < io.rank; ++i)
      ios[slot].dims[i] = io.dims[i];
    ios[slot].bytes = 0;
  }
}

lt_rc Plan::evaluateRegion(uint32_t region, lt_error *error) {
  const Region &begin = function->regions[region], &end = function->regions[region + 1];
  for (uint32_t i = begin.symbol; i < end.symbol; ++i)
    if (lt_rc rc = evaluateSymbol(i, error))
      return rc;
  for (uint32_t i = begin.check; i < end.check; ++i) {
    const Check &check = function->checks[i];
    int64_t holds;
    if (lt_rc rc =
            evaluate(function->exprs[check.expr], symbols.data(), holds, check.message, error))
      return rc;
    if (!holds)
      return fail(error, LT_ERR_SHAPE, Where::CheckFailed, i, "%s",
                  *check.message ? check.message : "the shapes of the inputs do not fit together");
  }
  for (uint32_t slot = function->inputCount; slot < function->ios.size(); ++slot)
    if (function->ios[slot].region == region)
      if (lt_rc rc = evaluateOutput(slot, error))
        return rc;
  for (uint32_t i = begin.slot; i < end.slot; ++i)
    slotOffsets[i] = 0;
  for (uint32_t i = begin.buffer; i < end.buffer; ++i)
    if (lt_rc rc = evaluateBuffer(i, error))
      return rc;
  if (lt_rc rc = evaluateSlots(region, error))
    return rc;
  regions[region].scratch = 0;
  for (uint32_t i = begin.step; i < end.step; ++i)
    if (function->steps[i].kind != LT_STEP_BIND)
      if (lt_rc rc = evaluateStep(i, regions[region], error))
        return rc;
  return LT_OK;
}

lt_rc Plan::evaluateSymbol(uint32_t index, lt_error *error) {
  const Symbol &symbol = function->symbols[index];
  int64_t &value = symbols[index];
  if (symbol.kind == LT_SYMBOL_INPUT_DIM)
    value = ios[symbol.source].dims[symbol.index];
  else if (symbol.kind == LT_SYMBOL_DERIVED)
    if (lt_rc rc =
            evaluate(function->exprs[symbol.source], symbols.data(), value, symbol.name, error))
      return rc;
  if (value >= symbol.min && value <= symbol.max)
    return LT_OK;
  if (symbol.kind == LT_SYMBOL_INPUT_DIM)
    return fail(error, LT_ERR_SHAPE, Where::SymbolValue, static_cast<uint64_t>(value),
                "input '%.96s' dimension %u is %lld, expected %lld to %lld",
                function->ios[symbol.source].name, symbol.index, static_cast<long long>(value),
                static_cast<long long>(symbol.min), static_cast<long long>(symbol.max));
  return fail(error, LT_ERR_SHAPE, Where::SymbolValue, static_cast<uint64_t>(value),
              "%.128s is %lld, expected %lld to %lld", symbol.name, static_cast<long long>(value),
              static_cast<long long>(symbol.min), static_cast<long long>(symbol.max));
}

lt_rc Plan::evaluateOutput(uint32_t slot, lt_error *error) {
  const Io &io = function->ios[slot];
  IoShape &shape = ios[slot];
  for (uint32_t i = 0; i < io.rank; ++i) {
    if (io.dims[i] != -1)
      continue;
    int64_t dim;
    if (lt_rc rc = evaluate(function->exprs[io.exprs[i]], symbols.data(), dim, io.name, error))
      return rc;
    if (dim < 0 || dim > limits::kDim)
      return fail(error, LT_ERR_SHAPE, Where::OutputDim, static_cast<uint64_t>(dim),
                  "output '%.96s' dimension %u would be %lld", io.name, i,
                  static_cast<long long>(dim));
    shape.dims[i] = dim;
  }
  int64_t bytes;
  if (!tensorBytes(io.dtype, shape.dims, io.rank, bytes))
    return fail(error, LT_ERR_LIMIT, Where::OutputDim, 0,
                "output '%.96s' would be larger than 2^40 bytes", io.name);
  shape.bytes = static_cast<uint64_t>(bytes);
  return LT_OK;
}

lt_rc Plan::evaluateBuffer(uint32_t index, lt_error *error) {
  const Buffer &buffer = function->buffers[index];
  int64_t value;
  if (lt_rc rc = evaluate(function->exprs[buffer.sizeExpr], symbols.data(), value,
                          "a buffer's size", error))
    return rc;
  if (value < 0 || value > limits::kTensorBytes)
    return fail(error, LT_ERR_LIMIT, Where::BufferTooLarge, static_cast<uint64_t>(value),
                "buffer %u would have %lld bytes", index, static_cast<long long>(value));
  uint64_t bytes = static_cast<uint64_t>(value);
  bufferBytes[index] = bytes;
  const char *name = nullptr;
  uint64_t room = 0;
  if (buffer.kind == LT_BUFFER_ARENA) {
    uint64_t &largest = slotOffsets[buffer.index]; // sizes first, offsets in evaluateSlots
    largest = bytes > largest ? bytes : largest;
    return LT_OK;
  }
  if (buffer.kind == LT_BUFFER_RESULT) {
    name = "a step's result";
    room = resultBytes.size() ? resultBytes[index] : 0;
  } else if (buffer.kind == LT_BUFFER_WEIGHT) {
    name = model->weights[buffer.index].name;
    room = model->weights[buffer.index].bytes;
  } else {
    uint32_t slot = buffer.index + (buffer.kind == LT_BUFFER_OUTPUT ? function->inputCount : 0);
    name = function->ios[slot].name;
    room = ios[slot].bytes;
  }
  if (bytes > room)
    return fail(error, LT_ERR_FORMAT, Where::BufferBytes, bytes,
                "the artifact uses %llu bytes of '%.96s', which has %llu",
                static_cast<unsigned long long>(bytes), name,
                static_cast<unsigned long long>(room));
  return LT_OK;
}

// Turns the slots' sizes into offsets: one after another, each with a readable tail.
lt_rc Plan::evaluateSlots(uint32_t region, lt_error *error) {
  uint64_t offset = 0;
  for (uint32_t i = function->regions[region].slot; i < function->regions[region + 1].slot; ++i) {
    // Sizes are at most 2^40, so neither sum wraps.
    uint64_t bytes = (slotOffsets[i] + LT_DATA_ALIGN - 1) / LT_DATA_ALIGN * LT_DATA_ALIGN;
    slotOffsets[i] = offset;
    offset += bytes + LT_READ_TAIL;
    if (offset > static_cast<uint64_t>(limits::kArenaBytes))
      return fail(error, LT_ERR_LIMIT, Where::ArenaTooLarge, offset,
                  "function '%.96s' would need more than 2^40 bytes for intermediate tensors",
                  function->name);
  }
  static_assert(LT_READ_TAIL % LT_DATA_ALIGN == 0, "offsets stay aligned");
  regions[region].arena = offset;
  return LT_OK;
}

lt_rc Plan::evaluateStep(uint32_t index, RegionSize &size, lt_error *error) {
  const Step &step = function->steps[index];
  int64_t tiles;
  if (lt_rc rc = evaluate(function->exprs[step.tilesExpr], symbols.data(), tiles, step.name, error))
    return rc;
  if (!step.isCall() && (tiles < 0 || tiles > limits::kTiles))
    return fail(error, LT_ERR_LIMIT, Where::TileCount, static_cast<uint64_t>(tiles),
                "step '%.96s' would have %lld tiles", step.name, static_cast<long long>(tiles));
  steps[index].tiles = tiles;
  if (step.scratchExpr != LT_NO_ID) {
    int64_t scratch;
    if (lt_rc rc =
            evaluate(function->exprs[step.scratchExpr], symbols.data(), scratch, step.name, error))
      return rc;
    if (scratch < 0 || scratch > limits::kScratchBytes)
      return fail(error, LT_ERR_LIMIT, Where::ScratchBytes, static_cast<uint64_t>(scratch),
                  "step '%.96s' would need %lld bytes of scratch memory", step.name,
                  static_cast<long long>(scratch));
    uint64_t bytes = static_cast<uint64_t>(scratch);
    size.scratch = bytes > size.scratch ? bytes : size.scratch;
  }
  for (uint32_t i = step.firstParam; i < step.firstParam + step.paramCount; ++i)
    if (lt_rc rc = evaluate(function->exprs[function->lists[i]], symbols.data(), params[i],
                            step.name, error))
      return rc;
  return LT_OK;
}

lt_rc longtail::runtime::checkTensor(const Io &io, bool isOutput, const lt_tensor &tensor,
                                     lt_error *error) {
  const char *kind = isOutput ? "output" : "input";
  if (tensor.dtype != io.dtype)
    return fail(error, LT_ERR_ARG, Where::TensorDType, tensor.dtype,
                "%s '%.96s' has element type %s, expected %s", kind, io.name,
                dtypeName(tensor.dtype), dtypeName(io.dtype));
  if (tensor.rank != io.rank)
    return fail(error, LT_ERR_ARG, Where::TensorRank, tensor.rank,
                "%s '%.96s' has rank %u, expected %u", kind, io.name, tensor.rank, io.rank);
  bool open = false;
  for (uint32_t i = 0; i < io.rank; ++i) {
    int64_t dim = tensor.dims[i];
    if (dim == -1 && isOutput) {
      open = true;
      continue;
    }
    if (dim < 0 || dim > limits::kDim)
      return fail(error, LT_ERR_SHAPE, Where::TensorDim, static_cast<uint64_t>(dim),
                  "%s '%.96s' dimension %u is %lld, expected 0 to %lld", kind, io.name, i,
                  static_cast<long long>(dim), static_cast<long long>(limits::kDim));
    if (io.dims[i] != -1 && dim != io.dims[i])
      return fail(error, LT_ERR_SHAPE, Where::TensorDim, static_cast<uint64_t>(dim),
                  "%s '%.96s' dimension %u is %lld, expected %lld", kind, io.name, i,
                  static_cast<long long>(dim), static_cast<long long>(io.dims[i]));
  }
  if (open)
    return LT_OK;
  int64_t bytes;
  if (!tensorBytes(io.dtype, tensor.dims, io.rank, bytes))
    return fail(error, LT_ERR_LIMIT, Where::TensorDim, 0, "%s '%.96s' is larger than 2^40 bytes",
                kind, io.name);
  return LT_OK;
}
