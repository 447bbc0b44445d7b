"""Operators of the language as nodes of ONNX models, under domains of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from .operators import Operator
from .patterns import Pattern, replace

# The node that the compiler takes for a call; its attribute `module` is the operator's IR.
_DOMAIN, _NAME = "longtail.language", "Call"
_NUMBERS = {float: np.float64, int: np.int64, bool: np.bool_}


def with_operators(
    model: Any, operators: Mapping[str, Operator], patterns: Sequence[Any] = ()
) -> bytes:
    """The model, a path, bytes or an `onnx.ModelProto`, with each node that names one of the
    operators ("domain::name") made into a call of it.

    Inputs of such a node are the operator's arrays, in their order. Attributes are its numbers and
    `lt.const` arguments, by their names; what has a default may be left out.

    Each of `patterns`, an `onnx.FunctionProto` with the domain and name of one of the operators, is
    looked for in the model's graphs and functions first: a subgraph that equals it becomes such a
    node.

    Raises InputError for an operator that cannot be named, a pattern that cannot be looked for, and
    a node that does not fit its operator.
    """
    import onnx

    if isinstance(model, bytes | bytearray | memoryview):
        copy = onnx.load_model_from_string(bytes(model))
    elif isinstance(model, str | os.PathLike):
        copy = onnx.load(os.fspath(model))
    elif isinstance(model, onnx.ModelProto):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
    else:
        raise InputError(f"cannot put operators into a {type(model).__name__}")
    for name, operator in operators.items():
        domain, _, kind = name.partition("::")
        if not domain or not kind or domain == "ai.onnx":
            raise InputError(f"'{name}' names no operator of a domain of its own: 'domain::name'")
        if not isinstance(operator, Operator):
            raise InputError(f"'{name}' is a {type(operator).__name__}, expected an lt.op")
    for pattern in [Pattern(each) for each in patterns]:
        if pattern.name not in operators:
            raise InputError(f"pattern '{pattern.name}' names none of the operators")
        for part in [copy.graph, *copy.functions]:
            replace(part, [pattern])
    for part in [copy, *copy.functions]:
        nodes = part.graph.node if isinstance(part, onnx.ModelProto) else part.node
        if _replace(nodes, operators):
            part.opset_import.append(onnx.helper.make_opsetid(_DOMAIN, 1))
    return copy.SerializeToString()


def _replace(nodes: Any, operators: Mapping[str, Operator]) -> bool:
    """Replaces the calls among nodes and in their graphs; whether there are any."""
    found = False
    made = []
    for node in nodes:
        for attribute in node.attribute:
            for graph in [attribute.g, *attribute.graphs]:
                found |= _replace(graph.node, operators)
        if node.domain == _DOMAIN:
            raise InputError(f"node '{node.name}' carries code, which no model may bring")
        operator = operators.get(f"{node.domain}::{node.op_type}")
        if operator is not None:
            found = True
            made.extend(_numbers_and_call(node, operator))
        else:
            made.append(node)
    if found:
        copies = [type(node).FromString(node.SerializeToString()) for node in made]
        del nodes[:]
        nodes.extend(copies)
    return found


def _numbers_and_call(node: Any, operator: Operator) -> Iterator[Any]:
    from onnx import helper, numpy_helper

    where = f"node '{node.name}' ({node.domain}::{node.op_type})"
    given = {each.name: _value(each) for each in node.attribute if not each.ref_attr_name}
    passed_on = {each.name: each.ref_attr_name for each in node.attribute if each.ref_attr_name}
    constants = operator._constants()
    arrays = list(node.input)
    inputs, values = [], {}
    for name, parameter in operator.signature.parameters.items():
        kind = parameter.annotation
        if name not in constants and kind not in _NUMBERS:
            if name in given:
                raise InputError(f"{where}: '{name}' is an array, so it is an input")
            if not arrays:
                raise InputError(f"{where}: input '{name}' is missing")
            inputs.append(arrays.pop(0))
            continue
        if name in passed_on:
            if name in constants:
                raise InputError(
                    f"{where}: '{name}' is a constant of the operator, so its value must be known, "
                    f"not be the attribute '{passed_on[name]}' of the function around the node"
                )
            yield from _of_caller(kind, f"{node.output[0]}/{name}", passed_on.pop(name))
            inputs.append(f"{node.output[0]}/{name}")
            continue
        value = given.pop(name, parameter.default)
        if value is parameter.empty:
            raise InputError(f"{where}: attribute '{name}' is missing")
        if name in constants:
            # ONNX has no attributes that are true or false.
            values[name] = bool(value) if isinstance(parameter.default, bool) else value
            continue
        if not isinstance(value, bool | int | float) or (kind is not float and value != int(value)):
            raise InputError(
                f"{where}: attribute '{name}' is {value!r}, expected a number ({kind.__name__})"
            )
        constant = f"{node.output[0]}/{name}"
        tensor = numpy_helper.from_array(np.array(value, _NUMBERS[kind]), name)
        yield helper.make_node("Constant", [], [constant], value=tensor)
        inputs.append(constant)
    if given or passed_on:
        name = next(iter(given | passed_on))
        raise InputError(f"{where}: the operator has no argument '{name}'")
    if arrays:
        raise InputError(f"{where}: {len(arrays)} inputs more than the operator has arrays")
    text = operator.instance(values).text
    yield helper.make_node(_NAME, inputs, list(node.output), node.name, domain=_DOMAIN, module=text)


def _of_caller(kind: type, name: str, attribute: str) -> Iterator[Any]:
    """The value `name` is the number that a node of a function takes from the function's caller."""
    from onnx import AttributeProto, helper

    number = AttributeProto.FLOAT if kind is float else AttributeProto.INT
    constant = helper.make_node("Constant", [], [f"{name}/given"])
    constant.attribute.append(
        AttributeProto(
            name="value_float" if kind is float else "value_int",
            type=number,
            ref_attr_name=attribute,
        )
    )
    yield constant
    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(_NUMBERS[kind]))
    yield helper.make_node("Cast", [f"{name}/given"], [name], to=dtype)


def _value(attribute: Any) -> Any:
    """Text as `str`, lists as tuples, tensors as arrays."""
    from onnx import AttributeProto, helper, numpy_helper

    if attribute.type == AttributeProto.TENSOR:
        return numpy_helper.to_array(attribute.t)
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if attribute.type in (AttributeProto.INTS, AttributeProto.FLOATS):
        return tuple(value)
    return tuple(each.decode() for each in value) if isinstance(value, list) else value
