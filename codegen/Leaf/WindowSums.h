// The values of a reduction over windows at neighbouring points, accumulated in registers.
#pragma once
#include "codegen/Leaf/Elements.h"
#include "llvm/ADT/SetVector.h"

namespace longtail::leaf {

class WindowSums {
public:
  using Position = llvm::SmallVector<mlir::AffineExpr>;

  /// `unrolled`: windows are written out, so their size is a number.
  WindowSums(KernelBuilder &kernel, compute::ReduceOp reduce, Elements &elements, bool unrolled)
      : kernel(kernel), reduce(reduce), elements(elements),
        extents(reduce.getExtents().getResults()), unrolled(unrolled) {}

  /// What the reduction gives at each of `pixels`, points of its parallel domain; one alone where
  /// windows are not written out. Where every point of every window exists, which is most of an
  /// image, nothing is checked. Where not, each row of the windows is skipped, taken whole, or
  /// checked element by element.
  llvm::SmallVector<mlir::Value> at(llvm::ArrayRef<Position> pixels, const Frame &frame);

private:
  using Conditions = llvm::SetVector<Condition>;
  /// A fold that goes on from sums.
  using Fold = llvm::function_ref<llvm::SmallVector<mlir::Value>()>;

  mlir::Value identity(const Frame &frame);
  /// The value that the reduction folds at one point of its domain. `checked` says whether its
  /// accesses' conditions must be looked at.
  mlir::Value elementAt(llvm::ArrayRef<mlir::AffineExpr> point, const Frame &frame, bool checked);
  mlir::Value combine(mlir::Value sum, mlir::Value element);
  llvm::SmallVector<mlir::Value> fold(llvm::ArrayRef<Position> pixels,
                                      llvm::ArrayRef<Position> positions,
                                      llvm::SmallVector<mlir::Value> sums, const Frame &frame,
                                      bool checked);
  /// True where an element is folded as it is read, so that where it is read says what it is.
  bool foldsElementsAsTheyAre();
  /// The same, with what neighbours have in common folded once: each column of the windows (the
  /// positions that differ in all but the last dimension), then runs of columns. A fold that takes
  /// an element twice without a difference joins runs that overlap.
  llvm::SmallVector<mlir::Value> foldShared(llvm::ArrayRef<Position> pixels,
                                            llvm::ArrayRef<Position> positions,
                                            llvm::SmallVector<mlir::Value> sums,
                                            const Frame &frame);
  /// The conditions of all accesses at one point that are not always true.
  Conditions conditionsAt(const Position &point, const Frame &frame);
  bool varyByLane(const Conditions &conditions, const Frame &frame);
  /// `whenTrue` or `whenFalse`; no branch without a condition.
  llvm::SmallVector<mlir::Value> choose(mlir::Value condition, Fold whenTrue, Fold whenFalse,
                                        mlir::TypeRange types);
  /// A row: the positions that differ in the last reduction dimension only.
  llvm::SmallVector<mlir::Value> foldRows(llvm::ArrayRef<Position> pixels,
                                          llvm::SmallVector<mlir::Value> sums, const Frame &frame);
  /// A row of which no element exists: only fills take part, and those only where they count.
  llvm::SmallVector<mlir::Value> skip(llvm::ArrayRef<Position> pixels, llvm::ArrayRef<Position> row,
                                      llvm::SmallVector<mlir::Value> sums, const Frame &frame);
  /// True where folding an element that does not exist changes nothing: a fill that is yielded as
  /// it is and is the identity, or a factor of 0 in a sum of products.
  bool fillsAreNeutral();
  /// One accumulator, loops over the reduction dimensions.
  mlir::Value loopAt(llvm::ArrayRef<mlir::AffineExpr> pixel, const Frame &frame);

  KernelBuilder &kernel;
  compute::ReduceOp reduce;
  Elements &elements;
  llvm::ArrayRef<mlir::AffineExpr> extents;
  bool unrolled;
};

} // namespace longtail::leaf
