// Pointwise operators of one operand without attributes that change what they compute.
#include "compiler/Operators/Elementwise.h"
#include <cmath>

using namespace mlir;

namespace longtail::operators {
namespace {

using UnaryBody = Value (*)(const Scalar &, Value, Type);

bool isIntOrFloat(Type type) {
  return isNumber(type) && (isa<IntegerType>(type) || isComputeFloat(type));
}
bool isBool(Type type) { return type.isInteger(1); }
bool isInt(Type type) { return isa<IntegerType>(type) && !type.isInteger(1); }

struct Unary {
  StringRef name;
  bool (*accepts)(Type);
  StringRef types;
  UnaryBody body;
};

constexpr StringLiteral kFloats = "f16, bf16, f32 or f64", kNumbers = "a number";

template <typename Op> Value apply(const Scalar &s, Value x, Type) { return s.make<Op>(x); }

Value sign(const Scalar &s, Value x, Type type) {
  Value zero = s.constant(x.getType(), 0), one = s.constant(x.getType(), 1);
  if (isFloat(x.getType())) { // zeros and NaN stay what they are
    Value negative = s.select(s.cmpF(arith::CmpFPredicate::OLT, x, zero), s.like(x, -1), x);
    return s.select(s.cmpF(arith::CmpFPredicate::OGT, x, zero), one, negative);
  }
  if (type.isUnsignedInteger())
    return s.make<arith::MinUIOp>(x, one);
  return s.maximum(s.minimum(x, one), s.integer(x.getType(), -1));
}

const Unary kUnary[] = {
    {"Neg", isIntOrFloat, kNumbers, [](const Scalar &s, Value x, Type) { return s.negate(x); }},
    {"Abs", isIntOrFloat, kNumbers,
     [](const Scalar &s, Value x, Type type) {
       return type.isUnsignedInteger() ? x : s.absolute(x);
     }},
    {"Sign", isIntOrFloat, kNumbers, sign},
    {"Sqrt", isComputeFloat, kFloats, apply<math::SqrtOp>},
    {"Exp", isComputeFloat, kFloats, apply<math::ExpOp>},
    {"Log", isComputeFloat, kFloats, apply<math::LogOp>},
    {"Erf", isComputeFloat, kFloats, apply<math::ErfOp>},
    {"Tanh", isComputeFloat, kFloats, apply<math::TanhOp>},
    {"Floor", isComputeFloat, kFloats, apply<math::FloorOp>},
    {"Ceil", isComputeFloat, kFloats, apply<math::CeilOp>},
    {"Round", isComputeFloat, kFloats, apply<math::RoundEvenOp>},
    {"Reciprocal", isComputeFloat, kFloats,
     [](const Scalar &s, Value x, Type) { return s.divF(s.like(x, 1), x); }},
    {"Sin", isComputeFloat, kFloats, apply<math::SinOp>},
    {"Cos", isComputeFloat, kFloats, apply<math::CosOp>},
    {"Tan", isComputeFloat, kFloats, apply<math::TanOp>},
    {"Asin", isComputeFloat, kFloats, apply<math::AsinOp>},
    {"Acos", isComputeFloat, kFloats, apply<math::AcosOp>},
    {"Atan", isComputeFloat, kFloats, apply<math::AtanOp>},
    {"Sinh", isComputeFloat, kFloats, apply<math::SinhOp>},
    {"Cosh", isComputeFloat, kFloats, apply<math::CoshOp>},
    {"Asinh", isComputeFloat, kFloats, apply<math::AsinhOp>},
    {"Acosh", isComputeFloat, kFloats, apply<math::AcoshOp>},
    {"Atanh", isComputeFloat, kFloats, apply<math::AtanhOp>},
    {"Not", isBool, "bool",
     [](const Scalar &s, Value x, Type) {
       return s.make<arith::XOrIOp>(x, s.integer(x.getType(), 1));
     }},
    {"BitwiseNot", isInt, "an integer",
     [](const Scalar &s, Value x, Type) {
       return s.make<arith::XOrIOp>(x, s.integer(x.getType(), -1));
     }},
};

const Unary *find(StringRef name) {
  return llvm::find_if(kUnary, [&](const Unary &op) { return op.name == name; });
}

LogicalResult inferUnary(InferContext &context) {
  const Unary *op = find(context.getNode().getOpType());
  if (failed(requireTypes(context, op->accepts, op->types)))
    return failure();
  return inferSame(context);
}

LogicalResult expandUnary(ExpandContext &context) {
  const Unary *op = find(context.getNode().getOpType());
  return expandPointwise(
      context, [&](const Scalar &s, ValueRange x, Type type) { return op->body(s, x[0], type); });
}

LogicalResult inferIsSpecial(InferContext &context) {
  if (failed(requireTypes(context, isFloat, "a floating-point type")))
    return failure();
  context.setResult(0, IntegerType::get(context.getContext(), 1), context.sizes(0));
  return success();
}

Value asComputable(const Scalar &s, Value x) {
  return isTinyFloat(x.getType()) ? decodeTinyFloat(s, x) : x;
}

LogicalResult expandIsNaN(ExpandContext &context) {
  return expandPointwise(
      context, [](const Scalar &s, ValueRange x, Type) { return s.isNaN(asComputable(s, x[0])); });
}

LogicalResult expandIsInf(ExpandContext &context) {
  bool positive = context.getInt("detect_positive", 1) != 0;
  bool negative = context.getInt("detect_negative", 1) != 0;
  return expandPointwise(context, [&](const Scalar &s, ValueRange values, Type) {
    Value x = asComputable(s, values[0]);
    auto is = [&](double bound) { return s.cmpF(arith::CmpFPredicate::OEQ, x, s.like(x, bound)); };
    Value none = s.integer(s.builder().getI1Type(), 0);
    Value up = positive ? is(INFINITY) : none, down = negative ? is(-INFINITY) : none;
    return s.make<arith::OrIOp>(up, down);
  });
}

} // namespace

void registerUnary(Registry &registry) {
  for (const Unary &op : kUnary)
    registry.add({"", op.name.str(), 1, inferUnary, expandUnary});
  registry.add({"", "IsNaN", 9, inferIsSpecial, expandIsNaN});
  registry.add({"", "IsInf", 10, inferIsSpecial, expandIsInf});
}

} // namespace longtail::operators
