// The operators on sequences and optionals.
#pragma once
#include "compiler/Operators/Registry.h"
#include "passes/Graph/Aggregates.h"

namespace longtail {

class FunctionInference;

/// True for an operator on sequences or optionals, or an Identity of one.
bool handlesAggregates(graph::NodeOp node, const Aggregates &known);

/// True where `input` of a node may be a sequence or an optional.
bool takesAggregate(graph::NodeOp node, unsigned input);

/// A node whose inputs are the parts of a value of `kind`; its result is that value. Not inferred.
mlir::Value assemble(mlir::OpBuilder &builder, mlir::Location loc, const ValueKind &kind,
                     mlir::ValueRange parts);
/// A node whose result is `value`, a sequence or an optional, in another kind. Not inferred.
mlir::Value convert(mlir::OpBuilder &builder, mlir::Value value, const WantedKind &wanted);

/// Infers such a node. Its results are known from then on; tensors among them are replaced.
mlir::LogicalResult inferAggregates(FunctionInference &inference, operators::InferContext &context);

} // namespace longtail
