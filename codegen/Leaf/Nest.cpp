#include "codegen/Leaf/Nest.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::leaf {

Nest makeNest(KernelBuilder &kernel, compute::ReduceOp reduce) {
  SmallVector<AffineExpr> sizes = extent::sizesOf(kernel.yielded().front());
  const Layout &layout = kernel.result(0).layout;
  MLIRContext *context = kernel.context();
  access::Domain domain(sizes);
  if (reduce)
    llvm::append_range(domain.extents, reduce.getExtents().getResults());
  SmallVector<AffineExpr> identity, offsets, conditions;
  for (unsigned i = 0; i < domain.extents.size(); ++i)
    identity.push_back(getAffineDimExpr(i, context));
  auto visitLeaf = [&](Value leaf, ArrayRef<AffineExpr> at) {
    // What a reduction keeps is indexed by the domain itself.
    if (isa<BlockArgument>(leaf))
      offsets.push_back(kernel.simplify(kernel.offsetAt(kernel.input(leaf), at), domain));
  };
  auto visitIndex = [&](AffineExpr position) { conditions.push_back(position); };
  if (reduce)
    visitReduction(reduce, identity, visitLeaf, visitIndex);
  identity.truncate(sizes.size());
  for (Value tensor : kernel.yielded())
    visitLeaves(tensor, identity, visitLeaf, visitIndex);
  for (unsigned number = 0; number < kernel.group.getNumResults(); ++number)
    offsets.push_back(kernel.simplify(kernel.offsetAt(kernel.result(number), identity), domain));

  Nest nest;
  nest.coordinates.resize(sizes.size());
  SmallVector<unsigned> order(layout.begin(), layout.end());
  SmallVector<SmallVector<unsigned>> runs;
  for (auto &run : access::collapse(offsets, order, domain, conditions)) {
    // A size of 1 is no loop; the innermost stays, for the lanes need one.
    AffineExpr extent = getAffineConstantExpr(1, context);
    for (unsigned dim : run)
      extent = extent * sizes[dim];
    if (extent == getAffineConstantExpr(1, context)) {
      for (unsigned dim : run)
        nest.coordinates[dim] = getAffineConstantExpr(0, context);
      continue;
    }
    AffineExpr rest = getAffineDimExpr(nest.extents.size(), context);
    nest.extents.push_back(extent);
    for (unsigned i = run.size(); i-- > 0;) {
      unsigned dim = run[i];
      if (i == 0) {
        nest.coordinates[dim] = rest;
        break;
      }
      nest.coordinates[dim] = rest % sizes[dim];
      rest = rest.floorDiv(sizes[dim]);
    }
  }
  if (nest.extents.empty())
    nest.extents.push_back(getAffineConstantExpr(1, context));
  access::Domain loops(nest.extents);
  for (AffineExpr &coordinate : nest.coordinates)
    coordinate = kernel.simplify(coordinate, loops);
  return nest;
}

AffineExpr iterationsPerTile(KernelBuilder &kernel, AffineExpr elements) {
  AffineExpr grain = getAffineConstantExpr(kernel.schedule.getGrain(), kernel.context());
  // A size may be 0 (then there is no tile), but the quotient must exist; one more changes nothing.
  return grain.ceilDiv(isa<AffineConstantExpr>(elements) && elements != 0 ? elements
                                                                          : elements + 1);
}

AffineExpr emitTiles(KernelBuilder &kernel, const Nest &nest, int64_t neighbours, TileBody body) {
  unsigned rank = nest.extents.size();
  int64_t lanes = kernel.schedule.getLanes();
  Frame frame;
  frame.domain = access::Domain(nest.extents);
  frame.dims.assign(rank, Value());
  frame.lane = lanes > 1 ? rank - 1 : -1;
  frame.lanes = lanes;
  AffineExpr lane = nest.extents.back();
  if (rank == 1) {
    int64_t chunk = llvm::divideCeil(kernel.schedule.getGrain(), lanes) * lanes;
    Value low = kernel.mul(kernel.tile(), kernel.index(chunk));
    Value high = kernel.min(kernel.add(low, kernel.index(chunk)), kernel.size(lane));
    body(frame, low, high, 1);
    return lane.ceilDiv(chunk);
  }
  // All outer loops but the last are one, cut into tiles; the last has no division in it.
  unsigned flat = std::max(1u, rank - 2);
  AffineExpr total = getAffineConstantExpr(1, kernel.context()), each = total;
  for (AffineExpr extent : ArrayRef(nest.extents).take_front(flat))
    total = total * extent;
  for (AffineExpr extent : ArrayRef(nest.extents).drop_front(flat))
    each = each * extent;
  AffineExpr grain = iterationsPerTile(kernel, each);
  Value low = kernel.mul(kernel.tile(), kernel.size(grain));
  Value high = kernel.min(kernel.add(low, kernel.size(grain)), kernel.size(total));
  kernel.loop(low, high, 1, [&](Value position) {
    SmallVector<Value> outer =
        kernel.delinearize(position, ArrayRef(nest.extents).take_front(flat));
    llvm::copy(outer, frame.dims.begin());
    if (flat == rank - 1)
      return body(frame, kernel.index(0), kernel.size(lane), 1);
    Value count = kernel.size(nest.extents[flat]);
    Value blocks = kernel.sub(count, kernel.rem(count, kernel.index(neighbours)));
    auto cover = [&](Value from, Value to, int64_t step) {
      kernel.loop(from, to, step, [&](Value inner) {
        frame.dims[flat] = inner;
        body(frame, kernel.index(0), kernel.size(lane), step);
      });
    };
    cover(kernel.index(0), blocks, neighbours);
    if (neighbours > 1)
      cover(blocks, count, 1);
  });
  return total.ceilDiv(grain);
}

void emitLanes(KernelBuilder &kernel, Elements &elements, Frame frame, Value low, Value high,
               function_ref<void(const Frame &)> body, int64_t vectors) {
  OpBuilder &b = kernel.builder;
  int64_t lanes = frame.lanes;
  // Registers in groups are few: a trip that is written out several times would not fit them.
  bool unroll = !kernel.target.getScalarFactors();
  auto cover = [&](Value from, Value to, int64_t step, function_ref<void(Value)> each) {
    kernel.loop(
        from, to, step, {},
        [&](Value i, ValueRange) -> SmallVector<Value> {
          each(i);
          return {};
        },
        unroll);
  };
  auto emit = [&](Value position, Value mask, int64_t times = 1, Value tail = {}) {
    Elements::Mark mark = elements.mark();
    Frame inner = frame;
    inner.lanes *= times;
    inner.dims.back() = position;
    inner.mask = mask;
    inner.tail = tail;
    body(inner);
    elements.forget(mark);
  };
  if (lanes == 1)
    return kernel.loop(low, high, 1, [&](Value i) { emit(i, Value()); });
  if (vectors > 1) {
    Value all = kernel.sub(high, low);
    Value wide = kernel.add(low, kernel.sub(all, kernel.rem(all, kernel.index(lanes * vectors))));
    cover(low, wide, lanes * vectors, [&](Value i) { emit(i, Value(), vectors); });
    low = wide;
  }
  Value count = kernel.sub(high, low);
  Value full = kernel.sub(count, kernel.rem(count, kernel.index(lanes)));
  Value end = kernel.add(low, full);
  cover(low, end, lanes, [&](Value i) { emit(i, Value()); });
  Value rest = kernel.sub(high, end);
  if (getConstantIntValue(rest) == 0)
    return;
  auto tail = [&] {
    Value mask = vector::CreateMaskOp::create(
        b, kernel.loc, VectorType::get({lanes}, b.getI1Type()), ValueRange{rest});
    emit(end, mask, 1, rest);
  };
  if (getConstantIntValue(rest))
    return tail();
  kernel.when(
      arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::sgt, rest, kernel.index(0)), tail);
}

Kernel finish(KernelBuilder &kernel, AffineExpr tiles) {
  func::ReturnOp::create(kernel.builder, kernel.loc);
  return {kernel.function, llvm::to_vector(kernel.getParameters()), tiles,
          kernel.getScratchBytes()};
}

} // namespace longtail::leaf
