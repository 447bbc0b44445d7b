// Coordinates are computed in f64, once for each output of a dimension, in the order of operations
// of the ONNX reference implementation.
#include "compiler/Operators/Resize.h"

using namespace mlir;
using longtail::compute::Combiner;

namespace longtail::operators {
namespace {

/// The numbers of one dimension inside a region.
struct AxisNumbers {
  const RegionBuilder &b;
  const ResizePlan &plan;
  const ResizeAxis &axis;
  /// The scale and the bounds of the region of interest, where they are read from tensors.
  Value runtimeScale, roiStart, roiEnd;

  Type f64() const { return b.builder().getF64Type(); }
  Value number(double value) const { return b.number(f64(), value); }
  Value input() const { return sizeAsNumber(b, axis.input, f64()); }
  Value output() const { return sizeAsNumber(b, axis.output, f64()); }
  Value last() const { return b.sub(input(), number(1)); }

  Value scale() const {
    if (axis.constant)
      return number(*axis.constant);
    if (!axis.numerator)
      return runtimeScale;
    auto numerator = dyn_cast<AffineConstantExpr>(axis.numerator);
    auto denominator = dyn_cast<AffineConstantExpr>(axis.denominator);
    if (numerator && denominator && denominator.getValue() != 0)
      return number(static_cast<double>(numerator.getValue()) / denominator.getValue());
    return b.div(sizeAsNumber(b, axis.numerator, f64()), sizeAsNumber(b, axis.denominator, f64()));
  }

  /// The size of the output before it is rounded.
  Value width() const { return axis.isFromSizes() ? output() : b.mul(scale(), input()); }

  Value isOne(Value value) const { return b.compare(arith::CmpFPredicate::OEQ, value, number(1)); }

  /// The coordinate in the input of output `x`.
  Value original(Value x) const {
    Value half = number(0.5);
    auto halfPixel = [&]() { return b.sub(b.div(b.add(x, half), scale()), half); };
    switch (plan.coordinates) {
    case Coordinates::HalfPixel:
      return halfPixel();
    case Coordinates::HalfPixelSymmetric: {
      Value adjustment = b.div(output(), width());
      Value center = b.div(input(), number(2));
      return b.add(b.mul(center, b.sub(number(1), adjustment)), halfPixel());
    }
    case Coordinates::PytorchHalfPixel:
      return b.select(isOne(width()), number(0), halfPixel());
    case Coordinates::AlignCorners: {
      Value along = b.div(b.mul(x, last()), b.sub(width(), number(1)));
      return b.select(isOne(width()), number(0), along);
    }
    case Coordinates::Asymmetric:
      return b.div(x, scale());
    case Coordinates::HalfPixelNearest:
      return b.div(b.add(x, half), scale());
    case Coordinates::CropAndResize: {
      Value extent = b.mul(b.sub(roiEnd, roiStart), last());
      Value along = b.div(b.mul(x, extent), b.sub(width(), number(1)));
      Value offset = b.select(isOne(width()), b.div(extent, number(2)), along);
      return b.add(offset, b.mul(roiStart, last()));
    }
    }
    llvm_unreachable("all coordinates are handled");
  }

  /// `position` within the input, as i32.
  Value clamped(Value position) const {
    position = b.minimum(b.maximum(position, number(0)), last());
    return b.convert(position, f64(), b.builder().getI32Type());
  }

  Value isOutside(Value position) const {
    return b.make<arith::OrIOp>(b.compare(arith::CmpFPredicate::OLT, position, number(0)),
                                b.compare(arith::CmpFPredicate::OGT, position, last()));
  }

  Value nearestTo(Value x) const {
    Value below = b.floor(x), above = b.make<math::CeilOp>(x), fraction = b.sub(x, below);
    Value up;
    switch (plan.nearest) {
    case NearestMode::Floor:
      return below;
    case NearestMode::Ceil:
      return above;
    case NearestMode::Simple:
      up = b.compare(arith::CmpFPredicate::OLT, scale(), number(1));
      break;
    case NearestMode::RoundPreferFloor:
      up = b.compare(arith::CmpFPredicate::OGT, fraction, number(0.5));
      break;
    case NearestMode::RoundPreferCeil:
      up = b.compare(arith::CmpFPredicate::OGE, fraction, number(0.5));
      break;
    }
    return b.select(up, above, below);
  }

  /// The cubic filter at distance `t`, which is not negative.
  Value cubic(Value t) const {
    double a = plan.cubicCoefficient;
    auto polynomial = [&](std::initializer_list<double> coefficients) {
      Value sum;
      for (double coefficient : coefficients)
        sum = sum ? b.add(b.mul(sum, t), number(coefficient)) : number(coefficient);
      return sum;
    };
    Value near = polynomial({a + 2, -(a + 3), 0, 1});
    Value far = polynomial({a, -5 * a, 8 * a, -4 * a});
    Value value = b.select(b.compare(arith::CmpFPredicate::OLE, t, number(1)), near, far);
    return b.select(b.compare(arith::CmpFPredicate::OLT, t, number(2)), value, number(0));
  }

  /// The weight of the input at distance `t` from the coordinate, in inputs of the filter.
  Value filter(Value t) const {
    t = b.abs(t, f64());
    if (plan.mode == ResizeMode::Cubic)
      return cubic(t);
    return b.maximum(b.sub(number(1), t), number(0));
  }
};

/// The operands of a table: the scales and the region of interest, where the table reads them.
SmallVector<compute::Operand> tableOperands(ExpandContext &ctx, const ResizePlan &plan,
                                            const ResizeAxis &axis, unsigned rank) {
  SmallVector<compute::Operand> operands;
  auto element = [&](int64_t input, int64_t index) {
    operands.push_back({ctx.input(input), ctx.access(rank, ctx.expr(index)), {}});
  };
  if (!axis.constant && !axis.numerator)
    element(plan.scales, axis.index);
  if (plan.roi >= 0) {
    element(plan.roi, axis.index);
    element(plan.roi, axis.index + plan.count);
  }
  return operands;
}

AxisNumbers axisNumbers(ExpandContext &ctx, const RegionBuilder &b, const ResizePlan &plan,
                        const ResizeAxis &axis, ValueRange elements) {
  AxisNumbers numbers{b, plan, axis, {}, {}, {}};
  unsigned next = 0;
  auto take = [&](int64_t input) {
    return b.convert(elements[next++], ctx.elementType(input), numbers.f64());
  };
  if (!axis.constant && !axis.numerator)
    numbers.runtimeScale = take(plan.scales);
  if (plan.roi >= 0) {
    numbers.roiStart = take(plan.roi);
    numbers.roiEnd = take(plan.roi);
  }
  return numbers;
}

/// Weights of inputs outside are 0 and the others sum to 1.
void excludeOutside(const AxisNumbers &n, ArrayRef<Value> positions,
                    MutableArrayRef<Value> weights) {
  Value sum;
  for (auto [position, weight] : llvm::zip(positions, weights)) {
    weight = n.b.select(n.isOutside(position), n.number(0), weight);
    sum = sum ? n.b.add(sum, weight) : weight;
  }
  Value isZero = n.b.compare(arith::CmpFPredicate::OEQ, sum, n.number(0));
  sum = n.b.select(isZero, n.number(1), sum);
  for (Value &weight : weights)
    weight = n.b.div(weight, sum);
}

/// Where only the run tells that an axis keeps its size, its elements are copied: all taps read the
/// same one, so that neighbours that are not finite do not matter. The sum of equal parts is exact.
void keepCopies(const AxisNumbers &n, Value x, MutableArrayRef<Value> positions,
                MutableArrayRef<Value> weights) {
  if (n.plan.coordinates == Coordinates::CropAndResize)
    return;
  Value same = n.b.compare(arith::CmpFPredicate::OEQ, n.input(), n.output());
  Value isCopy = n.b.make<arith::AndIOp>(n.isOne(n.scale()), same);
  for (Value &position : positions)
    position = n.b.select(isCopy, x, position);
  for (Value &weight : weights)
    weight = n.b.select(isCopy, n.number(1.0 / weights.size()), weight);
}

} // namespace

ResizeTable tableOf(ExpandContext &ctx, const ResizePlan &plan, const ResizeAxis &axis, Type work) {
  unsigned taps = plan.mode == ResizeMode::Nearest ? 1 : plan.mode == ResizeMode::Linear ? 2 : 4;
  bool isWeighted = taps > 1, hasOutside = plan.roi >= 0;
  MLIRContext *context = ctx.getContext();
  SmallVector<Type> types(taps, extent::tensorType(axis.output, IntegerType::get(context, 32)));
  if (isWeighted)
    types.append(taps, extent::tensorType(axis.output, work));
  if (hasOutside)
    types.push_back(extent::tensorType(axis.output, IntegerType::get(context, 1)));

  Location loc = ctx.getLoc();
  auto map = compute::buildMap(ctx.getBuilder(), loc, types, tableOperands(ctx, plan, axis, 1),
                               [&](OpBuilder &builder, ValueRange elements) -> SmallVector<Value> {
                                 RegionBuilder b(builder, loc);
                                 AxisNumbers n = axisNumbers(ctx, b, plan, axis, elements);
                                 Value x = n.original(b.fromIndex(b.position(0), n.f64()));
                                 SmallVector<Value> results, positions, weights;
                                 if (!isWeighted) {
                                   results.push_back(n.clamped(n.nearestTo(x)));
                                 } else {
                                   // On an input the fraction is 1, not 0: the taps of weight 0
                                   // matter where one holds NaN or infinity.
                                   Value below = b.sub(b.make<math::CeilOp>(x), n.number(1));
                                   Value fraction = b.sub(x, below);
                                   for (unsigned tap = 0; tap < taps; ++tap) {
                                     double offset = static_cast<double>(tap) - (taps / 2 - 1);
                                     positions.push_back(b.add(below, n.number(offset)));
                                     weights.push_back(n.filter(b.sub(fraction, n.number(offset))));
                                   }
                                   if (plan.excludeOutside)
                                     excludeOutside(n, positions, weights);
                                   keepCopies(n, x, positions, weights);
                                   for (Value position : positions)
                                     results.push_back(n.clamped(position));
                                   for (Value weight : weights)
                                     results.push_back(b.narrow(weight, work));
                                 }
                                 if (hasOutside)
                                   results.push_back(n.isOutside(x));
                                 return results;
                               });
  ResizeTable table;
  for (unsigned tap = 0; tap < taps; ++tap) {
    table.positions.push_back(map.getResult(tap));
    if (isWeighted)
      table.weights.push_back(map.getResult(taps + tap));
  }
  if (hasOutside)
    table.outside = map.getResults().back();
  return table;
}

ResizeTable antialiasTableOf(ExpandContext &ctx, const ResizePlan &plan, const ResizeAxis &axis,
                             Type work) {
  MLIRContext *context = ctx.getContext();
  Type f64 = Float64Type::get(context), i1 = IntegerType::get(context, 1);
  SmallVector<AffineExpr> sizes{axis.output, axis.reach * 2};
  SmallVector<Type> types{extent::tensorType(sizes, IntegerType::get(context, 32)),
                          extent::tensorType(sizes, f64)};
  Location loc = ctx.getLoc();
  auto map = compute::buildMap(ctx.getBuilder(), loc, types, tableOperands(ctx, plan, axis, 2),
                               [&](OpBuilder &builder, ValueRange elements) -> SmallVector<Value> {
                                 RegionBuilder b(builder, loc);
                                 AxisNumbers n = axisNumbers(ctx, b, plan, axis, elements);
                                 Value x = n.original(b.fromIndex(b.position(0), f64));
                                 Value start = b.sub(n.number(1), sizeAsNumber(b, axis.reach, f64));
                                 Value position = b.add(b.add(b.floor(x), start),
                                                        b.fromIndex(b.position(1), f64));
                                 Value shrink = b.minimum(n.scale(), n.number(1));
                                 Value weight = n.filter(b.mul(b.sub(position, x), shrink));
                                 if (plan.excludeOutside)
                                   weight = b.select(n.isOutside(position), n.number(0), weight);
                                 return {n.clamped(position), weight};
                               });
  Value sum = foldAxes(ctx, map.getResult(1), sizes, 1, /*keepDims=*/true, Combiner::Add, f64,
                       [](const RegionBuilder &, ArrayRef<Value> v) { return v[0]; });
  ResizeTable table;
  table.positions.push_back(map.getResult(0));
  table.weights.push_back(mapOver(
      ctx, sizes, work, {map.getResult(1), sum}, [&](const RegionBuilder &b, ArrayRef<Value> v) {
        Value isZero = b.compare(arith::CmpFPredicate::OEQ, v[1], b.number(f64, 0));
        Value total = b.select(isZero, b.number(f64, 1), v[1]);
        return b.narrow(b.div(v[0], total), work);
      }));
  if (plan.roi >= 0)
    table.outside =
        compute::buildMap(ctx.getBuilder(), loc, extent::tensorType(axis.output, i1),
                          tableOperands(ctx, plan, axis, 1),
                          [&](OpBuilder &builder, ValueRange elements) -> SmallVector<Value> {
                            RegionBuilder b(builder, loc);
                            AxisNumbers n = axisNumbers(ctx, b, plan, axis, elements);
                            Value x = b.fromIndex(b.position(0), f64);
                            return {n.isOutside(n.original(x))};
                          })
            .getResult(0);
  return table;
}

} // namespace longtail::operators
