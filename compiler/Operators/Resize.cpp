#include "compiler/Operators/Resize.h"
#include <cmath>

using namespace mlir;
using longtail::compute::Combiner;

namespace longtail::operators {
namespace {

LogicalResult inferResize(InferContext &ctx) {
  if (!ctx.elementType(0).isIntOrFloat())
    return ctx.error() << "input 'X' has elements of type " << ctx.elementType(0);
  FailureOr<ResizePlan> plan = planResize(ctx, /*isInference=*/true);
  if (failed(plan))
    return failure();
  if (plan->mode != ResizeMode::Nearest && failed(requireNumber(ctx, 0, "X")))
    return failure();
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  for (const ResizeAxis &axis : plan->axes)
    sizes[axis.dim] = axis.output;
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

/// True for a dimension that stays as it is.
bool isUnchanged(const ResizePlan &plan, const ResizeAxis &axis) {
  if (plan.roi >= 0 || axis.input != axis.output)
    return false;
  return axis.constant ? *axis.constant == 1 : axis.numerator && axis.numerator == axis.denominator;
}

//===-- Nearest, as a pure read ---------------------------------------------------------------===//

/// The input of output `position` where that is a quotient or multiple by a known integer.
AffineExpr affineNearest(ExpandContext &ctx, const ResizePlan &plan, const ResizeAxis &axis,
                         AffineExpr position) {
  constexpr int64_t maxFactor = 64;
  auto isMultiple = [&](AffineExpr a, AffineExpr b, int64_t factor) {
    return simplifyAffineExpr(a - b * factor, 0, ctx.getSymbols().size()) == ctx.expr(0);
  };
  int64_t up = 0, down = 0;
  for (int64_t factor = 1; factor <= maxFactor && !up && !down; ++factor) {
    if (axis.constant ? *axis.constant == factor
                      : axis.isFromSizes() && isMultiple(axis.output, axis.input, factor))
      up = factor;
    else if (axis.constant ? *axis.constant * factor == 1
                           : axis.isFromSizes() && isMultiple(axis.input, axis.output, factor))
      down = factor;
  }
  bool rounds =
      plan.nearest == NearestMode::RoundPreferFloor || plan.nearest == NearestMode::RoundPreferCeil;
  bool floors = plan.nearest == NearestMode::Floor || plan.nearest == NearestMode::Simple;
  switch (plan.coordinates) {
  case Coordinates::Asymmetric: // the coordinate is position / up or position * down
    if (up && (floors || up == 1))
      return position.floorDiv(up);
    return down ? position * down : AffineExpr();
  case Coordinates::HalfPixel:
  case Coordinates::HalfPixelSymmetric:
  case Coordinates::PytorchHalfPixel: // less than half an input away from position floordiv up
    return up && rounds ? position.floorDiv(up) : AffineExpr();
  case Coordinates::HalfPixelNearest:
    return up && floors ? position.floorDiv(up) : AffineExpr();
  default:
    return {};
  }
}

/// A read, if all dimensions allow that; else null.
Value readNearest(ExpandContext &ctx, const ResizePlan &plan, ArrayRef<ResizeAxis> axes) {
  SmallVector<AffineExpr> indices;
  for (int64_t dim = 0; dim < ctx.rank(0); ++dim)
    indices.push_back(ctx.dim(dim));
  for (const ResizeAxis &axis : axes) {
    AffineExpr index = affineNearest(ctx, plan, axis, ctx.dim(axis.dim));
    if (!index)
      return {};
    indices[axis.dim] = index;
  }
  return ctx.read(ctx.input(0), ctx.access(indices.size(), indices),
                  extent::sizesOf(ctx.resultType(0)));
}

//===-- Loads at computed positions -----------------------------------------------------------===//

/// One pass over some of the dimensions.
struct Pass {
  ExpandContext &ctx;
  const ResizePlan &plan;
  Value source;
  Type sourceElement, resultElement, work;

  Value load(const RegionBuilder &b, ArrayRef<Value> indices) const {
    return b.make<access::LoadOp>(access::computeType(sourceElement), source, indices,
                                  /*checked=*/false);
  }

  /// The element as the result of this pass; integers are rounded to the nearest and saturate.
  Value finish(const RegionBuilder &b, Value value) const {
    auto integer = dyn_cast<IntegerType>(resultElement);
    if (!integer || integer.getWidth() == 1)
      return b.convert(value, work, resultElement);
    bool isUnsigned = integer.isUnsigned();
    unsigned width = integer.getWidth();
    double high = std::ldexp(1.0, isUnsigned ? width : width - 1) - 1;
    double low = isUnsigned ? 0 : -std::ldexp(1.0, width - 1);
    value = b.make<math::RoundEvenOp>(value);
    value = b.minimum(b.maximum(value, b.number(work, low)), b.number(work, high));
    return b.convert(value, work, resultElement);
  }

  SmallVector<Value> ownPositions(const RegionBuilder &b) const {
    SmallVector<Value> indices;
    int64_t rank = cast<RankedTensorType>(source.getType()).getRank();
    for (int64_t dim = 0; dim < rank; ++dim)
      indices.push_back(b.position(dim));
    return indices;
  }

  /// The constant that stands for outputs outside the input.
  Value extrapolated(const RegionBuilder &b) const {
    return finish(b, b.number(work, plan.extrapolation));
  }

  Value run(ArrayRef<ResizeAxis> axes) const;
  Value runAntialias(const ResizeAxis &axis) const;
};

/// The weighted sum over the inputs of dimensions `level` on, with `indices` given for those
/// before.
Value weightedSum(const Pass &pass, const RegionBuilder &b, ArrayRef<ResizeAxis> axes,
                  ArrayRef<SmallVector<Value>> positions, ArrayRef<SmallVector<Value>> weights,
                  unsigned level, SmallVector<Value> &indices) {
  if (level == axes.size())
    return b.convert(pass.load(b, indices), pass.sourceElement, pass.work);
  Value sum;
  for (auto [position, weight] : llvm::zip(positions[level], weights[level])) {
    indices[axes[level].dim] = position;
    Value term = weightedSum(pass, b, axes, positions, weights, level + 1, indices);
    term = b.mul(term, weight);
    sum = sum ? b.add(sum, term) : term;
  }
  return sum;
}

Value Pass::run(ArrayRef<ResizeAxis> axes) const {
  SmallVector<AffineExpr> sizes = extent::sizesOf(source);
  unsigned rank = sizes.size();
  SmallVector<compute::Operand> operands;
  SmallVector<ResizeTable> tables;
  for (const ResizeAxis &axis : axes) {
    sizes[axis.dim] = axis.output;
    ResizeTable table = tableOf(ctx, plan, axis, work);
    access::MapAttr map = ctx.access(rank, ctx.dim(axis.dim));
    for (ArrayRef<Value> group : {ArrayRef(table.positions), ArrayRef(table.weights)})
      for (Value value : group)
        operands.push_back({value, map, {}});
    if (table.outside)
      operands.push_back({table.outside, map, {}});
    tables.push_back(table);
  }
  return mapThrough(ctx, extent::tensorType(sizes, resultElement), operands,
                    [&](const RegionBuilder &b, ArrayRef<Value> v) {
                      SmallVector<SmallVector<Value>> positions, weights;
                      Value outside;
                      for (const ResizeTable &table : tables) {
                        positions.emplace_back();
                        for (size_t tap = 0; tap < table.positions.size(); ++tap)
                          positions.back().push_back(b.toIndex(v[tap]));
                        v = v.drop_front(table.positions.size());
                        weights.emplace_back(v.take_front(table.weights.size()));
                        v = v.drop_front(table.weights.size());
                        if (!table.outside)
                          continue;
                        outside = outside ? b.make<arith::OrIOp>(outside, v.front()) : v.front();
                        v = v.drop_front();
                      }
                      SmallVector<Value> indices = ownPositions(b);
                      Value result;
                      if (plan.mode == ResizeMode::Nearest) {
                        for (auto [axis, own] : llvm::zip(axes, positions))
                          indices[axis.dim] = own.front();
                        result = load(b, indices);
                      } else {
                        result =
                            finish(b, weightedSum(*this, b, axes, positions, weights, 0, indices));
                      }
                      return outside ? b.select(outside, extrapolated(b), result) : result;
                    });
}

Value Pass::runAntialias(const ResizeAxis &axis) const {
  SmallVector<AffineExpr> sizes = extent::sizesOf(source);
  unsigned rank = sizes.size();
  sizes[axis.dim] = axis.output;
  ResizeTable table = antialiasTableOf(ctx, plan, axis, work);
  access::MapAttr map = ctx.access(rank + 1, {ctx.dim(axis.dim), ctx.dim(rank)});
  Location loc = ctx.getLoc();
  Value sum =
      compute::buildReduce(ctx.getBuilder(), loc, extent::tensorType(sizes, work), Combiner::Add,
                           axis.reach * 2,
                           {{table.positions.front(), map, {}}, {table.weights.front(), map, {}}},
                           [&](OpBuilder &builder, ValueRange v) -> SmallVector<Value> {
                             RegionBuilder b(builder, loc);
                             SmallVector<Value> indices = ownPositions(b);
                             indices[axis.dim] = b.toIndex(v[0]);
                             Value element = b.convert(load(b, indices), sourceElement, work);
                             return {b.mul(element, v[1])};
                           })
          .getOutput();
  if (resultElement == work && !table.outside)
    return sum;
  SmallVector<compute::Operand> operands{{sum, {}, {}}};
  if (table.outside)
    operands.push_back({table.outside, ctx.access(rank, ctx.dim(axis.dim)), {}});
  return mapThrough(ctx, extent::tensorType(sizes, resultElement), operands,
                    [&](const RegionBuilder &b, ArrayRef<Value> v) {
                      Value result = finish(b, v[0]);
                      return v.size() > 1 ? b.select(v[1], extrapolated(b), result) : result;
                    });
}

//===-- The expansion -------------------------------------------------------------------------===//

/// Interpolation is computed in the elements' accumulator type, of integers in f32 or f64.
Type interpolationType(Type element) {
  MLIRContext *context = element.getContext();
  if (!isa<IntegerType>(element))
    return accumulatorType(element);
  return element.getIntOrFloatBitWidth() > 16 ? Type(Float64Type::get(context))
                                              : Type(Float32Type::get(context));
}

LogicalResult expandResize(ExpandContext &ctx) {
  FailureOr<ResizePlan> plan = planResize(ctx, /*isInference=*/false);
  if (failed(plan))
    return failure();
  SmallVector<ResizeAxis> axes;
  for (const ResizeAxis &axis : plan->axes)
    if (!isUnchanged(*plan, axis))
      axes.push_back(axis);
  Value value = ctx.input(0);
  Type element = ctx.elementType(0), work = interpolationType(element);
  if (axes.empty()) {
    ctx.setValue(0, value);
    return success();
  }
  if (plan->mode == ResizeMode::Nearest) {
    if (Value read = readNearest(ctx, *plan, axes)) {
      ctx.setValue(0, read);
      return success();
    }
    ctx.setValue(0, Pass{ctx, *plan, value, element, element, work}.run(axes));
    return success();
  }

  // Passes over as many dimensions as 16 loads cover; antialiasing takes one dimension at a time.
  size_t perPass = plan->antialias ? 1 : plan->mode == ResizeMode::Linear ? 4 : 2;
  Type sourceElement = element;
  for (size_t begin = 0; begin < axes.size(); begin += perPass) {
    ArrayRef<ResizeAxis> some = ArrayRef(axes).slice(begin, std::min(perPass, axes.size() - begin));
    bool isLast = begin + perPass >= axes.size();
    Pass pass{ctx, *plan, value, sourceElement, isLast ? element : work, work};
    bool shrinks = plan->antialias && !(some[0].constant && *some[0].constant >= 1);
    value = shrinks ? pass.runAntialias(some[0]) : pass.run(some);
    sourceElement = work;
  }
  ctx.setValue(0, value);
  return success();
}

} // namespace

void registerResize(Registry &registry) {
  registry.add({"", "Resize", 10, inferResize, expandResize, 2});
  // Version 11 asks for a region and scales that few of its modes read; exporters left them out.
  registry.add({"", "Resize", 11, inferResize, expandResize});
  registry.add({"", "Upsample", 7, inferResize, expandResize});
  registry.add({"", "Upsample", 9, inferResize, expandResize, 2});
}

} // namespace longtail::operators
