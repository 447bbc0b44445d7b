#include "Checked.h"
#include "DType.h"
#include "Expression.h"
#include "Limits.h"
#include "ModelReader.h"

using namespace longtail::runtime;

lt_rc FunctionReader::read(Function &out) {
  function = &out;
  first = cursor;
  auto record = container.table(LT_SECTION_FUNCS).at<lt_func_record>(cursor.function);
  if (lt_rc rc = reserved(record.reserved, "function", cursor.function))
    return rc;
  if (lt_rc rc = container.string(model, record.name, out.name))
    return rc;
  if (lt_rc rc = takeTables(record))
    return rc;
  for (uint32_t i = 0; i < out.ios.size(); ++i)
    if (lt_rc rc = readIo(i))
      return rc;
  if (lt_rc rc = readExpressions())
    return rc;
  for (uint32_t i = 0; i < out.symbols.size(); ++i)
    if (lt_rc rc = readSymbol(i))
      return rc;
  // Symbols are sorted by region, so the last one an expression uses tells its region.
  for (Expression &expr : out.exprs)
    expr.region = expr.symbolLimit ? out.symbols[expr.symbolLimit - 1].region : 0;
  for (uint32_t i = 0; i < out.ios.size(); ++i)
    if (lt_rc rc = checkIoExprs(i))
      return rc;
  for (uint32_t i = 0; i < out.checks.size(); ++i)
    if (lt_rc rc = readCheck(i))
      return rc;
  for (uint32_t i = 0; i < out.slots.size(); ++i)
    if (lt_rc rc = readSlot(i))
      return rc;
  for (uint32_t i = 0; i < out.buffers.size(); ++i)
    if (lt_rc rc = readBuffer(i))
      return rc;
  uint32_t region = 0;
  for (uint32_t i = 0; i < out.steps.size(); ++i) {
    if (lt_rc rc = readStep(i, region))
      return rc;
    region += out.steps[i].endsRegion;
  }
  fillRegions();
  ++cursor.function;
  return LT_OK;
}

lt_rc FunctionReader::reserved(uint32_t value, const char *table, uint32_t index) {
  if (value == 0)
    return LT_OK;
  return fail(error, LT_ERR_FORMAT, Where::RecordReserved, index, "%s %u sets a reserved field",
              table, index);
}

// Gives the function its part of every table, except lists and instructions, which its steps and
// expressions take one by one.
lt_rc FunctionReader::takeTables(const lt_func_record &record) {
  if (record.input_count > limits::kInputs || record.output_count > limits::kOutputs)
    return fail(error, LT_ERR_LIMIT, Where::TableLimit, record.input_count,
                "function '%s' has %u inputs and %u outputs, at most %u and %u are allowed",
                function->name, record.input_count, record.output_count, limits::kInputs,
                limits::kOutputs);
  function->inputCount = record.input_count;
  function->outputCount = record.output_count;
  auto take = [](auto &array, uint32_t &at, uint32_t count, auto &span) {
    if (!rangeFits(at, count, array.size()))
      return false;
    span = {array.data() + at, count};
    at += count;
    return true;
  };
  if (!take(model.ios, cursor.io, record.input_count + record.output_count, function->ios) ||
      !take(model.symbols, cursor.symbol, record.symbol_count, function->symbols) ||
      !take(model.exprs, cursor.expr, record.expr_count, function->exprs) ||
      !take(model.checks, cursor.check, record.check_count, function->checks) ||
      !take(model.slots, cursor.slot, record.slot_count, function->slots) ||
      !take(model.buffers, cursor.buffer, record.buffer_count, function->buffers) ||
      !take(model.steps, cursor.step, record.step_count, function->steps))
    return fail(error, LT_ERR_FORMAT, Where::TableTotals, cursor.function,
                "function '%s' counts more records than the tables have", function->name);
  uint32_t regions = 1;
  const Table &steps = container.table(LT_SECTION_STEPS);
  for (uint32_t i = first.step; i < cursor.step; ++i)
    regions += endsRegion(steps.at<lt_step_record>(i));
  function->regions = {model.regions.data() + cursor.region, regions + 1};
  cursor.region += regions + 1;
  function->lists = {model.lists.data() + cursor.list, 0};
  return LT_OK;
}

lt_rc FunctionReader::readIo(uint32_t index) {
  auto record = container.table(LT_SECTION_IO).at<lt_io_record>(first.io + index);
  Io &io = function->ios[index];
  bool isInput = index < function->inputCount;
  if (lt_rc rc = reserved(record.reserved, "input or output", index))
    return rc;
  if (lt_rc rc = container.string(model, record.name, io.name))
    return rc;
  if (elementBits(record.dtype) == 0)
    return fail(error, LT_ERR_FORMAT, Where::IoType, record.dtype,
                "tensor '%s' has the element type %u", io.name, record.dtype);
  if (record.rank > LT_MAX_RANK)
    return fail(error, LT_ERR_LIMIT, Where::IoRank, record.rank,
                "tensor '%s' has rank %u, at most %u is allowed", io.name, record.rank,
                LT_MAX_RANK);
  if (record.region >= (isInput ? 1 : function->regionCount()))
    return fail(error, LT_ERR_FORMAT, Where::IoRegion, record.region,
                "tensor '%s' belongs to region %u", io.name, record.region);
  io.dtype = record.dtype;
  io.rank = record.rank;
  io.region = record.region;
  bool dynamic = false;
  for (uint32_t i = 0; i < LT_MAX_RANK; ++i) {
    io.dims[i] = record.dims[i];
    io.exprs[i] = record.exprs[i];
    if (lt_rc rc = container.string(model, record.dim_names[i], io.dimNames[i]))
      return rc;
    bool unused = i >= io.rank;
    if (unused ? io.dims[i] != 0 : io.dims[i] < -1 || io.dims[i] > limits::kDim)
      return fail(error, LT_ERR_FORMAT, Where::IoDim, static_cast<uint64_t>(io.dims[i]),
                  "tensor '%s' has %lld at dimension %u", io.name,
                  static_cast<long long>(io.dims[i]), i);
    bool needsExpr = !isInput && io.dims[i] == -1;
    if (!needsExpr && io.exprs[i] != LT_NO_ID)
      return fail(error, LT_ERR_FORMAT, Where::IoExpression, io.exprs[i],
                  "tensor '%s' has an expression for dimension %u, which needs none", io.name, i);
    dynamic |= io.dims[i] == -1;
  }
  int64_t bytes;
  if (!dynamic && !tensorBytes(io.dtype, io.dims, io.rank, bytes))
    return fail(error, LT_ERR_LIMIT, Where::IoDim, 0, "tensor '%s' is larger than 2^40 bytes",
                io.name);
  return LT_OK;
}

lt_rc FunctionReader::checkIoExprs(uint32_t index) {
  const Io &io = function->ios[index];
  for (uint32_t i = 0; i < io.rank; ++i)
    if (index >= function->inputCount && io.dims[i] == -1)
      if (lt_rc rc = checkExpr(io.exprs[i], io.region, Where::IoExpression, "output",
                               index - function->inputCount))
        return rc;
  return LT_OK;
}

lt_rc FunctionReader::readExpressions() {
  const Table &table = container.table(LT_SECTION_EXPRS);
  for (uint32_t i = 0; i < function->exprs.size(); ++i) {
    uint32_t length = table.at<lt_expr_record>(first.expr + i).length;
    if (length == 0 || length > LT_MAX_EXPR_LENGTH ||
        !rangeFits(cursor.code, length, model.code.size()))
      return fail(error, LT_ERR_FORMAT, Where::ExprLength, length,
                  "expression %u of function '%s' cannot have %u instructions", i, function->name,
                  length);
    Expression &expr = function->exprs[i];
    expr.code = model.code.data() + cursor.code;
    expr.length = length;
    cursor.code += length;
    if (lt_rc rc = verifyExpression(expr, function->symbols.size(), i, error))
      return rc;
  }
  return LT_OK;
}

// An expression used in `region` must exist and use no later symbols.
lt_rc FunctionReader::checkExpr(uint32_t expr, uint32_t region, Where where, const char *owner,
                                uint32_t index) {
  if (expr >= function->exprs.size())
    return fail(error, LT_ERR_FORMAT, where, expr,
                "%s %u of function '%s' names expression %u of %u", owner, index, function->name,
                expr, function->exprs.size());
  if (function->exprs[expr].region > region)
    return fail(error, LT_ERR_FORMAT, where, expr,
                "%s %u of function '%s' is needed in region %u, its expression is known in %u",
                owner, index, function->name, region, function->exprs[expr].region);
  return LT_OK;
}

lt_rc FunctionReader::readSymbol(uint32_t index) {
  auto record = container.table(LT_SECTION_SYMBOLS).at<lt_symbol_record>(first.symbol + index);
  Symbol &symbol = function->symbols[index];
  if (lt_rc rc = reserved(record.reserved, "symbol", index))
    return rc;
  if (lt_rc rc = container.string(model, record.name, symbol.name))
    return rc;
  uint32_t previous = index ? function->symbols[index - 1].region : 0;
  if (record.region < previous || record.region >= function->regionCount())
    return fail(error, LT_ERR_FORMAT, Where::SymbolRegion, record.region,
                "symbol '%s' is in region %u of %u, after one in region %u", symbol.name,
                record.region, function->regionCount(), previous);
  if (record.min > record.max)
    return fail(error, LT_ERR_FORMAT, Where::SymbolRange, index, "symbol '%s' has an empty range",
                symbol.name);
  bool valid = false;
  switch (record.kind) {
  case LT_SYMBOL_INPUT_DIM:
    valid = record.region == 0 && record.source < function->inputCount &&
            record.index < function->ios[record.source].rank;
    break;
  case LT_SYMBOL_DERIVED:
    valid = record.index == 0 && record.source < function->exprs.size() &&
            function->exprs[record.source].symbolLimit <= index;
    break;
  case LT_SYMBOL_BOUND:
  case LT_SYMBOL_MEASURED:
    // Before all others of its region.
    valid = record.region > previous ||
            (record.region > 0 && function->symbols[index - 1].kind == record.kind);
    valid &= record.source < function->buffers.size();
    valid &= record.kind == LT_SYMBOL_BOUND || record.index < LT_MAX_RANK;
    break;
  default:
    return fail(error, LT_ERR_FORMAT, Where::SymbolKind, record.kind,
                "symbol '%s' has the unknown kind %u", symbol.name, record.kind);
  }
  if (!valid)
    return fail(error, LT_ERR_FORMAT, Where::SymbolSource, record.source,
                "symbol '%s' cannot come from source %u, index %u", symbol.name, record.source,
                record.index);
  symbol.kind = record.kind;
  symbol.region = record.region;
  symbol.source = record.source;
  symbol.index = record.index;
  symbol.min = record.min;
  symbol.max = record.max;
  return LT_OK;
}

lt_rc FunctionReader::readCheck(uint32_t index) {
  auto record = container.table(LT_SECTION_CHECKS).at<lt_check_record>(first.check + index);
  Check &check = function->checks[index];
  if (lt_rc rc = reserved(record.reserved, "check", index))
    return rc;
  if (lt_rc rc = container.string(model, record.message, check.message))
    return rc;
  uint32_t previous = index ? function->checks[index - 1].region : 0;
  if (record.region < previous || record.region >= function->regionCount())
    return fail(error, LT_ERR_FORMAT, Where::CheckRecord, record.region,
                "check %u of function '%s' is in region %u after one in %u", index, function->name,
                record.region, previous);
  check.expr = record.expr;
  check.region = record.region;
  return checkExpr(record.expr, record.region, Where::CheckRecord, "check", index);
}

lt_rc FunctionReader::readSlot(uint32_t index) {
  auto record = container.table(LT_SECTION_SLOTS).at<lt_slot_record>(first.slot + index);
  if (lt_rc rc = reserved(record.reserved, "slot", index))
    return rc;
  uint32_t previous = index ? function->slots[index - 1].region : 0;
  if (record.region < previous || record.region >= function->regionCount())
    return fail(error, LT_ERR_FORMAT, Where::SlotRecord, record.region,
                "slot %u of function '%s' is in region %u after one in %u", index, function->name,
                record.region, previous);
  function->slots[index].region = record.region;
  return LT_OK;
}

lt_rc FunctionReader::readBuffer(uint32_t index) {
  auto record = container.table(LT_SECTION_BUFFERS).at<lt_buffer_record>(first.buffer + index);
  if (lt_rc rc = reserved(record.reserved, "buffer", index))
    return rc;
  uint32_t count = 0;
  switch (record.kind) {
  case LT_BUFFER_INPUT:
    count = function->inputCount;
    break;
  case LT_BUFFER_OUTPUT:
    count = function->outputCount;
    break;
  case LT_BUFFER_ARENA:
    count = function->slots.size();
    break;
  case LT_BUFFER_WEIGHT:
    count = static_cast<uint32_t>(model.weights.size());
    break;
  case LT_BUFFER_RESULT:
    count = limits::kOutputs;
    break;
  default:
    return fail(error, LT_ERR_FORMAT, Where::BufferKind, record.kind,
                "buffer %u of function '%s' has the unknown kind %u", index, function->name,
                record.kind);
  }
  if (record.index >= count)
    return fail(error, LT_ERR_FORMAT, Where::BufferIndex, record.index,
                "buffer %u of function '%s' names number %u of %u", index, function->name,
                record.index, count);
  uint32_t region = record.kind == LT_BUFFER_ARENA ? function->slots[record.index].region
                    : record.kind == LT_BUFFER_OUTPUT
                        ? function->ios[function->inputCount + record.index].region
                    : record.kind == LT_BUFFER_RESULT ? record.region
                                                      : 0;
  uint32_t previous = index ? function->buffers[index - 1].region : 0;
  bool isResult = record.kind == LT_BUFFER_RESULT;
  if (record.region != region || region < previous || region >= function->regionCount() ||
      (isResult && region == 0))
    return fail(error, LT_ERR_FORMAT, Where::BufferRegion, record.region,
                "buffer %u of function '%s' is in region %u, expected %u, at least %u", index,
                function->name, record.region, region, previous);
  if (elementBits(record.dtype) == 0)
    return fail(error, LT_ERR_FORMAT, Where::BufferType, record.dtype,
                "buffer %u of function '%s' has the element type %u", index, function->name,
                record.dtype);
  function->buffers[index] = {record.kind, record.index, record.size_expr, record.dtype, region};
  return checkExpr(record.size_expr, region, Where::BufferSize, "buffer", index);
}

lt_rc FunctionReader::readStep(uint32_t index, uint32_t region) {
  auto record = container.table(LT_SECTION_STEPS).at<lt_step_record>(first.step + index);
  Step &step = function->steps[index];
  if (lt_rc rc = container.string(model, record.name, step.name))
    return rc;
  uint32_t flags = record.kind == LT_STEP_DISPATCH ? LT_STEP_PARALLEL | LT_STEP_TEXT
                   : record.kind == LT_STEP_BIND   ? 0
                                                   : LT_STEP_REGION;
  if (record.kind > LT_STEP_LOOP || (record.flags & ~flags) != 0 ||
      (record.flags & flags) == (LT_STEP_PARALLEL | LT_STEP_TEXT))
    return fail(error, LT_ERR_FORMAT, Where::StepKind, record.kind,
                "step '%s' has the unknown kind %u or flags %u", step.name, record.kind,
                record.flags);
  step.kind = record.kind;
  step.parallel = (record.flags & LT_STEP_PARALLEL) != 0;
  step.makesText = (record.flags & LT_STEP_TEXT) != 0;
  step.target = record.target;
  step.endsRegion = endsRegion(record);
  return record.kind == LT_STEP_BIND ? readBind(index, record, region)
         : step.isCall()             ? readCall(index, record, region)
                                     : readDispatch(index, record, region);
}

lt_rc FunctionReader::readDispatch(uint32_t index, const lt_step_record &record, uint32_t region) {
  Step &step = function->steps[index];
  if (record.target >= variant.kernels.size() || record.symbol_count != 0 ||
      record.first_symbol != 0)
    return fail(error, LT_ERR_FORMAT, Where::StepTarget, record.target,
                "step '%s' names kernel %u of %u, or symbols", step.name, record.target,
                variant.kernels.size());
  step.tilesExpr = record.tiles_expr;
  step.scratchExpr = record.scratch_expr;
  if (lt_rc rc = checkExpr(step.tilesExpr, region, Where::StepExpression, "step", index))
    return rc;
  if (step.scratchExpr != LT_NO_ID)
    if (lt_rc rc = checkExpr(step.scratchExpr, region, Where::StepExpression, "step", index))
      return rc;
  if (lt_rc rc = readBindings(index, record, region))
    return rc;
  for (uint32_t i = 0; i < step.bindingCount; ++i) {
    uint32_t buffer = function->lists[step.firstBinding + i];
    if (buffer >= function->buffers.size() || function->buffers[buffer].region > region)
      return fail(error, LT_ERR_FORMAT, Where::StepBinding, buffer,
                  "step '%s' in region %u names buffer %u of %u, which is not known there",
                  step.name, region, buffer, function->buffers.size());
  }
  return LT_OK;
}

// The step's part of the lists: buffers, which the caller checks, then expressions.
lt_rc FunctionReader::readBindings(uint32_t index, const lt_step_record &record, uint32_t region) {
  Step &step = function->steps[index];
  uint64_t entries = uint64_t{record.binding_count} + record.param_count;
  if (!rangeFits(cursor.list, entries, model.lists.size()))
    return fail(error, LT_ERR_FORMAT, Where::TableTotals, entries,
                "step '%s' has more bindings and params than the lists hold", step.name);
  step.firstBinding = cursor.list - first.list;
  step.bindingCount = record.binding_count;
  step.firstParam = step.firstBinding + record.binding_count;
  step.paramCount = record.param_count;
  cursor.list += static_cast<uint32_t>(entries);
  function->lists.length += static_cast<uint32_t>(entries);
  for (uint32_t i = 0; i < step.paramCount; ++i)
    if (lt_rc rc = checkExpr(function->lists[step.firstParam + i], region, Where::StepParam, "step",
                             index))
      return rc;
  return LT_OK;
}

// The BIND step at the end of `region` sets all BOUND symbols of the next region.
lt_rc FunctionReader::readBind(uint32_t index, const lt_step_record &record, uint32_t region) {
  Step &step = function->steps[index];
  if (record.flags != 0 || record.binding_count != 0 || record.param_count != 0 ||
      record.tiles_expr != LT_NO_ID || record.scratch_expr != LT_NO_ID)
    return fail(error, LT_ERR_FORMAT, Where::StepKind, index,
                "step '%s' is a BIND with fields of a DISPATCH", step.name);
  if (record.target >= function->buffers.size() || function->buffers[record.target].region > region)
    return fail(error, LT_ERR_FORMAT, Where::StepTarget, record.target,
                "step '%s' in region %u reads buffer %u of %u, which is not known there", step.name,
                region, record.target, function->buffers.size());
  uint32_t dtype = function->buffers[record.target].dtype;
  if (dtype != LT_DTYPE_I32 && dtype != LT_DTYPE_I64 && dtype != LT_DTYPE_BOOL)
    return fail(error, LT_ERR_FORMAT, Where::BufferType, dtype,
                "step '%s' reads a buffer of %s, expected int32, int64 or bool", step.name,
                dtypeName(dtype));
  step.firstSymbol = record.first_symbol;
  step.symbolCount = record.symbol_count;
  step.scratchExpr = LT_NO_ID;
  return readSymbols(step, region);
}

// The step at the end of `region` sets all symbols of the next region that steps set. They come
// first in it, so they are one run.
lt_rc FunctionReader::readSymbols(const Step &step, uint32_t region) {
  bool isBind = step.kind == LT_STEP_BIND;
  uint32_t kind = isBind ? LT_SYMBOL_BOUND : LT_SYMBOL_MEASURED;
  const Span<Symbol> &symbols = function->symbols;
  while (nextBound < symbols.size() && symbols[nextBound].region <= region)
    ++nextBound;
  uint32_t end = nextBound;
  bool valid = true;
  for (; end < symbols.size() && symbols[end].region == region + 1 &&
         (symbols[end].kind == LT_SYMBOL_BOUND || symbols[end].kind == LT_SYMBOL_MEASURED);
       ++end) {
    const Buffer &source = function->buffers[symbols[end].source];
    valid &= symbols[end].kind == kind;
    valid &= isBind ? symbols[end].source == step.target
                    : source.kind == LT_BUFFER_RESULT && source.region == region + 1;
  }
  valid &= step.firstSymbol == nextBound && step.symbolCount == end - nextBound;
  if (!valid)
    return fail(error, LT_ERR_FORMAT, Where::StepSymbols, step.firstSymbol,
                "step '%s' must set the symbols %u to %u, all of them from buffers of its",
                step.name, nextBound, end);
  return LT_OK;
}

// All tables are sorted by region; `first` of a region is where the previous ones end.
void FunctionReader::fillRegions() {
  Region at = {};
  for (uint32_t r = 0; r <= function->regionCount(); ++r) {
    function->regions[r] = at;
    if (r == function->regionCount())
      break;
    auto skip = [r](const auto &span, uint32_t &index) {
      while (index < span.size() && span[index].region == r)
        ++index;
    };
    skip(function->symbols, at.symbol);
    skip(function->checks, at.check);
    skip(function->slots, at.slot);
    skip(function->buffers, at.buffer);
    while (at.step < function->steps.size())
      if (function->steps[at.step++].endsRegion)
        break;
  }
}
