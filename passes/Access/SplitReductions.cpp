// Reductions of a whole tensor through a view that merges dimensions: `i floordiv 256, i mod 256`
// become dimensions of their own, so that lanes lie along one of the tensor.
#include "dialects/Access/Algebra/Algebra.h"
#include "passes/Access/Passes.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_SPLITREDUCTIONSPASS
#include "passes/Access/Passes.h.inc"

namespace {

/// Collects by what `dim` is divided where it occurs. False where it occurs in another way.
bool collectDivisors(AffineExpr expr, AffineExpr dim, SmallVectorImpl<int64_t> &divisors) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return expr != dim;
  bool divides =
      isa<AffineConstantExpr>(binary.getRHS()) &&
      (binary.getKind() == AffineExprKind::FloorDiv || binary.getKind() == AffineExprKind::Mod);
  if (divides && binary.getLHS() == dim) {
    divisors.push_back(cast<AffineConstantExpr>(binary.getRHS()).getValue());
    return true;
  }
  return collectDivisors(binary.getLHS(), dim, divisors) &&
         collectDivisors(binary.getRHS(), dim, divisors);
}

/// What the reduced dimension `dim` of `size` elements is divided by in all accesses; 0 where it
/// cannot be split.
int64_t divisorOf(compute::ReduceOp reduce, AffineExpr dim, AffineExpr size) {
  auto count = dyn_cast<AffineConstantExpr>(size);
  SmallVector<int64_t> divisors;
  for (Attribute each : reduce.getAccesses()) {
    auto access = cast<access::MapAttr>(each);
    SmallVector<AffineExpr> all(access.getMap().getResults());
    if (!access.isTotal()) {
      llvm::append_range(all, access.getValid().getResults());
      llvm::append_range(all, access.getBelow().getResults());
    }
    for (AffineExpr expr : all)
      if (!collectDivisors(expr, dim, divisors))
        return 0;
  }
  if (!count || divisors.empty() || !llvm::all_equal(divisors) || divisors[0] <= 1 ||
      count.getValue() <= divisors[0] || count.getValue() % divisors[0] != 0)
    return 0;
  return divisors[0];
}

/// Splits the reduced dimension at `position` of the domain into quotients and remainders.
void split(compute::ReduceOp reduce, unsigned position, int64_t divisor) {
  MLIRContext *context = reduce.getContext();
  AffineMap extents = reduce.getExtents();
  unsigned rank = cast<RankedTensorType>(reduce.getOutput().getType()).getRank();
  unsigned before = rank + extents.getNumResults();
  AffineExpr quotient = getAffineDimExpr(position, context),
             remainder = getAffineDimExpr(position + 1, context);
  SmallVector<AffineExpr> dims;
  for (unsigned i = 0; i < before; ++i)
    dims.push_back(getAffineDimExpr(i <= position ? i : i + 1, context));
  dims[position] = quotient * divisor + remainder;
  access::Domain domain(extent::sizesOf(reduce.getOutput()));
  SmallVector<AffineExpr> sizes(extents.getResults());
  int64_t count = cast<AffineConstantExpr>(sizes[position - rank]).getValue();
  sizes[position - rank] = getAffineConstantExpr(count / divisor, context);
  sizes.insert(sizes.begin() + (position - rank) + 1, getAffineConstantExpr(divisor, context));
  llvm::append_range(domain.extents, sizes);
  SmallVector<Attribute> accesses;
  for (Attribute each : reduce.getAccesses()) {
    auto access = cast<access::MapAttr>(each);
    auto replaced = [&](AffineMap map) {
      return llvm::map_to_vector(map.getResults(),
                                 [&](AffineExpr expr) { return expr.replaceDims(dims); });
    };
    SmallVector<AffineExpr> valid, below;
    if (!access.isTotal()) {
      valid = replaced(access.getValid());
      below = replaced(access.getBelow());
    }
    accesses.push_back(access::simplify(
        access::makeMap(context, before + 1, replaced(access.getMap()), valid, below), domain));
  }
  reduce.setAccessesAttr(ArrayAttr::get(context, accesses));
  reduce.setExtents(extent::sizesMap(context, sizes));
}

struct SplitReductions final : impl::SplitReductionsPassBase<SplitReductions> {
  using SplitReductionsPassBase::SplitReductionsPassBase;

  void runOnOperation() override {
    getOperation().walk([](compute::ReduceOp reduce) {
      auto isOne = [](AffineExpr size) { return size == 1; };
      bool hasPositions = reduce.getBody()
                              .walk([](Operation *op) {
                                return isa<compute::IndexOp, compute::ScaleOp>(op)
                                           ? WalkResult::interrupt()
                                           : WalkResult::advance();
                              })
                              .wasInterrupted();
      if (hasPositions || !llvm::all_of(extent::sizesOf(reduce.getOutput()), isOne))
        return;
      unsigned rank = cast<RankedTensorType>(reduce.getOutput().getType()).getRank();
      for (unsigned i = 0; i < reduce.getExtents().getNumResults(); ++i) {
        AffineExpr dim = getAffineDimExpr(rank + i, reduce.getContext());
        if (int64_t divisor = divisorOf(reduce, dim, reduce.getExtents().getResult(i)))
          split(reduce, rank + i, divisor);
      }
    });
  }
};

} // namespace
} // namespace longtail
