// Elements of tensors and places at positions that a region computed.
#include "codegen/Leaf/Elements.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::leaf {

static bool isVector(Value value) { return isa<VectorType>(value.getType()); }

bool Elements::Positions::areNeighbours() const { return first && getConstantIntValue(step) == 1; }

Elements::Positions Elements::positionsOf(ValueRange indices, ArrayRef<AffineExpr> strides,
                                          const Frame &frame) {
  OpBuilder &b = kernel.builder;
  Positions at;
  at.base = kernel.index(0);
  for (auto [index, stride] : llvm::zip(indices, strides)) {
    Value step = kernel.size(stride);
    if (!isVector(index)) {
      at.base = kernel.add(at.base, kernel.mul(index, step));
      continue;
    }
    bool isOne = getConstantIntValue(step) == 1;
    auto run = runs.find(index);
    at.first = at.from = at.to = Value();
    if (run != runs.end() && !at.lanes) {
      if (!run->second.last) {
        at.first = isOne ? run->second.first : kernel.mul(run->second.first, step);
        at.step = step;
      } else if (isOne) {
        at.from = run->second.first;
        at.to = run->second.last;
      }
    }
    Value scaled =
        isOne ? index : Value(arith::MulIOp::create(b, kernel.loc, index, splat(step, frame)));
    at.lanes = at.lanes ? Value(arith::AddIOp::create(b, kernel.loc, at.lanes, scaled)) : scaled;
  }
  return at;
}

Value Elements::offsetsOf(const Positions &at, const Frame &frame) {
  return arith::AddIOp::create(kernel.builder, kernel.loc, at.lanes, splat(at.base, frame));
}

Value Elements::areInside(ValueRange indices, ArrayRef<AffineExpr> sizes, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  bool varies = llvm::any_of(indices, isVector);
  Value inside;
  for (auto [index, size] : llvm::zip(indices, sizes)) {
    Value bound = kernel.size(size), here;
    if (isVector(index))
      here = arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::ult, index,
                                   splat(bound, frame));
    else
      here = varies ? splat(kernel.inRange(index, bound), frame) : kernel.inRange(index, bound);
    inside = inside ? Value(arith::AndIOp::create(b, kernel.loc, inside, here)) : here;
  }
  return inside;
}

void Elements::raiseUnless(Value condition, compute::Fault fault, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  Value ones = arith::ConstantOp::create(b, kernel.loc, b.getOneAttr(condition.getType()));
  Value wrong = arith::XOrIOp::create(b, kernel.loc, condition, ones);
  if (frame.mask && (isVector(wrong) || !frame.someLaneExists))
    wrong = arith::AndIOp::create(b, kernel.loc, splat(wrong, frame), frame.mask);
  kernel::RaiseOp::create(b, kernel.loc, static_cast<uint32_t>(fault), wrong);
}

Value Elements::loadPoint(access::LoadOp load, ValueRange indices, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  Value source = load.getSource();
  auto type = cast<RankedTensorType>(source.getType());
  Type element = access::computeType(type.getElementType());
  SmallVector<AffineExpr> sizes = extent::sizesOf(type);

  // A checked index outside the tensor reads nothing and is reported.
  Value inside = load.getChecked() ? areInside(indices, sizes, frame) : Value();
  if (inside)
    raiseUnless(inside, compute::Fault::Index, frame);

  Positions at = positionsOf(indices, kernel.input(source).strides, frame);
  Value buffer = kernel.buffer(kernel.input(source));
  if (!at.lanes) {
    bool maskMayBeEmpty = frame.mask && !frame.someLaneExists;
    if (!inside && !maskMayBeEmpty)
      return kernel::LoadOp::create(b, kernel.loc, element, buffer, at.base, Value());
    if (!maskMayBeEmpty) {
      auto branch = scf::IfOp::create(b, kernel.loc, TypeRange{element}, inside, /*withElse=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      Value value = kernel::LoadOp::create(b, kernel.loc, element, buffer, at.base, Value());
      scf::YieldOp::create(b, kernel.loc, value);
      b.setInsertionPointToStart(branch.elseBlock());
      Value zero = arith::ConstantOp::create(b, kernel.loc, b.getZeroAttr(element));
      scf::YieldOp::create(b, kernel.loc, zero);
      return branch.getResult(0);
    }
    at.lanes = arith::ConstantOp::create(
        b, kernel.loc, b.getZeroAttr(VectorType::get({frame.lanes}, b.getIndexType())));
  }
  Value mask = frame.mask;
  if (inside)
    mask = mask ? Value(arith::AndIOp::create(b, kernel.loc, mask, splat(inside, frame)))
                : splat(inside, frame);
  auto result = VectorType::get({frame.lanes}, element);
  // Along one dimension, in which elements lie near each other.
  constexpr int64_t kNear = 4;
  auto stepOf = [&](Value index) {
    AffineExpr stride = kernel.input(source).strides[llvm::find(indices, index) - indices.begin()];
    auto constant = dyn_cast<AffineConstantExpr>(stride);
    return constant ? constant.getValue() : kNear + 1;
  };
  if (load->hasAttr(access::kNearAttr) && access::bitWidth(type.getElementType()) >= 8 &&
      llvm::count_if(indices, isVector) == 1 &&
      stepOf(*llvm::find_if(indices, isVector)) <= kNear) {
    AffineExpr elements = getAffineConstantExpr(1, kernel.context());
    for (AffineExpr size : sizes)
      elements = elements * size;
    at.nearIn = kernel.size(elements);
  }
  return loadLanes(result, buffer, at, mask, frame);
}

Value Elements::fetchPoint(access::FetchOp fetch, ValueRange indices, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  const Memory &memory = places.find(fetch.getPlace())->second;
  Positions at = positionsOf(indices, memory.strides, frame);
  auto load = [&](Type type, Value offset) -> Value {
    return kernel::LoadOp::create(b, kernel.loc, type, memory.buffer, offset,
                                  isa<VectorType>(type) ? frame.mask : Value());
  };
  if (frame.lanes == 1)
    return load(fetch.getType(), at.base);
  auto type = VectorType::get({frame.lanes}, fetch.getType());
  if (memory.perLane) {
    Value lanes = kernel.index(frame.lanes);
    if (!at.lanes)
      return load(type, kernel.mul(at.base, lanes));
    Value offsets = arith::MulIOp::create(b, kernel.loc, offsetsOf(at, frame), splat(lanes, frame));
    Value each = vector::StepOp::create(b, kernel.loc, cast<VectorType>(offsets.getType()));
    offsets = arith::AddIOp::create(b, kernel.loc, offsets, each);
    return kernel::GatherOp::create(b, kernel.loc, type, memory.buffer, offsets, frame.mask);
  }
  if (!at.lanes) {
    if (!frame.mask || frame.someLaneExists)
      return splat(load(fetch.getType(), at.base), frame);
    at.lanes = splat(kernel.index(0), frame);
  }
  return loadLanes(type, memory.buffer, at, frame.mask, frame);
}

void Elements::storePoint(Value place, Value value, ValueRange indices, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  const Memory &memory = places.find(place)->second;
  Positions at = positionsOf(indices, memory.strides, frame);
  auto store = [&](Value offset) {
    kernel::StoreOp::create(b, kernel.loc, splat(value, frame), memory.buffer, offset, frame.mask);
  };
  if (frame.lanes == 1)
    return store(at.base);
  if (memory.perLane) {
    Value lanes = kernel.index(frame.lanes);
    at.base = kernel.mul(at.base, lanes);
    if (!at.lanes)
      return store(at.base);
    at.lanes = arith::MulIOp::create(b, kernel.loc, at.lanes, splat(lanes, frame));
    Value each = vector::StepOp::create(b, kernel.loc, cast<VectorType>(at.lanes.getType()));
    at.lanes = arith::AddIOp::create(b, kernel.loc, at.lanes, each);
    at.first = Value();
  } else if (at.areNeighbours()) {
    return store(kernel.add(at.base, at.first));
  }
  storeApart(splat(value, frame), memory.buffer, at, frame);
}

/// Memory for the lanes of one vector.
Value Elements::laneScratch(Type element, const Frame &frame) {
  Value &buffer = laneBuffers[{element, frame.lanes}];
  if (!buffer) {
    OpBuilder::InsertionGuard guard(kernel.builder);
    kernel.builder.setInsertionPointToStart(&kernel.function.front());
    int64_t bytes = llvm::divideCeil(access::bitWidth(element), 8) * frame.lanes;
    buffer = kernel.scratch(getAffineConstantExpr(bytes, kernel.context()), element);
  }
  return buffer;
}

/// Lanes that lie apart in memory: one store for each that exists.
void Elements::storeApart(Value values, Value buffer, const Positions &at, const Frame &frame) {
  OpBuilder &b = kernel.builder;
  if (!at.lanes) { // of one lane at most
    Positions same = at;
    same.lanes = splat(kernel.index(0), frame);
    return storeApart(values, buffer, same, frame);
  }
  auto store = [&](Value one, Value offset) {
    kernel::StoreOp::create(b, kernel.loc, one, buffer, offset, Value());
  };
  if (at.first && frame.tail) { // a loop over the lanes that exist, in memory
    Type element = cast<VectorType>(values.getType()).getElementType();
    Value copy = laneScratch(cast<kernel::BufferType>(buffer.getType()).getElementType(), frame);
    kernel::StoreOp::create(b, kernel.loc, values, copy, kernel.index(0), Value());
    Value start = kernel.add(at.base, at.first);
    kernel.loop(kernel.index(0), frame.tail, 1, [&](Value i) {
      Value one = kernel::LoadOp::create(b, kernel.loc, element, copy, i, Value());
      store(one, kernel.add(start, kernel.mul(i, at.step)));
    });
    return;
  }
  Value start = at.first ? kernel.add(at.base, at.first) : Value();
  Value offsets = start ? Value() : offsetsOf(at, frame);
  for (int64_t i = 0; i < frame.lanes; ++i) {
    auto storeOne = [&] {
      Value offset = start ? kernel.add(start, kernel.mul(kernel.index(i), at.step))
                           : Value(vector::ExtractOp::create(b, kernel.loc, offsets, i));
      store(vector::ExtractOp::create(b, kernel.loc, values, i), offset);
    };
    if (frame.mask)
      kernel.when(vector::ExtractOp::create(b, kernel.loc, frame.mask, i), storeOne);
    else
      storeOne();
  }
}

} // namespace longtail::leaf
