#include "codegen/Leaf/Elements.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace longtail::leaf {

SmallVector<AffineExpr> applyMap(AffineMap map, ArrayRef<AffineExpr> coordinates) {
  SmallVector<AffineExpr> symbols;
  for (unsigned i = 0; i < map.getNumSymbols(); ++i)
    symbols.push_back(getAffineSymbolExpr(i, map.getContext()));
  return llvm::map_to_vector(map.getResults(), [&](AffineExpr expr) {
    return expr.replaceDimsAndSymbols(coordinates, symbols);
  });
}

static SmallVector<AffineExpr> simplified(KernelBuilder &kernel, ArrayRef<AffineExpr> exprs,
                                          const access::Domain &domain) {
  return llvm::map_to_vector(exprs, [&](AffineExpr e) { return kernel.simplify(e, domain); });
}

/// The same position in `tensor`, written in one way: a dimension of size 1 has position 0 only.
static SmallVector<AffineExpr> positionIn(Value tensor, ArrayRef<AffineExpr> coordinates) {
  SmallVector<AffineExpr> position(coordinates);
  auto type = cast<RankedTensorType>(tensor.getType());
  for (auto [dim, coordinate] : llvm::enumerate(position))
    if (type.getDimSize(dim) == 1)
      coordinate = getAffineConstantExpr(0, type.getContext());
  return position;
}

void Elements::keep(Value tensor, ArrayRef<AffineExpr> coordinates, Value value) {
  kept.push_back({tensor, positionIn(tensor, coordinates), value});
}

void Elements::keepInBuffer(Value tensor, Value buffer, AffineMap offset) {
  inBuffers[tensor] = {buffer, offset};
}

void Elements::keepPlace(Value place, Value buffer, ArrayRef<AffineExpr> strides, bool perLane) {
  places[place] = {buffer, llvm::to_vector(strides), perLane};
}

void Elements::forget(Mark mark) { kept.resize(mark.kept); }

Value Elements::splat(Value value, const Frame &frame) {
  if (frame.lanes == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(kernel.builder, kernel.loc,
                                     VectorType::get({frame.lanes}, value.getType()), value);
}

Value Elements::lanesOf(AffineExpr expr, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  auto type = VectorType::get({frame.lanes}, b.getIndexType());
  if (frame.lanes == 1)
    return kernel.evaluate(expr, frame.dims);
  if (!expr.isFunctionOfDim(frame.lane))
    return splat(kernel.evaluate(expr, frame.dims), frame);
  AffineExpr stride = kernel.strideAlong(expr, frame.lane, frame.domain);
  Value step = vector::StepOp::create(b, kernel.loc, type);
  if (stride && stride.isSymbolicOrConstant()) {
    Value first = kernel.evaluate(expr, frame.dims);
    if (!stride.isPureAffine() || stride != b.getAffineConstantExpr(1))
      step = arith::MulIOp::create(b, kernel.loc, step, splat(kernel.size(stride), frame));
    Value result = arith::AddIOp::create(b, kernel.loc, splat(first, frame), step);
    if (stride == b.getAffineConstantExpr(1))
      runs[result] = {first, Value()};
    return result;
  }
  // Not linear in the lane: the arithmetic itself is done on vectors.
  auto binary = cast<AffineBinaryOpExpr>(expr);
  bool isDivision = expr.getKind() != AffineExprKind::Add && expr.getKind() != AffineExprKind::Mul;
  Value x = splat(lanesOf(binary.getLHS(), frame), frame);
  Value y =
      splat(isDivision ? kernel.divisor(binary.getRHS()) : lanesOf(binary.getRHS(), frame), frame);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return arith::AddIOp::create(b, kernel.loc, x, y);
  case AffineExprKind::Mul:
    return arith::MulIOp::create(b, kernel.loc, x, y);
  case AffineExprKind::FloorDiv:
    return arith::FloorDivSIOp::create(b, kernel.loc, x, y);
  case AffineExprKind::CeilDiv:
    return arith::CeilDivSIOp::create(b, kernel.loc, x, y);
  default: {
    Value quotient = arith::FloorDivSIOp::create(b, kernel.loc, x, y);
    return arith::SubIOp::create(b, kernel.loc, x,
                                 arith::MulIOp::create(b, kernel.loc, quotient, y));
  }
  }
}

Value Elements::load(Value buffer, AffineExpr offset, Type element, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  offset = kernel.simplify(offset, frame.domain);
  bool uniform = frame.lanes == 1 || !offset.isFunctionOfDim(frame.lane);
  if (uniform && (!frame.mask || frame.someLaneExists))
    return kernel::LoadOp::create(b, kernel.loc, element, buffer,
                                  kernel.evaluate(offset, frame.dims), Value());
  auto type = VectorType::get({frame.lanes}, element);
  AffineExpr stride = uniform ? AffineExpr() : kernel.strideAlong(offset, frame.lane, frame.domain);
  if (auto step = dyn_cast_or_null<AffineConstantExpr>(stride)) {
    if (step.getValue() == 1)
      return kernel::LoadOp::create(b, kernel.loc, type, buffer,
                                    kernel.evaluate(offset, frame.dims), frame.mask);
    if (canShuffle(type, step.getValue(), frame))
      return loadShuffled(type, buffer, kernel.evaluate(offset, frame.dims), step.getValue(),
                          frame.mask);
  }
  return kernel::GatherOp::create(b, kernel.loc, type, buffer, lanesOf(offset, frame), frame.mask);
}

/// The lanes for which 0 <= value < limit, as a vector of bits. Where the value grows evenly along
/// the lanes, those are neighbours: the first and the last are computed as scalars, and compared
/// with the lanes' numbers of 32 bits, for positions of 64 bits would fill twice the registers.
Value Elements::lanesInRange(AffineExpr value, AffineExpr limit, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  AffineExpr stride = kernel.strideAlong(value, frame.lane, frame.domain);
  auto step = dyn_cast_or_null<AffineConstantExpr>(stride);
  if (!step || step.getValue() < 1 || limit.isFunctionOfDim(frame.lane))
    return arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::ult, lanesOf(value, frame),
                                 splat(lanesOf(limit, frame), frame));
  Value first = kernel.evaluate(value, frame.dims);
  auto laneAt = [&](Value position) { // the first lane that is at `position` or behind it
    Value distance = arith::SubIOp::create(b, kernel.loc, position, first);
    if (step.getValue() != 1)
      distance = arith::CeilDivSIOp::create(b, kernel.loc, distance, kernel.size(stride));
    distance = arith::MaxSIOp::create(b, kernel.loc, distance, kernel.index(0));
    distance = kernel.min(distance, kernel.index(frame.lanes));
    return arith::IndexCastOp::create(b, kernel.loc, b.getI32Type(), distance).getResult();
  };
  Value low = laneAt(kernel.index(0)), high = laneAt(kernel.evaluate(limit, frame.dims));
  auto numbers = VectorType::get({frame.lanes}, b.getI32Type());
  SmallVector<int32_t> each = llvm::to_vector(llvm::seq<int32_t>(0, frame.lanes));
  Value lanes = arith::ConstantOp::create(b, kernel.loc,
                                          DenseElementsAttr::get(numbers, ArrayRef<int32_t>(each)));
  lanes = arith::SubIOp::create(b, kernel.loc, lanes, splat(low, frame));
  Value count = arith::SubIOp::create(b, kernel.loc, high, low);
  return arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::ult, lanes,
                               splat(count, frame));
}

std::pair<Value, Value> Elements::conditions(access::MapAttr access,
                                             ArrayRef<AffineExpr> coordinates, const Frame &frame) {
  Value uniform, varying;
  if (access.isTotal())
    return {uniform, varying};
  OpBuilder &b = kernel.builder;
  SmallVector<AffineExpr> valid =
      simplified(kernel, applyMap(access.getValid(), coordinates), frame.domain);
  SmallVector<AffineExpr> below =
      simplified(kernel, applyMap(access.getBelow(), coordinates), frame.domain);
  auto join = [&](Value &all, Value one) {
    all = all ? Value(arith::AndIOp::create(b, kernel.loc, all, one)) : one;
  };
  for (auto [v, limit] : llvm::zip(valid, below)) {
    auto constant = dyn_cast<AffineConstantExpr>(v), bound = dyn_cast<AffineConstantExpr>(limit);
    if (constant && bound && constant.getValue() >= 0 && constant.getValue() < bound.getValue())
      continue;
    if (llvm::is_contained(frame.known, Condition(v, limit)))
      continue;
    bool varies =
        frame.lanes > 1 && (v.isFunctionOfDim(frame.lane) || limit.isFunctionOfDim(frame.lane));
    if (!varies)
      join(uniform,
           kernel.inRange(kernel.evaluate(v, frame.dims), kernel.evaluate(limit, frame.dims)));
    else
      join(varying, lanesInRange(v, limit, frame));
  }
  return {uniform, varying};
}

Value Elements::operandAt(Value tensor, access::MapAttr access, Attribute fill,
                          ArrayRef<AffineExpr> coordinates, const Frame &frame) {
  SmallVector<AffineExpr> source =
      simplified(kernel, applyMap(access.getMap(), coordinates), frame.domain);
  std::pair<Value, Value> hold = conditions(access, coordinates, frame);
  Value uniform = hold.first, varying = hold.second;
  if (!uniform && !varying)
    return at(tensor, source, frame);
  OpBuilder &b = kernel.builder;
  Value otherwise = arith::ConstantOp::create(b, kernel.loc, cast<TypedAttr>(fill));
  Type type = otherwise.getType();
  if (frame.lanes > 1)
    type = VectorType::get({frame.lanes}, type);
  // Only what exists may be loaded.
  auto branchOn = [&](Value condition, function_ref<Value()> inside) {
    auto branch = scf::IfOp::create(b, kernel.loc, TypeRange{type}, condition, true);
    Mark before = mark();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, kernel.loc, splat(inside(), frame));
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, kernel.loc, splat(otherwise, frame));
    forget(before);
    return branch.getResult(0);
  };
  bool wantsBranch = frame.lanes > 1 && readsForAllLanes(tensor, source, frame);
  auto inside = [&]() -> Value {
    if (!varying)
      return at(tensor, source, frame);
    Frame masked = frame;
    masked.mask =
        frame.mask ? Value(arith::AndIOp::create(b, kernel.loc, frame.mask, varying)) : varying;
    masked.someLaneExists = wantsBranch;
    masked.tail = Value();
    auto selected = [&]() -> Value {
      Value value = splat(at(tensor, source, masked), frame);
      return arith::SelectOp::create(b, kernel.loc, varying, value, splat(otherwise, frame));
    };
    if (!wantsBranch)
      return selected();
    Value some = vector::ReductionOp::create(b, kernel.loc, vector::CombiningKind::OR, masked.mask);
    return branchOn(some, selected);
  };
  if (!uniform)
    return inside();
  if (frame.lanes > 1 && !kernel.target.getScalarFactors() && !wantsBranch) {
    // A mask is cheaper than a branch: borders mix both sides. Not where a mask that is the same
    // for all lanes has to be made of bytes first.
    Value all = splat(uniform, frame);
    varying = varying ? Value(arith::AndIOp::create(b, kernel.loc, varying, all)) : all;
    return inside();
  }
  return branchOn(uniform, inside);
}

/// Whether the element of `tensor` at `coordinates` needs elements that are the same for all lanes,
/// which are loaded once where it is certain that some lane exists, or positions that it computes.
bool Elements::readsForAllLanes(Value tensor, ArrayRef<AffineExpr> coordinates,
                                const Frame &frame) {
  bool found = false;
  visitLeaves(
      tensor, coordinates,
      [&](Value leaf, ArrayRef<AffineExpr> at) {
        found |= isa<BlockArgument>(leaf) && llvm::none_of(at, [&](AffineExpr position) {
                   return position.isFunctionOfDim(frame.lane);
                 });
      },
      [](AffineExpr) {});
  return found;
}

Value Elements::at(Value tensor, ArrayRef<AffineExpr> given, const Frame &frame) {
  SmallVector<AffineExpr> coordinates = positionIn(tensor, given);
  for (const Kept &one : llvm::reverse(kept))
    if (one.tensor == tensor && one.coordinates == coordinates)
      return one.value;
  Type element = access::computeType(cast<RankedTensorType>(tensor.getType()).getElementType());
  if (auto found = inBuffers.find(tensor); found != inBuffers.end())
    return load(found->second.first, applyMap(found->second.second, coordinates)[0], element,
                frame);
  Operation *op = tensor.getDefiningOp();
  if (!op)
    return load(kernel.buffer(kernel.input(tensor)),
                kernel.offsetAt(kernel.input(tensor), coordinates), element, frame);
  if (auto read = dyn_cast<access::ReadOp>(op))
    return operandAt(read.getSource(), read.getMap(), read.getFillAttr(), coordinates, frame);
  if (auto map = dyn_cast<compute::MapOp>(op)) {
    SmallVector<Value> arguments;
    for (auto [i, input] : llvm::enumerate(map.getInputs()))
      arguments.push_back(operandAt(input, cast<access::MapAttr>(map.getAccesses()[i]),
                                    map.getFills()[i], coordinates, frame));
    SmallVector<Value> values = evaluateBody(map.getBody().front(), arguments, coordinates, frame);
    // Under a mask of its own the value holds for these lanes only: it is not kept.
    if (!frame.mask || frame.someLaneExists)
      for (auto [result, value] : llvm::zip(map.getResults(), values))
        keep(result, coordinates, value);
    return values[cast<OpResult>(tensor).getResultNumber()];
  }
  llvm::report_fatal_error("a reduction's result is read where its strategy keeps no value");
}

void Elements::storeResults(ArrayRef<AffineExpr> coordinates, const Frame &frame) {
  for (unsigned number = 0; number < kernel.group.getNumResults(); ++number)
    storeResult(number, coordinates, frame);
}

void Elements::storeResult(unsigned number, ArrayRef<AffineExpr> coordinates, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  Value value = at(kernel.yielded()[number], coordinates, frame);
  const KernelBuilder::Place &place = kernel.result(number);
  Value buffer = kernel.buffer(place);
  AffineExpr offset = kernel.simplify(kernel.offsetAt(place, coordinates), frame.domain);
  if (frame.lanes == 1 ||
      kernel.strideAlong(offset, frame.lane, frame.domain) == b.getAffineConstantExpr(1)) {
    kernel::StoreOp::create(b, kernel.loc, splat(value, frame), buffer,
                            kernel.evaluate(offset, frame.dims), frame.mask);
    return;
  }
  // The lanes lie apart in memory: one store for each that exists.
  Value values = splat(value, frame), positions = lanesOf(offset, frame);
  for (int64_t i = 0; i < frame.lanes; ++i) {
    auto storeOne = [&] {
      Value element = vector::ExtractOp::create(b, kernel.loc, values, i);
      Value position = vector::ExtractOp::create(b, kernel.loc, positions, i);
      kernel::StoreOp::create(b, kernel.loc, element, buffer, position, Value());
    };
    if (frame.mask)
      kernel.when(vector::ExtractOp::create(b, kernel.loc, frame.mask, i), storeOne);
    else
      storeOne();
  }
}

} // namespace longtail::leaf
