// Comparisons, selection and clipping.
#include "compiler/Operators/Elementwise.h"
#include "compiler/Operators/Text.h"

using namespace mlir;

namespace longtail::operators {
namespace {

struct Comparison {
  StringRef name;
  arith::CmpFPredicate ordered;
  arith::CmpIPredicate isSigned, isUnsigned;
};

const Comparison kComparisons[] = {
    {"Equal", arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq, arith::CmpIPredicate::eq},
    {"Less", arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt, arith::CmpIPredicate::ult},
    {"Greater", arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt, arith::CmpIPredicate::ugt},
    {"LessOrEqual", arith::CmpFPredicate::OLE, arith::CmpIPredicate::sle,
     arith::CmpIPredicate::ule},
    {"GreaterOrEqual", arith::CmpFPredicate::OGE, arith::CmpIPredicate::sge,
     arith::CmpIPredicate::uge}};

bool isComparable(Type type) { return isa<IntegerType>(type) || isComputeFloat(type); }

LogicalResult inferComparison(InferContext &context) {
  if (isText(context.elementType(0)) && isText(context.elementType(1)))
    return inferBroadcast(context, IntegerType::get(context.getContext(), 1));
  if (failed(requireTypes(context, isComparable, "numbers or bools")))
    return failure();
  return inferBroadcast(context, IntegerType::get(context.getContext(), 1));
}

LogicalResult expandComparison(ExpandContext &context) {
  if (isText(context.elementType(0))) {
    context.setValue(0,
                     equalText(context, context.resultType(0), context.input(0), context.input(1)));
    return success();
  }
  StringRef name = context.getNode().getOpType();
  const Comparison *kind =
      llvm::find_if(kComparisons, [&](const Comparison &c) { return c.name == name; });
  return expandPointwise(context, [&](const Scalar &s, ValueRange x, Type type) {
    if (isFloat(x[0].getType()))
      return s.cmpF(kind->ordered, x[0], x[1]);
    bool isUnsigned = type.isUnsignedInteger() || type.isInteger(1);
    return s.cmpI(isUnsigned ? kind->isUnsigned : kind->isSigned, x[0], x[1]);
  });
}

//===-- Where ---------------------------------------------------------------------------------===//

LogicalResult inferWhere(InferContext &context) {
  if (!context.elementType(0).isInteger(1))
    return context.error() << "input 0 must hold bools";
  if (context.elementType(1) != context.elementType(2))
    return context.error() << "inputs 1 and 2 differ in element type";
  return inferBroadcast(context, context.elementType(1));
}

LogicalResult expandWhere(ExpandContext &context) {
  auto body = [&](OpBuilder &b, ValueRange x) {
    return SmallVector<Value>{Scalar(b, context.getLoc()).select(x[0], x[1], x[2])};
  };
  Value operands[] = {context.input(0), context.input(1), context.input(2)};
  context.setValue(0, context.pointwise(context.resultType(0), operands, body));
  return success();
}

//===-- Clip ----------------------------------------------------------------------------------===//

LogicalResult inferClip(InferContext &context) {
  if (failed(requireTypes(context, isComparable, "numbers")))
    return failure();
  if (context.elementType(0).isInteger(1))
    return context.error() << "elements are bools, expected numbers";
  for (unsigned i = 1; i < std::min(context.numInputs(), 3u); ++i)
    if (context.hasInput(i))
      for (AffineExpr size : context.sizes(i))
        if (size != context.constantExpr(1))
          return context.error() << "input " << i << " must be one number";
  return inferSame(context);
}

LogicalResult expandClip(ExpandContext &context) {
  // Up to version 6 the bounds are attributes, later optional inputs.
  SmallVector<Value> operands{context.input(0)};
  int lowIndex = -1, highIndex = -1;
  auto addBound = [&](unsigned i, int &index) {
    if (!context.hasInput(i))
      return;
    index = operands.size();
    operands.push_back(context.reshape(context.input(i), {}));
  };
  if (context.version() >= 11) {
    addBound(1, lowIndex);
    addBound(2, highIndex);
  }
  auto attributeOf = [&](StringRef name) -> std::optional<double> {
    if (context.version() >= 11 || !context.attribute(name))
      return std::nullopt;
    return context.getFloat(name, 0);
  };
  std::optional<double> low = attributeOf("min"), high = attributeOf("max");
  return expandPointwise(context, operands, [&](const Scalar &s, ValueRange x, Type type) {
    bool isUnsigned = type.isUnsignedInteger();
    Value value = x[0];
    if (low || lowIndex > 0)
      value = s.maximum(value, low ? s.like(value, *low) : x[lowIndex], isUnsigned);
    if (high || highIndex > 0)
      value = s.minimum(value, high ? s.like(value, *high) : x[highIndex], isUnsigned);
    return value;
  });
}

} // namespace

void registerComparison(Registry &registry) {
  for (const Comparison &kind : kComparisons)
    registry.add({"", kind.name.str(), 1, inferComparison, expandComparison, 2,
                  /*takesText=*/kind.name == "Equal"});
  registry.add({"", "Where", 9, inferWhere, expandWhere, 3, /*takesText=*/true});
  registry.add({"", "Clip", 1, inferClip, expandClip});
}

} // namespace longtail::operators
