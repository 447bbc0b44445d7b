"""Writes the bodies that ONNX gives for some of its own operators as bytes of a C array.

    python standard_functions.py OUTPUT

The bytes are a ModelProto of which only `functions` is set. The doc string of each function is
the version of the operator from which on it is valid; its metadata say how many of the first inputs
a call must give. Bodies that depend on the types or the attributes of a call are not among them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import onnx
from onnx import defs, helper, numpy_helper


def required_inputs(schema: defs.OpSchema) -> int:
    """How many of the first inputs are not optional."""
    option = defs.OpSchema.FormalParameterOption
    count = 0
    while count < min(schema.min_input, len(schema.inputs)):
        if schema.inputs[count].option == option.Optional:
            break
        count += 1
    return count


def bodies(schema: defs.OpSchema) -> list[onnx.FunctionProto]:
    """The bodies of one version of an operator, with the defaults of its attributes."""
    found = []
    for version in schema.function_opset_versions:
        serialized = schema.get_function_with_opset_version(version)
        function = onnx.FunctionProto.FromString(serialized)
        function.domain, function.name = schema.domain, schema.name
        function.doc_string = str(schema.since_version)
        function.metadata_props.add(key="required_inputs", value=str(required_inputs(schema)))
        defaults = {each.name: each.default_value for each in schema.attributes.values()}
        known = {each.name for each in function.attribute_proto}
        for name, value in defaults.items():
            if value.name and name not in known:
                function.attribute_proto.add().CopyFrom(value)
        for node in function.node:
            node.ClearField("doc_string")
            for attribute in node.attribute:
                if attribute.HasField("t"):  # the importer takes raw data from the model's file
                    tensor = attribute.t
                    values = numpy_helper.to_array(tensor)
                    attribute.t.CopyFrom(
                        helper.make_tensor(
                            tensor.name, tensor.data_type, values.shape, values.flatten()
                        )
                    )
        found.append(function)
    return found


def main() -> int:
    model = onnx.ModelProto()
    for schema in defs.get_all_schemas_with_history():
        model.functions.extend(bodies(schema))
    data = model.SerializeToString(deterministic=True)
    lines = (data[i : i + 24] for i in range(0, len(data), 24))
    text = "".join("".join(f"{byte}," for byte in line) + "\n" for line in lines)
    Path(sys.argv[1]).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
