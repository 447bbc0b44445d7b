#ifndef LONGTAIL_GRAPH_OPS
#define LONGTAIL_GRAPH_OPS
include "dialects/Graph/IR/GraphTypes.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Graph_Op<string mnemonic, list<Trait> traits = []> : Op<Graph_Dialect, mnemonic, traits>;

def Graph_NodeOp : Graph_Op<"node", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "An operator of a foreign model";
  let description = [{
    Operator `op_type` of `domain` (the empty string is ONNX's own) as version `version` of that
    domain defines it. Operands that the model leaves out are `none`s made by `graph.none`; a result
    that it leaves out has type `none` and an empty name.

    `node_attributes` holds the model's attributes under their own names:

    | in the model | here |
    | --- | --- |
    | integer, float, string | `IntegerAttr` of `i64`, `FloatAttr` of `f32`, `StringAttr` |
    | list of integers, floats | `DenseI64ArrayAttr`, `DenseF32ArrayAttr` |
    | list of strings | `ArrayAttr` of `StringAttr` |
    | tensor, sparse tensor | `ElementsAttr` as in `graph.constant` |
    | type | `TypeAttr` |
    | list of tensors or types | `ArrayAttr` of those |

    Attributes that are graphs become regions, named by `region_names` (a list of graphs repeats its
    name). A region reads values of the enclosing regions directly; its block arguments are named by
    `arg_names`, and `arg_declared_types` keeps what the model says of their types. Types that the
    model declares for results are in `declared_types`, `none` where it declares nothing; nobody has
    checked them.

    `op_type` is not empty and `version` is positive (node_c1). `output_names` has one string
    for each result, empty for a result of type `none` (node_c2); `declared_types`, where given, has
    one type for each result (node_c3). `region_names`, `arg_names` and, where given,
    `arg_declared_types` have one entry for each region (node_c4) and the latter two one string or
    type in it for each block argument (node_c5). A region is one block that ends in `graph.yield`
    (node_c6).

    A node may be erased when nothing uses it, and two equal nodes may become one unless the node is
    random, has regions, or is of a domain that is not known to be free of effects.

    ```mlir
    %y = graph.node "Conv" version 13 named "conv1" (%x, %w) -> ["y"] with {group = 1 : i64}
        : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> !graph.any
    %z = graph.node "If" version 13 (%c) -> ["z"] regions ["then_branch", "else_branch"] [[], []]
        : (tensor<i1>) -> !graph.any {
      graph.yield %y ["t"] : !graph.any
    }, {
      graph.yield %x ["e"] : tensor<1x3x8x8xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$op_type, DefaultValuedAttr<StrAttr, "\"\"">:$domain,
      I64Attr:$version, DefaultValuedAttr<StrAttr, "\"\"">:$node_name, Variadic<AnyType>:$inputs,
      StrArrayAttr:$output_names,
      DefaultValuedAttr<DictionaryAttr, "{}">:$node_attributes,
      OptionalAttr<TypeArrayAttr>:$declared_types,
      DefaultValuedAttr<StrArrayAttr, "{}">:$region_names,
      DefaultValuedAttr<TypedArrayAttrBase<StrArrayAttr, "arrays of names">, "{}">:$arg_names,
      OptionalAttr<TypedArrayAttrBase<TypeArrayAttr, "arrays of types">>:$arg_declared_types);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region VariadicRegion<AnyRegion>:$bodies);
  let assemblyFormat = [{
    $op_type (`domain` $domain^)? `version` $version (`named` $node_name^)? `(` $inputs `)` `->`
    $output_names (`declared` $declared_types^)? (`with` $node_attributes^)?
    (`regions` $region_names^ $arg_names (`declared` $arg_declared_types^)?)? attr-dict
    `:` functional-type($inputs, $outputs) ($bodies^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// True for operator `opType` of `domain`.
    bool isOp(::llvm::StringRef opType, ::llvm::StringRef domain = "") {
      return getOpType() == opType && getDomain() == domain;
    }
    /// Operand `index`, or null where the model leaves it out.
    ::mlir::Value getInputOrNull(unsigned index);
    /// The model's attribute `name`, or null where it is absent or of another kind.
    template <typename T = ::mlir::Attribute> T getModelAttr(::llvm::StringRef name) {
      return ::llvm::dyn_cast_or_null<T>(getNodeAttributes().get(name));
    }
    /// The model's attribute `name`, or `otherwise` where it is absent or of another kind.
    int64_t getInt(::llvm::StringRef name, int64_t otherwise);
    float getFloat(::llvm::StringRef name, float otherwise);
    ::llvm::StringRef getString(::llvm::StringRef name, ::llvm::StringRef otherwise);
    ::llvm::ArrayRef<int64_t> getInts(::llvm::StringRef name,
                                      ::llvm::ArrayRef<int64_t> otherwise = {});
    /// The graph attribute `name`, or null.
    ::mlir::Region *getNamedRegion(::llvm::StringRef name);
    ::llvm::StringRef getOutputName(unsigned index) {
      return ::llvm::cast<::mlir::StringAttr>(getOutputNames()[index]).getValue();
    }
  }];
}

def Graph_ConstantOp : Graph_Op<"constant", [ConstantLike, Pure,
                                             AllTypesMatch<["value", "result"]>]> {
  let summary = "A tensor of the model";
  let description = [{
    `name` is the value's name in the model. The result has the type of `value` (constant_c1), which
    is a tensor (constant_c2).

    Up to 1 KiB, and always if they are booleans, the elements are a `DenseElementsAttr`. Larger
    tensors are `DenseResourceElementsAttr`s whose blob holds the elements in row-major order,
    little endian, at any address: read them with `memcpy`. Elements of fewer than 8 bits are packed
    from the low bits of each byte up in a blob, but one in a byte in a `DenseElementsAttr`. A blob
    may be a range of a mapped file and must not be changed. Strings are a
    `DenseStringElementsAttr`.

    ```mlir
    %w = graph.constant named "w" dense<[1.0, 2.0]> : tensor<2xf32>
    ```
  }];
  let arguments = (ins ElementsAttrInterface:$value, OptionalAttr<StrAttr>:$name);
  let results = (outs AnyTensor:$result);
  let assemblyFormat = "(`named` $name^)? $value attr-dict";
  let hasFolder = 1;
}

def Graph_NoneOp : Graph_Op<"none", [Pure]> {
  let summary = "An operand that the model leaves out";
  let description = [{
    ```mlir
    %none = graph.none
    ```
  }];
  let results = (outs NoneType:$result);
  let assemblyFormat = "attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, $_builder.getNoneType()); }]>];
}

def Graph_YieldOp : Graph_Op<"yield", [Pure, Terminator, ReturnLike, HasParent<"NodeOp">]> {
  let summary = "The results of a region of a node";
  let description = [{
    `names` has one string for each operand (yield_c1), and so has `declared_types`, where given,
    one type (yield_c2).

    ```mlir
    %y = graph.node "SequenceMap" version 17 (%s) -> ["y"] regions ["body"] [["x"]]
        : (!graph.sequence<tensor<?xf32>>) -> !graph.sequence<tensor<?xf32>> {
    ^bb0(%x: tensor<?xf32>):
      graph.yield %x ["x"] : tensor<?xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values, StrArrayAttr:$names,
      OptionalAttr<TypeArrayAttr>:$declared_types);
  let assemblyFormat =
      "($values^)? $names (`declared` $declared_types^)? attr-dict (`:` type($values)^)?";
  let hasVerifier = 1;
}
#endif
