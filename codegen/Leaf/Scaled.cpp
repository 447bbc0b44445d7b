// Products with small constant matrices, as in the transformations of minimal filtering: all
// results that come from the same elements are computed together, in registers.
#include "codegen/Leaf/Nest.h"
#include "codegen/Leaf/WindowSums.h"

using namespace mlir;

namespace longtail::leaf {

namespace {

class ScaledEmitter {
public:
  ScaledEmitter(KernelBuilder &kernel, compute::ReduceOp reduce, const ScaledNest &nest)
      : kernel(kernel), reduce(reduce), nest(nest), elements(kernel),
        windows(kernel, reduce, elements, /*unrolled=*/true) {}

  Kernel run() {
    Frame frame;
    frame.domain = access::Domain(nest.extents);
    frame.dims.assign(nest.extents.size(), Value());
    frame.lane = nest.extents.size() - 1;
    frame.lanes = kernel.schedule.getLanes();
    // Tiles are ranges of the rows of a stripe or, outside of chains, of all outer loops.
    const auto &stripe = kernel.stripeRange();
    ArrayRef<AffineExpr> outer =
        ArrayRef(nest.extents).take_front(stripe ? nest.rowLoops : nest.written);
    Value low, high;
    AffineExpr tiles;
    if (stripe) {
      low = stripe->low, high = stripe->high, tiles = stripe->tiles;
    } else {
      AffineExpr total = getAffineConstantExpr(1, kernel.context());
      for (AffineExpr extent : outer)
        total = total * extent;
      AffineExpr grain =
          iterationsPerTile(kernel, nest.extents[nest.written] * nest.extents.back());
      low = kernel.mul(kernel.tile(), kernel.size(grain));
      high = kernel.min(kernel.add(low, kernel.size(grain)), kernel.size(total));
      tiles = total.ceilDiv(grain);
    }
    kernel.loop(low, high, 1, [&](Value position) {
      llvm::copy(kernel.delinearize(position, outer), frame.dims.begin());
      emitLoops(frame, outer.size());
    });
    return finish(kernel, tiles);
  }

private:
  bool isFunctionOfWritten(const Condition &condition) const {
    return condition.first.isFunctionOfDim(nest.written) ||
           condition.second.isFunctionOfDim(nest.written);
  }

  void emitLoops(Frame &frame, unsigned depth) {
    if (depth < nest.written)
      return kernel.loop(kernel.index(0), kernel.size(nest.extents[depth]), 1, [&](Value i) {
        frame.dims[depth] = i;
        emitLoops(frame, depth + 1);
      });
    frame.dims[nest.written] = kernel.index(0);
    auto emit = [&] {
      emitLanes(kernel, elements, frame, kernel.index(0), kernel.size(nest.extents.back()),
                [&](const Frame &at) { emitResults(at); });
    };
    SmallVector<Condition> conditions;
    for (const Condition &condition : nest.inside)
      if (!isFunctionOfWritten(condition))
        conditions.push_back(condition);
    if (Value exist = allInRange(kernel, conditions, frame))
      kernel.when(exist, emit);
    else
      emit();
  }

  /// All results of one block.
  void emitResults(const Frame &frame) {
    AffineExpr dim = getAffineDimExpr(nest.written, kernel.context());
    auto at = [&](AffineExpr expr, int64_t number) {
      return kernel.simplify(expr.replace(dim, getAffineConstantExpr(number, kernel.context())),
                             frame.domain);
    };
    int64_t count = cast<AffineConstantExpr>(nest.extents[nest.written]).getValue();
    SmallVector<WindowSums::Position> results;
    for (int64_t number = 0; number < count; ++number) {
      results.emplace_back();
      for (AffineExpr coordinate : nest.coordinates)
        results.back().push_back(at(coordinate, number));
    }
    SmallVector<Value> sums = windows.at(results, frame);
    for (int64_t number = 0; number < count; ++number) {
      SmallVector<Condition> conditions;
      for (const Condition &condition : nest.inside)
        if (number != 0 && isFunctionOfWritten(condition)) // the first of a block exists
          conditions.push_back({at(condition.first, number), at(condition.second, number)});
      Elements::Mark mark = elements.mark();
      auto store = [&] {
        elements.keep(reduce.getOutput(), results[number], sums[number]);
        elements.storeResults(results[number], frame);
      };
      if (Value exists = allInRange(kernel, conditions, frame)) {
        kernel.when(exists, store);
        elements.forget(mark);
      } else {
        store();
      }
    }
  }

  KernelBuilder &kernel;
  compute::ReduceOp reduce;
  const ScaledNest &nest;
  Elements elements;
  WindowSums windows;
};

} // namespace

Kernel emitScaled(KernelBuilder &kernel, compute::ReduceOp reduce, const ScaledNest &nest) {
  return ScaledEmitter(kernel, reduce, nest).run();
}

} // namespace longtail::leaf
