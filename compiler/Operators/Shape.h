// What operators that only move elements share: axes, slices and sizes that may be known only when
// the model runs. All expressions fold to constants where the model gives constants.
#pragma once
#include "compiler/Operators/Registry.h"

namespace longtail::operators {

/// The axes that attribute `name` or input `input` lists, counted from the front; nothing where
/// neither is given. Axes that are not known now are symbols read at run time.
mlir::FailureOr<std::optional<llvm::SmallVector<mlir::AffineExpr>>>
axesOf(InferContext &context, llvm::StringRef name, unsigned input, int64_t rank);

/// 1 where dimension `dim` is one of `axes`, else 0.
mlir::AffineExpr isAxis(InferContext &context, llvm::ArrayRef<mlir::AffineExpr> axes, int64_t dim);
/// The entry of `values` whose axis is `dim`, else `otherwise`.
mlir::AffineExpr valueAt(InferContext &context, llvm::ArrayRef<mlir::AffineExpr> axes,
                         llvm::ArrayRef<mlir::AffineExpr> values, int64_t dim,
                         mlir::AffineExpr otherwise);

/// The integers of attribute `name` or input `input` (symbols within [min, max] where they are not
/// known now); nothing where neither is given.
mlir::FailureOr<std::optional<llvm::SmallVector<mlir::AffineExpr>>>
intsOf(InferContext &context, llvm::StringRef name, unsigned input, int64_t min, int64_t max);

/// The one integer of input `input`, which messages call `name`; a symbol within [min, max] where
/// it is not known now. A list of unknown length must turn out to hold one. For inference.
mlir::FailureOr<mlir::AffineExpr> integerOf(InferContext &context, unsigned input,
                                            llvm::StringRef name, int64_t min, int64_t max);

/// The one number of `value`, a tensor of any numeric type with one element, truncated to an
/// integer and read as a symbol at run time.
mlir::AffineExpr bindNumber(InferContext &context, mlir::Value value, int64_t min, int64_t max);

/// Positions start + i * step, for i below size.
struct SliceRange {
  mlir::AffineExpr start, step, size;
};
/// Python's slicing of a dimension of `size`.
SliceRange sliceRange(InferContext &context, mlir::AffineExpr size, mlir::AffineExpr start,
                      mlir::AffineExpr end, mlir::AffineExpr step);

/// The bounds within which the runtime accepts a size that it reads.
inline constexpr int64_t kMaxSize = std::numeric_limits<int32_t>::max();

void registerSources(Registry &registry);
void registerReshape(Registry &registry);
void registerPermute(Registry &registry);
void registerSlice(Registry &registry);
void registerPad(Registry &registry);
void registerTile(Registry &registry);

} // namespace longtail::operators
