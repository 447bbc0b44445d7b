// Groups around a contraction: register tiles of rows times vectors of columns, accumulated by
// outer products. Elements of the left operand enter as broadcasts, so they may lie anywhere; the
// right operand is read in vectors along the columns, from packed panels or from memory in which
// columns are neighbours. What follows is computed on the accumulators before they are stored.
#include "codegen/Leaf/Nest.h"
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

/// An inner reduction loop of at most this many steps is written out.
constexpr int64_t maxUnrolledSteps = 8;

class ContractionEmitter {
public:
  ContractionEmitter(KernelBuilder &kernel, compute::ContractOp contract,
                     compute::ContractionShape shape)
      : kernel(kernel), contract(contract), shape(std::move(shape)), elements(kernel),
        tensors(kernel.group.getBody().front().getTerminator()->getOperands()),
        lanes(kernel.schedule.getLanes()), rows(kernel.schedule.getRows()),
        vectors(kernel.schedule.getVectors()), width(lanes * vectors) {}

  Kernel run() {
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
    for (auto [i, value] : llvm::enumerate(kernel.delinearize(batch, batchExtents)))
      frame.dims[i] = value;

    kernel.loop(firstPanel, lastPanel, 1, [&](Value panel) {
      frame.dims[panelDim] = panel;
      emitRowBlocks(frame, firstRow, lastRow, rowTotal);
    });
    return finish(kernel, tiles);
  }

private:
  static AffineExpr product(ArrayRef<AffineExpr> extents, MLIRContext *context) {
    AffineExpr result = getAffineConstantExpr(1, context);
    for (AffineExpr extent : extents)
      result = result * extent;
    return result;
  }
  AffineExpr product(ArrayRef<AffineExpr> extents) { return product(extents, kernel.context()); }

  /// Loop dimensions: batch, rows (merged where every access allows it), panel, lane, reduction.
  void buildLoopDims() {
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

  /// The frame of each row of a tile, and its coordinates. One row loop: rows are neighbours, their
  /// positions differ by constants. Several: each row's position is split on its own.
  struct Row {
    Frame frame;
    SmallVector<AffineExpr> coordinates;
  };

  /// Where the left operand is read: the same for all columns of a group.
  SmallVector<AffineExpr> leftCoordinates(const Row &row) const {
    SmallVector<AffineExpr> result(row.coordinates);
    if (shape.groupSize)
      result[shape.column] = groupDim * shape.groupSize;
    return result;
  }

  /// Where the right operand is read. With groups its map tells them from positions in them, which
  /// lanes behind the last column of a group exceed.
  SmallVector<AffineExpr> rightIndices(const Row &row) {
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

  /// Row dimensions that can be one loop, in the result's memory order.
  SmallVector<SmallVector<unsigned>> rowRuns() {
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

  /// Blocks of `rows` rows from `first` to `last`. The last block of all begins early enough to be
  /// whole, so some rows may be computed twice, with equal results. Fewer rows than a block are
  /// done one by one.
  void emitRowBlocks(const Frame &frame, Value first, Value last, Value total) {
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
    Value enough = arith::CmpIOp::create(kernel.builder, kernel.loc, arith::CmpIPredicate::sge,
                                         total, kernel.index(rows));
    auto branch = scf::IfOp::create(kernel.builder, kernel.loc, enough, /*withElseRegion=*/true);
    kernel.builder.setInsertionPointToStart(branch.thenBlock());
    blocks();
    kernel.builder.setInsertionPointToStart(branch.elseBlock());
    singly();
  }

  SmallVector<Row, 0> rowsFrom(const Frame &frame, Value first, int64_t count) {
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

  /// The positions of the row after one, without divisions. Behind the last row they are outside.
  SmallVector<Value> nextRow(ArrayRef<Value> positions) {
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

  /// The same rows where they lie on one line of the innermost row dimension: their positions
  /// differ from those of the first by constants.
  SmallVector<Row, 0> lineFrom(const Row &first, int64_t count) {
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

  /// True where `count` rows from one lie on a line and nothing that they read is outside of the
  /// left operand, so that no step has to ask. Null where that cannot be told, or is of no use.
  Value insideFrom(const Row &first, int64_t count) {
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
          AffineExpr zero = getAffineConstantExpr(0, context),
                     self = getAffineDimExpr(dim, context);
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

  /// One register tile: all reduction steps, then what follows, then the stores.
  void emitTile(const Frame &frame, Value first, int64_t count) {
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

  /// Loops over the outer reduction dimensions, then the innermost.
  SmallVector<Value> reduceFrom(SmallVector<Row, 0> &tile, unsigned depth,
                                SmallVector<Value> sums) {
    unsigned dim = firstReducedDim + depth;
    if (depth + 1 == shape.reduced.size())
      return innermost(tile, sums);
    auto carried = kernel.loop(
        kernel.index(0), kernel.size(loopExtents[dim]), 1, sums,
        [&](Value i, ValueRange values) -> SmallVector<Value> {
          for (Row &row : tile)
            row.frame.dims[dim] = i;
          return reduceFrom(tile, depth + 1, llvm::to_vector(values));
        },
        /*unroll=*/false);
    return carried;
  }

  /// The innermost loop over bytes, four of each row at a time.
  SmallVector<Value> innermostFours(SmallVector<Row, 0> &tile, SmallVector<Value> sums) {
    unsigned dim = firstReducedDim + shape.reduced.size() - 1;
    constexpr int64_t kFour = compute::kBytesOfProduct;
    int64_t count = cast<AffineConstantExpr>(loopExtents[dim]).getValue();
    MLIRContext *context = kernel.context();
    OpBuilder &b = kernel.builder;
    AffineExpr step = getAffineDimExpr(dim, context), zero = getAffineConstantExpr(0, context);
    Value buffer = kernel.buffer(kernel.input(contract.getLhs()));
    auto lhsType = cast<kernel::BufferType>(buffer.getType());
    SmallVector<Value> starts;
    for (Row &row : tile) {
      AffineExpr offset =
          kernel.offsetAt(kernel.input(contract.getLhs()),
                          applyMap(contract.getLhsMap().getMap(), leftCoordinates(row)));
      offset = kernel.simplify(kernel.simplify(offset, row.frame.domain).replace(step, zero),
                               row.frame.domain);
      starts.push_back(kernel::AdvanceOp::create(b, kernel.loc, lhsType, buffer,
                                                 kernel.evaluate(offset, row.frame.dims)));
    }
    auto bytes = VectorType::get({kFour}, b.getI8Type());
    auto one = VectorType::get({1}, b.getI32Type());
    // `number` counts fours.
    auto stepAt = [&](Value number, int64_t present, SmallVector<Value> values) {
      SmallVector<Value> columns = foursAt(tile.front(), dim, number);
      Value position = kernel.mul(number, kernel.index(kFour));
      for (auto [r, start] : llvm::enumerate(starts)) {
        Value four;
        if (present == kFour) {
          four = kernel::LoadOp::create(b, kernel.loc, bytes, start, position, Value());
        } else {
          SmallVector<Value> each(
              kFour, arith::ConstantOp::create(b, kernel.loc, b.getIntegerAttr(b.getI8Type(), 0)));
          for (int64_t i = 0; i < present; ++i)
            each[i] = kernel::LoadOp::create(b, kernel.loc, b.getI8Type(), start,
                                             kernel.add(position, kernel.index(i)), Value());
          four = vector::FromElementsOp::create(b, kernel.loc, bytes, each);
        }
        Value element = vector::ExtractOp::create(
            b, kernel.loc, vector::BitCastOp::create(b, kernel.loc, one, four), 0);
        Value row = vector::BroadcastOp::create(b, kernel.loc, accumulatorType, element);
        for (int64_t v = 0; v < vectors; ++v) {
          Value &sum = values[r * vectors + v];
          sum = kernel::DotOp::create(b, kernel.loc, accumulatorType, row, columns[v], sum);
        }
      }
      return values;
    };
    int64_t unroll = kernel.schedule.getUnroll(), unrolled = count / kFour / unroll * unroll;
    sums = kernel.loop(
        kernel.index(0), kernel.index(unrolled), unroll, sums,
        [&](Value i, ValueRange values) {
          SmallVector<Value> next = llvm::to_vector(values);
          for (int64_t u = 0; u < unroll; ++u)
            next = stepAt(kernel.add(i, kernel.index(u)), kFour, next);
          return next;
        },
        /*unroll=*/false);
    for (int64_t number = unrolled; number * kFour < count; ++number)
      sums = stepAt(kernel.index(number), std::min(kFour, count - number * kFour), sums);
    return sums;
  }

  /// The vectors of columns of four steps, the `number`-th four, with four bytes for each column.
  SmallVector<Value> foursAt(Row &row, unsigned dim, Value number) {
    constexpr int64_t kFour = compute::kBytesOfProduct;
    OpBuilder &b = kernel.builder;
    MLIRContext *context = kernel.context();
    Value buffer = kernel.buffer(kernel.input(contract.getRhs()));
    auto bytes = VectorType::get({kFour * lanes}, b.getI8Type());
    AffineExpr lane = getAffineDimExpr(laneDim, context), step = getAffineDimExpr(dim, context);
    // `step` counts fours here, so that the divisions of the packed map are gone.
    SmallVector<AffineExpr> indices = rightIndices(row);
    AffineExpr fours = step.floorDiv(kFour), inFour = step % kFour;
    for (AffineExpr &index : indices)
      index = index.replace(inFour, getAffineConstantExpr(0, context)).replace(fours, step);
    AffineExpr offset = kernel.simplify(kernel.offsetAt(kernel.input(contract.getRhs()), indices),
                                        row.frame.domain);
    Frame frame = row.frame;
    frame.dims[dim] = number;
    SmallVector<Value> columns;
    for (int64_t v = 0; v < vectors; ++v) {
      AffineExpr at = offset.replace(lane, getAffineConstantExpr(v * lanes, context));
      Value loaded = kernel::LoadOp::create(b, kernel.loc, bytes, buffer,
                                            kernel.evaluate(at, frame.dims), Value());
      columns.push_back(vector::BitCastOp::create(b, kernel.loc, accumulatorType, loaded));
    }
    return columns;
  }

  SmallVector<Value> innermost(SmallVector<Row, 0> &tile, SmallVector<Value> sums) {
    if (fours)
      return innermostFours(tile, sums);
    unsigned dim = firstReducedDim + shape.reduced.size() - 1;
    AffineExpr extent = loopExtents[dim];
    MLIRContext *context = kernel.context();
    AffineExpr step = getAffineDimExpr(dim, context), zero = getAffineConstantExpr(0, context);

    // Where each row begins, and whether it exists for this position of the outer loops. A row that
    // does not is replaced by zeros.
    SmallVector<Value> begins, exists;
    SmallVector<std::optional<int64_t>> distances; // of a row from the first one, if constant
    AffineExpr stride, origin;
    for (Row &row : tile) {
      AffineExpr offset = kernel.simplify(
          kernel.offsetAt(kernel.input(contract.getLhs()),
                          applyMap(contract.getLhsMap().getMap(), leftCoordinates(row))),
          row.frame.domain);
      stride = kernel.strideAlong(offset, dim, row.frame.domain);
      if (!stride)
        return stepByStep(tile, sums);
      offset = kernel.simplify(offset.replace(step, zero), row.frame.domain);
      origin = origin ? origin : offset;
      auto distance =
          isInside
              ? dyn_cast<AffineConstantExpr>(kernel.simplify(offset - origin, row.frame.domain))
              : AffineConstantExpr();
      distances.push_back(distance ? std::optional(distance.getValue()) : std::nullopt);
      begins.push_back(distance && !begins.empty() ? begins.front()
                                                   : kernel.evaluate(offset, row.frame.dims));
      exists.push_back(isInside ? Value() : conditionOf(row, dim));
      if (!isInside && contract.getLhsMap().getValid() && !exists.back() && dependsOnStep(row, dim))
        return stepByStep(tile, sums);
    }
    Value buffer = kernel.buffer(kernel.input(contract.getLhs()));
    auto lhsType = cast<kernel::BufferType>(buffer.getType());
    auto constant = dyn_cast<AffineConstantExpr>(extent);
    bool contiguous = stride == getAffineConstantExpr(1, context);
    bool zeros = constant && contiguous && constant.getValue() > maxUnrolledSteps;
    Value zeroRow;
    SmallVector<Value> starts;
    for (auto [begin, exist, distance] : llvm::zip(begins, exists, distances)) {
      if (!exist) {
        bool follows = distance && !starts.empty();
        starts.push_back(kernel::AdvanceOp::create(kernel.builder, kernel.loc, lhsType,
                                                   follows ? starts.front() : buffer,
                                                   follows ? kernel.index(*distance) : begin));
        continue;
      }
      Value safe =
          arith::SelectOp::create(kernel.builder, kernel.loc, exist, begin, kernel.index(0));
      Value start = kernel::AdvanceOp::create(kernel.builder, kernel.loc, lhsType, buffer, safe);
      if (zeros) {
        if (!zeroRow)
          zeroRow =
              kernel::ZerosOp::create(kernel.builder, kernel.loc, lhsType, constant.getValue());
        start =
            kernel::SelectOp::create(kernel.builder, kernel.loc, lhsType, exist, start, zeroRow);
        exist = Value();
      }
      starts.push_back(start);
    }

    // One step: `vectors` loads of columns, `rows` broadcasts, all their products.
    auto stepAt = [&](Value position, AffineExpr along, SmallVector<Value> values) {
      SmallVector<Value> columns = columnsAt(tile.front(), dim, position, along);
      Value distance = kernel.mul(kernel.evaluate(along, {position}), kernel.size(stride));
      for (auto [r, start] : llvm::enumerate(starts)) {
        Value element = kernel::LoadOp::create(kernel.builder, kernel.loc,
                                               access::computeType(lhsType.getElementType()), start,
                                               distance, Value());
        element = convert(element, accumulatorType.getElementType(), lhsType.getElementType());
        if (exists[r]) {
          Value none = arith::ConstantOp::create(kernel.builder, kernel.loc,
                                                 kernel.builder.getZeroAttr(element.getType()));
          element = arith::SelectOp::create(kernel.builder, kernel.loc, exists[r], element, none);
        }
        accumulate(element, columns, values, r);
      }
      return values;
    };
    int64_t unroll = kernel.schedule.getUnroll();
    AffineExpr position = getAffineDimExpr(0, context);
    if (constant && constant.getValue() <= std::max(maxUnrolledSteps, unroll)) {
      for (int64_t i = 0; i < constant.getValue(); ++i)
        sums = stepAt(Value(), getAffineConstantExpr(i, context), sums);
      return sums;
    }
    Value end = kernel.size(extent);
    Value whole = kernel.sub(end, kernel.rem(end, kernel.index(unroll)));
    sums = kernel.loop(
        kernel.index(0), whole, unroll, sums,
        [&](Value i, ValueRange values) {
          SmallVector<Value> next = llvm::to_vector(values);
          for (int64_t u = 0; u < unroll; ++u)
            next = stepAt(i, position + u, next);
          return next;
        },
        /*unroll=*/false);
    return kernel.loop(
        whole, end, 1, sums,
        [&](Value i, ValueRange values) { return stepAt(i, position, llvm::to_vector(values)); },
        /*unroll=*/false);
  }

  /// The general form of the innermost loop: every step asks where each element is.
  SmallVector<Value> stepByStep(SmallVector<Row, 0> &tile, SmallVector<Value> sums) {
    unsigned dim = firstReducedDim + shape.reduced.size() - 1;
    return kernel.loop(
        kernel.index(0), kernel.size(loopExtents[dim]), 1, sums,
        [&](Value i, ValueRange carried) {
          SmallVector<Value> values = llvm::to_vector(carried);
          for (Row &row : tile)
            row.frame.dims[dim] = i;
          SmallVector<Value> columns =
              columnsAt(tile.front(), dim, i, getAffineDimExpr(0, kernel.context()));
          Type storage = getElementTypeOrSelf(contract.getLhs().getType());
          auto fill = kernel.builder.getZeroAttr(access::computeType(storage));
          for (auto [r, row] : llvm::enumerate(tile)) {
            Frame scalar = row.frame;
            scalar.lane = -1;
            scalar.lanes = 1;
            Value element = elements.operandAt(contract.getLhs(), contract.getLhsMap(), fill,
                                               leftCoordinates(row), scalar);
            accumulate(convert(element, accumulatorType.getElementType(), storage), columns, values,
                       r);
          }
          return values;
        },
        /*unroll=*/false);
  }

  /// The vectors of columns of one reduction step, at `along` (over `position`) of dimension `dim`.
  SmallVector<Value> columnsAt(Row &row, unsigned dim, Value position, AffineExpr along) {
    Value buffer = kernel.buffer(kernel.input(contract.getRhs()));
    Type storage = cast<kernel::BufferType>(buffer.getType()).getElementType();
    auto type = VectorType::get({lanes}, access::computeType(storage));
    MLIRContext *context = kernel.context();
    AffineExpr lane = getAffineDimExpr(laneDim, context), step = getAffineDimExpr(dim, context);
    Frame frame = row.frame;
    frame.dims[dim] = position;
    AffineExpr here = along.replace(getAffineDimExpr(0, context), step);
    AffineExpr offset = kernel.offsetAt(kernel.input(contract.getRhs()), rightIndices(row));
    // Simplified for the whole panel first (its columns are neighbours), then for one vector.
    offset =
        kernel.simplify(kernel.simplify(offset, frame.domain).replace(step, here), frame.domain);
    SmallVector<Value> columns;
    for (int64_t v = 0; v < vectors; ++v) {
      AffineExpr at = offset.replace(lane, getAffineConstantExpr(v * lanes, context));
      Value vector = kernel::LoadOp::create(kernel.builder, kernel.loc, type, buffer,
                                            kernel.evaluate(at, frame.dims),
                                            packed ? Value() : maskOf(row.frame, v));
      columns.push_back(convert(vector, accumulatorType, storage));
    }
    return columns;
  }

  void accumulate(Value element, ArrayRef<Value> columns, SmallVector<Value> &sums, unsigned row) {
    OpBuilder &b = kernel.builder;
    Value broadcast = vector::BroadcastOp::create(b, kernel.loc, accumulatorType, element);
    for (int64_t v = 0; v < vectors; ++v) {
      Value &sum = sums[row * vectors + v];
      if (isa<FloatType>(accumulatorType.getElementType()))
        sum = vector::FMAOp::create(b, kernel.loc, broadcast, columns[v], sum);
      else
        sum = arith::AddIOp::create(
            b, kernel.loc, arith::MulIOp::create(b, kernel.loc, broadcast, columns[v]), sum);
    }
  }

  /// `value` (stored as `storage`) in the accumulators' element type.
  Value convert(Value value, Type to, Type storage) {
    Type target =
        isa<VectorType>(value.getType()) ? Type(accumulatorType) : getElementTypeOrSelf(to);
    if (value.getType() == target)
      return value;
    OpBuilder &b = kernel.builder;
    if (isa<FloatType>(storage))
      return arith::ExtFOp::create(b, kernel.loc, target, value);
    if (storage.isUnsignedInteger())
      return arith::ExtUIOp::create(b, kernel.loc, target, value);
    return arith::ExtSIOp::create(b, kernel.loc, target, value);
  }

  bool dependsOnStep(Row &row, unsigned dim) {
    return llvm::any_of(applyMap(contract.getLhsMap().getValid(), leftCoordinates(row)),
                        [&](AffineExpr expr) { return expr.isFunctionOfDim(dim); });
  }

  /// Whether the row's elements exist at this position of the outer reduction loops; null: they do
  /// (or that depends on the innermost step).
  Value conditionOf(Row &row, unsigned dim) {
    if (contract.getLhsMap().isTotal() || dependsOnStep(row, dim))
      return {};
    Frame scalar = row.frame;
    scalar.lane = -1;
    scalar.lanes = 1;
    return elements.conditions(contract.getLhsMap(), leftCoordinates(row), scalar).first;
  }

  /// The columns of vector `v` of this panel that exist; null: all.
  Value maskOf(const Frame &frame, int64_t v) {
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

  /// What the group computes from one vector of sums, and its stores.
  void finishVector(Row &row, int64_t v, Value sum) {
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

  KernelBuilder &kernel;
  compute::ContractOp contract;
  compute::ContractionShape shape;
  Elements elements;
  SmallVector<Value> tensors;
  int64_t lanes, rows, vectors, width;
  bool packed = false, fours = false;
  bool isInside = false; // while steps are emitted for rows that insideFrom() is true of
  VectorType accumulatorType;
  SmallVector<AffineExpr> loopExtents, batchExtents, rowExtents, coordinates;
  AffineExpr rowCount, columnCount, columnInGroup, groupDim;
  unsigned firstRowDim = 0, panelDim = 0, laneDim = 0, firstReducedDim = 0;
};

} // namespace

Kernel emitContraction(KernelBuilder &kernel) {
  compute::ContractOp contract =
      *kernel.group.getBody().front().getOps<compute::ContractOp>().begin();
  return ContractionEmitter(kernel, contract, *compute::matchContraction(contract)).run();
}

} // namespace longtail::leaf
