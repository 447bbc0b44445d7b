// What a model's constants alone decide.
#pragma once
#include "mlir/IR/Block.h"
#include "llvm/ADT/DenseSet.h"

namespace longtail {

/// The operations of `block` whose results depend on constants alone and are worth keeping: they
/// are computed when the model is compiled. Constants count too.
llvm::DenseSet<mlir::Operation *> findConstantOps(mlir::Block &block);

} // namespace longtail
