#include "dialects/Access/Algebra/Reads.h"
#include "dialects/Graph/IR/Graph.h"
#include "passes/Constants/Passes.h"

using namespace mlir;

namespace longtail {
#define GEN_PASS_DEF_PREPARERESULTSPASS
#include "passes/Constants/Passes.h.inc"

namespace {

struct PrepareResults final : impl::PrepareResultsPassBase<PrepareResults> {
  using PrepareResultsPassBase::PrepareResultsPassBase;

  void runOnOperation() override {
    Operation *terminator = getOperation().front().getTerminator();
    llvm::SmallPtrSet<Value, 8> taken;
    for (OpOperand &use : terminator->getOpOperands()) {
      Value source = memoryOf(use.get());
      if (!source || !taken.insert(source).second)
        use.set(copy(terminator, use));
    }
  }

private:
  /// The group's result whose memory can be the result's, or null.
  static Value memoryOf(Value value) {
    while (auto read = value.getDefiningOp<access::ReadOp>()) {
      access::Domain domain(extent::sizesOf(read.getResult()));
      if (!access::isRowMajorReshape(read, domain))
        return {};
      value = read.getSource();
    }
    if (value.getDefiningOp<compute::FusedOp>())
      return value;
    // A branch or loop writes to the caller's memory, unless it hands over its own.
    bool isCall = isa_and_nonnull<compute::BranchOp, compute::RepeatOp>(value.getDefiningOp());
    return isCall && !compute::isHandedOver(cast<OpResult>(value)) ? value : Value();
  }

  Value copy(Operation *terminator, OpOperand &use) {
    OpBuilder builder(terminator);
    compute::Operand operand{use.get(), {}, {}};
    // What is read through a view is read from behind it.
    if (auto read = use.get().getDefiningOp<access::ReadOp>())
      operand = {read.getSource(), read.getMap(), read.getFillAttr()};
    auto type = cast<RankedTensorType>(use.get().getType());
    auto group = compute::buildCopyGroup(builder, use.get().getLoc(), operand, type);
    // The label keeps copies of one value apart.
    unsigned number = use.getOperandNumber();
    auto name = getOperation().getResultAttrOfType<StringAttr>(number, graph::kNameAttr);
    std::string which = name ? name.str() : std::to_string(number);
    group.setLabelAttr(builder.getStringAttr("copy to output " + which));
    return group.getResult(0);
  }
};

} // namespace
} // namespace longtail
