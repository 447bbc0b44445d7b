// ConvTranspose in gather form: each output sums the inputs and kernel positions that reach it.
#include "compiler/Operators/RegionBuilder.h"
#include "compiler/Operators/Spatial.h"

using namespace mlir;

namespace longtail::operators {
namespace {

/// Output sizes and pads; `kernel`, `stride` and `dilation` are those of the forward convolution.
FailureOr<SmallVector<Window>> transposedWindows(InferContext &ctx) {
  SmallVector<AffineExpr> input = ctx.sizes(0), weights = ctx.sizes(1);
  unsigned count = input.size() - 2;
  FailureOr<SpatialAttributes> attributes = spatialAttributes(ctx, count);
  if (failed(attributes))
    return failure();
  SmallVector<int64_t> extra(count, 0);
  if (auto padding = ctx.getInts("output_padding"); padding && !padding->empty()) {
    if (padding->size() != count)
      return ctx.error() << "attribute 'output_padding' has " << padding->size()
                         << " numbers, expected " << count;
    extra = *padding;
  }
  std::optional<SmallVector<int64_t>> outputShape = ctx.getInts("output_shape");
  if (outputShape && outputShape->empty())
    outputShape.reset();
  if (outputShape && outputShape->size() == count + 2) // with batch and channels
    outputShape->erase(outputShape->begin(), outputShape->begin() + 2);
  if (outputShape && outputShape->size() != count)
    return ctx.error() << "attribute 'output_shape' has " << outputShape->size()
                       << " numbers, expected " << count;

  SmallVector<Window> windows;
  for (unsigned dim = 0; dim < count; ++dim) {
    Window window;
    window.input = input[dim + 2];
    window.kernel = weights[dim + 2];
    window.stride = attributes->strides[dim];
    window.dilation = attributes->dilations[dim];
    AffineExpr full = simplified(ctx, (window.input - 1) * window.stride + window.reach() +
                                          ctx.constantExpr(extra[dim]));
    if (outputShape || attributes->autoPad.starts_with("SAME")) {
      window.output = outputShape ? ctx.constantExpr((*outputShape)[dim])
                                  : simplified(ctx, window.input * window.stride);
      AffineExpr total = simplified(ctx, full - window.output);
      AffineExpr half = simplified(ctx, total.floorDiv(2)), rest = simplified(ctx, total - half);
      bool upper = attributes->autoPad == "SAME_UPPER";
      window.padBegin = upper ? half : rest;
      window.padEnd = upper ? rest : half;
    } else {
      window.padBegin = ctx.constantExpr(attributes->pads[dim]);
      window.padEnd = ctx.constantExpr(attributes->pads[dim + count]);
      window.output = simplified(ctx, full - window.padBegin - window.padEnd);
    }
    auto output = dyn_cast<AffineConstantExpr>(window.output);
    if (output && output.getValue() < 0)
      return ctx.error() << "spatial dimension " << dim << " of the output would be "
                         << output.getValue();
    windows.push_back(window);
  }
  return windows;
}

LogicalResult inferConvTranspose(InferContext &ctx) {
  int64_t rank = ctx.rank(0);
  if (rank < 3)
    return ctx.error() << "input 'X' has " << rank << " dimensions, expected at least 3";
  if (ctx.rank(1) != rank)
    return ctx.error() << "input 'W' has " << ctx.rank(1) << " dimensions, input 'X' has " << rank;
  if (failed(requireFloat(ctx, 0, "X")) || failed(requireSameType(ctx, 0, 1, "X", "W")))
    return failure();
  SmallVector<AffineExpr> input = ctx.sizes(0), weights = ctx.sizes(1);
  int64_t groups = ctx.getInt("group", 1);
  if (groups < 1)
    return ctx.error() << "attribute 'group' is " << groups << ", expected at least 1";
  if (failed(requireEqualSizes(ctx, input[1], weights[0], "the channels of inputs 'X' and 'W'")) ||
      failed(requireEqualSizes(ctx, weights[0] % groups, ctx.constantExpr(0),
                               "the remainder of the input channels by 'group' and 0")))
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
  AffineExpr channels = simplified(ctx, weights[1] * groups);
  if (ctx.hasInput(2) && (failed(requireSameType(ctx, 0, 2, "X", "B")) ||
                          failed(requireVector(ctx, 2, "B", channels))))
    return failure();
  FailureOr<SmallVector<Window>> windows = transposedWindows(ctx);
  if (failed(windows))
    return failure();
  SmallVector<AffineExpr> sizes{input[0], channels};
  for (const Window &window : *windows)
    sizes.push_back(window.output);
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

/// Which inputs and kernel positions reach an output.
struct Gather {
  SmallVector<AffineExpr> extents, input, kernel, valid, below;

  void require(AffineExpr expr, AffineExpr bound) {
    valid.push_back(expr);
    below.push_back(bound);
  }
};

Gather gather(ExpandContext &ctx, ArrayRef<Window> windows, unsigned rank) {
  Gather result;
  auto fold = [&](AffineExpr extent) {
    if (extent == ctx.expr(1))
      return ctx.expr(0);
    result.extents.push_back(extent);
    return ctx.dim(rank + result.extents.size() - 1);
  };
  for (auto [dim, window] : llvm::enumerate(windows)) {
    AffineExpr output = ctx.dim(dim + 2) + window.padBegin, kernel, input;
    int64_t stride = window.stride;
    if (window.dilation == 1) {
      // Kernel positions that reach an output are a stride apart: position = j * stride + output
      // mod stride, from input output floordiv stride - j.
      AffineExpr steps = simplified(ctx, window.kernel.ceilDiv(stride));
      AffineExpr j = fold(steps);
      kernel = output % stride + j * stride;
      input = output.floorDiv(stride) - j;
      if (simplified(ctx, steps * stride) != window.kernel)
        result.require(kernel, window.kernel);
    } else {
      kernel = fold(window.kernel);
      AffineExpr scaled = output - kernel * window.dilation;
      input = scaled.floorDiv(stride);
      if (stride > 1)
        result.require(scaled % stride, ctx.expr(1));
    }
    // Within the input for every output and position?
    auto begin = dyn_cast<AffineConstantExpr>(window.padBegin);
    bool oneEach = window.dilation == 1 && window.kernel == ctx.expr(stride);
    bool inside = oneEach && begin && begin.getValue() >= 0 &&
                  ctx.getSymbols().isProvably(extent::Function::LessEqual,
                                              simplified(ctx, window.output + window.padBegin),
                                              simplified(ctx, window.input * stride));
    if (!inside)
      result.require(input, window.input);
    result.input.push_back(input);
    result.kernel.push_back(kernel);
  }
  return result;
}

/// The outputs of one dimension by quotient and remainder of the stride: output `o` is number
/// `phase` of block `block`, where `block * stride + phase` is `o + shift`. Block `b` reads inputs
/// `first + b - j` for `j` in `[0, steps)`, with kernel position `phase + j * stride`.
struct Phases {
  AffineExpr blocks;
  int64_t stride, steps, first, shift;
};

/// The phases of all dimensions; nothing where the outputs of a phase are not alike: kernels or
/// pads that are not known, dilations, groups. Without strides there is a single phase.
std::optional<SmallVector<Phases>> phasesOf(ExpandContext &ctx, ArrayRef<Window> windows) {
  if (ctx.getInt("group", 1) != 1 ||
      llvm::all_of(windows, [](const Window &window) { return window.stride == 1; }))
    return std::nullopt;
  SmallVector<Phases> result;
  for (const Window &window : windows) {
    auto kernel = dyn_cast<AffineConstantExpr>(window.kernel);
    auto begin = dyn_cast<AffineConstantExpr>(window.padBegin);
    if (window.dilation != 1 || !kernel || !begin || kernel.getValue() < 1 || begin.getValue() < 0)
      return std::nullopt;
    Phases phases;
    phases.stride = window.stride;
    phases.steps = llvm::divideCeil(kernel.getValue(), window.stride);
    phases.first = begin.getValue() / window.stride;
    phases.shift = begin.getValue() % window.stride;
    phases.blocks = simplified(ctx, (window.output + phases.shift).ceilDiv(window.stride));
    result.push_back(phases);
  }
  return result;
}

/// The weights with kernels of a multiple of the strides, filled up with zeros.
Value wholeSteps(ExpandContext &ctx, ArrayRef<Phases> phases) {
  SmallVector<AffineExpr> sizes = ctx.sizes(1), at, valid, below;
  unsigned rank = sizes.size();
  for (unsigned dim = 0; dim < rank; ++dim)
    at.push_back(ctx.dim(dim));
  for (auto [i, each] : llvm::enumerate(phases)) {
    AffineExpr whole = ctx.expr(each.steps * each.stride);
    if (whole == sizes[i + 2])
      continue;
    valid.push_back(ctx.dim(i + 2));
    below.push_back(sizes[i + 2]);
    sizes[i + 2] = whole;
  }
  if (valid.empty())
    return ctx.input(1);
  Type element = ctx.elementType(1);
  TypedAttr zero = ctx.getBuilder().getZeroAttr(access::computeType(element));
  return mapThrough(ctx, extent::tensorType(sizes, element),
                    compute::Operand{ctx.input(1), ctx.access(rank, at, valid, below), zero},
                    [](const RegionBuilder &, ArrayRef<Value> v) { return v[0]; });
}

/// A product of matrices whose result has the phases as dimensions of their own, next to the
/// blocks; so the output is the same memory with fewer dimensions, or a part of it.
LogicalResult expandPhases(ExpandContext &ctx, ArrayRef<Window> windows, ArrayRef<Phases> phases) {
  Type element = ctx.elementType(0), sumType = accumulatorType(element);
  SmallVector<AffineExpr> data = ctx.sizes(0), weights = ctx.sizes(1);
  SmallVector<AffineExpr> sizes{data[0], weights[1]}, extents;
  for (const Phases &each : phases)
    sizes.append({each.blocks, ctx.expr(each.stride)});
  unsigned rank = sizes.size();
  SmallVector<AffineExpr> inputs, kernel, valid, below;
  for (auto [i, each] : llvm::enumerate(phases)) {
    AffineExpr step = ctx.expr(0);
    if (each.steps > 1) {
      step = ctx.dim(rank + extents.size());
      extents.push_back(ctx.expr(each.steps));
    }
    AffineExpr input = ctx.dim(2 + 2 * i) + each.first - step;
    AffineExpr last = simplified(ctx, each.blocks + each.first);
    if (each.steps > 1 ||
        !ctx.getSymbols().isProvably(extent::Function::LessEqual, last, windows[i].input)) {
      valid.push_back(input);
      below.push_back(windows[i].input);
    }
    inputs.push_back(input);
    kernel.push_back(ctx.dim(3 + 2 * i) + step * each.stride);
  }
  AffineExpr channel = ctx.dim(rank + extents.size());
  extents.push_back(data[1]);
  SmallVector<AffineExpr> lhs{ctx.dim(0), channel}, rhs{channel, ctx.dim(1)};
  llvm::append_range(lhs, inputs);
  llvm::append_range(rhs, kernel);
  unsigned domain = rank + extents.size();
  Value sum = compute::ContractOp::create(
      ctx.getBuilder(), ctx.getLoc(), extent::tensorType(sizes, sumType), ctx.input(0),
      wholeSteps(ctx, phases), ctx.access(domain, lhs, valid, below), ctx.access(domain, rhs),
      extent::sizesMap(ctx.getContext(), extents));
  if (ctx.hasInput(2) || sumType != element) {
    SmallVector<compute::Operand> operands{{sum, {}, {}}};
    if (ctx.hasInput(2))
      operands.push_back({ctx.input(2), ctx.access(rank, ctx.dim(1)), {}});
    sum = mapThrough(ctx, extent::tensorType(sizes, element), operands,
                     [&](const RegionBuilder &b, ArrayRef<Value> v) {
                       return b.narrow(v.size() > 1 ? b.add(v[0], b.widen(v[1])) : v[0], element);
                     });
  }
  SmallVector<AffineExpr> result = extent::sizesOf(ctx.resultType(0)), at{ctx.dim(0), ctx.dim(1)};
  bool isAll = true;
  for (auto [i, each] : llvm::enumerate(phases)) {
    AffineExpr position = ctx.dim(i + 2) + each.shift;
    at.append({position.floorDiv(each.stride), position % each.stride});
    isAll &= each.shift == 0 && simplified(ctx, each.blocks * each.stride) == result[i + 2];
  }
  ctx.setValue(0, isAll ? ctx.reshape(sum, result)
                        : ctx.read(sum, ctx.access(result.size(), at), result));
  return success();
}

LogicalResult expandConvTranspose(ExpandContext &ctx) {
  FailureOr<SmallVector<Window>> windows = transposedWindows(ctx);
  if (failed(windows))
    return failure();
  if (std::optional<SmallVector<Phases>> phases = phasesOf(ctx, *windows))
    return expandPhases(ctx, *windows, *phases);
  SmallVector<AffineExpr> weightSizes = ctx.sizes(1);
  SmallVector<AffineExpr> sizes = extent::sizesOf(ctx.resultType(0));
  unsigned rank = sizes.size();
  int64_t groups = ctx.getInt("group", 1);
  Gather reached = gather(ctx, *windows, rank);

  AffineExpr perGroup = simplified(ctx, weightSizes[0].floorDiv(groups));
  SmallVector<AffineExpr> extents = reached.extents;
  AffineExpr channel = ctx.expr(0);
  if (perGroup != ctx.expr(1)) {
    channel = ctx.dim(rank + extents.size());
    extents.push_back(perGroup);
  }
  AffineExpr outputChannel = ctx.dim(1);
  if (groups > 1) {
    channel = ctx.dim(1).floorDiv(weightSizes[1]) * perGroup + channel;
    outputChannel = ctx.dim(1) % weightSizes[1];
  }
  SmallVector<AffineExpr> lhs{ctx.dim(0), channel}, rhs{channel, outputChannel};
  lhs.append(reached.input);
  rhs.append(reached.kernel);
  unsigned domain = rank + extents.size();
  access::MapAttr lhsMap = ctx.access(domain, lhs, reached.valid, reached.below);
  access::MapAttr rhsMap = ctx.access(domain, rhs, reached.valid, reached.below);

  Type element = ctx.elementType(0), sumType = accumulatorType(element);
  SmallVector<compute::Operand> operands;
  if (extents.empty()) { // one product for each output
    TypedAttr zero = compute::identityOf(compute::Combiner::Add, element);
    operands.push_back({ctx.input(0), lhsMap, lhsMap.isTotal() ? TypedAttr() : zero});
    operands.push_back({ctx.input(1), rhsMap, rhsMap.isTotal() ? TypedAttr() : zero});
  } else {
    Value sum = compute::ContractOp::create(
        ctx.getBuilder(), ctx.getLoc(), extent::tensorType(sizes, sumType), ctx.input(0),
        ctx.input(1), lhsMap, rhsMap, extent::sizesMap(ctx.getContext(), extents));
    if (!ctx.hasInput(2) && sumType == element) {
      ctx.setValue(0, sum);
      return success();
    }
    operands.push_back({sum, {}, {}});
  }
  unsigned before = operands.size();
  if (ctx.hasInput(2))
    operands.push_back({ctx.input(2), ctx.access(rank, ctx.dim(1)), {}});
  ctx.setValue(0, mapThrough(ctx, extent::tensorType(sizes, element), operands,
                             [&](const RegionBuilder &b, ArrayRef<Value> v) {
                               Value sum = before == 1 ? v[0] : b.mul(b.widen(v[0]), b.widen(v[1]));
                               if (v.size() > before)
                                 sum = b.add(sum, b.widen(v.back()));
                               return b.narrow(sum, element);
                             }));
  return success();
}

} // namespace

void registerConvolutionTranspose(Registry &registry) {
  registry.add({"", "ConvTranspose", 1, inferConvTranspose, expandConvTranspose, 2});
}

} // namespace longtail::operators
