// GRU. Gates are in the order update, reset, hidden.
#include "compiler/Operators/Recurrent.h"

using namespace mlir;

namespace longtail::operators {
namespace {

constexpr StringRef kActivations[] = {"Sigmoid", "Tanh"};
constexpr RecurrentForm kForm{3, {3, 4, 5, -1, -1}, kActivations};

class GruExpansion : public RecurrentExpansion {
public:
  GruExpansion(ExpandContext &ctx, const RecurrentForm &form, const RecurrentLayer &layer)
      : RecurrentExpansion(ctx, form, layer),
        isLinearFirst(ctx.getInt("linear_before_reset", 0) != 0) {}

protected:
  /// With `isLinearFirst` the hidden gate's bias of R is added inside of what is reset.
  Value addBiases(const RegionBuilder &b, Value input, Value recurrent) const override {
    Value sum = b.add(input, recurrent);
    if (!isLinearFirst)
      return sum;
    Value isHidden = b.compare(arith::CmpIPredicate::sge, b.position(1), b.size(layer.hidden * 2));
    return b.select(isHidden, input, sum);
  }

  void allocate(const GridBuilder &b) override {
    inner = b.local(work, {ctx.expr(rows), layer.hidden});
  }

  void combine(const RecurrentPoint &point) override {
    const GridBuilder &b = point.b;
    AffineExpr zero = ctx.expr(0), two = layer.hidden * 2;
    multiply(point, point.gates, zero, point.hidden, zero, two);
    forRows(point, [&](Value row) {
      if (isLinearFirst)
        return b.loop(b.index(0), b.size(layer.hidden), [&](Value j) {
          // The sixth of the biases.
          Value column = b.add(b.size(layer.hidden * 5), j);
          Value bias = ctx.hasInput(form.inputs.bias)
                           ? load(b, ctx.input(form.inputs.bias), {point.direction, column})
                           : b.number(work, 0);
          b.store(bias, inner, {row, j});
        });
      forElements(point, [&](Value j, const RecurrentActivations &functions) {
        b.store(b.mul(reset(point, row, j, functions), b.fetch(point.hidden, {row, j})), inner,
                {row, j});
      });
    });
    if (isLinearFirst)
      multiply(point, inner, zero, point.hidden, two, layer.hidden);
    else
      multiply(point, point.gates, two, inner, two, layer.hidden);
  }

  Value update(const RecurrentPoint &point, Value row, Value j,
               const RecurrentActivations &functions) override {
    const GridBuilder &b = point.b;
    Value keep = functions[0](b, clipped(b, gate(point, row, 0, j)));
    Value sum = gate(point, row, 2, j);
    if (isLinearFirst)
      sum = b.add(sum, b.mul(reset(point, row, j, functions), b.fetch(inner, {row, j})));
    Value fresh = functions[1](b, clipped(b, sum));
    Value before = b.fetch(point.hidden, {row, j});
    return b.add(b.mul(b.sub(b.number(work, 1), keep), fresh), b.mul(keep, before));
  }

private:
  Value reset(const RecurrentPoint &point, Value row, Value j,
              const RecurrentActivations &functions) const {
    return functions[0](point.b, clipped(point.b, gate(point, row, 1, j)));
  }

  bool isLinearFirst;
  /// [rows, hidden]: the state after the reset, or (`isLinearFirst`) its product with R before.
  Value inner;
};

LogicalResult infer(InferContext &ctx) { return inferRecurrent(ctx, kForm); }

LogicalResult expand(ExpandContext &ctx) {
  FailureOr<RecurrentLayer> layer = recurrentLayer(ctx, kForm);
  if (failed(layer))
    return failure();
  GruExpansion(ctx, kForm, *layer).run();
  return success();
}

} // namespace

void registerGru(Registry &registry) { registry.add({"", "GRU", 1, infer, expand, 3}); }

} // namespace longtail::operators
