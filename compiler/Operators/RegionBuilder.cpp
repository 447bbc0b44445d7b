#include "compiler/Operators/RegionBuilder.h"
#include "compiler/Operators/Elements.h"

using namespace mlir;

namespace longtail::operators {

Type accumulatorType(Type elementType) {
  if (isa<FloatType>(elementType) && elementType.getIntOrFloatBitWidth() < 32)
    return Float32Type::get(elementType.getContext());
  return access::computeType(elementType);
}

//===-- Scalar code ---------------------------------------------------------------------------===//

Value RegionBuilder::position(unsigned dim) const {
  return make<compute::IndexOp>(builder().getIndexType(), dim);
}

Value RegionBuilder::size(AffineExpr expr) const {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return index(constant.getValue());
  return make<extent::SizeOp>(builder().getIndexType(),
                              extent::sizesMap(builder().getContext(), expr));
}

Value RegionBuilder::fromIndex(Value index, Type type) const {
  if (isa<IntegerType>(type))
    return make<arith::IndexCastOp>(type, index);
  // Vector units convert 32-bit integers to f32 and often no wider ones.
  Type integer = type.isF64() ? builder().getI64Type() : builder().getI32Type();
  return make<arith::SIToFPOp>(type, make<arith::IndexCastOp>(integer, index));
}

Value RegionBuilder::toIndex(Value integer) const {
  return make<arith::IndexCastOp>(builder().getIndexType(), integer);
}

Value RegionBuilder::div(Value a, Value b, Type elementType) const {
  if (isa<FloatType>(a.getType()))
    return divF(a, b);
  if (elementType && elementType.isUnsignedInteger())
    return make<arith::DivUIOp>(a, b);
  return make<arith::DivSIOp>(a, b);
}

Value RegionBuilder::abs(Value a, Type elementType) const {
  return elementType.isUnsignedInteger() ? a : absolute(a);
}

Value RegionBuilder::power(Value a, double exponent) const {
  if (exponent == 1)
    return a;
  if (exponent == 2)
    return mul(a, a);
  if (exponent == 3)
    return mul(mul(a, a), a);
  if (exponent == 0.5)
    return sqrt(a);
  if (exponent == 0.75) {
    Value root = sqrt(a);
    return mul(root, sqrt(root));
  }
  return make<math::PowFOp>(a, number(a.getType(), exponent));
}

Value RegionBuilder::equalOrNan(Value a, Value b) const {
  if (!isa<FloatType>(a.getType()))
    return cmpI(arith::CmpIPredicate::eq, a, b);
  return make<arith::OrIOp>(cmpF(arith::CmpFPredicate::OEQ, a, b), isNaN(a));
}

Value RegionBuilder::identity(compute::Combiner combiner, Type type) const {
  return make<arith::ConstantOp>(compute::identityOf(combiner, type));
}

//===-- Folds and maps ------------------------------------------------------------------------===//

AffineExpr productOf(const InferContext &ctx, ArrayRef<AffineExpr> sizes, ArrayRef<int64_t> axes) {
  AffineExpr product = ctx.constantExpr(1);
  for (int64_t axis : axes)
    product = product * sizes[axis];
  return product;
}

Value sizeAsNumber(const RegionBuilder &b, AffineExpr size, Type type) {
  if (auto constant = dyn_cast<AffineConstantExpr>(size))
    return b.number(type, constant.getValue());
  return b.fromIndex(b.size(size), type);
}

Value mapThrough(ExpandContext &ctx, RankedTensorType type, ArrayRef<compute::Operand> operands,
                 ScalarBody body) {
  Location loc = ctx.getLoc();
  return compute::buildMap(ctx.getBuilder(), loc, type, operands,
                           [&](OpBuilder &builder, ValueRange elements) -> SmallVector<Value> {
                             return {
                                 body(RegionBuilder(builder, loc), SmallVector<Value>(elements))};
                           })
      .getResult(0);
}

Value mapOver(ExpandContext &ctx, ArrayRef<AffineExpr> sizes, Type elementType,
              ArrayRef<Value> operands, ScalarBody body) {
  SmallVector<compute::Operand> accessed;
  for (Value operand : operands) {
    SmallVector<AffineExpr> own = extent::sizesOf(operand);
    bool isSame = ArrayRef(own) == sizes;
    accessed.push_back({operand, isSame ? access::MapAttr() : ctx.broadcastAccess(own, sizes), {}});
  }
  return mapThrough(ctx, extent::tensorType(sizes, elementType), accessed, body);
}

Value foldAxes(ExpandContext &ctx, ArrayRef<Value> operands, ArrayRef<AffineExpr> sizes,
               ArrayRef<int64_t> axes, bool keepDims, compute::Combiner combiner, Type elementType,
               ScalarBody body) {
  if (axes.empty())
    return mapOver(ctx, sizes, elementType, operands, body);

  SmallVector<AffineExpr> kept, extents, dims(sizes.size());
  unsigned resultRank = keepDims ? sizes.size() : sizes.size() - axes.size();
  for (auto [dim, size] : llvm::enumerate(sizes)) {
    if (llvm::is_contained(axes, static_cast<int64_t>(dim))) {
      dims[dim] = ctx.dim(resultRank + extents.size());
      extents.push_back(size);
      if (keepDims)
        kept.push_back(ctx.expr(1));
    } else {
      dims[dim] = ctx.dim(kept.size());
      kept.push_back(size);
    }
  }
  SmallVector<compute::Operand> accessed;
  for (Value operand : operands) {
    AffineMap map = ctx.broadcastAccess(extent::sizesOf(operand), sizes).getMap();
    SmallVector<AffineExpr> indices;
    for (AffineExpr index : map.getResults())
      indices.push_back(index.replaceDims(dims));
    accessed.push_back({operand, ctx.access(resultRank + extents.size(), indices), {}});
  }
  Location loc = ctx.getLoc();
  return compute::buildReduce(
             ctx.getBuilder(), loc, extent::tensorType(kept, elementType), combiner, extents,
             accessed,
             [&](OpBuilder &builder, ValueRange elements) -> SmallVector<Value> {
               return {body(RegionBuilder(builder, loc), SmallVector<Value>(elements))};
             })
      .getOutput();
}

//===-- Requirements --------------------------------------------------------------------------===//

LogicalResult requireFloat(InferContext &ctx, unsigned input, StringRef name) {
  if (isComputeFloat(ctx.elementType(input)))
    return success();
  return ctx.error() << "input '" << name << "' has elements of type " << ctx.elementType(input)
                     << ", expected f16, bf16, f32 or f64";
}

LogicalResult requireNumber(InferContext &ctx, unsigned input, StringRef name, bool allowBool) {
  Type type = ctx.elementType(input);
  if (isComputeFloat(type) || (isa<IntegerType>(type) && (allowBool || !type.isInteger(1))))
    return success();
  return ctx.error() << "input '" << name << "' has elements of type " << type
                     << ", expected numbers" << (allowBool ? " or bools" : "");
}

LogicalResult requireSameType(InferContext &ctx, unsigned input, unsigned other, StringRef name,
                              StringRef otherName) {
  if (ctx.elementType(input) == ctx.elementType(other))
    return success();
  return ctx.error() << "inputs '" << name << "' and '" << otherName << "' have elements of types "
                     << ctx.elementType(input) << " and " << ctx.elementType(other);
}

LogicalResult requireEqualSizes(InferContext &ctx, AffineExpr a, AffineExpr b, const Twine &what) {
  std::string message = (Twine("'") + ctx.getNode().getNodeName() + "' (" +
                         ctx.getNode().getOpType() + "): " + what + " differ")
                            .str();
  if (succeeded(ctx.getSymbols().requireEqual(a, b, message)))
    return success();
  InFlightDiagnostic diagnostic = ctx.error();
  diagnostic << what.str() << " differ";
  if (auto x = dyn_cast<AffineConstantExpr>(a))
    if (auto y = dyn_cast<AffineConstantExpr>(b))
      diagnostic << ": " << x.getValue() << " and " << y.getValue();
  return diagnostic;
}

LogicalResult requireBroadcastsTo(InferContext &ctx, unsigned input, StringRef name,
                                  ArrayRef<AffineExpr> sizes) {
  SmallVector<AffineExpr> own = ctx.sizes(input);
  if (own.size() > sizes.size())
    return ctx.error() << "input '" << name << "' has " << own.size()
                       << " dimensions, expected at most " << sizes.size();
  extent::SymbolTable &symbols = ctx.getSymbols();
  for (auto [dim, size] : llvm::enumerate(own)) {
    AffineExpr to = sizes[sizes.size() - own.size() + dim];
    AffineExpr isOne = symbols.derive(extent::Function::Equal, {size, ctx.constantExpr(1)});
    if (!isa<AffineConstantExpr>(size)) // the factor of ExpandContext::broadcastAccess
      symbols.derive(extent::Function::Less, {ctx.constantExpr(1), size});
    AffineExpr broadcast = symbols.derive(extent::Function::Select, {isOne, to, size});
    if (failed(requireEqualSizes(ctx, broadcast, to,
                                 "the size of input '" + name + "' in dimension " + Twine(dim) +
                                     " and the size that it broadcasts to")))
      return failure();
  }
  return success();
}

LogicalResult requireVector(InferContext &ctx, unsigned input, StringRef name, AffineExpr size) {
  if (ctx.rank(input) != 1)
    return ctx.error() << "input '" << name << "' has " << ctx.rank(input)
                       << " dimensions, expected 1";
  return requireEqualSizes(ctx, ctx.sizes(input)[0], size,
                           "the size of input '" + name + "' and the number of channels");
}

} // namespace longtail::operators
