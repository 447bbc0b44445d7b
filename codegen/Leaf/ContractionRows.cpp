// Rows of a contraction's tiles: where they read the left operand, and where that needs conditions.
#include "codegen/Leaf/ContractionEmitter.h"

using namespace mlir;

namespace longtail::leaf {

SmallVector<AffineExpr> ContractionEmitter::leftCoordinates(const Row &row) const {
  SmallVector<AffineExpr> result(row.coordinates);
  if (shape.groupSize)
    result[shape.column] = groupDim * shape.groupSize;
  return result;
}

SmallVector<AffineExpr> ContractionEmitter::rightIndices(const Row &row) {
  AffineMap map = contract.getRhsMap().getMap();
  if (!shape.groupSize)
    return applyMap(map, row.coordinates);
  unsigned dims = map.getNumDims();
  AffineExpr group = getAffineDimExpr(dims, kernel.context()),
             inGroup = getAffineDimExpr(dims + 1, kernel.context());
  map = AffineMap::get(
      dims + 2, map.getNumSymbols(),
      llvm::map_to_vector(
          map.getResults(),
          [&](AffineExpr e) {
            return e.replace(shape.columnInGroup(), inGroup).replace(shape.group(), group);
          }),
      kernel.context());
  SmallVector<AffineExpr> at(row.coordinates);
  at.append({groupDim, columnInGroup});
  return applyMap(map, at);
}

SmallVector<SmallVector<unsigned>> ContractionEmitter::rowRuns() {
  access::Domain domain(shape.extents);
  SmallVector<AffineExpr> identity, offsets, conditions;
  for (unsigned i = 0; i < shape.extents.size(); ++i)
    identity.push_back(getAffineDimExpr(i, kernel.context()));
  auto add = [&](const KernelBuilder::Place &place, ArrayRef<AffineExpr> at) {
    offsets.push_back(kernel.simplify(kernel.offsetAt(place, at), domain));
  };
  add(kernel.input(contract.getLhs()), applyMap(contract.getLhsMap().getMap(), identity));
  if (!contract.getLhsMap().isTotal())
    llvm::append_range(conditions, applyMap(contract.getLhsMap().getValid(), identity));
  ArrayRef<AffineExpr> parallel = ArrayRef(identity).drop_back(shape.reduced.size());
  for (auto [number, tensor] : llvm::enumerate(tensors)) {
    add(kernel.result(number), parallel);
    visitLeaves(
        tensor, parallel,
        [&](Value leaf, ArrayRef<AffineExpr> at) {
          if (isa<BlockArgument>(leaf))
            add(kernel.input(leaf), at);
        },
        [&](AffineExpr position) { conditions.push_back(position); });
  }
  SmallVector<unsigned> order;
  for (int64_t dim : kernel.result(0).layout)
    if (llvm::is_contained(shape.rows, unsigned(dim)))
      order.push_back(dim);
  return access::collapse(offsets, order, domain, conditions);
}

SmallVector<ContractionEmitter::Row, 0> ContractionEmitter::rowsFrom(const Frame &frame,
                                                                     Value first, int64_t count) {
  SmallVector<Row, 0> result;
  SmallVector<Value> positions;
  for (int64_t i = 0; i < count; ++i) {
    Row row{frame, coordinates};
    if (rowExtents.size() == 1) {
      row.frame.dims[firstRowDim] = first;
      if (i != 0) {
        AffineExpr dim = getAffineDimExpr(firstRowDim, kernel.context());
        for (AffineExpr &coordinate : row.coordinates)
          coordinate = kernel.simplify(coordinate.replace(dim, dim + i), frame.domain);
      }
    } else {
      positions = i == 0 ? kernel.delinearize(first, rowExtents) : nextRow(positions);
      llvm::copy(positions, row.frame.dims.begin() + firstRowDim);
    }
    result.push_back(std::move(row));
  }
  return result;
}

SmallVector<Value> ContractionEmitter::nextRow(ArrayRef<Value> positions) {
  OpBuilder &b = kernel.builder;
  SmallVector<Value> next(positions);
  Value carry = kernel.index(1);
  for (unsigned i = positions.size(); i-- > 0;) {
    Value sum = kernel.add(positions[i], carry);
    if (i == 0) {
      next[i] = sum;
      break;
    }
    Value wraps = arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::eq, sum,
                                        kernel.size(rowExtents[i]));
    next[i] = arith::SelectOp::create(b, kernel.loc, wraps, kernel.index(0), sum);
    carry = arith::SelectOp::create(b, kernel.loc, wraps, kernel.index(1), kernel.index(0));
  }
  return next;
}

SmallVector<ContractionEmitter::Row, 0> ContractionEmitter::lineFrom(const Row &first,
                                                                     int64_t count) {
  AffineExpr dim = getAffineDimExpr(panelDim - 1, kernel.context());
  SmallVector<Row, 0> result;
  for (int64_t i = 0; i < count; ++i) {
    Row row{first.frame, coordinates};
    for (AffineExpr &coordinate : row.coordinates)
      coordinate = kernel.simplify(coordinate.replace(dim, dim + i), row.frame.domain);
    result.push_back(std::move(row));
  }
  return result;
}

Value ContractionEmitter::insideFrom(const Row &first, int64_t count) {
  access::MapAttr map = contract.getLhsMap();
  if (fours || count == 1 || (map.isTotal() && rowExtents.size() == 1))
    return {};
  MLIRContext *context = kernel.context();
  unsigned line = panelDim - 1;
  const access::Domain &domain = first.frame.domain;
  SmallVector<AffineExpr> at = leftCoordinates(first);
  SmallVector<std::pair<AffineExpr, AffineExpr>> ranges; // corners, and their limits
  if (rowExtents.size() > 1)
    ranges.emplace_back(getAffineDimExpr(line, context) + (count - 1), rowExtents.back());
  if (!map.isTotal())
    for (auto [position, bound] :
         llvm::zip(applyMap(map.getValid(), at), applyMap(map.getBelow(), at))) {
      AffineExpr limit = bound, low = kernel.simplify(position, domain), high = low;
      auto extend = [&](unsigned dim, AffineExpr steps, bool replace) {
        auto stride = dyn_cast_or_null<AffineConstantExpr>(kernel.strideAlong(low, dim, domain));
        if (!stride || limit.isFunctionOfDim(dim))
          return false;
        AffineExpr zero = getAffineConstantExpr(0, context), self = getAffineDimExpr(dim, context);
        AffineExpr from = replace ? zero : self, to = replace ? steps : self + steps;
        bool up = stride.getValue() >= 0;
        low = kernel.simplify(low.replace(self, up ? from : to), domain);
        high = kernel.simplify(high.replace(self, up ? to : from), domain);
        return true;
      };
      if (!extend(line, getAffineConstantExpr(count - 1, context), /*replace=*/false))
        return {};
      for (unsigned i = 0; i < shape.reduced.size(); ++i)
        if (!extend(firstReducedDim + i, loopExtents[firstReducedDim + i] - 1, /*replace=*/true))
          return {};
      for (AffineExpr corner : {low, high})
        ranges.emplace_back(corner, kernel.simplify(limit, domain));
    }
  Value all;
  for (auto [corner, limit] : ranges) {
    Value one = kernel.inRange(kernel.evaluate(corner, first.frame.dims),
                               kernel.evaluate(limit, first.frame.dims));
    all = all ? Value(arith::AndIOp::create(kernel.builder, kernel.loc, all, one)) : one;
  }
  return all;
}

Value ContractionEmitter::conditionOf(Row &row, unsigned dim) {
  if (contract.getLhsMap().isTotal() || dependsOnStep(row, dim))
    return {};
  Frame scalar = row.frame;
  scalar.lane = -1;
  scalar.lanes = 1;
  return elements.conditions(contract.getLhsMap(), leftCoordinates(row), scalar).first;
}

bool ContractionEmitter::dependsOnStep(Row &row, unsigned dim) {
  return llvm::any_of(applyMap(contract.getLhsMap().getValid(), leftCoordinates(row)),
                      [&](AffineExpr expr) { return expr.isFunctionOfDim(dim); });
}

} // namespace longtail::leaf
