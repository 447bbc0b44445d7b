#ifndef LONGTAIL_PASSES_CONSTANTS
#define LONGTAIL_PASSES_CONSTANTS
include "mlir/Pass/PassBase.td"

def OutlineConstantsPass : Pass<"lt-outline-constants", "::mlir::ModuleOp"> {
  let summary = "Split off what depends on constants only";
  let description = [{
    Groups that depend on nothing but `graph.constant`s and fixed sizes move to private functions
    `@constants_<n>`; the constants become their arguments and what the model still needs their
    results, which are row-major. The model calls them; the compiler then runs them and puts
    constants in the place of the calls. Groups whose results are more than `growth` times as large
    as the constants that they read, and larger than `bytes`, stay where they are, as do those that
    would make the constants of a function more than `total` bytes larger.

    ```mlir
    func.func private @constants_0(tensor<64x64xf32>) -> tensor<2x64x32xf32>
    func.func @main() -> tensor<2x64x32xf32> {
      %w = graph.constant dense<0.0> : tensor<64x64xf32>
      %p = call @constants_0(%w) : (tensor<64x64xf32>) -> tensor<2x64x32xf32>
      return %p : tensor<2x64x32xf32>
    }
    ```
  }];
  let options = [
    Option<"growth", "growth", "int64_t", "16", "how much larger than what they read results may be">,
    Option<"bytes", "bytes", "int64_t", "67108864", "bytes of results that are always allowed">,
    Option<"total", "total", "int64_t", "1073741824", "bytes by which constants may grow in all">,
    Option<"batch", "batch", "int64_t", "64", "constants that one function reads at most, roughly">];
  let dependentDialects = ["::longtail::compute::ComputeDialect", "::mlir::func::FuncDialect"];
}

def PrepareResultsPass : Pass<"lt-prepare-results", "::mlir::func::FuncOp"> {
  let summary = "Give every result of the function memory of its own";
  let description = [{
    A result that is an argument, a constant, a view or another result becomes a copy, because
    results are written to the caller's memory. A row-major reshape of a group's result stays.
  }];
  let dependentDialects = ["::longtail::compute::ComputeDialect"];
}
#endif
