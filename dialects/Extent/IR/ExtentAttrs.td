#ifndef LONGTAIL_EXTENT_ATTRS
#define LONGTAIL_EXTENT_ATTRS
include "dialects/Extent/IR/ExtentDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/TensorEncoding.td"

def Extent_ShapeAttr : AttrDef<Extent_Dialect, "Shape",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "shape";
  let summary = "The sizes of a tensor's dimensions, over the function's symbols";
  let description = [{
    A map without dimensions; result `i` is the size of dimension `i`. As the encoding of a tensor
    type, a constant result must equal the static dimension (label: shape_c1), a non-constant one
    stands for a dynamic dimension (shape_c2), and there is one result for each dimension
    (shape_c3).

    ```mlir
    tensor<?x64xf32, #extent.shape<()[s0] -> (s0 floordiv 2, 64)>>
    ```
  }];
  let parameters = (ins "::mlir::AffineMap":$map);
  let assemblyFormat = "`<` $map `>`";
  let genVerifyDecl = 1;
}

def Extent_Function : I32EnumAttr<"Function", "a function of sizes that no affine expression says", [
    I32EnumAttrCase<"Max", 0, "max">, I32EnumAttrCase<"Min", 1, "min">,
    I32EnumAttrCase<"Equal", 2, "eq">, I32EnumAttrCase<"Less", 3, "lt">,
    I32EnumAttrCase<"LessEqual", 4, "le">, I32EnumAttrCase<"Select", 5, "select">,
    I32EnumAttrCase<"And", 6, "and">, I32EnumAttrCase<"Or", 7, "or">,
    I32EnumAttrCase<"FloorDiv", 8, "floordiv">, I32EnumAttrCase<"Mod", 9, "mod">]> {
  let cppNamespace = "::longtail::extent";
}
#endif
