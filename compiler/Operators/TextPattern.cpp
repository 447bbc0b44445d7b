// RegexFullMatch: the pattern is an automaton before the model runs.
#include "compiler/Operators/RegularExpression.h"
#include "compiler/Operators/Text.h"

using namespace mlir;

namespace longtail::operators {
namespace {

FailureOr<std::string> patternOf(InferContext &ctx) {
  auto pattern = dyn_cast_or_null<StringAttr>(ctx.attribute("pattern"));
  if (!pattern)
    return ctx.error() << "attribute 'pattern' is missing", failure();
  llvm::Expected<std::string> automaton = automatonOf(pattern.getValue());
  if (!automaton)
    return ctx.error() << "attribute 'pattern', '" << pattern.getValue()
                       << "': " << llvm::toString(automaton.takeError()),
           failure();
  return std::move(*automaton);
}

LogicalResult infer(InferContext &ctx) {
  if (failed(requireText(ctx, 0, "X")) || failed(patternOf(ctx)))
    return failure();
  ctx.setResult(0, IntegerType::get(ctx.getContext(), 1), ctx.sizes(0));
  return success();
}

LogicalResult expand(ExpandContext &ctx) {
  FailureOr<std::string> automaton = patternOf(ctx);
  if (failed(automaton))
    return failure();
  Value table = textConstant(ctx, *automaton);
  ctx.setValue(
      0,
      mapText(ctx, ctx.resultType(0), ctx.input(0), [&](const TextBuilder &b, ArrayRef<Value> x) {
        return b.isTrue(b.text(compute::TextFunction::Match, {x[0], b.only(table)}));
      }));
  return success();
}

} // namespace

void registerTextPattern(Registry &registry) {
  registry.add({"", "RegexFullMatch", 20, infer, expand, 1, /*takesText=*/true});
}

} // namespace longtail::operators
