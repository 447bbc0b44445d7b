#ifndef LONGTAIL_PASSES_LAYOUT
#define LONGTAIL_PASSES_LAYOUT
include "mlir/Pass/PassBase.td"

def ChooseLayoutsPass : Pass<"lt-choose-layouts", "::mlir::func::FuncOp"> {
  let summary = "Choose the memory order of every group's results";
  let description = [{
    A contraction keeps its columns (a convolution its output channels) innermost, so images lie
    channels-last inside the model. A window or pointwise group takes over the order of what it reads
    most. What leaves the function, or is read as flat memory, is row-major; where its producer
    prefers another order, a copy is added.
  }];
  let dependentDialects = ["::longtail::compute::ComputeDialect"];
}

def PackWeightsPass : Pass<"lt-pack-weights", "::mlir::func::FuncOp"> {
  let summary = "Bring the right operands of contractions into panels";
  let description = [{
    The panels are those of the register tile: [batch..., column / width, reduction..., column mod
    width], padded with zeros. Packing is a group of its own: of a constant it is evaluated at compile
    time. A right operand that is no constant and whose columns are neighbours in memory stays as
    it is.
  }];
  let dependentDialects = ["::longtail::compute::ComputeDialect"];
}

def TransposeConstantsPass : Pass<"lt-transpose-constants", "::mlir::func::FuncOp"> {
  let summary = "Bring constants into the order in which lanes read them";
  let description = [{
    A window or pointwise group reads along the innermost dimension of its results. A constant in
    which that dimension lies elsewhere (the weights of a depthwise convolution) is transposed, at
    compile time, so that lanes are neighbours.
  }];
  let dependentDialects = ["::longtail::compute::ComputeDialect"];
}
#endif
