// (x - a)(w - b), summed over windows, is xw - a sum(w) - b sum(x) + K a b, as for matrices
// (ByteProduct.cpp). What lies outside of the image counts as its zero point, so it is one: the
// image is copied into memory with its borders, channels inside and to a multiple of four, where
// four bytes at a time are multiplied.
#include "compiler/Operators/ByteProduct.h"
#include "compiler/Operators/Convolution.h"
#include "compiler/Operators/Spatial.h"
#include "dialects/Compute/Analysis/ContractionShape.h"

using namespace mlir;

namespace longtail::operators {

namespace {

class ByteConvolution {
public:
  ByteConvolution(ExpandContext &ctx, const ConvolutionOperands &operands, ArrayRef<Window> windows)
      : ctx(ctx),
        inputs{operands.data, operands.weights, operands.dataZeroPoint, operands.weightsZeroPoint},
        windows(windows), sizes(extent::sizesOf(ctx.resultType(0))), rank(sizes.size()),
        i32(IntegerType::get(ctx.getContext(), 32)) {}

  Value make() {
    SmallVector<AffineExpr> weightSizes = ctx.sizes(inputs.right);
    depth = 1;
    for (AffineExpr size : ArrayRef(weightSizes).drop_front()) {
      auto constant = dyn_cast<AffineConstantExpr>(size);
      depth *= constant ? constant.getValue() : 0;
    }
    if (depth == 0 || ctx.getInt("group", 1) != 1 || !areBytes(ctx, inputs, weightSizes[0]))
      return {};
    channels = cast<AffineConstantExpr>(weightSizes[1]).getValue();
    padded = llvm::alignTo(channels, compute::kBytesOfProduct);
    ByteSums sums;
    Value image = makeImage(sums.leftMoved), weights = makeWeights(sums.rightMoved);

    WindowAccess window = windowAccess(ctx, windows, rank);
    SmallVector<AffineExpr> extents = window.extents;
    unsigned places = rank + extents.size();
    extents.push_back(ctx.expr(padded));
    SmallVector<AffineExpr> rightAt{ctx.dim(1), ctx.dim(places)};
    rightAt.append(window.kernel);
    unsigned domain = rank + extents.size();
    sums.products = compute::ContractOp::create(
        ctx.getBuilder(), ctx.getLoc(), extent::tensorType(sizes, i32), image, weights,
        ctx.access(domain, imageAt(window, ctx.dim(places))), ctx.access(domain, rightAt),
        extent::sizesMap(ctx.getContext(), extents));
    sums.column = 1;
    sums.depth = depth;
    sums.rightSums = [&] {
      SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, rank));
      return foldAxes(ctx, weights, extent::sizesOf(weights), axes, /*keepDims=*/false,
                      compute::Combiner::Add, i32, [&](const RegionBuilder &r, ArrayRef<Value> v) {
                        return r.convert(v[0], elementOf(weights), i32);
                      });
    };
    // First over the channels, which do not depend on the window.
    sums.leftSums = [&] {
      SmallVector<AffineExpr> own = extent::sizesOf(image), result{sizes[0]}, at{ctx.dim(0)};
      own.back() = ctx.expr(channels);
      Value pixels =
          foldAxes(ctx, image, own, {int64_t(rank) - 1}, /*keepDims=*/false, compute::Combiner::Add,
                   i32, [&](const RegionBuilder &r, ArrayRef<Value> v) {
                     return r.convert(v[0], elementOf(image), i32);
                   });
      return std::pair(sumOfWindows(pixels), rowsAt());
    };
    return lessZeroPoints(ctx, inputs, sums);
  }

private:
  static Type elementOf(Value tensor) {
    return cast<RankedTensorType>(tensor.getType()).getElementType();
  }

  /// [image, place..., channel]: the bytes moved, zero points where there is no image.
  Value makeImage(int64_t &moved) {
    Value data = ctx.input(inputs.left);
    Type from = ctx.elementType(inputs.left),
         to = IntegerType::get(ctx.getContext(), 8, IntegerType::Unsigned);
    moved = from.isUnsignedInteger() ? 0 : 128;
    SmallVector<AffineExpr> imageSizes{sizes[0]}, at{ctx.dim(0), ctx.dim(rank - 1)}, valid, below;
    for (auto [number, window] : llvm::enumerate(windows)) {
      imageSizes.push_back(simplified(ctx, (window.output - 1) * window.stride + window.reach()));
      AffineExpr place = ctx.dim(number + 1) - window.padBegin;
      at.push_back(place);
      if (window.isPadded) {
        valid.push_back(place);
        below.push_back(window.input);
      }
    }
    imageSizes.push_back(ctx.expr(padded));
    if (padded != channels) {
      valid.push_back(ctx.dim(rank - 1));
      below.push_back(ctx.expr(channels));
    }
    // Less the zero point, where a border counts as 0, and plus it again.
    bool hasZero = ctx.hasInput(inputs.leftZero);
    SmallVector<AffineExpr> zeroAt;
    if (hasZero)
      zeroAt.assign(ctx.rank(inputs.leftZero), ctx.expr(0));
    SmallVector<compute::Operand> operands{{data, {}, {}}};
    auto addZero = [&](unsigned domain) {
      if (hasZero)
        operands.push_back({ctx.input(inputs.leftZero), ctx.access(domain, zeroAt), {}});
    };
    addZero(rank);
    Value centered = mapThrough(ctx, extent::tensorType(ctx.sizes(inputs.left), i32), operands,
                                [&](const RegionBuilder &r, ArrayRef<Value> v) {
                                  Value x = r.convert(v[0], from, i32);
                                  return v.size() == 1 ? x : r.sub(x, r.convert(v[1], from, i32));
                                });
    access::MapAttr access = ctx.access(rank, at, valid, below);
    TypedAttr fill = access.isTotal() ? TypedAttr() : IntegerAttr::get(i32, 0);
    operands = {{centered, access, fill}};
    addZero(rank);
    return mapThrough(ctx, extent::tensorType(imageSizes, to), operands,
                      [&](const RegionBuilder &r, ArrayRef<Value> v) {
                        Value x = r.add(v[0], r.integer(i32, moved));
                        if (v.size() > 1)
                          x = r.add(x, r.convert(v[1], from, i32));
                        return r.convert(x, i32, to);
                      });
  }

  /// [column, channel, place...]: the bytes moved, 0 for channels that there are not.
  Value makeWeights(int64_t &moved) {
    ByteOperand right = rightBytes(ctx, ctx.input(inputs.right));
    moved = right.moved;
    if (padded == channels)
      return right.tensor;
    SmallVector<AffineExpr> own = extent::sizesOf(right.tensor), at;
    own[1] = ctx.expr(padded);
    for (unsigned dim = 0; dim < rank; ++dim)
      at.push_back(ctx.dim(dim));
    return ctx.read(right.tensor, ctx.access(rank, at, ctx.dim(1), ctx.expr(channels)), own,
                    IntegerAttr::get(IntegerType::get(ctx.getContext(), 8), 0));
  }

  /// Where the image is read in a window, or sums over its channels (without `channel`).
  SmallVector<AffineExpr> imageAt(const WindowAccess &window, AffineExpr channel) {
    SmallVector<AffineExpr> at{ctx.dim(0)};
    for (auto [number, index] : llvm::enumerate(window.indices))
      at.push_back(index + windows[number].padBegin);
    if (channel)
      at.push_back(channel);
    return at;
  }

  /// The results' dimensions but for the column.
  access::MapAttr rowsAt() {
    SmallVector<AffineExpr> at{ctx.dim(0)};
    for (unsigned dim = 2; dim < rank; ++dim)
      at.push_back(ctx.dim(dim));
    return ctx.access(rank, at);
  }

  /// The sums of `pixels` over each window, in a tensor without columns.
  Value sumOfWindows(Value pixels) {
    WindowAccess window = windowAccess(ctx, windows, rank);
    SmallVector<AffineExpr> result{sizes[0]}, dims{ctx.dim(0), ctx.expr(0)};
    for (unsigned dim = 2; dim < rank; ++dim) {
      result.push_back(sizes[dim]);
      dims.push_back(ctx.dim(dim - 1));
    }
    for (unsigned i = 0; i < window.extents.size(); ++i)
      dims.push_back(ctx.dim(rank - 1 + i));
    SmallVector<AffineExpr> at;
    for (AffineExpr index : imageAt(window, {}))
      at.push_back(index.replaceDims(dims));
    if (window.extents.empty())
      return ctx.read(pixels, ctx.access(rank - 1, at), result);
    compute::Operand operand{pixels, ctx.access(rank - 1 + window.extents.size(), at), {}};
    return compute::buildReduce(ctx.getBuilder(), ctx.getLoc(), extent::tensorType(result, i32),
                                compute::Combiner::Add, window.extents, operand,
                                [](OpBuilder &, ValueRange v) { return SmallVector<Value>{v[0]}; })
        .getOutput();
  }

  ExpandContext &ctx;
  ByteInputs inputs;
  ArrayRef<Window> windows;
  SmallVector<AffineExpr> sizes;
  unsigned rank;
  Type i32;
  int64_t depth = 0, channels = 0, padded = 0;
};

} // namespace

Value byteConvolution(ExpandContext &ctx, const ConvolutionOperands &operands,
                      ArrayRef<Window> windows) {
  return ByteConvolution(ctx, operands, windows).make();
}

} // namespace longtail::operators
