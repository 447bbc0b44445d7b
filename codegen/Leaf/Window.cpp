// Groups with one reduction whose lanes lie along a parallel dimension: pooling, depthwise
// convolution, sums over outer dimensions. Accumulators are vectors in registers; what follows the
// reduction is computed on them before they are stored.
#include "codegen/Leaf/Nest.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

/// Kernel positions up to this number are written out, without loops.
constexpr int64_t maxUnrolledPoints = 32;

class WindowEmitter {
public:
  WindowEmitter(KernelBuilder &kernel, compute::ReduceOp reduce)
      : kernel(kernel), reduce(reduce), elements(kernel),
        extents(reduce.getExtents().getResults()) {
    for (AffineExpr extent : extents) {
      auto constant = dyn_cast<AffineConstantExpr>(extent);
      points = constant && points >= 0 ? points * constant.getValue() : -1;
    }
    unrolled = points >= 0 && points <= maxUnrolledPoints && kernel.schedule.getLanes() > 1;
  }

  Kernel run() {
    Nest nest = makeNest(kernel, reduce);
    unsigned neighbour = nest.extents.size() - 2; // only used where there are at least two loops
    AffineExpr tiles =
        emitTiles(kernel, nest, unrolled ? kernel.schedule.getRows() : 1,
                  [&](Frame frame, Value low, Value high, int64_t count) {
                    emitLanes(kernel, elements, frame, low, high, [&](const Frame &at) {
                      SmallVector<SmallVector<AffineExpr>> pixels;
                      for (int64_t i = 0; i < count; ++i) {
                        pixels.push_back(nest.coordinates);
                        if (count == 1)
                          continue;
                        AffineExpr dim = getAffineDimExpr(neighbour, kernel.context());
                        for (AffineExpr &coordinate : pixels.back())
                          coordinate =
                              kernel.simplify(coordinate.replace(dim, dim + i), at.domain);
                      }
                      SmallVector<Value> sums = reduceAt(pixels, at);
                      for (auto [pixel, sum] : llvm::zip(pixels, sums)) {
                        elements.keep(reduce.getOutput(), pixel, sum);
                        elements.storeResults(pixel, at);
                      }
                    });
                  });
    return finish(kernel, tiles);
  }

private:
  Value identity(const Frame &frame) {
    Type element = access::computeType(getElementTypeOrSelf(reduce.getOutput().getType()));
    return elements.splat(
        arith::ConstantOp::create(kernel.builder, kernel.loc,
                                  compute::identityOf(reduce.getCombiner(), element)),
        frame);
  }

  /// The value that the reduction folds at one point of its domain. `checked` says whether its
  /// accesses' conditions must be looked at.
  Value elementAt(ArrayRef<AffineExpr> point, const Frame &frame, bool checked) {
    SmallVector<Value> arguments;
    for (auto [i, input] : llvm::enumerate(reduce.getInputs())) {
      auto access = cast<access::MapAttr>(reduce.getAccesses()[i]);
      if (!checked)
        access = access::MapAttr::get(kernel.context(), access.getMap(), {}, {});
      arguments.push_back(elements.operandAt(input, access, reduce.getFills()[i], point, frame));
    }
    return elements.splat(
        elements.evaluateBody(reduce.getBody().front(), arguments, point, frame)[0], frame);
  }

  /// All points of the reduction domain, in order.
  SmallVector<SmallVector<AffineExpr>> enumerate() {
    SmallVector<SmallVector<AffineExpr>> all(1);
    for (AffineExpr extent : extents) {
      SmallVector<SmallVector<AffineExpr>> next;
      for (auto &prefix : all)
        for (int64_t i = 0; i < cast<AffineConstantExpr>(extent).getValue(); ++i) {
          next.push_back(prefix);
          next.back().push_back(getAffineConstantExpr(i, kernel.context()));
        }
      all = std::move(next);
    }
    return all;
  }

  SmallVector<Value> unrolledAt(ArrayRef<SmallVector<AffineExpr>> pixels, const Frame &frame,
                                bool checked) {
    SmallVector<Value> sums(pixels.size(), identity(frame));
    for (auto &position : enumerate())
      for (auto [pixel, sum] : llvm::zip(pixels, sums)) {
        SmallVector<AffineExpr> point(pixel);
        llvm::append_range(point, position);
        Elements::Mark mark = elements.mark();
        sum = combine(sum, elementAt(point, frame, checked));
        elements.forget(mark);
      }
    return sums;
  }

  Value combine(Value sum, Value element) {
    return compute::combine(kernel.builder, kernel.loc, reduce.getCombiner(), sum, element);
  }

  SmallVector<Value> reduceAt(ArrayRef<SmallVector<AffineExpr>> pixels, const Frame &frame) {
    if (!unrolled)
      return {loopAt(pixels.front(), frame)};
    // Where every point of every window exists, nothing is checked: most of an image.
    Value inside;
    bool byLane = false;
    for (auto &position : enumerate())
      for (auto &pixel : pixels)
        for (Attribute access : reduce.getAccesses()) {
          SmallVector<AffineExpr> point(pixel);
          llvm::append_range(point, position);
          auto [uniform, varying] =
              elements.conditions(cast<access::MapAttr>(access), point, frame);
          byLane |= static_cast<bool>(varying);
          if (uniform)
            inside = inside
                         ? Value(arith::AndIOp::create(kernel.builder, kernel.loc, inside, uniform))
                         : uniform;
        }
    if (!inside || byLane)
      return unrolledAt(pixels, frame, true);
    SmallVector<Type> types(pixels.size(), identity(frame).getType());
    auto branch = scf::IfOp::create(kernel.builder, kernel.loc, types, inside, true);
    Elements::Mark mark = elements.mark();
    for (bool checked : {false, true}) {
      OpBuilder::InsertionGuard guard(kernel.builder);
      kernel.builder.setInsertionPointToStart(checked ? branch.elseBlock() : branch.thenBlock());
      scf::YieldOp::create(kernel.builder, kernel.loc, unrolledAt(pixels, frame, checked));
      elements.forget(mark);
    }
    return SmallVector<Value>(branch.getResults());
  }

  /// One accumulator, loops over the reduction dimensions.
  Value loopAt(ArrayRef<AffineExpr> pixel, const Frame &frame) {
    std::function<Value(Frame, SmallVector<AffineExpr>, unsigned, Value)> nest =
        [&](Frame inner, SmallVector<AffineExpr> point, unsigned depth, Value sum) -> Value {
      if (depth == extents.size()) {
        Elements::Mark mark = elements.mark();
        Value next = combine(sum, elementAt(point, inner, true));
        elements.forget(mark);
        return next;
      }
      unsigned dim = inner.dims.size();
      point.push_back(getAffineDimExpr(dim, kernel.context()));
      inner.domain.extents.push_back(extents[depth]);
      inner.dims.emplace_back();
      return kernel.loop(kernel.index(0), kernel.size(extents[depth]), 1, sum,
                         [&](Value i, ValueRange carried) -> SmallVector<Value> {
                           inner.dims[dim] = i;
                           return {nest(inner, point, depth + 1, carried[0])};
                         })[0];
    };
    return nest(frame, llvm::to_vector(pixel), 0, identity(frame));
  }

  KernelBuilder &kernel;
  compute::ReduceOp reduce;
  Elements elements;
  ArrayRef<AffineExpr> extents;
  int64_t points = 1;
  bool unrolled;
};

} // namespace

Kernel emitWindow(KernelBuilder &kernel) {
  auto reduces = kernel.group.getBody().front().getOps<compute::ReduceOp>();
  return WindowEmitter(kernel, *reduces.begin()).run();
}

} // namespace longtail::leaf
