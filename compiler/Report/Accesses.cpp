// What every group reads and writes, and by which instructions.
#include "compiler/Plan/ElementType.h"
#include "compiler/Plan/Text.h"
#include "compiler/Report/Cost.h"
#include "compiler/Report/LaneUse.h"
#include "compiler/Report/Report.h"
#include "dialects/Access/Algebra/Algebra.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
namespace json = llvm::json;

namespace longtail::report {

namespace {

/// The points at which something is read: their extents, and which dimension the lanes run along
/// (-1: scalar code).
struct Frame {
  SmallVector<AffineExpr> extents;
  int lane = -1;
};

class GroupAccesses {
public:
  GroupAccesses(compute::FusedOp group, func::FuncOp function, const extent::SymbolTable &symbols,
                const plan::Valuation &valuation)
      : group(group), function(function), symbols(symbols), valuation(valuation) {
    auto schedule = dyn_cast_or_null<kernel::ScheduleAttr>(group.getScheduleAttr());
    lanes = schedule ? schedule.getLanes() : 1;
  }

  json::Array describe();

private:
  void visit(Value value, ArrayRef<AffineExpr> coordinates, const Frame &frame);
  void visitOperand(Operation *op, Value operand, access::MapAttr access,
                    ArrayRef<AffineExpr> coordinates, const Frame &frame);
  void visitRegion(Operation *op, ArrayRef<AffineExpr> coordinates, const Frame &frame);
  void visitGrid(compute::GridOp grid);
  void memory(Operation *op, Value tensor, StringRef kind, ArrayRef<AffineExpr> position,
              ArrayRef<unsigned> layout, size_t guards, const Frame &frame);
  void element(Operation *op, Value tensor, StringRef kind, ValueRange indices, bool checked,
               LaneUses &uses, int64_t points, bool vectors);
  void add(Operation *op, Value tensor, StringRef kind, StringRef type, StringRef instructions,
           size_t guards, int64_t points, const llvm::Twine &note);

  std::string nameOf(Value tensor);
  SmallVector<unsigned> layoutOf(Value input);
  int64_t bytesOf(Value tensor, int64_t points) const;

  compute::FusedOp group;
  func::FuncOp function;
  const extent::SymbolTable &symbols;
  const plan::Valuation &valuation;
  int64_t lanes = 1;
  llvm::DenseSet<Value> seen;
  json::Array accesses;
};

} // namespace

static SmallVector<unsigned> rowMajor(Value tensor) {
  return llvm::to_vector(
      llvm::seq<unsigned>(0, cast<RankedTensorType>(tensor.getType()).getRank()));
}

static SmallVector<unsigned> layoutAt(std::optional<ArrayAttr> layouts, unsigned i, Value tensor) {
  SmallVector<unsigned> order;
  if (layouts && i < layouts->size())
    if (auto list = dyn_cast<DenseI64ArrayAttr>((*layouts)[i]))
      order.append(list.asArrayRef().begin(), list.asArrayRef().end());
  return order.empty() ? rowMajor(tensor) : order;
}

/// The order of the dimensions of a group's input in memory.
SmallVector<unsigned> GroupAccesses::layoutOf(Value input) {
  auto argument = dyn_cast<BlockArgument>(input);
  Value source = argument && argument.getOwner() == &group.getBody().front()
                     ? group.getInputs()[argument.getArgNumber()]
                     : input;
  if (auto producer = source.getDefiningOp<compute::FusedOp>())
    return layoutAt(producer.getLayouts(), cast<OpResult>(source).getResultNumber(), source);
  return rowMajor(source);
}

std::string GroupAccesses::nameOf(Value tensor) {
  if (auto argument = dyn_cast<BlockArgument>(tensor)) {
    if (argument.getOwner() == &group.getBody().front())
      return nameOf(group.getInputs()[argument.getArgNumber()]);
    if (argument.getOwner()->getParentOp() != function)
      return "result";
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "graph.name");
    return name ? name.str() : "argument " + llvm::utostr(argument.getArgNumber());
  }
  if (isa<access::PlaceType>(tensor.getType()))
    return "local array";
  for (OpOperand &use : tensor.getUses())
    if (isa<func::ReturnOp>(use.getOwner()))
      return "result " + llvm::utostr(use.getOperandNumber());
  return "value of " + plan::locationText(tensor.getLoc());
}

/// Bytes that are touched at least: each element once, but no more than there are.
int64_t GroupAccesses::bytesOf(Value tensor, int64_t points) const {
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (auto place = dyn_cast<access::PlaceType>(tensor.getType()))
    type = place.getTensor();
  int64_t elements = valuation.product(extent::sizesOf(type));
  return std::min(points, elements) * plan::storageBits(type.getElementType()) / 8;
}

void GroupAccesses::add(Operation *op, Value tensor, StringRef kind, StringRef type,
                        StringRef instructions, size_t guards, int64_t points,
                        const llvm::Twine &note) {
  json::Object access{
      {"tensor", nameOf(tensor)},           {"kind", kind.str()},        {"class", type.str()},
      {"instructions", instructions.str()}, {"guards", int64_t(guards)}, {"points", points},
      {"bytes", bytesOf(tensor, points)},   {"note", note.str()}};
  if (auto place = op->getLoc()->findInstanceOf<FileLineColLoc>()) {
    access["file"] = place.getFilename().str();
    access["line"] = int64_t(place.getLine());
    access["column"] = int64_t(place.getColumn());
  }
  accesses.push_back(std::move(access));
}

/// A stride at these sizes; it may be negative, which Valuation does not give.
static int64_t distanceOf(AffineExpr stride, const plan::Valuation &valuation) {
  return valuation.evaluate(stride) - valuation.evaluate(-stride);
}

void GroupAccesses::memory(Operation *op, Value tensor, StringRef kind,
                           ArrayRef<AffineExpr> position, ArrayRef<unsigned> layout, size_t guards,
                           const Frame &frame) {
  access::Domain domain(frame.extents, symbols);
  SmallVector<AffineExpr> sizes = extent::sizesOf(tensor), indices, ordered;
  for (unsigned dim : layout) {
    indices.push_back(position[dim]);
    ordered.push_back(sizes[dim]);
  }
  AffineExpr offset =
      access::simplify(access::linearize(indices, ordered, op->getContext()), domain);
  int64_t points = valuation.product(frame.extents);
  bool isWrite = kind == "write";
  if (frame.lane < 0 || lanes == 1)
    return add(op, tensor, kind, "scalar", isWrite ? "store" : "load", guards, points, "");
  std::string masked = guards != 0 ? "masked " : "";
  if (!access::dependsOn(offset, frame.lane))
    return add(op, tensor, kind, "uniform", isWrite ? "store" : "load, broadcast", guards, points,
               "");
  AffineExpr stride = access::strideAlong(offset, frame.lane, domain);
  if (stride && stride == 1)
    return add(op, tensor, kind, "contiguous", masked + (isWrite ? "vector store" : "vector load"),
               guards, points, guards != 0 ? "the borders are tested for each vector" : "");
  StringRef instructions = isWrite ? "scatter" : "gather";
  if (!stride)
    return add(op, tensor, kind, "runs", masked + instructions.str(), guards, points,
               "neighbouring lanes are not at one distance: quotients or remainders of the index "
               "are computed for each lane");
  int64_t distance = distanceOf(stride, valuation);
  if (distance == -1)
    return add(op, tensor, kind, "reversed", masked + instructions.str(), guards, points,
               "neighbouring lanes are in reverse order in memory");
  add(op, tensor, kind, "strided", masked + instructions.str(), guards, points,
      "neighbouring lanes are " + llvm::itostr(distance) +
          " elements apart: a permuted array, or another last dimension of the result, would be "
          "contiguous");
}

void GroupAccesses::element(Operation *op, Value tensor, StringRef kind, ValueRange indices,
                            bool checked, LaneUses &uses, int64_t points, bool vectors) {
  LaneUse outer = LaneUse::None, last = LaneUse::None;
  bool fromData = false;
  for (Value index : indices) {
    fromData |= uses.isFromData(index);
    if (index != indices.back())
      outer = std::max(outer, uses.of(index));
    else
      last = uses.of(index);
  }
  bool isWrite = kind == "write";
  size_t guards = checked;
  StringRef scalar = isWrite ? "store" : "load";
  if (outer == LaneUse::None && last == LaneUse::None)
    add(op, tensor, kind, "uniform", vectors ? "load, broadcast" : scalar, guards, points, "");
  else if (outer == LaneUse::None && last == LaneUse::Step)
    add(op, tensor, kind, fromData ? (isWrite ? "row scatter" : "row gather") : "contiguous",
        vectors ? (isWrite ? "vector store" : "vector load") : scalar, guards, points, "");
  else if (isWrite)
    add(op, tensor, kind, "element scatter", scalar, guards, points, "");
  else
    add(op, tensor, kind, "element gather", vectors ? "gather" : scalar, guards, points,
        vectors
            ? "each lane computes an index of its own: a last dimension that the index does not "
              "depend on would be read by whole vectors"
            : "");
}

void GroupAccesses::visitOperand(Operation *op, Value operand, access::MapAttr access,
                                 ArrayRef<AffineExpr> coordinates, const Frame &frame) {
  access::MapAttr here = access::makeMap(op->getContext(), frame.extents.size(), coordinates);
  access::MapAttr whole = access::compose(here, access, access::Domain(frame.extents, symbols));
  size_t guards = whole.isTotal() ? 0 : whole.getValid().getNumResults();
  ArrayRef<AffineExpr> position = whole.getMap().getResults();
  if (isa<BlockArgument>(operand)) {
    memory(op, operand, "read", position, layoutOf(operand), guards, frame);
    return;
  }
  visit(operand, position, frame);
}

void GroupAccesses::visitRegion(Operation *op, ArrayRef<AffineExpr> coordinates,
                                const Frame &frame) {
  LaneUses uses;
  access::Domain domain(frame.extents, symbols);
  auto useOf = [&](AffineExpr expr) {
    if (frame.lane < 0 || !access::dependsOn(expr, frame.lane))
      return LaneUse::None;
    return access::isContiguousAlong(expr, frame.lane, domain) ? LaneUse::Step : LaneUse::Other;
  };
  Block &body = op->getRegion(0).front();
  auto list = op->getAttrOfType<ArrayAttr>("accesses");
  for (auto [argument, access] : llvm::zip_equal(body.getArguments(), list)) {
    access::MapAttr here = access::makeMap(op->getContext(), frame.extents.size(), coordinates);
    access::MapAttr whole = access::compose(here, cast<access::MapAttr>(access), domain);
    LaneUse most = LaneUse::None;
    for (AffineExpr expr : whole.getMap().getResults())
      most = std::max(most, useOf(expr));
    uses.set(argument, most == LaneUse::None ? most : LaneUse::Other);
  }
  op->getRegion(0).walk([&](Operation *inner) {
    if (auto index = dyn_cast<compute::IndexOp>(inner))
      uses.set(index, useOf(coordinates[index.getDim()]));
  });
  int64_t points = valuation.product(frame.extents);
  op->getRegion(0).walk([&](access::LoadOp load) {
    element(load, load.getSource(), "read", load.getIndices(), load.getChecked(), uses, points,
            lanes > 1);
  });
}

void GroupAccesses::visit(Value value, ArrayRef<AffineExpr> coordinates, const Frame &frame) {
  if (!seen.insert(value).second)
    return;
  Operation *op = value.getDefiningOp();
  if (!op) {
    memory(group, value, "read", coordinates, layoutOf(value), 0, frame);
  } else if (auto map = dyn_cast<compute::MapOp>(op)) {
    for (auto [operand, access] : llvm::zip_equal(map.getInputs(), map.getAccesses()))
      visitOperand(op, operand, cast<access::MapAttr>(access), coordinates, frame);
    visitRegion(op, coordinates, frame);
  } else if (isa<compute::ReduceOp, compute::ContractOp>(op)) {
    auto extents = op->getAttrOfType<AffineMapAttr>("extents").getValue();
    Frame inner = frame;
    SmallVector<AffineExpr> all(coordinates);
    for (AffineExpr extent : extents.getResults()) {
      all.push_back(getAffineDimExpr(inner.extents.size(), op->getContext()));
      inner.extents.push_back(extent);
    }
    // Rows are walked along what is reduced, everything else along the results.
    if (group.getStrategy() == compute::GroupClass::Rows && extents.getNumResults() != 0)
      inner.lane = inner.extents.size() - 1;
    if (auto contract = dyn_cast<compute::ContractOp>(op)) {
      visitOperand(op, contract.getLhs(), contract.getLhsMap(), all, inner);
      visitOperand(op, contract.getRhs(), contract.getRhsMap(), all, inner);
      return;
    }
    auto reduce = cast<compute::ReduceOp>(op);
    for (auto [operand, access] : llvm::zip_equal(reduce.getInputs(), reduce.getAccesses()))
      visitOperand(op, operand, cast<access::MapAttr>(access), all, inner);
    visitRegion(op, all, inner);
  } else if (auto read = dyn_cast<access::ReadOp>(op)) {
    visitOperand(op, read.getSource(), read.getMap(), coordinates, frame);
  } else if (auto grid = dyn_cast<compute::GridOp>(op)) {
    visitGrid(grid);
  }
}

/// The trips of a loop, or 1 where data decides.
static int64_t tripsOf(scf::ForOp loop, const plan::Valuation &valuation) {
  auto known = [&](Value bound) -> std::optional<int64_t> {
    if (auto size = bound.getDefiningOp<extent::SizeOp>())
      return valuation.evaluate(size.getSize().getResult(0));
    return getConstantIntValue(bound);
  };
  auto low = known(loop.getLowerBound()), high = known(loop.getUpperBound());
  return low && high ? std::max<int64_t>(*high - *low, 0) : 1;
}

void GroupAccesses::visitGrid(compute::GridOp grid) {
  int64_t outside = valuation.product(grid.getExtents().getResults());
  grid.getBody().walk([&](Operation *op) {
    if (!isa<access::LoadOp, access::StoreOp, access::FetchOp>(op))
      return;
    LaneUses uses;
    int64_t points = outside;
    bool innermost = true;
    for (auto loop = op->getParentOfType<scf::ForOp>(); loop && grid->isAncestor(loop);
         loop = loop->getParentOfType<scf::ForOp>()) {
      points *= tripsOf(loop, valuation);
      uses.set(loop.getInductionVar(), innermost ? LaneUse::Step : LaneUse::None);
      innermost = false;
    }
    for (BlockArgument argument : grid.getBody().getArguments())
      uses.set(argument, LaneUse::None);
    if (auto load = dyn_cast<access::LoadOp>(op))
      element(op, load.getSource(), "read", load.getIndices(), load.getChecked(), uses, points,
              false);
    else if (auto fetch = dyn_cast<access::FetchOp>(op))
      element(op, fetch.getPlace(), "read back", fetch.getIndices(), false, uses, points, false);
    else if (auto store = dyn_cast<access::StoreOp>(op))
      element(op, store.getPlace(), "write", store.getIndices(), false, uses, points, false);
  });
}

json::Array GroupAccesses::describe() {
  Operation *end = group.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(end->getOperands())) {
    Operation *producer = value.getDefiningOp();
    if (producer && isa<compute::GridOp>(producer)) {
      visit(value, {}, {});
      continue;
    }
    Frame frame;
    SmallVector<AffineExpr> coordinates;
    frame.extents = extent::sizesOf(value);
    for (unsigned dim = 0; dim < frame.extents.size(); ++dim)
      coordinates.push_back(getAffineDimExpr(dim, group.getContext()));
    SmallVector<unsigned> layout = layoutAt(group.getLayouts(), i, value);
    if (!layout.empty())
      frame.lane = layout.back();
    visit(value, coordinates, frame);
    memory(producer ? producer : group.getOperation(), group.getResult(i), "write", coordinates,
           layout, 0, frame);
  }
  return std::move(accesses);
}

/// What limits a group as a whole.
static std::string noteOf(compute::FusedOp group, const plan::Valuation &valuation) {
  for (Operation &op : group.getBody().front())
    if (auto grid = dyn_cast<compute::GridOp>(op))
      return valuation.product(grid.getExtents().getResults()) <= 1
                 ? "sequential code: one thread runs it, one element after the other"
                 : "general code: the points are shared among the threads, but each point computes "
                   "one element after the other";
  return "";
}

json::Array describeAccesses(func::FuncOp function, const plan::Valuation &valuation) {
  extent::SymbolTable symbols(function);
  json::Array groups;
  for (auto group : function.getOps<compute::FusedOp>()) {
    json::Object facts{{"class", className(group)},
                       {"note", noteOf(group, valuation)},
                       {"accesses", GroupAccesses(group, function, symbols, valuation).describe()}};
    if (auto schedule = dyn_cast_or_null<kernel::ScheduleAttr>(group.getScheduleAttr()))
      facts["lanes"] = schedule.getLanes();
    Cost cost = costOf(group);
    facts["operations"] = total(cost.operations, valuation);
    facts["bytes"] = total(cost.bytes, valuation);
    groups.push_back(std::move(facts));
  }
  return groups;
}

} // namespace longtail::report
