// Computes at compile time what depends on constants only, with our own kernels.
#pragma once
#include "mlir/IR/BuiltinOps.h"
#include "passes/Pipelines.h"

namespace longtail {

struct EvaluationSummary {
  unsigned functions = 0;
  uint64_t bytes = 0; // of the results
};

/// Runs the functions that `lt-outline-constants` made: compiles them for this machine, calls them
/// on the constants' memory and replaces the calls by constants. Fails with diagnostics.
mlir::FailureOr<EvaluationSummary>
evaluateConstants(mlir::ModuleOp module, const PipelineOptions &options, unsigned threads);

} // namespace longtail
