#include "codegen/Leaf/Nest.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "passes/Kernel/Passes.h"
#include "passes/Schedule/RegisterTile.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_LOWERGROUPSPASS
#include "passes/Kernel/Passes.h.inc"

namespace {

struct LowerGroups final : impl::LowerGroupsPassBase<LowerGroups> {
  using LowerGroupsPassBase::LowerGroupsPassBase;

  void runOnOperation() override {
    kernel::TargetAttr target = targetOf(getOperation());
    SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp function : functions) {
      // Backwards: a kernel asks the groups before it for the layouts of their results.
      SmallVector<compute::FusedOp> groups(function.getOps<compute::FusedOp>());
      while (!groups.empty())
        lower(groups.pop_back_val(), target);
      for (auto read : llvm::to_vector(function.getOps<access::ReadOp>()))
        if (failed(alias(read)))
          signalPassFailure();
    }
  }

private:
  static leaf::Kernel emit(leaf::KernelBuilder &builder) {
    compute::FusedOp group = builder.group;
    bool reduces = !group.getBody().front().getOps<compute::ReduceOp>().empty();
    switch (group.getStrategy().value_or(compute::GroupClass::Pointwise)) {
    case compute::GroupClass::Contraction:
      return leaf::emitContraction(builder);
    case compute::GroupClass::Rows:
      return leaf::emitRows(builder);
    case compute::GroupClass::Window:
      return leaf::emitWindow(builder);
    case compute::GroupClass::Grid:
      return leaf::emitGrid(builder);
    case compute::GroupClass::Pointwise:
      return reduces ? leaf::emitWindow(builder) : leaf::emitPointwise(builder);
    }
    llvm_unreachable("all classes are handled");
  }

  void lower(compute::FusedOp group, kernel::TargetAttr target) {
    leaf::KernelBuilder builder(group, cast<kernel::ScheduleAttr>(group.getScheduleAttr()), target,
                                "kernel");
    leaf::Kernel kernel = emit(builder);
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance;
    eliminateCommonSubExpressions(rewriter, dominance, kernel.function);
    std::string text;
    llvm::raw_string_ostream stream(text);
    kernel.function->print(stream, OpPrintingFlags().useLocalScope());
    auto [known, isNew] = names.try_emplace(text, ("k" + Twine(names.size())).str());
    if (isNew) {
      kernel.function.setSymName(known->second);
      getOperation().push_back(kernel.function);
    } else {
      kernel.function.erase();
    }
    OpBuilder at(group);
    auto dispatch = kernel::DispatchOp::create(
        at, group.getLoc(), group.getResultTypes(), known->second, group.getInputs(),
        extent::sizesMap(&getContext(), kernel.parameters),
        extent::sizesMap(&getContext(), kernel.tiles),
        extent::sizesMap(&getContext(), kernel.scratchBytes), group.getLabelAttr());
    // Later kernels read the results as they lie in memory; reports name the rest.
    if (group.getLayoutsAttr())
      dispatch->setDiscardableAttr("layouts", group.getLayoutsAttr());
    dispatch->setDiscardableAttr("strategy", group.getStrategyAttr());
    dispatch->setDiscardableAttr("schedule", group.getScheduleAttr());
    if (builder.makesText)
      dispatch->setDiscardableAttr(kernel::kMakesTextAttr, at.getUnitAttr());
    group.replaceAllUsesWith(dispatch.getResults());
    group.erase();
  }

  LogicalResult alias(access::ReadOp read) {
    auto result = cast<RankedTensorType>(read.getResult().getType());
    access::Domain domain(extent::sizesOf(result));
    if (!read.getMap().isTotal() ||
        !access::isRowMajorReshape(read.getMap(), extent::sizesOf(read.getSource()), domain))
      return read.emitOpError("is left over and is no reshape of row-major memory");
    OpBuilder at(read);
    Value renamed = kernel::AliasOp::create(at, read.getLoc(), result, read.getSource());
    read.replaceAllUsesWith(renamed);
    read.erase();
    return success();
  }

  llvm::StringMap<std::string> names; // by the kernel's text
};

} // namespace
} // namespace longtail
