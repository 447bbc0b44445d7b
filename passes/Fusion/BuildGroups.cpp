// Groups as operations.
#include "mlir/IR/IRMapping.h"
#include "passes/Fusion/GroupTable.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace longtail {

static constexpr size_t kMaxLabel = 120;

/// The names that locations give to the model's nodes, each once.
static std::string labelOf(ArrayRef<Operation *> ops) {
  llvm::SetVector<StringRef> names;
  std::function<void(Location)> collect = [&](Location loc) {
    if (auto name = dyn_cast<NameLoc>(loc))
      names.insert(name.getName().getValue());
    else if (auto fused = dyn_cast<FusedLoc>(loc))
      llvm::for_each(fused.getLocations(), collect);
    else if (auto call = dyn_cast<CallSiteLoc>(loc))
      collect(call.getCallee());
  };
  for (Operation *op : ops)
    collect(op->getLoc());
  std::string label = llvm::join(names, "+");
  if (label.size() <= kMaxLabel)
    return label;
  label.resize(kMaxLabel - 3);
  // Not in the middle of a character of several bytes.
  while (!label.empty() && (label.back() & 0xC0) == 0x80)
    label.pop_back();
  if (!label.empty() && (label.back() & 0x80))
    label.pop_back();
  return label + "...";
}

/// Moves `ops` into a `compute.fused` at the builder's place.
static LogicalResult buildGroup(OpBuilder &builder, compute::GroupClass kind,
                                ArrayRef<Operation *> ops) {
  llvm::SmallPtrSet<Operation *, 8> members(ops.begin(), ops.end());
  llvm::SetVector<Value> inputs, scalars;
  SmallVector<Value> outputs;
  SmallVector<Location> locations;
  for (Operation *op : ops) {
    locations.push_back(op->getLoc());
    for (Value value : valuesReadBy(op)) {
      if (members.contains(value.getDefiningOp()))
        continue;
      if (isa<RankedTensorType>(value.getType()))
        inputs.insert(value);
      else
        scalars.insert(value);
    }
    // A grid writes all its results, whoever needs them.
    bool grid = isa<compute::GridOp>(op) && !op->use_empty();
    for (Value result : op->getResults())
      if (grid || llvm::any_of(result.getUsers(), [&](Operation *user) {
            while (user->getBlock() != op->getBlock())
              user = user->getParentOp();
            return !members.contains(user);
          }))
        outputs.push_back(result);
  }
  if (outputs.empty()) { // nobody needs it
    for (Operation *op : llvm::reverse(ops))
      op->erase();
    return success();
  }

  OperationState state(builder.getFusedLoc(locations), compute::FusedOp::getOperationName());
  state.addOperands(inputs.getArrayRef());
  for (Value output : outputs)
    state.addTypes(output.getType());
  state.addAttribute("strategy", compute::GroupClassAttr::get(builder.getContext(), kind));
  if (std::string label = labelOf(ops); !label.empty())
    state.addAttribute("label", builder.getStringAttr(label));
  Region *region = state.addRegion();
  Block *body = new Block;
  region->push_back(body);
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body->addArgument(input.getType(), state.location));
  OpBuilder inside(builder.getContext());
  inside.setInsertionPointToEnd(body);
  for (Value scalar : scalars) {
    Operation *constant = scalar.getDefiningOp();
    if (!constant ||
        (!constant->hasTrait<OpTrait::ConstantLike>() && !isa<extent::SizeOp>(constant)))
      return ops.front()->emitOpError()
             << "reads a " << scalar.getType() << " that is computed outside its region";
  }
  SmallVector<Value> yielded;
  for (Operation *op : ops) {
    Operation *copy = inside.clone(*op, mapping);
    // A group is isolated: constants that the region captured go in with it.
    for (Value scalar : scalars)
      for (Region &region : copy->getRegions()) {
        OpBuilder atStart = OpBuilder::atBlockBegin(&region.front());
        Operation *constant = nullptr;
        for (OpOperand &use : llvm::make_early_inc_range(scalar.getUses())) {
          if (!region.isAncestor(use.getOwner()->getParentRegion()))
            continue;
          if (!constant)
            constant = atStart.clone(*scalar.getDefiningOp());
          use.set(constant->getResult(0));
        }
      }
  }
  for (Value output : outputs)
    yielded.push_back(mapping.lookup(output));
  OperationState yield(state.location, compute::YieldOp::getOperationName());
  yield.addOperands(yielded);
  inside.create(yield);

  Operation *fused = builder.create(state);
  for (auto [output, result] : llvm::zip(outputs, fused->getResults()))
    output.replaceAllUsesWith(result);
  for (Operation *op : llvm::reverse(ops))
    op->erase();
  return success();
}

LogicalResult buildGroups(Block &block, GroupTable &table) {
  // Everything moves to the end in sorted order.
  for (SmallVector<Operation *> &unit : table.getGraph().sortedUnits()) {
    Group *group = table.groupOf(unit.front());
    if (!group) {
      unit.front()->moveBefore(&block, block.end());
      continue;
    }
    OpBuilder builder = OpBuilder::atBlockEnd(&block);
    if (failed(buildGroup(builder, group->kind, unit)))
      return failure();
  }
  return success();
}

} // namespace longtail
