// (a - x)(b - y), summed over k, is ab - x sum(b) - y sum(a) + K x y. The sums over one operand are
// cheap, and constant for weights; the product ab is one of bytes. All in 32 bits that wrap.
#include "compiler/Operators/ByteProduct.h"
#include "compiler/Operators/Contraction.h"

using namespace mlir;

namespace longtail::operators {

static IntegerType byteType(MLIRContext *context, bool isUnsigned) {
  return IntegerType::get(context, 8, isUnsigned ? IntegerType::Unsigned : IntegerType::Signless);
}

/// `tensor`, of 8-bit integers of the other kind, moved by 128.
static Value moved(ExpandContext &ctx, Value tensor, bool toUnsigned) {
  Type to = byteType(ctx.getContext(), toUnsigned);
  return mapOver(ctx, extent::sizesOf(tensor), to, {tensor},
                 [](const RegionBuilder &b, ArrayRef<Value> v) {
                   return b.make<arith::XOrIOp>(v[0], b.integer(v[0].getType(), -128));
                 });
}

static bool isUnsigned(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getElementType().isUnsignedInteger();
}

ByteOperand leftBytes(ExpandContext &ctx, Value tensor) {
  if (isUnsigned(tensor))
    return {tensor, 0};
  return {moved(ctx, tensor, /*toUnsigned=*/true), 128};
}

ByteOperand rightBytes(ExpandContext &ctx, Value tensor) {
  if (!isUnsigned(tensor))
    return {tensor, 0};
  return {moved(ctx, tensor, /*toUnsigned=*/false), -128};
}

/// One zero point for all, or (on the right) one for each column.
static bool isSimple(ExpandContext &ctx, unsigned zeroPoint, std::optional<AffineExpr> columns) {
  if (!ctx.hasInput(zeroPoint))
    return true;
  SmallVector<AffineExpr> sizes = ctx.sizes(zeroPoint);
  if (sizes.empty() || (sizes.size() == 1 && sizes[0] == ctx.constantExpr(1)))
    return true;
  return columns && sizes.size() == 1 && sizes[0] == *columns;
}

/// True where the zero point is not given, or known to be 0.
static bool isZero(ExpandContext &ctx, unsigned zeroPoint) {
  if (!ctx.hasInput(zeroPoint))
    return true;
  std::optional<SmallVector<double>> numbers = ctx.constantNumbers(zeroPoint);
  return numbers && llvm::all_of(*numbers, [](double number) { return number == 0; });
}

bool areBytes(ExpandContext &ctx, const ByteInputs &inputs, AffineExpr columns) {
  auto isByte = [&](unsigned i) {
    auto type = dyn_cast<IntegerType>(ctx.elementType(i));
    return type && type.getWidth() == 8;
  };
  return isByte(inputs.left) && isByte(inputs.right) &&
         isSimple(ctx, inputs.leftZero, std::nullopt) && isSimple(ctx, inputs.rightZero, columns);
}

Value lessZeroPoints(ExpandContext &ctx, const ByteInputs &inputs, const ByteSums &sums) {
  bool leftZero = !isZero(ctx, inputs.leftZero) || sums.leftMoved != 0;
  bool rightZero = !isZero(ctx, inputs.rightZero) || sums.rightMoved != 0;
  if (!leftZero && !rightZero)
    return sums.products;
  auto type = cast<RankedTensorType>(sums.products.getType());
  unsigned rank = type.getRank();
  SmallVector<compute::Operand> operands{{sums.products, {}, {}}};
  auto add = [&](Value tensor, access::MapAttr at) {
    operands.push_back({tensor, at, {}});
    return operands.size() - 1;
  };
  auto zeroPoint = [&](unsigned input) -> size_t {
    if (isZero(ctx, input))
      return 0;
    SmallVector<AffineExpr> own = ctx.sizes(input), at;
    if (own.size() == 1)
      at.push_back(own[0] == ctx.constantExpr(1) ? ctx.expr(0) : ctx.dim(sums.column));
    return add(ctx.input(input), ctx.access(rank, at));
  };
  size_t zeroA = zeroPoint(inputs.leftZero), zeroB = zeroPoint(inputs.rightZero), sumA = 0,
         sumB = 0;
  if (leftZero)
    sumB = add(sums.rightSums(), ctx.access(rank, ctx.dim(sums.column)));
  if (rightZero) {
    auto [tensor, at] = sums.leftSums();
    sumA = add(tensor, at);
  }
  Type i32 = type.getElementType();
  Type typeA = ctx.elementType(inputs.left), typeB = ctx.elementType(inputs.right);
  return mapThrough(ctx, type, operands, [=](const RegionBuilder &r, ArrayRef<Value> v) {
    auto zero = [&](size_t operand, Type from, int64_t moved) {
      Value offset = r.integer(i32, moved);
      return operand ? r.add(r.convert(v[operand], from, i32), offset) : offset;
    };
    Value x = zero(zeroA, typeA, sums.leftMoved), y = zero(zeroB, typeB, sums.rightMoved);
    Value sum = v[0];
    if (sumB)
      sum = r.sub(sum, r.mul(x, v[sumB]));
    if (sumA)
      sum = r.sub(sum, r.mul(y, v[sumA]));
    return sumA && sumB ? r.add(sum, r.mul(r.mul(x, y), r.integer(i32, sums.depth))) : sum;
  });
}

Value byteProduct(ExpandContext &ctx, const ByteInputs &inputs) {
  SmallVector<AffineExpr> a = ctx.sizes(inputs.left), b = ctx.sizes(inputs.right);
  if (a.size() < 2 || b.size() != 2 || !isa<AffineConstantExpr>(b[0]) ||
      !areBytes(ctx, inputs, b[1]))
    return {};
  MLIRContext *context = ctx.getContext();
  Type i32 = IntegerType::get(context, 32);
  ByteOperand left = leftBytes(ctx, ctx.input(inputs.left)),
              right = rightBytes(ctx, ctx.input(inputs.right));
  SmallVector<AffineExpr> sizes = extent::sizesOf(ctx.resultType(0));
  unsigned rank = sizes.size();
  SmallVector<AffineExpr> leftAt, rightAt{ctx.dim(rank), ctx.dim(rank - 1)};
  for (unsigned dim = 0; dim + 1 < rank; ++dim)
    leftAt.push_back(ctx.dim(dim));
  SmallVector<AffineExpr> rowAt = leftAt;
  leftAt.push_back(ctx.dim(rank));
  ByteSums sums;
  sums.products = compute::ContractOp::create(
      ctx.getBuilder(), ctx.getLoc(), extent::tensorType(sizes, i32), left.tensor, right.tensor,
      ctx.access(rank + 1, leftAt), ctx.access(rank + 1, rightAt),
      extent::sizesMap(context, ArrayRef(b).take_front()));
  sums.column = rank - 1;
  sums.leftMoved = left.moved, sums.rightMoved = right.moved;
  sums.depth = cast<AffineConstantExpr>(b[0]).getValue();
  auto sumOver = [&ctx, i32](Value bytes, ArrayRef<AffineExpr> own, int64_t axis) {
    Type from = cast<RankedTensorType>(bytes.getType()).getElementType();
    return foldAxes(
        ctx, bytes, own, {axis}, /*keepDims=*/false, compute::Combiner::Add, i32,
        [=](const RegionBuilder &r, ArrayRef<Value> v) { return r.convert(v[0], from, i32); });
  };
  sums.rightSums = [&] { return sumOver(right.tensor, b, 0); };
  sums.leftSums = [&] {
    return std::pair(sumOver(left.tensor, a, a.size() - 1), ctx.access(rank, rowAt));
  };
  return lessZeroPoints(ctx, inputs, sums);
}

} // namespace longtail::operators
