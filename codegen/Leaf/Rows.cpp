// Groups of reductions and maps over the same rows: softmax, normalisations, sums along the
// innermost dimension. One row is worked on at a time; its statistics are scalars, its lanes lie
// along the reduced dimensions, and what is expensive and needed twice stays in a row buffer.
#include "codegen/Leaf/Nest.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

/// The vectors of NEON and SSE, in bytes.
constexpr int64_t kNarrowVector = 16;

vector::CombiningKind combiningKind(compute::Combiner combiner, bool floating) {
  switch (combiner) {
  case compute::Combiner::Add:
    return vector::CombiningKind::ADD;
  case compute::Combiner::Mul:
    return vector::CombiningKind::MUL;
  case compute::Combiner::Max:
    return floating ? vector::CombiningKind::MAXIMUMF : vector::CombiningKind::MAXSI;
  case compute::Combiner::Min:
    return floating ? vector::CombiningKind::MINIMUMF : vector::CombiningKind::MINSI;
  case compute::Combiner::UMax:
    return vector::CombiningKind::MAXUI;
  case compute::Combiner::UMin:
    return vector::CombiningKind::MINUI;
  case compute::Combiner::And:
    return vector::CombiningKind::AND;
  case compute::Combiner::Or:
    return vector::CombiningKind::OR;
  }
  llvm_unreachable("all combiners are handled");
}

class RowsEmitter {
public:
  explicit RowsEmitter(KernelBuilder &kernel)
      : kernel(kernel), elements(kernel), body(kernel.group.getBody().front()),
        reduces(llvm::to_vector(body.getOps<compute::ReduceOp>())) {}

  Kernel run() {
    MLIRContext *context = kernel.context();
    rowSizes = extent::sizesOf(reduces.front().getOutput());
    AffineExpr rows = getAffineConstantExpr(1, context);
    for (AffineExpr size : rowSizes)
      rows = rows * size;
    Frame frame;
    frame.lanes = kernel.schedule.getLanes();
    for (unsigned i = 0; i < rowSizes.size(); ++i) {
      frame.dims.emplace_back();
      frame.domain.extents.push_back(rowSizes[i]);
      row.push_back(rowSizes[i] == getAffineConstantExpr(1, context)
                        ? getAffineConstantExpr(0, context)
                        : getAffineDimExpr(i, context));
    }
    planRowBuffers();
    AffineExpr each = getAffineConstantExpr(1, context);
    for (AffineExpr extent : reduces.front().getExtents().getResults())
      each = each * extent;
    AffineExpr grain = sharedGrain(kernel, rows, iterationsPerTile(kernel, each));
    AffineExpr tiles = rows.ceilDiv(grain);
    Value low, high;
    if (const auto &stripe = kernel.stripeRange()) {
      low = kernel.add(stripe->before, stripe->low);
      high = kernel.add(stripe->before, stripe->high);
      tiles = stripe->tiles;
    } else {
      low = kernel.mul(kernel.tile(), kernel.size(grain));
      high = kernel.min(kernel.add(low, kernel.size(grain)), kernel.size(rows));
    }
    SmallVector<unsigned> order = orderOfRows();
    auto ordered = llvm::map_to_vector(order, [&](unsigned dim) { return rowSizes[dim]; });
    kernel.loop(low, high, 1, [&](Value position) {
      for (auto [dim, index] : llvm::zip_equal(order, kernel.delinearize(position, ordered)))
        frame.dims[dim] = index;
      for (compute::ReduceOp reduce : reduces)
        elements.keep(reduce.getOutput(), row, reduceRow(reduce, frame));
      for (unsigned number = 0; number < kernel.group.getNumResults(); ++number)
        storeRow(number, frame);
    });
    return finish(kernel, tiles);
  }

private:
  /// The order in which rows are worked on, outermost dimension first: that in which they follow
  /// one another in the tensor of which each is read, so that what is read is read in order.
  /// Single results are stored anywhere at little cost.
  SmallVector<unsigned> orderOfRows() {
    auto usual = llvm::to_vector(llvm::seq<unsigned>(0, rowSizes.size()));
    bool storesRows = llvm::any_of(
        kernel.yielded(), [](Value tensor) { return !tensor.getDefiningOp<compute::ReduceOp>(); });
    if (kernel.stripeRange() || storesRows)
      return usual;
    unsigned wanted = llvm::count_if(row, [](AffineExpr at) { return isa<AffineDimExpr>(at); });
    for (compute::ReduceOp reduce : reduces)
      for (auto [input, attribute] : llvm::zip_equal(reduce.getInputs(), reduce.getAccesses())) {
        auto access = cast<access::MapAttr>(attribute);
        auto rank = cast<RankedTensorType>(input.getType()).getRank();
        auto argument = dyn_cast<BlockArgument>(input);
        Layout layout = argument ? layoutOf(kernel.group.getInputs()[argument.getArgNumber()])
                                 : llvm::to_vector(llvm::seq<int64_t>(0, rank));
        llvm::SmallSetVector<unsigned, 6> found;
        for (int64_t index : layout)
          if (auto dim = dyn_cast<AffineDimExpr>(access.getMap().getResult(index));
              dim && dim.getPosition() < row.size() && isa<AffineDimExpr>(row[dim.getPosition()]))
            found.insert(dim.getPosition());
        if (found.size() != wanted)
          continue;
        SmallVector<unsigned> order;
        for (unsigned dim : usual)
          if (!found.contains(dim))
            order.push_back(dim);
        llvm::append_range(order, found);
        return order;
      }
    return usual;
  }

  /// A map that a reduction reads as it is and that something later reads again is computed once,
  /// if it is more than a few cheap operations.
  void planRowBuffers() {
    for (auto map : body.getOps<compute::MapOp>()) {
      bool expensive =
          map.getBody()
              .walk([](Operation *op) {
                return isa<math::MathDialect>(op->getDialect()) || isa<arith::DivFOp>(op)
                           ? WalkResult::interrupt()
                           : WalkResult::advance();
              })
              .wasInterrupted();
      Value result = map.getResult(0);
      auto first = llvm::find_if(reduces, [&](compute::ReduceOp reduce) {
        return reduce.getInputs().size() == 1 && reduce.getInputs()[0] == result;
      });
      if (map.getNumResults() != 1 || !expensive || first == reduces.end() || result.hasOneUse())
        continue;
      auto access = cast<access::MapAttr>(first->getAccesses()[0]);
      if (!access.isTotal())
        continue;
      // The buffer holds the row in the order of the reduction's dimensions.
      SmallVector<AffineExpr> sizes = extent::sizesOf(result);
      SmallVector<AffineExpr> strides(sizes.size(), getAffineConstantExpr(0, kernel.context()));
      AffineExpr stride = getAffineConstantExpr(1, kernel.context());
      bool projection = true;
      for (unsigned i = sizes.size(); i-- > 0;) {
        AffineExpr index = access.getMap().getResult(i);
        auto dim = dyn_cast<AffineDimExpr>(index);
        if (!dim && !isa<AffineConstantExpr>(index))
          projection = false;
        if (!dim || dim.getPosition() < rowSizes.size())
          continue;
        strides[i] = stride;
        stride = stride * sizes[i];
      }
      if (!projection)
        continue;
      AffineExpr offset = getAffineConstantExpr(0, kernel.context());
      for (unsigned i = 0; i < sizes.size(); ++i)
        offset = offset + getAffineDimExpr(i, kernel.context()) * strides[i];
      Type element = cast<RankedTensorType>(result.getType()).getElementType();
      int64_t bytes = llvm::divideCeil(access::bitWidth(element), 8);
      SmallVector<AffineExpr> all{offset, stride};
      stashes[result] = {kernel.scratch(stride * bytes, element),
                         AffineMap::get(sizes.size(), extent::symbolCount(all), offset)};
    }
  }

  /// `frame` with loop dimensions for `extents` added; the last one carries the lanes.
  Frame withInner(Frame frame, ArrayRef<AffineExpr> extents) {
    for (AffineExpr extent : extents) {
      frame.dims.emplace_back();
      frame.domain.extents.push_back(extent);
    }
    frame.lane = frame.lanes > 1 && !extents.empty() ? int(frame.dims.size()) - 1 : -1;
    if (extents.empty())
      frame.lanes = 1;
    return frame;
  }

  /// Loops over all inner dimensions but the last.
  SmallVector<Value>
  outerLoops(Frame &frame, ArrayRef<AffineExpr> extents, SmallVector<Value> carried,
             function_ref<SmallVector<Value>(Frame &, SmallVector<Value>)> innermost,
             unsigned depth = 0) {
    if (depth + 1 >= extents.size())
      return innermost(frame, carried);
    unsigned dim = frame.dims.size() - extents.size() + depth;
    return kernel.loop(kernel.index(0), kernel.size(extents[depth]), 1, carried,
                       [&](Value i, ValueRange values) -> SmallVector<Value> {
                         frame.dims[dim] = i;
                         return outerLoops(frame, extents, llvm::to_vector(values), innermost,
                                           depth + 1);
                       });
  }

  /// The value that `reduce` folds at `point`, with the identity in lanes that do not exist.
  Value elementAt(compute::ReduceOp reduce, ArrayRef<AffineExpr> point, const Frame &frame) {
    SmallVector<Value> arguments;
    for (auto [i, input] : llvm::enumerate(reduce.getInputs())) {
      auto access = cast<access::MapAttr>(reduce.getAccesses()[i]);
      arguments.push_back(elements.operandAt(input, access, reduce.getFills()[i], point, frame));
      if (auto stash = stashes.find(input); stash != stashes.end() && !stored.contains(input))
        storeInRowBuffer(arguments.back(), input, applyMap(access.getMap(), point), frame);
    }
    Value value = elements.splat(
        elements.evaluateBody(reduce.getBody().front(), arguments, point, frame)[0], frame);
    if (!frame.mask)
      return value;
    return arith::SelectOp::create(kernel.builder, kernel.loc, frame.mask, value,
                                   identity(reduce, frame));
  }

  void storeInRowBuffer(Value value, Value tensor, ArrayRef<AffineExpr> coordinates,
                        const Frame &frame) {
    auto &[buffer, offset] = stashes[tensor];
    AffineExpr at = kernel.simplify(applyMap(offset, coordinates)[0], frame.domain);
    kernel::StoreOp::create(kernel.builder, kernel.loc, elements.splat(value, frame), buffer,
                            kernel.evaluate(at, frame.dims), frame.mask);
  }

  Value identity(compute::ReduceOp reduce, const Frame &frame) {
    Type element = access::computeType(getElementTypeOrSelf(reduce.getOutput().getType()));
    return elements.splat(
        arith::ConstantOp::create(kernel.builder, kernel.loc,
                                  compute::identityOf(reduce.getCombiner(), element)),
        frame);
  }

  /// A maximum (or minimum) of floating-point numbers is NaN if one of them is. Processors without
  /// an instruction for that take three, each waiting for the one before. So the extreme of all
  /// other numbers is found by one instruction, and beside it, where nothing waits, a NaN.
  bool keepsNanApart(compute::ReduceOp reduce, const Frame &frame) {
    compute::Combiner combiner = reduce.getCombiner();
    bool isExtreme = combiner == compute::Combiner::Max || combiner == compute::Combiner::Min;
    Type element = access::computeType(getElementTypeOrSelf(reduce.getOutput().getType()));
    return isExtreme && isa<FloatType>(element) && frame.lanes > 1 && foldsByHalves();
  }

  /// The larger (or smaller) of `value` and `best`; `best` where `value` is NaN.
  Value extremeOf(compute::ReduceOp reduce, Value value, Value best) {
    auto predicate = reduce.getCombiner() == compute::Combiner::Max ? arith::CmpFPredicate::OGT
                                                                    : arith::CmpFPredicate::OLT;
    Value isBetter = arith::CmpFOp::create(kernel.builder, kernel.loc, predicate, value, best);
    return arith::SelectOp::create(kernel.builder, kernel.loc, isBetter, value, best);
  }

  Value isNan(Value value) {
    return arith::CmpFOp::create(kernel.builder, kernel.loc, arith::CmpFPredicate::UNO, value,
                                 value);
  }

  /// `value` where it is NaN, `other` elsewhere.
  Value nanOr(Value value, Value other) {
    return arith::SelectOp::create(kernel.builder, kernel.loc, isNan(value), value, other);
  }

  /// Whether a fold of all lanes has no instruction of its own, and halves are moved fast.
  bool foldsByHalves() {
    return kernel.target.getVectorBytes() > kNarrowVector && !kernel.target.getScalarFactors();
  }

  /// All lanes of `vector`, a power of two, combined: one half with the other, and so on.
  Value foldLanes(Value vector, function_ref<Value(Value, Value)> combine) {
    OpBuilder &b = kernel.builder;
    int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
    while (lanes > 1) {
      SmallVector<int64_t> low, high;
      for (int64_t i = 0; i < lanes / 2; ++i) {
        low.push_back(i);
        high.push_back(lanes / 2 + i);
      }
      lanes /= 2;
      vector = combine(vector::ShuffleOp::create(b, kernel.loc, vector, vector, low),
                       vector::ShuffleOp::create(b, kernel.loc, vector, vector, high));
    }
    return vector::ExtractOp::create(b, kernel.loc, vector, 0);
  }

  Value reduceRow(compute::ReduceOp reduce, Frame outer) {
    ArrayRef<AffineExpr> extents = reduce.getExtents().getResults();
    Frame frame = withInner(outer, extents);
    auto combine = [&](Value a, Value b) {
      return compute::combine(kernel.builder, kernel.loc, reduce.getCombiner(), a, b);
    };
    SmallVector<AffineExpr> point(row);
    for (unsigned i = 0; i < extents.size(); ++i)
      point.push_back(getAffineDimExpr(rowSizes.size() + i, kernel.context()));
    if (extents.empty())
      return combine(identity(reduce, frame), elementAt(reduce, point, frame));

    int64_t lanes = frame.lanes, accumulators = lanes > 1 ? kernel.schedule.getVectors() : 1;
    // Where NaN is kept apart, a second accumulator for each.
    bool apart = keepsNanApart(reduce, frame);
    SmallVector<Value> sums(accumulators, identity(reduce, frame));
    if (apart) {
      auto type = cast<VectorType>(sums.front().getType());
      Value zero =
          arith::ConstantOp::create(kernel.builder, kernel.loc, kernel.builder.getZeroAttr(type));
      sums.append(accumulators, zero);
    }
    AffineExpr lane = getAffineDimExpr(frame.dims.size() - 1, kernel.context());
    /// `count` neighbouring vectors from `position` on, each into an accumulator of its own.
    auto vectorsAt = [&](Frame at, Value position, Value mask, int64_t count,
                         SmallVector<Value> values) {
      at.dims.back() = position;
      at.mask = mask;
      for (int64_t i = 0; i < count; ++i) {
        Elements::Mark mark = elements.mark();
        SmallVector<AffineExpr> shifted(point);
        shifted.back() = lane + i * lanes;
        Value value = elementAt(reduce, shifted, at);
        if (apart) {
          values[i] = extremeOf(reduce, value, values[i]);
          values[accumulators + i] = nanOr(value, values[accumulators + i]);
        } else
          values[i] = combine(values[i], value);
        elements.forget(mark);
      }
      return values;
    };
    sums = outerLoops(frame, extents, sums, [&](Frame &at, SmallVector<Value> values) {
      Value extent = kernel.size(extents.back()), done = kernel.index(0);
      auto cover = [&](int64_t count) {
        Value step = kernel.index(count * lanes);
        Value left = kernel.sub(extent, done);
        Value end = kernel.add(done, kernel.sub(left, kernel.rem(left, step)));
        values = kernel.loop(done, end, count * lanes, values, [&](Value i, ValueRange carried) {
          return vectorsAt(at, i, Value(), count, llvm::to_vector(carried));
        });
        done = end;
      };
      if (accumulators > 1)
        cover(accumulators);
      cover(1);
      Value rest = kernel.sub(extent, done);
      if (lanes == 1 || getConstantIntValue(rest) == 0)
        return values;
      Value mask = vector::CreateMaskOp::create(
          kernel.builder, kernel.loc, VectorType::get({lanes}, kernel.builder.getI1Type()),
          ValueRange{rest});
      // The mask may be empty when the size is not known: nothing is loaded without it.
      Frame tail = at;
      tail.someLaneExists = getConstantIntValue(rest).has_value();
      return vectorsAt(tail, done, mask, 1, values);
    });
    for (Value input : reduce.getInputs())
      if (auto stash = stashes.find(input); stash != stashes.end() && stored.insert(input).second)
        elements.keepInBuffer(input, stash->second.first, stash->second.second);
    if (lanes == 1)
      return sums.front();
    auto foldAll = [&](ArrayRef<Value> vectors, function_ref<Value(Value, Value)> combine) {
      Value all = vectors.front();
      for (Value other : vectors.drop_front())
        all = combine(all, other);
      return all;
    };
    if (!foldsByHalves()) {
      Value all = foldAll(sums, combine);
      bool floating = isa<FloatType>(getElementTypeOrSelf(all.getType()));
      return vector::ReductionOp::create(
          kernel.builder, kernel.loc, combiningKind(reduce.getCombiner(), floating), all,
          floating ? arith::FastMathFlags::reassoc : arith::FastMathFlags::none);
    }
    if (!apart)
      return foldLanes(foldAll(sums, combine), combine);
    auto extreme = [&](Value a, Value b) { return extremeOf(reduce, a, b); };
    auto nan = [&](Value a, Value b) { return nanOr(a, b); };
    ArrayRef<Value> bests = ArrayRef(sums).take_front(accumulators);
    Value best = foldLanes(foldAll(bests, extreme), extreme);
    Value nans = foldAll(ArrayRef(sums).drop_front(accumulators), nan);
    Value found = vector::ReductionOp::create(kernel.builder, kernel.loc, vector::CombiningKind::OR,
                                              isNan(nans));
    Value quiet = arith::ConstantOp::create(
        kernel.builder, kernel.loc,
        kernel.builder.getFloatAttr(
            best.getType(),
            llvm::APFloat::getQNaN(cast<FloatType>(best.getType()).getFloatSemantics())));
    return arith::SelectOp::create(kernel.builder, kernel.loc, found, quiet, best);
  }

  /// The coordinates of `tensor` in terms of row dimensions and its own inner ones: where it reads
  /// a row's statistics says which of its dimensions are the row's.
  SmallVector<AffineExpr> coordinatesOf(Value tensor, SmallVector<AffineExpr> &inner) {
    SmallVector<AffineExpr> sizes = extent::sizesOf(tensor), identity, result(sizes.size());
    for (unsigned i = 0; i < sizes.size(); ++i)
      identity.push_back(getAffineDimExpr(i, kernel.context()));
    visitLeaves(
        tensor, identity,
        [&](Value leaf, ArrayRef<AffineExpr> at) {
          if (!leaf.getDefiningOp())
            return;
          for (auto [i, expr] : llvm::enumerate(at))
            if (auto dim = dyn_cast<AffineDimExpr>(expr))
              result[dim.getPosition()] = row[i];
        },
        [](AffineExpr) {});
    for (unsigned i = 0; i < sizes.size(); ++i)
      if (!result[i]) {
        result[i] = getAffineDimExpr(rowSizes.size() + inner.size(), kernel.context());
        inner.push_back(sizes[i]);
      }
    return result;
  }

  void storeRow(unsigned number, Frame outer) {
    Value tensor = kernel.yielded()[number];
    if (tensor.getDefiningOp<compute::ReduceOp>())
      return elements.storeResult(number, row, withInner(outer, {}));
    SmallVector<AffineExpr> inner;
    SmallVector<AffineExpr> coordinates = coordinatesOf(tensor, inner);
    Frame frame = withInner(outer, inner);
    if (inner.empty()) {
      Elements::Mark mark = elements.mark();
      elements.storeResult(number, coordinates, frame);
      return elements.forget(mark);
    }
    outerLoops(frame, inner, {}, [&](Frame &at, SmallVector<Value>) -> SmallVector<Value> {
      emitLanes(kernel, elements, at, kernel.index(0), kernel.size(inner.back()),
                [&](const Frame &here) { elements.storeResult(number, coordinates, here); });
      return {};
    });
  }

  KernelBuilder &kernel;
  Elements elements;
  Block &body;
  SmallVector<compute::ReduceOp> reduces;
  SmallVector<AffineExpr> rowSizes, row;
  llvm::DenseMap<Value, std::pair<Value, AffineMap>> stashes;
  llvm::DenseSet<Value> stored;
};

} // namespace

Kernel emitRows(KernelBuilder &kernel) { return RowsEmitter(kernel).run(); }

} // namespace longtail::leaf
