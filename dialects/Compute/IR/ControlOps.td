// Operations that run other functions of the module.

def Compute_BranchOp : Compute_Op<"branch", [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Run one of two functions";
  let description = [{
    Runs `then` where the one result of `condition` (over the caller's symbols) is not 0, else
    `otherwise`. Both take all inputs and give all results; sizes in their types are over symbols of
    their own. A result has the size of the chosen function's result: an expression of the caller's
    symbols where they tell it, else a symbol that an `extent.measure` behind the operation
    declares.

    `condition` has one result and no dimensions (branch_c1). Both functions exist, are not
    declarations, and have the operation's number of arguments and results, of the same element
    types and ranks (branch_c2).

    ```mlir
    func.func private @then_0(%a: tensor<4xf32>) -> tensor<4xf32> {
      return %a : tensor<4xf32>
    }
    func.func private @else_0(%a: tensor<4xf32>) -> tensor<4xf32> {
      return %a : tensor<4xf32>
    }
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %r = compute.branch affine_map<() -> (1)>, @then_0, @else_0(%x)
          : (tensor<4xf32>) -> tensor<4xf32>
      return %r : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins AffineMapAttr:$condition, FlatSymbolRefAttr:$then,
      FlatSymbolRefAttr:$otherwise, Variadic<AnyRankedTensor>:$inputs);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = [{
    $condition `,` $then `,` $otherwise `(` $inputs `)` attr-dict
    `:` functional-type($inputs, $outputs)
  }];
  let hasVerifier = 1;
}

def Compute_RepeatOp : Compute_Op<"repeat", [Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Run a function again and again";
  let description = [{
    Runs `body` as often as the one result of `trips` says (not at all where it is not positive).
    Arguments of the body: the number of the trip, a tensor of one i64; the `carried` values, first
    as given, then as the trip before left them; slice `i` (along dimension 0) of each of `sliced`
    in trip `i`; the `invariant` values. Results of the body: with `conditional` a tensor of one
    bool, false after the last trip; then the carried values; then one slice of each accumulated
    result.

    Results of the operation: the carried values after the last trip, then the accumulated slices,
    one behind the other in a new dimension 0. Sizes are as for `compute.branch`. A carried value
    may change its size from trip to trip; accumulated slices may not.

    `trips` has one result and no dimensions (repeat_c1). The body exists, is not a declaration and
    has the described signature (repeat_c2).

    ```mlir
    func.func private @body_0(%i: tensor<i64>, %h: tensor<4xf32>, %x: tensor<4xf32>,
                              %w: tensor<4x4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
      return %x, %h : tensor<4xf32>, tensor<4xf32>
    }
    func.func @main(%h: tensor<4xf32>, %x: tensor<9x4xf32>, %w: tensor<4x4xf32>)
        -> (tensor<4xf32>, tensor<9x4xf32>) {
      %last, %all = compute.repeat @body_0 affine_map<() -> (9)>
          carried(%h : tensor<4xf32>) sliced(%x : tensor<9x4xf32>) invariant(%w : tensor<4x4xf32>)
          -> tensor<4xf32>, tensor<9x4xf32>
      return %last, %all : tensor<4xf32>, tensor<9x4xf32>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$body, AffineMapAttr:$trips, UnitAttr:$conditional,
      Variadic<AnyRankedTensor>:$carried, Variadic<AnyRankedTensor>:$sliced,
      Variadic<AnyRankedTensor>:$invariant);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = [{
    $body $trips (`conditional` $conditional^)? (`carried` `(` $carried^ `:` type($carried) `)`)?
    (`sliced` `(` $sliced^ `:` type($sliced) `)`)?
    (`invariant` `(` $invariant^ `:` type($invariant) `)`)? attr-dict (`->` type($outputs)^)?
  }];
  let hasVerifier = 1;
}
