// The extent dialect: what is known about sizes.
#pragma once
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include <limits>

#include "dialects/Extent/IR/ExtentDialect.h.inc"
#include "dialects/Extent/IR/ExtentEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Extent/IR/ExtentAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/Extent/IR/ExtentOps.h.inc"

namespace longtail::extent {

/// The number of arguments of a size function.
unsigned arity(Function function);

/// A map without dimensions that yields `sizes`; it has exactly the symbols up to the last used.
mlir::AffineMap sizesMap(mlir::MLIRContext *context, llvm::ArrayRef<mlir::AffineExpr> sizes);

/// A tensor type with these sizes. Constant sizes become static dimensions; the encoding is there
/// only if some size is not constant.
mlir::RankedTensorType tensorType(llvm::ArrayRef<mlir::AffineExpr> sizes, mlir::Type elementType);

/// The sizes of a tensor. An unencoded dynamic dimension gives a null expression.
llvm::SmallVector<mlir::AffineExpr> sizesOf(mlir::RankedTensorType type);
inline llvm::SmallVector<mlir::AffineExpr> sizesOf(mlir::Value value) {
  return sizesOf(llvm::cast<mlir::RankedTensorType>(value.getType()));
}

/// The number of symbols that a map over `exprs` needs: one more than the last used.
unsigned symbolCount(llvm::ArrayRef<mlir::AffineExpr> exprs);

} // namespace longtail::extent
