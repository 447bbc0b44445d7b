#include "codegen/Container/ProgramChecker.h"
#include "runtime/src/DType.h"
#include "runtime/src/Limits.h"
#include <algorithm>
#include <set>

using namespace longtail;
using namespace longtail::container;
namespace limits = longtail::runtime::limits;

namespace {

std::string quoted(const std::string &name) { return "'" + name + "'"; }

std::string numbered(const char *what, size_t index) {
  return std::string(what) + " " + std::to_string(index);
}

// Checks one function. Every method returns false after setting `message`.
class FunctionChecker {
public:
  FunctionChecker(const Program &program, const Variant &variant, const Function &function,
                  std::string &message)
      : program(program), variant(variant), function(function), message(message) {}

  bool check();

private:
  bool fail(const std::string &text) {
    message = "function " + quoted(function.name) + ": " + text;
    return false;
  }
  bool name(const std::string &text, const std::string &owner) {
    if (text.size() > limits::kNameBytes)
      return fail("the name of " + owner + " is longer than 1023 bytes");
    if (text.find('\0') != std::string::npos)
      return fail("the name of " + owner + " contains a NUL byte");
    return true;
  }
  bool expression(uint32_t id, uint32_t region, const std::string &owner);
  bool checkExpressions();
  bool checkValue(const Value &value, bool isInput);
  bool checkSymbol(uint32_t index);
  bool checkBuffer(uint32_t index);
  bool checkDispatch(const Step &step, uint32_t region);
  bool checkBind(const Step &step, uint32_t region);
  bool checkCall(const Step &step, uint32_t region);
  bool checkCallee(uint32_t callee, const Step &step, const std::string &owner);
  bool checkSymbols(const Step &step, uint32_t region, const std::string &owner);
  uint32_t regionOf(const Buffer &buffer) const;

  const Program &program;
  const Variant &variant;
  const Function &function;
  std::string &message;
  uint32_t regionCount = 1;
  std::vector<uint32_t> expressionRegions; // the latest region among an expression's symbols
  std::vector<uint32_t> symbolLimits;      // 1 + the highest symbol of an expression
};

} // namespace

bool FunctionChecker::expression(uint32_t id, uint32_t region, const std::string &owner) {
  if (id >= function.expressions.size())
    return fail(owner + " names expression " + std::to_string(id) + " of " +
                std::to_string(function.expressions.size()));
  if (expressionRegions[id] > region)
    return fail(owner + " is needed in region " + std::to_string(region) +
                ", but uses a symbol of region " + std::to_string(expressionRegions[id]));
  return true;
}

bool FunctionChecker::checkExpressions() {
  for (size_t i = 0; i < function.expressions.size(); ++i) {
    const Expression &code = function.expressions[i];
    std::string owner = numbered("expression", i);
    if (code.empty() || code.size() > LT_MAX_EXPR_LENGTH)
      return fail(owner + " has " + std::to_string(code.size()) + " instructions, expected 1 to " +
                  std::to_string(LT_MAX_EXPR_LENGTH));
    size_t depth = 0;
    uint32_t region = 0, limit = 0;
    for (const Instruction &in : code) {
      if (in.opcode < LT_OP_CONST || in.opcode > LT_OP_OR)
        return fail(owner + " has the unknown opcode " + std::to_string(in.opcode));
      size_t operands = in.opcode <= LT_OP_SYM      ? 0
                        : in.opcode == LT_OP_NEG    ? 1
                        : in.opcode == LT_OP_SELECT ? 3
                                                    : 2;
      if (in.opcode == LT_OP_SYM) {
        if (in.operand < 0 || static_cast<uint64_t>(in.operand) >= function.symbols.size())
          return fail(owner + " uses symbol " + std::to_string(in.operand) + " of " +
                      std::to_string(function.symbols.size()));
        region = std::max(region, function.symbols[in.operand].region);
        limit = std::max(limit, static_cast<uint32_t>(in.operand) + 1);
      } else if (in.opcode != LT_OP_CONST && in.operand != 0) {
        return fail(owner + " has an operand at an opcode that takes none");
      }
      if (depth < operands)
        return fail(owner + " takes more operands than it has");
      depth = depth - operands + 1;
    }
    if (depth != 1)
      return fail(owner + " leaves " + std::to_string(depth) + " values");
    expressionRegions.push_back(region);
    symbolLimits.push_back(limit);
  }
  return true;
}

bool FunctionChecker::checkValue(const Value &value, bool isInput) {
  std::string owner = (isInput ? "input " : "output ") + quoted(value.name);
  if (!name(value.name, owner))
    return false;
  if (runtime::elementBits(value.dtype) == 0)
    return fail(owner + " has the element type " + std::to_string(value.dtype));
  if (value.dims.size() > LT_MAX_RANK)
    return fail(owner + " has rank " + std::to_string(value.dims.size()) + ", at most 8");
  if (value.region >= (isInput ? 1 : regionCount))
    return fail(owner + " belongs to region " + std::to_string(value.region) + " of " +
                std::to_string(regionCount));
  bool dynamic = false;
  int64_t dims[LT_MAX_RANK] = {};
  for (size_t i = 0; i < value.dims.size(); ++i) {
    const Dim &dim = value.dims[i];
    std::string which = owner + " " + numbered("dimension", i);
    if (!name(dim.name, which))
      return false;
    if (dim.size < -1)
      return fail(which + " is " + std::to_string(dim.size));
    if (dim.size > limits::kDim)
      return fail(which + " is " + std::to_string(dim.size) + ", larger than " +
                  std::to_string(limits::kDim));
    if (dim.size == -1 && !isInput) {
      if (!expression(dim.expression, value.region, which))
        return false;
    } else if (dim.expression != kNone) {
      return fail(which + " needs no expression");
    }
    dynamic |= dim.size == -1;
    dims[i] = dim.size;
  }
  int64_t bytes;
  if (!dynamic &&
      !runtime::tensorBytes(value.dtype, dims, static_cast<uint32_t>(value.dims.size()), bytes))
    return fail(owner + " is larger than 2^40 bytes");
  return true;
}

bool FunctionChecker::checkSymbol(uint32_t index) {
  const Symbol &symbol = function.symbols[index];
  std::string owner = numbered("symbol", index) + " " + quoted(symbol.name);
  if (!name(symbol.name, owner))
    return false;
  if (symbol.region >= regionCount)
    return fail(owner + " belongs to region " + std::to_string(symbol.region) + " of " +
                std::to_string(regionCount));
  if (symbol.min > symbol.max)
    return fail(owner + " has an empty range");
  switch (symbol.kind) {
  case LT_SYMBOL_INPUT_DIM:
    if (symbol.region != 0 || symbol.source >= function.inputs.size() ||
        symbol.index >= function.inputs[symbol.source].dims.size())
      return fail(owner + " is no dimension of an input");
    return true;
  case LT_SYMBOL_DERIVED:
    if (!expression(symbol.source, symbol.region, owner))
      return false;
    if (symbol.index != 0)
      return fail(owner + " is derived and has an index");
    if (symbolLimits[symbol.source] > index)
      return fail(owner + " uses a symbol that does not come before it");
    return true;
  case LT_SYMBOL_MEASURED:
  case LT_SYMBOL_BOUND:
    if (symbol.region == 0 || symbol.source >= function.buffers.size())
      return fail(owner + " is bound to no buffer, or in region 0");
    return true;
  }
  return fail(owner + " has an unknown kind");
}

uint32_t FunctionChecker::regionOf(const Buffer &buffer) const {
  return buffer.kind == LT_BUFFER_ARENA    ? function.slots[buffer.index].region
         : buffer.kind == LT_BUFFER_OUTPUT ? function.outputs[buffer.index].region
         : buffer.kind == LT_BUFFER_RESULT ? buffer.region
                                           : 0;
}

bool FunctionChecker::checkBuffer(uint32_t index) {
  const Buffer &buffer = function.buffers[index];
  std::string owner = numbered("buffer", index);
  size_t count = 0;
  switch (buffer.kind) {
  case LT_BUFFER_INPUT:
    count = function.inputs.size();
    break;
  case LT_BUFFER_OUTPUT:
    count = function.outputs.size();
    break;
  case LT_BUFFER_ARENA:
    count = function.slots.size();
    break;
  case LT_BUFFER_WEIGHT:
    count = program.weights.size();
    break;
  case LT_BUFFER_RESULT:
    if (buffer.region == 0 || buffer.region >= regionCount)
      return fail(owner + " is a result in region " + std::to_string(buffer.region));
    count = runtime::limits::kOutputs;
    break;
  }
  if (buffer.index >= count)
    return fail(owner + " names number " + std::to_string(buffer.index) + " of " +
                std::to_string(count));
  if (buffer.region != regionOf(buffer))
    return fail(owner + " is in region " + std::to_string(buffer.region) + ", expected " +
                std::to_string(regionOf(buffer)));
  if (runtime::elementBits(buffer.dtype) == 0)
    return fail(owner + " has the element type " + std::to_string(buffer.dtype));
  return expression(buffer.sizeExpression, buffer.region, owner);
}

bool FunctionChecker::checkDispatch(const Step &step, uint32_t region) {
  std::string owner = "step " + quoted(step.name);
  if (step.kernel >= variant.kernels.size())
    return fail(owner + " names kernel " + std::to_string(step.kernel) + " of " +
                std::to_string(variant.kernels.size()));
  if (!expression(step.tiles, region, owner + " (tiles)"))
    return false;
  if (step.scratch != kNone && !expression(step.scratch, region, owner + " (scratch)"))
    return false;
  for (uint32_t buffer : step.bindings)
    if (buffer >= function.buffers.size() || function.buffers[buffer].region > region)
      return fail(owner + " names buffer " + std::to_string(buffer) + " of " +
                  std::to_string(function.buffers.size()) + ", which is not known in region " +
                  std::to_string(region));
  for (uint32_t param : step.params)
    if (!expression(param, region, owner + " (param)"))
      return false;
  return true;
}

bool FunctionChecker::checkBind(const Step &step, uint32_t region) {
  std::string owner = "step " + quoted(step.name);
  if (step.buffer >= function.buffers.size() || function.buffers[step.buffer].region > region)
    return fail(owner + " reads buffer " + std::to_string(step.buffer) + " of " +
                std::to_string(function.buffers.size()) + ", which is not known in region " +
                std::to_string(region));
  uint32_t dtype = function.buffers[step.buffer].dtype;
  if (dtype != LT_DTYPE_I32 && dtype != LT_DTYPE_I64 && dtype != LT_DTYPE_BOOL)
    return fail(owner + " reads a buffer of " + runtime::dtypeName(dtype) +
                ", expected int32, int64 or bool");
  return checkSymbols(step, region, owner);
}

// The step sets the symbols of its kind in the next region, and there are no others to be set.
bool FunctionChecker::checkSymbols(const Step &step, uint32_t region, const std::string &owner) {
  bool bind = step.kind == LT_STEP_BIND;
  for (size_t i = 0; i < function.symbols.size(); ++i) {
    const Symbol &symbol = function.symbols[i];
    bool listed = i >= step.firstSymbol && i - step.firstSymbol < step.symbolCount;
    bool mine = isSetByStep(symbol) && symbol.region == region + 1;
    if (mine && (symbol.kind == LT_SYMBOL_BOUND) != bind)
      return fail(owner + " cannot set symbol " + quoted(symbol.name));
    if (listed != mine)
      return fail(owner + " must bind exactly the BOUND symbols of region " +
                  std::to_string(region + 1) + ", see symbol " + quoted(symbol.name));
    if (mine && bind && symbol.source != step.buffer)
      return fail(owner + " binds symbol " + quoted(symbol.name) + " of another buffer");
    if (mine && !bind &&
        (function.buffers[symbol.source].kind != LT_BUFFER_RESULT ||
         function.buffers[symbol.source].region != region + 1 || symbol.index >= LT_MAX_RANK))
      return fail(owner + " measures symbol " + quoted(symbol.name) + ", which is no size of its");
  }
  if (step.symbolCount > 0 &&
      uint64_t{step.firstSymbol} + step.symbolCount > function.symbols.size())
    return fail(owner + " binds symbols that do not exist");
  return true;
}

// A function that a step calls must take the step's arguments and give its results. The sizes are
// the runtime's business.
bool FunctionChecker::checkCallee(uint32_t callee, const Step &step, const std::string &owner) {
  uint32_t self = static_cast<uint32_t>(&function - variant.functions.data());
  if (callee <= self || callee >= variant.functions.size())
    return fail(owner + " calls function " + std::to_string(callee) + " of " +
                std::to_string(variant.functions.size()) + ", which must come after its own");
  const Function &called = variant.functions[callee];
  bool loop = step.kind == LT_STEP_LOOP;
  uint32_t results = static_cast<uint32_t>(step.bindings.size()) - step.argumentCount;
  if (called.inputs.size() != step.argumentCount + loop ||
      called.outputs.size() != results + step.conditional)
    return fail(owner + " does not fit the inputs and outputs of function " + quoted(called.name));
  if (loop && called.inputs[0].dtype != LT_DTYPE_I64)
    return fail(owner + ": function " + quoted(called.name) + " does not take the trip's number");
  if (step.conditional && called.outputs[0].dtype != LT_DTYPE_BOOL)
    return fail(owner + ": function " + quoted(called.name) + " does not give a condition");
  size_t params = 0;
  for (uint32_t i = 0; i < step.bindings.size(); ++i) {
    bool isArgument = i < step.argumentCount;
    const Value &value = isArgument ? called.inputs[i + loop]
                                    : called.outputs[i - step.argumentCount + step.conditional];
    bool sliced =
        loop && isArgument && i >= step.carriedCount && i < step.carriedCount + step.slicedCount;
    if (isArgument)
      params += value.dims.size() + sliced;
    if (step.bindings[i] != kNone && function.buffers[step.bindings[i]].dtype != value.dtype)
      return fail(owner + " and function " + quoted(called.name) +
                  " differ in the element type of " + quoted(value.name));
  }
  return params == step.params.size() || fail(owner + " has " + std::to_string(step.params.size()) +
                                              " sizes, expected " + std::to_string(params));
}

bool FunctionChecker::checkCall(const Step &step, uint32_t region) {
  std::string owner = "step " + quoted(step.name);
  if (!expression(step.condition, region, owner + " (condition)"))
    return false;
  if (step.argumentCount > step.bindings.size() ||
      uint64_t{step.carriedCount} + step.slicedCount > step.argumentCount ||
      (step.kind == LT_STEP_LOOP && step.carriedCount > step.bindings.size() - step.argumentCount))
    return fail(owner + " has fewer bindings than its counts say");
  bool hasResult = false;
  for (uint32_t i = 0; i < step.bindings.size(); ++i) {
    uint32_t buffer = step.bindings[i], result = i - step.argumentCount;
    bool isResult = i >= step.argumentCount;
    if (isResult && buffer == kNone)
      continue;
    if (buffer >= function.buffers.size())
      return fail(owner + " names buffer " + std::to_string(buffer) + " of " +
                  std::to_string(function.buffers.size()));
    const Buffer &named = function.buffers[buffer];
    bool isHanded = isResult && named.kind == LT_BUFFER_RESULT;
    bool isKnown = isHanded
                       ? named.region == region + 1 && named.index == result
                       : named.region <= region && (!isResult || named.kind == LT_BUFFER_ARENA ||
                                                    named.kind == LT_BUFFER_OUTPUT);
    bool mustBeHanded =
        step.kind == LT_STEP_LOOP && isResult && (result < step.carriedCount || step.conditional);
    if (!isKnown || (mustBeHanded && !isHanded))
      return fail(owner + " cannot use buffer " + std::to_string(buffer) + " in region " +
                  std::to_string(region));
    hasResult |= isHanded;
  }
  for (uint32_t param : step.params)
    if (!expression(param, region, owner + " (param)"))
      return false;
  if (hasResult != step.endsRegion)
    return fail(owner + " ends its region exactly if it has a RESULT");
  if (!checkCallee(step.function, step, owner) ||
      (step.kind == LT_STEP_BRANCH && !checkCallee(step.otherwise, step, owner)))
    return false;
  return !step.endsRegion || checkSymbols(step, region, owner);
}

bool FunctionChecker::check() {
  if (function.name.empty())
    return fail("the name is empty");
  if (!name(function.name, "the function"))
    return false;
  if (function.inputs.size() > limits::kInputs || function.outputs.size() > limits::kOutputs)
    return fail("more than 256 inputs or outputs");
  for (const Step &step : function.steps)
    regionCount += endsRegion(step);
  if (!checkExpressions())
    return false;
  std::set<std::string> names[2];
  for (int isInput : {1, 0})
    for (const Value &value : isInput ? function.inputs : function.outputs) {
      if (!checkValue(value, isInput))
        return false;
      if (!names[isInput].insert(value.name).second)
        return fail("two " + std::string(isInput ? "inputs" : "outputs") + " are named " +
                    quoted(value.name));
    }
  for (const Slot &slot : function.slots)
    if (slot.region >= regionCount)
      return fail("a slot belongs to region " + std::to_string(slot.region) + " of " +
                  std::to_string(regionCount));
  for (uint32_t i = 0; i < function.symbols.size(); ++i)
    if (!checkSymbol(i))
      return false;
  for (size_t i = 0; i < function.checks.size(); ++i) {
    const Check &check = function.checks[i];
    std::string owner = numbered("check", i) + " " + quoted(check.message);
    if (!name(check.message, numbered("check", i)))
      return false;
    if (check.region >= regionCount)
      return fail(owner + " belongs to region " + std::to_string(check.region));
    if (!expression(check.expression, check.region, owner))
      return false;
  }
  for (uint32_t i = 0; i < function.buffers.size(); ++i)
    if (!checkBuffer(i))
      return false;
  uint32_t region = 0;
  for (const Step &step : function.steps) {
    if (!name(step.name, "a step"))
      return false;
    if (!(step.kind == LT_STEP_BIND ? checkBind(step, region)
          : isCall(step)            ? checkCall(step, region)
                                    : checkDispatch(step, region)))
      return false;
    region += endsRegion(step);
  }
  return true;
}

static bool checkVariant(const Program &program, const Variant &variant, std::string &message) {
  auto fail = [&](const std::string &text) {
    message = "variant " + quoted(variant.name) + ": " + text;
    return false;
  };
  if (variant.name.empty() || variant.name.size() > limits::kNameBytes ||
      variant.name.find('\0') != std::string::npos)
    return fail("the name is empty, too long or contains a NUL byte");
  if (variant.arch < LT_ARCH_X86_64 || variant.arch > LT_ARCH_RISCV64)
    return fail("unknown arch");
  if (variant.codeImage.empty() || variant.codeImage.size() > limits::kCodeBytes)
    return fail("the code has " + std::to_string(variant.codeImage.size()) + " bytes");
  if (variant.functions.empty())
    return fail("there is no function");
  uint64_t alignment = variant.arch == LT_ARCH_X86_64 ? 1 : variant.arch == LT_ARCH_RISCV64 ? 2 : 4;
  for (const Kernel &kernel : variant.kernels) {
    if (kernel.name.size() > limits::kNameBytes || kernel.name.find('\0') != std::string::npos)
      return fail("a kernel's name is too long or contains a NUL byte");
    if (kernel.entry >= variant.codeImage.size() || kernel.entry % alignment != 0)
      return fail("kernel " + quoted(kernel.name) + " cannot start at byte " +
                  std::to_string(kernel.entry) + " of the code");
  }
  std::set<std::string> names;
  for (const Function &function : variant.functions) {
    if (!names.insert(function.name).second)
      return fail("two functions are named " + quoted(function.name));
    if (!FunctionChecker(program, variant, function, message).check())
      return false;
  }
  return true;
}

static bool checkPairs(const Pairs &pairs, const char *table, std::string &message) {
  message.clear();
  for (const auto &[key, value] : pairs)
    if (key.size() > limits::kNameBytes || key.find('\0') != std::string::npos ||
        value.find('\0') != std::string::npos)
      message = std::string(table) + " " + quoted(key) +
                ": the key is too long, or a NUL byte is in it or in the value";
  if (pairs.size() > limits::kPairs)
    message = std::string(table) + ": more than " + std::to_string(limits::kPairs) + " entries";
  return message.empty();
}

bool longtail::container::checkProgram(const Program &program, std::string &message) {
  if (!checkPairs(program.metadata, "metadata", message) ||
      !checkPairs(program.provenance, "provenance", message))
    return false;
  if (program.variants.empty() || program.variants.size() > limits::kVariants) {
    message = "the program has " + std::to_string(program.variants.size()) +
              " variants, expected 1 to " + std::to_string(limits::kVariants);
    return false;
  }
  for (const Weight &weight : program.weights)
    if ((!weight.data && weight.size > 0) || weight.name.size() > limits::kNameBytes ||
        weight.name.find('\0') != std::string::npos) {
      message = "weight " + quoted(weight.name.c_str()) +
                ": no data, or the name is too long or contains a NUL byte";
      return false;
    }
  std::set<std::string> names;
  size_t functions = 0, steps = 0;
  for (const Variant &variant : program.variants) {
    if (!names.insert(variant.name).second) {
      message = "two variants are named " + quoted(variant.name);
      return false;
    }
    if (!checkVariant(program, variant, message))
      return false;
    functions += variant.functions.size();
    for (const Function &function : variant.functions)
      steps += function.steps.size();
  }
  if (functions > limits::kFunctions || steps > limits::kSteps) {
    message = "the program has " + std::to_string(functions) + " functions and " +
              std::to_string(steps) + " steps, at most " + std::to_string(limits::kFunctions) +
              " and " + std::to_string(limits::kSteps) + " fit";
    return false;
  }
  return true;
}
