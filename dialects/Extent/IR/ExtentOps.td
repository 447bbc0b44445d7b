#ifndef LONGTAIL_EXTENT_OPS
#define LONGTAIL_EXTENT_OPS
include "dialects/Extent/IR/ExtentAttrs.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Extent_Op<string mnemonic, list<Trait> traits = []> : Op<Extent_Dialect, mnemonic, traits>;

def Extent_SymbolOp : Extent_Op<"symbol"> {
  let summary = "Declare the size of an input's dimension as a symbol";
  let description = [{
    Symbol `id` is the size of dimension `dim` of function argument `input`. `name` is for messages.
    The runtime refuses an input whose size is outside `[min, max]`. Ids are unique in a function and
    count up from 0 in the order of declaration (symbol_c1); the argument exists (symbol_c2).

    ```mlir
    extent.symbol 0 "sequence_length" = input 0 dim 1 min 1
    ```
  }];
  let arguments = (ins I64Attr:$id, StrAttr:$name, I64Attr:$input, I64Attr:$dim,
      DefaultValuedAttr<I64Attr, "0">:$min,
      DefaultValuedAttr<I64Attr, "std::numeric_limits<int64_t>::max()">:$max);
  let assemblyFormat = "$id $name `=` `input` $input `dim` $dim (`min` $min^)? (`max` $max^)? attr-dict";
  let hasVerifier = 1;
}

def Extent_DerivedOp : Extent_Op<"derived"> {
  let summary = "Define a symbol as a function of earlier symbols";
  let description = [{
    `function` is applied to the results of `arguments`; comparisons give 0 or 1, `select` takes
    (condition, value if not 0, value if 0), quotients round down. The number of arguments is that
    of the function (derived_c1); only earlier symbols occur (derived_c2).

    ```mlir
    extent.derived 2 = max affine_map<()[s0, s1] -> (s0, s1 * 2)>
    ```
  }];
  let arguments = (ins I64Attr:$id, Extent_Function:$function, AffineMapAttr:$args);
  let assemblyFormat = "$id `=` $function $args attr-dict";
  let hasVerifier = 1;
}

def Extent_BindOp : Extent_Op<"bind"> {
  let summary = "Define a symbol as an element of a tensor of integers";
  let description = [{
    Symbol `id` is element `index` (in row-major order) of `source` at run time. Later code may use
    it in its sizes.

    ```mlir
    extent.bind 4 = %shape[1] min 0 : tensor<3xi64>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$source, I64Attr:$id, I64Attr:$index,
      DefaultValuedAttr<I64Attr, "0">:$min,
      DefaultValuedAttr<I64Attr, "std::numeric_limits<int64_t>::max()">:$max);
  let assemblyFormat =
      "$id `=` $source `[` $index `]` (`min` $min^)? (`max` $max^)? attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def Extent_MeasureOp : Extent_Op<"measure"> {
  let summary = "Define a symbol as the size of a dimension of a tensor";
  let description = [{
    Symbol `id` is the size of dimension `dim` of `source`, which is known when the operation that
    makes it has run: the result of a branch or loop whose size follows from what happened in it.
    The dimension exists (measure_c1) and its size in the type is this very symbol (measure_c2).

    ```mlir
    extent.measure 4 = %rows dim 0 : tensor<?x8xf32, #extent.shape<()[s0, s1, s2, s3, s4] -> (s4, 8)>>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$source, I64Attr:$id, I64Attr:$dim,
      DefaultValuedAttr<I64Attr, "0">:$min,
      DefaultValuedAttr<I64Attr, "std::numeric_limits<int64_t>::max()">:$max);
  let assemblyFormat =
      "$id `=` $source `dim` $dim (`min` $min^)? (`max` $max^)? attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def Extent_CheckOp : Extent_Op<"check"> {
  let summary = "Require a relation of two sizes";
  let description = [{
    The runtime refuses inputs for which `function` of the results of `args` is 0, with `message`.

    ```mlir
    extent.check eq affine_map<()[s0, s1] -> (s0, s1)> "inputs 'a' and 'b' differ in dimension 0"
    ```
  }];
  let arguments = (ins Extent_Function:$function, AffineMapAttr:$args, StrAttr:$message);
  let assemblyFormat = "$function $args $message attr-dict";
  let hasVerifier = 1;
}

def Extent_SizeOp : Extent_Op<"size", [Pure]> {
  let summary = "A size as a value";
  let description = [{
    ```mlir
    %n = extent.size affine_map<()[s0] -> (s0 * 2)>
    ```
  }];
  let arguments = (ins AffineMapAttr:$size);
  let results = (outs Index:$result);
  let assemblyFormat = "$size attr-dict";
  let hasVerifier = 1;
  let hasFolder = 1;
}
#endif
