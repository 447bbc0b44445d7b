// Adagrad, Adam and Momentum: one step of an optimizer, for any number of tensors at once. Inputs
// are the rate R, the number of updates T, then for each kind of tensor all of that kind: the
// weights X, their gradients G, and one or two averages. Outputs are the new weights and averages.
#include "compiler/Operators/RegionBuilder.h"

using namespace mlir;

namespace longtail::operators {
namespace {

constexpr llvm::StringLiteral kDomain = "ai.onnx.preview.training";

/// How many tensors there are of each weight's: X, G and the averages.
unsigned kindsOf(const InferContext &ctx) { return ctx.getNode().getOpType() == "Adam" ? 4 : 3; }

LogicalResult inferStep(InferContext &ctx) {
  unsigned kinds = kindsOf(ctx), tensors = ctx.numInputs() - 2;
  if (tensors == 0 || tensors % kinds != 0)
    return ctx.error() << "there are " << tensors << " tensors after 'R' and 'T', expected "
                       << kinds << " for each tensor that is optimized";
  if (ctx.getNode().getOpType() == "Momentum") {
    StringRef mode = ctx.getString("mode", "");
    if (mode != "standard" && mode != "nesterov")
      return ctx.error() << "attribute 'mode' is '" << mode
                         << "', expected 'standard' or 'nesterov'";
  }
  if (failed(requireFloat(ctx, 0, "R")))
    return failure();
  if (!ctx.elementType(1).isSignlessInteger(64))
    return ctx.error() << "input 'T' has elements " << ctx.elementType(1) << ", expected i64";
  for (unsigned i : {0u, 1u})
    for (AffineExpr size : ctx.sizes(i))
      if (failed(requireEqualSizes(ctx, size, ctx.constantExpr(1),
                                   "the sizes of inputs 'R' and 'T', which are one number each,")))
        return failure();
  unsigned count = tensors / kinds;
  if (ctx.numOutputs() > count * (kinds - 1))
    return ctx.error() << "there are " << ctx.numOutputs() << " outputs, expected "
                       << count * (kinds - 1);
  for (unsigned i = 0; i < count; ++i) {
    SmallVector<AffineExpr> sizes = ctx.sizes(2 + i);
    if (failed(requireFloat(ctx, 2 + i, "X")))
      return failure();
    for (unsigned kind = 1; kind < kinds; ++kind) {
      unsigned input = 2 + kind * count + i;
      std::string name = "input " + std::to_string(input);
      if (failed(requireSameType(ctx, 2 + i, input, "X", name)))
        return failure();
      if (ctx.rank(input) != static_cast<int64_t>(sizes.size()))
        return ctx.error() << name << " has " << ctx.rank(input) << " dimensions, the tensor that "
                           << "it belongs to has " << sizes.size();
      for (auto [a, b] : llvm::zip(sizes, ctx.sizes(input)))
        if (failed(requireEqualSizes(ctx, a, b, name + " and the tensor that it belongs to")))
          return failure();
    }
    for (unsigned kind = 0; kind + 1 < kinds; ++kind)
      if (ctx.hasOutput(kind * count + i))
        ctx.setResult(kind * count + i, ctx.elementType(2 + i), sizes);
  }
  return success();
}

/// The formulas of one element. Values are those of the operands R, T, X, G and the averages, in
/// the type that is computed in.
class Step {
public:
  Step(const ExpandContext &ctx, const RegionBuilder &b, ArrayRef<Value> values)
      : ctx(ctx), b(b), rate(values[0]), updates(values[1]), x(values[2]), v(values[4]),
        h(values.back()) {
    gradient = b.add(b.mul(number("norm_coefficient", 0), x), values[3]);
  }

  /// The new weight, then the new averages.
  SmallVector<Value> compute() const {
    StringRef op = ctx.getNode().getOpType();
    return op == "Adam" ? adam() : op == "Adagrad" ? adagrad() : momentum();
  }

private:
  Value number(double value) const { return b.number(x.getType(), value); }
  Value number(StringRef attribute, float otherwise) const {
    return number(ctx.getFloat(attribute, otherwise));
  }
  Value isLater() const { return b.compare(arith::CmpFPredicate::OGT, updates, number(0)); }

  SmallVector<Value> adagrad() const {
    Value decay = b.add(number(1), b.mul(updates, number("decay_factor", 0)));
    Value sum = b.add(h, b.mul(gradient, gradient));
    Value adaptive = b.add(b.sqrt(sum), number("epsilon", 1e-6f));
    return {b.sub(x, b.div(b.mul(b.div(rate, decay), gradient), adaptive)), sum};
  }

  SmallVector<Value> adam() const {
    float alpha = ctx.getFloat("alpha", 0.9f), beta = ctx.getFloat("beta", 0.999f);
    auto averaged = [&](float keep, Value old, Value now) {
      return b.add(b.mul(number(keep), old), b.mul(number(1 - keep), now));
    };
    Value newV = averaged(alpha, v, gradient), newH = averaged(beta, h, b.mul(gradient, gradient));
    auto rest = [&](float base) {
      return b.sub(number(1), b.make<math::PowFOp>(number(base), updates));
    };
    Value adjusted = b.div(b.mul(rate, b.sqrt(rest(beta))), rest(alpha));
    adjusted = b.select(isLater(), adjusted, rate);
    Value root = b.add(b.sqrt(newH), number("epsilon", 1e-6f));
    Value moved = b.sub(x, b.div(b.mul(adjusted, newV), root));
    Value post = b.sub(number(1), number("norm_coefficient_post", 0));
    return {b.mul(post, moved), newV, newH};
  }

  SmallVector<Value> momentum() const {
    Value alpha = number("alpha", 0);
    Value beta = b.select(isLater(), number("beta", 0), number(1));
    Value newV = b.add(b.mul(alpha, v), b.mul(beta, gradient));
    bool nesterov = ctx.getString("mode", "") == "nesterov";
    Value direction = nesterov ? b.add(gradient, b.mul(alpha, newV)) : newV;
    return {b.sub(x, b.mul(rate, direction)), newV};
  }

  const ExpandContext &ctx;
  const RegionBuilder &b;
  Value rate, updates, x, v, h, gradient;
};

LogicalResult expandStep(ExpandContext &ctx) {
  unsigned kinds = kindsOf(ctx), count = (ctx.numInputs() - 2) / kinds;
  Value rate = ctx.reshape(ctx.input(0), {}), updates = ctx.reshape(ctx.input(1), {});
  for (unsigned i = 0; i < count; ++i) {
    Type element = ctx.elementType(2 + i), work = accumulatorType(element);
    SmallVector<Value> operands{rate, updates};
    SmallVector<Type> types{ctx.elementType(0), ctx.elementType(1)};
    for (unsigned kind = 0; kind < kinds; ++kind) {
      operands.push_back(ctx.input(2 + kind * count + i));
      types.push_back(element);
    }
    for (unsigned kind = 0; kind + 1 < kinds; ++kind) {
      if (!ctx.hasOutput(kind * count + i))
        continue;
      Value result = mapOver(ctx, ctx.sizes(2 + i), element, operands,
                             [&](const RegionBuilder &b, ArrayRef<Value> elements) {
                               SmallVector<Value> values;
                               for (auto [value, type] : llvm::zip(elements, types))
                                 values.push_back(b.toFloat(value, type, work));
                               return b.fromFloat(Step(ctx, b, values).compute()[kind], element);
                             });
      ctx.setValue(kind * count + i, result);
    }
  }
  return success();
}

} // namespace

void registerTraining(Registry &registry) {
  for (const char *name : {"Adagrad", "Adam", "Momentum"})
    registry.add({kDomain.str(), name, 1, inferStep, expandStep, 3});
}

} // namespace longtail::operators
