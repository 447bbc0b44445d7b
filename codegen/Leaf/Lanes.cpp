#include "codegen/Leaf/Lanes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>
#include <functional>

using namespace mlir;

namespace longtail::leaf {

//===-- LaneVariance --------------------------------------------------------------------------===//

LaneVariance::LaneVariance(Block &body, function_ref<bool(Value)> isSeed) {
  for (Value argument : body.getArguments())
    if (isSeed(argument))
      mark(argument);
  body.walk([&](Operation *op) {
    for (Value result : op->getResults())
      if (isa<access::FetchOp>(op) || isSeed(result))
        mark(result);
  });
  // Loops carry values around: until nothing changes.
  while (propagate(body)) {
  }
}

bool LaneVariance::propagate(Block &block) {
  bool changed = false;
  auto pass = [&](ValueRange from, ValueRange to) {
    for (auto [source, target] : llvm::zip(from, to))
      if (varies(source))
        changed |= mark(target);
  };
  for (Operation &op : block.without_terminator()) {
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      pass(loop.getInitArgs(), loop.getRegionIterArgs());
      changed |= propagate(*loop.getBody());
      pass(loop.getYieldedValues(), loop.getRegionIterArgs());
      pass(loop.getRegionIterArgs(), loop.getResults());
    } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
      pass(loop.getInits(), loop.getBeforeArguments());
      changed |= propagate(*loop.getBeforeBody());
      pass(loop.getConditionOp().getArgs(), loop.getAfterArguments());
      pass(loop.getConditionOp().getArgs(), loop.getResults());
      changed |= propagate(*loop.getAfterBody());
      pass(loop.getYieldOp().getOperands(), loop.getBeforeArguments());
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      for (Region *region : branch.getRegions())
        if (!region->empty()) {
          changed |= propagate(region->front());
          pass(region->front().getTerminator()->getOperands(), branch.getResults());
        }
      if (varies(branch.getCondition()))
        for (Value result : branch.getResults())
          changed |= mark(result);
    } else if (llvm::any_of(op.getOperands(), [&](Value v) { return varies(v); })) {
      for (Value result : op.getResults())
        changed |= mark(result);
    }
  }
  return changed;
}

//===-- The dimension of the lanes ------------------------------------------------------------===//

namespace {

/// Lanes of a vector as dimensions are compared; which machine it will be does not matter for that.
constexpr double kLanes = 8;
/// A lane that is loaded or stored on its own, in operations of a vector.
constexpr double kApart = 1.25, kStoredApart = 2;
/// Vectors of lanes that share what is the same for all of them.
constexpr double kVectors = 4;
/// An element that is copied into another order.
constexpr double kCopy = 1;
/// Of a dimension that is not known.
constexpr double kUnknownSize = 16;
/// Trips of a loop that depend on data.
constexpr double kTrips = 4;
constexpr double kMostTrips = 64;
/// Bytes that the arrays of a point may take in each lane.
constexpr int64_t kLocalBytes = 1024;

using IsLane = std::function<bool(Value)>;

/// By how much `index` grows from lane to lane, 1 or -1, apart from borders where it stays or turns
/// (Runs.cpp); 0 where that is not known.
int growth(Value index, const IsLane &isLane, const LaneVariance &variance) {
  if (isLane(index))
    return 1;
  Operation *op = index.getDefiningOp();
  if (!isa_and_nonnull<arith::IndexCastOp, math::AbsIOp, arith::AddIOp, arith::SubIOp,
                       arith::MinSIOp, arith::MaxSIOp>(op))
    return 0;
  Value a = op->getOperand(0), b = op->getOperand(op->getNumOperands() - 1);
  if (a == b)
    return op->getNumOperands() == 1 ? growth(a, isLane, variance) : 0;
  if (variance.varies(a) && variance.varies(b))
    return 0;
  if (variance.varies(a))
    return growth(a, isLane, variance);
  return isa<arith::SubIOp>(op) ? -growth(b, isLane, variance) : growth(b, isLane, variance);
}

/// The only one of `indices` that differs between lanes, where it grows by one.
std::optional<unsigned> rowOf(ValueRange indices, const IsLane &isLane,
                              const LaneVariance &variance) {
  std::optional<unsigned> found;
  for (auto [number, index] : llvm::enumerate(indices))
    if (variance.varies(index)) {
      if (found || growth(index, isLane, variance) != 1)
        return std::nullopt;
      found = number;
    }
  return found;
}

/// What one point costs along one candidate for the lanes, as scalar code and as vectors.
class LaneCost {
public:
  /// Along dimension `dim` of a grid.
  LaneCost(compute::FusedOp group, compute::GridOp grid, unsigned dim, bool mayMove)
      : group(group), grid(grid), mayMove(mayMove),
        isLane([lane = grid.getBody().getArgument(dim)](Value value) { return value == lane; }),
        variance(grid.getBody().front(), isLane) {
    lanes.dim = dim;
    isPossible = canStore() && visit(grid.getBody().front(), 1, 1);
  }
  /// Along dimension `dim` of the domain of a map.
  LaneCost(compute::FusedOp group, compute::MapOp map, unsigned dim, bool mayMove)
      : group(group), mayMove(mayMove), isLane([dim](Value value) {
          auto index = value.getDefiningOp<compute::IndexOp>();
          return index && index.getDim() == dim;
        }),
        variance(varianceOf(map, dim)) {
    lanes.dim = dim;
    isPossible = visit(map.getBody().front(), 1, 1);
    for (Value argument : map.getBody().getArguments())
      (variance.varies(argument) ? lanes.each : lanes.shared) += 1;
    lanes.each += 1; // the store
  }

  static LaneVariance varianceOf(compute::MapOp map, unsigned dim) {
    return LaneVariance(map.getBody().front(), [&](Value value) {
      if (auto index = value.getDefiningOp<compute::IndexOp>())
        return index.getDim() == dim;
      auto argument = dyn_cast<BlockArgument>(value);
      if (!argument)
        return false;
      auto access = cast<access::MapAttr>(map.getAccesses()[argument.getArgNumber()]);
      auto depends = [&](AffineMap exprs) { return exprs.isFunctionOfDim(dim); };
      return depends(access.getMap()) ||
             (!access.isTotal() && (depends(access.getValid()) || depends(access.getBelow())));
    });
  }

  /// One point's part, where `size` points along the lanes share what `shared` of them can.
  double point(AffineExpr size, double shared) const {
    double count = sizeOf(size);
    // Lanes behind the end of the dimension do nothing.
    double used = isa<AffineConstantExpr>(size) ? count / std::ceil(count / kLanes) : 0.75 * kLanes;
    return lanes.shared / std::clamp(count, 1.0, shared) + lanes.each / used;
  }
  static double sizeOf(AffineExpr size) {
    auto constant = dyn_cast<AffineConstantExpr>(size);
    return constant ? std::max<double>(1, constant.getValue()) : kUnknownSize;
  }

  bool isPossible;
  double scalar = 0;
  GridLanes lanes;

private:
  static bool isPacked(Type element) {
    unsigned bits = access::bitWidth(element);
    return bits > 1 && bits < 8;
  }
  /// Elements that share a byte are written one after the other.
  bool canStore() {
    return llvm::none_of(grid.getResultTypes(),
                         [](Type type) { return isPacked(getElementTypeOrSelf(type)); });
  }

  double load(access::LoadOp op, double times) {
    if (llvm::none_of(op.getIndices(), [&](Value index) { return variance.varies(index); }))
      return 0;
    std::optional<unsigned> dim = rowOf(op.getIndices(), isLane, variance);
    auto argument = dyn_cast<BlockArgument>(op.getSource());
    if (!dim || !argument)
      return kLanes * kApart;
    unsigned number = argument.getArgNumber();
    if (layoutOf(group.getInputs()[number]).back() == *dim)
      return 1;
    if (!mayMove)
      return kLanes * kApart;
    auto known = llvm::find_if(lanes.rows, [&](auto &row) { return row.input == number; });
    if (known == lanes.rows.end())
      lanes.rows.push_back({number, *dim, times});
    else if (known->dim == *dim)
      known->reads += times;
    else
      return kLanes * kApart;
    return 1;
  }

  double store(Value place, ValueRange indices) {
    auto argument = dyn_cast<BlockArgument>(place);
    if (!argument) // of the point's own
      return llvm::any_of(indices, [&](Value index) { return variance.varies(index); })
                 ? kLanes * kApart
                 : 1;
    std::optional<unsigned> dim = rowOf(indices, isLane, variance);
    unsigned number = argument.getArgNumber() - grid.getExtents().getNumResults();
    OperandRange yielded = group.getBody().front().getTerminator()->getOperands();
    unsigned position = llvm::find(yielded, grid.getResult(number)) - yielded.begin();
    if (!dim || position >= group.getNumResults())
      return kLanes * kStoredApart;
    OpResult result = group->getResult(position);
    if (layoutOf(result).back() == *dim)
      return 1;
    if (!mayMove || !result.use_empty())
      return kLanes * kStoredApart;
    auto known = llvm::find_if(lanes.results, [&](auto &each) { return each.first == position; });
    if (known == lanes.results.end())
      lanes.results.push_back({position, *dim});
    else if (known->second != *dim)
      return kLanes * kStoredApart;
    return 1;
  }

  static double operations(Operation &op) {
    if (isa<arith::ConstantOp, compute::IndexOp, extent::SizeOp, arith::IndexCastOp>(op))
      return 0;
    if (isa<arith::DivFOp, arith::RemFOp>(op))
      return 4;
    if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op))
      return 8;
    bool isFunction = isa<math::MathDialect>(op.getDialect()) &&
                      !isa<math::AbsFOp, math::AbsIOp, math::FloorOp, math::CeilOp, math::SqrtOp,
                           math::FmaOp, math::RoundEvenOp, math::TruncOp>(op);
    return isFunction ? 15 : 1;
  }

  /// Instructions that many processors have for single numbers only.
  static bool isScalarOnly(Operation &op) {
    if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op))
      return true;
    bool converts = isa<arith::FPToSIOp, arith::FPToUIOp, arith::SIToFPOp, arith::UIToFPOp>(op);
    return converts &&
           (op.getOperand(0).getType().isInteger(64) || op.getResult(0).getType().isInteger(64));
  }

public:
  static double tripsOf(scf::ForOp loop, double unknown, double most) {
    auto low = getConstantIntValue(loop.getLowerBound()),
         high = getConstantIntValue(loop.getUpperBound()),
         step = getConstantIntValue(loop.getStep());
    if (!low || !high || !step || *step < 1)
      return unknown;
    return std::clamp<double>(double(*high - *low) / *step, 1, most);
  }

private:
  bool isSmall(access::LocalOp local) {
    RankedTensorType type = local.getType().getTensor();
    return type.hasStaticShape() && !isPacked(type.getElementType()) &&
           type.getNumElements() * llvm::divideCeil(access::bitWidth(type.getElementType()), 8) <=
               kLocalBytes;
  }

  void widen(Type type) {
    lanes.bytes = std::max<int64_t>(lanes.bytes, llvm::divideCeil(access::bitWidth(type), 8));
  }

  /// Adds up `block`, which runs `times` for each vector and `scalarTimes` in scalar code. False
  /// where vectors cannot run it.
  bool visit(Block &block, double times, double scalarTimes) {
    auto count = [&](double shared, double vector, double one, bool varies) {
      scalar += one * scalarTimes;
      (varies ? lanes.each : lanes.shared) += (varies ? vector : shared) * times;
    };
    for (Operation &op : block.without_terminator()) {
      for (Value result : op.getResults())
        if (variance.varies(result) &&
            (isa<access::LoadOp>(op) || isa<FloatType>(result.getType())))
          widen(result.getType());
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        if (llvm::any_of(ValueRange{loop.getLowerBound(), loop.getUpperBound(), loop.getStep()},
                         [&](Value bound) { return variance.varies(bound); }))
          return false;
        double trips = tripsOf(loop, kTrips, kMostTrips);
        count(1, 1, 1, false);
        if (!visit(*loop.getBody(), times * trips, scalarTimes * trips))
          return false;
      } else if (auto loop = dyn_cast<scf::WhileOp>(op)) {
        if (variance.varies(loop.getConditionOp().getCondition()) ||
            !visit(*loop.getBeforeBody(), times * kTrips, scalarTimes * kTrips) ||
            !visit(*loop.getAfterBody(), times * kTrips, scalarTimes * kTrips))
          return false;
      } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
        bool varies = variance.varies(branch.getCondition());
        count(1, 2, 1, varies);
        for (Region *region : branch.getRegions())
          if (!region->empty() &&
              !visit(region->front(), varies ? times : times / 2, scalarTimes / 2))
            return false;
      } else if (auto read = dyn_cast<access::LoadOp>(op)) {
        double vector = load(read, times);
        count(1, vector, 1, vector != 0);
      } else if (auto fetch = dyn_cast<access::FetchOp>(op)) {
        count(1, store(fetch.getPlace(), fetch.getIndices()), 1, true);
      } else if (auto write = dyn_cast<access::StoreOp>(op)) {
        widen(write.getValue().getType());
        count(1, store(write.getPlace(), write.getIndices()), 1, true);
      } else if (auto local = dyn_cast<access::LocalOp>(op)) {
        if (!isSmall(local))
          return false;
      } else if (isa<compute::RequireOp, compute::IndexOp, extent::SizeOp>(op) ||
                 isa<arith::ArithDialect, math::MathDialect>(op.getDialect())) {
        double one = operations(op);
        bool varies =
            llvm::any_of(op.getOperands(), [&](Value value) { return variance.varies(value); });
        count(one, isScalarOnly(op) ? one * kLanes : one, one, varies);
      } else {
        return false;
      }
    }
    return true;
  }

  compute::FusedOp group;
  compute::GridOp grid;
  bool mayMove;
  IsLane isLane;
  LaneVariance variance;
};

} // namespace

std::optional<GridLanes> lanesOfGrid(compute::FusedOp group, bool mayMove) {
  auto grids = group.getBody().front().getOps<compute::GridOp>();
  if (grids.empty())
    return std::nullopt;
  compute::GridOp grid = *grids.begin();
  std::optional<GridLanes> best;
  double least = 0;
  ArrayRef<AffineExpr> extents = grid.getExtents().getResults();
  for (unsigned dim = extents.size(); dim-- > 0;) {
    LaneCost cost(group, grid, dim, mayMove);
    if (!cost.isPossible)
      continue;
    double point = cost.point(extents[dim], kVectors * kLanes);
    if (point > 0.8 * cost.scalar || (best && point >= least))
      continue;
    least = point;
    best = cost.lanes;
  }
  return best;
}

SmallVector<GridLanes::Row> rowsOfLoops(compute::FusedOp group) {
  SmallVector<GridLanes::Row> rows;
  llvm::SmallDenseSet<unsigned> mixed; // read along several dimensions
  group.getBody().walk([&](scf::ForOp loop) {
    Block &body = *loop.getBody();
    if (getConstantIntValue(loop.getStep()) != 1 ||
        llvm::any_of(body, [](Operation &op) { return op.getNumRegions() != 0; }))
      return;
    double times = 1;
    for (Operation *op = loop; op != group; op = op->getParentOp())
      if (auto around = dyn_cast<scf::ForOp>(op))
        times *= LaneCost::tripsOf(around, kUnknownSize, std::numeric_limits<int32_t>::max());
      else if (isa<scf::WhileOp>(op))
        times *= kUnknownSize;
    IsLane isLane = [&](Value value) { return value == loop.getInductionVar(); };
    LaneVariance variance(body, isLane);
    for (auto load : body.getOps<access::LoadOp>()) {
      auto argument = dyn_cast<BlockArgument>(load.getSource());
      if (!argument ||
          llvm::none_of(load.getIndices(), [&](Value v) { return variance.varies(v); }))
        continue;
      unsigned number = argument.getArgNumber();
      std::optional<unsigned> dim = rowOf(load.getIndices(), isLane, variance);
      auto known = llvm::find_if(rows, [&](auto &row) { return row.input == number; });
      if (!dim || (known != rows.end() && known->dim != *dim))
        mixed.insert(number);
      else if (known != rows.end())
        known->reads += times;
      else
        rows.push_back({number, *dim, times});
    }
  });
  llvm::erase_if(rows, [&](const GridLanes::Row &row) {
    return mixed.contains(row.input) || layoutOf(group.getInputs()[row.input]).back() == row.dim;
  });
  return rows;
}

/// True where every map of the group computes its element at the point of `map`'s.
static bool isAtOnePoint(compute::FusedOp group, compute::MapOp map) {
  return llvm::all_of(map->getUses(), [&](OpOperand &use) {
    auto user = dyn_cast<compute::MapOp>(use.getOwner());
    if (!user)
      return isa<compute::YieldOp>(use.getOwner());
    auto access = cast<access::MapAttr>(user.getAccesses()[use.getOperandNumber()]);
    return access.isTotal() && access.getMap().isIdentity() && isAtOnePoint(group, user);
  });
}

/// Whether `value` comes from elements of tensors, not from positions alone.
static bool dependsOnData(Value value) {
  Operation *op = value.getDefiningOp();
  return !op || isa<access::LoadOp>(op) || op->getNumRegions() != 0 ||
         llvm::any_of(op->getOperands(), dependsOnData);
}

std::optional<GridLanes> lanesOfGathers(compute::FusedOp group) {
  compute::MapOp map;
  for (auto each : group.getBody().getOps<compute::MapOp>())
    if (each.getBody()
            .walk([](access::LoadOp) { return WalkResult::interrupt(); })
            .wasInterrupted()) {
      if (map)
        return std::nullopt;
      map = each;
    }
  SmallVector<AffineExpr> sizes = extent::sizesOf(group.getResult(0));
  if (!map || sizes.size() < 2 || extent::sizesOf(map.getResult(0)) != sizes ||
      !isAtOnePoint(group, map))
    return std::nullopt;
  // What is read at positions that data decides lies anywhere, and copies pay. Where a point alone
  // decides, as in resizing, neighbours read near each other: copies pay for rows known to be long.
  bool liesAnywhere = false;
  map.getBody().walk(
      [&](access::LoadOp load) { liesAnywhere |= llvm::any_of(load.getIndices(), dependsOnData); });
  double elements = 1;
  for (AffineExpr size : sizes)
    elements *= LaneCost::sizeOf(size);
  double without = LaneCost(group, map, sizes.size() - 1, false).point(sizes.back(), kLanes);
  std::optional<GridLanes> best;
  double least = 0;
  bool foundKnown = false;
  // A size that is not known is guessed where no known one will do. The first of some known ones
  // may be 1, as batches are.
  auto isKnown = [](AffineExpr size) { return isa<AffineConstantExpr>(size); };
  bool someKnown = llvm::any_of(sizes, isKnown);
  for (bool known : {true, false})
    for (unsigned dim = 0; dim + 1 < sizes.size() && (known || liesAnywhere); ++dim) {
      if (isKnown(sizes[dim]) != known || (!known && ((someKnown && dim == 0) || foundKnown)))
        continue;
      LaneCost cost(group, map, dim, true);
      double point = cost.point(sizes[dim], LaneCost::sizeOf(sizes[dim])) + kCopy;
      for (const GridLanes::Row &row : cost.lanes.rows) {
        double copied = kCopy;
        for (AffineExpr size : extent::sizesOf(group.getInputs()[row.input]))
          copied *= LaneCost::sizeOf(size);
        point += copied / elements;
      }
      if (!cost.isPossible || point > 0.7 * without || (best && point >= least))
        continue;
      least = point;
      best = cost.lanes;
      foundKnown |= known;
    }
  return best;
}

int64_t widestAlong(compute::FusedOp group, unsigned dim, int64_t least) {
  int64_t bytes = least;
  for (auto map : group.getBody().getOps<compute::MapOp>()) {
    LaneVariance variance = LaneCost::varianceOf(map, dim);
    map.getBody().walk([&](Operation *op) {
      for (Value result : op->getResults())
        if (variance.varies(result) && result.getType().isIntOrFloat())
          bytes = std::max<int64_t>(bytes, result.getType().getIntOrFloatBitWidth() / 8);
    });
  }
  return bytes;
}

} // namespace longtail::leaf
