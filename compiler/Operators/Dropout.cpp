// Dropout: without training it changes nothing; in training mode it needs random numbers.
#include "compiler/Operators/Random.h"
#include "compiler/Operators/Statistics.h"
#include <random>

using namespace mlir;

namespace longtail::operators {
namespace {

/// Larger tensors would make artifacts big: their numbers are computed by the kernel.
constexpr int64_t kMaxStored = 1 << 16;

/// True where training mode cannot be on.
bool isIdentity(InferContext &ctx) {
  if (!ctx.hasInput(2)) // before version 12 there is no such input: compiled models infer
    return true;
  auto training = ctx.constantNumbers(2);
  auto ratio = ctx.hasInput(1) ? ctx.constantNumbers(1) : SmallVector<double>{0.5};
  return (training && training->size() == 1 && training->front() == 0) ||
         (ratio && ratio->size() == 1 && ratio->front() == 0);
}

LogicalResult inferDropout(InferContext &ctx) {
  if (failed(requireFloat(ctx, 0, "data")))
    return failure();
  for (auto [input, name] : {std::pair(1u, "ratio"), {2u, "training_mode"}}) {
    if (!ctx.hasInput(input))
      continue;
    if (!ctx.inputType(input).hasStaticShape() || ctx.inputType(input).getNumElements() != 1)
      return ctx.error() << "input '" << name << "' must be one number";
    bool isRight =
        input == 1 ? isa<FloatType>(ctx.elementType(1)) : ctx.elementType(2).isInteger(1);
    if (!isRight)
      return ctx.error() << "input '" << name << "' has elements " << ctx.elementType(input);
  }
  ctx.setResult(0, ctx.elementType(0), ctx.sizes(0));
  Type mask =
      ctx.version() >= 10 ? Type(IntegerType::get(ctx.getContext(), 1)) : ctx.elementType(0);
  ctx.setResult(1, mask, ctx.sizes(0));
  return success();
}

/// Numbers in [0, 1), equally distributed. Those of a small tensor are the stream of NumPy's
/// RandomState(seed), as in ONNX's reference; others are hashes of their position and the seed.
Value randomNumbers(ExpandContext &ctx, ArrayRef<AffineExpr> sizes) {
  uint32_t seed = static_cast<uint32_t>(ctx.getInt("seed", 0));
  Type f64 = Float64Type::get(ctx.getContext());
  RankedTensorType type = extent::tensorType(sizes, f64);
  if (type.hasStaticShape() && type.getNumElements() <= kMaxStored) {
    std::mt19937 generator(seed);
    SmallVector<double> numbers(type.getNumElements());
    for (double &number : numbers) {
      uint32_t high = generator() >> 5, low = generator() >> 6;
      number = (high * 67108864.0 + low) / 9007199254740992.0;
    }
    return graph::ConstantOp::create(ctx.getBuilder(), ctx.getLoc(), type,
                                     DenseElementsAttr::get(type, ArrayRef<double>(numbers)),
                                     StringAttr());
  }
  return mapOver(ctx, sizes, f64, {}, [&](const RegionBuilder &b, ArrayRef<Value>) {
    return unitInterval(b, randomBits(b, linearPosition(b, sizes), uint64_t(seed) << 32), f64);
  });
}

LogicalResult expandDropout(ExpandContext &ctx) {
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  Type element = ctx.elementType(0), work = accumulatorType(element);
  if (isIdentity(ctx)) {
    ctx.setValue(0, ctx.input(0));
    if (ctx.hasOutput(1)) {
      Type mask = ctx.resultType(1).getElementType();
      ctx.setValue(1, ctx.splat(sizes, mask, scalarAttr(mask, 1)));
    }
    return success();
  }
  Type f64 = Float64Type::get(ctx.getContext()), i1 = IntegerType::get(ctx.getContext(), 1);
  SmallVector<Value> operands{randomNumbers(ctx, sizes)};
  bool hasRatio = ctx.hasInput(1), hasMode = ctx.hasInput(2);
  if (hasRatio)
    operands.push_back(ctx.castTo(ctx.reshape(ctx.input(1), {}), f64));
  if (hasMode)
    operands.push_back(ctx.reshape(ctx.input(2), {}));
  auto ratioOf = [&](const RegionBuilder &b, ArrayRef<Value> v) {
    return hasRatio ? v[1] : b.number(f64, 0.5);
  };
  auto isTraining = [&](const RegionBuilder &b, ArrayRef<Value> v) {
    return hasMode ? v.back() : b.integer(i1, 1);
  };
  Value mask = mapOver(ctx, sizes, i1, operands, [&](const RegionBuilder &b, ArrayRef<Value> v) {
    Value kept = b.compare(arith::CmpFPredicate::OGE, v[0], ratioOf(b, v));
    return b.make<arith::OrIOp>(kept, b.make<arith::XOrIOp>(isTraining(b, v), b.integer(i1, 1)));
  });
  operands.front() = mask;
  operands.insert(operands.begin() + 1, ctx.input(0));
  ctx.setValue(
      0, mapOver(ctx, sizes, element, operands, [&](const RegionBuilder &b, ArrayRef<Value> v) {
        SmallVector<Value> rest(v);
        rest.erase(rest.begin());
        Value one = b.number(f64, 1);
        Value scale = b.div(one, b.sub(one, ratioOf(b, rest)));
        scale = b.narrow(b.select(isTraining(b, rest), scale, one), work);
        Value scaled = b.mul(b.widen(v[1]), scale);
        return b.narrow(b.select(v[0], scaled, b.number(work, 0)), element);
      }));
  if (ctx.hasOutput(1))
    ctx.setValue(1, ctx.castTo(mask, ctx.resultType(1).getElementType()));
  return success();
}

} // namespace

void registerDropout(Registry &registry) {
  registry.add({"", "Dropout", 1, inferDropout, expandDropout});
}

} // namespace longtail::operators
