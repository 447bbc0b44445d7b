#ifndef LONGTAIL_PASSES_FUSION
#define LONGTAIL_PASSES_FUSION
include "mlir/Pass/PassBase.td"

def FormGroupsPass : Pass<"lt-form-groups", "::mlir::func::FuncOp"> {
  let summary = "Put operations that share a loop nest into groups";
  let description = [{
    Every `compute` operation ends in a `compute.fused`, with the class of its lowering:

    - contraction: a contraction, then maps of its result at the same point. A contraction that does
      not multiply matrices (depthwise convolutions, products with vectors, integers) is a reduction
      that adds products;
    - rows: reductions over the dimension that is contiguous in memory, with the maps between and
      after them that work on the same rows (softmax, normalisations);
    - window: one other reduction (pooling, depthwise convolution), then maps at the same point;
    - pointwise: maps at the same point.

    A map all of whose readers are in one group joins it where that repeats no work that counts: its
    elements are computed where they are read. What is read outside a group is one of its results. The
    operations of a group never wait for each other through operations outside.

    An `access.read` that is left over becomes a map that copies, except one that reads memory in
    row-major order. Without `fuse` each operation is a group of its own, and every contraction a
    reduction that adds products.
  }];
  let options = [Option<"fuse", "fuse", "bool", "true", "put several operations into a group">];
  let dependentDialects = ["::longtail::compute::ComputeDialect", "::mlir::arith::ArithDialect"];
}

def WinogradPass : Pass<"lt-winograd", "::mlir::func::FuncOp"> {
  let summary = "Compute 3x3 convolutions with fewer products";
  let description = [{
    A contraction of float elements that sums over 3x3 neighbouring positions and channels, with
    constant weights, becomes transformations of 6x6 tiles, 36 matrix products and transformations
    back (F(4x4, 3x3)), where a cost model expects that to be faster. It computes 2.25 products for
    each output and channel instead of 9; rounding errors are larger by about a digit.
  }];
  let dependentDialects = ["::longtail::compute::ComputeDialect", "::mlir::arith::ArithDialect"];
}
#endif
