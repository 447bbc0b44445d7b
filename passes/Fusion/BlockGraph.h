// Which operations of a block must come before which: values, symbols, and effects.
#pragma once
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

namespace longtail {

class BlockGraph {
public:
  explicit BlockGraph(mlir::Block &block);

  unsigned size() const { return ops.size(); }
  mlir::Operation *op(unsigned node) const { return ops[node]; }
  unsigned nodeOf(mlir::Operation *op) const { return nodes.lookup(op); }

  /// Every node is in a unit; nodes of one unit are done together. Initially each is alone.
  unsigned unitOf(unsigned node) const { return units[node]; }
  void join(unsigned node, unsigned unit);
  /// True where `node` and `unit` can be done together: nothing outside lies on a way between them.
  bool canJoin(unsigned node, unsigned unit) const;

  /// Units in an order that respects all dependencies, as near as possible to the block's. Each
  /// unit's nodes in the block's order.
  llvm::SmallVector<llvm::SmallVector<mlir::Operation *>> sortedUnits() const;

private:
  void addEdge(unsigned from, unsigned to);
  /// True where a way leads from unit `from` to unit `to` through a third unit.
  bool hasDetour(unsigned from, unsigned to) const;

  llvm::SmallVector<mlir::Operation *> ops;
  llvm::DenseMap<mlir::Operation *, unsigned> nodes;
  llvm::SmallVector<llvm::SmallVector<unsigned, 4>> successors;
  llvm::SmallVector<unsigned> units;
  llvm::SmallVector<llvm::SmallVector<unsigned, 1>> members; // by unit
};

/// The tensors and other values that `op` reads, those captured by its regions included.
llvm::SmallVector<mlir::Value> valuesReadBy(mlir::Operation *op);

} // namespace longtail
