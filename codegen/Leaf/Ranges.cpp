// Conditions on positions, of all lanes and many elements at once.
#include "codegen/Leaf/Elements.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

/// Positions that differ by a constant, under one limit: if the least and the greatest are inside,
/// all are.
struct Range {
  AffineExpr position, below;
  int64_t least, greatest;
};

SmallVector<Range> rangesOf(ArrayRef<Condition> conditions) {
  SmallVector<Range> ranges;
  for (auto [value, limit] : conditions) {
    AffineExpr position = value, below = limit;
    int64_t shift = 0;
    auto sum = dyn_cast<AffineBinaryOpExpr>(value);
    if (sum && sum.getKind() == AffineExprKind::Add)
      if (auto constant = dyn_cast<AffineConstantExpr>(sum.getRHS())) {
        position = sum.getLHS();
        shift = constant.getValue();
      }
    Range *same = llvm::find_if(ranges, [&](const Range &range) {
      return range.position == position && range.below == below;
    });
    if (same == ranges.end()) {
      ranges.push_back({position, below, shift, shift});
      continue;
    }
    same->least = std::min(same->least, shift);
    same->greatest = std::max(same->greatest, shift);
  }
  return ranges;
}

} // namespace

Value allInRange(KernelBuilder &kernel, ArrayRef<Condition> conditions, const Frame &frame) {
  Value all;
  auto join = [&](Value one) {
    all = all ? Value(arith::AndIOp::create(kernel.builder, kernel.loc, all, one)) : one;
  };
  for (const Range &range : rangesOf(conditions)) {
    bool isAlongLanes = frame.lane >= 0 && range.position.isFunctionOfDim(frame.lane);
    if (frame.lane >= 0 && range.below.isFunctionOfDim(frame.lane))
      return {};
    Value low = kernel.evaluate(range.position, frame.dims), high = low;
    Value below = kernel.evaluate(range.below, frame.dims);
    if (isAlongLanes) {
      // It grows evenly: the first and the last lane that exists are its ends.
      auto stride = dyn_cast_or_null<AffineConstantExpr>(
          kernel.strideAlong(range.position, frame.lane, frame.domain));
      if (!stride || (frame.mask && !frame.tail))
        return {};
      SmallVector<Value> dims = frame.dims;
      Value count = frame.tail ? frame.tail : kernel.index(frame.lanes);
      dims[frame.lane] = kernel.add(dims[frame.lane], kernel.sub(count, kernel.index(1)));
      (stride.getValue() < 0 ? low : high) = kernel.evaluate(range.position, dims);
    }
    if (!isAlongLanes && range.least == range.greatest) {
      join(kernel.inRange(kernel.add(low, kernel.index(range.least)), below));
      continue;
    }
    join(arith::CmpIOp::create(kernel.builder, kernel.loc, arith::CmpIPredicate::sge, low,
                               kernel.index(-range.least)));
    join(arith::CmpIOp::create(kernel.builder, kernel.loc, arith::CmpIPredicate::slt,
                               kernel.add(high, kernel.index(range.greatest)), below));
  }
  return all;
}

} // namespace longtail::leaf
