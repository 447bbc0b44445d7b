// Pointwise groups that read along another dimension than they store: transpositions and what is
// fused with them. Blocks of as many rows as a vector has lanes are read along the input's
// contiguous dimension and turned around in registers, so that both sides move whole vectors.
#include "codegen/Leaf/Nest.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

/// A region of more operations is not written out for each row of a block.
constexpr int64_t maxUnrolledOperations = 4;
/// Blocks along the dimension that is read, one after the other: whole cache lines and neighbours.
constexpr int64_t blocksAtOnce = 2;
/// Gathers of neighbours that are so close cost less than turning blocks around.
constexpr int64_t smallStride = 4;

/// An element of an input that the group needs at every point where the conditions hold, over the
/// loop dimensions.
struct Read {
  Value input;
  SmallVector<AffineExpr> coordinates;
  AffineExpr offset;
  SmallVector<Condition> conditions;
  bool isAmbiguous = false; // needed under other conditions, too

  bool isConditionalAlong(unsigned dim) const {
    return llvm::any_of(conditions, [&](const Condition &c) {
      return c.first.isFunctionOfDim(dim) || c.second.isFunctionOfDim(dim);
    });
  }
};

class TransposedEmitter {
public:
  TransposedEmitter(KernelBuilder &kernel, const Nest &nest)
      : kernel(kernel), nest(nest), elements(kernel), lane(nest.extents.size() - 1),
        lanes(kernel.schedule.getLanes()), domain(nest.extents) {}

  /// Whether there is something to turn around; chooses the dimension along which it is read.
  bool plan() {
    if (lanes < 4 || kernel.target.getScalarFactors() || nest.extents.size() < 2)
      return false;
    SmallVector<Read> all;
    for (Value tensor : kernel.yielded())
      collect(tensor, nest.coordinates, {}, all);
    for (unsigned dim = 0; dim < lane; ++dim) {
      auto extent = dyn_cast<AffineConstantExpr>(nest.extents[dim]);
      if (extent && extent.getValue() < lanes / 2)
        continue;
      SmallVector<Read> along;
      for (const Read &read : all)
        if (!read.isAmbiguous && !read.isConditionalAlong(dim) &&
            isOne(kernel.strideAlong(read.offset, dim, domain)))
          along.push_back(read);
      if (along.size() > reads.size()) {
        reads = along;
        across = dim;
      }
    }
    return !reads.empty();
  }

  Kernel run() {
    // Tiles: chunks along both dimensions at each position of the others.
    int64_t rows = blocksAtOnce * lanes;
    int64_t columns = llvm::divideCeil(std::max(kernel.schedule.getGrain() / rows, lanes), lanes);
    columns *= lanes;
    SmallVector<AffineExpr> counts;
    SmallVector<unsigned> outer;
    for (unsigned dim = 0; dim < lane; ++dim)
      if (dim != across) {
        outer.push_back(dim);
        counts.push_back(nest.extents[dim]);
      }
    counts.push_back(nest.extents[across].ceilDiv(rows));
    counts.push_back(nest.extents[lane].ceilDiv(columns));
    AffineExpr total = getAffineConstantExpr(1, kernel.context());
    for (AffineExpr count : counts)
      total = total * count;
    auto extent = dyn_cast<AffineConstantExpr>(nest.extents[lane]);
    int64_t width = extent ? std::clamp<int64_t>(extent.getValue(), 1, columns) : columns;
    AffineExpr each = getAffineConstantExpr(width * rows, kernel.context());
    AffineExpr grain = sharedGrain(kernel, total, iterationsPerTile(kernel, each));
    Value low = kernel.mul(kernel.tile(), kernel.size(grain));
    Value high = kernel.min(kernel.add(low, kernel.size(grain)), kernel.size(total));
    frame.domain = domain;
    frame.dims.assign(nest.extents.size(), Value());
    kernel.loop(low, high, 1, [&](Value position) {
      SmallVector<Value> at = kernel.delinearize(position, counts);
      for (auto [i, dim] : llvm::enumerate(outer))
        frame.dims[dim] = at[i];
      Value firstRow = kernel.mul(at[outer.size()], kernel.index(rows));
      Value firstColumn = kernel.mul(at[outer.size() + 1], kernel.index(columns));
      emitChunk(
          firstRow,
          kernel.min(kernel.add(firstRow, kernel.index(rows)), kernel.size(nest.extents[across])),
          firstColumn,
          kernel.min(kernel.add(firstColumn, kernel.index(columns)),
                     kernel.size(nest.extents[lane])));
    });
    return finish(kernel, total.ceilDiv(grain));
  }

private:
  static bool isOne(AffineExpr expr) {
    auto constant = dyn_cast_or_null<AffineConstantExpr>(expr);
    return constant && constant.getValue() == 1;
  }

  /// The reads that vectors of lanes cannot load at once.
  void collect(Value tensor, ArrayRef<AffineExpr> coordinates, ArrayRef<Condition> conditions,
               SmallVector<Read> &all) {
    auto operand = [&](Value source, access::MapAttr access) {
      auto simplified = [&](AffineMap map) {
        return llvm::map_to_vector(applyMap(map, coordinates),
                                   [&](AffineExpr e) { return kernel.simplify(e, domain); });
      };
      SmallVector<Condition> inner(conditions);
      if (!access.isTotal())
        for (auto [value, below] :
             llvm::zip(simplified(access.getValid()), simplified(access.getBelow())))
          inner.push_back({value, below});
      collect(source, simplified(access.getMap()), inner, all);
    };
    Operation *op = tensor.getDefiningOp();
    if (auto read = dyn_cast_or_null<access::ReadOp>(op))
      return operand(read.getSource(), read.getMap());
    if (auto map = dyn_cast_or_null<compute::MapOp>(op)) {
      for (auto [input, access] : llvm::zip(map.getInputs(), map.getAccesses()))
        operand(input, cast<access::MapAttr>(access));
      return;
    }
    unsigned bits = access::bitWidth(cast<RankedTensorType>(tensor.getType()).getElementType());
    if (op || bits < 8)
      return;
    AffineExpr offset = kernel.simplify(kernel.offsetAt(kernel.input(tensor), coordinates), domain);
    if (!offset.isFunctionOfDim(lane))
      return;
    AffineExpr stride = kernel.strideAlong(offset, lane, domain);
    auto constant = dyn_cast_or_null<AffineConstantExpr>(stride);
    auto *known = llvm::find_if(all, [&](const Read &read) {
      return read.input == tensor && ArrayRef(read.coordinates) == coordinates;
    });
    if (known != all.end())
      known->isAmbiguous |= ArrayRef(known->conditions) != conditions;
    else if (!(constant && std::abs(constant.getValue()) <= smallStride))
      all.push_back({tensor, llvm::to_vector(coordinates), offset, llvm::to_vector(conditions)});
  }

  /// Blocks cover `[row, rowEnd)` of the dimension that is read and `[column, columnEnd)` of the
  /// one that is stored along, both from multiples of the lanes on.
  void emitChunk(Value row, Value rowEnd, Value column, Value columnEnd) {
    auto fullUpTo = [&](Value from, Value to, AffineExpr extent) -> std::pair<Value, Value> {
      // Chunks begin at multiples of the lanes, so only the extent decides whether any is left.
      if (auto constant = dyn_cast<AffineConstantExpr>(extent);
          constant && constant.getValue() % lanes == 0)
        return {to, Value()};
      Value rest = kernel.rem(kernel.sub(to, from), kernel.index(lanes));
      return {kernel.sub(to, rest), rest};
    };
    auto [fullRows, restRows] = fullUpTo(row, rowEnd, nest.extents[across]);
    auto [fullColumns, restColumns] = fullUpTo(column, columnEnd, nest.extents[lane]);
    auto isSome = [&](Value count) -> Value {
      return arith::CmpIOp::create(kernel.builder, kernel.loc, arith::CmpIPredicate::sgt, count,
                                   kernel.index(0));
    };
    auto rowsAt = [&, fullRows = fullRows, restRows = restRows](Value at, Value columnCount) {
      kernel.loop(row, fullRows, lanes, [&](Value r) { emitBlock(r, Value(), at, columnCount); });
      if (restRows)
        kernel.when(isSome(restRows), [&] { emitBlock(fullRows, restRows, at, columnCount); });
    };
    kernel.loop(column, fullColumns, lanes, [&](Value at) { rowsAt(at, Value()); });
    if (Value rest = restColumns)
      kernel.when(isSome(rest), [&, fullColumns = fullColumns] { rowsAt(fullColumns, rest); });
  }

  /// How many of a block's positions there are, where that is known: the rest of an extent is.
  int64_t atMost(Value count, unsigned dim) const {
    auto extent = dyn_cast<AffineConstantExpr>(nest.extents[dim]);
    return count && extent ? extent.getValue() % lanes : lanes;
  }

  Value maskOf(Value count) {
    if (!count)
      return {};
    return vector::CreateMaskOp::create(
        kernel.builder, kernel.loc, VectorType::get({lanes}, kernel.builder.getI1Type()), count);
  }

  /// One block from (`row`, `column`) on; `rows` and `columns` are counts where it is not whole.
  void emitBlock(Value row, Value rows, Value column, Value columns) {
    OpBuilder &b = kernel.builder;
    // Without masks, vectors that are not whole would be loaded element by element in any case.
    if (rows && !kernel.target.getMasks()) {
      Frame at = frame;
      at.lane = lane;
      at.lanes = lanes;
      kernel.loop(row, kernel.add(row, rows), 1, [&](Value r) {
        at.dims[across] = r;
        emitLanes(kernel, elements, at, column,
                  kernel.add(column, columns ? columns : kernel.index(lanes)),
                  [&](const Frame &here) { elements.storeResults(nest.coordinates, here); });
      });
      return;
    }
    SmallVector<SmallVector<Value>> turned;
    bool writeOut = reads.size() == 1 && operations() <= maxUnrolledOperations;
    for (const Read &read : reads) {
      turned.push_back(transposeRegisters(kernel, loadBlock(read, row, rows, column, columns)));
      if (writeOut)
        continue;
      // Through memory: the block's rows follow in a loop, which needs few registers.
      Value buffer = scratchFor(read);
      for (auto [r, vector] : llvm::enumerate(turned.back()))
        kernel::StoreOp::create(b, kernel.loc, vector, buffer, kernel.index(r * lanes), Value());
    }
    Frame at = frame;
    at.lane = lane;
    at.lanes = lanes;
    at.dims[lane] = column;
    at.mask = maskOf(columns);
    auto emitRow = [&](Value r, function_ref<Value(unsigned)> vectorOf) {
      Elements::Mark mark = elements.mark();
      at.dims[across] = kernel.add(row, r);
      for (auto [i, read] : llvm::enumerate(reads))
        elements.keep(read.input, read.coordinates, vectorOf(i));
      elements.storeResults(nest.coordinates, at);
      elements.forget(mark);
    };
    if (!writeOut) {
      kernel.loop(kernel.index(0), rows ? rows : kernel.index(lanes), 1, [&](Value r) {
        emitRow(r, [&](unsigned i) -> Value {
          return kernel::LoadOp::create(b, kernel.loc, turned[i][0].getType(), scratchFor(reads[i]),
                                        kernel.mul(r, kernel.index(lanes)), Value());
        });
      });
      return;
    }
    bool isKnown = !rows || isa<AffineConstantExpr>(nest.extents[across]);
    for (int64_t r = 0, count = atMost(rows, across); r < count; ++r) {
      auto one = [&] { emitRow(kernel.index(r), [&](unsigned i) { return turned[i][r]; }); };
      if (isKnown)
        one();
      else
        kernel.when(
            arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::slt, kernel.index(r), rows),
            one);
    }
  }

  /// For each of the block's columns a vector of its rows.
  SmallVector<Value> loadBlock(const Read &read, Value row, Value rows, Value column,
                               Value columns) {
    OpBuilder &b = kernel.builder;
    Type element =
        access::computeType(cast<RankedTensorType>(read.input.getType()).getElementType());
    auto type = VectorType::get({lanes}, element);
    Value buffer = kernel.buffer(kernel.input(read.input)), mask = maskOf(rows);
    SmallVector<Value> at = frame.dims, vectors;
    at[across] = row;
    int64_t known = atMost(columns, lane);
    for (int64_t c = 0; c < lanes; ++c) {
      if (c >= known) {
        vectors.push_back(
            arith::ConstantOp::create(b, kernel.loc, type, b.getZeroAttr(type)).getResult());
        continue;
      }
      // Columns that do not exist are not stored; they read the last one that does.
      Value step = kernel.index(c);
      if (columns && !isa<AffineConstantExpr>(nest.extents[lane]))
        step = kernel.min(step, kernel.sub(columns, kernel.index(1)));
      at[lane] = kernel.add(column, step);
      auto load = [&]() -> Value {
        return kernel::LoadOp::create(b, kernel.loc, type, buffer, kernel.evaluate(read.offset, at),
                                      mask);
      };
      Value exists;
      for (auto [value, below] : read.conditions) {
        Value holds = kernel.inRange(kernel.evaluate(value, at), kernel.evaluate(below, at));
        exists = exists ? Value(arith::AndIOp::create(b, kernel.loc, exists, holds)) : holds;
      }
      vectors.push_back(exists ? loadIf(exists, type, load) : load());
    }
    return vectors;
  }

  /// Zeros where the vector does not exist; what follows puts the fill into their place.
  Value loadIf(Value exists, VectorType type, function_ref<Value()> load) {
    OpBuilder &b = kernel.builder;
    OpBuilder::InsertionGuard guard(b);
    auto branch = scf::IfOp::create(b, kernel.loc, TypeRange{type}, exists, /*withElse=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, kernel.loc, load());
    b.setInsertionPointToStart(branch.elseBlock());
    Value zeros = arith::ConstantOp::create(b, kernel.loc, b.getZeroAttr(type));
    scf::YieldOp::create(b, kernel.loc, zeros);
    return branch.getResult(0);
  }

  /// Values that the group computes for one element.
  int64_t operations() {
    int64_t count = 0;
    kernel.group.getBody().walk([&](Operation *op) {
      count += op->getNumResults() == 1 && !isa<compute::MapOp, access::ReadOp>(op) &&
               !isa<arith::ConstantOp>(op);
    });
    return count;
  }

  Value scratchFor(const Read &read) {
    Value &buffer = buffers[&read - reads.data()];
    if (!buffer) {
      Type element = cast<RankedTensorType>(read.input.getType()).getElementType();
      int64_t bytes = std::max<int64_t>(1, access::bitWidth(element) / 8);
      OpBuilder::InsertionGuard guard(kernel.builder);
      kernel.builder.setInsertionPointToStart(&kernel.function.getBody().front());
      buffer =
          kernel.scratch(getAffineConstantExpr(lanes * lanes * bytes, kernel.context()), element);
    }
    return buffer;
  }

  KernelBuilder &kernel;
  const Nest &nest;
  Elements elements;
  Frame frame;
  unsigned lane, across = 0;
  int64_t lanes;
  access::Domain domain;
  SmallVector<Read> reads;
  llvm::DenseMap<size_t, Value> buffers;
};

} // namespace

std::optional<Kernel> emitTransposed(KernelBuilder &kernel, const Nest &nest) {
  TransposedEmitter emitter(kernel, nest);
  if (!emitter.plan())
    return std::nullopt;
  return emitter.run();
}

} // namespace longtail::leaf
