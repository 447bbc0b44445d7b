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

/// The one number by which what is read divides `dim`; null where there is none, or several.
static AffineExpr divisorOf(AffineExpr dim, const Positions &positions) {
  AffineExpr divisor;
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
  return isOne ? divisor : AffineExpr();
}

/// Writes a dimension as two, of which the inner one, added behind all others, has `divisor`
/// elements.
static unsigned split(Points &points, unsigned dim, AffineExpr count, AffineExpr divisor) {
  unsigned added = points.sizes.size();
  points.sizes[dim] = count;
  points.sizes.push_back(divisor);
  points.coordinates[dim] = getAffineDimExpr(dim, divisor.getContext()) * divisor +
                            getAffineDimExpr(added, divisor.getContext());
  return added;
}

/// Writes the innermost dimension as two where what is read depends on its quotient and remainder
/// by one number, which divides its size: a loop over both needs no division. A small number stays,
/// for the inner loop is the one of vectors.
static bool splitInnermost(KernelBuilder &kernel, const Positions &positions, Points &points) {
  unsigned inner = points.order.back();
  AffineExpr divisor = divisorOf(getAffineDimExpr(inner, kernel.context()), positions);
  if (!divisor)
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
  points.order.push_back(split(points, inner, count, divisor));
  return true;
}

namespace {

/// The loops over points, and what each dimension of theirs is over the loops.
struct Loops {
  SmallVector<AffineExpr> extents, dims;

  explicit Loops(const Points &points) : dims(points.sizes.size()) {}

  void add(const Points &points, ArrayRef<unsigned> run) {
    // A size of 1 is no loop.
    AffineExpr extent = getAffineConstantExpr(1, points.sizes[run.front()].getContext());
    for (unsigned dim : run)
      extent = extent * points.sizes[dim];
    if (extent == 1) {
      for (unsigned dim : run)
        dims[dim] = getAffineConstantExpr(0, extent.getContext());
      return;
    }
    AffineExpr rest = getAffineDimExpr(extents.size(), extent.getContext());
    extents.push_back(extent);
    for (unsigned i = run.size(); i-- > 0;) {
      unsigned dim = run[i];
      if (i == 0) {
        dims[dim] = rest;
        break;
      }
      dims[dim] = rest % points.sizes[dim];
      rest = rest.floorDiv(points.sizes[dim]);
    }
  }

  /// The innermost loop stays, for the lanes need one.
  void end(MLIRContext *context) { extents.push_back(getAffineConstantExpr(1, context)); }

  Nest nest(KernelBuilder &kernel, const Points &points) const {
    Nest nest;
    nest.extents = extents;
    access::Domain domain(extents);
    for (AffineExpr coordinate : points.coordinates)
      nest.coordinates.push_back(kernel.simplify(coordinate.replaceDims(dims), domain));
    return nest;
  }
};

} // namespace

static Points pointsOf(KernelBuilder &kernel) {
  Points points;
  points.sizes = extent::sizesOf(kernel.yielded().front());
  const Layout &layout = kernel.result(0).layout;
  points.order.assign(layout.begin(), layout.end());
  for (unsigned i = 0; i < points.sizes.size(); ++i)
    points.coordinates.push_back(getAffineDimExpr(i, kernel.context()));
  return points;
}

Nest makeNest(KernelBuilder &kernel, compute::ReduceOp reduce) {
  Points points = pointsOf(kernel);
  Positions positions = positionsAt(kernel, points, reduce);
  if (!reduce && !points.order.empty() && splitInnermost(kernel, positions, points))
    positions = positionsAt(kernel, points, reduce);

  access::Domain domain(points.sizes);
  if (reduce)
    llvm::append_range(domain.extents, reduce.getExtents().getResults());
  Loops loops(points);
  for (auto &run : access::collapse(positions.offsets, points.order, domain, positions.conditions))
    loops.add(points, run);
  if (loops.extents.empty())
    loops.end(kernel.context());
  return loops.nest(kernel, points);
}

std::optional<unsigned> scaledDim(compute::FusedOp group, compute::ReduceOp reduce) {
  auto scales = reduce.getBody().getOps<compute::ScaleOp>();
  Layout layout = layoutOf(group.getResult(0));
  if (cast<kernel::ScheduleAttr>(group.getScheduleAttr()).getLanes() == 1 ||
      !llvm::hasSingleElement(scales))
    return {};
  compute::ScaleOp scale = *scales.begin();
  unsigned row = scale.getRow();
  if (row >= layout.size() || row == layout.back())
    return {};
  return row;
}

std::optional<ScaledNest> makeScaledNest(KernelBuilder &kernel, compute::ReduceOp reduce) {
  std::optional<unsigned> row = scaledDim(kernel.group, reduce);
  if (!row)
    return {};
  Points points = pointsOf(kernel);
  unsigned lane = points.order.back();
  auto rowDimOf = [&](unsigned dim) {
    return llvm::find_if(kernel.rowDims(), [&](RowDim row) { return row.dim == dim; });
  };
  Positions positions = positionsAt(kernel, points, reduce);
  ScaledNest nest;
  SmallVector<AffineExpr> sizes = points.sizes;
  SmallVector<std::pair<unsigned, unsigned>> remainders; // by their quotient, in memory order
  for (unsigned dim : points.order) {
    const RowDim *named = rowDimOf(dim);
    AffineExpr divisor = named == kernel.rowDims().end()
                             ? divisorOf(getAffineDimExpr(dim, kernel.context()), positions)
                             : getAffineConstantExpr(named->divisor, kernel.context());
    if (!divisor || !isa<AffineConstantExpr>(divisor) || divisor == 1 || dim == lane)
      continue;
    remainders.push_back({dim, split(points, dim, sizes[dim].ceilDiv(divisor), divisor)});
  }
  unsigned written = *row;
  for (auto [dim, remainder] : remainders)
    written = dim == *row ? remainder : written;
  if (!isa<AffineConstantExpr>(points.sizes[written]))
    return {};

  // What a stripe has some of, in the order of its rows; then all others, in memory order.
  SmallVector<unsigned> rows, others;
  for (RowDim named : kernel.rowDims())
    rows.push_back(named.dim);
  for (unsigned dim : ArrayRef(points.order).drop_back()) {
    if (llvm::is_contained(rows, dim))
      continue;
    if (dim != written)
      others.push_back(dim);
    for (auto [quotient, remainder] : remainders)
      if (quotient == dim && remainder != written)
        others.push_back(remainder);
  }
  for (auto [quotient, remainder] : remainders)
    if (remainder != written && llvm::is_contained(rows, quotient))
      others.push_back(remainder);
  others.push_back(lane);

  positions = positionsAt(kernel, points, reduce);
  access::Domain domain(points.sizes);
  llvm::append_range(domain.extents, reduce.getExtents().getResults());
  auto runsOf = [&](ArrayRef<unsigned> order) {
    return access::collapse(positions.offsets, order, domain, positions.conditions);
  };
  Loops loops(points);
  for (auto &run : runsOf(rows))
    loops.add(points, run);
  nest.rowLoops = loops.extents.size();
  SmallVector<SmallVector<unsigned>> runs = runsOf(others);
  for (auto &run : ArrayRef(runs).drop_back())
    loops.add(points, run);
  nest.written = loops.extents.size();
  loops.dims[written] = getAffineDimExpr(nest.written, kernel.context());
  loops.extents.push_back(points.sizes[written]);
  loops.add(points, runs.back());
  if (loops.extents.size() == nest.written + 1)
    loops.end(kernel.context());
  static_cast<Nest &>(nest) = loops.nest(kernel, points);
  access::Domain extents(nest.extents);
  for (auto [dim, remainder] : remainders)
    if (kernel.simplify(sizes[dim] % points.sizes[remainder], domain) != 0)
      nest.inside.push_back({nest.coordinates[dim], sizes[dim]});
  return nest;
}

/// Tiles of a step that is worth several threads: with so many, parts differ by a few per cent.
constexpr int64_t kFewTiles = 32;

AffineExpr iterationsPerTile(KernelBuilder &kernel, AffineExpr elements) {
  AffineExpr grain = getAffineConstantExpr(kernel.schedule.getGrain(), kernel.context());
  // A size may be 0 (then there is no tile), but the quotient must exist; one more changes nothing.
  return grain.ceilDiv(isa<AffineConstantExpr>(elements) && elements != 0 ? elements
                                                                          : elements + 1);
}

AffineExpr sharedGrain(KernelBuilder &kernel, AffineExpr total, AffineExpr grain) {
  AffineExpr one = getAffineConstantExpr(1, kernel.context());
  auto isZero = [&](AffineExpr size) { return one.floorDiv(size + 1); };
  AffineExpr more = total.floorDiv(grain + 1); // 0 where one tile is enough
  AffineExpr tiles = more + (kFewTiles + 1) - isZero(more) * kFewTiles;
  // A total may be 0 (then there is no tile), but the quotient must exist.
  return kernel.simplify(total.ceilDiv(tiles) + isZero(total), access::Domain());
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
    // A tile is never narrower than the vectors that are worked on at a time: columns of a
    // reduction would be read one by one.
    int64_t width = lanes * kernel.schedule.getVectors();
    AffineExpr trips =
        sharedGrain(kernel, lane.ceilDiv(width),
                    getAffineConstantExpr(llvm::divideCeil(kernel.schedule.getGrain(), width),
                                          kernel.context()));
    AffineExpr chunk = trips * width;
    Value low = kernel.mul(kernel.tile(), kernel.size(chunk));
    Value high = kernel.min(kernel.add(low, kernel.size(chunk)), kernel.size(lane));
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
  AffineExpr grain = sharedGrain(kernel, total, iterationsPerTile(kernel, each));
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
