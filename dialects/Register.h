// Registers every dialect that a Longtail module may hold.
#pragma once
#include "mlir/IR/DialectRegistry.h"

namespace longtail {
void registerDialects(mlir::DialectRegistry &registry);
} // namespace longtail
