// Groups of reductions and maps over the same rows.
//
// A row is a point of the reductions' parallel domain. Every member works on elements of one row
// only: where it reads a row's statistics, or another member, it reads the same row. So each tensor
// of the group says which of its dimensions are the row's.
#include "passes/Fusion/GroupTable.h"

using namespace mlir;

namespace longtail {

// Rows are the unit of parallel work: with fewer, long ones are left to groups of their own.
static constexpr int64_t kFewRows = 8, kLongRow = 16384;

static std::optional<int64_t> constantProduct(ArrayRef<AffineExpr> sizes) {
  int64_t product = 1;
  for (AffineExpr size : sizes) {
    auto constant = dyn_cast_or_null<AffineConstantExpr>(size);
    if (!constant)
      return std::nullopt;
    product *= constant.getValue();
  }
  return product;
}

/// Where the row's position comes from in the dimensions of `op`: nothing where the reads of the
/// group's tensors disagree or are not of whole rows. Positions in row dimensions of size 1 are
/// null.
static std::optional<SmallVector<AffineExpr>> rowPosition(Operation *op, const Group &group,
                                                          const GroupTable &table) {
  SmallVector<AffineExpr> position(group.domain.size());
  auto isUnit = [&](unsigned i) { return group.domain[i] && group.domain[i] == 1; };
  if (isa<compute::ReduceOp>(op)) // its own parallel dimensions
    for (unsigned i = 0; i < position.size(); ++i)
      if (!isUnit(i))
        position[i] = getAffineDimExpr(i, op->getContext());
  bool reads = false;
  for (const TensorRead &read : readsOf(op)) {
    auto found = group.rowOf.find(read.source);
    if (found == group.rowOf.end())
      continue;
    if (!read.access.isTotal())
      return std::nullopt;
    reads = true;
    for (auto [i, dim] : llvm::enumerate(found->second)) {
      if (!dim)
        continue;
      AffineExpr index = read.access.getMap().getResult(cast<AffineDimExpr>(dim).getPosition());
      if (!isa<AffineDimExpr>(index) || (position[i] && position[i] != index))
        return std::nullopt;
      position[i] = index;
    }
  }
  if (!reads && !isa<compute::ReduceOp>(op))
    return std::nullopt;
  // Each dimension of the row in a place of its own, of its size.
  SmallVector<AffineExpr> sizes = parallelSizes(op);
  for (unsigned i = 0; i < position.size(); ++i) {
    if (!position[i]) {
      if (!isUnit(i))
        return std::nullopt;
      continue;
    }
    unsigned dim = cast<AffineDimExpr>(position[i]).getPosition();
    if (dim >= sizes.size() || !table.sameSizes({sizes[dim]}, {group.domain[i]}))
      return std::nullopt;
    for (unsigned j = 0; j < i; ++j)
      if (position[j] == position[i])
        return std::nullopt;
  }
  return position;
}

static void note(Group &group, Operation *op, ArrayRef<AffineExpr> position) {
  for (Value result : op->getResults())
    group.rowOf[result] = SmallVector<AffineExpr>(position);
}

/// A reduction that reads none of the group's tensors, but what one of its reductions reads.
static bool readsWhatTheGroupReads(compute::ReduceOp reduce, const Group &group) {
  for (Operation *member : group.ops)
    if (isa<compute::ReduceOp>(member))
      for (const TensorRead &theirs : readsOf(member))
        for (const TensorRead &ours : readsOf(reduce))
          if (ours.source == theirs.source && ours.access == theirs.access)
            return true;
  return false;
}

static bool fits(Operation *op, const Group &group, const GroupTable &table) {
  if (auto reduce = dyn_cast<compute::ReduceOp>(op))
    return table.sameSizes(parallelSizes(op), group.domain) &&
           (table.readsFrom(op, group) || readsWhatTheGroupReads(reduce, group));
  if (!isa<compute::MapOp>(op) || !table.readsFrom(op, group))
    return false;
  std::optional<int64_t> rows = constantProduct(group.domain);
  std::optional<int64_t> elements = constantProduct(parallelSizes(op));
  return !rows || *rows >= kFewRows || (elements && *elements <= *rows * kLongRow);
}

void growRows(Group &group, GroupTable &table) {
  Operation *first = group.ops.front();
  note(group, first, *rowPosition(first, group, table));
  for (bool grown = true; grown;) {
    grown = false;
    // Readers of the group, and reductions of what it reads, in the block's order.
    SmallVector<Operation *> candidates;
    auto addUsers = [&](Value value) {
      for (Operation *user : value.getUsers())
        if (isa<compute::MapOp, compute::ReduceOp>(user) && !table.isGrouped(user) &&
            user->getBlock() == first->getBlock() && !llvm::is_contained(candidates, user))
          candidates.push_back(user);
    };
    for (Operation *member : group.ops) {
      for (Value result : member->getResults())
        addUsers(result);
      if (isa<compute::ReduceOp>(member))
        for (Value operand : member->getOperands())
          addUsers(operand);
    }
    llvm::sort(candidates, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    for (Operation *op : candidates) {
      if (!fits(op, group, table))
        continue;
      auto position = rowPosition(op, group, table);
      if (!position || !table.tryAdd(group, op))
        continue;
      note(group, op, *position);
      grown = true;
    }
  }
}

} // namespace longtail
