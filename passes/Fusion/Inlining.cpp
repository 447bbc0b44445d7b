// Groups of operations at one point, and maps that are computed where they are read.
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Fusion/GroupTable.h"

using namespace mlir;

namespace longtail {

// Work (in additions) for one element that may be done more often than needed.
static constexpr unsigned kTrivialCost = 2, kRepeatedCost = 8, kRepeatedRowCost = 32,
                          kRepeatedWindowCost = 18;

// Elements of a row that are too few for vectors along it.
static constexpr int64_t kShortRow = 4;

unsigned costOf(Operation *op) {
  unsigned cost = 0;
  for (Region &region : op->getRegions())
    region.walk([&](Operation *inner) {
      if (isa<compute::YieldOp, compute::IndexOp, extent::SizeOp, scf::YieldOp>(inner) ||
          inner->hasTrait<OpTrait::ConstantLike>())
        return;
      if (isa<math::MathDialect>(inner->getDialect()))
        cost +=
            isa<math::AbsFOp, math::FmaOp, math::FloorOp, math::CeilOp, math::RoundEvenOp>(inner)
                ? 1
                : 12;
      else if (isa<arith::DivFOp, arith::RemFOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
                   arith::RemUIOp, arith::FloorDivSIOp, access::LoadOp>(inner))
        cost += 6;
      else if (!isa<arith::ExtFOp, arith::TruncFOp>(inner))
        cost += 1;
    });
  return cost;
}

bool isExpensive(Operation *op) {
  bool found = false;
  op->walk([&](Operation *inner) {
    found |= isa<math::MathDialect>(inner->getDialect()) || isa<arith::DivFOp>(inner);
  });
  return found;
}

unsigned contiguousDim(Value value, unsigned depth) {
  auto rank = cast<RankedTensorType>(value.getType()).getRank();
  unsigned last = rank == 0 ? 0 : rank - 1;
  Operation *op = value.getDefiningOp();
  if (!op || depth > 32)
    return last;
  if (auto contract = dyn_cast<compute::ContractOp>(op)) {
    auto shape = compute::matchContraction(contract);
    return shape ? shape->column : last;
  }
  if (!isa<compute::MapOp, compute::ReduceOp>(op))
    return last;
  // The operand of most dimensions decides; computed ones before inputs and constants.
  Value widest;
  access::MapAttr access;
  for (const TensorRead &read : readsOf(op)) {
    auto rankOf = [](Value v) { return cast<RankedTensorType>(v.getType()).getRank(); };
    if (!widest || rankOf(read.source) > rankOf(widest) ||
        (rankOf(read.source) == rankOf(widest) && !widest.getDefiningOp<compute::ContractOp>() &&
         isa_and_nonnull<compute::MapOp, compute::ReduceOp, compute::ContractOp>(
             read.source.getDefiningOp()) &&
         !isa_and_nonnull<compute::MapOp, compute::ReduceOp>(widest.getDefiningOp()))) {
      widest = read.source;
      access = read.access;
    }
  }
  // Rows that are taken at positions of their own lie as in the tensor of which they are taken.
  int64_t mostIndices = widest ? cast<RankedTensorType>(widest.getType()).getRank() : 0;
  std::optional<unsigned> loaded;
  op->walk([&](access::LoadOp load) {
    auto index = load.getIndices().empty()
                     ? compute::IndexOp()
                     : load.getIndices().back().getDefiningOp<compute::IndexOp>();
    if (index && int64_t(load.getIndices().size()) > mostIndices &&
        int64_t(index.getDim()) < rank) {
      mostIndices = load.getIndices().size();
      loaded = index.getDim();
    }
  });
  if (loaded)
    return *loaded;
  if (!widest || cast<RankedTensorType>(widest.getType()).getRank() == 0)
    return last;
  unsigned sourceLast = cast<RankedTensorType>(widest.getType()).getRank() - 1;
  unsigned sourceDim = contiguousDim(widest, depth + 1);
  // A row-major tensor that is spread along the last dimension says nothing of it.
  if (sourceDim == sourceLast && !access.getMap().isFunctionOfDim(last))
    return last;
  AffineExpr index = access.getMap().getResult(sourceDim);
  for (unsigned dim = rank; dim-- > 0;)
    if (index.isFunctionOfDim(dim))
      return dim;
  return last;
}

/// Whether rows have so few elements that most lanes of a vector along them were idle. What goes on
/// to work on the rows' elements, as a softmax does, is better off in one loop nest.
static bool hasShortRows(compute::ReduceOp reduce) {
  int64_t elements = 1;
  for (AffineExpr extent : reduce.getExtents().getResults()) {
    auto size = dyn_cast<AffineConstantExpr>(extent);
    elements *= size ? size.getValue() : kShortRow + 1;
  }
  return elements <= kShortRow &&
         llvm::all_of(reduce.getInputs(), [](Value input) { return input.hasOneUse(); });
}

compute::GroupClass classOf(compute::ReduceOp reduce) {
  // Products with small matrices are written out, for as many results as they have rows.
  if (!reduce.getBody().getOps<compute::ScaleOp>().empty())
    return compute::GroupClass::Window;
  unsigned parallel = cast<RankedTensorType>(reduce.getOutput().getType()).getRank();
  bool isShort = hasShortRows(reduce);
  unsigned rank = parallel + reduce.getExtents().getNumResults();
  int64_t widest = -1;
  auto kind = compute::GroupClass::Window;
  for (const TensorRead &read : readsOf(reduce)) {
    int64_t sourceRank = cast<RankedTensorType>(read.source.getType()).getRank();
    if (sourceRank <= widest || sourceRank == 0)
      continue;
    widest = sourceRank;
    AffineExpr index = read.access.getMap().getResult(contiguousDim(read.source));
    bool byParallel = false, byReduced = false;
    for (unsigned dim = 0; dim < rank; ++dim)
      (dim < parallel ? byParallel : byReduced) |= index.isFunctionOfDim(dim);
    kind = byReduced && !byParallel && !isShort ? compute::GroupClass::Rows
                                                : compute::GroupClass::Window;
  }
  return kind;
}

void growAtSamePoint(Group &group, GroupTable &table) {
  for (size_t i = 0; i < group.ops.size(); ++i)
    for (Value result : group.ops[i]->getResults()) {
      // In the block's order, so that what comes first is there for what follows.
      SmallVector<Operation *> users;
      for (Operation *user : result.getUsers())
        if (isa<compute::MapOp>(user) && user->getBlock() == group.ops.front()->getBlock())
          users.push_back(user);
      llvm::sort(users, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
      for (Operation *user : users)
        if (!table.isGrouped(user) && table.readsAtSamePoint(user, group))
          table.tryAdd(group, user);
    }
}

namespace {

/// The reads that members of a group make of a map's results.
struct Uses {
  unsigned count = 0;       // of reads
  unsigned repetitions = 0; // of the map's element, over all reads
  bool samePoint = true;    // all are identities in the group's domain
  bool once = true;         // no read meets an element twice
  bool byReduce = false;    // a reduction or contraction is among the readers
  bool byContract = false;
};

} // namespace

static Uses usesIn(compute::MapOp map, const Group &group, const GroupTable &table) {
  Uses uses;
  for (Operation *member : group.ops)
    for (const TensorRead &read : readsOf(member)) {
      if (read.source.getDefiningOp() != map)
        continue;
      ++uses.count;
      uses.repetitions += group.repetitions.lookup(member);
      uses.byReduce |= !isa<compute::MapOp>(member);
      uses.byContract |= isa<compute::ContractOp>(member);
      bool identity = access::isIdentityOn(read.access, parallelSizes(map)) &&
                      table.sameSizes(parallelSizes(member), parallelSizes(map));
      uses.samePoint &= identity && isa<compute::MapOp>(member) &&
                        group.repetitions.lookup(member) == 1 &&
                        table.sameSizes(parallelSizes(map), group.domain);
      uses.once &= identity || access::isInjective(read.access, table.domainOf(member));
    }
  return uses;
}

/// How often a window reads its elements, where neighbouring windows overlap; 1 without a window.
static int64_t windowPoints(const Group &group) {
  int64_t points = 1;
  for (Operation *member : group.ops)
    if (auto reduce = dyn_cast<compute::ReduceOp>(member))
      for (AffineExpr extent : reduce.getExtents().getResults()) {
        auto size = dyn_cast<AffineConstantExpr>(extent);
        points *= size ? std::max<int64_t>(1, size.getValue()) : kRepeatedWindowCost;
      }
  return points;
}

/// True where `map`, read by nobody else, may be computed where the group reads it.
static bool mayInline(compute::MapOp map, const Group &group, const Uses &uses) {
  unsigned cost = costOf(map);
  bool trivial = cost <= kTrivialCost && !isExpensive(map);
  switch (group.kind) {
  case compute::GroupClass::Grid:
    return false; // reads memory only
  case compute::GroupClass::Contraction:
    // Operands of the contraction are read many times and must be in memory.
    return !uses.byContract && loadedBy(map).empty() &&
           (uses.samePoint || (uses.once && cost * uses.repetitions <= kRepeatedCost));
  case compute::GroupClass::Rows: {
    if (!uses.once)
      return trivial;
    bool buffered = isExpensive(map) && llvm::any_of(group.ops, [&](Operation *member) {
                      return isa<compute::ReduceOp>(member) && member->getNumOperands() == 1 &&
                             member->getOperand(0).getDefiningOp() == map;
                    });
    return uses.repetitions == 1 || buffered || cost * uses.repetitions <= kRepeatedRowCost;
  }
  case compute::GroupClass::Window:
  case compute::GroupClass::Pointwise:
    if (uses.samePoint)
      return true;
    if (!uses.once)
      return trivial && uses.repetitions <= 4 && group.repeatedCost + cost <= kRepeatedCost / 2 &&
             (group.repeatedCost + cost) * windowPoints(group) <= kRepeatedWindowCost;
    return uses.repetitions == 1 || cost * uses.repetitions <= kRepeatedCost;
  }
  llvm_unreachable("all classes are handled");
}

bool joinReaders(compute::MapOp map, GroupTable &table) {
  // Groups that read the map, and whether anything else does.
  SmallVector<Group *> readers;
  bool elsewhere = false;
  for (Value result : map.getResults())
    for (Operation *user : result.getUsers()) {
      Group *group = table.groupOf(user);
      if (!group)
        elsewhere = true;
      else if (!llvm::is_contained(readers, group))
        readers.push_back(group);
    }
  elsewhere |= readers.size() > 1;
  for (Group *group : readers) {
    Uses uses = usesIn(map, *group, table);
    bool pointwise = group->kind == compute::GroupClass::Pointwise;
    // What depends on the group's own results has joined it already, or cannot.
    if (uses.count == 0 || (!pointwise && table.readsFrom(map, *group)))
      continue;
    // What is known at compile time does not become work of every run.
    if (table.isConstant(map) &&
        !llvm::all_of(group->ops, [&](Operation *member) { return table.isConstant(member); }))
      continue;
    // A result that is stored too is computed at the point of the group's other results.
    bool stored = pointwise && table.sameSizes(parallelSizes(map), group->domain);
    if (elsewhere ? !(stored && uses.samePoint) : !mayInline(map, *group, uses))
      continue;
    unsigned repetitions = uses.samePoint ? 1 : uses.repetitions;
    // Seen from elsewhere than the group's point, nothing is computed only once per point.
    if (!uses.samePoint && pointwise)
      repetitions = std::max(repetitions, 1u);
    if (table.tryAdd(*group, map, repetitions)) {
      if (!uses.samePoint && !uses.once)
        group->repeatedCost += costOf(map);
      return true;
    }
  }
  return false;
}

} // namespace longtail
