#ifndef LONGTAIL_COMPUTE_OPS
#define LONGTAIL_COMPUTE_OPS
include "dialects/Compute/IR/ComputeAttrs.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"

class Compute_Op<string mnemonic, list<Trait> traits = []> : Op<Compute_Dialect, mnemonic, traits>;

def Compute_MapOp : Compute_Op<"map", [Pure, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Compute each element of the results from elements of the operands";
  let description = [{
    The domain is the (common) shape of the results. Block argument `i` is the element of operand `i`
    that `accesses[i]` names, or `fills[i]` where the access has no element; `fills[i]` is `unit`
    for a total access. Tensors read by `access.load` are captured from above.

    One access and fill for each operand (map_c1); an access has the domain's dimensions and the
    operand's indices (map_c2); block arguments have the compute type of the elements (map_c3); all
    results have one shape (map_c4); the region yields one value of the compute type for each result
    (map_c5).

    ```mlir
    %z = compute.map (%x at #access.map<(d0, d1) -> (d0, d1)>, %b at #access.map<(d0, d1) -> (d1)>)
        : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32> {
    ^bb0(%a: f32, %c: f32):
      %s = arith.addf %a, %c : f32
      compute.yield %s : f32
    }
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, ArrayAttr:$accesses, ArrayAttr:$fills);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    unsigned getDomainRank() {
      return ::llvm::cast<::mlir::RankedTensorType>(getResultTypes().front()).getRank();
    }
  }];
}

def Compute_ReduceOp : Compute_Op<"reduce", [Pure, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Fold values over the reduction dimensions";
  let description = [{
    The domain is the result's dimensions, then one dimension for each result of `extents`. The
    region gives the value at each point, like that of `compute.map`; `combiner` folds them in any
    order, starting from its identity (so an empty extent yields the identity; for `max` of
    floating-point values that is minus infinity, and a NaN wins). Labels as for `compute.map`
    (reduce_c1 to reduce_c5); exactly one result.

    ```mlir
    %s = compute.reduce add over affine_map<() -> (8)> (%x at #access.map<(d0, d1) -> (d0, d1)>)
        : (tensor<4x8xf32>) -> tensor<4xf32> {
    ^bb0(%a: f32):
      compute.yield %a : f32
    }
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, ArrayAttr:$accesses, ArrayAttr:$fills,
      Compute_Combiner:$combiner, AffineMapAttr:$extents);
  let results = (outs AnyRankedTensor:$output);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def Compute_ContractOp : Compute_Op<"contract", [Pure]> {
  let summary = "Sum of products over the reduction dimensions";
  let description = [{
    `result[p] = sum over r of lhs[lhsMap(p, r)] * rhs[rhsMap(p, r)]`, where an access without an
    element contributes 0. The sum is taken in the result's element type. The reduction dimensions
    follow the result's in the maps, outermost first; convolutions list the kernel's positions before
    the channels. Both operands have one element type, but one of integers may be unsigned
    (contract_c1); maps fit the domain and the operands (contract_c2).

    ```mlir
    %c = compute.contract %a at #access.map<(m, n, k) -> (m, k)>, %b at #access.map<(m, n, k) -> (k, n)>
        over affine_map<() -> (8)> : tensor<4x8xf32>, tensor<8x16xf32> -> tensor<4x16xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs, AnyAttr:$lhsAccess, AnyAttr:$rhsAccess,
      AffineMapAttr:$extents);
  let results = (outs AnyRankedTensor:$output);
  let assemblyFormat = [{
    $lhs `at` $lhsAccess `,` $rhs `at` $rhsAccess `over` $extents attr-dict
    `:` type($lhs) `,` type($rhs) `->` type($output)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::longtail::access::MapAttr getLhsMap() { return ::llvm::cast<::longtail::access::MapAttr>(getLhsAccess()); }
    ::longtail::access::MapAttr getRhsMap() { return ::llvm::cast<::longtail::access::MapAttr>(getRhsAccess()); }
  }];
}

def Compute_GridOp : Compute_Op<"grid", [Pure, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Sequential code for each point of a grid, which writes its part of the results";
  let description = [{
    The general form: what is no map, reduction or contraction (sorting, compaction, scatter,
    recurrences, searches). The points are independent and run in any order, in parallel; each runs
    the region once. Block arguments are the point's coordinates, one index for each result of
    `extents`, then a place for each result of the operation. Tensors are read by `access.load`.
    The region may hold `scf` loops and branches, `arith`, `math`, `extent.size`, `access.load`,
    `access.store`, `access.fetch`, `access.local`, `compute.dot`, `compute.text` and
    `compute.require`.

    Every element of the results is written by exactly one point, which may write it more than
    once; no point fetches what another wrote. Block arguments are as described (grid_c1), and the
    region yields nothing (grid_c2).

    ```mlir
    %sum = compute.grid over affine_map<() -> (4)> : tensor<4xf32> {
    ^bb0(%row: index, %out: !access.place<tensor<4xf32>>):
      %v = access.load %x[%row] : tensor<4xf32> -> f32
      access.store %v, %out[%row] : f32, !access.place<tensor<4xf32>>
    }
    ```
  }];
  let arguments = (ins AffineMapAttr:$extents);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`over` $extents attr-dict `:` type($outputs) $body";
  let hasVerifier = 1;
}

def Compute_TextOp : Compute_Op<"text", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Do something with strings, inside a `compute.grid`";
  let description = [{
    Strings are handles of type i64 here; 0 is the empty string. The functions and their operands are
    those of `lt_text_function` (runtime/include/longtail/artifact.h). At most three operands
    (text_c1). A kernel in which some function makes a string runs on one thread.

    ```mlir
    %same = compute.text equal(%a, %b)
    ```
  }];
  let arguments = (ins Compute_TextFunction:$function, Variadic<I64>:$operands);
  let results = (outs I64:$result);
  let assemblyFormat = "$function `(` $operands `)` attr-dict";
  let hasVerifier = 1;
}

def Compute_DotOp : Compute_Op<"dot", [Pure]> {
  let summary = "Sum of products of four bytes, inside a `compute.grid`";
  let description = [{
    `a` holds four unsigned bytes and `b` four signed ones, the first in the lowest bits. `sum` plus
    the four products, in 32 bits that wrap. Processors have instructions for it; packing pays where
    a packed value is used more than once.

    ```mlir
    %r = compute.dot %numbers, %weights, %sum
    ```
  }];
  let arguments = (ins I32:$a, I32:$b, I32:$sum);
  let results = (outs I32:$result);
  let assemblyFormat = "$a `,` $b `,` $sum attr-dict";
}

def Compute_RequireOp : Compute_Op<"require", [MemoryEffects<[MemWrite]>]> {
  let summary = "End the run with an error unless a condition holds";
  let description = [{
    The kernel goes on, so what follows must be harmless where the condition does not hold; its
    results are not used.

    ```mlir
    compute.require %inside, index
    ```
  }];
  let arguments = (ins I1:$condition, Compute_Fault:$fault);
  let assemblyFormat = "$condition `,` $fault attr-dict";
}

def Compute_IndexOp : Compute_Op<"index", [Pure]> {
  let summary = "The position in one dimension of the enclosing domain";
  let description = [{
    ```mlir
    %columns = compute.map () : () -> tensor<4x8xi64> {
      %i = compute.index 1
      %v = arith.index_cast %i : index to i64
      compute.yield %v : i64
    }
    ```
  }];
  let arguments = (ins I64Attr:$dim);
  let results = (outs Index:$result);
  let assemblyFormat = "$dim attr-dict";
  let hasVerifier = 1;
}

def Compute_ScaleOp : Compute_Op<"scale", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "A product with an element of a small constant matrix";
  let description = [{
    The coefficient stands in the row that dimension `row` of the enclosing domain names, modulo the
    number of rows, and in the column that dimension `column` names, modulo the number of columns.
    Where it is 0 the result is 0 (-0, which adds nothing) for every `value`: code that is written
    out for single positions has no such products.

    ```mlir
    %sums = compute.reduce add over affine_map<() -> (2)>
        (%x at #access.map<(d0, d1, d2) -> (d0 floordiv 2, d2, d1)>)
        : (tensor<8x2x64xf32>) -> tensor<16x64xf32> {
    ^bb0(%element: f32):
      %p = compute.scale %element by dense<[[1.0, 1.0], [1.0, -1.0]]> : tensor<2x2xf32> at 0, 2 : f32
      compute.yield %p : f32
    }
    ```
  }];
  let arguments = (ins AnyFloat:$value, ElementsAttr:$table, I64Attr:$row, I64Attr:$column);
  let results = (outs AnyFloat:$result);
  let assemblyFormat = "$value `by` $table `at` $row `,` $column attr-dict `:` type($value)";
  let extraClassDeclaration = [{
    /// The coefficient for positions in the two dimensions.
    mlir::FloatAttr coefficientAt(int64_t row, int64_t column);
  }];
  let hasVerifier = 1;
}

def Compute_YieldOp : Compute_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "The values of a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ /* implicit terminator */ }]>];
}

def Compute_FusedOp : Compute_Op<"fused",
    [Pure, IsolatedFromAbove, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "A group of operations that becomes one loop nest";
  let description = [{
    The region holds `compute` operations on the block arguments (one for each input); only yielded
    tensors are stored. `layouts[i]` is the order in which the dimensions of result `i` lie in
    memory, outermost first (an empty list: row-major). `strategy` names the class of lowering and
    `schedule` its parameters. Block arguments match the inputs (fused_c1), the yielded values the
    results (fused_c2), and each layout is a permutation (fused_c3).

    ```mlir
    %r = compute.fused pointwise (%x) : (tensor<8xf32>) -> tensor<8xf32> {
    ^bb0(%a: tensor<8xf32>):
      %m = compute.map (%a at #access.map<(d0) -> (d0)>) : (tensor<8xf32>) -> tensor<8xf32> {
      ^bb1(%v: f32):
        %s = arith.mulf %v, %v : f32
        compute.yield %s : f32
      }
      compute.yield %m : tensor<8xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, OptionalAttr<Compute_GroupClass>:$strategy,
      OptionalAttr<ArrayAttr>:$layouts, OptionalAttr<AnyAttr>:$schedule, OptionalAttr<StrAttr>:$label);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    ($strategy^)? `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) $body
  }];
  let hasVerifier = 1;
}
include "dialects/Compute/IR/ControlOps.td"
#endif
