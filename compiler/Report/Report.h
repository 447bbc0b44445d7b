// What a compilation did, for people and tools: JSON.
#pragma once
#include "codegen/Container/ContainerWriter.h"
#include "compiler/Options.h"
#include "compiler/Plan/Valuation.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"

namespace longtail::report {

/// Example sizes: the first dimension of inputs, all others and those that depend on data.
struct ExampleSizes {
  int64_t outer = 1, inner = 64;
};

/// One object for each group of `function`, which has its schedules: name, class, schedule,
/// "source"
/// ("tuned" where the schedule comes from a record, else "model"), and at
/// the example sizes "flops" (operations on elements, of any type) and bytes of operands and
/// results.
llvm::json::Array describeGroups(mlir::func::FuncOp function, ExampleSizes example);

/// One object for each group of `function`, which has its schedules: "class", "lanes", "note" (what
/// limits it), "operations" and "bytes", and under "accesses" one for each read and write of
/// memory: "tensor", "kind" (read, write, read back), "class" (uniform, contiguous, reversed,
/// strided, runs, row gather, element gather, row scatter, element scatter, scalar),
/// "instructions", "guards" (conditions that are tested), "points", "bytes" (at least), "note" (why
/// it is slow) and, where known, "file", "line", "column".
llvm::json::Array describeAccesses(mlir::func::FuncOp function, const plan::Valuation &valuation);

/// One object for each kind of group of the module, which has its schedules: the parts of its key,
/// names, how often it is there, the schedule it has and the best ones of its space with their
/// estimates in cycles, the MLIR text of the group alone, and its inputs.
llvm::json::Array describeSpaces(mlir::ModuleOp module, const TuningRequest &request);

/// What every group of `function` costs at any sizes, in the order of its steps:
///   {"groups": [[class, operations, bytes], ...], "sizes": {"s0": [input, dimension], "s1": text}}
/// Texts are postfix expressions such as "2 s0 * 64 +" with the operators + * floordiv ceildiv mod
/// and the functions of extent.derived. Symbols that depend on data are not among the sizes.
llvm::json::Object describeCosts(mlir::func::FuncOp function);

/// A function's plan: counts of its tables, and memory at the example sizes.
llvm::json::Object describePlan(const container::Function &function, ExampleSizes example);

/// JSON text that says of which inputs and outputs of the artifact the model's sequences and
/// optionals are made; empty if it has none:
///   {"inputs": [{"name": "x", "parts": 2, "optional": false, "sequence": true, "flag": false,
///                "pair": true, "dims": [-1, 4]}, ...], "outputs": [...]}
/// In order, each with as many parts: a tensor one; a sequence its elements, or, as a "pair", their
/// values and their shapes; an optional with a "flag" that before. "dims" are those declared.
std::string describeInterface(mlir::ModuleOp module);

/// The model as imported, and operators that no rule of the registry covers.
llvm::json::Object describeModel(mlir::ModuleOp module);

} // namespace longtail::report
