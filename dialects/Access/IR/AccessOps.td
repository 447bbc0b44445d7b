#ifndef LONGTAIL_ACCESS_OPS
#define LONGTAIL_ACCESS_OPS
include "dialects/Access/IR/AccessAttrs.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Access_Op<string mnemonic, list<Trait> traits = []> : Op<Access_Dialect, mnemonic, traits>;

def Access_ReadOp : Access_Op<"read", [Pure]> {
  let summary = "Read a tensor through a map";
  let description = [{
    `result[d] = valid(d) ? source[map(d)] : fill`. Slices, transpositions, reshapes, broadcasts,
    pads, windows and tiles are reads. A read has no cost of its own: it is composed into its
    readers. The map has one dimension for each of the result's (read_c1) and one index for each of
    the source's (read_c2); a map with conditions needs a fill value of the element type (read_c3).

    ```mlir
    %t = access.read %x at <(d0, d1) -> (d1, d0)> : tensor<3x4xf32> -> tensor<4x3xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$source, Access_MapAttr:$map, OptionalAttr<TypedAttrInterface>:$fill);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat =
      "$source `at` $map (`fill` $fill^)? attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Access_LoadOp : Access_Op<"load", [Pure]> {
  let summary = "Read one element at computed indices, inside a region";
  let description = [{
    The indices are computed by the region. With `checked` an index outside the tensor is reported
    by the kernel as an error that names the step; without it the region promises that each index
    is within the tensor. One index for each dimension (load_c1); the result is the element's
    compute type (load_c2), see `compute.map`.

    ```mlir
    %v = access.load %table[%row, %column] checked : tensor<100x8xf32> -> f32
    ```
  }];
  let arguments = (ins AnyRankedTensor:$source, Variadic<Index>:$indices, UnitAttr:$checked);
  let results = (outs AnyType:$result);
  let assemblyFormat =
      "$source `[` $indices `]` (`checked` $checked^)? attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Access_ConcatOp : Access_Op<"concat", [Pure]> {
  let summary = "Join tensors along a dimension";
  let description = [{
    The result's size in `axis` is the sum of the sources' (concat_c1); all other sizes and the
    element types are equal (concat_c2).

    ```mlir
    %c = access.concat %a, %b axis 1 : (tensor<2x3xf32>, tensor<2x5xf32>) -> tensor<2x8xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$sources, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$sources `axis` $axis attr-dict `:` functional-type($sources, $result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Access_StoreOp : Access_Op<"store", [MemoryEffects<[MemWrite]>]> {
  let summary = "Write one element of a place, inside a `compute.grid`";
  let description = [{
    The indices are within the place. One index for each dimension (store_c1); the value is of the
    element's compute type (store_c2).

    ```mlir
    access.store %v, %p[%i] : f32, !access.place<tensor<8xf32>>
    ```
  }];
  let arguments = (ins AnyType:$value, Access_PlaceType:$place, Variadic<Index>:$indices);
  let assemblyFormat = "$value `,` $place `[` $indices `]` attr-dict `:` type($value) `,` qualified(type($place))";
  let hasVerifier = 1;
}

def Access_FetchOp : Access_Op<"fetch", [MemoryEffects<[MemRead]>]> {
  let summary = "Read back one element of a place, inside a `compute.grid`";
  let description = [{
    The indices are within the place, and this point has written the element. Labels as for
    `access.store` (fetch_c1, fetch_c2).

    ```mlir
    %v = access.fetch %p[%i] : !access.place<tensor<8xf32>> -> f32
    ```
  }];
  let arguments = (ins Access_PlaceType:$place, Variadic<Index>:$indices);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$place `[` $indices `]` attr-dict `:` qualified(type($place)) `->` type($result)";
  let hasVerifier = 1;
}

def Access_LocalOp : Access_Op<"local", [MemoryEffects<[MemAlloc]>]> {
  let summary = "A local array of one point of a `compute.grid`";
  let description = [{
    Its elements are undefined until they are written. It is at the top of the grid's region
    (local_c1).

    ```mlir
    %r = compute.grid over affine_map<() -> (4)> : tensor<4xf32> {
    ^bb0(%row: index, %out: !access.place<tensor<4xf32>>):
      %heap = access.local : !access.place<tensor<16xf32>>
    }
    ```
  }];
  let results = (outs Access_PlaceType:$result);
  let assemblyFormat = "attr-dict `:` qualified(type($result))";
  let hasVerifier = 1;
}
#endif
