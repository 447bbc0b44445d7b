#include "passes/Fusion/GroupTable.h"

using namespace mlir;

namespace longtail {

// A kernel of more operations than this gains nothing and takes long to compile.
static constexpr size_t kMaxOps = 48;

SmallVector<TensorRead> readsOf(Operation *op) {
  if (auto contract = dyn_cast<compute::ContractOp>(op))
    return {{contract.getLhs(), contract.getLhsMap()}, {contract.getRhs(), contract.getRhsMap()}};
  SmallVector<TensorRead> reads;
  if (isa<compute::GridOp>(op)) // loads only
    return reads;
  auto accesses = op->getAttrOfType<ArrayAttr>("accesses");
  for (auto [source, access] : llvm::zip(op->getOperands(), accesses))
    reads.push_back({source, cast<access::MapAttr>(access)});
  return reads;
}

SmallVector<Value> loadedBy(Operation *op) {
  SmallVector<Value> loaded;
  for (Region &region : op->getRegions())
    region.walk([&](access::LoadOp load) { loaded.push_back(load.getSource()); });
  return loaded;
}

SmallVector<AffineExpr> parallelSizes(Operation *op) { return extent::sizesOf(op->getResult(0)); }

Group *GroupTable::groupOf(Operation *op) const {
  auto found = op ? owner.find(op) : owner.end();
  return found == owner.end() ? nullptr : groups[found->second].get();
}

Group *GroupTable::groupOf(Value value) const { return groupOf(value.getDefiningOp()); }

Group &GroupTable::create(compute::GroupClass kind, Operation *first) {
  groups.push_back(std::make_unique<Group>());
  Group &group = *groups.back();
  group.id = groups.size() - 1;
  group.kind = kind;
  group.domain = parallelSizes(first);
  group.ops.push_back(first);
  group.repetitions[first] = 1;
  owner[first] = group.id;
  return group;
}

bool GroupTable::canAdd(const Group &group, Operation *op) const {
  if (isGrouped(op) || group.ops.size() >= kMaxOps)
    return false;
  // What a region loads from must be in memory.
  for (Value value : loadedBy(op))
    if (groupOf(value) == &group)
      return false;
  for (Operation *member : group.ops)
    for (Value value : loadedBy(member))
      if (value.getDefiningOp() == op)
        return false;
  return graph.canJoin(graph.nodeOf(op), graph.unitOf(graph.nodeOf(group.ops.front())));
}

bool GroupTable::tryAdd(Group &group, Operation *op, unsigned repetitions) {
  if (!canAdd(group, op))
    return false;
  graph.join(graph.nodeOf(op), graph.unitOf(graph.nodeOf(group.ops.front())));
  group.ops.push_back(op);
  group.repetitions[op] = repetitions;
  owner[op] = group.id;
  return true;
}

bool GroupTable::readsFrom(Operation *op, const Group &group) const {
  return llvm::any_of(valuesReadBy(op), [&](Value value) { return groupOf(value) == &group; });
}

bool GroupTable::sameSizes(ArrayRef<AffineExpr> a, ArrayRef<AffineExpr> b) const {
  access::Domain none({}, symbols);
  return a.size() == b.size() && llvm::all_of(llvm::zip(a, b), [&](auto pair) {
           auto [x, y] = pair;
           return x && y && access::isEqual(x, y, none);
         });
}

bool GroupTable::readsAtSamePoint(Operation *op, const Group &group) const {
  if (!sameSizes(parallelSizes(op), group.domain))
    return false;
  return llvm::all_of(readsOf(op), [&](const TensorRead &read) {
    return groupOf(read.source) != &group ||
           (access::isIdentityOn(read.access, group.domain) &&
            sameSizes(extent::sizesOf(read.source), group.domain));
  });
}

access::Domain GroupTable::domainOf(Operation *op) const {
  access::Domain domain(parallelSizes(op), symbols);
  if (auto reduce = dyn_cast<compute::ReduceOp>(op))
    llvm::append_range(domain.extents, reduce.getExtents().getResults());
  if (auto contract = dyn_cast<compute::ContractOp>(op))
    llvm::append_range(domain.extents, contract.getExtents().getResults());
  return domain;
}

} // namespace longtail
