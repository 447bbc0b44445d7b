// Conv and ConvInteger: contractions of windows of the input with the weights.
#include "compiler/Operators/Convolution.h"
#include "compiler/Operators/Spatial.h"
#include "compiler/Operators/ZeroPoint.h"

using namespace mlir;

namespace longtail::operators {
/// The windows of a convolution; the kernel's sizes are those of the weights.
static FailureOr<SmallVector<Window>>
convolutionWindows(InferContext &ctx, const ConvolutionOperands &operands, bool check) {
  SmallVector<AffineExpr> input = ctx.sizes(operands.data), weights = ctx.sizes(operands.weights);
  return slidingWindows(ctx, input, ArrayRef(weights).drop_front(2), /*ceilMode=*/false, check);
}

FailureOr<SmallVector<AffineExpr>> convolutionSizes(InferContext &ctx,
                                                    const ConvolutionOperands &operands) {
  int64_t rank = ctx.rank(operands.data);
  StringRef dataName = operands.dataName, weightsName = operands.weightsName;
  if (rank < 3)
    return ctx.error() << "input '" << dataName << "' has " << rank
                       << " dimensions, expected at least 3";
  if (ctx.rank(operands.weights) != rank)
    return ctx.error() << "input '" << weightsName << "' has " << ctx.rank(operands.weights)
                       << " dimensions, input '" << dataName << "' has " << rank;
  SmallVector<AffineExpr> input = ctx.sizes(operands.data), weights = ctx.sizes(operands.weights);
  int64_t groups = ctx.getInt("group", 1);
  if (groups < 1)
    return ctx.error() << "attribute 'group' is " << groups << ", expected at least 1";
  if (failed(requireEqualSizes(ctx, input[1], weights[1] * groups,
                               "the channels of input '" + dataName + "' and those of input '" +
                                   weightsName + "' times 'group'")) ||
      failed(requireEqualSizes(ctx, weights[0] % groups, ctx.constantExpr(0),
                               "the remainder of the output channels by 'group' and 0")))
    return failure();
  if (std::optional<SmallVector<int64_t>> shape = ctx.getInts("kernel_shape")) {
    if (static_cast<int64_t>(shape->size()) != rank - 2)
      return ctx.error() << "attribute 'kernel_shape' has " << shape->size()
                         << " numbers, expected " << rank - 2;
    for (auto [dim, size] : llvm::enumerate(*shape))
      if (failed(requireEqualSizes(ctx, weights[dim + 2], ctx.constantExpr(size),
                                   "dimension " + Twine(dim + 2) + " of input '" + weightsName +
                                       "' and attribute 'kernel_shape'")))
        return failure();
  }
  FailureOr<SmallVector<Window>> windows = convolutionWindows(ctx, operands, /*check=*/true);
  if (failed(windows))
    return failure();
  SmallVector<AffineExpr> sizes{input[0], weights[0]};
  for (const Window &window : *windows)
    sizes.push_back(window.output);
  return sizes;
}

FailureOr<Value> convolution(ExpandContext &ctx, const ConvolutionOperands &operands, Value data,
                             Value weights, Type sum) {
  FailureOr<SmallVector<Window>> windows = convolutionWindows(ctx, operands, /*check=*/false);
  if (failed(windows))
    return failure();
  SmallVector<AffineExpr> weightSizes = ctx.sizes(operands.weights);
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
  RankedTensorType type = extent::tensorType(sizes, sum);
  if (!extents.empty())
    return Value(compute::ContractOp::create(ctx.getBuilder(), ctx.getLoc(), type, data, weights,
                                             lhsMap, rhsMap,
                                             extent::sizesMap(ctx.getContext(), extents)));
  // One product for each output.
  Type dataType = cast<RankedTensorType>(data.getType()).getElementType();
  TypedAttr zero = compute::identityOf(compute::Combiner::Add, access::computeType(dataType));
  compute::Operand factors[] = {{data, lhsMap, lhsMap.isTotal() ? TypedAttr() : zero},
                                {weights, rhsMap, {}}};
  return mapThrough(ctx, type, factors, [](const RegionBuilder &b, ArrayRef<Value> v) {
    return b.mul(b.widen(v[0]), b.widen(v[1]));
  });
}

FailureOr<Value> integerConvolution(ExpandContext &ctx, const ConvolutionOperands &operands) {
  FailureOr<SmallVector<Window>> windows = convolutionWindows(ctx, operands, /*check=*/false);
  if (failed(windows))
    return failure();
  if (Value sums = byteConvolution(ctx, operands, *windows))
    return sums;
  return convolution(ctx, operands, withoutZeroPoint(ctx, operands.data, operands.dataZeroPoint, 0),
                     withoutZeroPoint(ctx, operands.weights, operands.weightsZeroPoint, 0),
                     IntegerType::get(ctx.getContext(), 32));
}

namespace {

LogicalResult inferConv(InferContext &ctx) {
  bool isInteger = ctx.getNode().getOpType() == "ConvInteger";
  if (isInteger ? failed(requireNumber(ctx, 0, "X")) || failed(requireNumber(ctx, 1, "W"))
                : failed(requireFloat(ctx, 0, "X")) || failed(requireSameType(ctx, 0, 1, "X", "W")))
    return failure();
  FailureOr<SmallVector<AffineExpr>> sizes = convolutionSizes(ctx, {});
  if (failed(sizes))
    return failure();
  if (!isInteger && ctx.hasInput(2) &&
      (failed(requireSameType(ctx, 0, 2, "X", "B")) ||
       failed(requireVector(ctx, 2, "B", ctx.sizes(1)[0]))))
    return failure();
  if (isInteger && (failed(inferZeroPoint(ctx, 0, 2, "x_zero_point", 0)) ||
                    failed(inferZeroPoint(ctx, 1, 3, "w_zero_point", 0))))
    return failure();
  ctx.setResult(0, isInteger ? Type(IntegerType::get(ctx.getContext(), 32)) : ctx.elementType(0),
                *sizes);
  return success();
}

LogicalResult expandConv(ExpandContext &ctx) {
  bool isInteger = ctx.getNode().getOpType() == "ConvInteger";
  RankedTensorType type = ctx.resultType(0);
  Type element = type.getElementType();
  Type sumType = isa<IntegerType>(element) ? element : accumulatorType(element);
  FailureOr<Value> sum = isInteger ? integerConvolution(ctx, {})
                                   : convolution(ctx, {}, ctx.input(0), ctx.input(1), sumType);
  if (failed(sum))
    return failure();
  bool hasBias = !isInteger && ctx.hasInput(2);
  if (!hasBias && sumType == element) {
    ctx.setValue(0, *sum);
    return success();
  }
  SmallVector<compute::Operand> operands{{*sum, {}, {}}};
  if (hasBias)
    operands.push_back({ctx.input(2), ctx.access(type.getRank(), ctx.dim(1)), {}});
  ctx.setValue(0, mapThrough(ctx, type, operands, [&](const RegionBuilder &b, ArrayRef<Value> v) {
                 return b.narrow(v.size() > 1 ? b.add(v[0], b.widen(v[1])) : v[0], element);
               }));
  return success();
}

} // namespace

void registerConvolution(Registry &registry) {
  registry.add({"", "Conv", 1, inferConv, expandConv, 2});
  registry.add({"", "ConvInteger", 10, inferConv, expandConv, 2});
  registerConvolutionTranspose(registry);
}

} // namespace longtail::operators
