// Loops of any operator as compute.repeat.
#pragma once
#include "passes/Graph/Bodies.h"

namespace longtail {

/// A loop. The body's arguments are the number of the trip (a tensor of sizes `tripSizes`), the
/// carried values, slices of `sliced` along dimension 0, then what it captures.
struct Loop {
  mlir::Region *body = nullptr;
  /// What the graph's arguments are: constants, or these of the body's arguments, where a carried
  /// value is one, whatever its parts.
  llvm::SmallVector<BodyArgument> places;
  llvm::SmallVector<int64_t> tripSizes;
  mlir::AffineExpr trips;
  llvm::SmallVector<mlir::Value> carried, sliced;
  bool hasCondition = false; // the graph yields whether to go on first
};

/// Puts a compute.repeat before the node. Returns what stands for its results: the carried values,
/// then the accumulated ones, of which the last may be left out.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
inferRepeat(FunctionInference &inference, operators::InferContext &context, Loop &loop);

} // namespace longtail
