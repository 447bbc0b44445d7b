// Conv and ConvInteger: contractions of windows of the input with the weights.
#include "compiler/Operators/Spatial.h"
#include "compiler/Operators/ZeroPoint.h"

using namespace mlir;

namespace longtail::operators {
namespace {

/// The windows of a convolution; the kernel's sizes are those of the weights.
FailureOr<SmallVector<Window>> convolutionWindows(InferContext &ctx, bool check) {
  SmallVector<AffineExpr> input = ctx.sizes(0), weights = ctx.sizes(1);
  return slidingWindows(ctx, input, ArrayRef(weights).drop_front(2), /*ceilMode=*/false, check);
}

LogicalResult inferConv(InferContext &ctx) {
  bool isInteger = ctx.getNode().getOpType() == "ConvInteger";
  int64_t rank = ctx.rank(0);
  if (rank < 3)
    return ctx.error() << "input 'X' has " << rank << " dimensions, expected at least 3";
  if (ctx.rank(1) != rank)
    return ctx.error() << "input 'W' has " << ctx.rank(1) << " dimensions, input 'X' has " << rank;
  if (isInteger ? failed(requireNumber(ctx, 0, "X")) || failed(requireNumber(ctx, 1, "W"))
                : failed(requireFloat(ctx, 0, "X")) || failed(requireSameType(ctx, 0, 1, "X", "W")))
    return failure();
  SmallVector<AffineExpr> input = ctx.sizes(0), weights = ctx.sizes(1);
  int64_t groups = ctx.getInt("group", 1);
  if (groups < 1)
    return ctx.error() << "attribute 'group' is " << groups << ", expected at least 1";
  if (failed(requireEqualSizes(ctx, input[1], weights[1] * groups,
                               "the channels of input 'X' and those of input 'W' times 'group'")) ||
      failed(requireEqualSizes(ctx, weights[0] % groups, ctx.constantExpr(0),
                               "the remainder of the output channels by 'group' and 0")))
    return failure();
  if (std::optional<SmallVector<int64_t>> shape = ctx.getInts("kernel_shape")) {
    if (static_cast<int64_t>(shape->size()) != rank - 2)
      return ctx.error() << "attribute 'kernel_shape' has " << shape->size()
                         << " numbers, expected " << rank - 2;
    for (auto [dim, size] : llvm::enumerate(*shape))
      if (failed(requireEqualSizes(ctx, weights[dim + 2], ctx.constantExpr(size),
                                   "dimension " + Twine(dim + 2) +
                                       " of input 'W' and attribute 'kernel_shape'")))
        return failure();
  }
  if (!isInteger && ctx.hasInput(2) &&
      (failed(requireSameType(ctx, 0, 2, "X", "B")) ||
       failed(requireVector(ctx, 2, "B", weights[0]))))
    return failure();
  if (isInteger && (failed(inferZeroPoint(ctx, 0, 2, "x_zero_point", 0)) ||
                    failed(inferZeroPoint(ctx, 1, 3, "w_zero_point", 0))))
    return failure();
  FailureOr<SmallVector<Window>> windows = convolutionWindows(ctx, /*check=*/true);
  if (failed(windows))
    return failure();
  SmallVector<AffineExpr> sizes{input[0], weights[0]};
  for (const Window &window : *windows)
    sizes.push_back(window.output);
  ctx.setResult(0, isInteger ? Type(IntegerType::get(ctx.getContext(), 32)) : ctx.elementType(0),
                sizes);
  return success();
}

LogicalResult expandConv(ExpandContext &ctx) {
  bool isInteger = ctx.getNode().getOpType() == "ConvInteger";
  FailureOr<SmallVector<Window>> windows = convolutionWindows(ctx, /*check=*/false);
  if (failed(windows))
    return failure();
  Value data = isInteger ? withoutZeroPoint(ctx, 0, 2, 0) : ctx.input(0);
  Value weights = isInteger ? withoutZeroPoint(ctx, 1, 3, 0) : ctx.input(1);
  SmallVector<AffineExpr> weightSizes = ctx.sizes(1);
  SmallVector<AffineExpr> sizes = extent::sizesOf(ctx.resultType(0));
  unsigned rank = sizes.size();
  int64_t groups = ctx.getInt("group", 1);

  // The kernel's positions, then the channels of a group. Extents of 1 are left out, so a depthwise
  // convolution folds over positions only and one of 1x1 over channels only.
  WindowAccess window = windowAccess(ctx, *windows, rank);
  SmallVector<AffineExpr> extents = window.extents;
  AffineExpr channel = ctx.expr(0);
  if (weightSizes[1] != ctx.expr(1)) {
    channel = ctx.dim(rank + extents.size());
    extents.push_back(weightSizes[1]);
  }
  AffineExpr groupSize = simplified(ctx, weightSizes[0].floorDiv(groups));
  AffineExpr group = groups == 1 ? ctx.expr(0) : ctx.dim(1).floorDiv(groupSize);
  SmallVector<AffineExpr> lhs{ctx.dim(0), group * weightSizes[1] + channel};
  lhs.append(window.indices);
  SmallVector<AffineExpr> rhs{ctx.dim(1), channel};
  rhs.append(window.kernel);
  unsigned domain = rank + extents.size();
  access::MapAttr lhsMap = ctx.access(domain, lhs, window.valid, window.below);
  access::MapAttr rhsMap = ctx.access(domain, rhs);

  Type element = ctx.resultType(0).getElementType();
  Type sumType = isa<IntegerType>(element) ? element : accumulatorType(element);
  auto biased = [&](const RegionBuilder &b, Value sum, ArrayRef<Value> bias) {
    return b.narrow(bias.empty() ? sum : b.add(sum, b.widen(bias.front())), element);
  };
  SmallVector<compute::Operand> operands;
  bool hasBias = !isInteger && ctx.hasInput(2);
  if (extents.empty()) { // one product for each output
    Type dataType = isInteger ? element : ctx.elementType(0);
    TypedAttr zero = compute::identityOf(compute::Combiner::Add, dataType);
    operands.push_back({data, lhsMap, lhsMap.isTotal() ? TypedAttr() : zero});
    operands.push_back({weights, rhsMap, {}});
  } else {
    Value sum = compute::ContractOp::create(
        ctx.getBuilder(), ctx.getLoc(), extent::tensorType(sizes, sumType), data, weights, lhsMap,
        rhsMap, extent::sizesMap(ctx.getContext(), extents));
    if (!hasBias && sumType == element) {
      ctx.setValue(0, sum);
      return success();
    }
    operands.push_back({sum, {}, {}});
  }
  unsigned before = operands.size();
  if (hasBias)
    operands.push_back({ctx.input(2), ctx.access(rank, ctx.dim(1)), {}});
  ctx.setValue(0, mapThrough(ctx, extent::tensorType(sizes, element), operands,
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               Value sum = before == 1 ? v[0] : b.mul(b.widen(v[0]), b.widen(v[1]));
                               return biased(b, sum, v.drop_front(before));
                             }));
  return success();
}

} // namespace

void registerConvolution(Registry &registry) {
  registry.add({"", "Conv", 1, inferConv, expandConv});
  registry.add({"", "ConvInteger", 10, inferConv, expandConv});
  registerConvolutionTranspose(registry);
}

} // namespace longtail::operators
