// QLinearMatMul and QLinearConv: products of quantized tensors, summed as integers (those of 8-bit
// floats in f32) and quantized again.
#include "compiler/Operators/ByteProduct.h"
#include "compiler/Operators/Contraction.h"
#include "compiler/Operators/Convolution.h"
#include "compiler/Operators/Quantization.h"
#include "compiler/Operators/ZeroPoint.h"

using namespace mlir;

namespace longtail::operators {
namespace {

/// A quantized tensor with its scale and zero point, which are operands `tensor`, `tensor` + 1 and
/// `tensor` + 2; the result of both operators has a scale and zero point only.
struct Quantized {
  unsigned tensor;
  StringRef name;
  unsigned scale() const { return tensor + 1; }
  unsigned zeroPoint() const { return tensor + 2; }
};

constexpr unsigned kResultScale = 6, kResultZeroPoint = 7, kBias = 8;

/// 8-bit integers, and 8-bit floats where `allowFloat`.
LogicalResult requireBytes(InferContext &ctx, unsigned input, StringRef name, bool allowFloat) {
  Type type = ctx.elementType(input);
  auto integer = dyn_cast<IntegerType>(type);
  if ((integer && integer.getWidth() == 8) ||
      (allowFloat && isTinyFloat(type) && type.getIntOrFloatBitWidth() == 8))
    return success();
  return ctx.error() << "input '" << name << "' has elements of type " << type
                     << ", expected 8-bit " << (allowFloat ? "numbers" : "integers");
}

bool isOneNumber(InferContext &ctx, unsigned input) {
  RankedTensorType type = ctx.inputType(input);
  return type.hasStaticShape() && type.getNumElements() == 1;
}

/// Requires one number.
LogicalResult requireOne(InferContext &ctx, unsigned input, StringRef name) {
  for (AffineExpr size : ctx.sizes(input))
    if (failed(requireEqualSizes(ctx, size, ctx.constantExpr(1),
                                 "the size of input '" + name + "' and 1")))
      return failure();
  return success();
}

/// The operand with its zero point subtracted: i32, or f32 for 8-bit floats.
Value centered(ExpandContext &ctx, const Quantized &from, int64_t dim) {
  if (isa<IntegerType>(ctx.elementType(from.tensor)))
    return withoutZeroPoint(ctx, from.tensor, from.zeroPoint(), dim);
  return ctx.castTo(ctx.input(from.tensor), Float32Type::get(ctx.getContext()));
}

/// The sums times the operands' scales, divided by the result's, and quantized. `scales` are those
/// of the left operand, of the right one and of the result, with the result's zero point last.
Value requantized(ExpandContext &ctx, ArrayRef<compute::Operand> sumAndScales) {
  RankedTensorType type = ctx.resultType(0);
  Type sum = cast<RankedTensorType>(sumAndScales[0].tensor.getType()).getElementType();
  Type to = type.getElementType(), f32 = Float32Type::get(ctx.getContext());
  return mapThrough(ctx, type, sumAndScales, [&](const RegionBuilder &b, ArrayRef<Value> v) {
    auto scale = [&](unsigned i) { return b.narrow(v[i], f32); };
    Value factor = b.div(b.mul(scale(1), scale(2)), scale(3));
    Value value = b.convert(v[0], sum, f32);
    Value zeroPoint = isa<IntegerType>(to) ? v[4] : Value();
    return quantized(b, b.mul(value, factor), zeroPoint, to);
  });
}

//===-- QLinearMatMul -------------------------------------------------------------------------===//

constexpr Quantized kLeft{0, "a"}, kRight{3, "b"};

/// A scale or zero point is one number, a vector along `dim` of the matrix, or as large as the
/// matrix with a 1 where it does not depend on the index.
LogicalResult inferMatrixParameter(InferContext &ctx, const Quantized &matrix, unsigned input,
                                   const Twine &name, bool isLeft) {
  SmallVector<AffineExpr> sizes = ctx.sizes(matrix.tensor), own = ctx.sizes(input);
  if (isOneNumber(ctx, input))
    return success();
  std::string text = name.str();
  if (own.size() == 1)
    return requireBroadcastsTo(ctx, input, text, sizes[quantizedDim(ctx, matrix.tensor, isLeft)]);
  if (own.size() < 2 || sizes.size() < 2)
    return requireBroadcastsTo(ctx, input, text, sizes);
  // Elements that differ along the dimension that is summed over could not be factored out.
  AffineExpr summed = own[own.size() - (isLeft ? 1 : 2)];
  if (failed(
          requireEqualSizes(ctx, summed, ctx.constantExpr(1),
                            "the size of input '" + text + "' along the summed dimension and 1")))
    return failure();
  return requireBroadcastsTo(ctx, input, text, sizes);
}

LogicalResult inferQLinearMatMul(InferContext &ctx) {
  bool allowFloat = ctx.version() >= 21;
  for (auto [matrix, isLeft] : {std::pair(kLeft, true), {kRight, false}}) {
    if (failed(requireBytes(ctx, matrix.tensor, matrix.name, allowFloat)) ||
        failed(requireFloat(ctx, matrix.scale(), (matrix.name + "_scale").str())))
      return failure();
    if (ctx.rank(matrix.tensor) == 0)
      return ctx.error() << "input '" << matrix.name << "' is a scalar, expected a matrix";
    if (failed(inferMatrixParameter(ctx, matrix, matrix.scale(), matrix.name + "_scale", isLeft)) ||
        failed(inferMatrixParameter(ctx, matrix, matrix.zeroPoint(), matrix.name + "_zero_point",
                                    isLeft)) ||
        failed(requireSameType(ctx, matrix.tensor, matrix.zeroPoint(), matrix.name,
                               (matrix.name + "_zero_point").str())))
      return failure();
  }
  if (failed(requireFloat(ctx, kResultScale, "y_scale")) ||
      failed(requireBytes(ctx, kResultZeroPoint, "y_zero_point", allowFloat)))
    return failure();
  if (isa<FloatType>(ctx.elementType(0)) != isa<FloatType>(ctx.elementType(3)))
    return ctx.error() << "inputs 'a' and 'b' are " << ctx.elementType(0) << " and "
                       << ctx.elementType(3) << ", expected both integers or both 8-bit floats";
  FailureOr<SmallVector<AffineExpr>> sizes = matrixProductSizes(ctx, 0, 3);
  if (failed(sizes))
    return failure();
  for (auto [input, name] :
       {std::pair(kResultScale, "y_scale"), {kResultZeroPoint, "y_zero_point"}})
    if (!isOneNumber(ctx, input) && failed(requireBroadcastsTo(ctx, input, name, *sizes)))
      return failure();
  ctx.setResult(0, ctx.elementType(kResultZeroPoint), *sizes);
  return success();
}

/// Where a scale of a matrix lies for each element of the product.
access::MapAttr matrixParameterAccess(ExpandContext &ctx, const Quantized &matrix, bool isLeft) {
  SmallVector<AffineExpr> own = ctx.sizes(matrix.scale());
  SmallVector<AffineExpr> result = extent::sizesOf(ctx.resultType(0));
  bool hasRow = ctx.rank(kLeft.tensor) > 1, hasColumn = ctx.rank(kRight.tensor) > 1;
  if (isOneNumber(ctx, matrix.scale()) || (isLeft ? !hasRow : !hasColumn))
    return ctx.access(result.size(), SmallVector<AffineExpr>(own.size(), ctx.expr(0)));
  // The result as [batch..., rows, columns], with a 1 for a dimension that a vector has not.
  unsigned batch = result.size() - hasRow - hasColumn;
  unsigned dim = isLeft ? batch : batch + hasRow;
  if (own.size() == 1) {
    AffineExpr index = ctx.broadcastAccess(own, result[dim]).getMap().getResult(0);
    return ctx.access(result.size(), index.replaceDims(ctx.dim(dim)));
  }
  SmallVector<AffineExpr> aligned(ArrayRef(result).take_front(batch)), dims;
  for (unsigned i = 0; i < batch; ++i)
    dims.push_back(ctx.dim(i));
  aligned.append({isLeft ? result[dim] : ctx.expr(1), isLeft ? ctx.expr(1) : result[dim]});
  dims.append({isLeft ? ctx.dim(dim) : ctx.expr(0), isLeft ? ctx.expr(0) : ctx.dim(dim)});
  SmallVector<AffineExpr> indices;
  for (AffineExpr index : ctx.broadcastAccess(own, aligned).getMap().getResults())
    indices.push_back(index.replaceDims(dims));
  return ctx.access(result.size(), indices);
}

LogicalResult expandQLinearMatMul(ExpandContext &ctx) {
  SmallVector<AffineExpr> sizes = extent::sizesOf(ctx.resultType(0));
  Value sum =
      byteProduct(ctx, {kLeft.tensor, kRight.tensor, kLeft.zeroPoint(), kRight.zeroPoint()});
  if (!sum)
    sum = matrixProduct(ctx, centered(ctx, kLeft, quantizedDim(ctx, kLeft.tensor, true)),
                        centered(ctx, kRight, quantizedDim(ctx, kRight.tensor, false)), sizes);
  SmallVector<compute::Operand> operands{{sum, {}, {}}};
  operands.push_back({ctx.input(kLeft.scale()), matrixParameterAccess(ctx, kLeft, true), {}});
  operands.push_back({ctx.input(kRight.scale()), matrixParameterAccess(ctx, kRight, false), {}});
  for (unsigned input : {kResultScale, kResultZeroPoint}) {
    SmallVector<AffineExpr> own = ctx.sizes(input);
    access::MapAttr map =
        isOneNumber(ctx, input)
            ? ctx.access(sizes.size(), SmallVector<AffineExpr>(own.size(), ctx.expr(0)))
            : ctx.broadcastAccess(own, sizes);
    operands.push_back({ctx.input(input), map, {}});
  }
  ctx.setValue(0, requantized(ctx, operands));
  return success();
}

//===-- QLinearConv ---------------------------------------------------------------------------===//

constexpr Quantized kData{0, "x"}, kWeights{3, "w"};
constexpr ConvolutionOperands kConvolved{0, 3, 2, 5, "x", "w"};

LogicalResult inferQLinearConv(InferContext &ctx) {
  for (const Quantized &tensor : {kData, kWeights})
    if (failed(requireBytes(ctx, tensor.tensor, tensor.name, /*allowFloat=*/false)) ||
        failed(requireFloat(ctx, tensor.scale(), (tensor.name + "_scale").str())))
      return failure();
  if (failed(requireFloat(ctx, kResultScale, "y_scale")) ||
      failed(requireBytes(ctx, kResultZeroPoint, "y_zero_point", /*allowFloat=*/false)))
    return failure();
  FailureOr<SmallVector<AffineExpr>> sizes = convolutionSizes(ctx, kConvolved);
  if (failed(sizes))
    return failure();
  AffineExpr channels = ctx.sizes(kWeights.tensor)[0];
  for (auto [input, name] : {std::pair(kData.scale(), "x_scale"),
                             {kData.zeroPoint(), "x_zero_point"},
                             {kResultScale, "y_scale"},
                             {kResultZeroPoint, "y_zero_point"}})
    if (failed(requireOne(ctx, input, name)))
      return failure();
  for (auto [input, name] :
       {std::pair(kWeights.scale(), "w_scale"), {kWeights.zeroPoint(), "w_zero_point"}})
    if (!isOneNumber(ctx, input) &&
        (ctx.rank(input) != 1 ? failed(requireOne(ctx, input, name))
                              : failed(requireBroadcastsTo(ctx, input, name, channels))))
      return failure();
  for (const Quantized &tensor : {kData, kWeights})
    if (failed(requireSameType(ctx, tensor.tensor, tensor.zeroPoint(), tensor.name,
                               (tensor.name + "_zero_point").str())))
      return failure();
  if (ctx.hasInput(kBias)) {
    if (!ctx.elementType(kBias).isSignlessInteger(32))
      return ctx.error() << "input 'B' has elements of type " << ctx.elementType(kBias)
                         << ", expected i32";
    if (failed(requireVector(ctx, kBias, "B", channels)))
      return failure();
  }
  ctx.setResult(0, ctx.elementType(kResultZeroPoint), *sizes);
  return success();
}

LogicalResult expandQLinearConv(ExpandContext &ctx) {
  RankedTensorType type = ctx.resultType(0);
  SmallVector<AffineExpr> sizes = extent::sizesOf(type);
  unsigned rank = sizes.size();
  Type i32 = IntegerType::get(ctx.getContext(), 32);
  FailureOr<Value> sum = integerConvolution(ctx, kConvolved);
  if (failed(sum))
    return failure();
  if (ctx.hasInput(kBias)) {
    compute::Operand operands[] = {{*sum, {}, {}},
                                   {ctx.input(kBias), ctx.access(rank, ctx.dim(1)), {}}};
    sum = mapThrough(ctx, extent::tensorType(sizes, i32), operands,
                     [](const RegionBuilder &b, ArrayRef<Value> v) { return b.add(v[0], v[1]); });
  }
  auto one = [&](unsigned input) {
    SmallVector<AffineExpr> indices(ctx.rank(input), ctx.expr(0));
    return compute::Operand{ctx.input(input), ctx.access(rank, indices), {}};
  };
  compute::Operand weightScale = one(kWeights.scale());
  if (ctx.rank(kWeights.scale()) == 1) {
    AffineExpr index =
        ctx.broadcastAccess(ctx.sizes(kWeights.scale()), sizes[1]).getMap().getResult(0);
    weightScale.access = ctx.access(rank, index.replaceDims(ctx.dim(1)));
  }
  compute::Operand operands[] = {
      {*sum, {}, {}}, one(kData.scale()), weightScale, one(kResultScale), one(kResultZeroPoint)};
  ctx.setValue(0, requantized(ctx, operands));
  return success();
}

} // namespace

void registerQuantizedLinear(Registry &registry) {
  registry.add({"", "QLinearMatMul", 10, inferQLinearMatMul, expandQLinearMatMul, 8});
  registry.add({"", "QLinearConv", 10, inferQLinearConv, expandQLinearConv, 8});
}

} // namespace longtail::operators
