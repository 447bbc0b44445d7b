// LSTM. Gates are in the order input, output, forget, cell.
#include "compiler/Operators/Lstm.h"

using namespace mlir;

namespace longtail::operators {

static constexpr RecurrentForm kForm{4, {3, 4, 5, 6, 7}, kLstmActivations};

/// The peephole weight of element `j` times `cell`, or null without peepholes.
Value LstmExpansion::peephole(const RecurrentPoint &point, int64_t number, Value j,
                              Value cell) const {
  if (!ctx.hasInput(form.inputs.peepholes))
    return Value();
  const GridBuilder &b = point.b;
  Value column = b.add(b.size(layer.hidden * number), j);
  return b.mul(load(b, ctx.input(form.inputs.peepholes), {point.direction, column}), cell);
}

Value LstmExpansion::update(const RecurrentPoint &point, Value row, Value j,
                            const RecurrentActivations &functions) {
  const GridBuilder &b = point.b;
  enum { kInput, kOutput, kForget, kCell };
  auto activated = [&](int64_t number, const RecurrentActivation &function, Value cell) {
    Value sum = gate(point, row, number, j);
    if (Value more = cell ? peephole(point, number, j, cell) : Value())
      sum = b.add(sum, more);
    return function(b, clipped(b, sum));
  };
  Value before = b.fetch(point.cell, {row, j});
  Value input = activated(kInput, functions[0], before);
  Value forget = ctx.getInt("input_forget", 0) != 0 ? b.sub(b.number(work, 1), input)
                                                    : activated(kForget, functions[0], before);
  Value candidate = activated(kCell, functions[1], Value());
  Value cell = b.add(b.mul(forget, before), b.mul(input, candidate));
  b.store(cell, point.cell, {row, j});
  Value output = activated(kOutput, functions[0], cell);
  // As ONNX Runtime reads the specification, 'clip' is for sums of products: the cell is not one.
  return b.mul(output, functions[2](b, cell));
}

static LogicalResult infer(InferContext &ctx) { return inferRecurrent(ctx, kForm); }

static LogicalResult expand(ExpandContext &ctx) {
  FailureOr<RecurrentLayer> layer = recurrentLayer(ctx, kForm);
  if (failed(layer))
    return failure();
  LstmExpansion(ctx, kForm, *layer).run();
  return success();
}

void registerLstm(Registry &registry) { registry.add({"", "LSTM", 1, infer, expand, 3}); }

} // namespace longtail::operators
