#include "compiler/Operators/RecurrentActivation.h"

using namespace mlir;

namespace longtail::operators {
namespace {

using Predicate = arith::CmpFPredicate;

struct Function {
  StringRef name;
  bool hasAlpha, hasBeta;
  RecurrentActivation defaults;
};

Value tanhOf(const RegionBuilder &b, Value x) { return b.make<math::TanhOp>(x); }

Value relu(const RegionBuilder &b, Value x, double, double) { return b.maximum(x, b.like(x, 0)); }

Value tanh(const RegionBuilder &b, Value x, double, double) { return tanhOf(b, x); }

Value sigmoid(const RegionBuilder &b, Value x, double, double) {
  Value one = b.like(x, 1);
  return b.divF(one, b.add(one, b.exp(b.negate(x))));
}

Value affine(const RegionBuilder &b, Value x, double alpha, double beta) {
  return b.add(b.mul(x, b.like(x, alpha)), b.like(x, beta));
}

Value leakyRelu(const RegionBuilder &b, Value x, double alpha, double) {
  return b.select(b.cmpF(Predicate::OLT, x, b.like(x, 0)), b.mul(x, b.like(x, alpha)), x);
}

Value thresholdedRelu(const RegionBuilder &b, Value x, double alpha, double) {
  return b.select(b.cmpF(Predicate::OLE, x, b.like(x, alpha)), b.like(x, 0), x);
}

Value scaledTanh(const RegionBuilder &b, Value x, double alpha, double beta) {
  return b.mul(tanhOf(b, b.mul(x, b.like(x, beta))), b.like(x, alpha));
}

Value hardSigmoid(const RegionBuilder &b, Value x, double alpha, double beta) {
  return b.minimum(b.maximum(affine(b, x, alpha, beta), b.like(x, 0)), b.like(x, 1));
}

Value elu(const RegionBuilder &b, Value x, double alpha, double) {
  Value below = b.mul(b.sub(b.exp(x), b.like(x, 1)), b.like(x, alpha));
  return b.select(b.cmpF(Predicate::OLT, x, b.like(x, 0)), below, x);
}

Value softsign(const RegionBuilder &b, Value x, double, double) {
  return b.divF(x, b.add(b.absolute(x), b.like(x, 1)));
}

/// log(1 + exp(x)) without overflow.
Value softplus(const RegionBuilder &b, Value x, double, double) {
  Value tail = b.exp(b.negate(b.absolute(x)));
  return b.add(b.maximum(x, b.like(x, 0)), b.log(b.add(tail, b.like(x, 1))));
}

const Function kFunctions[] = {
    {"Relu", false, false, {relu, 0, 0}},
    {"Tanh", false, false, {tanh, 0, 0}},
    {"Sigmoid", false, false, {sigmoid, 0, 0}},
    {"Affine", true, true, {affine, 1, 0}},
    {"LeakyRelu", true, false, {leakyRelu, 0.01f, 0}},
    {"ThresholdedRelu", true, false, {thresholdedRelu, 1, 0}},
    {"ScaledTanh", true, true, {scaledTanh, 1, 1}},
    {"HardSigmoid", true, true, {hardSigmoid, 0.2f, 0.5}},
    {"Elu", true, false, {elu, 1, 0}},
    {"Softsign", false, false, {softsign, 0, 0}},
    {"Softplus", false, false, {softplus, 0, 0}},
};

} // namespace

FailureOr<SmallVector<RecurrentActivations>>
recurrentActivations(InferContext &ctx, int64_t directions, ArrayRef<StringRef> defaults) {
  SmallVector<StringRef> names;
  if (auto list = dyn_cast_or_null<ArrayAttr>(ctx.attribute("activations"))) {
    for (Attribute name : list)
      if (auto text = dyn_cast<StringAttr>(name))
        names.push_back(text.getValue());
  } else {
    for (int64_t direction = 0; direction < directions; ++direction)
      names.append(defaults.begin(), defaults.end());
  }
  if (names.size() != directions * defaults.size())
    return ctx.error() << "attribute 'activations' names " << names.size()
                       << " functions, expected " << directions * defaults.size() << " ("
                       << defaults.size() << " for each direction)";
  SmallVector<float> alphas = ctx.getFloats("activation_alpha").value_or(SmallVector<float>());
  SmallVector<float> betas = ctx.getFloats("activation_beta").value_or(SmallVector<float>());
  ArrayRef<float> nextAlphas = alphas, nextBetas = betas;
  SmallVector<RecurrentActivations> result(directions);
  for (size_t position = 0; position < names.size(); ++position) {
    StringRef name = names[position];
    const Function *function = llvm::find_if(
        kFunctions, [&](const Function &row) { return row.name.equals_insensitive(name); });
    if (function == std::end(kFunctions)) {
      InFlightDiagnostic error = ctx.error();
      error << "attribute 'activations' names '" << name << "', expected one of";
      for (const Function &row : kFunctions)
        error << " " << row.name;
      return error;
    }
    RecurrentActivation activation = function->defaults;
    auto take = [](ArrayRef<float> &rest, double &parameter) {
      if (rest.empty())
        return;
      parameter = rest.front();
      rest = rest.drop_front();
    };
    if (function->hasAlpha)
      take(nextAlphas, activation.alpha);
    if (function->hasBeta)
      take(nextBetas, activation.beta);
    result[position / defaults.size()].push_back(activation);
  }
  return result;
}

} // namespace longtail::operators
