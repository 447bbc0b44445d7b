#ifndef LONGTAIL_GRAPH_TYPES
#define LONGTAIL_GRAPH_TYPES
include "dialects/Graph/IR/GraphDialect.td"
include "mlir/IR/AttrTypeBase.td"

class Graph_Type<string name, string typeMnemonic> : TypeDef<Graph_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Graph_AnyType : Graph_Type<"Any", "any"> {
  let summary = "The type of a value before type inference";
}

def Graph_StringType : Graph_Type<"String", "string"> {
  let summary = "The element type of a tensor of strings";
  let description = [{
    ```mlir
    tensor<3x!graph.string>
    ```
  }];
}

def Graph_SequenceType : Graph_Type<"Sequence", "sequence"> {
  let summary = "Any number of values of one type";
  let description = [{
    The element is a tensor, another type of this dialect, but not a string (sequence_c1).

    ```mlir
    !graph.sequence<tensor<?xf32>>
    ```
  }];
  let parameters = (ins "::mlir::Type":$element);
  let assemblyFormat = "`<` $element `>`";
  let genVerifyDecl = 1;
}

def Graph_OptionalType : Graph_Type<"Optional", "optional"> {
  let summary = "A value or nothing";
  let description = [{
    The element is a tensor, another type of this dialect, but not a string (optional_c1).

    ```mlir
    !graph.optional<!graph.sequence<tensor<?xf32>>>
    ```
  }];
  let parameters = (ins "::mlir::Type":$element);
  let assemblyFormat = "`<` $element `>`";
  let genVerifyDecl = 1;
}

def Graph_MapType : Graph_Type<"Map", "map"> {
  let summary = "A dictionary";
  let description = [{
    The key is an integer or `!graph.string` (map_c1); the value as for a sequence (map_c2).

    ```mlir
    !graph.map<!graph.string, tensor<f32>>
    ```
  }];
  let parameters = (ins "::mlir::Type":$key, "::mlir::Type":$value);
  let assemblyFormat = "`<` $key `,` $value `>`";
  let genVerifyDecl = 1;
}
#endif
