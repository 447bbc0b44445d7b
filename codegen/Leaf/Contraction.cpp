// Groups around a contraction: register tiles of rows times vectors of columns, accumulated by
// outer products. Elements of the left operand enter as broadcasts, so they may lie anywhere; the
// right operand is read in vectors along the columns, from packed panels or from memory in which
// columns are neighbours. What follows is computed on the accumulators before they are stored.
#include "codegen/Leaf/ContractionEmitter.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace longtail::leaf {

ContractionEmitter::ContractionEmitter(KernelBuilder &kernel, compute::ContractOp contract,
                                       compute::ContractionShape shape)
    : kernel(kernel), contract(contract), shape(std::move(shape)), elements(kernel),
      tensors(kernel.group.getBody().front().getTerminator()->getOperands()),
      lanes(kernel.schedule.getLanes()), rows(kernel.schedule.getRows()),
      vectors(kernel.schedule.getVectors()), width(lanes * vectors) {}

Kernel ContractionEmitter::run() {
  packed = compute::isPacked(contract, shape, width);
  fours = packed && compute::packedSteps(contract, shape) == compute::kBytesOfProduct;
  accumulatorType = VectorType::get(
      {lanes}, access::computeType(getElementTypeOrSelf(contract.getOutput().getType())));
  buildLoopDims();

  // A tile is a batch position, `grain` blocks of rows and `panels` panels of columns; in a
  // chain, all columns of the rows of a stripe.
  int64_t grain = kernel.schedule.getGrain(), panels = kernel.schedule.getPanels();
  AffineExpr panelCount = columnCount.ceilDiv(width), panelTiles = panelCount.ceilDiv(panels);
  AffineExpr rowTiles = rowCount.ceilDiv(rows * grain), batchCount = product(batchExtents);
  AffineExpr tiles = batchCount * panelTiles * rowTiles;
  Value rowTotal = kernel.size(rowCount);
  Value batch, firstRow, lastRow, firstPanel, lastPanel;
  if (const auto &stripe = kernel.stripeRange()) {
    batch = stripe->batch, firstRow = stripe->low, lastRow = stripe->high;
    firstPanel = kernel.index(0), lastPanel = kernel.size(panelCount);
    tiles = stripe->tiles;
  } else {
    SmallVector<Value> position =
        kernel.delinearize(kernel.tile(), {batchCount, panelTiles, rowTiles});
    batch = position[0];
    firstRow = kernel.mul(position[2], kernel.index(grain * rows));
    lastRow = kernel.min(kernel.add(firstRow, kernel.index(grain * rows)), rowTotal);
    firstPanel = kernel.mul(position[1], kernel.index(panels));
    lastPanel = kernel.min(kernel.add(firstPanel, kernel.index(panels)), kernel.size(panelCount));
  }
  Frame frame;
  frame.lanes = lanes;
  frame.domain = access::Domain(loopExtents);
  frame.dims.assign(loopExtents.size(), Value());
  frame.lane = lanes > 1 ? int(laneDim) : -1;
  auto emitBatch = [&](Value position) {
    llvm::copy(kernel.delinearize(position, batchExtents), frame.dims.begin());
    emitPanels(frame, firstPanel, lastPanel,
               [&] { emitRowBlocks(frame, firstRow, lastRow, rowTotal); });
  };
  // A stripe that is not of one batch position is of all.
  if (batch)
    emitBatch(batch);
  else
    kernel.loop(kernel.index(0), kernel.size(batchCount), 1, emitBatch);
  return finish(kernel, tiles);
}

AffineExpr ContractionEmitter::product(ArrayRef<AffineExpr> extents, MLIRContext *context) {
  AffineExpr result = getAffineConstantExpr(1, context);
  for (AffineExpr extent : extents)
    result = result * extent;
  return result;
}

void ContractionEmitter::buildLoopDims() {
  MLIRContext *context = kernel.context();
  coordinates.resize(shape.extents.size());
  auto addDim = [&](AffineExpr extent) {
    loopExtents.push_back(extent);
    return getAffineDimExpr(loopExtents.size() - 1, context);
  };
  for (unsigned dim : shape.batch) {
    coordinates[dim] = addDim(shape.extents[dim]);
    batchExtents.push_back(shape.extents[dim]);
  }
  AffineExpr group;
  if (shape.groupSize) {
    group = addDim(shape.groupCount());
    batchExtents.push_back(shape.groupCount());
  }
  firstRowDim = loopExtents.size();
  for (ArrayRef<unsigned> run : rowRuns()) {
    SmallVector<AffineExpr> sizes =
        llvm::map_to_vector(run, [&](unsigned dim) { return shape.extents[dim]; });
    rowExtents.push_back(product(sizes));
    AffineExpr rest = addDim(rowExtents.back());
    for (unsigned i = run.size(); i-- > 0;) {
      coordinates[run[i]] = i == 0 ? rest : rest % sizes[i];
      rest = rest.floorDiv(sizes[i]);
    }
  }
  if (rowExtents.empty())
    rowExtents.push_back(getAffineConstantExpr(1, context)), addDim(rowExtents.back());
  rowCount = product(rowExtents);
  columnCount = shape.columnCount();
  AffineExpr panel = addDim(columnCount.ceilDiv(width));
  panelDim = loopExtents.size() - 1;
  AffineExpr lane = addDim(getAffineConstantExpr(width, context));
  laneDim = loopExtents.size() - 1;
  columnInGroup = panel * width + lane;
  groupDim = group ? group : getAffineConstantExpr(0, context);
  coordinates[shape.column] = groupDim * shape.groupSize + columnInGroup;
  firstReducedDim = loopExtents.size();
  for (unsigned dim : shape.reduced)
    coordinates[dim] = addDim(shape.extents[dim]);
  access::Domain domain(loopExtents);
  for (AffineExpr &coordinate : coordinates)
    coordinate = kernel.simplify(coordinate, domain);
}

void ContractionEmitter::emitPanels(Frame &frame, Value first, Value last,
                                    function_ref<void()> emitRows) {
  OpBuilder &b = kernel.builder;
  auto panelAt = [&](Value panel, int64_t used) {
    llvm::SaveAndRestore<int64_t> narrower(vectors, used);
    frame.dims[panelDim] = panel;
    emitRows();
  };
  auto when = [&](arith::CmpIPredicate predicate, Value x, Value y, function_ref<void()> then,
                  function_ref<void()> otherwise) {
    Value condition = arith::CmpIOp::create(b, kernel.loc, predicate, x, y);
    auto branch = scf::IfOp::create(b, kernel.loc, condition, /*withElseRegion=*/bool(otherwise));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    then();
    if (!otherwise)
      return;
    b.setInsertionPointToStart(branch.elseBlock());
    otherwise();
  };
  auto columns = dyn_cast<AffineConstantExpr>(columnCount);
  if (!columns && vectors > 1) {
    int64_t half = llvm::divideCeil(vectors, 2);
    return kernel.loop(first, last, 1, [&](Value panel) {
      Value left = kernel.sub(kernel.size(columnCount), kernel.mul(panel, kernel.index(width)));
      when(
          arith::CmpIPredicate::sle, left, kernel.index(half * lanes),
          [&] { panelAt(panel, half); }, [&] { panelAt(panel, vectors); });
    });
  }
  int64_t rest = columns ? columns.getValue() % width : 0, used = llvm::divideCeil(rest, lanes);
  if (rest == 0 || used == vectors)
    return kernel.loop(first, last, 1, [&](Value panel) { panelAt(panel, vectors); });
  Value whole = kernel.index(columns.getValue() / width);
  if (columns.getValue() > width)
    kernel.loop(first, kernel.min(last, whole), 1, [&](Value panel) { panelAt(panel, vectors); });
  when(arith::CmpIPredicate::sgt, last, whole, [&] { panelAt(whole, used); }, nullptr);
}

void ContractionEmitter::emitRowBlocks(const Frame &frame, Value first, Value last, Value total) {
  auto constantTotal = getConstantIntValue(total);
  auto blocks = [&] {
    Value latest = kernel.sub(total, kernel.index(rows));
    kernel.loop(first, last, rows, [&](Value row) {
      emitTile(frame, rows == 1 ? row : kernel.min(row, latest), rows);
    });
  };
  auto singly = [&] { kernel.loop(first, last, 1, [&](Value row) { emitTile(frame, row, 1); }); };
  if (rows == 1 || (constantTotal && *constantTotal >= rows))
    return blocks();
  if (constantTotal)
    return singly();
  OpBuilder::InsertionGuard guard(kernel.builder);
  Value enough = arith::CmpIOp::create(kernel.builder, kernel.loc, arith::CmpIPredicate::sge, total,
                                       kernel.index(rows));
  auto branch = scf::IfOp::create(kernel.builder, kernel.loc, enough, /*withElseRegion=*/true);
  kernel.builder.setInsertionPointToStart(branch.thenBlock());
  blocks();
  kernel.builder.setInsertionPointToStart(branch.elseBlock());
  singly();
}

void ContractionEmitter::emitTile(const Frame &frame, Value first, int64_t count) {
  OpBuilder &b = kernel.builder;
  SmallVector<Row, 0> tile = rowsFrom(frame, first, count);
  Value zero =
      arith::ConstantOp::create(b, kernel.loc, kernel.builder.getZeroAttr(accumulatorType));
  SmallVector<Value> sums(count * vectors, zero);
  if (Value inside = insideFrom(tile.front(), count)) {
    auto branch = scf::IfOp::create(b, kernel.loc, TypeRange(ValueRange(sums)), inside, true);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      SmallVector<Row, 0> line = lineFrom(tile.front(), count);
      isInside = true;
      scf::YieldOp::create(b, kernel.loc, reduceFrom(line, 0, sums));
      isInside = false;
      b.setInsertionPointToStart(branch.elseBlock());
      SmallVector<Row, 0> apart = tile;
      scf::YieldOp::create(b, kernel.loc, reduceFrom(apart, 0, sums));
    }
    sums = branch.getResults();
  } else {
    sums = reduceFrom(tile, 0, sums);
  }
  for (auto [r, row] : llvm::enumerate(tile))
    for (int64_t v = 0; v < vectors; ++v)
      finishVector(row, v, sums[r * vectors + v]);
}

Value ContractionEmitter::maskOf(const Frame &frame, int64_t v) {
  auto columns = dyn_cast<AffineConstantExpr>(columnCount);
  if (columns && columns.getValue() % width == 0)
    return {};
  Value before =
      kernel.add(kernel.mul(frame.dims[panelDim], kernel.index(width)), kernel.index(v * lanes));
  Value left = kernel.sub(kernel.size(columnCount), before);
  return vector::CreateMaskOp::create(kernel.builder, kernel.loc,
                                      VectorType::get({lanes}, kernel.builder.getI1Type()),
                                      ValueRange{left});
}

void ContractionEmitter::finishVector(Row &row, int64_t v, Value sum) {
  Frame frame = row.frame;
  frame.dims[laneDim] = kernel.index(v * lanes);
  frame.mask = maskOf(frame, v);
  frame.someLaneExists = !frame.mask || v == 0;
  SmallVector<AffineExpr> at(row.coordinates);
  at.truncate(at.size() - shape.reduced.size());
  if (lanes == 1)
    frame.lane = -1;
  Elements::Mark mark = elements.mark();
  elements.keep(contract.getOutput(), at, sum);
  elements.storeResults(at, frame);
  elements.forget(mark);
}

Kernel emitContraction(KernelBuilder &kernel) {
  compute::ContractOp contract =
      *kernel.group.getBody().front().getOps<compute::ContractOp>().begin();
  return ContractionEmitter(kernel, contract, *compute::matchContraction(contract)).run();
}

} // namespace longtail::leaf
