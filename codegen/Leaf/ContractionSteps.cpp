// Reduction steps of a contraction's tile: vectors of columns times broadcast elements of each row.
#include "codegen/Leaf/ContractionEmitter.h"

using namespace mlir;

namespace longtail::leaf {

/// An inner reduction loop of at most this many steps is written out.
static constexpr int64_t maxUnrolledSteps = 8;

SmallVector<Value> ContractionEmitter::reduceFrom(SmallVector<Row, 0> &tile, unsigned depth,
                                                  SmallVector<Value> sums) {
  unsigned dim = firstReducedDim + depth;
  if (depth + 1 == shape.reduced.size())
    return innermost(tile, sums);
  auto carried = kernel.loop(
      kernel.index(0), kernel.size(loopExtents[dim]), 1, sums,
      [&](Value i, ValueRange values) -> SmallVector<Value> {
        for (Row &row : tile)
          row.frame.dims[dim] = i;
        return reduceFrom(tile, depth + 1, llvm::to_vector(values));
      },
      /*unroll=*/false);
  return carried;
}

SmallVector<Value> ContractionEmitter::innermost(SmallVector<Row, 0> &tile,
                                                 SmallVector<Value> sums) {
  if (fours)
    return innermostFours(tile, sums);
  unsigned dim = firstReducedDim + shape.reduced.size() - 1;
  AffineExpr extent = loopExtents[dim];
  MLIRContext *context = kernel.context();
  AffineExpr step = getAffineDimExpr(dim, context), zero = getAffineConstantExpr(0, context);

  // Where each row begins, and whether it exists for this position of the outer loops. A row that
  // does not is replaced by zeros.
  SmallVector<Value> begins, exists;
  SmallVector<std::optional<int64_t>> distances; // of a row from the first one, if constant
  AffineExpr stride, origin;
  for (Row &row : tile) {
    AffineExpr offset = kernel.simplify(
        kernel.offsetAt(kernel.input(contract.getLhs()),
                        applyMap(contract.getLhsMap().getMap(), leftCoordinates(row))),
        row.frame.domain);
    stride = kernel.strideAlong(offset, dim, row.frame.domain);
    if (!stride)
      return stepByStep(tile, sums);
    offset = kernel.simplify(offset.replace(step, zero), row.frame.domain);
    origin = origin ? origin : offset;
    auto distance =
        isInside ? dyn_cast<AffineConstantExpr>(kernel.simplify(offset - origin, row.frame.domain))
                 : AffineConstantExpr();
    distances.push_back(distance ? std::optional(distance.getValue()) : std::nullopt);
    begins.push_back(distance && !begins.empty() ? begins.front()
                                                 : kernel.evaluate(offset, row.frame.dims));
    exists.push_back(isInside ? Value() : conditionOf(row, dim));
    if (!isInside && contract.getLhsMap().getValid() && !exists.back() && dependsOnStep(row, dim))
      return stepByStep(tile, sums);
  }
  Value buffer = kernel.buffer(kernel.input(contract.getLhs()));
  auto lhsType = cast<kernel::BufferType>(buffer.getType());
  auto constant = dyn_cast<AffineConstantExpr>(extent);
  bool contiguous = stride == getAffineConstantExpr(1, context);
  bool zeros = constant && contiguous && constant.getValue() > maxUnrolledSteps;
  Value zeroRow;
  SmallVector<Value> starts;
  for (auto [begin, exist, distance] : llvm::zip(begins, exists, distances)) {
    if (!exist) {
      bool follows = distance && !starts.empty();
      starts.push_back(kernel::AdvanceOp::create(kernel.builder, kernel.loc, lhsType,
                                                 follows ? starts.front() : buffer,
                                                 follows ? kernel.index(*distance) : begin));
      continue;
    }
    Value safe = arith::SelectOp::create(kernel.builder, kernel.loc, exist, begin, kernel.index(0));
    Value start = kernel::AdvanceOp::create(kernel.builder, kernel.loc, lhsType, buffer, safe);
    if (zeros) {
      if (!zeroRow)
        zeroRow = kernel::ZerosOp::create(kernel.builder, kernel.loc, lhsType, constant.getValue());
      start = kernel::SelectOp::create(kernel.builder, kernel.loc, lhsType, exist, start, zeroRow);
      exist = Value();
    }
    starts.push_back(start);
  }

  // One step: `vectors` loads of columns, `rows` broadcasts, all their products.
  auto stepAt = [&](Value position, AffineExpr along, SmallVector<Value> values) {
    SmallVector<Value> columns = columnsAt(tile.front(), dim, position, along);
    Value distance = kernel.mul(kernel.evaluate(along, {position}), kernel.size(stride));
    for (auto [r, start] : llvm::enumerate(starts)) {
      Value element = kernel::LoadOp::create(kernel.builder, kernel.loc,
                                             access::computeType(lhsType.getElementType()), start,
                                             distance, Value());
      element = convert(element, accumulatorType.getElementType(), lhsType.getElementType());
      if (exists[r]) {
        Value none = arith::ConstantOp::create(kernel.builder, kernel.loc,
                                               kernel.builder.getZeroAttr(element.getType()));
        element = arith::SelectOp::create(kernel.builder, kernel.loc, exists[r], element, none);
      }
      accumulate(element, columns, values, r);
    }
    return values;
  };
  int64_t unroll = kernel.schedule.getUnroll();
  AffineExpr position = getAffineDimExpr(0, context);
  if (constant && constant.getValue() <= std::max(maxUnrolledSteps, unroll)) {
    for (int64_t i = 0; i < constant.getValue(); ++i)
      sums = stepAt(Value(), getAffineConstantExpr(i, context), sums);
    return sums;
  }
  Value end = kernel.size(extent);
  Value whole = kernel.sub(end, kernel.rem(end, kernel.index(unroll)));
  sums = kernel.loop(
      kernel.index(0), whole, unroll, sums,
      [&](Value i, ValueRange values) {
        SmallVector<Value> next = llvm::to_vector(values);
        for (int64_t u = 0; u < unroll; ++u)
          next = stepAt(i, position + u, next);
        return next;
      },
      /*unroll=*/false);
  return kernel.loop(
      whole, end, 1, sums,
      [&](Value i, ValueRange values) { return stepAt(i, position, llvm::to_vector(values)); },
      /*unroll=*/false);
}

SmallVector<Value> ContractionEmitter::stepByStep(SmallVector<Row, 0> &tile,
                                                  SmallVector<Value> sums) {
  unsigned dim = firstReducedDim + shape.reduced.size() - 1;
  return kernel.loop(
      kernel.index(0), kernel.size(loopExtents[dim]), 1, sums,
      [&](Value i, ValueRange carried) {
        SmallVector<Value> values = llvm::to_vector(carried);
        for (Row &row : tile)
          row.frame.dims[dim] = i;
        SmallVector<Value> columns =
            columnsAt(tile.front(), dim, i, getAffineDimExpr(0, kernel.context()));
        Type storage = getElementTypeOrSelf(contract.getLhs().getType());
        auto fill = kernel.builder.getZeroAttr(access::computeType(storage));
        for (auto [r, row] : llvm::enumerate(tile)) {
          Frame scalar = row.frame;
          scalar.lane = -1;
          scalar.lanes = 1;
          Value element = elements.operandAt(contract.getLhs(), contract.getLhsMap(), fill,
                                             leftCoordinates(row), scalar);
          accumulate(convert(element, accumulatorType.getElementType(), storage), columns, values,
                     r);
        }
        return values;
      },
      /*unroll=*/false);
}

SmallVector<Value> ContractionEmitter::columnsAt(Row &row, unsigned dim, Value position,
                                                 AffineExpr along) {
  Value buffer = kernel.buffer(kernel.input(contract.getRhs()));
  Type storage = cast<kernel::BufferType>(buffer.getType()).getElementType();
  auto type = VectorType::get({lanes}, access::computeType(storage));
  MLIRContext *context = kernel.context();
  AffineExpr lane = getAffineDimExpr(laneDim, context), step = getAffineDimExpr(dim, context);
  Frame frame = row.frame;
  frame.dims[dim] = position;
  AffineExpr here = along.replace(getAffineDimExpr(0, context), step);
  AffineExpr offset = kernel.offsetAt(kernel.input(contract.getRhs()), rightIndices(row));
  // Simplified for the whole panel first (its columns are neighbours), then for one vector.
  offset = kernel.simplify(kernel.simplify(offset, frame.domain).replace(step, here), frame.domain);
  SmallVector<Value> columns;
  for (int64_t v = 0; v < vectors; ++v) {
    AffineExpr at = offset.replace(lane, getAffineConstantExpr(v * lanes, context));
    Value vector = kernel::LoadOp::create(kernel.builder, kernel.loc, type, buffer,
                                          kernel.evaluate(at, frame.dims),
                                          packed ? Value() : maskOf(row.frame, v));
    columns.push_back(convert(vector, accumulatorType, storage));
  }
  return columns;
}

void ContractionEmitter::accumulate(Value element, ArrayRef<Value> columns,
                                    SmallVector<Value> &sums, unsigned row) {
  OpBuilder &b = kernel.builder;
  Value broadcast = vector::BroadcastOp::create(b, kernel.loc, accumulatorType, element);
  for (int64_t v = 0; v < vectors; ++v) {
    Value &sum = sums[row * vectors + v];
    if (isa<FloatType>(accumulatorType.getElementType()))
      sum = vector::FMAOp::create(b, kernel.loc, broadcast, columns[v], sum);
    else
      sum = arith::AddIOp::create(b, kernel.loc,
                                  arith::MulIOp::create(b, kernel.loc, broadcast, columns[v]), sum);
  }
}

Value ContractionEmitter::convert(Value value, Type to, Type storage) {
  Type target = isa<VectorType>(value.getType()) ? Type(accumulatorType) : getElementTypeOrSelf(to);
  if (value.getType() == target)
    return value;
  OpBuilder &b = kernel.builder;
  if (isa<FloatType>(storage))
    return arith::ExtFOp::create(b, kernel.loc, target, value);
  if (storage.isUnsignedInteger())
    return arith::ExtUIOp::create(b, kernel.loc, target, value);
  return arith::ExtSIOp::create(b, kernel.loc, target, value);
}

SmallVector<Value> ContractionEmitter::innermostFours(SmallVector<Row, 0> &tile,
                                                      SmallVector<Value> sums) {
  unsigned dim = firstReducedDim + shape.reduced.size() - 1;
  constexpr int64_t kFour = compute::kBytesOfProduct;
  int64_t count = cast<AffineConstantExpr>(loopExtents[dim]).getValue();
  MLIRContext *context = kernel.context();
  OpBuilder &b = kernel.builder;
  AffineExpr step = getAffineDimExpr(dim, context), zero = getAffineConstantExpr(0, context);
  Value buffer = kernel.buffer(kernel.input(contract.getLhs()));
  auto lhsType = cast<kernel::BufferType>(buffer.getType());
  SmallVector<Value> starts;
  for (Row &row : tile) {
    AffineExpr offset =
        kernel.offsetAt(kernel.input(contract.getLhs()),
                        applyMap(contract.getLhsMap().getMap(), leftCoordinates(row)));
    offset = kernel.simplify(kernel.simplify(offset, row.frame.domain).replace(step, zero),
                             row.frame.domain);
    starts.push_back(kernel::AdvanceOp::create(b, kernel.loc, lhsType, buffer,
                                               kernel.evaluate(offset, row.frame.dims)));
  }
  auto bytes = VectorType::get({kFour}, b.getI8Type());
  auto one = VectorType::get({1}, b.getI32Type());
  // `number` counts fours.
  auto stepAt = [&](Value number, int64_t present, SmallVector<Value> values) {
    SmallVector<Value> columns = foursAt(tile.front(), dim, number);
    Value position = kernel.mul(number, kernel.index(kFour));
    for (auto [r, start] : llvm::enumerate(starts)) {
      Value four;
      if (present == kFour) {
        four = kernel::LoadOp::create(b, kernel.loc, bytes, start, position, Value());
      } else {
        SmallVector<Value> each(
            kFour, arith::ConstantOp::create(b, kernel.loc, b.getIntegerAttr(b.getI8Type(), 0)));
        for (int64_t i = 0; i < present; ++i)
          each[i] = kernel::LoadOp::create(b, kernel.loc, b.getI8Type(), start,
                                           kernel.add(position, kernel.index(i)), Value());
        four = vector::FromElementsOp::create(b, kernel.loc, bytes, each);
      }
      Value element = vector::ExtractOp::create(
          b, kernel.loc, vector::BitCastOp::create(b, kernel.loc, one, four), 0);
      Value row = vector::BroadcastOp::create(b, kernel.loc, accumulatorType, element);
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = values[r * vectors + v];
        sum = kernel::DotOp::create(b, kernel.loc, accumulatorType, row, columns[v], sum);
      }
    }
    return values;
  };
  int64_t unroll = kernel.schedule.getUnroll(), unrolled = count / kFour / unroll * unroll;
  sums = kernel.loop(
      kernel.index(0), kernel.index(unrolled), unroll, sums,
      [&](Value i, ValueRange values) {
        SmallVector<Value> next = llvm::to_vector(values);
        for (int64_t u = 0; u < unroll; ++u)
          next = stepAt(kernel.add(i, kernel.index(u)), kFour, next);
        return next;
      },
      /*unroll=*/false);
  for (int64_t number = unrolled; number * kFour < count; ++number)
    sums = stepAt(kernel.index(number), std::min(kFour, count - number * kFour), sums);
  return sums;
}

SmallVector<Value> ContractionEmitter::foursAt(Row &row, unsigned dim, Value number) {
  constexpr int64_t kFour = compute::kBytesOfProduct;
  OpBuilder &b = kernel.builder;
  MLIRContext *context = kernel.context();
  Value buffer = kernel.buffer(kernel.input(contract.getRhs()));
  auto bytes = VectorType::get({kFour * lanes}, b.getI8Type());
  AffineExpr lane = getAffineDimExpr(laneDim, context), step = getAffineDimExpr(dim, context);
  // `step` counts fours here, so that the divisions of the packed map are gone.
  SmallVector<AffineExpr> indices = rightIndices(row);
  AffineExpr fours = step.floorDiv(kFour), inFour = step % kFour;
  for (AffineExpr &index : indices)
    index = index.replace(inFour, getAffineConstantExpr(0, context)).replace(fours, step);
  AffineExpr offset =
      kernel.simplify(kernel.offsetAt(kernel.input(contract.getRhs()), indices), row.frame.domain);
  Frame frame = row.frame;
  frame.dims[dim] = number;
  SmallVector<Value> columns;
  for (int64_t v = 0; v < vectors; ++v) {
    AffineExpr at = offset.replace(lane, getAffineConstantExpr(v * lanes, context));
    Value loaded = kernel::LoadOp::create(b, kernel.loc, bytes, buffer,
                                          kernel.evaluate(at, frame.dims), Value());
    columns.push_back(vector::BitCastOp::create(b, kernel.loc, accumulatorType, loaded));
  }
  return columns;
}

} // namespace longtail::leaf
