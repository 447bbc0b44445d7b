#include "codegen/Leaf/KernelBuilder.h"
#include "dialects/Compute/Analysis/ContractionShape.h"
#include "passes/Layout/ConstantValues.h"
#include "passes/Layout/Passes.h"
#include "passes/Schedule/RegisterTile.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_PACKWEIGHTSPASS
#include "passes/Layout/Passes.h.inc"

namespace {

struct PackWeights final : impl::PackWeightsPassBase<PackWeights> {
  using PackWeightsPassBase::PackWeightsPassBase;

  void runOnOperation() override {
    kernel::TargetAttr target = targetOf(getOperation());
    if (!target) {
      getOperation().emitError("the module names no target: set 'kernel.target'");
      return signalPassFailure();
    }
    if (getOperation().isExternal())
      return;
    ConstantValues constants(getOperation().front());
    for (auto group : llvm::to_vector(getOperation().getOps<compute::FusedOp>()))
      if (group.getStrategy() == compute::GroupClass::Contraction)
        pack(group, target, constants);
  }

private:
  /// True where neighbouring columns are neighbours in memory.
  static bool columnsAreNeighbours(compute::ContractOp contract,
                                   const compute::ContractionShape &shape, Value outside) {
    if (shape.groupSize)
      return false;
    access::Domain domain(shape.extents);
    auto type = cast<RankedTensorType>(contract.getRhs().getType());
    SmallVector<AffineExpr> strides = leaf::stridesOf(type, leaf::layoutOf(outside));
    AffineExpr offset = getAffineConstantExpr(0, contract.getContext());
    for (auto [index, stride] : llvm::zip(contract.getRhsMap().getMap().getResults(), strides))
      offset = offset + index * stride;
    return access::isContiguousAlong(access::simplify(offset, domain), shape.column, domain);
  }

  /// True where four steps of the reduction are multiplied at once: bytes that are neighbours in
  /// the left operand too. Where a multiply-add takes a scalar factor and nothing multiplies bytes,
  /// single steps are cheaper than taking vectors of bytes apart.
  static bool takesFourSteps(compute::FusedOp group, compute::ContractOp contract,
                             const compute::ContractionShape &shape, kernel::TargetAttr target) {
    if (target.getScalarFactors())
      return false;
    auto argument = dyn_cast<BlockArgument>(contract.getLhs());
    if (!argument || !compute::isByteProduct(contract, shape))
      return false;
    access::Domain domain(shape.extents);
    auto type = cast<RankedTensorType>(argument.getType());
    Value outside = group.getInputs()[argument.getArgNumber()];
    AffineExpr offset = getAffineConstantExpr(0, contract.getContext());
    for (auto [index, stride] : llvm::zip(contract.getLhsMap().getMap().getResults(),
                                          leaf::stridesOf(type, leaf::layoutOf(outside))))
      offset = offset + index * stride;
    return access::isContiguousAlong(access::simplify(offset, domain), shape.reduced.back(),
                                     domain);
  }

  void pack(compute::FusedOp group, kernel::TargetAttr target, const ConstantValues &constants) {
    auto contract = *group.getBody().front().getOps<compute::ContractOp>().begin();
    auto shape = compute::matchContraction(contract);
    auto argument = dyn_cast<BlockArgument>(contract.getRhs());
    if (!shape || !argument)
      return;
    Value weights = group.getInputs()[argument.getArgNumber()];
    if (!constants.contains(weights) && columnsAreNeighbours(contract, *shape, weights))
      return;
    int64_t width = panelWidthOf(contract, *shape, target);

    // The packed tensor's dimensions, and each as an expression of the contraction's domain.
    MLIRContext *context = &getContext();
    AffineExpr column = shape->columnInGroup();
    AffineMap map = contract.getRhsMap().getMap();
    SmallVector<AffineExpr> sizes, positions, unpacked(shape->extents.size());
    auto addDim = [&](unsigned dim) {
      unpacked[dim] = getAffineDimExpr(sizes.size(), context);
      sizes.push_back(shape->extents[dim]);
      positions.push_back(getAffineDimExpr(dim, context));
    };
    for (unsigned dim : shape->batch)
      if (llvm::any_of(map.getResults(), [&](AffineExpr e) { return e.isFunctionOfDim(dim); }))
        addDim(dim);
    AffineExpr first = getAffineConstantExpr(0, context); // column of the group
    if (shape->groupSize) {
      first = getAffineDimExpr(sizes.size(), context) * shape->groupSize;
      sizes.push_back(shape->groupCount());
      positions.push_back(shape->group());
    }
    AffineExpr panel = getAffineDimExpr(sizes.size(), context);
    sizes.push_back(shape->columnCount().ceilDiv(width));
    positions.push_back(column.floorDiv(width));
    bool fours = takesFourSteps(group, contract, *shape, target);
    AffineExpr step; // of the last reduction dimension, four of which are neighbours
    for (unsigned dim : shape->reduced) {
      addDim(dim);
      if (!fours || dim != shape->reduced.back())
        continue;
      step = unpacked[dim] * compute::kBytesOfProduct;
      sizes.back() = sizes.back().ceilDiv(compute::kBytesOfProduct);
      positions.back() = positions.back().floorDiv(compute::kBytesOfProduct);
    }
    AffineExpr inGroup = panel * width + getAffineDimExpr(sizes.size(), context);
    unpacked[shape->column] = first + inGroup;
    sizes.push_back(getAffineConstantExpr(width, context));
    positions.push_back(column % width);
    SmallVector<AffineExpr> valid{inGroup}, below{shape->columnCount()};
    if (fours) {
      unsigned dim = shape->reduced.back();
      step = step + getAffineDimExpr(sizes.size(), context);
      unpacked[dim] = step;
      valid.push_back(step);
      below.push_back(shape->extents[dim]);
      sizes.push_back(getAffineConstantExpr(compute::kBytesOfProduct, context));
      positions.push_back(getAffineDimExpr(dim, context) % compute::kBytesOfProduct);
    }
    for (AffineExpr &expr : unpacked)
      if (!expr)
        expr = getAffineConstantExpr(0, context);

    SmallVector<AffineExpr> symbols;
    for (unsigned i = 0; i < map.getNumSymbols(); ++i)
      symbols.push_back(getAffineSymbolExpr(i, context));
    SmallVector<AffineExpr> source = llvm::map_to_vector(
        map.getResults(), [&](AffineExpr e) { return e.replaceDimsAndSymbols(unpacked, symbols); });
    access::MapAttr access = access::simplify(
        access::makeMap(context, sizes.size(), source, valid, below), access::Domain(sizes));
    OpBuilder builder(group);
    Type element = cast<RankedTensorType>(weights.getType()).getElementType();
    compute::Operand operand{weights, access, builder.getZeroAttr(access::computeType(element))};
    auto packing = compute::buildCopyGroup(builder, group.getLoc(), operand,
                                           extent::tensorType(sizes, element));
    packing.setLabelAttr(builder.getStringAttr("pack"));
    packing.setLayoutsAttr(builder.getArrayAttr({builder.getDenseI64ArrayAttr({})}));

    // The group reads the panels through an argument of their own.
    group.getInputsMutable().append(packing.getResult(0));
    Value inside =
        group.getBody().front().addArgument(packing.getResult(0).getType(), group.getLoc());
    contract.getRhsMutable().assign(inside);
    contract.setRhsAccessAttr(access::makeMap(context, shape->extents.size(), positions));
    if (argument.use_empty()) {
      unsigned number = argument.getArgNumber();
      group.getBody().front().eraseArgument(number);
      group.getInputsMutable().erase(number);
    }
  }
};

} // namespace
} // namespace longtail
