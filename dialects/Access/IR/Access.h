// The access dialect: where each element comes from.
#pragma once
#include "dialects/Extent/IR/Extent.h"

#include "dialects/Access/IR/AccessDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Access/IR/AccessAttrs.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Access/IR/AccessTypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/Access/IR/AccessOps.h.inc"

namespace longtail::access {

/// The type in which a region sees an element: integers lose their sign, the rest is unchanged.
mlir::Type computeType(mlir::Type elementType);

} // namespace longtail::access
