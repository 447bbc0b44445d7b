// Counting and placing the elements that a condition selects, in parallel blocks.
#pragma once
#include "compiler/Operators/GridBuilder.h"

namespace longtail::operators {

/// How many of the first `limit` elements of a vector each block counts.
inline constexpr int64_t kCompactionBlock = 4096;

/// The type of what `startsOf` gives for `limit` elements.
mlir::RankedTensorType startsType(const InferContext &ctx, mlir::AffineExpr limit);

/// Element 0 is the number of elements of `vector` below `limit` that are not 0, element 1 + i how
/// many of them precede block i.
mlir::Value startsOf(ExpandContext &ctx, mlir::Value vector, mlir::AffineExpr limit);

/// Element 0 is the sum of `counts`, element 1 + i that of the first i.
mlir::Value prefixSums(ExpandContext &ctx, mlir::Value counts);

/// A tensor with one column for each element of `vector` below `limit` that is not 0, in order.
/// `write` stores the column number `column` for the element at `position`.
mlir::Value compact(ExpandContext &ctx, mlir::Value vector, mlir::AffineExpr limit,
                    mlir::Value starts, mlir::RankedTensorType result,
                    llvm::function_ref<void(const GridBuilder &, mlir::Value position,
                                            mlir::Value column, mlir::Value place)>
                        write);

} // namespace longtail::operators
