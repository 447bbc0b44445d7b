// The parallel loops of a kernel: dimensions in memory order, merged where every access allows it,
// the innermost one in vectors.
#pragma once
#include "codegen/Leaf/Elements.h"

namespace longtail::leaf {

/// The loops over a group's parallel domain.
struct Nest {
  /// Sizes of the loop dimensions, outermost first; the last one carries the lanes. Never empty.
  llvm::SmallVector<mlir::AffineExpr> extents;
  /// Each dimension of the domain as an expression of loop dimensions.
  llvm::SmallVector<mlir::AffineExpr> coordinates;
};

/// Loops over the domain of the group's results, which have one shape, in the memory order of the
/// first. Neighbouring dimensions become one loop where all elements that are read and written
/// allow it. With `reduce`, the elements that it reads at each point of its domain count too.
Nest makeNest(KernelBuilder &kernel, compute::ReduceOp reduce = {});

/// Loops over the results of products with a small matrix. Dimensions that are read by quotient and
/// remainder are two loops each.
struct ScaledNest : Nest {
  /// How many of the first loops are rows of a stripe; none where the group is in no chain.
  unsigned rowLoops = 0;
  /// The last loop but one, over the matrix's rows: to be written out, for all results come from
  /// the same elements.
  unsigned written = 0;
  /// What holds where a result exists: blocks of them may reach over an edge.
  llvm::SmallVector<Condition> inside;
};

/// The dimension of the group's results that names the rows of the matrix by which its reduction
/// scales (compute.scale); nothing where lanes lie along it, or for other reductions.
std::optional<unsigned> scaledDim(compute::FusedOp group, compute::ReduceOp reduce);

/// The nest of a reduction that has such a dimension, if it has a number of rows.
std::optional<ScaledNest> makeScaledNest(KernelBuilder &kernel, compute::ReduceOp reduce);

/// A finished kernel and what a dispatch must say of it.
struct Kernel {
  mlir::func::FuncOp function;
  llvm::SmallVector<mlir::AffineExpr> parameters;
  mlir::AffineExpr tiles, scratchBytes;
};

/// The number of iterations of an outer loop in one tile, if each works on `elements` elements: the
/// schedule's grain is in elements.
mlir::AffineExpr iterationsPerTile(KernelBuilder &kernel, mlir::AffineExpr elements);
/// How many of `total` iterations a tile takes where `grain` are worth one: all of them, or so few
/// that threads, which have as many tiles each, have about the same work. A tile costs little; a
/// step with more than one is shared.
mlir::AffineExpr sharedGrain(KernelBuilder &kernel, mlir::AffineExpr total, mlir::AffineExpr grain);

/// What `emitTiles` asks for: a frame whose dims but the lane's have values, the range of the lane
/// dimension to cover, and the number of neighbours in the last dimension but one to cover, from
/// the frame's position on.
using TileBody =
    llvm::function_ref<void(Frame, mlir::Value low, mlir::Value high, int64_t neighbours)>;

/// Emits the loops of one tile, up to `neighbours` positions of the last outer loop at a time.
/// Returns the number of tiles.
mlir::AffineExpr emitTiles(KernelBuilder &kernel, const Nest &nest, int64_t neighbours,
                           TileBody body);

/// Covers `[low, high)` of the frame's last dimension with vectors, then with a masked one. `body`
/// gets a complete frame. Long ranges are covered by `vectors` vectors at a time, as one of their
/// joint length: independent work for processors that keep the order of instructions.
void emitLanes(KernelBuilder &kernel, Elements &elements, Frame frame, mlir::Value low,
               mlir::Value high, llvm::function_ref<void(const Frame &)> body, int64_t vectors = 1);

/// As many vectors as they have lanes: the element `j` of vector `i` becomes the element `i` of
/// vector `j`.
llvm::SmallVector<mlir::Value> transposeRegisters(KernelBuilder &kernel,
                                                  llvm::SmallVector<mlir::Value> vectors);

/// Takes what is the same in all trips of the loops of scalars out of them: computations, checks
/// and branches.
void hoistChecks(mlir::func::FuncOp function);
/// True where a loop that carries `before` and `after` it only looks for the largest or the
/// smallest of some floating-point numbers.
bool carriesExtreme(mlir::Value before, mlir::Value after);
/// The loop with integers in the place of the extremes that it carries; itself without any.
mlir::scf::ForOp findExtremesAsIntegers(mlir::scf::ForOp loop);
/// Asks early for the rows that loops read where an array of indices says.
void prefetchRows(mlir::func::FuncOp function);
/// Marks the loops of scalars that LLVM shall vectorize.
void markVectorLoops(mlir::func::FuncOp function);
/// By how much `value` changes from one trip of `loop` to the next; nothing where that is not a
/// constant.
std::optional<int64_t> strideIn(mlir::Value value, mlir::scf::ForOp loop);
/// Makes loops of vectors of those marked ones for which LLVM has no vectors: with products of
/// bytes, `lanes` at a time.
void vectorizeDotLoops(mlir::func::FuncOp function, int64_t lanes);

/// Ends the function and collects what the dispatch must know.
Kernel finish(KernelBuilder &kernel, mlir::AffineExpr tiles);

/// Windows of up to so many elements (7 times 7) are written out, without loops.
inline constexpr int64_t kMaxUnrolledPoints = 49;

// One strategy for each class of group, each in a file of its own.
Kernel emitPointwise(KernelBuilder &kernel);
/// A pointwise group that reads along another dimension than it stores; nothing for any other.
std::optional<Kernel> emitTransposed(KernelBuilder &kernel, const Nest &nest);
Kernel emitWindow(KernelBuilder &kernel);
Kernel emitScaled(KernelBuilder &kernel, compute::ReduceOp reduce, const ScaledNest &nest);
Kernel emitRows(KernelBuilder &kernel);
Kernel emitContraction(KernelBuilder &kernel);
Kernel emitGrid(KernelBuilder &kernel);

} // namespace longtail::leaf
