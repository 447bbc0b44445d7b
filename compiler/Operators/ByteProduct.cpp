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

Value byteProduct(ExpandContext &ctx) {
  auto isByte = [&](unsigned i) {
    auto type = dyn_cast<IntegerType>(ctx.elementType(i));
    return type && type.getWidth() == 8;
  };
  SmallVector<AffineExpr> a = ctx.sizes(0), b = ctx.sizes(1);
  if (!isByte(0) || !isByte(1) || a.size() < 2 || b.size() != 2 || !isa<AffineConstantExpr>(b[0]) ||
      !isSimple(ctx, 2, std::nullopt) || !isSimple(ctx, 3, b[1]))
    return {};
  int64_t depth = cast<AffineConstantExpr>(b[0]).getValue();
  MLIRContext *context = ctx.getContext();
  Type i32 = IntegerType::get(context, 32);
  ByteOperand left = leftBytes(ctx, ctx.input(0)), right = rightBytes(ctx, ctx.input(1));
  RankedTensorType type = ctx.resultType(0);
  SmallVector<AffineExpr> sizes = extent::sizesOf(type);
  unsigned rank = sizes.size();
  SmallVector<AffineExpr> leftAt, rightAt{ctx.dim(rank), ctx.dim(rank - 1)};
  for (unsigned dim = 0; dim + 1 < rank; ++dim)
    leftAt.push_back(ctx.dim(dim));
  leftAt.push_back(ctx.dim(rank));
  Value product = compute::ContractOp::create(
      ctx.getBuilder(), ctx.getLoc(), extent::tensorType(sizes, i32), left.tensor, right.tensor,
      ctx.access(rank + 1, leftAt), ctx.access(rank + 1, rightAt),
      extent::sizesMap(context, ArrayRef(b).take_front()));

  bool leftZero = ctx.hasInput(2) || left.moved != 0;
  bool rightZero = ctx.hasInput(3) || right.moved != 0;
  if (!leftZero && !rightZero)
    return product;
  auto sumOver = [&](Value bytes, ArrayRef<AffineExpr> own, int64_t axis) {
    Type from = cast<RankedTensorType>(bytes.getType()).getElementType();
    return foldAxes(
        ctx, bytes, own, {axis}, /*keepDims=*/false, compute::Combiner::Add, i32,
        [=](const RegionBuilder &r, ArrayRef<Value> v) { return r.convert(v[0], from, i32); });
  };
  SmallVector<compute::Operand> operands{{product, {}, {}}};
  auto add = [&](Value tensor, ArrayRef<AffineExpr> at) {
    operands.push_back({tensor, ctx.access(rank, at), {}});
    return operands.size() - 1;
  };
  auto zeroPoint = [&](unsigned input) -> size_t {
    if (!ctx.hasInput(input))
      return 0;
    SmallVector<AffineExpr> own = ctx.sizes(input), at;
    if (own.size() == 1)
      at.push_back(own[0] == ctx.constantExpr(1) ? ctx.expr(0) : ctx.dim(rank - 1));
    return add(ctx.input(input), at);
  };
  size_t zeroA = zeroPoint(2), zeroB = zeroPoint(3), sumA = 0, sumB = 0;
  if (leftZero)
    sumB = add(sumOver(right.tensor, b, 0), {ctx.dim(rank - 1)});
  if (rightZero)
    sumA = add(sumOver(left.tensor, a, a.size() - 1), ArrayRef(leftAt).drop_back());
  Type typeA = ctx.elementType(0), typeB = ctx.elementType(1);
  return mapThrough(ctx, extent::tensorType(sizes, i32), operands,
                    [=](const RegionBuilder &r, ArrayRef<Value> v) {
                      auto zero = [&](size_t operand, Type from, int64_t moved) {
                        Value offset = r.integer(i32, moved);
                        return operand ? r.add(r.convert(v[operand], from, i32), offset) : offset;
                      };
                      Value x = zero(zeroA, typeA, left.moved), y = zero(zeroB, typeB, right.moved);
                      Value sum = v[0];
                      if (sumB)
                        sum = r.sub(sum, r.mul(x, v[sumB]));
                      if (sumA)
                        sum = r.sub(sum, r.mul(y, v[sumA]));
                      return sumA && sumB ? r.add(sum, r.mul(r.mul(x, y), r.integer(i32, depth)))
                                          : sum;
                    });
}

} // namespace longtail::operators
