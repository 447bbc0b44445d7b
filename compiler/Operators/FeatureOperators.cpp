// ai.onnx.ml Binarizer and ArrayFeatureExtractor.
#include "compiler/Operators/Elementwise.h"
#include "compiler/Operators/RegionBuilder.h"
#include "compiler/Operators/SizeProduct.h"

using namespace mlir;

namespace longtail::operators {
namespace {

//===-- Binarizer -----------------------------------------------------------------------------===//

LogicalResult inferBinarizer(InferContext &ctx) {
  if (failed(requireNumber(ctx, 0, "X")))
    return failure();
  return inferSame(ctx);
}

LogicalResult expandBinarizer(ExpandContext &ctx) {
  float threshold = ctx.getFloat("threshold", 0);
  Type element = ctx.elementType(0);
  ctx.setValue(0, mapOver(ctx, ctx.sizes(0), element, ctx.input(0),
                          [&](const RegionBuilder &b, ArrayRef<Value> x) {
                            // Integers are compared as f64, because the threshold may lie between.
                            Type wide = element.isF64() || isa<IntegerType>(element)
                                            ? Type(b.builder().getF64Type())
                                            : Type(b.builder().getF32Type());
                            Value isMore =
                                b.cmpF(arith::CmpFPredicate::OGT, b.toFloat(x[0], element, wide),
                                       b.number(wide, threshold));
                            Type type = access::computeType(element);
                            return b.select(isMore, b.number(type, 1), b.number(type, 0));
                          }));
  return success();
}

//===-- ArrayFeatureExtractor -----------------------------------------------------------------===//

LogicalResult inferExtractor(InferContext &ctx) {
  if (!ctx.elementType(1).isInteger(64))
    return ctx.error() << "input 1 (Y) has elements of " << ctx.elementType(1) << ", expected i64";
  if (ctx.rank(0) == 0)
    return ctx.error() << "input 0 (X) needs a dimension to extract from";
  SmallVector<AffineExpr> sizes = ctx.sizes(0);
  if (sizes.size() == 1)
    sizes.insert(sizes.begin(), ctx.constantExpr(1));
  sizes.back() = SizeProduct(ctx.getContext(), ctx.sizes(1)).expr();
  ctx.setResult(0, ctx.elementType(0), sizes);
  return success();
}

LogicalResult expandExtractor(ExpandContext &ctx) {
  RankedTensorType result = ctx.resultType(0);
  SmallVector<AffineExpr> sizes = extent::sizesOf(result);
  unsigned last = sizes.size() - 1;
  bool isVector = ctx.rank(0) == 1;
  Value positions = ctx.reshape(ctx.input(1), sizes[last]);
  compute::Operand operand{positions, ctx.access(sizes.size(), ctx.dim(last)), {}};
  Value source = ctx.input(0);
  ctx.setValue(0, mapThrough(ctx, result, operand, [&](const RegionBuilder &b, ArrayRef<Value> v) {
                 SmallVector<Value> indices;
                 for (unsigned dim = isVector; dim < last; ++dim)
                   indices.push_back(b.position(dim));
                 indices.push_back(b.toIndex(v[0]));
                 return b.make<access::LoadOp>(access::computeType(result.getElementType()), source,
                                               indices, /*checked=*/true);
               }));
  return success();
}

} // namespace

void registerFeatureOperators(Registry &registry) {
  registry.add({"ai.onnx.ml", "Binarizer", 1, inferBinarizer, expandBinarizer});
  registry.add({"ai.onnx.ml", "ArrayFeatureExtractor", 1, inferExtractor, expandExtractor, 2,
                /*takesText=*/true});
}

} // namespace longtail::operators
