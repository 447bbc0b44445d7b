// Rules that several groups of pointwise operators share.
#pragma once
#include "compiler/Operators/Registry.h"
#include "compiler/Operators/Scalar.h"

namespace longtail::operators {

/// A value computed from the (widened) elements of the operands; `type` is the element type of the
/// first operand, which carries the sign.
using ElementBody =
    llvm::function_ref<mlir::Value(const Scalar &, mlir::ValueRange, mlir::Type type)>;

/// Result 0 has the type and sizes of operand 0.
mlir::LogicalResult inferSame(InferContext &context);
/// The same for floating-point operands only.
mlir::LogicalResult inferSameFloat(InferContext &context);
/// Result 0 has the broadcast sizes of the given operands.
mlir::LogicalResult inferBroadcast(InferContext &context, mlir::Type elementType);
/// All operands have one element type, which `accepts` holds for; `what` names those types.
mlir::LogicalResult requireTypes(InferContext &context, bool (*accepts)(mlir::Type),
                                 llvm::StringRef what);

/// Sets result 0 to a pointwise map of `operands`. f16 and bf16 are computed in f32.
mlir::LogicalResult expandPointwise(ExpandContext &context, llvm::ArrayRef<mlir::Value> operands,
                                    ElementBody body);
/// The same with all operands of the node.
mlir::LogicalResult expandPointwise(ExpandContext &context, ElementBody body);

/// The operands of a binary operator; where version 6 and earlier align the second one at an axis,
/// it is reshaped to the first one's rank.
llvm::SmallVector<mlir::AffineExpr> alignedSizes(InferContext &context, unsigned i);

void registerUnary(Registry &registry);
void registerArithmetic(Registry &registry);
void registerComparison(Registry &registry);

} // namespace longtail::operators
