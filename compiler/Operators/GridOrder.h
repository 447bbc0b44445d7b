// Orders of elements and sorting, inside a grid.
#pragma once
#include "compiler/Operators/GridBuilder.h"

namespace longtail::operators {

/// Whether `x` comes before `y` in ascending order: by value, NaNs last and equal to one another.
/// Both are elements of `elementType`.
mlir::Value isLess(const GridBuilder &b, mlir::Value x, mlir::Value y, mlir::Type elementType);

/// The position of `wanted` in the first `count` elements of the vector `sorted`, or of the first
/// one that is larger, or `count`.
mlir::Value lowerBound(const GridBuilder &b, mlir::Value sorted, mlir::Value count,
                       mlir::Value wanted);

/// Sorts the first `count` numbers (i64) of the array `order` so that `isBefore(order[i + 1],
/// order[i])` never holds; equal ones keep their order. `isBefore` gets indices. `spare` is another
/// array of that size.
void sortStably(const GridBuilder &b, mlir::Value order, mlir::Value spare, mlir::Value count,
                llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> isBefore);

} // namespace longtail::operators
