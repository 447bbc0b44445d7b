// MelWeightMatrix: triangles over the bins of a spectrum, equally wide on the mel scale.
#include "compiler/Operators/Elements.h"
#include "compiler/Operators/RegionBuilder.h"
#include "compiler/Operators/Shape.h"
#include <cmath>

using namespace mlir;
using arith::CmpIPredicate;

namespace longtail::operators {
namespace {

enum Input { kBands, kLength, kRate, kLow, kHigh };
constexpr StringLiteral kNames[] = {"num_mel_bins", "dft_length", "sample_rate", "lower_edge_hertz",
                                    "upper_edge_hertz"};

LogicalResult infer(InferContext &ctx) {
  for (unsigned input : {kBands, kLength, kRate, kLow, kHigh}) {
    RankedTensorType type = ctx.inputType(input);
    if (!type.hasStaticShape() || type.getNumElements() != 1)
      return ctx.error() << "input '" << kNames[input] << "' must be one number";
    if (input < kLow && !isa<IntegerType>(type.getElementType()))
      return ctx.error() << "input '" << kNames[input] << "' has elements of type "
                         << type.getElementType() << ", expected integers";
    if (input >= kLow && failed(requireFloat(ctx, input, kNames[input])))
      return failure();
  }
  FailureOr<AffineExpr> bands = integerOf(ctx, kBands, kNames[kBands], 0, kMaxSize);
  FailureOr<AffineExpr> length = integerOf(ctx, kLength, kNames[kLength], 0, kMaxSize);
  if (failed(bands) || failed(length))
    return failure();
  for (auto [input, size] : {std::pair(kBands, *bands), {kLength, *length}})
    if (auto constant = dyn_cast<AffineConstantExpr>(size))
      if (constant.getValue() < 0 || constant.getValue() > kMaxSize)
        return ctx.error() << "input '" << kNames[input] << "' is " << constant.getValue()
                           << ", expected 0 to " << kMaxSize;
  int64_t number = ctx.getInt("output_datatype", 1);
  Type type = elementTypeOf(ctx.getContext(), number);
  if (!type || !isNumber(type) || (isFloat(type) && !isComputeFloat(type)))
    return ctx.error() << "attribute 'output_datatype' is " << number
                       << ", which names no type of numbers that is possible";
  ctx.setResult(0, type, {length->floorDiv(2) + 1, *bands});
  return success();
}

/// The bins of the spectrum at which bands begin, peak and end: band i does so at i, i + 1, i + 2.
Value edges(ExpandContext &ctx, AffineExpr bands) {
  Type f64 = Float64Type::get(ctx.getContext()), i64 = IntegerType::get(ctx.getContext(), 64);
  SmallVector<Value> numbers;
  for (unsigned input : {kLength, kRate, kLow, kHigh})
    numbers.push_back(ctx.castTo(ctx.reshape(ctx.input(input), {}), f64));
  return mapOver(ctx, bands + 2, i64, numbers, [&](const RegionBuilder &b, ArrayRef<Value> v) {
    auto number = [&](double value) { return b.number(f64, value); };
    auto toMel = [&](Value hertz) {
      Value one = b.add(b.div(hertz, number(700)), number(1));
      return b.mul(b.log(one), number(2595 / M_LN10));
    };
    Value low = toMel(v[2]), count = sizeAsNumber(b, bands + 2, f64);
    Value step = b.div(b.sub(toMel(v[3]), low), count);
    Value mel = b.add(b.mul(b.fromIndex(b.position(0), f64), step), low);
    Value grown = b.exp(b.mul(mel, number(M_LN10 / 2595)));
    Value hertz = b.mul(b.sub(grown, number(1)), number(700));
    Value bin = b.div(b.mul(b.add(v[0], number(1)), hertz), v[1]);
    return b.convert(b.floor(bin), f64, i64);
  });
}

LogicalResult expand(ExpandContext &ctx) {
  RankedTensorType type = ctx.resultType(0);
  AffineExpr bands = extent::sizesOf(type)[1];
  Value bounds = edges(ctx, bands);
  Type f64 = Float64Type::get(ctx.getContext()), i64 = IntegerType::get(ctx.getContext(), 64);
  ctx.setValue(0, mapThrough(ctx, type, {}, [&](const RegionBuilder &b, ArrayRef<Value>) {
                 auto edge = [&](int64_t number) {
                   Value at = b.add(b.position(1), b.indexConstant(number));
                   return b.make<access::LoadOp>(i64, bounds, at, /*checked=*/false);
                 };
                 auto ratio = [&](Value part, Value whole) {
                   return b.div(b.toFloat(part, i64, f64), b.toFloat(whole, i64, f64));
                 };
                 Value bin = b.fromIndex(b.position(0), i64), zero = b.number(f64, 0);
                 Value low = edge(0), peak = edge(1), high = edge(2);
                 auto isIn = [&](Value from, Value to, CmpIPredicate below) {
                   return b.make<arith::AndIOp>(b.compare(CmpIPredicate::sge, bin, from),
                                                b.compare(below, bin, to));
                 };
                 Value rising = ratio(b.sub(bin, low), b.sub(peak, low));
                 // Where a band begins at its peak, that is 1.
                 Value isSteep = b.compare(CmpIPredicate::eq, low, peak);
                 rising = b.select(isSteep, b.number(f64, 1), rising);
                 rising = b.select(isIn(low, peak, CmpIPredicate::sle), rising, zero);
                 Value falling = ratio(b.sub(high, bin), b.sub(high, peak));
                 Value value = b.select(isIn(peak, high, CmpIPredicate::slt), falling, rising);
                 return b.convert(value, f64, type.getElementType());
               }));
  return success();
}

} // namespace

void registerMelWeightMatrix(Registry &registry) {
  registry.add({"", "MelWeightMatrix", 17, infer, expand, 5});
}

} // namespace longtail::operators
