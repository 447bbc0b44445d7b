// Constants of a model as numbers, and ONNX's numbering of element types.
#pragma once
#include "dialects/Graph/IR/Graph.h"
#include <optional>

namespace longtail::operators {

/// The elements behind `value`: a `graph.constant` or a Constant node, through Identity. Null if
/// there is none or it holds strings.
mlir::ElementsAttr constantOf(mlir::Value value);

/// All elements in row-major order; nothing where they are not integers or bools of up to 64 bits.
/// Unsigned 64-bit values above the signed range wrap.
std::optional<llvm::SmallVector<int64_t>> readInts(mlir::ElementsAttr elements);
/// All elements in row-major order as doubles, whatever their numeric type; f16, bf16 and the 8-bit
/// types are exact.
std::optional<llvm::SmallVector<double>> readNumbers(mlir::ElementsAttr elements);

/// A dense constant of `type` (integers or bools).
mlir::DenseElementsAttr denseInts(mlir::RankedTensorType type, llvm::ArrayRef<int64_t> values);
/// A dense constant of `type` (floating-point), each value rounded to the nearest.
mlir::DenseElementsAttr denseNumbers(mlir::RankedTensorType type, llvm::ArrayRef<double> values);
/// `value` as an attribute of the compute type of `elementType`, rounded or truncated.
mlir::TypedAttr scalarAttr(mlir::Type elementType, double value);

/// A new node of ONNX's own domain (version 13, where all of the operators that rewrites use mean
/// what they mean now) with one result of `type`.
mlir::Value addNode(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef op,
                    mlir::ValueRange inputs, mlir::Type type,
                    llvm::ArrayRef<mlir::NamedAttribute> attributes = {});

/// The element type that ONNX numbers `dataType`, or null where there is none here (complex).
mlir::Type elementTypeOf(mlir::MLIRContext *context, int64_t dataType);
/// ONNX's number of an element type.
int64_t elementTypeNumber(mlir::Type type);

/// True for integers other than i1 and for floating-point numbers.
inline bool isNumber(mlir::Type type) { return type.isIntOrFloat() && !type.isInteger(1); }
inline bool isFloat(mlir::Type type) { return llvm::isa<mlir::FloatType>(type); }
/// True for the floating-point types that regions compute in or widen from.
inline bool isComputeFloat(mlir::Type type) {
  return type.isF16() || type.isBF16() || type.isF32() || type.isF64();
}

} // namespace longtail::operators
