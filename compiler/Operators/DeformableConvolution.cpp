// DeformConv: a contraction of the weights with values of the input between its elements, where an
// offset moves each position of the kernel.
#include "compiler/Operators/Sampling.h"
#include "compiler/Operators/Spatial.h"

using namespace mlir;

namespace longtail::operators {
namespace {

enum Input { kData, kWeights, kOffset, kBias, kMask };
constexpr StringLiteral kNames[] = {"X", "W", "offset", "B", "mask"};

struct Plan {
  SmallVector<Window> windows;
  int64_t groups = 1, offsetGroups = 1;
  AffineExpr positions; // of the kernel
};

FailureOr<Plan> planOf(InferContext &ctx, bool check) {
  Plan plan;
  SmallVector<AffineExpr> kernel(ArrayRef(ctx.sizes(kWeights)).drop_front(2));
  FailureOr<SmallVector<Window>> windows =
      slidingWindows(ctx, ctx.sizes(kData), kernel, /*ceilMode=*/false, check);
  if (failed(windows))
    return failure();
  plan.windows = std::move(*windows);
  for (auto [name, value] :
       {std::pair("group", &plan.groups), {"offset_group", &plan.offsetGroups}}) {
    *value = ctx.getInt(name, 1);
    if (*value < 1)
      return ctx.error() << "attribute '" << name << "' is " << *value << ", expected at least 1";
  }
  plan.positions = ctx.constantExpr(1);
  for (AffineExpr size : kernel)
    plan.positions = simplified(ctx, plan.positions * size);
  return plan;
}

LogicalResult infer(InferContext &ctx) {
  int64_t rank = ctx.rank(kData), spatial = rank - 2;
  if (rank < 3)
    return ctx.error() << "input 'X' has " << rank << " dimensions, expected at least 3";
  if (failed(requireFloat(ctx, kData, kNames[kData])) ||
      failed(requireElements(ctx, kData, kNames[kData], 2)))
    return failure();
  for (unsigned input : {kWeights, kOffset, kBias, kMask}) {
    if (!ctx.hasInput(input))
      continue;
    if (failed(requireSameType(ctx, kData, input, kNames[kData], kNames[input])))
      return failure();
    if (input != kBias && ctx.rank(input) != rank)
      return ctx.error() << "input '" << kNames[input] << "' has " << ctx.rank(input)
                         << " dimensions, input 'X' has " << rank;
  }
  FailureOr<Plan> plan = planOf(ctx, /*check=*/true);
  if (failed(plan))
    return failure();
  SmallVector<AffineExpr> data = ctx.sizes(kData), weights = ctx.sizes(kWeights);
  AffineExpr zero = ctx.constantExpr(0);
  if (failed(requireEqualSizes(ctx, data[1], weights[1] * plan->groups,
                               "the channels of input 'X' and those of input 'W' times 'group'")) ||
      failed(requireEqualSizes(ctx, weights[0] % plan->groups, zero,
                               "the remainder of the output channels by 'group' and 0")) ||
      failed(requireEqualSizes(ctx, data[1] % plan->offsetGroups, zero,
                               "the remainder of the input channels by 'offset_group' and 0")))
    return failure();
  if (std::optional<SmallVector<int64_t>> shape = ctx.getInts("kernel_shape")) {
    if (static_cast<int64_t>(shape->size()) != spatial)
      return ctx.error() << "attribute 'kernel_shape' has " << shape->size()
                         << " numbers, expected " << spatial;
    for (auto [dim, size] : llvm::enumerate(*shape))
      if (failed(requireEqualSizes(ctx, weights[dim + 2], ctx.constantExpr(size),
                                   "dimension " + Twine(dim + 2) +
                                       " of input 'W' and attribute 'kernel_shape'")))
        return failure();
  }
  SmallVector<AffineExpr> sizes{data[0], weights[0]};
  for (const Window &window : plan->windows)
    sizes.push_back(window.output);
  AffineExpr perPosition = plan->positions * plan->offsetGroups;
  for (auto [input, channels] :
       {std::pair<unsigned, AffineExpr>(kOffset, perPosition * spatial), {kMask, perPosition}}) {
    if (!ctx.hasInput(input))
      continue;
    for (auto [dim, size] : llvm::enumerate(ctx.sizes(input))) {
      AffineExpr wanted = dim == 1 ? simplified(ctx, channels) : sizes[dim];
      if (failed(requireEqualSizes(ctx, size, wanted,
                                   "dimension " + Twine(dim) + " of input '" + kNames[input] +
                                       "' and the size that the other inputs give it")))
        return failure();
    }
  }
  if (ctx.hasInput(kBias) && failed(requireVector(ctx, kBias, kNames[kBias], weights[0])))
    return failure();
  ctx.setResult(0, ctx.elementType(kData), sizes);
  return success();
}

/// The input at every moved position of the kernel: [batch, channels, kernel..., output...].
Value sampled(ExpandContext &ctx, const Plan &plan, Type work) {
  SmallVector<AffineExpr> data = ctx.sizes(kData), sizes{data[0], data[1]};
  unsigned spatial = plan.windows.size(), rank = 2 + 2 * spatial;
  AffineExpr position = ctx.expr(0), group = ctx.expr(0);
  for (auto [i, window] : llvm::enumerate(plan.windows)) {
    sizes.push_back(window.kernel);
    position = position * window.kernel + ctx.dim(2 + i);
  }
  for (const Window &window : plan.windows)
    sizes.push_back(window.output);
  AffineExpr channels = simplified(ctx, data[1].floorDiv(plan.offsetGroups));
  if (plan.offsetGroups != 1 && channels != ctx.expr(0))
    group = ctx.dim(1).floorDiv(channels);
  AffineExpr row = group * plan.positions + position;

  SmallVector<compute::Operand> operands;
  auto addOperand = [&](unsigned input, AffineExpr channel) {
    SmallVector<AffineExpr> indices{ctx.dim(0), channel};
    for (unsigned i = 0; i < spatial; ++i)
      indices.push_back(ctx.dim(2 + spatial + i));
    operands.push_back({ctx.input(input), ctx.access(rank, indices), {}});
  };
  for (unsigned dim = 0; dim < spatial; ++dim)
    addOperand(kOffset, row * spatial + dim);
  if (ctx.hasInput(kMask))
    addOperand(kMask, row);
  Value source = ctx.input(kData);
  return mapThrough(
      ctx, extent::tensorType(sizes, work), operands,
      [&](const RegionBuilder &b, ArrayRef<Value> v) {
        SmallVector<Value> positions;
        for (auto [i, window] : llvm::enumerate(plan.windows)) {
          Value start = b.mul(b.position(2 + spatial + i), b.indexConstant(window.stride));
          Value step = b.mul(b.position(2 + i), b.indexConstant(window.dilation));
          Value place = b.sub(b.add(start, step), b.size(window.padBegin));
          positions.push_back(b.add(b.fromIndex(place, work), b.narrow(v[i], work)));
        }
        Value value =
            Sampler(b, SamplingRules(), source, work).at({b.position(0), b.position(1)}, positions);
        return v.size() > spatial ? b.mul(value, b.narrow(v[spatial], work)) : value;
      });
}

LogicalResult expand(ExpandContext &ctx) {
  FailureOr<Plan> plan = planOf(ctx, /*check=*/false);
  if (failed(plan))
    return failure();
  Type element = ctx.elementType(kData), work = accumulatorType(element);
  SmallVector<AffineExpr> weights = ctx.sizes(kWeights);
  SmallVector<AffineExpr> sizes = extent::sizesOf(ctx.resultType(0)), extents;
  unsigned rank = sizes.size(), spatial = rank - 2;
  AffineExpr channel = ctx.dim(rank + spatial), group = ctx.expr(0);
  AffineExpr groupSize = simplified(ctx, weights[0].floorDiv(plan->groups));
  if (plan->groups != 1 && groupSize != ctx.expr(0))
    group = ctx.dim(1).floorDiv(groupSize);
  SmallVector<AffineExpr> lhs{ctx.dim(0), group * weights[1] + channel}, rhs{ctx.dim(1), channel};
  for (unsigned i = 0; i < spatial; ++i) {
    extents.push_back(weights[2 + i]);
    lhs.push_back(ctx.dim(rank + i));
    rhs.push_back(ctx.dim(rank + i));
  }
  extents.push_back(weights[1]);
  for (unsigned i = 0; i < spatial; ++i)
    lhs.push_back(ctx.dim(2 + i));
  unsigned domain = rank + extents.size();
  Value sum = compute::ContractOp::create(
      ctx.getBuilder(), ctx.getLoc(), extent::tensorType(sizes, work), sampled(ctx, *plan, work),
      ctx.castTo(ctx.input(kWeights), work), ctx.access(domain, lhs), ctx.access(domain, rhs),
      extent::sizesMap(ctx.getContext(), extents));
  if (!ctx.hasInput(kBias)) {
    ctx.setValue(0, ctx.castTo(sum, element));
    return success();
  }
  compute::Operand operands[] = {{sum, {}, {}},
                                 {ctx.input(kBias), ctx.access(rank, ctx.dim(1)), {}}};
  ctx.setValue(0, mapThrough(ctx, ctx.resultType(0), operands,
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               return b.narrow(b.add(v[0], b.narrow(v[1], work)), element);
                             }));
  return success();
}

} // namespace

void registerDeformableConvolution(Registry &registry) {
  registry.add({"", "DeformConv", 19, infer, expand, 3});
}

} // namespace longtail::operators
