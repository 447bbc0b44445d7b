// Sequential code of `compute.grid`: loops, branches and places.
#pragma once
#include "compiler/Operators/RegionBuilder.h"

namespace longtail::operators {

/// Emits at the place of the builder that it was made with; callbacks emit inside the construct
/// that they belong to.
class GridBuilder : public RegionBuilder {
public:
  using RegionBuilder::RegionBuilder;
  using Values = llvm::SmallVector<mlir::Value>;

  /// `body` for each index of `[low, high)`, in order.
  void loop(mlir::Value low, mlir::Value high, llvm::function_ref<void(mlir::Value)> body) const;
  /// The same, carrying values: `body` gets their values before and returns those after the trip.
  Values loop(mlir::Value low, mlir::Value high, mlir::ValueRange carried,
              llvm::function_ref<Values(mlir::Value, mlir::ValueRange)> body) const;
  /// Repeats `body` as long as `condition` of the carried values holds.
  Values repeatWhile(mlir::ValueRange carried,
                     llvm::function_ref<mlir::Value(mlir::ValueRange)> condition,
                     llvm::function_ref<Values(mlir::ValueRange)> body) const;
  void when(mlir::Value condition, llvm::function_ref<void()> then) const;
  /// The values of the branch that `condition` chooses; both give the same types.
  Values choose(mlir::Value condition, llvm::function_ref<Values()> then,
                llvm::function_ref<Values()> otherwise) const;

  /// Indices that are tested at a time.
  static constexpr int64_t kBlock = 32;
  /// For which of the `kBlock` indices from `first` on `holds` gives true: an i32, the first in its
  /// lowest bit.
  mlir::Value maskOfBlock(mlir::Value first,
                          llvm::function_ref<mlir::Value(mlir::Value)> holds) const;
  /// Whether `holds` gives true for an index of `[0, count)`. It is asked for whole blocks, up to
  /// `kBlock` indices behind `count` too, and must give false for these.
  mlir::Value anyOf(mlir::Value count, llvm::function_ref<mlir::Value(mlir::Value)> holds) const;

  // Truth values.
  mlir::Value both(mlir::Value a, mlir::Value b) const { return make<mlir::arith::AndIOp>(a, b); }
  mlir::Value either(mlir::Value a, mlir::Value b) const { return make<mlir::arith::OrIOp>(a, b); }
  mlir::Value isNot(mlir::Value a) const {
    return make<mlir::arith::XOrIOp>(a, integer(a.getType(), 1));
  }

  // Indices, which are signed.
  mlir::Value isBelow(mlir::Value a, mlir::Value b) const {
    return cmpI(mlir::arith::CmpIPredicate::slt, a, b);
  }
  mlir::Value isSame(mlir::Value a, mlir::Value b) const {
    return cmpI(mlir::arith::CmpIPredicate::eq, a, b);
  }
  /// `0 <= a < bound`, as one comparison; `bound` is not negative.
  mlir::Value isInside(mlir::Value a, mlir::Value bound) const {
    return cmpI(mlir::arith::CmpIPredicate::ult, a, bound);
  }
  mlir::Value toInt64(mlir::Value index) const { return fromIndex(index, builder().getI64Type()); }

  /// An element of a tensor outside the grid. `checked`: an index outside ends the run with an
  /// error; otherwise the indices are within the tensor.
  mlir::Value load(mlir::Value tensor, mlir::ValueRange indices, bool checked = false) const;
  void store(mlir::Value value, mlir::Value place, mlir::ValueRange indices) const;
  mlir::Value fetch(mlir::Value place, mlir::ValueRange indices) const;
  /// An array of this point; only at the top of the region.
  mlir::Value local(mlir::Type elementType, llvm::ArrayRef<mlir::AffineExpr> sizes) const;
  /// Ends the run with an error unless `condition` holds; what follows runs all the same.
  void require(mlir::Value condition, compute::Fault fault) const;
};

/// A tensor of one row for each of `outer`, `axis` elements in it and `inner` elements side by
/// side: how an operator along one axis sees its input.
struct AxisView {
  mlir::AffineExpr outer, axis, inner;
  llvm::SmallVector<mlir::AffineExpr, 3> sizes() const { return {outer, axis, inner}; }
};
AxisView axisView(const InferContext &ctx, llvm::ArrayRef<mlir::AffineExpr> sizes, int64_t axis);

/// A grid of `extents` points with results of the given types. `body` gets a builder, the point's
/// coordinates and the places of the results.
llvm::SmallVector<mlir::Value> buildGrid(
    ExpandContext &ctx, llvm::ArrayRef<mlir::RankedTensorType> results,
    llvm::ArrayRef<mlir::AffineExpr> extents,
    llvm::function_ref<void(const GridBuilder &, mlir::ValueRange points, mlir::ValueRange places)>
        body);

} // namespace longtail::operators
