#ifndef LONGTAIL_EXTENT_DIALECT
#define LONGTAIL_EXTENT_DIALECT
include "mlir/IR/OpBase.td"

def Extent_Dialect : Dialect {
  let name = "extent";
  let cppNamespace = "::longtail::extent";
  let summary = "What is known about sizes";
  let description = [{
    Sizes are affine expressions over numbered symbols: `s0`, `s1`, ... A symbol is declared once at
    the top of a function (`extent.symbol`, `extent.derived`) or where a tensor's data defines it
    (`extent.bind`) or its size (`extent.measure`); its number is the same in every expression of that function. The type of each
    tensor with an unknown dimension carries its sizes as an encoding, `#extent.shape`, so equal
    sizes are equal attributes and no size needs an SSA value.

    What an affine expression cannot say (a minimum, a comparison, a quotient of two symbols that
    decides something) is a symbol of its own, defined by `extent.derived`.

    ```mlir
    extent.symbol 0 "batch" = input 0 dim 0 min 1
    extent.derived 1 = max affine_map<()[s0] -> (s0, 8)>
    %y = graph.node "Relu" version 14 (%x) -> ["y"] : (tensor<?x3xf32>)
        -> tensor<?x3xf32, #extent.shape<()[s0, s1] -> (s0 * 2 + s1, 3)>>
    ```
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}
#endif
