// Sizes, attributes and operands of recurrent layers.
#include "compiler/Operators/Recurrent.h"

using namespace mlir;

namespace longtail::operators {

FailureOr<RecurrentLayer> recurrentLayer(InferContext &ctx, const RecurrentForm &form) {
  constexpr StringLiteral names[] = {"X", "W", "R"};
  for (auto [input, name] : llvm::enumerate(names))
    if (ctx.rank(input) != 3)
      return ctx.error() << "input '" << name << "' has " << ctx.rank(input)
                         << " dimensions, expected 3";
  RecurrentLayer layer;
  int64_t layout = ctx.getInt("layout", 0);
  if (layout != 0 && layout != 1)
    return ctx.error() << "attribute 'layout' is " << layout << ", expected 0 or 1";
  layer.isBatchFirst = layout == 1;
  StringRef direction = ctx.getString("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    return ctx.error() << "attribute 'direction' is '" << direction
                       << "', expected 'forward', 'reverse' or 'bidirectional'";
  layer.directions = direction == "bidirectional" ? 2 : 1;
  layer.isReverse = direction == "reverse";
  layer.gates = form.gates;
  SmallVector<AffineExpr> data = ctx.sizes(0);
  layer.steps = data[layer.isBatchFirst], layer.batch = data[!layer.isBatchFirst];
  layer.width = data[2];
  layer.hidden = ctx.sizes(2)[form.isQuantized ? 1 : 2];
  if (ctx.attribute("clip")) {
    layer.clip = ctx.getFloat("clip", 0);
    if (!(*layer.clip > 0))
      return ctx.error() << "attribute 'clip' is " << *layer.clip << ", expected more than 0";
  }
  FailureOr<SmallVector<RecurrentActivations>> functions =
      recurrentActivations(ctx, layer.directions, form.activations);
  if (failed(functions))
    return failure();
  layer.activations = std::move(*functions);
  return layer;
}

/// Requires operand `input` to have `sizes`.
static LogicalResult requireSizes(InferContext &ctx, unsigned input, StringRef name,
                                  ArrayRef<AffineExpr> sizes) {
  SmallVector<AffineExpr> own = ctx.sizes(input);
  if (own.size() != sizes.size())
    return ctx.error() << "input '" << name << "' has " << own.size() << " dimensions, expected "
                       << sizes.size();
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (failed(requireEqualSizes(ctx, own[dim], size,
                                 "dimension " + Twine(dim) + " of input '" + name +
                                     "' and the size that the other inputs give it")))
      return failure();
  return success();
}

static LogicalResult checkOperands(InferContext &ctx, const RecurrentForm &form,
                                   const RecurrentLayer &layer) {
  AffineExpr directions = ctx.constantExpr(layer.directions), columns = layer.columns();
  SmallVector<AffineExpr> input{directions, columns, layer.width};
  SmallVector<AffineExpr> recurrent{directions, columns, layer.hidden};
  if (form.isQuantized)
    std::swap(input[1], input[2]), std::swap(recurrent[1], recurrent[2]);
  if (failed(requireSizes(ctx, 1, "W", input)) || failed(requireSizes(ctx, 2, "R", recurrent)))
    return failure();
  if (ctx.attribute("hidden_size") &&
      failed(requireEqualSizes(ctx, layer.hidden, ctx.constantExpr(ctx.getInt("hidden_size", 0)),
                               "attribute 'hidden_size' and the size of input 'R'")))
    return failure();
  auto check = [&](int number, StringRef name, ArrayRef<AffineExpr> sizes) -> LogicalResult {
    if (number < 0 || !ctx.hasInput(number))
      return success();
    if (failed(requireSameType(ctx, 0, number, "X", name)))
      return failure();
    return requireSizes(ctx, number, name, sizes);
  };
  SmallVector<AffineExpr> state{directions, layer.batch, layer.hidden};
  if (layer.isBatchFirst)
    std::swap(state[0], state[1]);
  const RecurrentInputs &inputs = form.inputs;
  if (failed(check(inputs.bias, "B", {directions, columns * 2})) ||
      failed(check(inputs.hidden, "initial_h", state)) ||
      failed(check(inputs.cell, "initial_c", state)) ||
      failed(check(inputs.peepholes, "P", {directions, layer.hidden * 3})))
    return failure();
  if (!ctx.hasInput(inputs.lengths))
    return success();
  if (!ctx.elementType(inputs.lengths).isInteger(32))
    return ctx.error() << "input 'sequence_lens' has elements of type "
                       << ctx.elementType(inputs.lengths) << ", expected i32";
  return requireSizes(ctx, inputs.lengths, "sequence_lens", {layer.batch});
}

LogicalResult inferRecurrent(InferContext &ctx, const RecurrentForm &form) {
  if (failed(requireFloat(ctx, 0, "X")))
    return failure();
  if (!form.isQuantized && (failed(requireSameType(ctx, 0, 1, "X", "W")) ||
                            failed(requireSameType(ctx, 0, 2, "X", "R"))))
    return failure();
  FailureOr<RecurrentLayer> layer = recurrentLayer(ctx, form);
  if (failed(layer) || failed(checkOperands(ctx, form, *layer)))
    return failure();
  AffineExpr directions = ctx.constantExpr(layer->directions);
  SmallVector<AffineExpr> all{layer->steps, directions, layer->batch, layer->hidden};
  SmallVector<AffineExpr> state{directions, layer->batch, layer->hidden};
  if (layer->isBatchFirst) {
    all = {layer->batch, layer->steps, directions, layer->hidden};
    std::swap(state[0], state[1]);
  }
  unsigned states = form.inputs.cell < 0 ? 1 : 2;
  if (ctx.numOutputs() > states + 1)
    return ctx.error() << "it has " << ctx.numOutputs() << " outputs, expected at most "
                       << states + 1;
  for (unsigned output = 0; output < ctx.numOutputs(); ++output)
    ctx.setResult(output, ctx.elementType(0), output == 0 ? all : state);
  return success();
}

} // namespace longtail::operators
