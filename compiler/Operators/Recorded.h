// Size expressions that an inference rule decides on and the expansion needs again. Run-time
// contents are bound to symbols once, by inference, so the expansion must not ask for them a second
// time.
#pragma once
#include "compiler/Operators/Registry.h"

namespace longtail::operators {

/// Keeps `exprs` on the node under `name` until it is expanded.
inline void recordExprs(InferContext &ctx, llvm::StringRef name,
                        llvm::ArrayRef<mlir::AffineExpr> exprs) {
  ctx.getNode()->setAttr(name, mlir::AffineMapAttr::get(extent::sizesMap(ctx.getContext(), exprs)));
}

/// The recorded expressions, or nothing where inference recorded none.
inline std::optional<llvm::SmallVector<mlir::AffineExpr>> recordedExprs(InferContext &ctx,
                                                                        llvm::StringRef name) {
  auto map = ctx.getNode()->getAttrOfType<mlir::AffineMapAttr>(name);
  if (!map)
    return std::nullopt;
  return llvm::to_vector(map.getValue().getResults());
}

} // namespace longtail::operators
