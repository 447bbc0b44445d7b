// Scalar code of regions, and folds over dimensions: what reductions, normalizations, pooling and
// resizing are written with.
#pragma once
#include "compiler/Operators/Registry.h"
#include "compiler/Operators/Scalar.h"

namespace longtail::operators {

/// The type in which numbers of `elementType` are computed and summed: f32 for the shorter
/// floating-point types, the compute type otherwise.
mlir::Type accumulatorType(mlir::Type elementType);

/// Scalar code that also knows positions and sizes. Both operands of an operation have one type;
/// integer operations that depend on the sign take the element type of the model, which carries it.
class RegionBuilder : public Scalar {
public:
  using Scalar::Scalar;

  mlir::Value number(mlir::Type type, double value) const { return constant(type, value); }
  /// The position in dimension `dim` of the domain, as an index.
  mlir::Value position(unsigned dim) const;
  /// A size as an index.
  mlir::Value size(mlir::AffineExpr expr) const;
  mlir::Value indexConstant(int64_t value) const { return index(value); }
  /// An index as a number of `type`. For f32 it is below 2^31.
  mlir::Value fromIndex(mlir::Value index, mlir::Type type) const;
  mlir::Value toIndex(mlir::Value integer) const;

  /// A quotient; of integers that of `elementType`, rounded toward 0.
  mlir::Value div(mlir::Value a, mlir::Value b, mlir::Type elementType = {}) const;
  mlir::Value abs(mlir::Value a, mlir::Type elementType) const;
  mlir::Value sqrt(mlir::Value a) const { return make<mlir::math::SqrtOp>(a); }
  mlir::Value exp(mlir::Value a) const { return make<mlir::math::ExpOp>(a); }
  mlir::Value log(mlir::Value a) const { return make<mlir::math::LogOp>(a); }
  mlir::Value floor(mlir::Value a) const { return make<mlir::math::FloorOp>(a); }
  /// `a` to a constant power; small and quarter powers need no logarithm. `a` is not negative.
  mlir::Value power(mlir::Value a, double exponent) const;
  mlir::Value compare(mlir::arith::CmpFPredicate predicate, mlir::Value a, mlir::Value b) const {
    return cmpF(predicate, a, b);
  }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a, mlir::Value b) const {
    return cmpI(predicate, a, b);
  }
  /// Equal, or for floating-point numbers: `a` is NaN.
  mlir::Value equalOrNan(mlir::Value a, mlir::Value b) const;
  /// The neutral element of `combiner`.
  mlir::Value identity(compute::Combiner combiner, mlir::Type type) const;

  /// A floating-point number as another floating-point type, wider or shorter.
  mlir::Value narrow(mlir::Value value, mlir::Type type) const {
    return convert(value, value.getType(), type);
  }
  /// A number of `elementType` as a floating-point number of `type`.
  mlir::Value toFloat(mlir::Value element, mlir::Type elementType, mlir::Type type) const {
    return convert(element, elementType, type);
  }
  /// A floating-point number as a number of `elementType`; integers truncate.
  mlir::Value fromFloat(mlir::Value value, mlir::Type elementType) const {
    return convert(value, value.getType(), elementType);
  }
};

using ScalarBody =
    llvm::function_ref<mlir::Value(const RegionBuilder &, llvm::ArrayRef<mlir::Value>)>;

/// The extents of `axes` of `sizes`, multiplied.
mlir::AffineExpr productOf(const InferContext &ctx, llvm::ArrayRef<mlir::AffineExpr> sizes,
                           llvm::ArrayRef<int64_t> axes);

/// A size as a number of `type` inside a region.
mlir::Value sizeAsNumber(const RegionBuilder &b, mlir::AffineExpr size, mlir::Type type);

/// Folds `body` of the elements of `operands`, which broadcast to `sizes`, over the dimensions
/// `axes`; these have size 1 in the result, or are gone where `keepDims` is false. Without axes
/// this is a map.
mlir::Value foldAxes(ExpandContext &ctx, llvm::ArrayRef<mlir::Value> operands,
                     llvm::ArrayRef<mlir::AffineExpr> sizes, llvm::ArrayRef<int64_t> axes,
                     bool keepDims, compute::Combiner combiner, mlir::Type elementType,
                     ScalarBody body);

/// A pointwise map of one result to a tensor of `sizes`; operands broadcast.
mlir::Value mapOver(ExpandContext &ctx, llvm::ArrayRef<mlir::AffineExpr> sizes,
                    mlir::Type elementType, llvm::ArrayRef<mlir::Value> operands, ScalarBody body);

/// A map of operands with accesses of their own.
mlir::Value mapThrough(ExpandContext &ctx, mlir::RankedTensorType type,
                       llvm::ArrayRef<compute::Operand> operands, ScalarBody body);

/// Reports an input that is not of f16, bf16, f32 or f64.
mlir::LogicalResult requireFloat(InferContext &ctx, unsigned input, llvm::StringRef name);
/// Reports an input that is not a number (or, where `allowBool`, a bool).
mlir::LogicalResult requireNumber(InferContext &ctx, unsigned input, llvm::StringRef name,
                                  bool allowBool = false);
/// Reports inputs whose element types differ.
mlir::LogicalResult requireSameType(InferContext &ctx, unsigned input, unsigned other,
                                    llvm::StringRef name, llvm::StringRef otherName);
/// Requires two sizes to be equal, now or at run time; `what` names both for the message.
mlir::LogicalResult requireEqualSizes(InferContext &ctx, mlir::AffineExpr a, mlir::AffineExpr b,
                                      const llvm::Twine &what);
/// Requires input `input` to broadcast to `sizes` (their last dimensions) without changing them.
mlir::LogicalResult requireBroadcastsTo(InferContext &ctx, unsigned input, llvm::StringRef name,
                                        llvm::ArrayRef<mlir::AffineExpr> sizes);
/// Requires a vector of `size` elements.
mlir::LogicalResult requireVector(InferContext &ctx, unsigned input, llvm::StringRef name,
                                  mlir::AffineExpr size);

} // namespace longtail::operators
