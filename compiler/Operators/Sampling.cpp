#include "compiler/Operators/Sampling.h"

using namespace mlir;
using arith::CmpFPredicate;

namespace longtail::operators {

LogicalResult requireElements(InferContext &ctx, unsigned input, StringRef name, unsigned first) {
  for (auto [dim, size] : llvm::enumerate(ctx.sizes(input))) {
    if (dim < first)
      continue;
    std::string what = ("dimension " + Twine(dim) + " of input '" + name + "' is empty").str();
    std::string message = (Twine("'") + ctx.getNode().getNodeName() + "' (" +
                           ctx.getNode().getOpType() + "): " + what)
                              .str();
    if (failed(ctx.getSymbols().requireAtMost(ctx.constantExpr(1), size, message)))
      return ctx.error() << what;
  }
  return success();
}

/// `x` mirrored at the borders until it is between them.
Value Sampler::reflected(Value x, Value low, Value high) const {
  Value range = b.sub(high, low), zero = b.like(x, 0);
  Value below = b.compare(CmpFPredicate::OLT, x, low);
  Value above = b.compare(CmpFPredicate::OGT, x, high);
  Value distance = b.select(below, b.sub(low, x), b.sub(x, high));
  Value turns = b.floor(b.div(distance, range));
  Value rest = b.sub(distance, b.mul(turns, range));
  Value half = b.mul(turns, b.like(x, 0.5));
  Value isEven = b.compare(CmpFPredicate::OEQ, half, b.floor(half));
  Value fromLow = b.compare(arith::CmpIPredicate::eq, below, isEven);
  Value mirrored = b.select(fromLow, b.add(low, rest), b.sub(high, rest));
  // One element has borders at one place, which nothing is mirrored between.
  mirrored = b.select(b.compare(CmpFPredicate::OGT, range, zero), mirrored, low);
  return b.select(b.make<arith::OrIOp>(below, above), mirrored, x);
}

/// The element at the whole number `position`, which the padding may replace.
Sampler::Tap Sampler::tapAt(Value position, Value low, Value high, Value size) const {
  Value zero = b.like(position, 0), last = b.sub(size, b.like(position, 1)), inside;
  if (rules.padding == Padding::Zeros)
    inside = b.make<arith::AndIOp>(b.compare(CmpFPredicate::OGE, position, zero),
                                   b.compare(CmpFPredicate::OLE, position, last));
  if (rules.padding == Padding::Reflection)
    position = reflected(position, low, high);
  // Comparisons that do not hold for NaN, so that the index is within the tensor for any position.
  position = b.select(b.compare(CmpFPredicate::OGT, position, zero), position, zero);
  position = b.select(b.compare(CmpFPredicate::OLT, position, last), position, last);
  Value index = b.make<arith::FPToSIOp>(b.builder().getI32Type(), position);
  return {b.toIndex(index), inside, Value()};
}

SmallVector<Value> Sampler::weights(Value x) const {
  Value one = b.like(x, 1);
  if (rules.interpolation == Interpolation::Linear)
    return {b.sub(one, x), x};
  // Keys' cubic convolution.
  constexpr double a = -0.75;
  auto number = [&](double value) { return b.like(x, value); };
  auto outer = [&](Value d) { // 1 <= d <= 2
    Value inner = b.add(b.mul(b.sub(b.mul(number(a), d), number(5 * a)), d), number(8 * a));
    return b.sub(b.mul(inner, d), number(4 * a));
  };
  auto inner = [&](Value d) { // 0 <= d <= 1
    Value slope = b.sub(b.mul(number(a + 2), d), number(a + 3));
    return b.add(b.mul(b.mul(slope, d), d), one);
  };
  return {outer(b.add(x, one)), inner(x), inner(b.sub(one, x)), outer(b.sub(number(2), x))};
}

/// The elements around `x` of a dimension; only number `only` of them where it is given.
SmallVector<Sampler::Tap> Sampler::tapsOf(Value x, AffineExpr extent, Value only) const {
  Type type = x.getType();
  Value size = sizeAsNumber(b, extent, type), zero = b.like(x, 0), one = b.like(x, 1);
  Value last = b.sub(size, one);
  Value low = rules.alignCorners ? zero : b.like(x, -0.5);
  Value high = rules.alignCorners ? last : b.sub(size, b.like(x, 0.5));
  bool isNearest = rules.interpolation == Interpolation::Nearest;
  if (isNearest)
    x = b.make<math::RoundEvenOp>(x);
  if (rules.padding == Padding::Border) {
    Value outside = b.make<arith::OrIOp>(b.compare(CmpFPredicate::OLT, x, low),
                                         b.compare(CmpFPredicate::OGT, x, high));
    x = b.select(outside, b.minimum(b.maximum(x, zero), last), x);
  } else if (rules.padding == Padding::Reflection) {
    x = reflected(x, low, high);
  }
  if (isNearest)
    return {tapAt(b.make<math::TruncOp>(x), low, high, size)};

  Value base = b.floor(x);
  SmallVector<Value> weight = weights(b.sub(x, base));
  int64_t before = rules.interpolation == Interpolation::Cubic ? 1 : 0;
  auto tap = [&](Value number, Value weight) {
    Tap result = tapAt(b.add(base, b.sub(number, b.like(x, before))), low, high, size);
    result.weight = b.convert(weight, type, work);
    return result;
  };
  if (only) {
    Value chosen = weight[0];
    for (unsigned i = 1; i < weight.size(); ++i)
      chosen = b.select(b.compare(arith::CmpIPredicate::eq, only, b.indexConstant(i)), weight[i],
                        chosen);
    return {tap(b.fromIndex(only, type), chosen)};
  }
  SmallVector<Tap> taps;
  for (unsigned i = 0; i < weight.size(); ++i)
    taps.push_back(tap(b.like(x, i), weight[i]));
  return taps;
}

Value Sampler::sum(ArrayRef<SmallVector<Tap>> taps, SmallVector<Value> &indices,
                   Value inside) const {
  Type element = cast<RankedTensorType>(source.getType()).getElementType();
  if (taps.empty()) {
    Value value = b.make<access::LoadOp>(access::computeType(element), source, indices,
                                         /*checked=*/false);
    value = b.convert(value, element, work);
    return inside ? b.select(inside, value, b.number(access::computeType(work), 0)) : value;
  }
  Value total;
  for (const Tap &tap : taps.front()) {
    indices.push_back(tap.index);
    Value here = inside && tap.inside ? b.make<arith::AndIOp>(inside, tap.inside)
                 : tap.inside         ? tap.inside
                                      : inside;
    Value part = sum(taps.drop_front(), indices, here);
    indices.pop_back();
    if (tap.weight)
      part = b.mul(tap.weight, part);
    total = total ? b.add(total, part) : part;
  }
  return total;
}

Value Sampler::at(ValueRange leading, ValueRange positions, ValueRange taps) const {
  SmallVector<SmallVector<Tap>> around;
  for (auto [dim, position] : llvm::enumerate(positions))
    around.push_back(
        tapsOf(position, sizes[leading.size() + dim], dim < taps.size() ? taps[dim] : Value()));
  SmallVector<Value> indices(leading);
  return sum(around, indices, Value());
}

} // namespace longtail::operators
