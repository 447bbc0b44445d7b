#include "passes/Fusion/BlockGraph.h"
#include "dialects/Compute/IR/Compute.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/SetVector.h"
#include <queue>

using namespace mlir;

namespace longtail {

SmallVector<Value> valuesReadBy(Operation *op) {
  llvm::SetVector<Value> values;
  values.insert(op->operand_begin(), op->operand_end());
  for (Region &region : op->getRegions())
    region.walk([&](Operation *inner) {
      for (Value value : inner->getOperands())
        if (!op->isAncestor(value.getParentRegion()->getParentOp()))
          values.insert(value);
    });
  return values.takeVector();
}

/// Calls `visit` with every symbol in the types and attributes of an operation.
static void forEachSymbol(Operation *op, function_ref<void(unsigned)> visit) {
  auto visitMap = [&](AffineMap map) {
    map.walkExprs([&](AffineExpr expr) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
        visit(symbol.getPosition());
    });
  };
  AttrTypeWalker walker;
  walker.addWalk([&](AffineMapAttr map) { visitMap(map.getValue()); });
  walker.addWalk([&](extent::ShapeAttr shape) { visitMap(shape.getMap()); });
  walker.addWalk([&](access::MapAttr access) {
    visitMap(access.getMap());
    if (!access.isTotal()) {
      visitMap(access.getValid());
      visitMap(access.getBelow());
    }
  });
  op->walk([&](Operation *inner) {
    walker.walk(Attribute(inner->getAttrDictionary()));
    for (Type type : inner->getResultTypes())
      walker.walk(type);
  });
}

static std::optional<unsigned> declaredSymbol(Operation *op) {
  if (auto symbol = dyn_cast<extent::SymbolOp>(op))
    return symbol.getId();
  if (auto derived = dyn_cast<extent::DerivedOp>(op))
    return derived.getId();
  if (auto bind = dyn_cast<extent::BindOp>(op))
    return bind.getId();
  if (auto measure = dyn_cast<extent::MeasureOp>(op))
    return measure.getId();
  return std::nullopt;
}

BlockGraph::BlockGraph(Block &block) {
  for (Operation &op : block) {
    nodes[&op] = ops.size();
    ops.push_back(&op);
  }
  successors.resize(ops.size());
  members.resize(ops.size());
  llvm::DenseMap<unsigned, unsigned> declarations;
  std::optional<unsigned> lastEffect;
  for (unsigned node = 0; node < ops.size(); ++node) {
    Operation *op = ops[node];
    units.push_back(node);
    members[node].push_back(node);
    for (Value value : valuesReadBy(op))
      if (Operation *producer = value.getDefiningOp(); producer && nodes.contains(producer))
        addEdge(nodes[producer], node);
    forEachSymbol(op, [&](unsigned symbol) {
      if (auto found = declarations.find(symbol); found != declarations.end())
        addEdge(found->second, node);
    });
    if (!isMemoryEffectFree(op) || op->hasTrait<OpTrait::IsTerminator>()) {
      if (lastEffect)
        addEdge(*lastEffect, node);
      lastEffect = node;
    }
    if (std::optional<unsigned> symbol = declaredSymbol(op))
      declarations[*symbol] = node;
  }
}

void BlockGraph::addEdge(unsigned from, unsigned to) {
  if (!llvm::is_contained(successors[from], to))
    successors[from].push_back(to);
}

void BlockGraph::join(unsigned node, unsigned unit) {
  unsigned old = units[node];
  llvm::append_range(members[unit], members[old]);
  for (unsigned member : members[old])
    units[member] = unit;
  members[old].clear();
  llvm::sort(members[unit]);
}

bool BlockGraph::hasDetour(unsigned from, unsigned to) const {
  llvm::BitVector seen(ops.size());
  SmallVector<unsigned> pending;
  auto enter = [&](unsigned unit) {
    if (!seen[unit]) {
      seen.set(unit);
      pending.push_back(unit);
    }
  };
  for (unsigned member : members[from])
    for (unsigned next : successors[member])
      if (units[next] != from && units[next] != to)
        enter(units[next]);
  while (!pending.empty()) {
    unsigned unit = pending.pop_back_val();
    for (unsigned member : members[unit])
      for (unsigned next : successors[member]) {
        if (units[next] == to)
          return true;
        enter(units[next]);
      }
  }
  return false;
}

bool BlockGraph::canJoin(unsigned node, unsigned unit) const {
  unsigned other = units[node];
  return other != unit && !hasDetour(other, unit) && !hasDetour(unit, other);
}

SmallVector<SmallVector<Operation *>> BlockGraph::sortedUnits() const {
  SmallVector<llvm::SmallDenseSet<unsigned, 4>> next(ops.size());
  SmallVector<unsigned> waiting(ops.size());
  for (unsigned node = 0; node < ops.size(); ++node)
    for (unsigned successor : successors[node])
      if (units[node] != units[successor] && next[units[node]].insert(units[successor]).second)
        ++waiting[units[successor]];
  // The first unit by the place of its last node: a group is done when its last input is there.
  auto later = [&](unsigned a, unsigned b) { return members[a].back() > members[b].back(); };
  std::priority_queue<unsigned, std::vector<unsigned>, decltype(later)> ready(later);
  for (unsigned unit = 0; unit < ops.size(); ++unit)
    if (!members[unit].empty() && waiting[unit] == 0)
      ready.push(unit);
  SmallVector<SmallVector<Operation *>> sorted;
  while (!ready.empty()) {
    unsigned unit = ready.top();
    ready.pop();
    sorted.push_back(llvm::map_to_vector(members[unit], [&](unsigned node) { return ops[node]; }));
    for (unsigned successor : next[unit])
      if (--waiting[successor] == 0)
        ready.push(successor);
  }
  return sorted;
}

} // namespace longtail
