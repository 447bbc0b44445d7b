// ArgMax and ArgMin: the extreme value, then the first (or last) position that holds it.
#include "compiler/Operators/ArgReduction.h"
#include "compiler/Operators/RegionBuilder.h"
#include <limits>

using namespace mlir;
using longtail::compute::Combiner;

namespace longtail::operators {
namespace {

LogicalResult inferArg(InferContext &ctx) {
  if (failed(requireNumber(ctx, 0, "data")))
    return failure();
  FailureOr<int64_t> axis = ctx.normalizeAxis(ctx.getInt("axis", 0), ctx.rank(0));
  if (failed(axis))
    return failure();
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  std::string message = (ctx.getNode().getOpType() + " '" + ctx.getNode().getNodeName() +
                         "': axis " + Twine(*axis) + " of input 'data' is empty")
                            .str();
  if (failed(ctx.getSymbols().requireAtMost(ctx.constantExpr(1), sizes[*axis], message)))
    return ctx.error() << "axis " << *axis << " of input 'data' is empty";
  if (ctx.getInt("keepdims", 1))
    sizes[*axis] = ctx.constantExpr(1);
  else
    sizes.erase(sizes.begin() + *axis);
  ctx.setResult(0, IntegerType::get(ctx.getContext(), 64), sizes);
  return success();
}

template <bool IsMax> LogicalResult expandArg(ExpandContext &ctx) {
  FailureOr<int64_t> axis = ctx.normalizeAxis(ctx.getInt("axis", 0), ctx.rank(0));
  if (failed(axis))
    return failure();
  bool keepDims = ctx.getInt("keepdims", 1) != 0;
  bool last = ctx.version() >= 12 && ctx.getInt("select_last_index", 0) != 0;
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  Type element = ctx.elementType(0);
  bool isUnsigned = element.isUnsignedInteger();
  Combiner combiner = isUnsigned ? (IsMax ? Combiner::UMax : Combiner::UMin)
                                 : (IsMax ? Combiner::Max : Combiner::Min);
  Type work = isa<IntegerType>(element) ? element : accumulatorType(element);
  Value extreme = foldAxes(ctx, ctx.input(0), sizes, *axis, /*keepDims=*/true, combiner, work,
                           [](const RegionBuilder &b, ArrayRef<Value> v) { return b.widen(v[0]); });

  Type i64 = IntegerType::get(ctx.getContext(), 64);
  unsigned folded = keepDims ? sizes.size() : sizes.size() - 1;
  Value result = foldAxes(
      ctx, {ctx.input(0), extreme}, sizes, *axis, keepDims, last ? Combiner::Max : Combiner::Min,
      i64, [&](const RegionBuilder &b, ArrayRef<Value> v) {
        return b.select(b.equalOrNan(b.widen(v[0]), v[1]), b.fromIndex(b.position(folded), i64),
                        b.identity(last ? Combiner::Max : Combiner::Min, i64));
      });
  ctx.setValue(0, result);
  return success();
}

} // namespace

void registerArgReduction(Registry &registry) {
  registry.add({"", "ArgMax", 1, inferArg, expandArg<true>});
  registry.add({"", "ArgMin", 1, inferArg, expandArg<false>});
}

} // namespace longtail::operators
