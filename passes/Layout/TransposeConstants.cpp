#include "codegen/Leaf/KernelBuilder.h"
#include "passes/Layout/ConstantValues.h"
#include "passes/Layout/Passes.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_TRANSPOSECONSTANTSPASS
#include "passes/Layout/Passes.h.inc"

namespace {

struct TransposeConstants final : impl::TransposeConstantsPassBase<TransposeConstants> {
  using TransposeConstantsPassBase::TransposeConstantsPassBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    ConstantValues constants(getOperation().front());
    for (auto group : llvm::to_vector(getOperation().getOps<compute::FusedOp>()))
      // What is computed once, with constants alone, may read in any order.
      if (!constants.contains(group.getResult(0)) &&
          (group.getStrategy() == compute::GroupClass::Window ||
           group.getStrategy() == compute::GroupClass::Pointwise))
        for (unsigned i = 0; i < group.getInputs().size(); ++i)
          if (constants.contains(group.getInputs()[i]))
            transpose(group, i);
  }

private:
  /// The accesses through which operations of the group read `argument` at the group's own points,
  /// by (operation, operand); nothing where there are reads of other kinds.
  using Reads = SmallVector<std::pair<Operation *, unsigned>>;
  static std::optional<Reads> readsOf(BlockArgument argument, ArrayRef<AffineExpr> domain) {
    Reads reads;
    for (OpOperand &use : argument.getUses()) {
      Operation *op = use.getOwner();
      if (!isa<compute::MapOp, compute::ReduceOp>(op) || op->getBlock() != argument.getOwner() ||
          extent::sizesOf(op->getResult(0)) != domain)
        return std::nullopt;
      reads.push_back({op, use.getOperandNumber()});
    }
    return reads;
  }

  static access::MapAttr accessOf(std::pair<Operation *, unsigned> read) {
    return cast<access::MapAttr>(read.first->getAttrOfType<ArrayAttr>("accesses")[read.second]);
  }

  void transpose(compute::FusedOp group, unsigned number) {
    Block &body = group.getBody().front();
    BlockArgument argument = body.getArgument(number);
    int64_t rank = cast<RankedTensorType>(argument.getType()).getRank();
    auto results = extent::sizesOf(group.getResult(0));
    if (rank < 2 || results.empty() || !group.getLayouts())
      return;
    unsigned lane = leaf::layoutOf(group.getResult(0)).back();
    std::optional<Reads> reads = readsOf(argument, results);
    if (!reads || reads->empty())
      return;
    // The dimension along which lanes lie in this tensor: one and the same for all reads.
    std::optional<unsigned> moved;
    for (auto read : *reads)
      for (auto [dim, index] : llvm::enumerate(accessOf(read).getMap().getResults()))
        if (index.isFunctionOfDim(lane)) {
          if (moved && *moved != dim)
            return;
          moved = dim;
        }
    if (!moved || int64_t(*moved) == rank - 1)
      return;

    SmallVector<unsigned> order; // dimension i of the new tensor is order[i] of the old
    for (unsigned dim = 0; dim < rank; ++dim)
      if (dim != *moved)
        order.push_back(dim);
    order.push_back(*moved);
    MLIRContext *context = &getContext();
    Value source = group.getInputs()[number];
    SmallVector<AffineExpr> from = extent::sizesOf(source), sizes, indices(rank);
    for (auto [position, dim] : llvm::enumerate(order)) {
      sizes.push_back(from[dim]);
      indices[dim] = getAffineDimExpr(position, context);
    }
    OpBuilder builder(group);
    auto type = extent::tensorType(sizes, getElementTypeOrSelf(source.getType()));
    auto copy = compute::buildCopyGroup(
        builder, group.getLoc(), {source, access::makeMap(context, rank, indices), {}}, type);
    copy.setLabelAttr(builder.getStringAttr("transpose"));
    copy.setLayoutsAttr(builder.getArrayAttr({builder.getDenseI64ArrayAttr({})}));
    group.getInputsMutable().slice(number, 1).assign(copy.getResult(0));
    argument.setType(type);
    for (auto read : *reads) {
      access::MapAttr access = accessOf(read);
      AffineMap map = access.getMap();
      SmallVector<AffineExpr> permuted;
      for (unsigned dim : order)
        permuted.push_back(map.getResult(dim));
      SmallVector<Attribute> accesses(read.first->getAttrOfType<ArrayAttr>("accesses").getValue());
      accesses[read.second] = access::MapAttr::get(
          context, AffineMap::get(map.getNumDims(), map.getNumSymbols(), permuted, context),
          access.getValid(), access.getBelow());
      read.first->setAttr("accesses", builder.getArrayAttr(accesses));
    }
  }
};

} // namespace
} // namespace longtail
