#include "dialects/Access/Algebra/Reads.h"
#include "passes/Fusion/GroupTable.h"
#include "passes/Fusion/Passes.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_FORMGROUPSPASS
#include "passes/Fusion/Passes.h.inc"

namespace {

struct FormGroups final : impl::FormGroupsPassBase<FormGroups> {
  using FormGroupsPassBase::FormGroupsPassBase;

  void runOnOperation() override {
    extent::SymbolTable symbols(getOperation());
    SmallVector<access::ReadOp> reads;
    getOperation().walk([&](access::ReadOp read) { reads.push_back(read); });
    for (access::ReadOp read : reads)
      materialize(read, symbols);
    if (fuse)
      flattenReads(getOperation(), symbols);
    normalizeContractions(getOperation(), /*keepProducts=*/fuse);
    SmallVector<Block *> blocks;
    getOperation().walk([&](Block *block) {
      if (llvm::any_of(*block, isCompute))
        blocks.push_back(block);
    });
    for (Block *block : blocks) {
      GroupTable table(*block, symbols);
      group(*block, table);
      if (failed(buildGroups(*block, table)))
        return signalPassFailure();
    }
  }

private:
  static bool isCompute(Operation &op) {
    return isa<compute::MapOp, compute::ReduceOp, compute::ContractOp, compute::GridOp>(op);
  }

  /// A read that is left over moves elements, unless it only renames the dimensions of memory.
  static void materialize(access::ReadOp read, const extent::SymbolTable &symbols) {
    access::Domain domain(extent::sizesOf(read.getResult()), symbols);
    if (access::isRowMajorReshape(read, domain))
      return;
    OpBuilder builder(read);
    auto copy = compute::buildMap(
        builder, read.getLoc(), read.getType(),
        compute::Operand{read.getSource(), read.getMap(), read.getFillAttr()},
        [](OpBuilder &, ValueRange values) { return SmallVector<Value>{values[0]}; });
    read.getResult().replaceAllUsesWith(copy.getResult(0));
    read.erase();
  }

  void group(Block &block, GroupTable &table) {
    SmallVector<Operation *> contracts, reduces, maps;
    for (Operation &op : block)
      if (isa<compute::ContractOp>(op))
        contracts.push_back(&op);
      else if (isa<compute::ReduceOp>(op))
        reduces.push_back(&op);
      else if (isa<compute::MapOp>(op))
        maps.push_back(&op);
    // Of two contractions whose results meet in a map, the later takes it: the other is done then.
    for (Operation *contract : llvm::reverse(contracts)) {
      Group &group = table.create(compute::GroupClass::Contraction, contract);
      if (fuse)
        growAtSamePoint(group, table);
    }
    for (Operation *reduce : reduces) {
      if (table.isGrouped(reduce))
        continue;
      Group &group = table.create(classOf(cast<compute::ReduceOp>(reduce)), reduce);
      if (!fuse)
        continue;
      if (group.kind == compute::GroupClass::Rows)
        growRows(group, table);
      else
        growAtSamePoint(group, table);
    }
    for (auto grid : block.getOps<compute::GridOp>())
      table.create(compute::GroupClass::Grid, grid);
    // Maps join their readers, last first, so that whole chains end in one group.
    for (Operation *map : llvm::reverse(maps))
      if (!table.isGrouped(map) && !(fuse && joinReaders(cast<compute::MapOp>(map), table)))
        table.create(compute::GroupClass::Pointwise, map);
  }
};

} // namespace
} // namespace longtail
