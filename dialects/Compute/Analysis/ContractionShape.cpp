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

AffineExpr ContractionShape::columnDim() const {
  return getAffineDimExpr(column, extents.front().getContext());
}

AffineExpr ContractionShape::group() const {
  return groupSize ? columnDim().floorDiv(groupSize)
                   : getAffineConstantExpr(0, extents.front().getContext());
}

AffineExpr ContractionShape::columnInGroup() const {
  return groupSize ? columnDim() % groupSize : columnDim();
}

AffineExpr ContractionShape::columnCount() const {
  return groupSize ? getAffineConstantExpr(groupSize, extents.front().getContext())
                   : extents[column];
}

AffineExpr ContractionShape::groupCount() const {
  MLIRContext *context = extents.front().getContext();
  return groupSize ? extents[column].floorDiv(groupSize) : getAffineConstantExpr(1, context);
}

/// The size of the groups of positions of `dim` within which `access` reads the same elements: a
/// divisor of quotients and remainders of the dimension that all indices have in common, and that
/// divides its extent. 0 if there is none.
static int64_t groupSizeOf(access::MapAttr access, unsigned dim, AffineExpr extent) {
  // Smaller groups would leave most lanes idle.
  constexpr int64_t kLeastColumns = 4;
  MLIRContext *context = access.getContext();
  AffineExpr position = getAffineDimExpr(dim, context);
  auto total = dyn_cast<AffineConstantExpr>(extent);
  int64_t size = 0;
  bool same = true;
  auto visit = [&](AffineExpr expr) {
    expr.walk([&](AffineExpr inner) {
      if (inner.getKind() != AffineExprKind::FloorDiv && inner.getKind() != AffineExprKind::Mod)
        return;
      auto binary = cast<AffineBinaryOpExpr>(inner);
      auto divisor = dyn_cast<AffineConstantExpr>(binary.getRHS());
      if (inner.getKind() == AffineExprKind::Mod || binary.getLHS() != position || !divisor)
        same &= !inner.isFunctionOfDim(dim);
      else if (size == 0 || size == divisor.getValue())
        size = divisor.getValue();
      else
        same = false;
    });
  };
  llvm::for_each(access.getMap().getResults(), visit);
  if (!access.isTotal()) {
    llvm::for_each(access.getValid().getResults(), visit);
    llvm::for_each(access.getBelow().getResults(), visit);
  }
  if (!same || size < kLeastColumns || !total || total.getValue() % size != 0)
    return 0;
  // The dimension occurs nowhere else.
  AffineExpr quotient = position.floorDiv(size), zero = getAffineConstantExpr(0, context);
  auto independent = [&](AffineExpr expr) {
    return !expr.replace(quotient, zero).isFunctionOfDim(dim);
  };
  if (!llvm::all_of(access.getMap().getResults(), independent) ||
      (!access.isTotal() && (!llvm::all_of(access.getValid().getResults(), independent) ||
                             !llvm::all_of(access.getBelow().getResults(), independent))))
    return 0;
  return size;
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
  for (unsigned dim = 0; dim < rank && !column; ++dim) {
    int64_t size = groupSizeOf(contract.getLhsMap(), dim, shape.extents[dim]);
    if (size == 0 || !dependsOn(contract.getRhsMap(), dim))
      continue;
    column = dim;
    shape.groupSize = size;
    llvm::erase(shape.batch, dim);
  }
  if (!column)
    return std::nullopt;
  shape.column = *column;
  llvm::sort(shape.batch);
  for (unsigned dim = rank; dim < shape.extents.size(); ++dim)
    shape.reduced.push_back(dim);
  return shape;
}

bool isByteProduct(ContractOp contract, const ContractionShape &shape) {
  auto element = [](Value tensor) { return getElementTypeOrSelf(tensor.getType()); };
  return element(contract.getLhs()).isUnsignedInteger(8) &&
         (element(contract.getRhs()).isSignlessInteger(8) ||
          element(contract.getRhs()).isSignedInteger(8)) &&
         element(contract.getOutput()).isInteger(32) && contract.getLhsMap().isTotal() &&
         isa<AffineConstantExpr>(shape.extents[shape.reduced.back()]);
}

int64_t packedSteps(ContractOp contract, const ContractionShape &shape) {
  AffineExpr step = getAffineDimExpr(shape.reduced.back(), contract.getContext());
  return contract.getRhsMap().getMap().getResults().back() == step % kBytesOfProduct
             ? kBytesOfProduct
             : 1;
}

int64_t panelWidth(ContractOp contract, const ContractionShape &shape) {
  unsigned behind = packedSteps(contract, shape) > 1 ? 1 : 0;
  ArrayRef<AffineExpr> positions = contract.getRhsMap().getMap().getResults();
  if (positions.size() <= behind)
    return 0;
  SmallVector<AffineExpr> sizes = extent::sizesOf(contract.getRhs());
  auto width = dyn_cast<AffineConstantExpr>(sizes[sizes.size() - 1 - behind]);
  bool isPanel = width && width.getValue() > 0 &&
                 positions.drop_back(behind).back() == shape.columnInGroup() % width.getValue();
  return isPanel ? width.getValue() : 0;
}

bool isPacked(ContractOp contract, const ContractionShape &shape, int64_t width) {
  int64_t panel = panelWidth(contract, shape);
  return panel != 0 && panel % width == 0;
}

} // namespace longtail::compute
