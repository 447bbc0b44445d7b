// The simple recurrent layer.
#include "compiler/Operators/Recurrent.h"

using namespace mlir;

namespace longtail::operators {
namespace {

constexpr StringRef kActivations[] = {"Tanh"};
constexpr RecurrentForm kForm{1, {3, 4, 5, -1, -1}, kActivations};

class RnnExpansion : public RecurrentExpansion {
public:
  using RecurrentExpansion::RecurrentExpansion;

protected:
  Value update(const RecurrentPoint &point, Value row, Value j,
               const RecurrentActivations &functions) override {
    return functions[0](point.b, clipped(point.b, gate(point, row, 0, j)));
  }
};

LogicalResult infer(InferContext &ctx) { return inferRecurrent(ctx, kForm); }

LogicalResult expand(ExpandContext &ctx) {
  FailureOr<RecurrentLayer> layer = recurrentLayer(ctx, kForm);
  if (failed(layer))
    return failure();
  RnnExpansion(ctx, kForm, *layer).run();
  return success();
}

} // namespace

void registerRnn(Registry &registry) { registry.add({"", "RNN", 1, infer, expand, 3}); }

} // namespace longtail::operators
