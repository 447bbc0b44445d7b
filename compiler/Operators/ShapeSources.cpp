// Operators that make tensors out of sizes and attributes: Constant, Shape, Range, EyeLike and so
// on.
#include "compiler/Operators/RegionBuilder.h"
#include "compiler/Operators/Shape.h"
#include "compiler/Operators/SizeProduct.h"
#include <cmath>

using namespace mlir;

namespace longtail::operators {
namespace {

using extent::Function;
using Exprs = SmallVector<AffineExpr>;

//===-- Constant, ConstantOfShape -------------------------------------------------------------===//

LogicalResult inferConstant(InferContext &context) {
  ElementsAttr elements = constantOf(context.getNode()->getResult(0));
  if (!elements)
    return context.error()
           << "constants that are sparse, strings or without a value are not supported";
  context.getNode()->getResult(0).setType(elements.getShapedType());
  return success();
}

LogicalResult expandConstant(ExpandContext &context) {
  ElementsAttr elements = constantOf(context.getNode()->getResult(0));
  context.setValue(0, graph::ConstantOp::create(context.getBuilder(), context.getLoc(),
                                                elements.getType(), elements, StringAttr()));
  return success();
}

/// The element that ConstantOfShape repeats; f32 zero by default. Null if it is not one number.
ElementsAttr filling(InferContext &context) {
  if (!context.attribute("value")) {
    auto type = RankedTensorType::get({1}, Float32Type::get(context.getContext()));
    return DenseElementsAttr::get(type, 0.0f);
  }
  auto value = dyn_cast<ElementsAttr>(context.attribute("value"));
  bool isNumber = value && value.getNumElements() == 1 && value.getElementType().isIntOrFloat();
  return isNumber ? value : nullptr;
}

LogicalResult inferConstantOfShape(InferContext &context) {
  ElementsAttr value = filling(context);
  if (!value)
    return context.error() << "attribute 'value' must hold one number";
  if (context.rank(0) != 1)
    return context.error() << "input 0 must be a list of sizes";
  FailureOr<Exprs> sizes = context.contentsOrBind(0, 0, kMaxSize);
  if (failed(sizes))
    return failure();
  context.setResult(0, value.getElementType(), *sizes);
  return success();
}

LogicalResult expandConstantOfShape(ExpandContext &context) {
  ElementsAttr value = filling(context);
  TypedAttr element;
  if (auto numbers = readInts(value))
    element = IntegerAttr::get(
        access::computeType(value.getElementType()),
        APInt(64, numbers->front()).sextOrTrunc(value.getElementType().getIntOrFloatBitWidth()));
  else
    element = scalarAttr(value.getElementType(), readNumbers(value)->front());
  RankedTensorType type = context.resultType(0);
  context.setValue(0, context.splat(extent::sizesOf(type), type.getElementType(), element));
  return success();
}

//===-- Shape, Size, Identity -----------------------------------------------------------------===//

Type int64(InferContext &context) { return IntegerType::get(context.getContext(), 64); }

LogicalResult inferShape(InferContext &context) {
  Exprs sizes = context.sizes(0);
  int64_t rank = sizes.size();
  auto bound = [&](StringRef name, int64_t otherwise) {
    int64_t value = context.getInt(name, otherwise);
    return std::clamp(value < 0 ? value + rank : value, int64_t(0), rank);
  };
  int64_t start = bound("start", 0), end = std::max(bound("end", rank), start);
  context.setResult(0, int64(context), context.constantExpr(end - start));
  context.setContents(0, ArrayRef(sizes).slice(start, end - start));
  return success();
}

LogicalResult inferSize(InferContext &context) {
  context.setResult(0, int64(context), {});
  context.setContents(0, SizeProduct(context.getContext(), context.sizes(0)).expr());
  return success();
}

/// Shape and Size are known element by element and replaced before any expansion runs.
LogicalResult expandKnown(ExpandContext &context) {
  return context.error() << "its contents are not recorded";
}

LogicalResult inferIdentity(InferContext &context) {
  context.setResult(0, context.elementType(0), context.sizes(0));
  return success();
}

LogicalResult expandIdentity(ExpandContext &context) {
  context.setValue(0, context.input(0));
  return success();
}

//===-- EyeLike, Trilu ------------------------------------------------------------------------===//

LogicalResult inferEyeLike(InferContext &context) {
  if (context.rank(0) != 2)
    return context.error() << "input 0 must be a matrix";
  Type type = context.elementType(0);
  if (context.attribute("dtype"))
    type = elementTypeOf(context.getContext(), context.getInt("dtype", 0));
  if (!type || !type.isIntOrFloat())
    return context.error() << "attribute 'dtype' names element type " << context.getInt("dtype", 0)
                           << ", which is not supported";
  context.setResult(0, type, context.sizes(0));
  return success();
}

LogicalResult expandEyeLike(ExpandContext &context) {
  int64_t k = context.getInt("k", 0);
  RankedTensorType result = context.resultType(0);
  auto body = [&](OpBuilder &b, ValueRange) {
    Scalar s(b, context.getLoc());
    Type index = b.getIndexType();
    Value row = s.make<compute::IndexOp>(index, 0), column = s.make<compute::IndexOp>(index, 1);
    Value isOne = s.cmpI(arith::CmpIPredicate::eq, column, s.add(row, s.index(k)));
    auto value = [&](double v) {
      return s.make<arith::ConstantOp>(scalarAttr(result.getElementType(), v));
    };
    return SmallVector<Value>{s.select(isOne, value(1), value(0))};
  };
  context.setValue(
      0, compute::buildMap(context.getBuilder(), context.getLoc(), result, {}, body).getResult(0));
  return success();
}

LogicalResult inferTrilu(InferContext &context) {
  if (context.rank(0) < 2)
    return context.error() << "input 0 must have 2 or more dimensions";
  if (context.hasInput(1) && !context.elementType(1).isInteger(64))
    return context.error() << "input 1 must be one i64";
  return inferIdentity(context);
}

LogicalResult expandTrilu(ExpandContext &context) {
  bool upper = context.getInt("upper", 1) != 0;
  RankedTensorType result = context.resultType(0);
  int64_t rank = result.getRank();
  SmallVector<compute::Operand> operands{{context.input(0), {}, {}}};
  if (context.hasInput(1))
    operands.push_back({context.reshape(context.input(1), {}), context.access(rank, {}), {}});
  auto body = [&](OpBuilder &b, ValueRange x) {
    Scalar s(b, context.getLoc());
    Type index = b.getIndexType(), i64 = b.getI64Type();
    auto position = [&](int64_t dim) {
      return s.make<arith::IndexCastOp>(i64, s.make<compute::IndexOp>(index, dim));
    };
    Value diagonal = s.sub(position(rank - 1), position(rank - 2));
    Value k = x.size() > 1 ? x[1] : s.integer(i64, 0);
    Value keep = s.cmpI(upper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle, diagonal, k);
    Value zero = s.make<arith::ConstantOp>(scalarAttr(result.getElementType(), 0));
    return SmallVector<Value>{s.select(keep, x[0], zero)};
  };
  context.setValue(0,
                   compute::buildMap(context.getBuilder(), context.getLoc(), result, operands, body)
                       .getResult(0));
  return success();
}

//===-- Range ---------------------------------------------------------------------------------===//

/// The number of elements where only the run-time values tell: nodes that compute it, read as a
/// symbol.
AffineExpr bindCount(InferContext &context) {
  OpBuilder builder(context.getNode());
  Type f64 = builder.getF64Type();
  auto scalar = RankedTensorType::get({}, f64);
  auto wide = [&](unsigned i) {
    Value value = context.inputValue(i);
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getRank() != 0) {
      auto none = RankedTensorType::get({0}, builder.getI64Type());
      Value shape = graph::ConstantOp::create(builder, context.getLoc(), none, denseInts(none, {}),
                                              StringAttr());
      type = RankedTensorType::get({}, type.getElementType());
      value = addNode(builder, context.getLoc(), "Reshape", {value, shape}, type);
    }
    return addNode(builder, context.getLoc(), "Cast", value, scalar,
                   builder.getNamedAttr("to", builder.getI64IntegerAttr(11)));
  };
  Value distance = addNode(builder, context.getLoc(), "Sub", {wide(1), wide(0)}, scalar);
  Value count = addNode(builder, context.getLoc(), "Div", {distance, wide(2)}, scalar);
  count = addNode(builder, context.getLoc(), "Ceil", count, scalar);
  AffineExpr symbol = bindNumber(context, count, -kMaxSize, kMaxSize);
  return context.getSymbols().max(symbol, context.constantExpr(0));
}

LogicalResult inferRange(InferContext &context) {
  for (unsigned i : {0u, 1u, 2u})
    for (AffineExpr size : context.sizes(i)) // exporters write vectors of one number, too
      if (failed(requireEqualSizes(context, size, context.constantExpr(1),
                                   "the sizes of input " + Twine(i) + ", which is one number,")))
        return failure();
  Type type = context.elementType(0);
  if (!isNumber(type) || type != context.elementType(1) || type != context.elementType(2))
    return context.error() << "start, limit and delta must be numbers of one type";
  extent::SymbolTable &symbols = context.getSymbols();
  auto start = context.constantNumbers(0), limit = context.constantNumbers(1),
       delta = context.constantNumbers(2);
  if (delta && delta->front() == 0)
    return context.error() << "delta is 0";
  AffineExpr count;
  auto from = context.contents(0), to = context.contents(1), by = context.contents(2);
  if (start && limit && delta) {
    double number = std::ceil((limit->front() - start->front()) / delta->front());
    if (!(number <= static_cast<double>(kMaxSize)))
      return context.error() << "start, limit and delta give " << number << " elements";
    count = context.constantExpr(std::max(number, 0.0));
  } else if (from && to && by) {
    AffineExpr distance = to->front() - from->front(), step = by->front();
    if (auto constant = dyn_cast<AffineConstantExpr>(step))
      count = constant.getValue() > 0 ? distance.ceilDiv(constant.getValue())
                                      : (-distance).ceilDiv(-constant.getValue());
    else
      count = -symbols.derive(Function::FloorDiv, {-distance, step});
    count = symbols.max(simplifyAffineExpr(count, 0, symbols.size()), context.constantExpr(0));
  } else {
    count = bindCount(context);
  }
  context.setResult(0, type, count);
  return success();
}

LogicalResult expandRange(ExpandContext &context) {
  RankedTensorType result = context.resultType(0);
  Type elementType = result.getElementType();
  auto body = [&](OpBuilder &b, ValueRange x) {
    Scalar s(b, context.getLoc());
    Value start = s.widen(x[0]), delta = s.widen(x[1]);
    Value index =
        s.make<arith::IndexCastOp>(b.getI64Type(), s.make<compute::IndexOp>(b.getIndexType(), 0));
    Value position =
        s.convert(index, b.getI64Type(), isFloat(elementType) ? start.getType() : elementType);
    Value value = s.add(start, s.mul(position, delta));
    return SmallVector<Value>{isFloat(elementType) ? s.narrow(value, elementType) : value};
  };
  Value start = context.reshape(context.input(0), {}),
        delta = context.reshape(context.input(2), {});
  context.setValue(0, context.pointwise(result, {start, delta}, body));
  return success();
}

} // namespace

void registerSources(Registry &registry) {
  registry.add({"", "Constant", 1, inferConstant, expandConstant, 0});
  registry.add({"", "ConstantOfShape", 9, inferConstantOfShape, expandConstantOfShape});
  registry.add({"", "Shape", 1, inferShape, expandKnown, 1, /*takesText=*/true});
  registry.add({"", "Size", 1, inferSize, expandKnown, 1, /*takesText=*/true});
  registry.add({"", "Identity", 1, inferIdentity, expandIdentity, 1, /*takesText=*/true});
  registry.add({"", "EyeLike", 9, inferEyeLike, expandEyeLike});
  registry.add({"", "Trilu", 14, inferTrilu, expandTrilu});
  registry.add({"", "Range", 11, inferRange, expandRange, 3});
}

} // namespace longtail::operators
