#ifndef LONGTAIL_COMPUTE_ATTRS
#define LONGTAIL_COMPUTE_ATTRS
include "dialects/Compute/IR/ComputeDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Compute_Combiner : I32EnumAttr<"Combiner", "an associative operation with an identity", [
    I32EnumAttrCase<"Add", 0, "add">, I32EnumAttrCase<"Mul", 1, "mul">,
    I32EnumAttrCase<"Max", 2, "max">, I32EnumAttrCase<"Min", 3, "min">,
    I32EnumAttrCase<"UMax", 4, "umax">, I32EnumAttrCase<"UMin", 5, "umin">,
    I32EnumAttrCase<"And", 6, "and">, I32EnumAttrCase<"Or", 7, "or">]> {
  let cppNamespace = "::longtail::compute";
}

def Compute_GroupClass : I32EnumAttr<"GroupClass", "how a group is lowered", [
    I32EnumAttrCase<"Pointwise", 0, "pointwise">, I32EnumAttrCase<"Contraction", 1, "contraction">,
    I32EnumAttrCase<"Window", 2, "window">, I32EnumAttrCase<"Rows", 3, "rows">,
    I32EnumAttrCase<"Grid", 4, "grid">]> {
  let cppNamespace = "::longtail::compute";
}

// The numbers are those of `lt_kernel_code` in runtime/include/longtail/artifact.h.
// The numbers are those of `lt_text_function` in runtime/include/longtail/artifact.h.
def Compute_TextFunction : I32EnumAttr<"TextFunction", "what is done with strings", [
    I32EnumAttrCase<"Equal", 0, "equal">, I32EnumAttrCase<"Compare", 1, "compare">,
    I32EnumAttrCase<"Size", 2, "size">, I32EnumAttrCase<"Join", 3, "join">,
    I32EnumAttrCase<"Slice", 4, "slice">, I32EnumAttrCase<"Search", 5, "search">,
    I32EnumAttrCase<"Skip", 6, "skip">, I32EnumAttrCase<"Span", 7, "span">,
    I32EnumAttrCase<"Lookup", 8, "lookup">, I32EnumAttrCase<"Match", 9, "match">,
    I32EnumAttrCase<"Replace", 10, "replace">, I32EnumAttrCase<"FromInt", 11, "from_int">,
    I32EnumAttrCase<"FromFloat", 12, "from_float">, I32EnumAttrCase<"ToInt", 13, "to_int">,
    I32EnumAttrCase<"ToFloat", 14, "to_float">, I32EnumAttrCase<"ToBool", 15, "to_bool">]> {
  let cppNamespace = "::longtail::compute";
}

def Compute_Fault : I32EnumAttr<"Fault", "why a model refuses its data", [
    I32EnumAttrCase<"Index", 1, "index">, I32EnumAttrCase<"Divide", 2, "divide">,
    I32EnumAttrCase<"Value", 3, "value">]> {
  let cppNamespace = "::longtail::compute";
}
#endif
