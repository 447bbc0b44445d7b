#include "compiler/Limits.h"
#include "compiler/Operators/Registry.h"
#include "compiler/Operators/Scalar.h"
#include "compiler/Operators/SizeProduct.h"

using namespace mlir;

namespace longtail::operators {

RankedTensorType ExpandContext::resultType(unsigned i) const {
  return cast<RankedTensorType>(node->getResult(i).getType());
}

AffineExpr ExpandContext::dim(unsigned position) const {
  return getAffineDimExpr(position, getContext());
}

access::MapAttr ExpandContext::access(unsigned domainRank, ArrayRef<AffineExpr> indices) const {
  AffineMap map = AffineMap::get(domainRank, extent::symbolCount(indices), indices, getContext());
  return access::MapAttr::get(getContext(), map, {}, {});
}

access::MapAttr ExpandContext::access(unsigned domainRank, ArrayRef<AffineExpr> indices,
                                      ArrayRef<AffineExpr> valid,
                                      ArrayRef<AffineExpr> below) const {
  if (valid.empty())
    return access(domainRank, indices);
  auto map = [&](ArrayRef<AffineExpr> exprs) {
    return AffineMap::get(domainRank, extent::symbolCount(exprs), exprs, getContext());
  };
  return access::MapAttr::get(getContext(), map(indices), map(valid), map(below));
}

access::MapAttr ExpandContext::broadcastAccess(ArrayRef<AffineExpr> sizes,
                                               ArrayRef<AffineExpr> domainSizes) const {
  SmallVector<AffineExpr> indices;
  unsigned offset = domainSizes.size() - sizes.size();
  AffineExpr one = constantExpr(1);
  for (auto [i, size] : llvm::enumerate(sizes)) {
    AffineExpr position = dim(offset + i);
    if (size == one)
      indices.push_back(constantExpr(0));
    else if (size == domainSizes[offset + i] || isa<AffineConstantExpr>(size) ||
             mustAgree(size, domainSizes[offset + i]))
      indices.push_back(position);
    else
      indices.push_back(position * symbols.derive(extent::Function::Less, {one, size}));
  }
  return access(domainSizes.size(), indices);
}

Value ExpandContext::read(Value source, access::MapAttr access, ArrayRef<AffineExpr> sizes,
                          TypedAttr fill) const {
  Type elementType = cast<RankedTensorType>(source.getType()).getElementType();
  SmallVector<AffineExpr> simplified = llvm::map_to_vector(
      sizes, [&](AffineExpr size) { return simplifyAffineExpr(size, 0, symbols.size()); });
  RankedTensorType type = extent::tensorType(simplified, elementType);
  if (access.isIdentity() && type == source.getType())
    return source;
  if (!access.isTotal() && !fill)
    fill = scalarAttr(elementType, 0);
  return access::ReadOp::create(builder, getLoc(), type, source, access,
                                access.isTotal() ? TypedAttr() : fill);
}

/// Index expressions of `from`'s dimensions at position `linear` (in row-major order) of a box of
/// these sizes; the first digit needs no remainder.
static void delinearize(AffineExpr linear, ArrayRef<AffineExpr> sizes,
                        SmallVectorImpl<AffineExpr> &indices) {
  MLIRContext *context = linear.getContext();
  AffineExpr zero = getAffineConstantExpr(0, context), one = getAffineConstantExpr(1, context);
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == one) {
      indices.push_back(zero);
      continue;
    }
    AffineExpr digit = linear;
    AffineExpr stride = SizeProduct(context, sizes.drop_front(i + 1)).expr();
    if (stride != one)
      digit = digit.floorDiv(stride);
    bool isFirst = llvm::all_of(sizes.take_front(i), [&](AffineExpr e) { return e == one; });
    indices.push_back(isFirst ? digit : digit % sizes[i]);
  }
}

Value ExpandContext::reshape(Value source, ArrayRef<AffineExpr> sizes) const {
  MLIRContext *context = getContext();
  SmallVector<AffineExpr> from = extent::sizesOf(source), indices;
  AffineExpr zero = constantExpr(0);
  auto isEmpty = [&](ArrayRef<AffineExpr> all) { return llvm::is_contained(all, zero); };
  if (isEmpty(from) || isEmpty(sizes)) { // nothing is read
    indices.assign(from.size(), zero);
    return read(source, access(sizes.size(), indices), sizes);
  }
  // Match the shortest groups of dimensions with equal products, then compose inside each.
  size_t i = 0, j = 0;
  while (i < from.size() || j < sizes.size()) {
    size_t countFrom = from.size() - i, countTo = sizes.size() - j;
    bool matched = false;
    for (size_t total = 1; total < countFrom + countTo && !matched; ++total)
      for (size_t a = 0; a <= std::min(total, from.size() - i) && !matched; ++a) {
        size_t b = total - a;
        if (b > sizes.size() - j)
          continue;
        SizeProduct left(context, ArrayRef(from).slice(i, a));
        SizeProduct right(context, ArrayRef(sizes).slice(j, b));
        if (!(left == right))
          continue;
        countFrom = a, countTo = b, matched = true;
      }
    ArrayRef<AffineExpr> to = sizes.slice(j, countTo);
    AffineExpr linear = zero;
    for (size_t k = 0; k < countTo; ++k)
      linear = linear * to[k] + dim(j + k);
    delinearize(linear, ArrayRef(from).slice(i, countFrom), indices);
    i += countFrom;
    j += countTo;
  }
  Value result = read(source, access(sizes.size(), indices), sizes);
  if (result != source)
    result.getDefiningOp()->setAttr(access::kRowMajorAttr, builder.getUnitAttr());
  return result;
}

Value ExpandContext::transpose(Value source, ArrayRef<int64_t> order) const {
  SmallVector<AffineExpr> from = extent::sizesOf(source), sizes, indices(from.size());
  for (auto [i, position] : llvm::enumerate(order)) {
    sizes.push_back(from[position]);
    indices[position] = dim(i);
  }
  return read(source, access(order.size(), indices), sizes);
}

Value ExpandContext::pointwise(RankedTensorType result, ArrayRef<Value> operands,
                               compute::BodyBuilder body) const {
  SmallVector<AffineExpr> domain = extent::sizesOf(result);
  SmallVector<compute::Operand> reads;
  for (Value operand : operands)
    reads.push_back({operand, broadcastAccess(extent::sizesOf(operand), domain), {}});
  return compute::buildMap(builder, getLoc(), result, reads, body).getResult(0);
}

Value ExpandContext::splat(ArrayRef<AffineExpr> sizes, Type elementType, TypedAttr value) const {
  RankedTensorType type = extent::tensorType(sizes, elementType);
  double bytes = elementType.getIntOrFloatBitWidth() / 8.0; // as a number that cannot overflow
  for (int64_t size : type.getShape())
    bytes *= double(size);
  if (type.hasStaticShape() && bytes <= limits::kSplatBytes) {
    Attribute element = value;
    if (auto integer = dyn_cast<IntegerAttr>(value)) // the tensor's integers may have a sign
      element = IntegerAttr::get(elementType, integer.getValue());
    return graph::ConstantOp::create(builder, getLoc(), type, DenseElementsAttr::get(type, element),
                                     StringAttr());
  }
  auto body = [&](OpBuilder &b, ValueRange) {
    return SmallVector<Value>{arith::ConstantOp::create(b, getLoc(), value)};
  };
  return compute::buildMap(builder, getLoc(), type, {}, body).getResult(0);
}

Value ExpandContext::materialize(RankedTensorType type, ArrayRef<AffineExpr> elements) const {
  Type elementType = type.getElementType();
  auto isConstant = [](AffineExpr e) { return isa<AffineConstantExpr>(e); };
  if (llvm::all_of(elements, isConstant)) {
    SmallVector<int64_t> values;
    for (AffineExpr element : elements)
      values.push_back(cast<AffineConstantExpr>(element).getValue());
    return graph::ConstantOp::create(builder, getLoc(), type, denseInts(type, values),
                                     StringAttr());
  }
  auto body = [&](OpBuilder &b, ValueRange) {
    Scalar s(b, getLoc());
    // The elements are not in memory anywhere: each point selects its own by its position.
    Value linear;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      Value position = s.make<compute::IndexOp>(b.getIndexType(), i);
      linear = linear ? s.add(s.mul(linear, s.index(type.getDimSize(i))), position) : position;
    }
    Value value;
    for (auto [i, element] : llvm::enumerate(elements)) {
      Value size =
          s.make<extent::SizeOp>(b.getIndexType(), extent::sizesMap(getContext(), {element}));
      value = value ? s.select(s.cmpI(arith::CmpIPredicate::eq, linear, s.index(i)), size, value)
                    : size;
    }
    Type result = access::computeType(elementType);
    if (result.isInteger(1))
      return SmallVector<Value>{s.cmpI(arith::CmpIPredicate::ne, value, s.index(0))};
    return SmallVector<Value>{s.make<arith::IndexCastOp>(result, value)};
  };
  return compute::buildMap(builder, getLoc(), type, {}, body).getResult(0);
}

Value ExpandContext::castTo(Value source, Type elementType) const {
  auto type = cast<RankedTensorType>(source.getType());
  if (type.getElementType() == elementType)
    return source;
  auto result = extent::tensorType(extent::sizesOf(type), elementType);
  return pointwise(result, source, [&](OpBuilder &b, ValueRange values) {
    return SmallVector<Value>{
        Scalar(b, getLoc()).convert(values[0], type.getElementType(), elementType)};
  });
}

} // namespace longtail::operators
