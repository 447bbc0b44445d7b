#include "compiler/Plan/PlanBuilder.h"
#include "codegen/Container/ArenaChecker.h"
#include "compiler/Plan/ElementType.h"
#include "compiler/Plan/Expressions.h"
#include "compiler/Plan/SlotAssignment.h"
#include "compiler/Plan/SymbolOrder.h"
#include "compiler/Plan/Text.h"
#include "compiler/Plan/Valuation.h"
#include "dialects/Compute/IR/Compute.h"
#include "dialects/Graph/IR/Graph.h"
#include "dialects/Kernel/IR/Kernel.h"

using namespace mlir;

namespace longtail::plan {

namespace {

class PlanBuilder {
public:
  PlanBuilder(func::FuncOp function, const llvm::StringMap<uint32_t> &kernels,
              const llvm::StringMap<uint32_t> &functions, WeightTable &weights)
      : function(function), kernels(kernels), functions(functions), weights(weights),
        expressions(plan), valuations{Valuation(function, 1, 64), Valuation(function, 8, 256)} {}

  FailureOr<container::Function> build();

private:
  LogicalResult addInputs();
  LogicalResult addSymbols();
  LogicalResult addOutputs();
  LogicalResult addStep(Operation *op);
  LogicalResult addDispatch(kernel::DispatchOp dispatch);
  LogicalResult addBind(extent::BindOp bind);
  LogicalResult addMeasure(extent::MeasureOp measure);
  LogicalResult addBranch(compute::BranchOp branch);
  LogicalResult addRepeat(compute::RepeatOp repeat);
  /// Arguments and results of a step that calls functions.
  LogicalResult addCall(Operation *op, container::Step step);
  FailureOr<uint32_t> numberOf(Operation *op, StringRef callee);
  void assignArena();
  LogicalResult check();

  /// The value whose memory `value` is.
  static Value rootOf(Value value) {
    while (auto alias = value.getDefiningOp<kernel::AliasOp>())
      value = alias.getSource();
    return value;
  }
  /// The buffer of a value, made at its first use.
  FailureOr<uint32_t> bufferOf(Value value);
  FailureOr<uint32_t> sizeOf(Value value);
  std::string nameOf(DictionaryAttr attributes, StringRef otherwise);

  func::FuncOp function;
  const llvm::StringMap<uint32_t> &kernels, &functions;
  WeightTable &weights;
  container::Function plan;
  ExpressionTable expressions;
  std::array<Valuation, 2> valuations; // small and large sizes
  llvm::DenseMap<Value, uint32_t> buffers;
  llvm::DenseMap<Value, uint32_t> outputs;           // the number of the output that a value is
  llvm::DenseMap<Operation *, uint32_t> bindRegions; // that begin with the step
  llvm::DenseMap<int64_t, uint32_t> boundSymbols;    // also measured: IR number to the function's
  std::vector<Lifetime> lifetimes;                   // of arena buffers
  std::vector<uint32_t> arenaBuffers;                // their buffers
  std::vector<uint32_t> inputCounts;                 // by step: bindings that are only read
  uint32_t region = 0;                               // in which the next step is
};

} // namespace

std::string PlanBuilder::nameOf(DictionaryAttr attributes, StringRef otherwise) {
  auto name = attributes ? attributes.getAs<StringAttr>(graph::kNameAttr) : StringAttr();
  return name ? name.str() : otherwise.str();
}

/// The name of dimension `dim` in the attributes of an argument or result.
static std::string dimName(DictionaryAttr attributes, unsigned dim) {
  auto names = attributes ? attributes.getAs<ArrayAttr>(graph::kDimNamesAttr) : ArrayAttr();
  return names && dim < names.size() ? shortText(cast<StringAttr>(names[dim]).getValue()) : "";
}

LogicalResult PlanBuilder::addInputs() {
  for (BlockArgument argument : function.getArguments()) {
    unsigned number = argument.getArgNumber();
    DictionaryAttr attributes = function.getArgAttrDict(number);
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    container::Value input;
    input.name = nameOf(attributes, ("input" + Twine(number)).str());
    input.dtype = type ? dtypeOf(type.getElementType()) : 0;
    if (!input.dtype)
      return function.emitError() << "input '" << input.name << "' has type " << argument.getType()
                                  << ", which cannot be passed to a compiled model";
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      input.dims.push_back({type.isDynamicDim(dim) ? -1 : type.getDimSize(dim), container::kNone,
                            dimName(attributes, dim)});
    plan.inputs.push_back(std::move(input));
  }
  return success();
}

LogicalResult PlanBuilder::addSymbols() {
  // Adjacent binds of one tensor are one step; each step begins a region.
  uint32_t region = 0;
  Operation *previous = nullptr;
  for (Operation &op : function.front()) {
    if (isa<extent::DerivedOp, extent::CheckOp>(op))
      continue;
    if (auto bind = dyn_cast<extent::BindOp>(op)) {
      auto before = dyn_cast_or_null<extent::BindOp>(previous);
      region += !before || rootOf(before.getSource()) != rootOf(bind.getSource());
      bindRegions[bind] = region;
    } else if (auto measure = dyn_cast<extent::MeasureOp>(op)) {
      Operation *call = rootOf(measure.getSource()).getDefiningOp();
      if (!isa_and_nonnull<compute::BranchOp, compute::RepeatOp>(call))
        return measure.emitOpError("measures no result of a branch or loop");
      bindRegions[measure] = bindRegions[call];
    } else if (llvm::any_of(op.getResults(), compute::isHandedOver)) {
      bindRegions[&op] = ++region;
    }
    previous = &op;
  }

  SmallVector<Operation *> declarations;
  for (Operation &op : function.front())
    if (isa<extent::SymbolOp, extent::BindOp, extent::MeasureOp, extent::DerivedOp>(op))
      declarations.push_back(&op);
  auto idOf = [](Operation *op) { return op->getAttrOfType<IntegerAttr>("id").getInt(); };
  llvm::sort(declarations, [&](auto *a, auto *b) { return idOf(a) < idOf(b); });

  llvm::DenseMap<std::pair<int64_t, int64_t>, uint32_t> inputDims;
  auto addInputDim = [&](unsigned input, unsigned dim, int64_t min, int64_t max) {
    container::Symbol symbol;
    const container::Value &value = plan.inputs[input];
    symbol.name = shortText(("input '" + value.name + "' dimension " + Twine(dim)).str());
    if (!value.dims[dim].name.empty())
      symbol.name = shortText(symbol.name + " (" + value.dims[dim].name + ")");
    symbol.source = input;
    symbol.index = dim;
    symbol.min = min;
    symbol.max = std::min<int64_t>(max, std::numeric_limits<int32_t>::max());
    inputDims[{input, dim}] = plan.symbols.size();
    plan.symbols.push_back(std::move(symbol));
  };
  for (Operation *op : declarations) {
    if (auto input = dyn_cast<extent::SymbolOp>(op)) {
      if (input.getInput() >= plan.inputs.size() ||
          input.getDim() >= plan.inputs[input.getInput()].dims.size())
        return input.emitOpError("names a dimension that no input has");
      expressions.defineSymbol(input.getId());
      addInputDim(input.getInput(), input.getDim(), input.getMin(), input.getMax());
    } else if (auto bind = dyn_cast<extent::BindOp>(op)) {
      expressions.defineSymbol(bind.getId());
      boundSymbols[bind.getId()] = plan.symbols.size();
      container::Symbol symbol;
      symbol.kind = LT_SYMBOL_BOUND;
      symbol.region = bindRegions[op];
      symbol.name =
          "element " + std::to_string(bind.getIndex()) + " of " + locationText(op->getLoc());
      symbol.index = bind.getIndex();
      symbol.min = bind.getMin();
      symbol.max = bind.getMax();
      plan.symbols.push_back(std::move(symbol)); // its buffer follows with the step
    } else if (auto measure = dyn_cast<extent::MeasureOp>(op)) {
      expressions.defineSymbol(measure.getId());
      boundSymbols[measure.getId()] = plan.symbols.size();
      container::Symbol symbol;
      symbol.kind = LT_SYMBOL_MEASURED;
      symbol.region = bindRegions[op];
      symbol.name = shortText(
          ("dimension " + Twine(measure.getDim()) + " of " + locationText(op->getLoc())).str());
      symbol.index = measure.getDim();
      symbol.min = measure.getMin();
      symbol.max = measure.getMax();
      plan.symbols.push_back(std::move(symbol)); // likewise
    } else {
      auto derived = cast<extent::DerivedOp>(op);
      container::Symbol symbol;
      symbol.kind = LT_SYMBOL_DERIVED;
      symbol.name = "size";
      symbol.source = expressions.add(derived.getFunction(), derived.getArgs());
      symbol.region = expressions.regionOf(symbol.source);
      symbol.min = std::numeric_limits<int64_t>::min();
      symbol.max = std::numeric_limits<int64_t>::max();
      expressions.defineSymbol(derived.getId());
      plan.symbols.push_back(std::move(symbol));
    }
  }

  // A dimension that is not a symbol of its own must agree with the expression in its type.
  for (BlockArgument argument : function.getArguments()) {
    unsigned number = argument.getArgNumber();
    for (auto [dim, size] : llvm::enumerate(extent::sizesOf(argument))) {
      if (!size)
        return function.emitError() << "dimension " << dim << " of input '"
                                    << plan.inputs[number].name << "' has no known size";
      if (plan.inputs[number].dims[dim].size >= 0 || inputDims.contains({number, dim}))
        continue;
      uint32_t symbol = plan.symbols.size();
      addInputDim(number, dim, 0, std::numeric_limits<int32_t>::max());
      container::Check check;
      check.expression = expressions.symbolEquals(symbol, size);
      check.region = expressions.regionOf(check.expression);
      check.message = shortText(plan.symbols[symbol].name + " does not fit the other inputs");
      plan.checks.push_back(std::move(check));
    }
  }
  for (auto op : function.front().getOps<extent::CheckOp>()) {
    container::Check check;
    check.expression = expressions.add(op.getFunction(), op.getArgs());
    check.region = expressions.regionOf(check.expression);
    check.message = shortText(op.getMessage());
    plan.checks.push_back(std::move(check));
  }
  return success();
}

LogicalResult PlanBuilder::addOutputs() {
  Operation *terminator = function.front().getTerminator();
  for (auto [number, value] : llvm::enumerate(terminator->getOperands())) {
    DictionaryAttr attributes = function.getResultAttrDict(number);
    container::Value output;
    output.name = nameOf(attributes, ("output" + Twine(number)).str());
    auto type = dyn_cast<RankedTensorType>(value.getType());
    output.dtype = type ? dtypeOf(type.getElementType()) : 0;
    if (!output.dtype)
      return function.emitError() << "output '" << output.name << "' has type " << value.getType()
                                  << ", which a compiled model cannot return";
    for (auto [dim, size] : llvm::enumerate(extent::sizesOf(type))) {
      container::Dim result;
      result.name = dimName(attributes, dim);
      if (!size)
        return function.emitError()
               << "dimension " << dim << " of output '" << output.name << "' has no known size";
      if (auto constant = dyn_cast<AffineConstantExpr>(size)) {
        result.size = constant.getValue();
      } else {
        result.expression = expressions.add(size);
        output.region = std::max(output.region, expressions.regionOf(result.expression));
      }
      output.dims.push_back(std::move(result));
    }
    Value root = rootOf(value);
    bool isWritten = root.getDefiningOp<kernel::DispatchOp>() ||
                     (isa_and_nonnull<compute::BranchOp, compute::RepeatOp>(root.getDefiningOp()) &&
                      !compute::isHandedOver(cast<OpResult>(root)));
    if (!isWritten || !outputs.try_emplace(root, number).second)
      return function.emitError() << "output '" << output.name
                                  << "' is not a step's result of its own: run "
                                     "lt-prepare-results before kernels are formed";
    plan.outputs.push_back(std::move(output));
  }
  return success();
}

FailureOr<uint32_t> PlanBuilder::sizeOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  unsigned bits = storageBits(type.getElementType());
  SmallVector<AffineExpr> sizes = extent::sizesOf(type);
  if (bits == 0 || llvm::is_contained(sizes, AffineExpr()))
    return emitError(value.getLoc())
           << "a tensor of type " << type << " has no known size in memory";
  return expressions.bytes(sizes, bits);
}

FailureOr<uint32_t> PlanBuilder::bufferOf(Value value) {
  Value root = rootOf(value);
  if (auto found = buffers.find(root); found != buffers.end())
    return found->second;
  auto type = cast<RankedTensorType>(root.getType());
  container::Buffer buffer;
  // An output is as large as its dimensions say: they may be known before those of the step that
  // writes it by other ones.
  auto output = outputs.find(root);
  FailureOr<uint32_t> size = sizeOf(
      output == outputs.end() ? root
                              : function.front().getTerminator()->getOperand(output->second));
  if (failed(size))
    return failure();
  buffer.sizeExpression = *size;
  buffer.dtype = dtypeOf(type.getElementType());
  uint32_t number = plan.buffers.size();
  if (auto argument = dyn_cast<BlockArgument>(root)) {
    buffer.kind = LT_BUFFER_INPUT;
    buffer.index = argument.getArgNumber();
  } else if (auto constant = root.getDefiningOp<graph::ConstantOp>()) {
    FailureOr<uint32_t> weight = weights.add(constant.getValue(), constant.getName().value_or(""),
                                             [&] { return constant.emitOpError(); });
    if (failed(weight))
      return failure();
    buffer.kind = LT_BUFFER_WEIGHT;
    buffer.index = *weight;
  } else if (output != outputs.end()) {
    buffer.kind = LT_BUFFER_OUTPUT;
    buffer.index = output->second;
    buffer.region = plan.outputs[output->second].region;
  } else if (auto result = cast<OpResult>(root);
             isa<compute::BranchOp, compute::RepeatOp>(result.getOwner()) &&
             compute::isHandedOver(result)) {
    buffer.kind = LT_BUFFER_RESULT;
    buffer.region = bindRegions[result.getOwner()];
    buffer.index = result.getResultNumber();
  } else if (isa<kernel::DispatchOp, compute::BranchOp, compute::RepeatOp>(root.getDefiningOp())) {
    buffer.kind = LT_BUFFER_ARENA; // its slot follows when all lifetimes are known
    buffer.region = expressions.regionOf(*size);
    buffer.index = lifetimes.size();
    uint32_t step = plan.steps.size();
    lifetimes.push_back({step, step, buffer.region, {}});
    for (const Valuation &valuation : valuations)
      lifetimes.back().sizes.push_back(valuation.bytes(type));
    arenaBuffers.push_back(number);
  } else {
    return root.getDefiningOp()->emitOpError("is not a step of a plan");
  }
  plan.buffers.push_back(buffer);
  buffers[root] = number;
  return number;
}

LogicalResult PlanBuilder::addDispatch(kernel::DispatchOp dispatch) {
  auto kernel = kernels.find(dispatch.getCallee());
  if (kernel == kernels.end())
    return dispatch.emitOpError() << "calls kernel '" << dispatch.getCallee()
                                  << "', which has no code";
  container::Step step;
  step.name =
      shortText(dispatch.getLabel() ? *dispatch.getLabel() : locationText(dispatch.getLoc()));
  step.kernel = kernel->second;
  AffineExpr tiles = dispatch.getTiles().getResult(0);
  step.makesText = dispatch->hasAttr(kernel::kMakesTextAttr);
  step.parallel = !step.makesText && tiles != getAffineConstantExpr(1, dispatch.getContext());
  step.tiles = expressions.add(tiles);
  if (dispatch.getScratch().getResult(0) != getAffineConstantExpr(0, dispatch.getContext()))
    step.scratch = expressions.add(dispatch.getScratch().getResult(0));
  for (AffineExpr param : dispatch.getParams().getResults())
    step.params.push_back(expressions.add(param));
  for (ValueRange values : {ValueRange(dispatch.getInputs()), ValueRange(dispatch.getOutputs())})
    for (Value value : values) {
      FailureOr<uint32_t> buffer = bufferOf(value);
      if (failed(buffer))
        return failure();
      if (plan.buffers[*buffer].kind == LT_BUFFER_ARENA)
        lifetimes[plan.buffers[*buffer].index].last = plan.steps.size();
      step.bindings.push_back(*buffer);
    }
  inputCounts.push_back(dispatch.getInputs().size());
  plan.steps.push_back(std::move(step));
  return success();
}

LogicalResult PlanBuilder::addBind(extent::BindOp bind) {
  FailureOr<uint32_t> buffer = bufferOf(bind.getSource());
  if (failed(buffer))
    return failure();
  uint32_t symbol = boundSymbols[bind.getId()];
  plan.symbols[symbol].source = *buffer;
  if (region == bindRegions[bind])
    return success(); // the step is there already
  region = bindRegions[bind];
  if (plan.buffers[*buffer].kind == LT_BUFFER_ARENA)
    lifetimes[plan.buffers[*buffer].index].last = plan.steps.size();
  container::Step step;
  step.kind = LT_STEP_BIND;
  step.name = shortText("sizes from " + locationText(bind.getLoc()));
  step.buffer = *buffer;
  inputCounts.push_back(0);
  plan.steps.push_back(std::move(step));
  return success();
}

LogicalResult PlanBuilder::addMeasure(extent::MeasureOp measure) {
  FailureOr<uint32_t> buffer = bufferOf(measure.getSource());
  if (failed(buffer))
    return failure();
  plan.symbols[boundSymbols[measure.getId()]].source = *buffer;
  return success();
}

FailureOr<uint32_t> PlanBuilder::numberOf(Operation *op, StringRef callee) {
  auto found = functions.find(callee);
  if (found == functions.end())
    return op->emitOpError() << "calls '" << callee << "', which does not exist";
  return found->second;
}

LogicalResult PlanBuilder::addBranch(compute::BranchOp branch) {
  FailureOr<uint32_t> then = numberOf(branch, branch.getThen());
  FailureOr<uint32_t> otherwise = numberOf(branch, branch.getOtherwise());
  if (failed(then) || failed(otherwise))
    return failure();
  container::Step step;
  step.kind = LT_STEP_BRANCH;
  step.function = *then;
  step.otherwise = *otherwise;
  step.condition = expressions.add(branch.getCondition().getResult(0));
  return addCall(branch, std::move(step));
}

LogicalResult PlanBuilder::addRepeat(compute::RepeatOp repeat) {
  FailureOr<uint32_t> body = numberOf(repeat, repeat.getBody());
  if (failed(body))
    return failure();
  container::Step step;
  step.kind = LT_STEP_LOOP;
  step.function = *body;
  step.condition = expressions.add(repeat.getTrips().getResult(0));
  step.carriedCount = repeat.getCarried().size();
  step.slicedCount = repeat.getSliced().size();
  step.conditional = repeat.getConditional();
  return addCall(repeat, std::move(step));
}

LogicalResult PlanBuilder::addCall(Operation *op, container::Step step) {
  step.name = shortText(locationText(op->getLoc()));
  step.argumentCount = op->getNumOperands();
  auto keep = [&](uint32_t buffer) {
    if (plan.buffers[buffer].kind == LT_BUFFER_ARENA)
      lifetimes[plan.buffers[buffer].index].last = plan.steps.size();
    step.bindings.push_back(buffer);
  };
  for (Value value : op->getOperands()) {
    FailureOr<uint32_t> buffer = bufferOf(value);
    if (failed(buffer))
      return failure();
    keep(*buffer);
    for (AffineExpr size : extent::sizesOf(value))
      step.params.push_back(expressions.add(size));
  }
  for (OpResult result : op->getResults()) {
    step.endsRegion |= compute::isHandedOver(result);
    // What a loop carries is handed over in any case; nobody has to look at it.
    if (result.use_empty() && !compute::isHandedOver(result)) {
      step.bindings.push_back(container::kNone);
      continue;
    }
    FailureOr<uint32_t> buffer = bufferOf(result);
    if (failed(buffer))
      return failure();
    keep(*buffer);
  }
  if (step.endsRegion)
    region = bindRegions[op];
  inputCounts.push_back(step.argumentCount);
  plan.steps.push_back(std::move(step));
  return success();
}

LogicalResult PlanBuilder::addStep(Operation *op) {
  if (auto dispatch = dyn_cast<kernel::DispatchOp>(op))
    return addDispatch(dispatch);
  if (auto bind = dyn_cast<extent::BindOp>(op))
    return addBind(bind);
  if (auto measure = dyn_cast<extent::MeasureOp>(op))
    return addMeasure(measure);
  if (auto branch = dyn_cast<compute::BranchOp>(op))
    return addBranch(branch);
  if (auto repeat = dyn_cast<compute::RepeatOp>(op))
    return addRepeat(repeat);
  if (isa<kernel::AliasOp, graph::ConstantOp, extent::SymbolOp, extent::DerivedOp, extent::CheckOp,
          func::ReturnOp>(op))
    return success();
  return op->emitOpError("is not a step of a plan");
}

void PlanBuilder::assignArena() {
  SlotAssignment assignment = assignSlots(lifetimes);
  for (uint32_t region : assignment.regions)
    plan.slots.push_back({region});
  for (auto [number, buffer] : llvm::enumerate(arenaBuffers))
    plan.buffers[buffer].index = assignment.slots[number];
}

LogicalResult PlanBuilder::check() {
  auto isWrite = [](const void *context, uint32_t step, uint32_t position) {
    return position >= (*static_cast<const std::vector<uint32_t> *>(context))[step];
  };
  std::string message;
  if (!container::checkArena(plan, message, isWrite, &inputCounts))
    return function.emitError() << "the memory plan is wrong: " << message;
  return success();
}

FailureOr<container::Function> PlanBuilder::build() {
  plan.name = function.getSymName().str();
  if (failed(addInputs()) || failed(addSymbols()) || failed(addOutputs()))
    return failure();
  for (Operation &op : function.front())
    if (failed(addStep(&op)))
      return failure();
  assignArena();
  sortSymbols(plan);
  if (failed(check()))
    return failure();
  return std::move(plan);
}

FailureOr<container::Function> buildPlan(func::FuncOp function,
                                         const llvm::StringMap<uint32_t> &kernels,
                                         const llvm::StringMap<uint32_t> &functions,
                                         WeightTable &weights) {
  return PlanBuilder(function, kernels, functions, weights).build();
}

} // namespace longtail::plan
