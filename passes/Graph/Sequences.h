// Sequences and optionals: they are known by what is in them and never become values at run time.
#pragma once
#include "compiler/Operators/Registry.h"
#include <optional>

namespace longtail {

class FunctionInference;

/// A sequence. Where the number of its elements is known, the elements themselves; otherwise two
/// tensors: the values of all elements one after another, and their shapes, i64 [count, rank].
struct Sequence {
  bool isList = true;
  llvm::SmallVector<mlir::Value> elements;
  mlir::Value data, shapes;
};

/// What inference knows of values that are no tensors.
struct Aggregates {
  llvm::DenseMap<mlir::Value, Sequence> sequences;
  /// The value in an optional, null where there is none.
  llvm::DenseMap<mlir::Value, mlir::Value> optionals;

  bool contains(mlir::Value value) const {
    return sequences.contains(value) || optionals.contains(value);
  }
};

/// True for an operator on sequences or optionals, or an Identity of one.
bool handlesAggregates(graph::NodeOp node, const Aggregates &known);

/// True where `input` of such a node may be a sequence or an optional.
bool takesAggregate(graph::NodeOp node, unsigned input);

/// Infers such a node. Its results are known from then on; tensors among them are replaced.
mlir::LogicalResult inferAggregates(FunctionInference &inference, operators::InferContext &context);

} // namespace longtail
