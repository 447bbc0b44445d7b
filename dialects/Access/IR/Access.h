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

/// True for elements that are no numbers: strings. A tensor holds handles of them.
bool isHandle(mlir::Type elementType);
/// The type in which a region sees an element: integers lose their sign, handles are i64, the rest
/// is unchanged.
mlir::Type computeType(mlir::Type elementType);
/// The width of a number or a handle.
unsigned bitWidth(mlir::Type elementType);

/// On a read without conditions: all elements of the source in row-major order, as many as the
/// result has. A check requires that where the sizes alone do not say it.
inline constexpr llvm::StringLiteral kRowMajorAttr = "access.row_major";
/// On a load: neighbouring points most likely read within a vector's length of memory.
inline constexpr llvm::StringLiteral kNearAttr = "access.near";

} // namespace longtail::access
