// The kernel dialect: how the machine does it.
#pragma once
#include "dialects/Compute/IR/Compute.h"

#include "dialects/Kernel/IR/KernelDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Kernel/IR/KernelTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/Kernel/IR/KernelAttrs.h.inc"
#define GET_OP_CLASSES
#include "dialects/Kernel/IR/KernelOps.h.inc"
