// Groups without reductions: every result element is computed where it is stored. Where some
// elements that are read do not exist, as in a border, a row is cut into the part where all of them
// do and the rest.
#include "codegen/Leaf/Nest.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

using Conditions = llvm::SetVector<Condition>;

/// Vectors of a row that are worth a loop of their own.
constexpr int64_t kShortestInterior = 8;

/// The conditions of what `tensor` reads at `coordinates`, with those of what these read.
void collect(KernelBuilder &kernel, Value tensor, ArrayRef<AffineExpr> coordinates,
             const access::Domain &domain, Conditions &found) {
  auto visit = [&](Value source, access::MapAttr access) {
    if (!access.isTotal())
      for (auto [value, below] : llvm::zip(applyMap(access.getValid(), coordinates),
                                           applyMap(access.getBelow(), coordinates)))
        found.insert({kernel.simplify(value, domain), kernel.simplify(below, domain)});
    SmallVector<AffineExpr> at = applyMap(access.getMap(), coordinates);
    for (AffineExpr &position : at)
      position = kernel.simplify(position, domain);
    collect(kernel, source, at, domain, found);
  };
  Operation *op = tensor.getDefiningOp();
  if (auto read = dyn_cast_or_null<access::ReadOp>(op))
    visit(read.getSource(), read.getMap());
  if (auto map = dyn_cast_or_null<compute::MapOp>(op))
    for (auto [input, access] : llvm::zip(map.getInputs(), map.getAccesses()))
      visit(input, cast<access::MapAttr>(access));
}

/// Where all conditions hold along the lanes' dimension, as far as a run of it is that.
class Interior {
public:
  Interior(KernelBuilder &kernel, const Nest &nest) : kernel(kernel), domain(nest.extents) {
    for (Value tensor : kernel.yielded())
      collect(kernel, tensor, nest.coordinates, domain, conditions);
    lane = nest.extents.size() - 1;
    bool varies = false;
    for (auto [value, below] : conditions) {
      varies |= value.isFunctionOfDim(lane);
      exists &=
          !below.isFunctionOfDim(lane) && (!value.isFunctionOfDim(lane) || strideOf(value) == 1);
    }
    exists &= varies && kernel.schedule.getLanes() > 1;
    for (auto [a, belowA] : conditions) // the parts of a concatenation have no point in common
      for (auto [b, belowB] : conditions)
        exists &= !(exists && a.isFunctionOfDim(lane) && b.isFunctionOfDim(lane) &&
                    access::isNonNegative(start(a) - belowA - start(b), domain));
  }

  /// Whether there may be any.
  explicit operator bool() const { return exists; }

  /// What holds in it.
  ArrayRef<Condition> known() const { return conditions.getArrayRef(); }

  /// Its ends within `[low, high)` at the position of `frame`; an empty range at `low` where it is
  /// too short.
  std::pair<Value, Value> range(const Frame &frame, Value low, Value high) const {
    OpBuilder &b = kernel.builder;
    Value from = low, to = high, holds;
    auto join = [&](Value one) {
      holds = holds ? Value(arith::AndIOp::create(b, kernel.loc, holds, one)) : one;
    };
    for (auto [value, below] : conditions) {
      Value first = kernel.evaluate(start(value), frame.dims);
      Value limit = kernel.evaluate(below, frame.dims);
      if (!value.isFunctionOfDim(lane)) {
        join(kernel.inRange(first, limit));
        continue;
      }
      from = arith::MaxSIOp::create(b, kernel.loc, from, kernel.sub(kernel.index(0), first));
      to = kernel.min(to, kernel.sub(limit, first));
    }
    // Vectors that begin where they would without it: a row's stores then meet whole cache lines.
    Value lanes = kernel.index(kernel.schedule.getLanes());
    Value before = kernel.add(kernel.sub(from, low), kernel.sub(lanes, kernel.index(1)));
    from = kernel.add(low, kernel.sub(before, kernel.rem(before, lanes)));
    Value shortest = kernel.index(kShortestInterior * kernel.schedule.getLanes());
    join(arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::sge, kernel.sub(to, from),
                               shortest));
    return {arith::SelectOp::create(b, kernel.loc, holds, from, low),
            arith::SelectOp::create(b, kernel.loc, holds, to, low)};
  }

private:
  std::optional<int64_t> strideOf(AffineExpr value) const {
    auto stride = dyn_cast_or_null<AffineConstantExpr>(kernel.strideAlong(value, lane, domain));
    return stride ? std::optional(stride.getValue()) : std::nullopt;
  }

  /// The value at the first lane of all.
  AffineExpr start(AffineExpr value) const {
    MLIRContext *context = kernel.context();
    AffineExpr zero = getAffineConstantExpr(0, context);
    return kernel.simplify(value.replace(getAffineDimExpr(lane, context), zero), domain);
  }

  KernelBuilder &kernel;
  access::Domain domain;
  unsigned lane;
  Conditions conditions;
  bool exists = true;
};

} // namespace

Kernel emitPointwise(KernelBuilder &kernel) {
  Nest nest = makeNest(kernel);
  if (std::optional<Kernel> transposed = emitTransposed(kernel, nest))
    return *transposed;
  Elements elements(kernel);
  Interior interior(kernel, nest);
  AffineExpr tiles = emitTiles(kernel, nest, 1, [&](Frame frame, Value low, Value high, int64_t) {
    auto cover = [&](Value from, Value to) {
      emitLanes(
          kernel, elements, frame, from, to,
          [&](const Frame &at) { elements.storeResults(nest.coordinates, at); },
          kernel.schedule.getVectors());
    };
    if (!interior)
      return cover(low, high);
    auto [from, to] = interior.range(frame, low, high);
    // What is before it and what is behind it share their code.
    kernel.loop(kernel.index(0), kernel.index(2), 1, [&, from = from, to = to](Value part) {
      OpBuilder &b = kernel.builder;
      Value isFirst =
          arith::CmpIOp::create(b, kernel.loc, arith::CmpIPredicate::eq, part, kernel.index(0));
      cover(arith::SelectOp::create(b, kernel.loc, isFirst, low, to),
            arith::SelectOp::create(b, kernel.loc, isFirst, from, high));
    });
    frame.known = interior.known();
    cover(from, to);
  });
  return finish(kernel, tiles);
}

} // namespace longtail::leaf
