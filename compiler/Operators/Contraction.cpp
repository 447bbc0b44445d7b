// MatMul, MatMulInteger and Gemm.
#include "compiler/Operators/Contraction.h"
#include "compiler/Operators/ByteProduct.h"
#include "compiler/Operators/ZeroPoint.h"

using namespace mlir;

namespace longtail::operators {
namespace {

/// `lhs x rhs` in the sum's type; shorter floating-point types are summed in f32.
Value contract(ExpandContext &ctx, Value lhs, access::MapAttr lhsMap, Value rhs,
               access::MapAttr rhsMap, ArrayRef<AffineExpr> sizes, AffineExpr depth) {
  Type element = cast<RankedTensorType>(lhs.getType()).getElementType();
  Type sum = isa<IntegerType>(element) ? element : accumulatorType(element);
  return compute::ContractOp::create(ctx.getBuilder(), ctx.getLoc(), extent::tensorType(sizes, sum),
                                     lhs, rhs, lhsMap, rhsMap,
                                     extent::sizesMap(ctx.getContext(), depth));
}

/// The sizes of an operand as [batch..., rows, columns]: vectors get a 1.
SmallVector<AffineExpr> matrixSizes(ArrayRef<AffineExpr> own, bool isLeft) {
  SmallVector<AffineExpr> sizes(own);
  if (sizes.size() == 1) {
    AffineExpr one = getAffineConstantExpr(1, sizes[0].getContext());
    sizes.insert(isLeft ? sizes.begin() : sizes.end(), one);
  }
  return sizes;
}

} // namespace

FailureOr<SmallVector<AffineExpr>> matrixProductSizes(InferContext &ctx, unsigned a, unsigned b) {
  for (auto [input, name] : {std::pair(a, "A"), {b, "B"}})
    if (ctx.rank(input) == 0)
      return ctx.error() << "input '" << name << "' is a scalar, expected a matrix";
  SmallVector<AffineExpr> lhs = matrixSizes(ctx.sizes(a), true);
  SmallVector<AffineExpr> rhs = matrixSizes(ctx.sizes(b), false);
  if (failed(requireEqualSizes(ctx, lhs.back(), rhs[rhs.size() - 2],
                               "the columns of 'A' and the rows of 'B'")))
    return failure();
  FailureOr<SmallVector<AffineExpr>> sizes =
      ctx.broadcast(ArrayRef(lhs).drop_back(2), ArrayRef(rhs).drop_back(2));
  if (failed(sizes))
    return failure();
  if (ctx.rank(a) > 1)
    sizes->push_back(lhs[lhs.size() - 2]);
  if (ctx.rank(b) > 1)
    sizes->push_back(rhs.back());
  return sizes;
}

Value matrixProduct(ExpandContext &ctx, Value lhs, Value rhs, ArrayRef<AffineExpr> sizes) {
  SmallVector<AffineExpr> ownA = extent::sizesOf(lhs), ownB = extent::sizesOf(rhs);
  SmallVector<AffineExpr> a = matrixSizes(ownA, true), b = matrixSizes(ownB, false);
  bool hasRow = ownA.size() > 1, hasColumn = ownB.size() > 1;
  unsigned batches = sizes.size() - hasRow - hasColumn, depth = sizes.size();
  ArrayRef<AffineExpr> batchSizes = sizes.take_front(batches);

  auto batchIndices = [&](ArrayRef<AffineExpr> own) {
    return llvm::to_vector(ctx.broadcastAccess(own.drop_back(2), batchSizes).getMap().getResults());
  };
  SmallVector<AffineExpr> lhsIndices = batchIndices(a), rhsIndices = batchIndices(b);
  if (hasRow)
    lhsIndices.push_back(ctx.dim(batches));
  lhsIndices.push_back(ctx.dim(depth));
  rhsIndices.push_back(ctx.dim(depth));
  if (hasColumn)
    rhsIndices.push_back(ctx.dim(batches + hasRow));
  return contract(ctx, lhs, ctx.access(depth + 1, lhsIndices), rhs,
                  ctx.access(depth + 1, rhsIndices), sizes, a.back());
}

int64_t quantizedDim(InferContext &ctx, unsigned input, bool isLeft) {
  int64_t rank = ctx.rank(input);
  return rank < 2 ? 0 : isLeft ? rank - 2 : rank - 1;
}

namespace {

//===-- MatMul --------------------------------------------------------------------------------===//

LogicalResult inferMatMul(InferContext &ctx) {
  bool isInteger = ctx.getNode().getOpType() == "MatMulInteger";
  if (failed(requireNumber(ctx, 0, "A")) || failed(requireNumber(ctx, 1, "B")))
    return failure();
  if (!isInteger && failed(requireSameType(ctx, 0, 1, "A", "B")))
    return failure();
  if (isInteger && (failed(inferZeroPoint(ctx, 0, 2, "a_zero_point", quantizedDim(ctx, 0, true))) ||
                    failed(inferZeroPoint(ctx, 1, 3, "b_zero_point", quantizedDim(ctx, 1, false)))))
    return failure();
  FailureOr<SmallVector<AffineExpr>> sizes = matrixProductSizes(ctx, 0, 1);
  if (failed(sizes))
    return failure();
  ctx.setResult(0, isInteger ? Type(IntegerType::get(ctx.getContext(), 32)) : ctx.elementType(0),
                *sizes);
  return success();
}

LogicalResult expandMatMul(ExpandContext &ctx) {
  Value lhs = ctx.input(0), rhs = ctx.input(1);
  if (ctx.getNode().getOpType() == "MatMulInteger") {
    if (Value product = byteProduct(ctx)) {
      ctx.setValue(0, product);
      return success();
    }
    lhs = withoutZeroPoint(ctx, 0, 2, quantizedDim(ctx, 0, true));
    rhs = withoutZeroPoint(ctx, 1, 3, quantizedDim(ctx, 1, false));
  }
  Value product = matrixProduct(ctx, lhs, rhs, extent::sizesOf(ctx.resultType(0)));
  ctx.setValue(0, ctx.castTo(product, ctx.resultType(0).getElementType()));
  return success();
}

//===-- Gemm ----------------------------------------------------------------------------------===//

LogicalResult inferGemm(InferContext &ctx) {
  for (unsigned input : {0, 1})
    if (ctx.rank(input) != 2)
      return ctx.error() << "input '" << (input ? "B" : "A") << "' has " << ctx.rank(input)
                         << " dimensions, expected 2";
  if (failed(requireNumber(ctx, 0, "A")) || failed(requireSameType(ctx, 0, 1, "A", "B")))
    return failure();
  SmallVector<AffineExpr> a = ctx.sizes(0), b = ctx.sizes(1);
  bool transA = ctx.getInt("transA", 0) != 0, transB = ctx.getInt("transB", 0) != 0;
  if (failed(requireEqualSizes(ctx, a[!transA], b[transB],
                               "the columns of 'A' and the rows of 'B' (after transposition)")))
    return failure();
  SmallVector<AffineExpr> sizes{a[transA], b[!transB]};
  if (ctx.hasInput(2)) {
    if (failed(requireSameType(ctx, 0, 2, "A", "C")))
      return failure();
    if (failed(requireBroadcastsTo(ctx, 2, "C", sizes)))
      return failure();
  }
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

LogicalResult expandGemm(ExpandContext &ctx) {
  SmallVector<AffineExpr> sizes = extent::sizesOf(ctx.resultType(0)), a = ctx.sizes(0);
  bool transA = ctx.getInt("transA", 0) != 0, transB = ctx.getInt("transB", 0) != 0;
  AffineExpr m = ctx.dim(0), n = ctx.dim(1), k = ctx.dim(2);
  SmallVector<AffineExpr> lhs{m, k}, rhs{k, n};
  if (transA)
    std::swap(lhs[0], lhs[1]);
  if (transB)
    std::swap(rhs[0], rhs[1]);
  Value sum = contract(ctx, ctx.input(0), ctx.access(3, lhs), ctx.input(1), ctx.access(3, rhs),
                       sizes, a[!transA]);

  Type element = ctx.elementType(0);
  double alpha = ctx.getFloat("alpha", 1), beta = ctx.getFloat("beta", 1);
  bool hasC = ctx.hasInput(2) && beta != 0;
  if (alpha == 1 && !hasC) {
    ctx.setValue(0, ctx.castTo(sum, element));
    return success();
  }
  // Integers scaled by a fraction are computed in f64 and truncated.
  bool isExact = isa<FloatType>(element) || (alpha == 1 && (!hasC || beta == 1));
  Type sumElement = cast<RankedTensorType>(sum.getType()).getElementType();
  Type work = isExact ? access::computeType(sumElement) : Type(Float64Type::get(ctx.getContext()));
  SmallVector<Value> operands{sum};
  if (hasC)
    operands.push_back(ctx.input(2));
  Value result = mapOver(ctx, sizes, element, operands,
                         [&](const RegionBuilder &b, ArrayRef<Value> v) -> Value {
                           auto load = [&](Value value, Type type) {
                             return isa<FloatType>(work) ? b.toFloat(value, type, work) : value;
                           };
                           Value x = load(v[0], sumElement);
                           if (alpha != 1)
                             x = b.mul(x, b.number(work, alpha));
                           if (hasC) {
                             Value c = load(v[1], element);
                             x = b.add(x, beta == 1 ? c : b.mul(c, b.number(work, beta)));
                           }
                           return isa<FloatType>(work) ? b.fromFloat(x, element) : x;
                         });
  ctx.setValue(0, result);
  return success();
}

} // namespace

void registerContraction(Registry &registry) {
  registry.add({"", "MatMul", 1, inferMatMul, expandMatMul, 2});
  registry.add({"", "MatMulInteger", 10, inferMatMul, expandMatMul, 2});
  registry.add({"", "Gemm", 1, inferGemm, expandGemm, 3});
  registry.add({"", "Gemm", 11, inferGemm, expandGemm, 2});
}

} // namespace longtail::operators
