#include "compiler/Operators/Spatial.h"
#include "compiler/Limits.h"

using namespace mlir;
using longtail::extent::Function;

namespace longtail::operators {

AffineExpr simplified(const InferContext &ctx, AffineExpr expr) {
  return simplifyAffineExpr(expr, 0, ctx.getSymbols().size());
}

/// A list attribute of `count` integers, each at least `min`.
static FailureOr<SmallVector<int64_t>> listOf(InferContext &ctx, StringRef name, unsigned count,
                                              int64_t otherwise, int64_t min) {
  std::optional<SmallVector<int64_t>> list = ctx.getInts(name);
  if (!list || list->empty())
    return SmallVector<int64_t>(count, otherwise);
  if (list->size() != count)
    return ctx.error() << "attribute '" << name << "' has " << list->size() << " numbers, expected "
                       << count;
  for (int64_t value : *list)
    if (value < min)
      return ctx.error() << "attribute '" << name << "' has " << value << ", expected at least "
                         << min;
    else if (value > limits::kWindow || value < -limits::kWindow)
      return ctx.error() << "attribute '" << name << "' has " << value << ", at most "
                         << limits::kWindow << " is possible";
  return *list;
}

FailureOr<SpatialAttributes> spatialAttributes(InferContext &ctx, unsigned count) {
  constexpr int64_t any = std::numeric_limits<int64_t>::min();
  FailureOr<SmallVector<int64_t>> strides = listOf(ctx, "strides", count, 1, 1);
  FailureOr<SmallVector<int64_t>> dilations = listOf(ctx, "dilations", count, 1, 1);
  FailureOr<SmallVector<int64_t>> pads = listOf(ctx, "pads", 2 * count, 0, any);
  if (failed(strides) || failed(dilations) || failed(pads))
    return failure();
  StringRef autoPad = ctx.getString("auto_pad", "NOTSET");
  if (autoPad.empty())
    autoPad = "NOTSET";
  if (autoPad != "NOTSET" && autoPad != "VALID" && autoPad != "SAME_UPPER" &&
      autoPad != "SAME_LOWER")
    return ctx.error() << "attribute 'auto_pad' is '" << autoPad
                       << "', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER";
  if (autoPad != "NOTSET")
    pads->assign(2 * count, 0);
  return SpatialAttributes{*strides, *dilations, *pads, autoPad};
}

FailureOr<SmallVector<AffineExpr>> kernelShape(InferContext &ctx, unsigned count) {
  if (!ctx.getInts("kernel_shape"))
    return ctx.error() << "attribute 'kernel_shape' is missing";
  FailureOr<SmallVector<int64_t>> shape = listOf(ctx, "kernel_shape", count, 1, 1);
  if (failed(shape))
    return failure();
  return llvm::map_to_vector(*shape, [&](int64_t size) { return ctx.constantExpr(size); });
}

/// The number of windows that start at `0, stride, 2 * stride...` of a padded input.
static AffineExpr windowCount(InferContext &ctx, const Window &window, bool ceilMode) {
  AffineExpr last = window.input + window.padBegin + window.padEnd - window.reach();
  if (!ceilMode)
    return simplified(ctx, simplified(ctx, last).floorDiv(window.stride) + 1);
  AffineExpr count = simplified(ctx, simplified(ctx, last).ceilDiv(window.stride) + 1);
  // The last window starts inside the input or the padding before it: always if a window reaches
  // over the padding behind and a stride.
  AffineExpr behind = window.padEnd + window.stride;
  if (ctx.getSymbols().isProvably(Function::LessEqual, behind, window.reach()))
    return count;
  AffineExpr past =
      ctx.getSymbols().derive(Function::LessEqual, {simplified(ctx, window.input + window.padBegin),
                                                    simplified(ctx, (count - 1) * window.stride)});
  return simplified(ctx, count - past);
}

static LogicalResult checkReach(InferContext &ctx, const Window &window, unsigned dim) {
  AffineExpr padded = simplified(ctx, window.input + window.padBegin + window.padEnd);
  AffineExpr reach = simplified(ctx, window.reach());
  std::string message =
      (ctx.getNode().getOpType() + " '" + ctx.getNode().getNodeName() + "': spatial dimension " +
       Twine(dim) + " of input 'X' is smaller than the kernel")
          .str();
  if (succeeded(ctx.getSymbols().requireAtMost(reach, padded, message)))
    return success();
  InFlightDiagnostic diagnostic = ctx.error();
  diagnostic << "spatial dimension " << dim << " of input 'X' is smaller than the kernel";
  if (auto have = dyn_cast<AffineConstantExpr>(padded))
    if (auto need = dyn_cast<AffineConstantExpr>(reach))
      diagnostic << ": " << have.getValue() << " with its pads, expected at least "
                 << need.getValue();
  return diagnostic;
}

FailureOr<SmallVector<Window>> slidingWindows(InferContext &ctx, ArrayRef<AffineExpr> input,
                                              ArrayRef<AffineExpr> kernel, bool ceilMode,
                                              bool check) {
  unsigned count = input.size() - 2;
  FailureOr<SpatialAttributes> attributes = spatialAttributes(ctx, count);
  if (failed(attributes))
    return failure();
  bool same = attributes->autoPad.starts_with("SAME");
  AffineExpr zero = ctx.constantExpr(0);
  SmallVector<Window> windows;
  for (unsigned dim = 0; dim < count; ++dim) {
    Window window;
    window.input = input[dim + 2];
    window.kernel = kernel[dim];
    window.stride = attributes->strides[dim];
    window.dilation = attributes->dilations[dim];
    if (same) {
      window.output = simplified(ctx, window.input.ceilDiv(window.stride));
      AffineExpr wanted =
          simplified(ctx, (window.output - 1) * window.stride + window.reach() - window.input);
      AffineExpr total = ctx.getSymbols().max(zero, wanted);
      AffineExpr half = total.floorDiv(2), rest = simplified(ctx, total - half);
      bool upper = attributes->autoPad == "SAME_UPPER";
      window.padBegin = upper ? half : rest;
      window.padEnd = upper ? rest : half;
    } else {
      window.padBegin = ctx.constantExpr(attributes->pads[dim]);
      window.padEnd = ctx.constantExpr(attributes->pads[dim + count]);
      if (check && failed(checkReach(ctx, window, dim)))
        return failure();
      window.output = windowCount(ctx, window, ceilMode);
    }
    auto notPositive = [&](AffineExpr pad) {
      auto constant = dyn_cast<AffineConstantExpr>(pad);
      return constant && constant.getValue() <= 0;
    };
    window.isPadded = !notPositive(window.padBegin) || !notPositive(window.padEnd) ||
                      (ceilMode && window.stride > 1);
    windows.push_back(window);
  }
  return windows;
}

WindowAccess windowAccess(ExpandContext &ctx, ArrayRef<Window> windows, unsigned resultRank) {
  WindowAccess access;
  for (auto [dim, window] : llvm::enumerate(windows)) {
    AffineExpr position = ctx.expr(0);
    if (window.kernel != ctx.expr(1)) {
      position = ctx.dim(resultRank + access.extents.size());
      access.extents.push_back(window.kernel);
    }
    access.kernel.push_back(position);
    AffineExpr index =
        ctx.dim(dim + 2) * window.stride + position * window.dilation - window.padBegin;
    access.indices.push_back(index);
    if (window.isPadded) {
      access.valid.push_back(index);
      access.below.push_back(window.input);
    }
  }
  return access;
}

} // namespace longtail::operators
