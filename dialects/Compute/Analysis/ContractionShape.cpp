#include "dialects/Compute/Analysis/ContractionShape.h"

using namespace mlir;

namespace longtail::compute {

static bool dependsOn(access::MapAttr access, unsigned dim) {
  auto any = [&](AffineMap map) {
    return map && llvm::any_of(map.getResults(),
                               [&](AffineExpr expr) { return expr.isFunctionOfDim(dim); });
  };
  return any(access.getMap()) || any(access.getValid());
}

std::optional<ContractionShape> matchContraction(ContractOp contract) {
  ContractionShape shape;
  shape.extents = extent::sizesOf(contract.getOutput());
  unsigned rank = shape.extents.size();
  llvm::append_range(shape.extents, contract.getExtents().getResults());
  if (!contract.getRhsMap().isTotal() || shape.extents.size() == rank)
    return std::nullopt;
  // A size that is not known counts as large.
  auto sizeOf = [&](unsigned dim) {
    auto constant = dyn_cast<AffineConstantExpr>(shape.extents[dim]);
    return constant ? constant.getValue() : std::numeric_limits<int64_t>::max();
  };
  std::optional<unsigned> column;
  for (unsigned dim = 0; dim < rank; ++dim) {
    bool left = dependsOn(contract.getLhsMap(), dim), right = dependsOn(contract.getRhsMap(), dim);
    if (left && !right) {
      shape.rows.push_back(dim);
    } else if (right && !left) {
      if (!column || sizeOf(dim) >= sizeOf(*column)) {
        if (column)
          shape.batch.push_back(*column);
        column = dim;
      } else {
        shape.batch.push_back(dim);
      }
    } else {
      shape.batch.push_back(dim);
    }
  }
  if (!column)
    return std::nullopt;
  shape.column = *column;
  llvm::sort(shape.batch);
  for (unsigned dim = rank; dim < shape.extents.size(); ++dim)
    shape.reduced.push_back(dim);
  return shape;
}

bool isPacked(ContractOp contract, const ContractionShape &shape, int64_t width) {
  AffineExpr last = contract.getRhsMap().getMap().getResults().back();
  auto panel = dyn_cast<AffineConstantExpr>(extent::sizesOf(contract.getRhs()).back());
  return panel && panel.getValue() % width == 0 &&
         last == getAffineDimExpr(shape.column, contract.getContext()) % panel.getValue();
}

} // namespace longtail::compute
