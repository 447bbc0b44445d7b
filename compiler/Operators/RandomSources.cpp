// RandomUniform, RandomNormal and their Like forms, Bernoulli, Multinomial.
#include "compiler/Operators/Elements.h"
#include "compiler/Operators/GridBuilder.h"
#include "compiler/Operators/Random.h"
#include "compiler/Operators/Sampling.h"
#include "compiler/Operators/Shape.h"
#include <cmath>

using namespace mlir;

namespace longtail::operators {
namespace {

/// The element type that attribute `dtype` asks for, or `otherwise`; null after an error.
Type askedType(InferContext &ctx, Type otherwise) {
  Type type = otherwise;
  if (ctx.attribute("dtype")) {
    type = elementTypeOf(ctx.getContext(), ctx.getInt("dtype", 0));
    if (!type)
      ctx.error() << "attribute 'dtype' is " << ctx.getInt("dtype", 0)
                  << ", which names no element type";
  }
  return type;
}

//===-- Uniform and normal numbers ------------------------------------------------------------===//

LogicalResult setNumbers(InferContext &ctx, Type type, ArrayRef<AffineExpr> sizes) {
  if (!type)
    return failure();
  if (!isComputeFloat(type))
    return ctx.error() << "random numbers of type " << type
                       << " are asked for, expected f16, bf16, f32 or f64";
  ctx.setResult(0, type, sizes);
  return success();
}

LogicalResult inferRandom(InferContext &ctx) {
  std::optional<SmallVector<int64_t>> shape = ctx.getInts("shape");
  if (!shape)
    return ctx.error() << "attribute 'shape' is missing";
  SmallVector<AffineExpr> sizes;
  for (int64_t size : *shape) {
    if (size < 0 || size > kMaxSize)
      return ctx.error() << "attribute 'shape' has " << size << ", expected 0 to " << kMaxSize;
    sizes.push_back(ctx.constantExpr(size));
  }
  return setNumbers(ctx, askedType(ctx, Float32Type::get(ctx.getContext())), sizes);
}

LogicalResult inferRandomLike(InferContext &ctx) {
  return setNumbers(ctx, askedType(ctx, ctx.elementType(0)), ctx.sizes(0));
}

/// A map without operands of a number for each element.
template <typename Number> LogicalResult setRandom(ExpandContext &ctx, Number number) {
  RankedTensorType type = ctx.resultType(0);
  Type element = type.getElementType(), work = accumulatorType(element);
  SmallVector<AffineExpr> sizes = extent::sizesOf(type);
  uint64_t key = streamOf(ctx);
  ctx.setValue(0, mapThrough(ctx, type, {}, [&](const RegionBuilder &b, ArrayRef<Value>) {
                 Value position = linearPosition(b, sizes);
                 return b.narrow(number(b, position, key, work), element);
               }));
  return success();
}

LogicalResult expandUniform(ExpandContext &ctx) {
  double low = ctx.getFloat("low", 0), high = ctx.getFloat("high", 1);
  return setRandom(ctx, [&](const RegionBuilder &b, Value position, uint64_t key, Type work) {
    Value unit = unitInterval(b, randomBits(b, position, key), work);
    return b.add(b.number(work, low), b.mul(unit, b.number(work, high - low)));
  });
}

/// Box and Muller: the first of the two numbers that a pair of uniform ones gives.
LogicalResult expandNormal(ExpandContext &ctx) {
  double mean = ctx.getFloat("mean", 0), scale = ctx.getFloat("scale", 1);
  return setRandom(ctx, [&](const RegionBuilder &b, Value position, uint64_t key, Type work) {
    Type i64 = b.builder().getI64Type();
    Value first = b.mul(position, b.integer(i64, 2)), second = b.add(first, b.integer(i64, 1));
    // Not 0, which has no logarithm.
    double half = work.isF32() ? 0x1p-25 : 0x1p-54;
    Value radius = b.add(unitInterval(b, randomBits(b, first, key), work), b.number(work, half));
    Value angle = unitInterval(b, randomBits(b, second, key), work);
    radius = b.sqrt(b.mul(b.number(work, -2), b.log(radius)));
    angle = b.make<math::CosOp>(b.mul(angle, b.number(work, 2 * M_PI)));
    return b.add(b.number(work, mean), b.mul(b.mul(radius, angle), b.number(work, scale)));
  });
}

//===-- Bernoulli -----------------------------------------------------------------------------===//

LogicalResult inferBernoulli(InferContext &ctx) {
  if (failed(requireFloat(ctx, 0, "input")))
    return failure();
  Type type = askedType(ctx, ctx.elementType(0));
  if (!type)
    return failure();
  if (!isComputeFloat(type) && !isa<IntegerType>(type))
    return ctx.error() << "results of type " << type << " are asked for, expected numbers or bools";
  ctx.setResult(0, type, ctx.sizes(0));
  return success();
}

LogicalResult expandBernoulli(ExpandContext &ctx) {
  RankedTensorType type = ctx.resultType(0);
  Type element = type.getElementType(), i1 = IntegerType::get(ctx.getContext(), 1);
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  uint64_t key = streamOf(ctx);
  ctx.setValue(0, mapThrough(ctx, type, compute::Operand{ctx.input(0), {}, {}},
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               Value p = b.widen(v[0]);
                               Value bits = randomBits(b, linearPosition(b, sizes), key);
                               Value unit = unitInterval(b, bits, p.getType());
                               Value isOne = b.compare(arith::CmpFPredicate::OLT, unit, p);
                               return b.convert(isOne, i1, element);
                             }));
  return success();
}

//===-- Multinomial ---------------------------------------------------------------------------===//

LogicalResult inferMultinomial(InferContext &ctx) {
  if (failed(requireFloat(ctx, 0, "input")))
    return failure();
  if (ctx.rank(0) != 2)
    return ctx.error() << "input 'input' has " << ctx.rank(0) << " dimensions, expected 2";
  Type type = askedType(ctx, IntegerType::get(ctx.getContext(), 32));
  if (!type)
    return failure();
  if (!type.isSignlessInteger(32) && !type.isSignlessInteger(64))
    return ctx.error() << "results of type " << type << " are asked for, expected i32 or i64";
  int64_t count = ctx.getInt("sample_size", 1);
  if (count < 0 || count > kMaxSize)
    return ctx.error() << "attribute 'sample_size' is " << count << ", expected 0 to " << kMaxSize;
  if (failed(requireElements(ctx, 0, "input", 1)))
    return failure();
  ctx.setResult(0, type, {ctx.sizes(0)[0], ctx.constantExpr(count)});
  return success();
}

/// For each row the sums of the first 1, 2, ... probabilities, up to a common factor.
Value cumulativeProbabilities(ExpandContext &ctx) {
  Value logits = ctx.input(0);
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  Type f64 = Float64Type::get(ctx.getContext());
  auto body = [&](const GridBuilder &b, ValueRange row, ValueRange places) {
    Value none = b.index(0), count = b.size(sizes[1]);
    auto number = [&](Value i) { return b.narrow(b.load(logits, {row[0], i}), f64); };
    Value lowest = b.identity(compute::Combiner::Max, f64);
    Value most = b.loop(none, count, lowest, [&](Value i, ValueRange before) {
      return GridBuilder::Values{b.maximum(before[0], number(i))};
    })[0];
    Value total = b.loop(none, count, b.number(f64, 0), [&](Value i, ValueRange before) {
      Value sum = b.add(before[0], b.exp(b.sub(number(i), most)));
      b.store(sum, places[0], {row[0], i});
      return GridBuilder::Values{sum};
    })[0];
    // Not so where all are minus infinity or one is NaN.
    b.require(b.compare(arith::CmpFPredicate::OGT, total, b.number(f64, 0)), compute::Fault::Value);
  };
  return buildGrid(ctx, extent::tensorType(sizes, f64), sizes[0], body)[0];
}

LogicalResult expandMultinomial(ExpandContext &ctx) {
  Value sums = cumulativeProbabilities(ctx);
  RankedTensorType type = ctx.resultType(0);
  SmallVector<AffineExpr> sizes = extent::sizesOf(type);
  AffineExpr classes = ctx.sizes(0)[1];
  Type f64 = Float64Type::get(ctx.getContext());
  uint64_t key = streamOf(ctx);
  auto body = [&](const GridBuilder &b, ValueRange points, ValueRange places) {
    Value last = b.sub(b.size(classes), b.index(1));
    Value position = b.add(b.mul(points[0], b.size(sizes[1])), points[1]);
    Value unit = unitInterval(b, randomBits(b, b.toInt64(position), key), f64);
    Value wanted = b.mul(unit, b.load(sums, {points[0], last}));
    // The first class whose sum is above `wanted` is in [low, high].
    Value low = b.index(0);
    low = b.repeatWhile(
        {low, last}, [&](ValueRange v) { return b.isBelow(v[0], v[1]); },
        [&](ValueRange v) {
          Value middle = b.make<arith::DivUIOp>(b.add(v[0], v[1]), b.index(2));
          Value sum = b.load(sums, {points[0], middle});
          Value isAbove = b.compare(arith::CmpFPredicate::OGT, sum, wanted);
          Value next = b.add(middle, b.index(1));
          return GridBuilder::Values{b.select(isAbove, v[0], next),
                                     b.select(isAbove, middle, v[1])};
        })[0];
    b.store(b.fromIndex(low, type.getElementType()), places[0], points);
  };
  ctx.setValue(0, buildGrid(ctx, type, sizes, body)[0]);
  return success();
}

} // namespace

void registerRandom(Registry &registry) {
  registry.add({"", "RandomUniform", 1, inferRandom, expandUniform, 0});
  registry.add({"", "RandomUniformLike", 1, inferRandomLike, expandUniform});
  registry.add({"", "RandomNormal", 1, inferRandom, expandNormal, 0});
  registry.add({"", "RandomNormalLike", 1, inferRandomLike, expandNormal});
  registry.add({"", "Bernoulli", 15, inferBernoulli, expandBernoulli});
  registry.add({"", "Multinomial", 7, inferMultinomial, expandMultinomial});
}

} // namespace longtail::operators
