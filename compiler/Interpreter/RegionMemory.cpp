// Reads and writes of regions: bounds, elements that nobody wrote, and points that meet.
#include "compiler/Interpreter/RegionCode.h"
#include "dialects/Compute/IR/Compute.h"

using namespace mlir;

namespace longtail::interpreter {

std::optional<int64_t> RegionCode::locate(Operation *op, Value of, const Tensor &tensor,
                                          ArrayRef<Scalar *> indices) {
  SmallVector<int64_t, 6> position;
  for (auto [dim, index] : llvm::enumerate(indices)) {
    if (!index->defined) {
      machine.fail(op->getLoc(), "the index in dimension " + llvm::Twine(dim) + " of " +
                                     environment.nameOf(of) + " is not defined");
      return std::nullopt;
    }
    position.push_back(toInteger(*index, 64));
  }
  if (std::optional<int64_t> offset = tensor.offsetOf(position))
    return offset;
  for (auto [dim, index, size] : llvm::enumerate(position, tensor.getSizes()))
    if (index < 0 || index >= size) {
      machine.fail(op->getLoc(), "the index " + llvm::Twine(index) + " is outside of dimension " +
                                     llvm::Twine(dim) + " of " + environment.nameOf(of) +
                                     ", which has size " + llvm::Twine(size));
      break;
    }
  return std::nullopt;
}

bool RegionCode::store(Operation *op, Value place, ArrayRef<Scalar *> indices, Scalar value) {
  Tensor &tensor = *places[place];
  std::optional<int64_t> offset = locate(op, place, tensor, indices);
  if (!offset)
    return false;
  if (!tensor.writers.empty()) {
    int64_t &writer = tensor.writers[*offset];
    if (writer >= 0 && writer != number)
      return machine.fail(
          op->getLoc(), "points " + llvm::Twine(writer) + " and " + llvm::Twine(number) +
                            " of the grid both write element " + textOf(tensor.indicesOf(*offset)) +
                            " of " + environment.nameOf(place));
    writer = number;
  }
  tensor.set(*offset, value);
  return true;
}

bool RegionCode::fetch(Operation *op, Value place, ArrayRef<Scalar *> indices, Scalar &result) {
  Tensor &tensor = *places[place];
  std::optional<int64_t> offset = locate(op, place, tensor, indices);
  if (!offset)
    return false;
  if (!tensor.writers.empty()) {
    int64_t writer = tensor.writers[*offset];
    if (writer >= 0 && writer != number)
      return machine.fail(
          op->getLoc(), "point " + llvm::Twine(number) + " of the grid reads element " +
                            textOf(tensor.indicesOf(*offset)) + " of " + environment.nameOf(place) +
                            ", which point " + llvm::Twine(writer) + " writes");
  }
  result = tensor.get(*offset);
  return true;
}

bool RegionCode::decodeMemory(Operation *op, Steps &steps) {
  if (auto load = dyn_cast<access::LoadOp>(op)) {
    Value source = load.getSource();
    Tensor *tensor = environment.tensorOf(source);
    if (!tensor)
      return machine.fail(op->getLoc(), "the tensor that is read is not known");
    steps.push_back([this, op, source, tensor, indices = numbersOf(load.getIndices()),
                     result = numberOf(load.getResult())] {
      std::optional<int64_t> offset = locate(op, source, *tensor, indices);
      if (offset)
        *result = tensor->get(*offset);
      return offset.has_value();
    });
  } else if (auto store = dyn_cast<access::StoreOp>(op)) {
    steps.push_back(
        [this, op, place = store.getPlace(), indices = numbersOf(store.getIndices()),
         value = numberOf(store.getValue())] { return this->store(op, place, indices, *value); });
  } else if (auto fetch = dyn_cast<access::FetchOp>(op)) {
    steps.push_back([this, op, place = fetch.getPlace(), indices = numbersOf(fetch.getIndices()),
                     result = numberOf(fetch.getResult())] {
      return this->fetch(op, place, indices, *result);
    });
  } else if (auto local = dyn_cast<access::LocalOp>(op)) {
    RankedTensorType type = local.getResult().getType().getTensor();
    SmallVector<int64_t> sizes;
    for (AffineExpr expr : extent::sizesOf(type)) {
      std::optional<int64_t> size = evaluate(expr, {}, environment.symbols);
      if (!size || *size < 0 || *size > Tensor::kMaxCount)
        return machine.fail(op->getLoc(), "a size of the local array has no value");
      sizes.push_back(*size);
    }
    auto &owned = locals.emplace_back();
    steps.push_back([this, &owned, sizes, type, result = Value(local.getResult())] {
      owned = std::make_unique<Tensor>(type.getElementType(), sizes); // of this point alone
      places[result] = owned.get();
      return true;
    });
  } else {
    auto require = cast<compute::RequireOp>(op);
    steps.push_back(
        [this, op, condition = numberOf(require.getCondition()), fault = require.getFault()] {
          if (condition->defined && condition->bits)
            return true;
          if (!condition->defined)
            return machine.fail(op->getLoc(), "a condition that must hold is not defined");
          switch (fault) {
          case compute::Fault::Index:
            return machine.fail(op->getLoc(), "an index is outside of the array");
          case compute::Fault::Divide:
            return machine.fail(op->getLoc(), "an integer is divided by zero");
          case compute::Fault::Value:
            return machine.fail(op->getLoc(), "a value is outside of what is allowed");
          }
          llvm_unreachable("all faults are handled");
        });
  }
  return true;
}

} // namespace longtail::interpreter
