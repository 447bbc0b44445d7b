// The classes that are plain loop nests: pointwise, window, rows, grid. Lanes may be several
// registers wide, which unrolls the loop; `rows` neighbouring windows share loads; `vectors` sums
// of a row hide the latency of addition; `grain` is how much one tile of the parallel grid does.
#include "codegen/Leaf/Lanes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Schedule/Candidates.h"

using namespace mlir;

namespace longtail {

namespace {

constexpr int64_t kGrains[] = {1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 1 << 20};
constexpr int64_t kRows[] = {1, 2, 3, 4, 6, 8};
constexpr int64_t kSums[] = {1, 2, 3, 4, 6, 8};
constexpr int64_t kAtOnce[] = {1, 2, 4};

compute::GroupClass classOf(compute::FusedOp group) {
  return group.getStrategy().value_or(compute::GroupClass::Pointwise);
}

/// Operations of all regions in multiply-adds, and how many values there are.
std::pair<double, double> workOf(compute::FusedOp group) {
  double operations = 0, values = 0;
  group.getBody().walk([&](Operation *op) {
    if (op->getNumResults() != 1 ||
        !isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) ||
        isa<arith::ConstantOp>(op))
      return;
    ++values;
    operations += isa<math::MathDialect>(op->getDialect())                 ? 12
                  : isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp>(op) ? 5
                                                                           : 1;
  });
  return {std::max(1.0, operations), values};
}

struct Nest {
  double elements = 1, lanes = 1, points = 1, bytes = 0;
};

Nest nestOf(const SpaceRequest &request) {
  Nest nest;
  auto count = [&](ArrayRef<AffineExpr> sizes) {
    double product = 1;
    for (AffineExpr size : sizes)
      product *= std::max<int64_t>(1, size ? request.sizeOf(size) : 1);
    return product;
  };
  compute::FusedOp group = request.group;
  for (ValueRange values : {ValueRange(group.getInputs()), ValueRange(group.getResults())})
    for (Value value : values)
      nest.bytes += count(extent::sizesOf(value)) *
                    std::max(1u, access::bitWidth(getElementTypeOrSelf(value.getType())) / 8);
  SmallVector<AffineExpr> sizes = extent::sizesOf(group.getResult(0));
  nest.elements = count(sizes);
  if (!sizes.empty()) {
    AffineExpr last = sizes.back();
    if (auto layouts = group.getLayoutsAttr())
      if (auto order = cast<DenseI64ArrayAttr>(layouts[0]); !order.empty())
        last = sizes[order.asArrayRef().back()];
    nest.lanes = count({last});
  }
  Block &body = group.getBody().front();
  if (auto reduces = body.getOps<compute::ReduceOp>(); !reduces.empty()) {
    compute::ReduceOp reduce = *reduces.begin();
    double points = count(reduce.getExtents().getResults());
    if (classOf(group) == compute::GroupClass::Rows) {
      ArrayRef<AffineExpr> extents = reduce.getExtents().getResults();
      nest.lanes = extents.empty() ? 1 : count(extents.take_back());
      nest.elements = count(extent::sizesOf(reduce.getOutput())) * points;
    } else {
      nest.points = points;
    }
  }
  if (auto grids = body.getOps<compute::GridOp>(); !grids.empty()) {
    ArrayRef<AffineExpr> extents = (*grids.begin()).getExtents().getResults();
    nest.elements = count(extents);
    std::optional<leaf::GridLanes> lanes = leaf::lanesOfGrid(group);
    nest.lanes = lanes ? count({extents[lanes->dim]}) : 1;
  }
  return nest;
}

} // namespace

double estimateLoops(const SpaceRequest &request, kernel::ScheduleAttr schedule) {
  Nest nest = nestOf(request);
  auto [operations, values] = workOf(request.group);
  LoopWork work;
  work.outer = nest.elements / nest.lanes;
  work.lanes = nest.lanes;
  work.points = nest.points;
  work.operations = operations;
  work.live = std::min(values, 8.0) + 2;
  work.bytes = nest.bytes;
  work.elementBytes = widestElement(request.group);
  work.carries = classOf(request.group) == compute::GroupClass::Rows;
  // A tile has whole iterations of the outer loops, if there are any.
  double perTile = std::max(1.0, double(schedule.getGrain()));
  if (work.outer > 1 && classOf(request.group) != compute::GroupClass::Grid)
    perTile = std::ceil(perTile / work.lanes) * work.lanes;
  return loopCycles(Machine(request.target, request.threads), work, schedule,
                    std::ceil(nest.elements / perTile));
}

void addLoopSpace(const SpaceRequest &request, std::vector<kernel::ScheduleAttr> &space) {
  compute::FusedOp group = request.group;
  compute::GroupClass kind = classOf(group);
  Nest nest = nestOf(request);
  MLIRContext *context = group.getContext();
  auto add = [&](int64_t lanes, int64_t rows, int64_t vectors, int64_t grain) {
    space.push_back(kernel::ScheduleAttr::get(context, lanes, rows, vectors, 1, grain, 1, 0));
  };
  if (kind == compute::GroupClass::Grid) {
    int64_t points = std::max<int64_t>(1, int64_t(std::min(nest.elements, 1e9)));
    SmallVector<int64_t> widths = {1};
    if (std::optional<leaf::GridLanes> found = leaf::lanesOfGrid(group)) {
      int64_t native = std::max<int64_t>(2, request.target.getVectorBytes() / found->bytes);
      widths.append({native, 2 * native, 4 * native});
    }
    for (int64_t lanes : widths)
      for (int64_t grain : powersUpTo(std::min<int64_t>(points, 1 << 16)))
        add(lanes, 1, 1, grain);
    return;
  }
  int64_t native = request.target.getVectorBytes() / widestElement(group);
  SmallVector<int64_t> widths = {std::max<int64_t>(2, native), native / 2, 2 * native, 4 * native};
  if (group.getBody().walk([](scf::IfOp) { return WalkResult::interrupt(); }).wasInterrupted())
    widths.push_back(1); // lanes take both ways of a branch
  bool reduces = !group.getBody().front().getOps<compute::ReduceOp>().empty();
  bool isWindow = kind != compute::GroupClass::Rows && reduces;
  bool isRows = kind == compute::GroupClass::Rows;
  for (int64_t lanes : widths) {
    if (lanes < 1)
      continue;
    for (int64_t rows : isWindow ? ArrayRef(kRows) : ArrayRef(kRows).take_front())
      for (int64_t sums : isRows     ? ArrayRef(kSums)
                          : isWindow ? ArrayRef(kSums).take_front()
                                     : ArrayRef(kAtOnce))
        for (int64_t grain : kGrains) {
          add(lanes, rows, sums, isWindow ? std::max<int64_t>(64, grain / 16) : grain);
          if (double(grain) > nest.elements)
            break; // more is one tile too
        }
  }
}

} // namespace longtail
