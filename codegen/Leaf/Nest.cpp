#include "codegen/Leaf/Nest.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

/// A domain of a group's results, maybe with one dimension written as two.
struct Points {
  /// Sizes of the dimensions, and their memory order.
  SmallVector<AffineExpr> sizes;
  SmallVector<unsigned> order;
  /// The dimensions of the results over these.
  SmallVector<AffineExpr> coordinates;
};

/// What the elements that are read and written at the points have of the loops' dimensions.
struct Positions {
  SmallVector<AffineExpr> offsets, conditions;
};

} // namespace

static Positions positionsAt(KernelBuilder &kernel, const Points &points,
                             compute::ReduceOp reduce) {
  Positions found;
  access::Domain domain(points.sizes);
  SmallVector<AffineExpr> at = points.coordinates;
  if (reduce)
    for (AffineExpr extent : reduce.getExtents().getResults()) {
      at.push_back(getAffineDimExpr(domain.extents.size(), kernel.context()));
      domain.extents.push_back(extent);
    }
  auto visitLeaf = [&](Value leaf, ArrayRef<AffineExpr> indices) {
    // What a reduction keeps is indexed by the domain itself.
    if (isa<BlockArgument>(leaf))
      found.offsets.push_back(
          kernel.simplify(kernel.offsetAt(kernel.input(leaf), indices), domain));
  };
  auto visitIndex = [&](AffineExpr position) {
    found.conditions.push_back(kernel.simplify(position, domain));
  };
  if (reduce)
    visitReduction(reduce, at, visitLeaf, visitIndex);
  for (Value tensor : kernel.yielded())
    visitLeaves(tensor, points.coordinates, visitLeaf, visitIndex);
  for (unsigned number = 0; number < kernel.group.getNumResults(); ++number)
    found.offsets.push_back(
        kernel.simplify(kernel.offsetAt(kernel.result(number), points.coordinates), domain));
  return found;
}

/// Writes the innermost dimension as two where what is read depends on its quotient and remainder
/// by one number, which divides its size: a loop over both needs no division. A small number stays,
/// for the inner loop is the one of vectors.
static bool splitInnermost(KernelBuilder &kernel, const Positions &positions, Points &points) {
  unsigned inner = points.order.back();
  AffineExpr dim = getAffineDimExpr(inner, kernel.context()), divisor;
  bool isOne = true;
  auto visit = [&](AffineExpr each) {
    auto quotient = dyn_cast<AffineBinaryOpExpr>(each);
    if (!quotient || quotient.getLHS() != dim ||
        (quotient.getKind() != AffineExprKind::FloorDiv &&
         quotient.getKind() != AffineExprKind::Mod))
      return;
    isOne &= !divisor || divisor == quotient.getRHS();
    divisor = quotient.getRHS();
  };
  for (AffineExpr expr : positions.offsets)
    expr.walk(visit);
  for (AffineExpr expr : positions.conditions)
    expr.walk(visit);
  if (!divisor || !isOne)
    return false;
  access::Domain domain(points.sizes);
  for (unsigned i = 0; i < points.sizes.size(); ++i)
    if (divisor.isFunctionOfDim(i))
      return false;
  if (auto constant = dyn_cast<AffineConstantExpr>(divisor);
      constant && constant.getValue() < kernel.schedule.getLanes())
    return false;
  AffineExpr count = kernel.simplify(points.sizes[inner].floorDiv(divisor), domain);
  if (!access::isEqual(count * divisor, points.sizes[inner], domain))
    return false;
  unsigned added = points.sizes.size();
  points.sizes[inner] = count;
  points.sizes.push_back(divisor);
  points.order.push_back(added);
  points.coordinates[inner] = dim * divisor + getAffineDimExpr(added, kernel.context());
  return true;
}

Nest makeNest(KernelBuilder &kernel, compute::ReduceOp reduce) {
  MLIRContext *context = kernel.context();
  Points points;
  points.sizes = extent::sizesOf(kernel.yielded().front());
  const Layout &layout = kernel.result(0).layout;
  points.order.assign(layout.begin(), layout.end());
  for (unsigned i = 0; i < points.sizes.size(); ++i)
    points.coordinates.push_back(getAffineDimExpr(i, context));
  Positions positions = positionsAt(kernel, points, reduce);
  if (!reduce && !points.order.empty() && splitInnermost(kernel, positions, points))
    positions = positionsAt(kernel, points, reduce);

  access::Domain domain(points.sizes);
  if (reduce)
    llvm::append_range(domain.extents, reduce.getExtents().getResults());
  Nest nest;
  SmallVector<AffineExpr> loops(points.sizes.size());
  for (auto &run :
       access::collapse(positions.offsets, points.order, domain, positions.conditions)) {
    // A size of 1 is no loop; the innermost stays, for the lanes need one.
    AffineExpr extent = getAffineConstantExpr(1, context);
    for (unsigned dim : run)
      extent = extent * points.sizes[dim];
    if (extent == getAffineConstantExpr(1, context)) {
      for (unsigned dim : run)
        loops[dim] = getAffineConstantExpr(0, context);
      continue;
    }
    AffineExpr rest = getAffineDimExpr(nest.extents.size(), context);
    nest.extents.push_back(extent);
    for (unsigned i = run.size(); i-- > 0;) {
      unsigned dim = run[i];
      if (i == 0) {
        loops[dim] = rest;
        break;
      }
      loops[dim] = rest % points.sizes[dim];
      rest = rest.floorDiv(points.sizes[dim]);
    }
  }
  if (nest.extents.empty())
    nest.extents.push_back(getAffineConstantExpr(1, context));
  access::Domain extents(nest.extents);
  for (AffineExpr coordinate : points.coordinates)
    nest.coordinates.push_back(kernel.simplify(coordinate.replaceDims(loops), extents));
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
