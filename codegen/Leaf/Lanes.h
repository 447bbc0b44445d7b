// Code of points that runs for several points at a time, one in each lane of vectors: which values
// differ from lane to lane, and along which dimension of a grid the lanes may lie.
#pragma once
#include "codegen/Leaf/KernelBuilder.h"
#include "llvm/ADT/DenseSet.h"
#include <optional>

namespace longtail::leaf {

/// Which values of a region differ from lane to lane; all others are computed once for all lanes.
class LaneVariance {
public:
  /// Values of `body` for which `isSeed` holds differ by themselves. What is fetched from a place
  /// always does.
  LaneVariance(mlir::Block &body, llvm::function_ref<bool(mlir::Value)> isSeed);

  bool varies(mlir::Value value) const { return varying.contains(value); }

private:
  bool mark(mlir::Value value) { return varying.insert(value).second; }
  bool propagate(mlir::Block &block);

  llvm::DenseSet<mlir::Value> varying;
};

/// How lanes lie.
struct GridLanes {
  /// The dimension of the domain along which they lie.
  unsigned dim = 0;
  /// What is done once for all lanes, and what in each, in operations of one vector.
  double shared = 0, each = 0;
  /// Of the widest number that differs between lanes.
  int64_t bytes = 1;
  /// How often a group's input, by its number, is read along one of its dimensions (the second
  /// number), which lanes want to be the innermost one in memory but is not.
  struct Row {
    unsigned input, dim;
    double reads; // for each vector
  };
  llvm::SmallVector<Row> rows;
  /// The same of the group's results that nobody reads afterwards: by number, and the dimension.
  llvm::SmallVector<std::pair<unsigned, unsigned>> results;
};

/// The best dimension for lanes of the grid in `group`: one along which points take the same way
/// through loops, chosen by what they share and how they lie in memory. Nothing where scalar code
/// is as good. With `mayMove`, inputs count as if they lay in the order that lanes want.
std::optional<GridLanes> lanesOfGrid(compute::FusedOp group, bool mayMove = false);

/// What the innermost loops of the grid in `group` read along a dimension that is not the innermost
/// one in memory, `reads` times in one point: of loops that could be vectors otherwise.
llvm::SmallVector<GridLanes::Row> rowsOfLoops(compute::FusedOp group);

/// The dimension of a pointwise group's results along which its loads, at positions that one of its
/// maps computes, are rows of what they read: worth it although inputs (`rows`) and results have to
/// be copied for it. Nothing where another dimension is as good.
std::optional<GridLanes> lanesOfGathers(compute::FusedOp group);

/// The widest number of `group`, in bytes, that differs between lanes along dimension `dim` of the
/// results. `least` is what a number takes that is narrower.
int64_t widestAlong(compute::FusedOp group, unsigned dim, int64_t least);

} // namespace longtail::leaf
