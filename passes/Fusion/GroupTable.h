// Groups while they grow.
#pragma once
#include "dialects/Access/Algebra/Algebra.h"
#include "dialects/Compute/IR/Compute.h"
#include "passes/Fusion/BlockGraph.h"
#include "passes/Fusion/ConstantOps.h"

namespace longtail {

/// A tensor that an operation reads through an access.
struct TensorRead {
  mlir::Value source;
  access::MapAttr access;
};
/// The operands of a map, reduce or contract with their accesses.
llvm::SmallVector<TensorRead> readsOf(mlir::Operation *op);
/// Tensors that the region of `op` loads from at computed indices: they must be in memory.
llvm::SmallVector<mlir::Value> loadedBy(mlir::Operation *op);

/// The sizes of the (first) result: the parallel domain.
llvm::SmallVector<mlir::AffineExpr> parallelSizes(mlir::Operation *op);

struct Group {
  unsigned id;
  compute::GroupClass kind;
  /// What results are computed at: the parallel domain of the first operation.
  llvm::SmallVector<mlir::AffineExpr> domain;
  llvm::SmallVector<mlir::Operation *> ops;
  /// Rows: which expression over its dimensions says, for each dimension of the rows, where an
  /// element of a tensor of the group belongs.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::AffineExpr>> rowOf;
  /// The work of maps that are computed more often than needed.
  unsigned repeatedCost = 0;
  /// How many times an element of an operation is computed for one of its readers' (at most).
  llvm::DenseMap<mlir::Operation *, unsigned> repetitions;
};

class GroupTable {
public:
  GroupTable(mlir::Block &block, const extent::SymbolTable &symbols)
      : graph(block), symbols(symbols), constants(findConstantOps(block)) {}

  Group *groupOf(mlir::Operation *op) const;
  Group *groupOf(mlir::Value value) const;
  bool isGrouped(mlir::Operation *op) const { return groupOf(op); }

  Group &create(compute::GroupClass kind, mlir::Operation *first);
  /// Adds `op` if nothing outside stands between it and the group.
  bool tryAdd(Group &group, mlir::Operation *op, unsigned repetitions = 1);
  bool canAdd(const Group &group, mlir::Operation *op) const;

  /// True where an operand of `op` comes from the group.
  bool readsFrom(mlir::Operation *op, const Group &group) const;
  bool sameSizes(llvm::ArrayRef<mlir::AffineExpr> a, llvm::ArrayRef<mlir::AffineExpr> b) const;
  /// True where all that `op` reads from the group is read at the point that `op` computes, in the
  /// group's domain.
  bool readsAtSamePoint(mlir::Operation *op, const Group &group) const;
  access::Domain domainOf(mlir::Operation *op) const;
  /// True where `op` depends on constants alone and its results are worth keeping: it is computed
  /// when the model is compiled.
  bool isConstant(mlir::Operation *op) const { return constants.contains(op); }

  const BlockGraph &getGraph() const { return graph; }
  const extent::SymbolTable &getSymbols() const { return symbols; }

private:
  BlockGraph graph;
  const extent::SymbolTable &symbols;
  std::vector<std::unique_ptr<Group>> groups;
  llvm::DenseMap<mlir::Operation *, unsigned> owner;
  llvm::DenseSet<mlir::Operation *> constants;
};

/// Leaves only contractions of floating-point elements with a dimension that the right operand
/// alone depends on and a right operand that is read everywhere. Operands are exchanged where that
/// gives this form with columns that are neighbours in memory; otherwise the contraction becomes a
/// reduction that adds products. Without `keepProducts` every contraction becomes one.
void normalizeContractions(mlir::Operation *root, bool keepProducts);

/// Exchanges the operands of a convolution of single positions whose image comes in and leaves with
/// its channels outside, and makes one dimension of all positions: the columns.
void putPixelsIntoColumns(compute::ContractOp contract,
                          const llvm::DenseSet<mlir::Operation *> &constants);

/// Lets reductions over a dimension that merges several of a tensor, and maps beside them, read
/// that tensor in row-major order where it lies in another.
void flattenReads(mlir::Operation *root, const extent::SymbolTable &symbols);

/// The dimension of a tensor whose neighbours will most likely be neighbours in memory:
/// contractions keep their columns innermost, and what follows takes over their order.
unsigned contiguousDim(mlir::Value value, unsigned depth = 0);

// ---- how groups grow

/// The class of a reduction alone: rows where it folds what is contiguous in memory.
compute::GroupClass classOf(compute::ReduceOp reduce);

/// Adds maps that compute at the same point as what they read of the group.
void growAtSamePoint(Group &group, GroupTable &table);
/// Adds reductions and maps of the same rows.
void growRows(Group &group, GroupTable &table);
/// Puts `map` into the group of its readers where that repeats no work that counts.
bool joinReaders(compute::MapOp map, GroupTable &table);

/// The work of a region for one element; 1 is an addition.
unsigned costOf(mlir::Operation *op);
/// True where `op` calls functions or divides: what is worth a buffer.
bool isExpensive(mlir::Operation *op);

/// Replaces the block's compute operations by their groups.
mlir::LogicalResult buildGroups(mlir::Block &block, GroupTable &table);

} // namespace longtail
