#include "dialects/Extent/IR/Extent.h"

using namespace mlir;

namespace longtail::extent {

unsigned symbolCount(ArrayRef<AffineExpr> exprs) {
  unsigned count = 0;
  for (AffineExpr expr : exprs)
    if (expr)
      expr.walk([&](AffineExpr sub) {
        if (auto symbol = dyn_cast<AffineSymbolExpr>(sub))
          count = std::max(count, symbol.getPosition() + 1);
      });
  return count;
}

AffineMap sizesMap(MLIRContext *context, ArrayRef<AffineExpr> sizes) {
  return AffineMap::get(0, symbolCount(sizes), sizes, context);
}

RankedTensorType tensorType(ArrayRef<AffineExpr> sizes, Type elementType) {
  SmallVector<int64_t> dims;
  bool dynamic = false;
  for (AffineExpr size : sizes) {
    auto constant = dyn_cast<AffineConstantExpr>(size);
    dims.push_back(constant ? constant.getValue() : ShapedType::kDynamic);
    dynamic |= !constant;
  }
  Attribute encoding;
  if (dynamic)
    encoding = ShapeAttr::get(elementType.getContext(), sizesMap(elementType.getContext(), sizes));
  return RankedTensorType::get(dims, elementType, encoding);
}

SmallVector<AffineExpr> sizesOf(RankedTensorType type) {
  if (auto shape = dyn_cast_or_null<ShapeAttr>(type.getEncoding()))
    return llvm::to_vector(shape.getMap().getResults());
  SmallVector<AffineExpr> sizes;
  for (int64_t dim : type.getShape())
    sizes.push_back(ShapedType::isDynamic(dim) ? AffineExpr()
                                               : getAffineConstantExpr(dim, type.getContext()));
  return sizes;
}

LogicalResult ShapeAttr::verify(function_ref<InFlightDiagnostic()> emitError, AffineMap map) {
  if (map.getNumDims() != 0)
    return emitError() << "a shape has symbols only, got " << map.getNumDims() << " dimensions";
  return success();
}

LogicalResult ShapeAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                        function_ref<InFlightDiagnostic()> emitError) const {
  if (getMap().getNumResults() != shape.size())
    return emitError() << "shape has " << getMap().getNumResults() << " sizes, the tensor has "
                       << shape.size() << " dimensions"; // shape_c3
  for (auto [index, dim] : llvm::enumerate(shape)) {
    auto constant = dyn_cast<AffineConstantExpr>(getMap().getResult(index));
    if (constant && constant.getValue() != dim) // shape_c1
      return emitError() << "dimension " << index << " is " << constant.getValue()
                         << " in the shape but not in the type";
    if (!constant && !ShapedType::isDynamic(dim)) // shape_c2
      return emitError() << "dimension " << index
                         << " is symbolic in the shape, static in the type";
  }
  return success();
}

} // namespace longtail::extent
