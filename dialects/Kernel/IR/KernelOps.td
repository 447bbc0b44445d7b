#ifndef LONGTAIL_KERNEL_OPS
#define LONGTAIL_KERNEL_OPS
include "dialects/Kernel/IR/KernelAttrs.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"

class Kernel_Op<string mnemonic, list<Trait> traits = []> : Op<Kernel_Dialect, mnemonic, traits>;

def Kernel_LoadOp : Kernel_Op<"load", [MemoryEffects<[MemRead]>]> {
  let summary = "Load an element or a vector of consecutive elements";
  let description = [{
    Reads the element at `offset` (in elements), or as many consecutive ones as the result's vector
    has lanes. Lanes whose `mask` is false are not read and hold `passthrough` (zero when it is not
    given). The result has the element's compute type (load_c1); a mask needs a vector (load_c2).

    ```mlir
    %v = kernel.load %b[%i] : !kernel.buffer<f32> -> vector<16xf32>
    ```
  }];
  let arguments = (ins Kernel_BufferType:$buffer, Index:$offset, Optional<VectorOfAnyRankOf<[I1]>>:$mask);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $buffer `[` $offset `]` (`mask` $mask^ `:` type($mask) `,`)? attr-dict `:` qualified(type($buffer)) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Kernel_StoreOp : Kernel_Op<"store", [MemoryEffects<[MemWrite]>]> {
  let summary = "Store an element or a vector of consecutive elements";
  let description = [{
    The counterpart of `kernel.load` (store_c1, store_c2).

    ```mlir
    kernel.store %v, %b[%i] : vector<16xf32> -> !kernel.buffer<f32>
    ```
  }];
  let arguments = (ins AnyType:$value, Kernel_BufferType:$buffer, Index:$offset,
                       Optional<VectorOfAnyRankOf<[I1]>>:$mask);
  let assemblyFormat = [{
    $value `,` $buffer `[` $offset `]` (`mask` $mask^ `:` type($mask) `,`)? attr-dict `:` type($value) `->` qualified(type($buffer))
  }];
  let hasVerifier = 1;
}

def Kernel_GatherOp : Kernel_Op<"gather", [MemoryEffects<[MemRead]>]> {
  let summary = "Load a vector of elements at given offsets";
  let description = [{
    Lane `l` is the element at `offsets[l]`; lanes whose `mask` is false are not read and hold zero.
    Offsets, mask and result have one number of lanes (gather_c1).

    ```mlir
    %v = kernel.gather %b[%offsets] : !kernel.buffer<f32>, vector<8xindex> -> vector<8xf32>
    ```
  }];
  let arguments = (ins Kernel_BufferType:$buffer, VectorOfAnyRankOf<[Index]>:$offsets,
                       Optional<VectorOfAnyRankOf<[I1]>>:$mask);
  let results = (outs AnyVectorOfAnyRank:$result);
  let assemblyFormat = [{
    $buffer `[` $offsets `]` (`mask` $mask^ `:` type($mask) `,`)? attr-dict `:` qualified(type($buffer)) `,` type($offsets) `->` type($result)
  }];
  let hasVerifier = 1;
}

defvar Kernel_Integers = AnyTypeOf<[I32, VectorOfAnyRankOf<[I32]>]>;

def Kernel_DotOp : Kernel_Op<"dot", [Pure, AllTypesMatch<["a", "b", "sum", "result"]>]> {
  let summary = "Sums of products of four bytes";
  let description = [{
    Each lane of `a` holds four unsigned bytes and each of `b` four signed ones, the first in the
    lowest bits. `sum` plus the four products, in 32 bits that wrap; products and their sum are exact.
    A scalar is one lane.

    ```mlir
    %r = kernel.dot %a, %b, %sum : vector<16xi32>
    ```
  }];
  let arguments = (ins Kernel_Integers:$a, Kernel_Integers:$b, Kernel_Integers:$sum);
  let results = (outs Kernel_Integers:$result);
  let assemblyFormat = "$a `,` $b `,` $sum attr-dict `:` type($sum)";
}

def Kernel_PermuteOp : Kernel_Op<"permute", [Pure]> {
  let summary = "Elements of a vector by their numbers";
  let description = [{
    Lane `i` of the result is the element `positions[i]` of `vector`. Each position is the number of
    an element, of which there may be more than positions; the result is as long as these
    (permute_c1).

    ```mlir
    %r = kernel.permute %v by %p : vector<32xf32>, vector<16xi32> -> vector<16xf32>
    ```
  }];
  let arguments = (ins AnyVectorOfNonZeroRank:$vector, VectorOfNonZeroRankOf<[I32]>:$positions);
  let results = (outs AnyVectorOfNonZeroRank:$result);
  let assemblyFormat =
      "$vector `by` $positions attr-dict `:` type($vector) `,` type($positions) `->` type($result)";
  let hasVerifier = 1;
}

def Kernel_AdvanceOp : Kernel_Op<"advance", [Pure, AllTypesMatch<["buffer", "result"]>]> {
  let summary = "A buffer that begins at an offset of another";
  let description = [{
    ```mlir
    %row = kernel.advance %b[%offset] : !kernel.buffer<f32>
    ```
  }];
  let arguments = (ins Kernel_BufferType:$buffer, Index:$offset);
  let results = (outs Kernel_BufferType:$result);
  let assemblyFormat = "$buffer `[` $offset `]` attr-dict `:` qualified(type($buffer))";
  let extraClassDeclaration = [{}];
}

def Kernel_SelectOp : Kernel_Op<"select", [Pure, AllTypesMatch<["a", "b", "result"]>]> {
  let summary = "One of two buffers";
  let description = [{
    ```mlir
    %row = kernel.select %inside, %b, %zeros : !kernel.buffer<f32>
    ```
  }];
  let arguments = (ins I1:$condition, Kernel_BufferType:$a, Kernel_BufferType:$b);
  let results = (outs Kernel_BufferType:$result);
  let assemblyFormat = "$condition `,` $a `,` $b attr-dict `:` qualified(type($a))";
}

def Kernel_PrefetchOp : Kernel_Op<"prefetch", [MemoryEffects<[MemWrite]>]> {
  let summary = "Bring the cache line of an element nearer";
  let description = [{
    ```mlir
    kernel.prefetch %b[%i] : !kernel.buffer<f32>
    ```
  }];
  let arguments = (ins Kernel_BufferType:$buffer, Index:$offset);
  let assemblyFormat = "$buffer `[` $offset `]` attr-dict `:` qualified(type($buffer))";
}

def Kernel_ZerosOp : Kernel_Op<"zeros", [Pure]> {
  let summary = "A read-only buffer of zeros";
  let description = [{
    At least `count` zero elements, in the constants of the code.

    ```mlir
    %z = kernel.zeros 4096 : !kernel.buffer<f32>
    ```
  }];
  let arguments = (ins I64Attr:$count);
  let results = (outs Kernel_BufferType:$result);
  let assemblyFormat = "$count attr-dict `:` qualified(type($result))";
}

def Kernel_RaiseOp : Kernel_Op<"raise", [MemoryEffects<[MemWrite]>]> {
  let summary = "Report an error where a condition holds";
  let description = [{
    Where `condition` (a bit, or a vector of which any bit) is true the kernel returns `code` when its
    tile is done: 1 index out of range, 2 division by zero, 3 invalid value.

    ```mlir
    kernel.raise 1 if %outside : i1
    ```
  }];
  let arguments = (ins I32Attr:$code, AnyType:$condition);
  let assemblyFormat = "$code `if` $condition attr-dict `:` type($condition)";
}

def Kernel_TextOp : Kernel_Op<"text", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Call a function of the runtime on strings";
  let description = [{
    `function` is one of `lt_text_function` (runtime/include/longtail/artifact.h); operands that are
    left out are 0.

    ```mlir
    %same = kernel.text 0(%a, %b)
    ```
  }];
  let arguments = (ins I32Attr:$function, Variadic<I64>:$operands);
  let results = (outs I64:$result);
  let assemblyFormat = "$function `(` $operands `)` attr-dict";
}

def Kernel_ScratchOp : Kernel_Op<"scratch", [Pure]> {
  let summary = "Memory of this worker for the time of the kernel";
  let description = [{
    A buffer that begins `offset` bytes into the worker's scratch memory, 64-byte aligned
    (scratch_c1). The dispatch states how much there is.

    ```mlir
    %s = kernel.scratch 0 : !kernel.buffer<f32>
    ```
  }];
  let arguments = (ins I64Attr:$offset);
  let results = (outs Kernel_BufferType:$result);
  let assemblyFormat = "$offset attr-dict `:` qualified(type($result))";
  let hasVerifier = 1;
}

def Kernel_DispatchOp : Kernel_Op<"dispatch"> {
  let summary = "Run a kernel over its tiles";
  let description = [{
    `callee` is called for each tile number in `[0, tiles)`, in any order and on any thread. Its
    buffers are the inputs, then the results; its parameters are the results of `params`; `scratch`
    is the number of bytes of scratch memory of each worker. All three are over the function's
    symbols; `tiles` and `scratch` have one result (dispatch_c1). `label` names the model's nodes.

    ```mlir
    %y = kernel.dispatch @k0(%x) params affine_map<() -> ()>
        tiles affine_map<()[s0] -> (s0 ceildiv 8)> scratch affine_map<() -> (0)>
        : (tensor<?xf32>) -> tensor<?xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyRankedTensor>:$inputs,
      AffineMapAttr:$params, AffineMapAttr:$tiles, AffineMapAttr:$scratch,
      OptionalAttr<StrAttr>:$label);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let assemblyFormat = [{
    $callee `(` $inputs `)` `params` $params `tiles` $tiles `scratch` $scratch attr-dict
    `:` functional-type($inputs, $outputs)
  }];
  let hasVerifier = 1;
}

def Kernel_AliasOp : Kernel_Op<"alias", [Pure]> {
  let summary = "The same memory as a tensor of another shape";
  let description = [{
    Both tensors lie in memory row-major and have the same elements.

    ```mlir
    %r = kernel.alias %x : tensor<4x2xf32> -> tensor<8xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$source);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
}
#endif
