// The kernel dialect: how the machine does it.
#pragma once
#include "dialects/Compute/IR/Compute.h"

#include "dialects/Kernel/IR/KernelDialect.h.inc"

namespace longtail::kernel {
/// Unit attribute of a dispatch whose kernel makes strings: it runs on one thread.
inline constexpr llvm::StringLiteral kMakesTextAttr = "makes_text";
} // namespace longtail::kernel

#define GET_TYPEDEF_CLASSES
#include "dialects/Kernel/IR/KernelTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Kernel/IR/KernelAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/Kernel/IR/KernelOps.h.inc"
