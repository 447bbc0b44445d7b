#ifndef LONGTAIL_ACCESS_ATTRS
#define LONGTAIL_ACCESS_ATTRS
include "dialects/Access/IR/AccessDialect.td"
include "mlir/IR/AttrTypeBase.td"

def Access_MapAttr : AttrDef<Access_Dialect, "Map"> {
  let mnemonic = "map";
  let summary = "From a point of the iteration domain to a position in a tensor";
  let description = [{
    `map` gives one index for each dimension of the source. The element is there only where
    `0 <= valid_i < below_i` for every result `i`; elsewhere the reader's fill value stands. Where
    the conditions hold, each index is within the source. `valid` and `below` have one number of
    results (map_c1), and all three have the same dimensions (map_c2).

    ```mlir
    #access.map<(d0, d1) -> (d0, d1 - 1), valid (d0, d1) -> (d1 - 1) below (d0, d1)[s0] -> (s0)>
    ```
  }];
  let parameters = (ins "::mlir::AffineMap":$map, OptionalParameter<"::mlir::AffineMap">:$valid,
                        OptionalParameter<"::mlir::AffineMap">:$below);
  let assemblyFormat = "`<` $map (`,` `valid` $valid^ `below` $below)? `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// A map of `rank` dimensions to themselves, without conditions.
    static MapAttr getIdentity(::mlir::MLIRContext *context, unsigned rank);
    /// True where every point has an element.
    bool isTotal() const { return !getValid() || getValid().getNumResults() == 0; }
    bool isIdentity() const { return isTotal() && getMap().isIdentity(); }
  }];
}

def Access_PlaceType : TypeDef<Access_Dialect, "Place"> {
  let mnemonic = "place";
  let summary = "Memory in which sequential code writes the elements of a tensor";
  let description = [{
    What a `compute.grid` writes: one of its results, or a local array of one of its points. The
    tensor type gives the element type and the sizes.
  }];
  let parameters = (ins "::mlir::RankedTensorType":$tensor);
  let assemblyFormat = "`<` $tensor `>`";
}
#endif
