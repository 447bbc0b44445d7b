#include "codegen/Leaf/Elements.h"
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "passes/Layout/Passes.h"
#include "passes/Layout/WindowLanes.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_CHOOSELAYOUTSPASS
#include "passes/Layout/Passes.h.inc"

namespace {

using leaf::Layout;

/// Of a dimension that is not known.
constexpr double kUnknownSize = 16;
/// How often each element has to be read for a copy in another order to pay.
constexpr double kReadsOfCopy = 2;

struct ChooseLayouts final : impl::ChooseLayoutsPassBase<ChooseLayouts> {
  using ChooseLayoutsPassBase::ChooseLayoutsPassBase;

  void runOnOperation() override {
    ConstantValues known(getOperation().front());
    constants = &known;
    for (auto group : llvm::to_vector(getOperation().getOps<compute::FusedOp>())) {
      ownOrders.clear();
      bool keepsOrder = group.getStrategy() == compute::GroupClass::Contraction;
      Layout layout = preferred(group, keepsOrder);
      // Reductions over rows may yield tensors of different rank: only those of the chosen order's
      // rank take it over.
      SmallVector<Attribute> layouts;
      for (Value result : group.getResults()) {
        int64_t rank = cast<RankedTensorType>(result.getType()).getRank();
        bool same = int64_t(layout.size()) == rank;
        layouts.push_back(order(same ? layout : rowMajor(rank)));
      }
      for (auto [number, dim] : ownOrders) {
        int64_t rank = cast<RankedTensorType>(group.getResult(number).getType()).getRank();
        layouts[number] = order(withInnermost(rowMajor(rank), dim));
      }
      group.setLayoutsAttr(ArrayAttr::get(&getContext(), layouts));
      for (OpResult result : group.getResults())
        if (leavesAsFlatMemory(result))
          makeRowMajor(group, result, keepsOrder);
    }
  }

private:
  const ConstantValues *constants = nullptr;
  /// Of the group in hand: results that lie in an order of their own, and their innermost
  /// dimension.
  SmallVector<std::pair<unsigned, unsigned>> ownOrders;

  static Layout rowMajor(int64_t rank) { return llvm::to_vector(llvm::seq<int64_t>(0, rank)); }
  Attribute order(const Layout &layout) { return DenseI64ArrayAttr::get(&getContext(), layout); }

  static bool readsFlatMemory(Operation *user) {
    return isa<func::ReturnOp, access::ReadOp, extent::BindOp, compute::BranchOp,
               compute::RepeatOp>(user);
  }
  static bool leavesAsFlatMemory(Value value) {
    return llvm::any_of(value.getUsers(), readsFlatMemory);
  }

  /// Most groups can store any order, unless they are to keep theirs (`keepsOrder`): a contraction
  /// stores its columns.
  void makeRowMajor(compute::FusedOp group, OpResult result, bool keepsOrder) {
    int64_t rank = cast<RankedTensorType>(result.getType()).getRank();
    SmallVector<Attribute> layouts(group.getLayouts()->getValue());
    if (layouts[result.getResultNumber()] == order(rowMajor(rank)))
      return;
    if (!keepsOrder && group.getNumResults() == 1) {
      layouts[result.getResultNumber()] = order(rowMajor(rank));
      return group.setLayoutsAttr(ArrayAttr::get(&getContext(), layouts));
    }
    OpBuilder builder(group);
    builder.setInsertionPointAfter(group);
    auto copy = compute::buildCopyGroup(builder, group.getLoc(), result);
    copy.setLayoutsAttr(builder.getArrayAttr({order(rowMajor(rank))}));
    for (OpOperand &use : llvm::make_early_inc_range(result.getUses()))
      if (readsFlatMemory(use.getOwner()))
        use.set(copy.getResult(0));
  }

  /// A guess where sizes are not known.
  static double elementsOf(ArrayRef<AffineExpr> sizes) {
    double product = 1;
    for (AffineExpr size : sizes) {
      auto constant = dyn_cast<AffineConstantExpr>(size);
      product *= constant ? double(constant.getValue()) : kUnknownSize;
    }
    return product;
  }

  /// Copies inputs into the order in which lanes read them, where they are read often enough.
  void moveRows(compute::FusedOp group, ArrayRef<leaf::GridLanes::Row> rows,
                ArrayRef<AffineExpr> extents) {
    double points = elementsOf(extents);
    for (const leaf::GridLanes::Row &row : rows) {
      Value source = group.getInputs()[row.input];
      if (points * row.reads < kReadsOfCopy * elementsOf(extent::sizesOf(source)))
        continue;
      moveInput(group, row.input, row.dim);
    }
  }

  static Layout withInnermost(Layout layout, int64_t dim) {
    llvm::erase(layout, dim);
    layout.push_back(dim);
    return layout;
  }

  /// Copies an input into an order with `dim` innermost.
  void moveInput(compute::FusedOp group, unsigned input, int64_t dim) {
    Value source = group.getInputs()[input];
    OpBuilder builder(group);
    auto copy = compute::buildCopyGroup(builder, group.getLoc(), source);
    copy.setLayoutsAttr(builder.getArrayAttr({order(withInnermost(leaf::layoutOf(source), dim))}));
    copy.setLabelAttr(builder.getStringAttr("transpose"));
    group.getInputsMutable().slice(input, 1).assign(copy.getResult(0));
  }

  Layout preferred(compute::FusedOp group, bool &keepsOrder) {
    Block &body = group.getBody().front();
    if (group.getStrategy() == compute::GroupClass::Grid) {
      auto grid = *body.getOps<compute::GridOp>().begin();
      auto lanes = leaf::lanesOfGrid(group, /*mayMove=*/true);
      moveRows(group, lanes ? lanes->rows : leaf::rowsOfLoops(group),
               grid.getExtents().getResults());
      if (lanes)
        ownOrders = lanes->results;
      return rowMajor(cast<RankedTensorType>(group.getResult(0).getType()).getRank());
    }
    if (group.getStrategy() == compute::GroupClass::Contraction) {
      auto contract = *body.getOps<compute::ContractOp>().begin();
      if (auto shape = compute::matchContraction(contract)) {
        Layout layout(shape->batch.begin(), shape->batch.end());
        layout.append(shape->rows.begin(), shape->rows.end());
        llvm::sort(layout);
        layout.push_back(shape->column);
        return layout;
      }
    }
    auto reduces = body.getOps<compute::ReduceOp>();
    if (std::optional<unsigned> dim = stepsOfBytes(group)) {
      keepsOrder = true;
      return withInnermost(rowMajor(extent::sizesOf(group.getResult(0)).size()), *dim);
    }
    if (reduces.empty())
      if (auto lanes = leaf::lanesOfGathers(group)) {
        SmallVector<AffineExpr> sizes = extent::sizesOf(group.getResult(0));
        moveRows(group, lanes->rows, sizes);
        keepsOrder = true;
        return withInnermost(rowMajor(sizes.size()), lanes->dim);
      }
    Value result = body.getTerminator()->getOperand(0);
    if (group.getStrategy() != compute::GroupClass::Window || reduces.empty())
      return layoutOfReads(group, result, reduces.empty() ? compute::ReduceOp() : *reduces.begin());
    compute::ReduceOp reduce = *reduces.begin();
    Layout layout = layoutOfReads(group, reduce.getOutput(), reduce);
    if (layout.empty())
      return layout;
    bool isFlat = llvm::any_of(group.getResults(), leavesAsFlatMemory);
    int64_t usual =
        isFlat && group.getNumResults() == 1 ? int64_t(layout.size()) - 1 : layout.back();
    if (std::optional<WindowLanes> lanes =
            lanesOfWindow(group, reduce, usual, isFlat, *constants)) {
      for (const InputOrder &copy : lanes->copies)
        moveInput(group, copy.input, copy.innermost);
      keepsOrder = true;
      return lanes->dim == layout.back() ? layout : withInnermost(layout, lanes->dim);
    }
    return layout;
  }

  /// The dimension of the group's one result along which a product of bytes, its only reader, sums:
  /// four neighbours are multiplied at once.
  static std::optional<unsigned> stepsOfBytes(compute::FusedOp group) {
    if (group.getNumResults() != 1 || !group.getResult(0).hasOneUse())
      return {};
    OpOperand &use = *group.getResult(0).use_begin();
    auto reader = dyn_cast<compute::FusedOp>(use.getOwner());
    if (!reader || reader.getStrategy() != compute::GroupClass::Contraction)
      return {};
    Block &body = reader.getBody().front();
    auto contract = *body.getOps<compute::ContractOp>().begin();
    std::optional<compute::ContractionShape> shape = compute::matchContraction(contract);
    if (!shape || contract.getLhs() != body.getArgument(use.getOperandNumber()) ||
        !compute::isByteProduct(contract, *shape))
      return {};
    ArrayRef<AffineExpr> indices = contract.getLhsMap().getMap().getResults();
    auto *steps =
        llvm::find(indices, getAffineDimExpr(shape->reduced.back(), contract.getContext()));
    return steps == indices.end() ? std::nullopt : std::optional<unsigned>(steps - indices.begin());
  }

  /// True where the group loads at positions that it computes, always along the last dimension.
  static bool gathersRows(compute::FusedOp group) {
    bool loads = false, others = false;
    group.getBody().walk([&](access::LoadOp load) {
      bool isRow = !load.getIndices().empty() &&
                   isa_and_nonnull<compute::IndexOp>(load.getIndices().back().getDefiningOp());
      (isRow ? loads : others) = true;
    });
    return loads && !others;
  }

  /// The order in which most elements that the result needs lie in memory.
  Layout layoutOfReads(compute::FusedOp group, Value result, compute::ReduceOp reduce) {
    SmallVector<AffineExpr> sizes = extent::sizesOf(result);
    unsigned rank = sizes.size();
    access::Domain domain(sizes);
    bool ofReduce = reduce && reduce.getOutput() == result;
    if (ofReduce)
      llvm::append_range(domain.extents, reduce.getExtents().getResults());
    SmallVector<AffineExpr> identity;
    for (unsigned i = 0; i < domain.extents.size(); ++i)
      identity.push_back(getAffineDimExpr(i, &getContext()));

    Layout best = rowMajor(rank);
    int bestWeight = 0;
    unsigned unknown = 0; // dimensions at the front of the best order that its tensor has not
    auto consider = [&](Value leaf, ArrayRef<AffineExpr> at) {
      auto argument = dyn_cast<BlockArgument>(leaf);
      if (!argument)
        return;
      Value outside = group.getInputs()[argument.getArgNumber()];
      auto type = cast<RankedTensorType>(leaf.getType());
      Layout layout = leaf::layoutOf(outside);
      // The order of the domain's dimensions in this tensor: by the innermost index that each
      // moves.
      Layout found;
      for (int64_t index : llvm::reverse(layout))
        for (unsigned dim = rank; dim-- > 0;)
          if (at[index].isFunctionOfDim(dim) && !llvm::is_contained(found, int64_t(dim)))
            found.push_back(dim);
      std::reverse(found.begin(), found.end());
      // What every dimension moves weighs more than a bias; what was computed, more than an input.
      int weight = 0;
      for (int64_t dim : found)
        weight += domain.extents[dim] != getAffineConstantExpr(1, &getContext());
      weight = 4 * weight + (outside.getDefiningOp<compute::FusedOp>() ? 2 : 0) +
               (layout != rowMajor(type.getRank()) ? 1 : 0);
      if (weight <= bestWeight)
        return;
      bestWeight = weight;
      // Dimensions that this tensor does not know go outside.
      Layout order;
      for (unsigned dim = 0; dim < rank; ++dim)
        if (!llvm::is_contained(found, int64_t(dim)))
          order.push_back(dim);
      unknown = order.size();
      llvm::append_range(order, found);
      best = order;
      // Whether they come first or last, such reads are cheap: a row-major tensor that lacks some
      // says nothing of the others.
      if (unknown != 0 && llvm::is_sorted(found) && !gathersRows(group))
        best = rowMajor(rank);
    };
    // Unless rows are gathered: then what runs along a row goes inside.
    llvm::SmallDenseSet<int64_t> alongRows;
    auto ignore = [&](AffineExpr position) {
      if (auto dim = dyn_cast<AffineDimExpr>(position))
        alongRows.insert(dim.getPosition());
    };
    if (ofReduce)
      leaf::visitReduction(reduce, identity, consider, ignore);
    else
      leaf::visitLeaves(result, identity, consider, ignore);
    if (gathersRows(group)) {
      Layout outside, inside;
      for (auto [place, dim] : llvm::enumerate(best))
        (place < unknown && alongRows.contains(dim) ? inside : outside).push_back(dim);
      llvm::append_range(outside, inside);
      best = outside;
    }
    return best;
  }
};

} // namespace
} // namespace longtail
