// What a compilation did, for people and tools: JSON.
#pragma once
#include "codegen/Container/ContainerWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"

namespace longtail::report {

/// Example sizes: the first dimension of inputs, all others and those that depend on data.
struct ExampleSizes {
  int64_t outer = 1, inner = 64;
};

/// One object for each group of `function`, which has its schedules: name, class, schedule, and at
/// the example sizes "flops" (operations on elements, of any type) and bytes of operands and
/// results.
llvm::json::Array describeGroups(mlir::func::FuncOp function, ExampleSizes example);

/// What every group of `function` costs at any sizes, in the order of its steps:
///   {"groups": [[class, operations, bytes], ...], "sizes": {"s0": [input, dimension], "s1": text}}
/// Texts are postfix expressions such as "2 s0 * 64 +" with the operators + * floordiv ceildiv mod
/// and the functions of extent.derived. Symbols that depend on data are not among the sizes.
llvm::json::Object describeCosts(mlir::func::FuncOp function);

/// A function's plan: counts of its tables, and memory at the example sizes.
llvm::json::Object describePlan(const container::Function &function, ExampleSizes example);

/// The model as imported, and operators that no rule of the registry covers.
llvm::json::Object describeModel(mlir::ModuleOp module);

} // namespace longtail::report
