// The values of a group's tensors at points of a loop nest, as scalars or as vectors of lanes.
//
// A tensor inside a group has no memory: its element at a point is computed where it is read, from
// the elements that its operation reads, down to the group's inputs. Strategies give the values
// that they keep (accumulators, row statistics) by `keep`.
#pragma once
#include "codegen/Leaf/KernelBuilder.h"
#include "codegen/Leaf/Lanes.h"
#include "mlir/IR/IRMapping.h"

namespace longtail::leaf {

/// A condition under which an element exists: `0 <= first < second`.
using Condition = std::pair<mlir::AffineExpr, mlir::AffineExpr>;

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
  /// True where some lane exists under `mask`: what is the same for all lanes may be loaded then.
  bool someLaneExists = true;
  /// How many lanes exist where these are the first ones; null otherwise.
  mlir::Value tail;
  /// What holds for all lanes and need not be tested.
  llvm::ArrayRef<Condition> known;
};

class Elements {
public:
  explicit Elements(KernelBuilder &kernel) : kernel(kernel) {}

  /// From now on the element of `tensor` at `coordinates` is `value`.
  void keep(mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> coordinates, mlir::Value value);
  /// From now on elements of `tensor` are read from `buffer`, at the position that `offset` (over
  /// the tensor's dimensions) gives.
  void keepInBuffer(mlir::Value tensor, mlir::Value buffer, mlir::AffineMap offset);
  /// From now on the elements of `place` lie in `buffer`; with `perLane` each lane has its own.
  void keepPlace(mlir::Value place, mlir::Value buffer, llvm::ArrayRef<mlir::AffineExpr> strides,
                 bool perLane);
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
  /// What `body` yields for these values of its first arguments, at `coordinates` of its domain.
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
  bool readsForAllLanes(mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> coordinates,
                        const Frame &frame);
  mlir::Value lanesInRange(mlir::AffineExpr value, mlir::AffineExpr limit, const Frame &frame);
  mlir::Value load(mlir::Value buffer, mlir::AffineExpr offset, mlir::Type element,
                   const Frame &frame);
  /// Loads of lanes that lie `stride` elements apart, or behind each other in reverse, as loads of
  /// neighbours that are shuffled (Shuffled.cpp), and whether they are better than a gather.
  bool canShuffle(mlir::VectorType type, int64_t stride, const Frame &frame) const;
  mlir::Value loadShuffled(mlir::VectorType type, mlir::Value buffer, mlir::Value first,
                           int64_t stride, mlir::Value mask);
  mlir::Value operandOf(mlir::Value value, const mlir::IRMapping &mapping);
  mlir::SmallVector<mlir::Value> operandsOf(mlir::ValueRange values,
                                            const mlir::IRMapping &mapping);

  // ---- memory at positions that a region computed (Points.cpp)
  /// A place of a grid.
  struct Memory {
    mlir::Value buffer;
    llvm::SmallVector<mlir::AffineExpr> strides;
    bool perLane;
  };
  /// The position of each lane: `base`, plus `lanes` where that is not null. Those are `first` plus
  /// the lane's number times `step`, where `first` is not null.
  struct Positions {
    mlir::Value base, lanes, first, step;
    /// Where these are not null, the lanes may be neighbours: if the distance of the two says so.
    mlir::Value from, to;
    /// Where this is not null, the lanes are most likely as near to the first as a vector is long;
    /// it is the number of elements in the buffer.
    mlir::Value nearIn;
    bool areNeighbours() const;
  };
  Positions positionsOf(mlir::ValueRange indices, llvm::ArrayRef<mlir::AffineExpr> strides,
                        const Frame &frame);
  mlir::Value offsetsOf(const Positions &at, const Frame &frame);
  /// Notes whether `result`, what `op` makes of `operands`, is a run.
  void followRun(mlir::Operation &op, mlir::Value result, mlir::ValueRange operands,
                 const Frame &frame);
  /// Loads that are one where the lanes turn out to be neighbours.
  mlir::Value loadLanes(mlir::Type type, mlir::Value buffer, const Positions &at, mlir::Value mask,
                        const Frame &frame);
  /// The same where the lanes turn out to be within a vector of one of `lengths`, from the first
  /// lane on: that vector, permuted.
  mlir::Value loadNear(mlir::VectorType type, mlir::Value buffer, const Positions &at,
                       mlir::Value mask, const Frame &frame, llvm::ArrayRef<int64_t> lengths);
  /// A bit that says whether checked indices are inside a tensor of `sizes`, or one for each lane.
  mlir::Value areInside(mlir::ValueRange indices, llvm::ArrayRef<mlir::AffineExpr> sizes,
                        const Frame &frame);
  void raiseUnless(mlir::Value condition, compute::Fault fault, const Frame &frame);
  mlir::Value loadPoint(access::LoadOp load, mlir::ValueRange indices, const Frame &frame);
  mlir::Value fetchPoint(access::FetchOp fetch, mlir::ValueRange indices, const Frame &frame);
  void storePoint(mlir::Value place, mlir::Value value, mlir::ValueRange indices,
                  const Frame &frame);
  void storeApart(mlir::Value values, mlir::Value buffer, const Positions &at, const Frame &frame);
  mlir::Value laneScratch(mlir::Type element, const Frame &frame);

  // ---- regions (Body.cpp)
  using Coordinates = llvm::ArrayRef<mlir::AffineExpr>;
  /// The value of a coordinate: an index, or a vector of them where it differs by lane.
  mlir::Value positionAt(mlir::AffineExpr coordinate, const Frame &frame);
  mlir::Value scaleAt(compute::ScaleOp op, mlir::Value value, Coordinates coordinates,
                      const Frame &frame);
  void emitBlock(mlir::Block &block, mlir::IRMapping &mapping, Coordinates at, const Frame &frame);
  void emit(mlir::Operation &op, mlir::IRMapping &mapping, Coordinates at, const Frame &frame);
  void emitFor(mlir::scf::ForOp loop, mlir::IRMapping &mapping, Coordinates at, const Frame &frame);
  /// The loop with several of its trips side by side, where that is right and worth it
  /// (TripLanes.cpp).
  bool emitInLanes(mlir::scf::ForOp loop, mlir::IRMapping &mapping, Coordinates at,
                   const Frame &frame);
  void emitWhile(mlir::scf::WhileOp loop, mlir::IRMapping &mapping, Coordinates at,
                 const Frame &frame);
  void emitIf(mlir::scf::IfOp branch, mlir::IRMapping &mapping, Coordinates at, const Frame &frame);
  void emitMaskedIf(mlir::scf::IfOp branch, mlir::Value condition, mlir::IRMapping &mapping,
                    Coordinates at, const Frame &frame);
  /// `block` in a loop or branch that was made for it; it ends with the values of its terminator.
  mlir::SmallVector<mlir::Value> emitInto(mlir::Block &block, mlir::ValueRange results,
                                          mlir::IRMapping &mapping, Coordinates at,
                                          const Frame &frame);
  /// The values in all lanes where `like`, their counterparts in the region, differ by lane.
  mlir::SmallVector<mlir::Value> spread(mlir::SmallVector<mlir::Value> values,
                                        mlir::ValueRange like, const Frame &frame);

  struct Kept {
    mlir::Value tensor;
    llvm::SmallVector<mlir::AffineExpr> coordinates;
    mlir::Value value;
  };
  KernelBuilder &kernel;
  llvm::SmallVector<Kept> kept;
  llvm::DenseMap<mlir::Value, std::pair<mlir::Value, mlir::AffineMap>> inBuffers;
  llvm::DenseMap<mlir::Value, Memory> places;
  llvm::DenseMap<std::pair<mlir::Type, int64_t>, mlir::Value> laneBuffers;
  /// Of the region that is being emitted, where it has loops or branches.
  std::optional<LaneVariance> variance;
  /// Positions that follow each other: consecutive ones by their first alone. With `last` they
  /// differ by at most 1 from lane to lane, so they are consecutive where the last is as far from
  /// the first as it can be.
  struct Run {
    mlir::Value first, last;
  };
  llvm::DenseMap<mlir::Value, Run> runs; // by the vector
};

/// A bit that says whether all conditions hold, for all lanes (Ranges.cpp). Null where there are
/// none, or where that is not known before each lane is looked at.
mlir::Value allInRange(KernelBuilder &kernel, llvm::ArrayRef<Condition> conditions,
                       const Frame &frame);

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
