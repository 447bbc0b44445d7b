// Loops of any operator as compute.repeat.
#pragma once
#include "passes/Graph/Bodies.h"

namespace longtail {

/// A loop. The body's arguments are the number of the trip (a tensor of sizes `tripSizes`), the
/// carried values, slices of `sliced` along dimension 0, then what it captures.
struct Loop {
  mlir::Region *body = nullptr;
  llvm::SmallVector<BodyArgument> places; // of the graph's arguments in the function
  llvm::SmallVector<int64_t> tripSizes;
  mlir::AffineExpr trips;
  llvm::SmallVector<mlir::Value> carried, sliced;
  bool hasCondition = false; // the graph yields whether to go on first
};

/// Replaces the node by a compute.repeat; its results are the carried values, then the accumulated
/// ones, of which the last may be left out.
mlir::FailureOr<compute::RepeatOp> inferRepeat(FunctionInference &inference,
                                               operators::InferContext &context, Loop &loop);

} // namespace longtail
