"""Subgraphs of ONNX models that equal a pattern, replaced by one node.

A pattern is an `onnx.FunctionProto`: a subgraph that equals its body becomes a node of its domain
and name. Values match whatever their names; constants match constants of equal type and elements;
an attribute that the pattern takes from its caller matches any value and is given to the new node.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import InputError

_COMMUTATIVE = {"Add", "And", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Equal", "Mul", "Or", "Xor"}

Binding = dict[tuple[str, str], Any]  # ("value" or "attribute", name in the pattern): what it is


class Pattern:
    def __init__(self, function: Any) -> None:
        self.function = function
        self.name = f"{function.domain}::{function.name}"
        self.makers = {name: n for n in function.node for name in n.output if name}
        if not function.output or any(name not in self.makers for name in function.output):
            raise InputError(f"pattern '{self.name}' has outputs that no node of it makes")
        if any(_key(n) == (function.domain, function.name) for n in function.node):
            raise InputError(f"pattern '{self.name}' occurs in itself")
        if any(a.HasField("g") or a.graphs for n in function.node for a in n.attribute):
            raise InputError(f"pattern '{self.name}' has nodes with graphs")
        reached: set[str] = set()
        self._reach(function.output[0], reached)
        if not {*function.input, *function.output} <= reached:
            raise InputError(
                f"pattern '{self.name}': all its inputs and outputs must lead to its first output"
            )

    def _reach(self, value: str, reached: set[str]) -> None:
        reached.add(value)
        for each in self.makers[value].input if value in self.makers else ():
            if each not in reached:
                self._reach(each, reached)


def replace(graph: Any, patterns: Sequence[Pattern], around: _Subject | None = None) -> None:
    """Replaces what matches in a graph or function and the graphs within, which read constants of
    those `around` them; earlier patterns go first."""
    within = _Subject(graph, around)
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                replace(inner, patterns, within)
    for pattern in patterns:
        while _replace_one(graph, pattern, around):
            pass


def _replace_one(graph: Any, pattern: Pattern, around: _Subject | None) -> bool:
    subject = _Subject(graph, around)
    first = pattern.function.output[0]
    for node in graph.node:
        for value in node.output:
            for binding in subject.match(pattern, first, value, {}):
                taken = subject.interior(pattern, binding)
                if taken is not None:
                    _put(graph, pattern, binding, taken)
                    return True
    return False


def _put(graph: Any, pattern: Pattern, binding: Binding, taken: list[Any]) -> None:
    from onnx import AttributeProto, helper

    function = pattern.function
    inputs = [binding["value", name] for name in function.input]
    outputs = [binding["value", name] for name in function.output]
    name = next((each.name for each in reversed(taken) if each.name), "")
    made = helper.make_node(function.name, inputs, outputs, name, domain=function.domain)
    for (kind, formal), attribute in binding.items():
        if kind == "attribute" and attribute is not None:
            copy = AttributeProto()
            copy.CopyFrom(attribute)
            copy.name = formal
            made.attribute.append(copy)
    gone = {id(each) for each in taken}
    places = [k for k, each in enumerate(graph.node) if id(each) in gone]
    graph.node[places[-1]].CopyFrom(made)
    for k in reversed(places[:-1]):
        del graph.node[k]


class _Subject:
    """A graph, or the body of a function, that is searched."""

    def __init__(self, graph: Any, around: _Subject | None = None) -> None:
        self.around = around
        self.nodes = list(graph.node)  # kept, so that their identities stay
        self.makers = {name: n for n in self.nodes for name in n.output if name}
        self.inputs = _declared(graph.input)
        initializers = getattr(graph, "initializer", ())  # functions have none
        self.constants = {t.name: t for t in initializers if t.name not in self.inputs}
        self.outside = _declared(graph.output)
        self.users: dict[str, list[Any]] = {}
        for node in self.nodes:
            for name in node.input:
                self.users.setdefault(name, []).append(node)
            for attribute in node.attribute:
                for inner in [attribute.g, *attribute.graphs]:
                    self.outside |= _names(inner)

    def match(
        self, pattern: Pattern, formal: str, actual: str, binding: Binding
    ) -> Iterator[Binding]:
        """The ways in which the pattern's value `formal` can be the graph's value `actual`."""
        if ("value", formal) in binding or not formal or not actual:
            if binding.get(("value", formal), "") == actual:
                yield binding
            return
        bound = {**binding, ("value", formal): actual}
        if formal in pattern.function.input:
            yield bound
            return
        want, have = pattern.makers[formal], self.makers.get(actual)
        if _key(want) == ("", "Constant"):
            wanted, known = _constant(want), self._known(actual)
            if wanted is not None and known is not None and _same(wanted, known):
                yield bound
            return
        if (
            have is None
            or _key(want) != _key(have)
            or len(want.input) != len(have.input)
            or list(want.output).index(formal) != list(have.output).index(actual)
        ):
            return
        with_attributes = _attributes(want, have, bound)
        if with_attributes is None:
            return
        orders = [list(have.input)]
        if want.op_type in _COMMUTATIVE and len(have.input) == 2:
            orders.append(orders[0][::-1])
        for order in orders:
            yield from self._match_all(pattern, list(want.input), order, with_attributes)

    def _match_all(
        self, pattern: Pattern, formals: list[str], actuals: list[str], binding: Binding
    ) -> Iterator[Binding]:
        if not formals:
            yield binding
            return
        for found in self.match(pattern, formals[0], actuals[0], binding):
            yield from self._match_all(pattern, formals[1:], actuals[1:], found)

    def _known(self, value: str) -> np.ndarray | None:
        from onnx import numpy_helper

        maker = self.makers.get(value)
        if maker is not None and _key(maker) == ("", "Constant"):
            return _constant(maker)
        tensor = self.constants.get(value)
        if tensor is None:
            own = maker is not None or value in self.inputs
            return None if own or self.around is None else self.around._known(value)
        return numpy_helper.to_array(tensor)

    def interior(self, pattern: Pattern, binding: Binding) -> list[Any] | None:
        """The nodes that the match replaces; None if others need what they make inside."""
        inside: list[Any] = []
        for formal, maker in pattern.makers.items():
            actual = binding.get(("value", formal))
            if actual is None or _key(maker) == ("", "Constant"):
                continue  # constants stay: others may use them
            node = self.makers[actual]
            if all(node is not each for each in inside):
                inside.append(node)
        kept = {binding["value", name] for name in pattern.function.output}
        for node in inside:
            for name in node.output:
                if not name or name in kept:
                    continue
                users = self.users.get(name, [])
                if name in self.outside or any(all(u is not n for n in inside) for u in users):
                    return None
        return [each for each in self.nodes if any(each is n for n in inside)]


def _key(node: Any) -> tuple[str, str]:
    return ("" if node.domain == "ai.onnx" else node.domain, node.op_type)


def _declared(values: Any) -> set[str]:
    """Names of the inputs or outputs of a graph, or of a function, which has only names."""
    return {value if isinstance(value, str) else value.name for value in values}


def _names(graph: Any) -> set[str]:
    """All values that the nodes of a graph and of those within read, and what it returns."""
    found = _declared(graph.output)
    for node in graph.node:
        found |= set(node.input)
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                found |= _names(inner)
    return found


def _constant(node: Any) -> np.ndarray | None:
    from onnx import helper, numpy_helper

    (attribute,) = node.attribute
    if attribute.ref_attr_name:
        return None  # the function's caller decides
    if attribute.name == "value":
        return numpy_helper.to_array(attribute.t)
    types = {"value_float": "f4", "value_floats": "f4", "value_int": "i8", "value_ints": "i8"}
    if attribute.name not in types:
        return None  # text, and what is sparse
    return np.array(helper.get_attribute_value(attribute), types[attribute.name])


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def _attributes(want: Any, have: Any, binding: Binding) -> Binding | None:
    """The binding with what the pattern takes from its caller; None where others differ."""
    actual = {each.name: each for each in have.attribute}
    bound = dict(binding)
    for each in want.attribute:
        found = actual.pop(each.name, None)
        if each.ref_attr_name:
            key = ("attribute", each.ref_attr_name)
            known = bound.setdefault(key, found)
            if known is not found and (
                known is None or found is None or _content(known) != _content(found)
            ):
                return None
        elif found is None or _content(each) != _content(found):
            return None
    return None if actual else bound


def _content(attribute: Any) -> bytes:
    copy = type(attribute).FromString(attribute.SerializeToString())
    copy.name = copy.doc_string = ""
    return copy.SerializeToString(deterministic=True)
