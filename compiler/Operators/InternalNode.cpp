#include "compiler/Operators/InternalNode.h"
#include "compiler/Operators/Shape.h"

using namespace mlir;

namespace longtail::operators {

FailureOr<SmallVector<Value>> addInternalNode(InferContext &ctx, StringRef op, unsigned at,
                                              ArrayRef<RankedTensorType> types) {
  graph::NodeOp node = ctx.getNode();
  if (ctx.numInputs() > at) {
    auto added = node.getInputs()[at].getDefiningOp<graph::NodeOp>();
    if (!added || !added->hasAttr(kInternalAttr))
      return ctx.error() << "there are " << ctx.numInputs() << " inputs, expected at most " << at;
    return SmallVector<Value>(added->getResults());
  }
  OpBuilder builder(node);
  SmallVector<Value> inputs(node.getInputs());
  while (inputs.size() < at)
    inputs.push_back(graph::NoneOp::create(builder, ctx.getLoc()));
  SmallVector<Type> results(types.begin(), types.end());
  auto added = graph::NodeOp::create(
      builder, ctx.getLoc(), results, builder.getStringAttr(op),
      builder.getStringAttr(kInternalDomain), builder.getI64IntegerAttr(1), node.getNodeNameAttr(),
      inputs, builder.getStrArrayAttr(SmallVector<StringRef>(types.size(), op)),
      node.getNodeAttributesAttr(), /*declared_types=*/ArrayAttr(), builder.getArrayAttr({}),
      builder.getArrayAttr({}), /*arg_declared_types=*/ArrayAttr(), /*bodiesCount=*/0);
  added->setAttr(kInternalAttr, builder.getUnitAttr());
  llvm::append_range(inputs, added->getResults());
  node.getInputsMutable().assign(inputs);
  return SmallVector<Value>(added->getResults());
}

LogicalResult requireInternal(InferContext &ctx) {
  if (ctx.getNode()->hasAttr(kInternalAttr))
    return success();
  return ctx.error() << "the operator is not supported";
}

AffineExpr bindSize(InferContext &ctx, Value counts, AffineExpr most) {
  OpBuilder builder(ctx.getNode());
  std::optional<int64_t> high = ctx.getSymbols().range(most).high;
  return ctx.getSymbols().bind(builder, ctx.getLoc(), counts, 0, 0,
                               std::min(high.value_or(kMaxSize), kMaxSize));
}

} // namespace longtail::operators
