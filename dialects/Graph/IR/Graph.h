// The graph dialect: the model as its file says it.
#pragma once
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Graph/IR/GraphDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "dialects/Graph/IR/GraphTypes.h.inc"
#define GET_OP_CLASSES
#include "dialects/Graph/IR/GraphOps.h.inc"

namespace longtail::graph {

// Names of discardable attributes, see the dialect's description.
inline constexpr llvm::StringLiteral kOpsetsAttr = "graph.opsets";
inline constexpr llvm::StringLiteral kMetadataAttr = "graph.metadata";
inline constexpr llvm::StringLiteral kProducerAttr = "graph.producer";
inline constexpr llvm::StringLiteral kIrVersionAttr = "graph.ir_version";
inline constexpr llvm::StringLiteral kSourceAttr = "graph.source";
inline constexpr llvm::StringLiteral kNameAttr = "graph.name";
/// Of a function with inputs or outputs that are sequences or optionals: of which arguments and
/// results they are made, {inputs = [...], outputs = [...]}.
inline constexpr llvm::StringLiteral kInterfaceAttr = "graph.interface";
inline constexpr llvm::StringLiteral kDimNamesAttr = "graph.dim_names";
inline constexpr llvm::StringLiteral kDeclaredTypeAttr = "graph.declared_type";

/// The elements of `value` if a `graph.constant` defines it, possibly through Identity nodes; else
/// null.
mlir::ElementsAttr getConstant(mlir::Value value);

} // namespace longtail::graph
