// The values of a group's tensors at points of a loop nest, as scalars or as vectors of lanes.
//
// A tensor inside a group has no memory: its element at a point is computed where it is read, from
// the elements that its operation reads, down to the group's inputs. Strategies give the values
// that they keep (accumulators, row statistics) by `keep`.
#pragma once
#include "codegen/Leaf/KernelBuilder.h"
#include "mlir/IR/IRMapping.h"

namespace longtail::leaf {

/// Where code stands in a loop nest. Coordinates are expressions over `dims`.
struct Frame {
  /// The value of each loop dimension; for the lane dimension, that of lane 0.
  llvm::SmallVector<mlir::Value> dims;
  /// The size of each loop dimension: what the algebra may assume.
  access::Domain domain;
  /// The dimension along which the lanes of a vector lie, or -1 for scalar code.
  int lane = -1;
  int64_t lanes = 1;
  /// The lanes that exist (a vector of bits), or null for all.
  mlir::Value mask;
  /// True where `mask` is a tail: lane 0 exists, so what is the same for all lanes may be loaded.
  bool laneZeroExists = true;
};

class Elements {
public:
  explicit Elements(KernelBuilder &kernel) : kernel(kernel) {}

  /// From now on the element of `tensor` at `coordinates` is `value`.
  void keep(mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> coordinates, mlir::Value value);
  /// From now on elements of `tensor` are read from `buffer`, at the position that `offset` (over
  /// the tensor's dimensions) gives.
  void keepInBuffer(mlir::Value tensor, mlir::Value buffer, mlir::AffineMap offset);
  /// Forgets what was kept or computed since `mark` was taken; used around alternatives.
  struct Mark {
    size_t kept;
  };
  Mark mark() const { return {kept.size()}; }
  void forget(Mark mark);

  /// The element of `tensor` at `coordinates` (over the frame's dims): a scalar where it is the
  /// same for all lanes, otherwise a vector.
  mlir::Value at(mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> coordinates,
                 const Frame &frame);
  /// What `body` yields for these values of its arguments, at `coordinates` of its domain.
  llvm::SmallVector<mlir::Value> evaluateBody(mlir::Block &body,
                                              llvm::ArrayRef<mlir::Value> arguments,
                                              llvm::ArrayRef<mlir::AffineExpr> coordinates,
                                              const Frame &frame);
  /// The value of an operand of a map or reduce at `coordinates` of its domain.
  mlir::Value operandAt(mlir::Value tensor, access::MapAttr access, mlir::Attribute fill,
                        llvm::ArrayRef<mlir::AffineExpr> coordinates, const Frame &frame);

  /// Stores the element(s) of every result of the group, all of one shape, at `coordinates`.
  void storeResults(llvm::ArrayRef<mlir::AffineExpr> coordinates, const Frame &frame);
  /// Stores the element(s) of one result.
  void storeResult(unsigned number, llvm::ArrayRef<mlir::AffineExpr> coordinates,
                   const Frame &frame);

  /// `value` in all lanes.
  mlir::Value splat(mlir::Value value, const Frame &frame);
  /// The positions `expr` of all lanes, as a vector of index.
  mlir::Value lanesOf(mlir::AffineExpr expr, const Frame &frame);
  /// The conditions of `access` at `coordinates` that hold for all lanes alike (a bit, or null) and
  /// those that differ by lane (a vector of bits, or null).
  std::pair<mlir::Value, mlir::Value> conditions(access::MapAttr access,
                                                 llvm::ArrayRef<mlir::AffineExpr> coordinates,
                                                 const Frame &frame);

private:
  mlir::Value lanesInRange(mlir::AffineExpr value, mlir::AffineExpr limit, const Frame &frame);
  mlir::Value load(mlir::Value buffer, mlir::AffineExpr offset, mlir::Type element,
                   const Frame &frame);
  mlir::Value loadPoint(access::LoadOp load, mlir::ValueRange indices, const Frame &frame);
  mlir::Value operandOf(mlir::Value value, const mlir::IRMapping &mapping);
  mlir::Value emit(mlir::Operation &op, mlir::IRMapping &mapping,
                   llvm::ArrayRef<mlir::AffineExpr> coordinates, const Frame &frame);

  struct Kept {
    mlir::Value tensor;
    llvm::SmallVector<mlir::AffineExpr> coordinates;
    mlir::Value value;
  };
  KernelBuilder &kernel;
  llvm::SmallVector<Kept> kept;
  llvm::DenseMap<mlir::Value, std::pair<mlir::Value, mlir::AffineMap>> inBuffers;
  /// Vectors of consecutive indices, by their first.
  llvm::DenseMap<mlir::Value, mlir::Value> consecutive;
};

/// Calls `visit(tensor, coordinates, access conditions present)` for each element that computing
/// `tensor` at `coordinates` reads from the group's inputs, and `visitIndex` for each position used
/// as a value.
void visitLeaves(mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> coordinates,
                 llvm::function_ref<void(mlir::Value, llvm::ArrayRef<mlir::AffineExpr>)> visit,
                 llvm::function_ref<void(mlir::AffineExpr)> visitIndex);

/// The same for the elements that `reduce` reads at `coordinates` of its domain.
void visitReduction(compute::ReduceOp reduce, llvm::ArrayRef<mlir::AffineExpr> coordinates,
                    llvm::function_ref<void(mlir::Value, llvm::ArrayRef<mlir::AffineExpr>)> visit,
                    llvm::function_ref<void(mlir::AffineExpr)> visitIndex);

/// The results of `map` at `coordinates`.
llvm::SmallVector<mlir::AffineExpr> applyMap(mlir::AffineMap map,
                                             llvm::ArrayRef<mlir::AffineExpr> coordinates);

} // namespace longtail::leaf
