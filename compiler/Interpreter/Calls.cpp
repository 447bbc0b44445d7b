// Branches and loops that run other functions of the module.
#include "compiler/Interpreter/Activation.h"

using namespace mlir;

namespace longtail::interpreter {

std::optional<std::vector<TensorRef>> Activation::call(Operation *op, StringRef name,
                                                       ArrayRef<TensorRef> inputs) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      op, StringAttr::get(op->getContext(), name));
  if (!callee || callee.isDeclaration()) {
    machine.fail(op->getLoc(), "there is no function '" + name + "'");
    return std::nullopt;
  }
  return Activation(machine, callee).run(inputs);
}

bool Activation::branch(compute::BranchOp op) {
  std::optional<int64_t> condition = evaluate(op.getCondition().getResult(0), {}, symbols);
  if (!condition)
    return machine.fail(op.getLoc(), "the condition has no value");
  std::vector<TensorRef> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(tensors.lookup(input));
  auto results = call(op, *condition != 0 ? op.getThen() : op.getOtherwise(), inputs);
  if (!results)
    return false;
  for (auto [value, tensor] : llvm::zip_equal(op.getResults(), *results))
    tensors[value] = tensor;
  return true;
}

/// Slice `at` of a tensor along its first dimension.
static TensorRef slice(const Tensor &whole, int64_t at) {
  auto part = std::make_shared<Tensor>(whole.getElementType(), whole.getSizes().drop_front());
  for (int64_t i = 0; i < part->getCount(); ++i)
    part->set(i, whole.get(at * part->getCount() + i));
  return part;
}

bool Activation::repeat(compute::RepeatOp op) {
  std::optional<int64_t> trips = evaluate(op.getTrips().getResult(0), {}, symbols);
  if (!trips)
    return machine.fail(op.getLoc(), "the number of trips has no value");
  std::vector<TensorRef> carried;
  for (Value value : op.getCarried())
    carried.push_back(tensors.lookup(value));
  size_t accumulated = op.getNumResults() - carried.size();
  std::vector<std::vector<TensorRef>> slices(accumulated);
  for (int64_t trip = 0; trip < *trips; ++trip) {
    auto number =
        std::make_shared<Tensor>(IntegerType::get(op.getContext(), 64), ArrayRef<int64_t>());
    number->set(0, fromInteger(trip, 64));
    std::vector<TensorRef> inputs = {number};
    inputs.insert(inputs.end(), carried.begin(), carried.end());
    for (Value value : op.getSliced()) {
      Tensor *whole = tensorOf(value);
      if (trip >= whole->getSizes()[0])
        return machine.fail(op.getLoc(),
                            "trip " + llvm::Twine(trip) + " has no slice of " + nameOf(value));
      inputs.push_back(slice(*whole, trip));
    }
    for (Value value : op.getInvariant())
      inputs.push_back(tensors.lookup(value));
    auto results = call(op, op.getBody(), inputs);
    if (!results)
      return false;
    auto next = results->begin();
    bool more = true;
    if (op.getConditional()) {
      Scalar holds = (*next++)->get(0);
      if (!holds.defined)
        return machine.fail(op.getLoc(), "the condition of the loop is not defined");
      more = holds.bits != 0;
    }
    for (TensorRef &value : carried)
      value = *next++;
    for (std::vector<TensorRef> &list : slices)
      list.push_back(*next++);
    if (!more)
      break;
  }
  for (auto [value, tensor] : llvm::zip(op.getResults(), carried))
    tensors[value] = tensor;
  for (auto [list, value] : llvm::zip_equal(slices, op.getResults().drop_front(carried.size()))) {
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> sizes = {static_cast<int64_t>(list.size())};
    if (list.empty()) {
      // No trip tells the sizes of a slice: the type does, where they do not depend on one.
      for (AffineExpr expr : llvm::drop_begin(extent::sizesOf(type)))
        sizes.push_back(evaluate(expr, {}, symbols).value_or(0));
    } else {
      llvm::append_range(sizes, list.front()->getSizes());
    }
    auto whole = std::make_shared<Tensor>(type.getElementType(), sizes);
    for (auto [k, part] : llvm::enumerate(list)) {
      if (part->getSizes() != list.front()->getSizes())
        return machine.fail(op.getLoc(), "the slices of one result differ in size");
      for (int64_t i = 0; i < part->getCount(); ++i)
        whole->set(k * part->getCount() + i, part->get(i));
    }
    tensors[value] = whole;
  }
  return true;
}

} // namespace longtail::interpreter
