#include "compiler/Interpreter/RegionCode.h"
#include "dialects/Compute/IR/Compute.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace longtail::interpreter {

RegionCode::RegionCode(Machine &machine, Block &block, const Environment &environment)
    : machine(machine), block(block), environment(environment) {
  valid = decode(block, steps);
  if (valid)
    results = numbersOf(block.getTerminator()->getOperands());
}

Scalar *RegionCode::numberOf(Value value) {
  Scalar *&slot = numbers[value];
  if (!slot)
    slot = &slots.emplace_back();
  return slot;
}

SmallVector<Scalar *> RegionCode::numbersOf(ValueRange values) {
  return llvm::map_to_vector(values, [&](Value value) { return numberOf(value); });
}

bool RegionCode::runAll(const Steps &steps) {
  for (const Step &step : steps)
    if (!step())
      return false;
  return true;
}

bool RegionCode::run(ArrayRef<int64_t> point, int64_t number) {
  this->point = point;
  this->number = number;
  return machine.step(block.getParentOp() ? block.getParentOp()->getLoc()
                                          : UnknownLoc::get(block.front().getContext())) &&
         runAll(steps);
}

bool RegionCode::decode(Block &block, Steps &steps) {
  for (Operation &op : block.without_terminator())
    if (!decode(&op, steps))
      return false;
  return true;
}

bool RegionCode::decode(Operation *op, Steps &steps) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    *numberOf(constant) = scalarOf(constant.getValue());
    return true;
  }
  if (auto size = dyn_cast<extent::SizeOp>(op)) {
    std::optional<int64_t> value = evaluate(size.getSize().getResult(0), {}, environment.symbols);
    if (!value)
      return machine.fail(op->getLoc(), "the size has no value");
    *numberOf(size) = fromInteger(*value, 64);
    return true;
  }
  if (auto index = dyn_cast<compute::IndexOp>(op)) {
    steps.push_back([this, slot = numberOf(index), dim = index.getDim()] {
      *slot = fromInteger(point[dim], 64);
      return true;
    });
    return true;
  }
  if (auto scale = dyn_cast<compute::ScaleOp>(op)) {
    const llvm::fltSemantics &semantics = cast<FloatType>(scale.getType()).getFloatSemantics();
    steps.push_back([this, scale, &semantics, value = numberOf(scale.getValue()),
                     slot = numberOf(scale)]() mutable {
      double by =
          scale.coefficientAt(point[scale.getRow()], point[scale.getColumn()]).getValueAsDouble();
      if (by == 0)
        *slot = fromDouble(-0.0, semantics);
      else
        *slot = value->defined ? fromDouble(by * toDouble(*value, semantics), semantics) : Scalar();
      return true;
    });
    return true;
  }
  if (isa<scf::ForOp>(op))
    return decodeFor(op, steps);
  if (isa<scf::WhileOp>(op))
    return decodeWhile(op, steps);
  if (isa<scf::IfOp>(op))
    return decodeIf(op, steps);
  if (isa<access::LoadOp, access::StoreOp, access::FetchOp, access::LocalOp, compute::RequireOp>(
          op))
    return decodeMemory(op, steps);
  return decodeScalar(op, steps);
}

bool RegionCode::decodeScalar(Operation *op, Steps &steps) {
  Evaluate evaluate = evaluatorOf(op);
  if (!evaluate)
    return machine.fail(op->getLoc(),
                        "the operation " + op->getName().getStringRef() + " is not interpreted");
  Scalar *operands[3] = {};
  for (auto [slot, operand] : llvm::zip(operands, op->getOperands()))
    slot = numberOf(operand);
  steps.push_back([evaluate, a = operands[0], b = operands[1], c = operands[2],
                   result = numberOf(op->getResult(0))] {
    Scalar values[] = {*a, b ? *b : Scalar(), c ? *c : Scalar()};
    *result = evaluate(values);
    return true;
  });
  return true;
}

/// Copies all numbers before any is overwritten.
static void assign(ArrayRef<Scalar *> targets, ArrayRef<Scalar *> sources) {
  auto values = llvm::map_to_vector(sources, [](Scalar *source) { return *source; });
  for (auto [target, value] : llvm::zip_equal(targets, values))
    *target = value;
}

bool RegionCode::decodeFor(Operation *op, Steps &steps) {
  auto loop = cast<scf::ForOp>(op);
  auto body = std::make_shared<Steps>();
  if (!decode(*loop.getBody(), *body))
    return false;
  unsigned width = widthOf(loop.getInductionVar().getType());
  steps.push_back([this, op, body, width, low = numberOf(loop.getLowerBound()),
                   high = numberOf(loop.getUpperBound()), by = numberOf(loop.getStep()),
                   index = numberOf(loop.getInductionVar()), starts = numbersOf(loop.getInitArgs()),
                   carried = numbersOf(loop.getRegionIterArgs()),
                   next = numbersOf(loop.getBody()->getTerminator()->getOperands()),
                   ends = numbersOf(loop.getResults())] {
    if (!low->defined || !high->defined || !by->defined)
      return machine.fail(op->getLoc(), "a bound of the loop is not defined");
    int64_t last = toInteger(*high, width), increment = toInteger(*by, width);
    if (increment <= 0)
      return machine.fail(op->getLoc(), "the step of the loop is not positive");
    assign(carried, starts);
    for (int64_t i = toInteger(*low, width); i < last;) {
      *index = fromInteger(i, width);
      if (!machine.step(op->getLoc()) || !runAll(*body))
        return false;
      assign(carried, next);
      if (llvm::AddOverflow(i, increment, i))
        break;
    }
    assign(ends, carried);
    return true;
  });
  return true;
}

bool RegionCode::decodeWhile(Operation *op, Steps &steps) {
  auto loop = cast<scf::WhileOp>(op);
  auto test = std::make_shared<Steps>(), body = std::make_shared<Steps>();
  if (!decode(*loop.getBeforeBody(), *test) || !decode(*loop.getAfterBody(), *body))
    return false;
  scf::ConditionOp condition = loop.getConditionOp();
  steps.push_back(
      [this, op, test, body, starts = numbersOf(loop.getInits()),
       before = numbersOf(loop.getBeforeArguments()), holds = numberOf(condition.getCondition()),
       passed = numbersOf(condition.getArgs()), after = numbersOf(loop.getAfterArguments()),
       next = numbersOf(loop.getYieldOp().getOperands()), ends = numbersOf(loop.getResults())] {
        assign(before, starts);
        while (true) {
          if (!machine.step(op->getLoc()) || !runAll(*test))
            return false;
          if (!holds->defined)
            return machine.fail(op->getLoc(), "the condition of the loop is not defined");
          if (!holds->bits)
            break;
          assign(after, passed);
          if (!runAll(*body))
            return false;
          assign(before, next);
        }
        assign(ends, passed);
        return true;
      });
  return true;
}

bool RegionCode::decodeIf(Operation *op, Steps &steps) {
  auto branch = cast<scf::IfOp>(op);
  auto then = std::make_shared<Steps>(), otherwise = std::make_shared<Steps>();
  SmallVector<Scalar *> thenYields = numbersOf(branch.thenYield().getOperands()), elseYields;
  if (!decode(*branch.thenBlock(), *then))
    return false;
  if (branch.elseBlock()) {
    if (!decode(*branch.elseBlock(), *otherwise))
      return false;
    elseYields = numbersOf(branch.elseYield().getOperands());
  }
  steps.push_back([this, op, then, otherwise, thenYields, elseYields,
                   condition = numberOf(branch.getCondition()),
                   ends = numbersOf(branch.getResults())] {
    if (!condition->defined)
      return machine.fail(op->getLoc(), "the condition is not defined");
    if (!runAll(condition->bits ? *then : *otherwise))
      return false;
    if (!ends.empty())
      assign(ends, condition->bits ? thenYields : elseYields);
    return true;
  });
  return true;
}

} // namespace longtail::interpreter
