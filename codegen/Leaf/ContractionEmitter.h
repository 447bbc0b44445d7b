// The loops around a contraction, shared by the files that emit them: tiles and what follows them
// (Contraction.cpp), rows of a tile (ContractionRows.cpp), reduction steps (ContractionSteps.cpp).
#pragma once
#include "codegen/Leaf/Nest.h"
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace longtail::leaf {

class ContractionEmitter {
public:
  ContractionEmitter(KernelBuilder &kernel, compute::ContractOp contract,
                     compute::ContractionShape shape);

  Kernel run();

private:
  /// The frame of each row of a tile, and its coordinates. One row loop: rows are neighbours, their
  /// positions differ by constants. Several: each row's position is split on its own.
  struct Row {
    Frame frame;
    llvm::SmallVector<mlir::AffineExpr> coordinates;
  };

  // ---- tiles
  static mlir::AffineExpr product(llvm::ArrayRef<mlir::AffineExpr> extents,
                                  mlir::MLIRContext *context);
  /// Loop dimensions: batch, rows (merged where every access allows it), panel, lane, reduction.
  void buildLoopDims();
  /// Panels from `first` to `last`, with `emitRows` for each. The last panel works on as many
  /// vectors as it has columns for, or on half of them where that is not known.
  void emitPanels(Frame &frame, mlir::Value first, mlir::Value last,
                  llvm::function_ref<void()> emitRows);
  /// Blocks of `rows` rows from `first` to `last`. The last block of all begins early enough to be
  /// whole, so some rows may be computed twice, with equal results. Fewer rows than a block are
  /// done one by one.
  void emitRowBlocks(const Frame &frame, mlir::Value first, mlir::Value last, mlir::Value total);
  /// One register tile: all reduction steps, then what follows, then the stores.
  void emitTile(const Frame &frame, mlir::Value first, int64_t count);
  /// The columns of vector `v` of this panel that exist; null: all.
  mlir::Value maskOf(const Frame &frame, int64_t v);
  /// What the group computes from one vector of sums, and its stores.
  void finishVector(Row &row, int64_t v, mlir::Value sum);
  mlir::AffineExpr product(llvm::ArrayRef<mlir::AffineExpr> extents) {
    return product(extents, kernel.context());
  }

  // ---- rows of a tile
  /// Where the left operand is read: the same for all columns of a group.
  llvm::SmallVector<mlir::AffineExpr> leftCoordinates(const Row &row) const;
  /// Where the right operand is read. With groups its map tells them from positions in them, which
  /// lanes behind the last column of a group exceed.
  llvm::SmallVector<mlir::AffineExpr> rightIndices(const Row &row);
  /// Row dimensions that can be one loop, in the result's memory order.
  llvm::SmallVector<llvm::SmallVector<unsigned>> rowRuns();
  llvm::SmallVector<Row, 0> rowsFrom(const Frame &frame, mlir::Value first, int64_t count);
  /// The positions of the row after one, without divisions. Behind the last row they are outside.
  llvm::SmallVector<mlir::Value> nextRow(llvm::ArrayRef<mlir::Value> positions);
  /// The same rows where they lie on one line of the innermost row dimension: their positions
  /// differ from those of the first by constants.
  llvm::SmallVector<Row, 0> lineFrom(const Row &first, int64_t count);
  /// True where `count` rows from one lie on a line and nothing that they read is outside of the
  /// left operand, so that no step has to ask. Null where that cannot be told, or is of no use.
  mlir::Value insideFrom(const Row &first, int64_t count);
  /// Whether the row's elements exist at this position of the outer reduction loops; null: they do
  /// (or that depends on the innermost step).
  mlir::Value conditionOf(Row &row, unsigned dim);
  bool dependsOnStep(Row &row, unsigned dim);

  // ---- reduction steps: each takes the sums so far and gives the next
  /// Loops over the outer reduction dimensions, then the innermost.
  llvm::SmallVector<mlir::Value> reduceFrom(llvm::SmallVector<Row, 0> &tile, unsigned depth,
                                            llvm::SmallVector<mlir::Value> sums);
  llvm::SmallVector<mlir::Value> innermost(llvm::SmallVector<Row, 0> &tile,
                                           llvm::SmallVector<mlir::Value> sums);
  /// The general form of the innermost loop: every step asks where each element is.
  llvm::SmallVector<mlir::Value> stepByStep(llvm::SmallVector<Row, 0> &tile,
                                            llvm::SmallVector<mlir::Value> sums);
  /// The vectors of columns of one reduction step, at `along` (over `position`) of dimension `dim`.
  llvm::SmallVector<mlir::Value> columnsAt(Row &row, unsigned dim, mlir::Value position,
                                           mlir::AffineExpr along);
  void accumulate(mlir::Value element, llvm::ArrayRef<mlir::Value> columns,
                  llvm::SmallVector<mlir::Value> &sums, unsigned row);
  /// `value` (stored as `storage`) in the accumulators' element type.
  mlir::Value convert(mlir::Value value, mlir::Type to, mlir::Type storage);
  /// The innermost loop over bytes, four of each row at a time.
  llvm::SmallVector<mlir::Value> innermostFours(llvm::SmallVector<Row, 0> &tile,
                                                llvm::SmallVector<mlir::Value> sums);
  /// The vectors of columns of four steps, the `number`-th four, with four bytes for each column.
  llvm::SmallVector<mlir::Value> foursAt(Row &row, unsigned dim, mlir::Value number);

  KernelBuilder &kernel;
  compute::ContractOp contract;
  compute::ContractionShape shape;
  Elements elements;
  llvm::SmallVector<mlir::Value> tensors;
  int64_t lanes, rows;
  int64_t vectors; // of the panel that is being emitted
  int64_t width;   // of every panel in memory
  bool packed = false, fours = false;
  bool isInside = false; // while steps are emitted for rows that insideFrom() is true of
  mlir::VectorType accumulatorType;
  llvm::SmallVector<mlir::AffineExpr> loopExtents, batchExtents, rowExtents, coordinates;
  mlir::AffineExpr rowCount, columnCount, columnInGroup, groupDim;
  unsigned firstRowDim = 0, panelDim = 0, laneDim = 0, firstReducedDim = 0;
};

} // namespace longtail::leaf
