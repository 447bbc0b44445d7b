"""Every operator that ONNX defines, each without one of its required inputs: the error names it."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
import onnx.helper as oh
import pytest
from onnx import TensorProto
from onnx.defs import OpSchema

import longtail as lt

OPTION = OpSchema.FormalParameterOption
NEWEST = {"": 28, "ai.onnx.ml": 5}
ELEMENTS = {
    name.lower(): value
    for name, value in TensorProto.DataType.items()
    if value not in (TensorProto.UNDEFINED, TensorProto.STRING)
} | {"string": TensorProto.STRING}
# What such a node is told instead: what it has is not supported, or it can do without.
OTHER_MESSAGES = {
    ("Scan", 8, 1): "input 0 (sequence lengths) is not supported",
    ("Resize", 11, 1): "expected 2 elements for 2 dimensions",
    ("Resize", 11, 2): "neither of inputs 'scales' and 'sizes' are given",
}


def type_of(text: str) -> onnx.TypeProto:
    """The type that `text`, as in ``seq(tensor(float))``, stands for; tensors are matrices."""
    if text.startswith("seq("):
        return oh.make_sequence_type_proto(type_of(text[4:-1]))
    if text.startswith("optional("):
        return oh.make_optional_type_proto(type_of(text[9:-1]))
    return oh.make_tensor_type_proto(ELEMENTS[text.removeprefix("tensor(")[:-1]], [2, 3])


def input_type(schema: OpSchema, parameter: OpSchema.FormalParameter) -> onnx.TypeProto:
    allowed = sorted(parameter.types)
    for text in ("tensor(float)", "tensor(int64)", "tensor(uint8)", *allowed):
        if text in allowed and "map(" not in text:
            return type_of(text)
    raise AssertionError(f"{schema.name}: no type for '{parameter.name}'")


def parameter(schema: OpSchema, position: int) -> OpSchema.FormalParameter:
    return schema.inputs[min(position, len(schema.inputs) - 1)]


def required(schema: OpSchema) -> list[int]:
    return [i for i in range(schema.min_input) if parameter(schema, i).option != OPTION.Optional]


def without(schema: OpSchema, missing: int) -> onnx.ModelProto:
    """A node of this operator that has every required input but `missing`."""
    count = len(required(schema))
    names = ["" if i == missing else f"input{i}" for i in range(count)]
    inputs = [
        oh.make_value_info(name, input_type(schema, parameter(schema, i)))
        for i, name in enumerate(names)
        if name
    ]
    node = oh.make_node(schema.name, names, ["y"], name="the_node", domain=schema.domain)
    output = oh.make_empty_tensor_value_info("y")
    graph = oh.make_graph([node], "g", inputs, [output])
    return oh.make_model(
        graph, opset_imports=[oh.make_opsetid(schema.domain, schema.since_version)], ir_version=11
    )


def schemas() -> Iterator[OpSchema]:
    """Those of the versions that can be imported."""
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain not in NEWEST or schema.deprecated:
            continue
        if schema.domain == "" and not 7 <= schema.since_version <= NEWEST[""]:
            continue
        yield schema


def error_without(schema: OpSchema, missing: int) -> str:
    try:
        lt.compile(without(schema, missing))
    except lt.Error as error:
        return str(error)
    return "it compiled"


@pytest.mark.parametrize("domain", sorted(NEWEST))
def test_a_missing_input_is_named(domain: str) -> None:
    wrong, checked = [], 0
    for schema in schemas():
        if schema.domain != domain:
            continue
        for missing in required(schema):
            message = error_without(schema, missing)
            if "operator is not supported" in message:
                continue
            checked += 1
            key = (schema.name, schema.since_version, missing)
            expected = OTHER_MESSAGES.get(key, f"input {missing} is missing")
            if expected not in message or schema.name not in message:
                wrong.append(f"{schema.name}-{schema.since_version} input {missing}: {message}")
    assert checked > (300 if domain == "" else 5)
    assert not wrong, "\n".join(wrong)
