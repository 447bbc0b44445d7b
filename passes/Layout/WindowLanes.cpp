#include "passes/Layout/WindowLanes.h"
#include <cmath>

using namespace mlir;

namespace longtail {

namespace {

/// Of a dimension that is not known.
constexpr double kUnknownSize = 16;
/// Lanes of a vector as dimensions are compared; which machine it will be does not matter for that.
constexpr double kLanes = 8;
/// What an access of one vector costs: the same element for all lanes, neighbours where some may
/// not exist, elements that lie apart; and a vector that is copied into another order.
constexpr double kUniform = 0.25, kMasked = 2.5, kApart = 12, kCopy = 3;
/// Elements up to so far apart are loads of neighbours, shuffled; that costs so much more for each
/// element between.
constexpr double kMostShuffled = 4, kShuffled = 1.5;
/// What is left of the cost with other lanes must be less than this part of it.
constexpr double kClearly = 0.6;

double sizeOf(AffineExpr size) {
  auto constant = dyn_cast<AffineConstantExpr>(size);
  return constant ? std::max<double>(1, constant.getValue()) : kUnknownSize;
}

double elementsOf(ArrayRef<AffineExpr> sizes) {
  double product = 1;
  for (AffineExpr size : sizes)
    product *= sizeOf(size);
  return product;
}

/// One element of an input that every point of the domain reads.
struct Read {
  unsigned input;
  SmallVector<AffineExpr> at;
};

class WindowReads {
public:
  WindowReads(compute::FusedOp group, compute::ReduceOp reduce, const ConstantValues &constants)
      : group(group), reduce(reduce), constants(constants) {
    MLIRContext *context = group.getContext();
    domain.extents = extent::sizesOf(reduce.getOutput());
    resultElements = elementsOf(domain.extents);
    llvm::append_range(domain.extents, reduce.getExtents().getResults());
    SmallVector<AffineExpr> identity;
    for (unsigned i = 0; i < domain.extents.size(); ++i)
      identity.push_back(getAffineDimExpr(i, context));
    leaf::visitReduction(
        reduce, identity,
        [&](Value leaf, ArrayRef<AffineExpr> at) {
          if (auto argument = dyn_cast<BlockArgument>(leaf))
            reads.push_back({argument.getArgNumber(), llvm::to_vector(at)});
        },
        [&](AffineExpr position) { conditions.push_back(position); });
  }

  /// The cost with lanes along `dim`, in accesses of one vector's elements each.
  double costAlong(int64_t dim, bool isFlat, SmallVector<InputOrder> &copies) {
    // The first and the last vector have elements that do not exist.
    // A small matrix's rows are written out, or each lane would choose among its coefficients.
    if (llvm::any_of(reduce.getBody().getOps<compute::ScaleOp>(),
                     [&](compute::ScaleOp scale) { return int64_t(scale.getRow()) == dim; }))
      return std::numeric_limits<double>::infinity();
    double size = sizeOf(domain.extents[dim]), vectors = std::ceil(size / kLanes), masked = 1;
    if (llvm::any_of(conditions, [&](AffineExpr e) { return e.isFunctionOfDim(dim); }))
      masked += (kMasked - 1) * std::min(1.0, 2 / vectors);
    double points = elementsOf(domain.extents), cost = 0;
    for (const Read &read : reads)
      cost += readAlong(dim, read, masked, points, copies);
    cost *= vectors * kLanes / size;
    return cost + (isFlat ? kCopy * resultElements : 0);
  }

  bool isConstant(unsigned input) { return constants.contains(group.getInputs()[input]); }

private:
  double readAlong(int64_t dim, const Read &read, double masked, double points,
                   SmallVector<InputOrder> &copies) {
    std::optional<int64_t> moved;
    for (auto [index, expr] : llvm::enumerate(read.at))
      if (expr.isFunctionOfDim(dim)) {
        if (moved)
          return kApart * points;
        moved = index;
      }
    if (!moved)
      return kUniform * points;
    auto stride =
        dyn_cast_or_null<AffineConstantExpr>(access::strideAlong(read.at[*moved], dim, domain));
    double distance = stride ? std::abs(double(stride.getValue())) : 0;
    if (distance < 1 || distance > kMostShuffled)
      return kApart * points;
    double together = masked * (1 + kShuffled * (distance - 1)) * points;
    Value source = group.getInputs()[read.input];
    if (leaf::layoutOf(source).back() == *moved)
      return together;
    auto same = llvm::find_if(copies, [&](auto &copy) { return copy.input == read.input; });
    if (same != copies.end())
      return same->innermost == *moved ? together : kApart * points;
    double copied = isConstant(read.input) ? 0 : kCopy * elementsOf(extent::sizesOf(source));
    if (together + copied >= kApart * points)
      return kApart * points;
    copies.push_back({read.input, *moved});
    return together + copied;
  }

  compute::FusedOp group;
  compute::ReduceOp reduce;
  const ConstantValues &constants;
  access::Domain domain;
  double resultElements = 1;
  SmallVector<Read> reads;
  SmallVector<AffineExpr> conditions;
};

} // namespace

std::optional<WindowLanes> lanesOfWindow(compute::FusedOp group, compute::ReduceOp reduce,
                                         int64_t usual, bool isFlat,
                                         const ConstantValues &constants) {
  WindowReads reads(group, reduce, constants);
  int64_t rank = cast<RankedTensorType>(reduce.getOutput().getType()).getRank();
  auto along = [&](int64_t dim, WindowLanes &lanes) {
    lanes = {dim, {}};
    return reads.costAlong(dim, isFlat && dim != rank - 1, lanes.copies);
  };
  WindowLanes best;
  double least = kClearly * along(usual, best);
  bool isOther = !best.copies.empty();
  // Nothing speaks for what is usual where that has to be copied, too.
  if (llvm::any_of(best.copies,
                   [&](const InputOrder &copy) { return !reads.isConstant(copy.input); }))
    least /= kClearly;
  for (int64_t dim = 0; dim < rank; ++dim) {
    WindowLanes lanes;
    // A size that only the run tells may be 1, as that of a batch mostly is.
    auto size = dyn_cast<AffineConstantExpr>(extent::sizesOf(reduce.getOutput())[dim]);
    if (dim == usual || !size || size.getValue() < kLanes / 2)
      continue;
    double cost = along(dim, lanes);
    if (cost >= least)
      continue;
    least = cost;
    best = lanes;
    isOther = true;
  }
  return isOther ? std::optional(best) : std::nullopt;
}

} // namespace longtail
