// Activation functions.
#include "compiler/Operators/Elementwise.h"
#include <cmath>

using namespace mlir;

namespace longtail::operators {
namespace {

using Predicate = arith::CmpFPredicate;

/// alpha, beta and the like as the model gives them; meanings are the operator's.
struct Parameters {
  double alpha, beta, gamma;
};
using Body = Value (*)(const Scalar &, Value, const Parameters &);

struct Activation {
  StringRef name;
  Parameters defaults;
  Body body;
};

Value expm1(const Scalar &s, Value x) {
  // Near 0 the difference cancels: the start of the series instead.
  Value large = s.sub(s.make<math::ExpOp>(x), s.like(x, 1));
  Value sum = s.like(x, 1.0 / 720);
  for (double c : {1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0})
    sum = s.make<math::FmaOp>(sum, x, s.like(x, c));
  Value isSmall = s.cmpF(Predicate::OLT, s.absolute(x), s.like(x, 0.03));
  return s.select(isSmall, s.mul(sum, x), large);
}

Value sigmoid(const Scalar &s, Value x) {
  Value one = s.like(x, 1);
  return s.divF(one, s.add(one, s.make<math::ExpOp>(s.negate(x))));
}

/// log(1 + exp(x)) without overflow.
Value softplus(const Scalar &s, Value x) {
  Value tail = s.make<math::ExpOp>(s.negate(s.absolute(x)));
  return s.add(s.maximum(x, s.like(x, 0)), s.make<math::Log1pOp>(tail));
}

/// alpha * x + beta within [0, 1].
Value hardSigmoid(const Scalar &s, Value x, double alpha, double beta) {
  Value line = s.add(s.mul(x, s.like(x, alpha)), s.like(x, beta));
  return s.minimum(s.maximum(line, s.like(x, 0)), s.like(x, 1));
}

/// x where x is not negative, else `below`.
Value piecewise(const Scalar &s, Value x, Value below) {
  return s.select(s.cmpF(Predicate::OLT, x, s.like(x, 0)), below, x);
}

const Activation kActivations[] = {
    {"LeakyRelu",
     {0.01, 0, 0},
     [](const Scalar &s, Value x, const Parameters &p) {
       return piecewise(s, x, s.mul(x, s.like(x, p.alpha)));
     }},
    {"Elu",
     {1, 0, 0},
     [](const Scalar &s, Value x, const Parameters &p) {
       return piecewise(s, x, s.mul(expm1(s, x), s.like(x, p.alpha)));
     }},
    {"Selu",
     {1.67326319217681884765625, 0, 1.05070102214813232421875},
     [](const Scalar &s, Value x, const Parameters &p) {
       Value below = s.mul(expm1(s, x), s.like(x, p.alpha));
       return s.mul(piecewise(s, x, below), s.like(x, p.gamma));
     }},
    {"Celu",
     {1, 0, 0},
     [](const Scalar &s, Value x, const Parameters &p) {
       Value scaled = expm1(s, s.divF(x, s.like(x, p.alpha)));
       return piecewise(s, x, s.mul(scaled, s.like(x, p.alpha)));
     }},
    {"Sigmoid", {}, [](const Scalar &s, Value x, const Parameters &) { return sigmoid(s, x); }},
    {"HardSigmoid",
     {0.2f, 0.5, 0},
     [](const Scalar &s, Value x, const Parameters &p) {
       return hardSigmoid(s, x, p.alpha, p.beta);
     }},
    {"HardSwish",
     {},
     [](const Scalar &s, Value x, const Parameters &) {
       return s.mul(x, hardSigmoid(s, x, 1.0 / 6, 0.5));
     }},
    {"Mish",
     {},
     [](const Scalar &s, Value x, const Parameters &) {
       return s.mul(x, s.make<math::TanhOp>(softplus(s, x)));
     }},
    {"Softplus", {}, [](const Scalar &s, Value x, const Parameters &) { return softplus(s, x); }},
    {"Softsign",
     {},
     [](const Scalar &s, Value x, const Parameters &) {
       return s.divF(x, s.add(s.like(x, 1), s.absolute(x)));
     }},
    {"ThresholdedRelu",
     {1, 0, 0},
     [](const Scalar &s, Value x, const Parameters &p) {
       // NaN is not above the threshold.
       Value isKept = s.cmpF(Predicate::OGT, x, s.like(x, p.alpha));
       return s.select(isKept, x, s.like(x, 0));
     }},
    {"Swish",
     {1, 0, 0},
     [](const Scalar &s, Value x, const Parameters &p) {
       return s.mul(x, sigmoid(s, s.mul(x, s.like(x, p.alpha))));
     }},
};

LogicalResult expandActivation(ExpandContext &context) {
  StringRef name = context.getNode().getOpType();
  const Activation *op =
      llvm::find_if(kActivations, [&](const Activation &a) { return a.name == name; });
  Parameters parameters = op->defaults;
  parameters.alpha = context.getFloat("alpha", parameters.alpha);
  parameters.beta = context.getFloat("beta", parameters.beta);
  parameters.gamma = context.getFloat("gamma", parameters.gamma);
  return expandPointwise(
      context, [&](const Scalar &s, ValueRange x, Type) { return op->body(s, x[0], parameters); });
}

//===-- Relu, Gelu, Shrink --------------------------------------------------------------------===//

LogicalResult inferNumbers(InferContext &context) {
  auto accepts = [](Type type) {
    return isComputeFloat(type) || (isa<IntegerType>(type) && isNumber(type));
  };
  if (failed(requireTypes(context, accepts, "numbers")))
    return failure();
  return inferSame(context);
}

LogicalResult expandRelu(ExpandContext &context) {
  return expandPointwise(context, [](const Scalar &s, ValueRange x, Type type) {
    return s.maximum(x[0], s.constant(x[0].getType(), 0), type.isUnsignedInteger());
  });
}

LogicalResult inferGelu(InferContext &context) {
  StringRef approximate = context.getString("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return context.error() << "attribute 'approximate' is '" << approximate
                           << "', expected 'none' or 'tanh'";
  return inferSameFloat(context);
}

LogicalResult expandGelu(ExpandContext &context) {
  bool byTanh = context.getString("approximate", "none") == "tanh";
  return expandPointwise(context, [&](const Scalar &s, ValueRange values, Type) {
    Value x = values[0], one = s.like(x, 1), half = s.mul(x, s.like(x, 0.5));
    if (!byTanh)
      return s.mul(half, s.add(one, s.make<math::ErfOp>(s.mul(x, s.like(x, std::sqrt(0.5))))));
    Value cube = s.mul(s.mul(x, x), s.mul(x, s.like(x, 0.044715)));
    Value inner = s.mul(s.add(x, cube), s.like(x, 0.7978845608028654)); // sqrt(2 / pi)
    return s.mul(half, s.add(one, s.make<math::TanhOp>(inner)));
  });
}

LogicalResult expandShrink(ExpandContext &context) {
  double lambda = context.getFloat("lambd", 0.5), bias = context.getFloat("bias", 0);
  Type elementType = context.elementType(0);
  return expandPointwise(context, [&](const Scalar &s, ValueRange values, Type) {
    // Integers are compared and moved as numbers.
    Value x = values[0];
    bool isInteger = isa<IntegerType>(elementType);
    if (isInteger)
      x = s.convert(x, elementType, s.builder().getF64Type());
    Value above = s.cmpF(Predicate::OGT, x, s.like(x, lambda));
    Value below = s.cmpF(Predicate::OLT, x, s.like(x, -lambda));
    Value inner = s.select(above, s.sub(x, s.like(x, bias)), s.like(x, 0));
    Value result = s.select(below, s.add(x, s.like(x, bias)), inner);
    return isInteger ? s.convert(result, result.getType(), elementType) : result;
  });
}

//===-- PRelu ---------------------------------------------------------------------------------===//

/// The slope's sizes: up to version 6 one number, or one for each channel.
SmallVector<AffineExpr> slopeSizes(InferContext &context) {
  SmallVector<AffineExpr> sizes = context.sizes(1);
  if (context.version() < 7 && sizes.size() == 1 && sizes[0] != context.constantExpr(1))
    for (int64_t i = 2; i < context.rank(0); ++i)
      sizes.push_back(context.constantExpr(1));
  return sizes;
}

LogicalResult inferPRelu(InferContext &context) {
  if (!isNumber(context.elementType(0)) || context.elementType(0) != context.elementType(1))
    return context.error() << "data and slopes must be numbers of one type";
  SmallVector<AffineExpr> sizes = context.sizes(0), slopes = slopeSizes(context);
  if (slopes.size() > sizes.size())
    return context.error() << "the slopes have more dimensions than the data";
  FailureOr<SmallVector<AffineExpr>> both = context.broadcast(sizes, slopes);
  if (failed(both))
    return failure();
  for (auto [i, size] : llvm::enumerate(sizes))
    if (failed(
            context.getSymbols().requireEqual(size, (*both)[i], "slopes are larger than the data")))
      return context.error() << "the slopes are larger than the data in dimension " << i;
  return inferSame(context);
}

LogicalResult expandPRelu(ExpandContext &context) {
  Value slopes = context.reshape(context.input(1), slopeSizes(context));
  return expandPointwise(
      context, {context.input(0), slopes}, [](const Scalar &s, ValueRange x, Type type) {
        Value scaled = s.mul(x[0], x[1]);
        if (type.isUnsignedInteger())
          return x[0];
        Value zero = s.constant(x[0].getType(), 0);
        Value isNegative = isFloat(x[0].getType()) ? s.cmpF(Predicate::OLT, x[0], zero)
                                                   : s.cmpI(arith::CmpIPredicate::slt, x[0], zero);
        return s.select(isNegative, scaled, x[0]);
      });
}

} // namespace

void registerActivation(Registry &registry) {
  for (const Activation &op : kActivations)
    registry.add({"", op.name.str(), 1, inferSameFloat, expandActivation});
  registry.add({"", "Relu", 1, inferNumbers, expandRelu});
  registry.add({"", "Gelu", 20, inferGelu, expandGelu});
  registry.add({"", "Shrink", 9, inferNumbers, expandShrink});
  registry.add({"", "PRelu", 1, inferPRelu, expandPRelu, 2});
}

} // namespace longtail::operators
