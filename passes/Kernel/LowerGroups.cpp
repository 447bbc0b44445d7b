#include "codegen/Leaf/Nest.h"
#include "dialects/Access/Algebra/Reads.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/CSE.h"
#include "passes/Kernel/Passes.h"
#include "passes/Schedule/RegisterTile.h"
#include "passes/Schedule/RowChain.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

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
      while (!groups.empty()) {
        compute::FusedOp group = groups.pop_back_val();
        if (!group->hasAttr(kStripeAttr)) {
          lower(group, target);
          continue;
        }
        // The chain that this group ends, now; its others are not groups any more.
        std::optional<RowChain> chain = matchRowChain(group);
        if (!chain) {
          group.emitOpError("has '") << kStripeAttr << "' but ends no chain of groups";
          return signalPassFailure();
        }
        llvm::erase_if(groups, [&](compute::FusedOp other) {
          return llvm::is_contained(chain->groups(), other);
        });
        lower(*chain, target);
      }
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
    kernel::DispatchOp dispatch =
        replaceByDispatch(group, group.getInputs(), kernel, group.getLabelAttr());
    if (builder.makesText)
      dispatch->setDiscardableAttr(kernel::kMakesTextAttr, OpBuilder(dispatch).getUnitAttr());
  }

  /// A call of `kernel`, or of one that is the same but for its name, takes the place of `group`.
  kernel::DispatchOp replaceByDispatch(compute::FusedOp group, ValueRange inputs,
                                       leaf::Kernel kernel, StringAttr label) {
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
    auto dispatch =
        kernel::DispatchOp::create(at, group.getLoc(), group.getResultTypes(), known->second,
                                   inputs, extent::sizesMap(&getContext(), kernel.parameters),
                                   extent::sizesMap(&getContext(), kernel.tiles),
                                   extent::sizesMap(&getContext(), kernel.scratchBytes), label);
    // Later kernels read the results as they lie in memory; reports name the rest.
    if (group.getLayoutsAttr())
      dispatch->setDiscardableAttr("layouts", group.getLayoutsAttr());
    dispatch->setDiscardableAttr("strategy", group.getStrategyAttr());
    dispatch->setDiscardableAttr("schedule", group.getScheduleAttr());
    group.replaceAllUsesWith(dispatch.getResults());
    group.erase();
    return dispatch;
  }

  /// The kernels of all groups one after the other in one, each for the rows of one stripe.
  void lower(RowChain chain, kernel::TargetAttr target) {
    MLIRContext *context = &getContext();
    auto scheduleOf = [](compute::FusedOp group) {
      return cast<kernel::ScheduleAttr>(group.getScheduleAttr());
    };
    compute::FusedOp last = chain.last();
    leaf::Stripe stripe{chain.batches,
                        chain.rowCount,
                        last->getAttrOfType<IntegerAttr>(kStripeAttr).getInt(),
                        1,
                        {}};
    SmallVector<Value> between;
    for (RowChain::Member &member : chain.members) {
      if (member.group.getStrategy() == compute::GroupClass::Contraction)
        stripe.block = std::max(stripe.block, scheduleOf(member.group).getRows());
      if (member.group == last)
        continue;
      between.push_back(member.group.getResult(0));
      stripe.between.push_back({between.back(), member.rows});
    }

    struct Part {
      SmallVector<Value> tensors; // of the function's buffers
      leaf::Kernel kernel;
    };
    SmallVector<Part> parts;
    llvm::SetVector<Value> tensors; // of the whole
    llvm::SetVector<AffineExpr> parameters;
    SmallVector<Location> locations;
    AffineExpr shared, bytes = getAffineConstantExpr(0, context);
    for (auto &[group, rows] : chain.members) {
      leaf::KernelBuilder builder(group, scheduleOf(group), target, "part");
      builder.joinChain(stripe, rows);
      shared = builder.getScratchBytes();
      leaf::Kernel kernel = emit(builder);
      bytes = bytes + kernel.scratchBytes - shared;
      for (Value input : group.getInputs())
        if (!llvm::is_contained(between, input))
          tensors.insert(input);
      parameters.insert(kernel.parameters.begin(), kernel.parameters.end());
      locations.push_back(group.getLoc());
      SmallVector<Value> own(group.getInputs());
      llvm::append_range(own, group.getResults());
      parts.push_back({std::move(own), std::move(kernel)});
    }
    SmallVector<Value> inputs(tensors.getArrayRef());
    tensors.insert(last.result_begin(), last.result_end());

    OpBuilder builder(context);
    SmallVector<Type> types;
    for (Value tensor : tensors)
      types.push_back(kernel::BufferType::get(context, getElementTypeOrSelf(tensor.getType())));
    types.append(parameters.size() + 1, builder.getIndexType());
    Location loc = builder.getFusedLoc(locations);
    auto function = func::FuncOp::create(loc, "kernel", builder.getFunctionType(types, {}));
    function->setAttr("kernel.buffers", builder.getI64IntegerAttr(tensors.size()));
    builder.setInsertionPointToStart(function.addEntryBlock());
    for (Part &part : parts) {
      Block &body = part.kernel.function.getBody().front();
      IRMapping mapping;
      for (auto [i, tensor] : llvm::enumerate(part.tensors))
        if (!llvm::is_contained(between, tensor))
          mapping.map(body.getArgument(i),
                      function.getArgument(llvm::find(tensors, tensor) - tensors.begin()));
      for (auto [i, parameter] : llvm::enumerate(part.kernel.parameters))
        mapping.map(body.getArgument(part.tensors.size() + i),
                    function.getArgument(tensors.size() +
                                         (llvm::find(parameters, parameter) - parameters.begin())));
      mapping.map(body.getArguments().back(), function.getArguments().back());
      for (Operation &op : body.without_terminator())
        builder.clone(op, mapping);
      part.kernel.function.erase();
    }
    func::ReturnOp::create(builder, loc);

    // What a node became may be several groups.
    llvm::SetVector<StringRef> labels;
    for (compute::FusedOp group : chain.groups())
      if (group.getLabel() && !group.getLabel()->empty())
        labels.insert(*group.getLabel());
    std::string label = llvm::join(labels, "+");
    // Its products are most of the work.
    last.setStrategy(compute::GroupClass::Contraction);
    replaceByDispatch(
        last, inputs,
        {function, llvm::to_vector(parameters), parts.back().kernel.tiles, shared + bytes},
        label.empty() ? StringAttr() : builder.getStringAttr(label));
    chain.members.pop_back(); // replaced
    for (RowChain::Member &member : llvm::reverse(chain.members))
      member.group->erase();
  }

  LogicalResult alias(access::ReadOp read) {
    auto result = cast<RankedTensorType>(read.getResult().getType());
    access::Domain domain(extent::sizesOf(result));
    if (!access::isRowMajorReshape(read, domain))
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
