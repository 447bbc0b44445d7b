// The operations of the compute dialect.
#include "compiler/Interpreter/Activation.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace longtail::interpreter {

bool Activation::map(compute::MapOp op) {
  std::vector<TensorRef> results;
  for (Type type : op.getResultTypes()) {
    results.push_back(makeTensor(op, type));
    if (!results.back())
      return false;
  }
  SmallVector<Reader> readers;
  for (auto [input, access, fill] :
       llvm::zip_equal(op.getInputs(), op.getAccesses(), op.getFills()))
    readers.push_back(reader(input, cast<access::MapAttr>(access), fill));
  RegionCode code(machine, op.getBody().front(), environment);
  if (!code.isValid())
    return false;
  int64_t at = 0;
  bool done = forEachPoint(results.front()->getSizes(), [&](ArrayRef<int64_t> point) {
    for (auto [i, each] : llvm::enumerate(readers)) {
      Scalar element;
      if (!readElement(op, each, point, element))
        return false;
      code.setArgument(i, element);
    }
    if (!code.run(point))
      return false;
    for (auto [i, result] : llvm::enumerate(results))
      result->set(at, code.getResult(i));
    ++at;
    return true;
  });
  for (auto [value, tensor] : llvm::zip_equal(op.getResults(), results))
    tensors[value] = tensor;
  return done;
}

/// The type in which values of `type` are folded: that of the result, but at least f32.
static Type accumulatorOf(Type type) {
  auto real = dyn_cast<FloatType>(type);
  return real && real.getWidth() < 32 ? Float32Type::get(type.getContext()) : type;
}

/// `value` as a number of `to`, whose integers are extended as `isUnsigned` says.
static Value convert(OpBuilder &b, Location loc, Value value, Type to, bool isUnsigned) {
  Type from = value.getType();
  if (from == to)
    return value;
  if (isa<FloatType>(from))
    return widthOf(from) < widthOf(to) ? Value(arith::ExtFOp::create(b, loc, to, value))
                                       : Value(arith::TruncFOp::create(b, loc, to, value));
  if (isa<FloatType>(to))
    return isUnsigned ? Value(arith::UIToFPOp::create(b, loc, to, value))
                      : Value(arith::SIToFPOp::create(b, loc, to, value));
  if (widthOf(from) > widthOf(to))
    return arith::TruncIOp::create(b, loc, to, value);
  return isUnsigned ? Value(arith::ExtUIOp::create(b, loc, to, value))
                    : Value(arith::ExtSIOp::create(b, loc, to, value));
}

/// Folds what `values` put into the arguments of `step` behind the first, the sum so far. `step`
/// yields the new sum, then the sum as an element of the result.
bool Activation::fold(Operation *op, AffineMap extents, Type accumulator, TypedAttr identity,
                      Block &step,
                      llvm::function_ref<bool(ArrayRef<int64_t>, RegionCode &)> values) {
  TensorRef result = makeTensor(op, op->getResult(0).getType());
  auto inner = evaluate(extents, {}, symbols);
  if (!result)
    return false;
  if (!inner)
    return machine.fail(op->getLoc(), "the number of elements has no value");
  RegionCode code(machine, step, environment);
  if (!code.isValid())
    return false;
  tensors[op->getResult(0)] = result;
  int64_t at = 0;
  SmallVector<int64_t> whole;
  return forEachPoint(result->getSizes(), [&](ArrayRef<int64_t> point) {
    Scalar sum = scalarOf(identity);
    bool done = forEachPoint(*inner, [&](ArrayRef<int64_t> rest) {
      whole.assign(point.begin(), point.end());
      whole.append(rest.begin(), rest.end());
      code.setArgument(0, sum);
      if (!values(whole, code) || !code.run(whole))
        return false;
      sum = code.getResult(0);
      return true;
    });
    if (!done)
      return false;
    Type element = access::computeType(result->getElementType());
    if (element != accumulator)
      sum = sum.defined
                ? fromDouble(toDouble(sum, cast<FloatType>(accumulator).getFloatSemantics()),
                             cast<FloatType>(element).getFloatSemantics())
                : sum;
    result->set(at++, sum);
    return true;
  });
}

bool Activation::reduce(compute::ReduceOp op) {
  Type element =
      access::computeType(cast<RankedTensorType>(op.getOutput().getType()).getElementType());
  Type accumulator = accumulatorOf(element);
  SmallVector<Reader> readers;
  for (auto [input, access, fill] :
       llvm::zip_equal(op.getInputs(), op.getAccesses(), op.getFills()))
    readers.push_back(reader(input, cast<access::MapAttr>(access), fill));
  RegionCode body(machine, op.getBody().front(), environment);
  if (!body.isValid())
    return false;
  Location loc = op.getLoc();
  Block step;
  step.addArguments({accumulator, element}, {loc, loc});
  OpBuilder b(op.getContext());
  b.setInsertionPointToEnd(&step);
  Value next = convert(b, loc, step.getArgument(1), accumulator, false);
  next = compute::combine(b, loc, op.getCombiner(), step.getArgument(0), next);
  compute::YieldOp::create(b, loc, next);
  return fold(op, op.getExtents(), accumulator, compute::identityOf(op.getCombiner(), accumulator),
              step, [&](ArrayRef<int64_t> point, RegionCode &code) {
                for (auto [i, each] : llvm::enumerate(readers)) {
                  Scalar value;
                  if (!readElement(op, each, point, value))
                    return false;
                  body.setArgument(i, value);
                }
                if (!body.run(point))
                  return false;
                code.setArgument(1, body.getResult(0));
                return true;
              });
}

bool Activation::contract(compute::ContractOp op) {
  auto elementOf = [](Value value) {
    return cast<RankedTensorType>(value.getType()).getElementType();
  };
  Type left = elementOf(op.getLhs()), right = elementOf(op.getRhs());
  Type accumulator = accumulatorOf(access::computeType(elementOf(op.getOutput())));
  Location loc = op.getLoc();
  // An element that is not there contributes 0.
  Builder attributes(op.getContext());
  SmallVector<Reader> readers = {
      reader(op.getLhs(), op.getLhsMap(), attributes.getZeroAttr(access::computeType(left))),
      reader(op.getRhs(), op.getRhsMap(), attributes.getZeroAttr(access::computeType(right)))};
  Block step;
  step.addArguments({accumulator, access::computeType(left), access::computeType(right)},
                    {loc, loc, loc});
  OpBuilder b(op.getContext());
  b.setInsertionPointToEnd(&step);
  Value x = convert(b, loc, step.getArgument(1), accumulator, left.isUnsignedInteger());
  Value y = convert(b, loc, step.getArgument(2), accumulator, right.isUnsignedInteger());
  Value product = compute::combine(b, loc, compute::Combiner::Mul, x, y);
  compute::YieldOp::create(
      b, loc, compute::combine(b, loc, compute::Combiner::Add, step.getArgument(0), product));
  return fold(op, op.getExtents(), accumulator,
              compute::identityOf(compute::Combiner::Add, accumulator), step,
              [&](ArrayRef<int64_t> point, RegionCode &code) {
                for (auto [i, each] : llvm::enumerate(readers)) {
                  Scalar value;
                  if (!readElement(op, each, point, value))
                    return false;
                  code.setArgument(i + 1, value);
                }
                return true;
              });
}

bool Activation::grid(compute::GridOp op) {
  auto extents = evaluate(op.getExtents(), {}, symbols);
  if (!extents)
    return machine.fail(op.getLoc(), "the size of the grid has no value");
  RegionCode code(machine, op.getBody().front(), environment);
  if (!code.isValid())
    return false;
  unsigned rank = extents->size();
  for (auto [i, value] : llvm::enumerate(op.getResults())) {
    TensorRef tensor = makeTensor(op, value.getType());
    if (!tensor)
      return false;
    tensor->writers.assign(tensor->getCount(), -1);
    code.setPlace(rank + i, tensor.get());
    tensors[value] = tensor;
  }
  int64_t number = 0;
  bool done = forEachPoint(*extents, [&](ArrayRef<int64_t> point) {
    for (auto [i, index] : llvm::enumerate(point))
      code.setArgument(i, fromInteger(index, 64));
    return code.run(point, number++);
  });
  for (Value value : op.getResults())
    tensors[value]->writers.clear();
  return done;
}

bool Activation::fused(compute::FusedOp op) {
  Block &body = op.getBody().front();
  for (auto [argument, input] : llvm::zip_equal(body.getArguments(), op.getInputs()))
    tensors[argument] = tensors.lookup(input);
  if (!runBlock(body))
    return false;
  for (auto [result, value] : llvm::zip_equal(op.getResults(), body.getTerminator()->getOperands()))
    tensors[result] = tensors.lookup(value);
  return true;
}

} // namespace longtail::interpreter
