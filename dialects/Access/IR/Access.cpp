#include "dialects/Access/IR/Access.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/Access/IR/AccessDialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Access/IR/AccessAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Access/IR/AccessTypes.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/Access/IR/AccessOps.cpp.inc"

namespace longtail::access {

void AccessDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Access/IR/AccessAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Access/IR/AccessTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Access/IR/AccessOps.cpp.inc"
      >();
}

bool isHandle(Type elementType) {
  return !elementType.isIntOrIndexOrFloat() && !isa<ComplexType>(elementType);
}

unsigned bitWidth(Type elementType) {
  return isHandle(elementType) ? 64 : elementType.getIntOrFloatBitWidth();
}

Type computeType(Type elementType) {
  if (isHandle(elementType))
    return IntegerType::get(elementType.getContext(), 64);
  auto integer = dyn_cast<IntegerType>(elementType);
  return integer ? IntegerType::get(integer.getContext(), integer.getWidth()) : elementType;
}

MapAttr MapAttr::getIdentity(MLIRContext *context, unsigned rank) {
  return get(context, AffineMap::getMultiDimIdentityMap(rank, context), {}, {});
}

LogicalResult MapAttr::verify(function_ref<InFlightDiagnostic()> emitError, AffineMap map,
                              AffineMap valid, AffineMap below) {
  if (static_cast<bool>(valid) != static_cast<bool>(below))
    return emitError() << "conditions need both 'valid' and 'below'";
  if (!valid)
    return success();
  if (valid.getNumResults() != below.getNumResults()) // map_c1
    return emitError() << "there are " << valid.getNumResults() << " conditions and "
                       << below.getNumResults() << " bounds";
  if (valid.getNumDims() != map.getNumDims() || below.getNumDims() != map.getNumDims()) // map_c2
    return emitError() << "the conditions and the map differ in dimensions";
  return success();
}

LogicalResult ReadOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (getMap().getMap().getNumDims() != result.getRank()) // read_c1
    return emitOpError() << "map has " << getMap().getMap().getNumDims()
                         << " dimensions, result has " << result.getRank();
  if (getMap().getMap().getNumResults() != source.getRank()) // read_c2
    return emitOpError() << "map gives " << getMap().getMap().getNumResults()
                         << " indices, source has " << source.getRank() << " dimensions";
  if (source.getElementType() != result.getElementType())
    return emitOpError("source and result differ in element type");
  if (!getMap().isTotal() &&
      (!getFillAttr() ||
       getFillAttr().getType() != computeType(source.getElementType()))) // read_c3
    return emitOpError("a map with conditions needs a fill value of the element's compute type");
  return success();
}

OpFoldResult ReadOp::fold(FoldAdaptor) {
  if (getMap().isIdentity() && getSource().getType() == getResult().getType())
    return getSource();
  return {};
}

LogicalResult LoadOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  if (static_cast<int64_t>(getIndices().size()) != source.getRank()) // load_c1
    return emitOpError() << "has " << getIndices().size() << " indices, source has "
                         << source.getRank() << " dimensions";
  if (getResult().getType() != computeType(source.getElementType())) // load_c2
    return emitOpError() << "gives " << getResult().getType() << ", elements are "
                         << computeType(source.getElementType());
  return success();
}

/// Labels c1 and c2 of `access.store` and `access.fetch`.
static LogicalResult verifyElement(Operation *op, Type value, PlaceType place, size_t indices) {
  RankedTensorType tensor = place.getTensor();
  if (static_cast<int64_t>(indices) != tensor.getRank()) // c1
    return op->emitOpError() << "has " << indices << " indices, the place has " << tensor.getRank()
                             << " dimensions";
  if (value != computeType(tensor.getElementType())) // c2
    return op->emitOpError() << "moves " << value << ", elements are "
                             << computeType(tensor.getElementType());
  return success();
}

LogicalResult StoreOp::verify() {
  return verifyElement(*this, getValue().getType(), getPlace().getType(), getIndices().size());
}

LogicalResult FetchOp::verify() {
  return verifyElement(*this, getResult().getType(), getPlace().getType(), getIndices().size());
}

LogicalResult LocalOp::verify() {
  if ((*this)->getParentOp()->getName().getStringRef() != "compute.grid") // local_c1
    return emitOpError("must be at the top of a compute.grid");
  return success();
}

LogicalResult ConcatOp::verify() {
  auto result = cast<RankedTensorType>(getResult().getType());
  if (getSources().empty())
    return emitOpError("needs a source");
  if (static_cast<int64_t>(getAxis()) < 0 || static_cast<int64_t>(getAxis()) >= result.getRank())
    return emitOpError() << "axis " << getAxis() << " is not a dimension of the result";
  SmallVector<AffineExpr> expected = extent::sizesOf(getResult());
  AffineExpr sum = getAffineConstantExpr(0, getContext());
  for (Value source : getSources()) {
    auto type = cast<RankedTensorType>(source.getType());
    if (type.getRank() != result.getRank() || type.getElementType() != result.getElementType())
      return emitOpError() << "source " << type << " does not fit result " << result; // concat_c2
    SmallVector<AffineExpr> sizes = extent::sizesOf(source);
    if (sizes[getAxis()] && sum)
      sum = sum + sizes[getAxis()];
    else
      sum = {};
    for (int64_t dim = 0; dim < result.getRank(); ++dim)
      if (dim != static_cast<int64_t>(getAxis()) &&
          isa_and_nonnull<AffineConstantExpr>(sizes[dim]) &&
          isa_and_nonnull<AffineConstantExpr>(expected[dim]) && sizes[dim] != expected[dim])
        return emitOpError() << "sources differ in dimension " << dim; // concat_c2
  }
  if (sum && isa<AffineConstantExpr>(sum) &&
      isa_and_nonnull<AffineConstantExpr>(expected[getAxis()]) && sum != expected[getAxis()])
    return emitOpError("result is not as long as the sources together"); // concat_c1
  return success();
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  if (getSources().size() == 1 && getSources().front().getType() == getResult().getType())
    return getSources().front();
  return {};
}

} // namespace longtail::access
