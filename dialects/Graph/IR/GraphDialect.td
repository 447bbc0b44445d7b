#ifndef LONGTAIL_GRAPH_DIALECT
#define LONGTAIL_GRAPH_DIALECT
include "mlir/IR/OpBase.td"

def Graph_Dialect : Dialect {
  let name = "graph";
  let cppNamespace = "::longtail::graph";
  let summary = "What the model says";
  let description = [{
    One operation, `graph.node`, stands for every operator of every foreign domain; nothing of the
    model is interpreted or lost. Values have builtin tensor types; a value whose type has not been
    inferred yet is a `!graph.any`, and an operand or result that is left out is a `none`.

    Attributes of a module: `graph.opsets` (dictionary, domain to version; ONNX's own domain is
    `ai.onnx` here and the empty string in nodes), `graph.metadata` (dictionary of strings),
    `graph.producer`, `graph.ir_version`, `graph.source` (the file's name). Attributes of a
    function: `graph.name` (of the model's graph). Attributes of its arguments and results:
    `graph.name`; `graph.dim_names`, one string for each dimension, empty where the dimension has no
    name; results also `graph.declared_type`, which nothing has checked. Dictionaries (dialect_c1),
    strings (dialect_c2), the version (dialect_c3), types (dialect_c4) and the arrays of names
    (dialect_c5) are verified.

    Numbers are what the model stores: signed integers have signless types (`i8` to `i64`), unsigned
    integers `ui8` to `ui64`, booleans `i1`, strings `!graph.string`.
  }];
  let useDefaultAttributePrinterParser = 0;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}
#endif
