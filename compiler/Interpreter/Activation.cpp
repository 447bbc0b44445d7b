#include "compiler/Interpreter/Activation.h"
#include "compiler/Plan/Text.h"
#include "compiler/Plan/Valuation.h"
#include "dialects/Graph/IR/Graph.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace longtail::interpreter {

Activation::Activation(Machine &machine, func::FuncOp function)
    : machine(machine), function(function) {
  environment.tensorOf = [this](Value value) { return tensorOf(value); };
  environment.nameOf = [this](Value value) { return nameOf(value); };
}

std::optional<std::vector<TensorRef>> Activation::run(ArrayRef<TensorRef> inputs) {
  if (inputs.size() != function.getNumArguments()) {
    machine.fail(function.getLoc(), "function '" + function.getName() + "' has " +
                                        llvm::Twine(function.getNumArguments()) +
                                        " arguments, not " + llvm::Twine(inputs.size()));
    return std::nullopt;
  }
  for (auto [argument, input] : llvm::zip_equal(function.getArguments(), inputs))
    tensors[argument] = input;
  if (!runBlock(function.getBody().front()))
    return std::nullopt;
  std::vector<TensorRef> results;
  for (Value value : function.getBody().front().getTerminator()->getOperands())
    results.push_back(tensors.lookup(value));
  return results;
}

bool Activation::runBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (!machine.step(op.getLoc()) || !runOperation(&op))
      return false;
  return true;
}

bool Activation::runOperation(Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<extent::SymbolOp, extent::DerivedOp, extent::BindOp, extent::MeasureOp>(
          [&](Operation *each) { return declare(each); })
      .Case<extent::CheckOp>([&](auto each) { return check(each); })
      .Case<access::ReadOp>([&](auto each) { return read(each); })
      .Case<access::ConcatOp>([&](auto each) { return concat(each); })
      .Case<compute::MapOp>([&](auto each) { return map(each); })
      .Case<compute::ReduceOp>([&](auto each) { return reduce(each); })
      .Case<compute::ContractOp>([&](auto each) { return contract(each); })
      .Case<compute::GridOp>([&](auto each) { return grid(each); })
      .Case<compute::FusedOp>([&](auto each) { return fused(each); })
      .Case<compute::BranchOp>([&](auto each) { return branch(each); })
      .Case<compute::RepeatOp>([&](auto each) { return repeat(each); })
      .Case<graph::ConstantOp>([&](auto each) { return makeConstant(op, each.getValue()); })
      .Case<arith::ConstantOp>([&](auto each) {
        auto value = dyn_cast<ElementsAttr>(each.getValue());
        return value ? makeConstant(op, value)
                     : machine.fail(op->getLoc(), "a constant outside of regions is a tensor");
      })
      .Default([&](Operation *) {
        return machine.fail(op->getLoc(), "the operation " + op->getName().getStringRef() +
                                              " is not interpreted");
      });
}

// ---- sizes
// ---------------------------------------------------------------------------------------

bool Activation::define(Operation *op, int64_t id, int64_t value, int64_t min, int64_t max) {
  if (value < min || value > max)
    return machine.fail(op->getLoc(), "a size is " + llvm::Twine(value) + ", which is not in [" +
                                          llvm::Twine(min) + ", " + llvm::Twine(max) + "]");
  if (id >= static_cast<int64_t>(symbols.size()))
    symbols.resize(id + 1);
  symbols[id] = value;
  environment.symbols = symbols;
  return true;
}

bool Activation::declare(Operation *op) {
  constexpr int64_t kLow = std::numeric_limits<int64_t>::min();
  constexpr int64_t kHigh = std::numeric_limits<int64_t>::max();
  if (auto symbol = dyn_cast<extent::SymbolOp>(op)) {
    if (symbol.getInput() >= function.getNumArguments() ||
        static_cast<int64_t>(symbol.getDim()) >=
            cast<RankedTensorType>(function.getArgument(symbol.getInput()).getType()).getRank())
      return machine.fail(op->getLoc(), "there is no such dimension");
    Tensor *input = tensorOf(function.getArgument(symbol.getInput()));
    return define(op, symbol.getId(), input->getSizes()[symbol.getDim()], symbol.getMin(),
                  symbol.getMax());
  }
  if (auto measure = dyn_cast<extent::MeasureOp>(op))
    return define(op, measure.getId(), tensorOf(measure.getSource())->getSizes()[measure.getDim()],
                  measure.getMin(), measure.getMax());
  if (auto bind = dyn_cast<extent::BindOp>(op)) {
    Tensor *source = tensorOf(bind.getSource());
    if (static_cast<int64_t>(bind.getIndex()) >= source->getCount())
      return machine.fail(op->getLoc(), "the tensor has no element that the size could be");
    Scalar value = source->get(bind.getIndex());
    if (!value.defined)
      return machine.fail(op->getLoc(), "the size is not defined");
    return define(op, bind.getId(), toInteger(value, source->getWidth()), bind.getMin(),
                  bind.getMax());
  }
  auto derived = cast<extent::DerivedOp>(op);
  auto args = evaluate(derived.getArgs(), {}, symbols);
  std::optional<int64_t> value = args ? plan::apply(derived.getFunction(), *args) : std::nullopt;
  return value ? define(op, derived.getId(), *value, kLow, kHigh)
               : machine.fail(op->getLoc(), "a size has no value: it is divided by zero");
}

bool Activation::check(extent::CheckOp op) {
  auto args = evaluate(op.getArgs(), {}, symbols);
  std::optional<int64_t> value = args ? plan::apply(op.getFunction(), *args) : std::nullopt;
  if (value && *value != 0)
    return true;
  machine.refusesInputs = true;
  return machine.fail(op.getLoc(), op.getMessage());
}

std::optional<SmallVector<int64_t>> Activation::sizesOf(Operation *op, RankedTensorType type) {
  SmallVector<int64_t> sizes;
  int64_t count = 1;
  for (AffineExpr expr : extent::sizesOf(type)) {
    std::optional<int64_t> size = expr ? evaluate(expr, {}, symbols) : std::nullopt;
    if (!size || *size < 0) {
      machine.fail(op->getLoc(),
                   size ? "a size is " + llvm::Twine(*size) : llvm::Twine("a size has no value"));
      return std::nullopt;
    }
    sizes.push_back(*size);
    if (llvm::MulOverflow(count, *size, count) || count > Tensor::kMaxCount) {
      machine.fail(op->getLoc(),
                   "a tensor of sizes " + textOf(sizes) + "... is too large to be interpreted");
      return std::nullopt;
    }
  }
  return sizes;
}

// ---- tensors
// -------------------------------------------------------------------------------------

TensorRef Activation::makeTensor(Operation *op, Type type) {
  auto tensor = cast<RankedTensorType>(type);
  auto sizes = sizesOf(op, tensor);
  if (!sizes)
    return nullptr;
  if (widthOf(access::computeType(tensor.getElementType())) == 0) {
    std::string text;
    llvm::raw_string_ostream(text) << tensor.getElementType();
    machine.fail(op->getLoc(), "elements of type " + text + " are not interpreted");
    return nullptr;
  }
  return std::make_shared<Tensor>(tensor.getElementType(), *sizes);
}

Tensor *Activation::tensorOf(Value value) const { return tensors.lookup(value).get(); }

std::string Activation::nameOf(Value value) const {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    Operation *parent = argument.getOwner()->getParentOp();
    if (auto group = dyn_cast<compute::FusedOp>(parent))
      return nameOf(group.getInputs()[argument.getArgNumber()]);
    if (parent == function) {
      auto name = func::FuncOp(function).getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                                      "graph.name");
      return name ? "'" + name.str() + "'" : "argument " + std::to_string(argument.getArgNumber());
    }
    return "what the grid writes";
  }
  std::string line = plan::locationText(value.getLoc());
  return line == "unnamed" ? "a tensor" : "the array of " + line;
}

bool Activation::makeConstant(Operation *op, ElementsAttr value) {
  TensorRef tensor = makeTensor(op, value.getType());
  if (!tensor)
    return false;
  Type type = tensor->getElementType();
  if (auto dense = dyn_cast<DenseElementsAttr>(value)) {
    int64_t at = 0;
    if (isa<FloatType>(type))
      for (const APFloat &element : dense.getValues<APFloat>())
        tensor->set(at++, Scalar::of(element.bitcastToAPInt().getZExtValue()));
    else
      for (const APInt &element : dense.getValues<APInt>())
        tensor->set(at++, Scalar::of(element.getZExtValue()));
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || tensor->getWidth() % 8 != 0 ||
        static_cast<int64_t>(blob->getData().size()) !=
            tensor->getCount() * tensor->getElementBytes())
      return machine.fail(op->getLoc(), "the elements of the constant are not in the text");
    tensor->setData(blob->getData());
  } else {
    return machine.fail(op->getLoc(), "a constant of this kind is not interpreted");
  }
  tensors[op->getResult(0)] = tensor;
  return true;
}

Activation::Reader Activation::reader(Value value, access::MapAttr access, Attribute fill) {
  return {value, tensorOf(value), access, fill && !isa<UnitAttr>(fill) ? scalarOf(fill) : Scalar()};
}

bool Activation::readElement(Operation *op, const Reader &reader, ArrayRef<int64_t> point,
                             Scalar &result) {
  access::MapAttr access = reader.access;
  if (!access.isTotal()) {
    auto valid = evaluate(access.getValid(), point, symbols);
    auto below = evaluate(access.getBelow(), point, symbols);
    if (!valid || !below)
      return machine.fail(op->getLoc(), "a condition of a read divides by zero");
    for (auto [index, bound] : llvm::zip_equal(*valid, *below))
      if (index < 0 || index >= bound) {
        result = reader.fill;
        return true;
      }
  }
  auto indices = evaluate(access.getMap(), point, symbols);
  if (!indices)
    return machine.fail(op->getLoc(), "an index of a read divides by zero");
  if (std::optional<int64_t> offset = reader.tensor->offsetOf(*indices)) {
    result = reader.tensor->get(*offset);
    return true;
  }
  return machine.fail(op->getLoc(), "point " + textOf(point) + " reads element " +
                                        textOf(*indices) + " of " + nameOf(reader.value) +
                                        ", which has sizes " + textOf(reader.tensor->getSizes()));
}

bool Activation::read(access::ReadOp op) {
  TensorRef result = makeTensor(op, op.getResult().getType());
  if (!result)
    return false;
  Reader source = reader(op.getSource(), op.getMap(), op.getFillAttr());
  int64_t at = 0;
  tensors[op.getResult()] = result;
  return forEachPoint(result->getSizes(), [&](ArrayRef<int64_t> point) {
    Scalar element;
    if (!machine.step(op.getLoc()) || !readElement(op, source, point, element))
      return false;
    result->set(at++, element);
    return true;
  });
}

bool Activation::concat(access::ConcatOp op) {
  TensorRef result = makeTensor(op, op.getResult().getType());
  if (!result)
    return false;
  int64_t axis = op.getAxis(), begin = 0;
  for (Value source : op.getSources()) {
    Tensor *part = tensorOf(source);
    int64_t at = 0;
    bool fits = forEachPoint(part->getSizes(), [&](ArrayRef<int64_t> point) {
      SmallVector<int64_t> target(point);
      target[axis] += begin;
      std::optional<int64_t> offset = result->offsetOf(target);
      if (!offset)
        return machine.fail(op.getLoc(), "the parts do not fit into the result");
      result->set(*offset, part->get(at++));
      return true;
    });
    if (!fits)
      return false;
    begin += part->getSizes()[axis];
  }
  if (begin != result->getSizes()[axis])
    return machine.fail(op.getLoc(), "the parts do not fill the result");
  tensors[op.getResult()] = result;
  return true;
}

} // namespace longtail::interpreter
