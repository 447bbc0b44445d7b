#ifndef LONGTAIL_PASSES_GRAPH
#define LONGTAIL_PASSES_GRAPH
include "mlir/Pass/PassBase.td"

def FoldBatchNormalization : Pass<"lt-fold-batch-normalization", "::mlir::func::FuncOp"> {
  let summary = "Fold batch normalisations into the weights before them";
  let description = [{
    A BatchNormalization of inference whose input is the only use of a Conv, ConvTranspose, Gemm or
    MatMul (Identity nodes between do not count) becomes new weights and a new bias of that node,
    where weights, bias and statistics are constants. The new constants are written as nodes over
    the old ones, in f32 at least, to be evaluated with all other constants.
  }];
  let dependentDialects = ["::longtail::graph::GraphDialect"];
}

def InferShapes : Pass<"lt-infer-shapes"> {
  let summary = "Give every value a type with sizes";
  let description = [{
    Each unknown dimension of a function argument becomes a symbol. Dimensions with the same name in
    `graph.dim_names` are one symbol, with a check that the run-time sizes agree; names that are not
    identifiers (empty, `?`, `-1`, `a + b`) say nothing. A symbol may be 0:
    empty tensors are tensors. What an operator needs to be larger is checked at run time.

    Two different sizes that broadcast are required to be equal at run time where the model can only
    mean that: they come from the same dimension of an input, or one is computed and the other a
    constant. Otherwise either may be 1 at run time, at the price of a 0/1 factor in the accesses.

    Every node gets its results' types, and where it computes with sizes, what its results hold
    (`contents`). All nodes that cannot be compiled are reported, each with operator, domain,
    version, name, inputs and the reason; nodes that only lack the result of a reported node are not.
    The function's result types follow.

    The pass runs on a module or on a function. In a module, If, Loop and Scan become
    `compute.branch` and `compute.repeat`, and each of their graphs a private function, inferred with
    the types of what it is called with; values of the graphs around become more arguments, constants
    and what is known from sizes alone are copied into it. A value that a loop carries keeps those
    sizes that no trip changes. Where the condition is known, the chosen graph takes the node's place;
    likewise that of a loop with one trip.
  }];
  let dependentDialects = ["::longtail::access::AccessDialect", "::longtail::compute::ComputeDialect",
      "::longtail::extent::ExtentDialect", "::longtail::graph::GraphDialect",
      "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::math::MathDialect",
      "::mlir::scf::SCFDialect"];
}
#endif
