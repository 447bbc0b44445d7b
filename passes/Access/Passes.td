#ifndef LONGTAIL_PASSES_ACCESS
#define LONGTAIL_PASSES_ACCESS
include "mlir/Pass/PassBase.td"

def ComposeAccessesPass : Pass<"lt-compose-accesses", "::mlir::func::FuncOp"> {
  let summary = "Fold reads into what reads them";
  let description = [{
    Every `access.read` is composed into the accesses of its readers: `compute` operands, other reads,
    and loads at computed indices. Where both accesses have conditions their fills must agree, else
    the read stays; operands of a contraction take only a fill of 0. A read of a concatenation that
    meets one piece reads that piece. All maps are simplified over their domains; a `compute.map` that
    only copies becomes a read; reads that change nothing, equal operands and dead operations go.

    A read that is left over feeds a result of the function, a concatenation, a checked load, or an
    access that it does not compose with.
  }];
  let dependentDialects = ["::longtail::access::AccessDialect", "::longtail::extent::ExtentDialect",
                           "::mlir::arith::ArithDialect"];
}

def LowerConcatPass : Pass<"lt-lower-concat", "::mlir::func::FuncOp"> {
  let summary = "Make concatenations pointwise maps";
  let description = [{
    An `access.concat` becomes a `compute.map` that reads each piece under the condition that the
    position is in it, and selects by comparing the position with the pieces' offsets. Pieces that
    are reads are composed.
  }];
  let dependentDialects = ["::longtail::compute::ComputeDialect", "::longtail::extent::ExtentDialect",
                           "::mlir::arith::ArithDialect"];
}

def HoistPositionsPass : Pass<"lt-hoist-positions", "::mlir::func::FuncOp"> {
  let summary = "Compute once what a map makes of the position in its lines";
  let description = [{
    Numbers that a `compute.map` computes of nothing but sizes and the position in its last dimension
    become tensors of that dimension, made by a map of their own, where they take divisions or
    floating-point arithmetic. Sums and clamps stay: positions that follow each other are loads of
    neighbours.
  }];
  let dependentDialects = ["::longtail::compute::ComputeDialect", "::mlir::arith::ArithDialect"];
}

def DropDeadFillsPass : Pass<"lt-drop-dead-fills", "::mlir::func::FuncOp"> {
  let summary = "Erase loops of grids that fill what a later loop writes anew";
  let description = [{
    A loop nest in a `compute.grid` that stores one number in elements of an array, all of which a loop
    behind it stores unconditionally before anything fetches of that array.
  }];
}

def MarkNearLoadsPass : Pass<"lt-mark-near-loads", "::mlir::func::FuncOp"> {
  let summary = "Mark loads that neighbouring points make near to each other";
  let description = [{
    A load of a `compute.grid` or `compute.map` whose indices come of nothing but sizes and the point's coordinates, by
    arithmetic after which they need not follow each other, is given the attribute `access.near`.
  }];
  let dependentDialects = ["::longtail::access::AccessDialect"];
}

def SplitReductionsPass : Pass<"lt-split-reductions", "::mlir::func::FuncOp"> {
  let summary = "Take apart dimensions that a view merged, where a whole tensor is reduced";
  let description = [{
    A reduced dimension of constant size that all accesses use by its quotient and remainder by one
    number becomes two dimensions. The values are folded in any order, so nothing else changes; the
    loops follow the tensor, and vectors lie along one of its dimensions. Only where the result is
    one element: rows of other reductions have to match those of what is computed with them.
  }];
  let dependentDialects = ["::longtail::access::AccessDialect"];
}
#endif
