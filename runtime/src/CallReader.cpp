// Steps that run other functions of the variant.
#include "Checked.h"
#include "Limits.h"
#include "ModelReader.h"

using namespace longtail::runtime;

lt_rc FunctionReader::readCall(uint32_t index, const lt_step_record &record, uint32_t region) {
  Step &step = function->steps[index];
  const Table &table = container.table(LT_SECTION_CALLS);
  if (cursor.call >= table.count)
    return fail(error, LT_ERR_FORMAT, Where::TableTotals, cursor.call,
                "step '%s' calls a function and has no record of it", step.name);
  auto call = table.at<lt_call_record>(cursor.call++);
  if (lt_rc rc = reserved(call.reserved, "call", cursor.call - 1))
    return rc;
  bool loop = record.kind == LT_STEP_LOOP;
  bool valid = (call.flags & ~(loop ? LT_CALL_CONDITION : 0u)) == 0 &&
               call.argument_count <= record.binding_count &&
               call.carried_count <= call.argument_count &&
               call.sliced_count <= call.argument_count - call.carried_count &&
               call.carried_count <= record.binding_count - call.argument_count &&
               record.scratch_expr == LT_NO_ID;
  valid &= loop ? call.otherwise == LT_NO_ID : call.carried_count == 0 && call.sliced_count == 0;
  if (!valid)
    return fail(error, LT_ERR_FORMAT, Where::StepCall, index,
                "step '%s' calls a function with %u arguments, of which it carries %u and slices "
                "%u, and flags %u",
                step.name, call.argument_count, call.carried_count, call.sliced_count, call.flags);
  step.tilesExpr = record.tiles_expr;
  step.scratchExpr = LT_NO_ID;
  step.otherwise = call.otherwise;
  step.argumentCount = call.argument_count;
  step.carriedCount = call.carried_count;
  step.slicedCount = call.sliced_count;
  step.conditional = (call.flags & LT_CALL_CONDITION) != 0;
  step.nested = function->calleeCount;
  function->calleeCount += loop ? 1 : 2;
  if (lt_rc rc = checkExpr(step.tilesExpr, region, Where::StepExpression, "step", index))
    return rc;
  if (lt_rc rc = readBindings(index, record, region))
    return rc;

  bool hasResult = false;
  for (uint32_t i = 0; i < step.bindingCount; ++i) {
    uint32_t buffer = function->lists[step.firstBinding + i];
    bool isResult = i >= step.argumentCount;
    if (isResult && buffer == LT_NO_ID)
      continue;
    bool known = buffer < function->buffers.size();
    if (known) {
      const Buffer &named = function->buffers[buffer];
      uint32_t result = i - step.argumentCount;
      bool handed = isResult && named.kind == LT_BUFFER_RESULT;
      bool mustBeHanded = loop && isResult && (result < step.carriedCount || step.conditional);
      known = handed ? named.region == region + 1 && named.index == result
                     : named.region <= region && !mustBeHanded &&
                           (!isResult || named.kind == LT_BUFFER_ARENA ||
                            named.kind == LT_BUFFER_OUTPUT);
      hasResult |= handed;
    }
    if (!known)
      return fail(error, LT_ERR_FORMAT, Where::StepBinding, buffer,
                  "step '%s' in region %u cannot use buffer %u of %u", step.name, region, buffer,
                  function->buffers.size());
  }
  if (hasResult != step.endsRegion)
    return fail(error, LT_ERR_FORMAT, Where::StepKind, index,
                "step '%s' must end its region exactly if it has results of its own", step.name);
  step.firstSymbol = record.first_symbol;
  step.symbolCount = record.symbol_count;
  if (step.endsRegion)
    return readSymbols(step, region);
  if (record.first_symbol != 0 || record.symbol_count != 0)
    return fail(error, LT_ERR_FORMAT, Where::StepSymbols, record.first_symbol,
                "step '%s' measures symbols and does not end its region", step.name);
  return LT_OK;
}

namespace {

struct CallChecker {
  const Variant &variant;
  lt_error *error;

  lt_rc check(const Function &caller, const Step &step, uint32_t callee) const;
};

} // namespace

// Sizes are compared when the call is prepared: they depend on symbols.
lt_rc CallChecker::check(const Function &caller, const Step &step, uint32_t callee) const {
  auto self = static_cast<uint32_t>(&caller - variant.functions.begin());
  if (callee <= self || callee >= variant.functions.size())
    return fail(error, LT_ERR_FORMAT, Where::StepTarget, callee,
                "step '%s' of function %u calls function %u of %u, which must come after it",
                step.name, self, callee, variant.functions.size());
  const Function &called = variant.functions[callee];
  bool loop = step.kind == LT_STEP_LOOP;
  uint32_t results = step.bindingCount - step.argumentCount;
  bool valid = called.inputCount == step.argumentCount + loop &&
               called.outputCount == results + step.conditional;
  auto isOne = [](const Io &io, uint32_t dtype) {
    return io.dtype == dtype && (io.rank == 0 || (io.rank == 1 && io.dims[0] == 1));
  };
  valid = valid && (!loop || isOne(called.ios[0], LT_DTYPE_I64));
  valid = valid && (!step.conditional || isOne(called.ios[called.inputCount], LT_DTYPE_BOOL));
  uint64_t sizes = 0;
  for (uint32_t i = 0; valid && i < step.bindingCount; ++i) {
    bool isArgument = i < step.argumentCount;
    const Io &io = called.ios[i + loop + (isArgument ? 0 : step.conditional)];
    bool sliced = isArgument && i >= step.carriedCount && i - step.carriedCount < step.slicedCount;
    sizes += isArgument ? io.rank + (loop && sliced) : 0;
    uint32_t buffer = caller.lists[step.firstBinding + i];
    valid = buffer == LT_NO_ID || caller.buffers[buffer].dtype == io.dtype;
    // A slice has one dimension less, and a result one more.
    valid = valid && io.rank + (loop && sliced) <= LT_MAX_RANK;
    bool accumulated = loop && !isArgument && i - step.argumentCount >= step.carriedCount;
    valid = valid && io.rank + accumulated <= LT_MAX_RANK;
  }
  if (!valid || sizes != step.paramCount)
    return fail(error, LT_ERR_FORMAT, Where::StepCall, callee,
                "step '%s' does not fit the inputs and outputs of function '%s'", step.name,
                called.name);
  // What the step measures is a dimension of a result.
  for (uint32_t i = step.firstSymbol; i < step.firstSymbol + step.symbolCount; ++i) {
    const Symbol &symbol = caller.symbols[i];
    uint32_t result = caller.buffers[symbol.source].index;
    uint32_t slot = called.inputCount + step.conditional + result;
    bool accumulated = loop && result >= step.carriedCount;
    if (result >= results || symbol.index >= called.ios[slot].rank + accumulated ||
        caller.lists[step.firstBinding + step.argumentCount + result] != symbol.source)
      return fail(error, LT_ERR_FORMAT, Where::StepSymbols, i,
                  "step '%s' measures dimension %u of result %u, which does not exist", step.name,
                  symbol.index, result);
  }
  return LT_OK;
}

lt_rc longtail::runtime::checkCalls(const Variant &variant, const Memory &memory, lt_error *error) {
  // Callees come after their callers, so their numbers are known when a caller is reached.
  struct Cost {
    uint32_t depth, contexts;
  };
  Array<Cost> costs;
  if (!costs.create(memory, variant.functions.size()))
    return outOfMemory(error, variant.functions.size(), "the calls' table");
  CallChecker checker{variant, error};
  for (uint32_t i = variant.functions.size(); i-- > 0;) {
    const Function &function = variant.functions[i];
    Cost cost = {0, 1};
    for (const Step &step : function.steps) {
      if (!step.isCall())
        continue;
      const uint32_t callees[] = {step.target, step.otherwise};
      for (uint32_t k = 0; k < (step.kind == LT_STEP_LOOP ? 1 : 2); ++k) {
        uint32_t callee = callees[k];
        if (lt_rc rc = checker.check(function, step, callee))
          return rc;
        uint32_t depth = costs[callee].depth + 1;
        cost.depth = depth > cost.depth ? depth : cost.depth;
        cost.contexts += costs[callee].contexts;
        if (cost.depth > limits::kCallDepth || cost.contexts > limits::kContexts)
          return fail(error, LT_ERR_LIMIT, Where::CallDepth, cost.depth,
                      "function '%s' calls functions more than %u deep or %u in all", function.name,
                      limits::kCallDepth, limits::kContexts);
      }
    }
    costs[i] = cost;
  }
  return LT_OK;
}
