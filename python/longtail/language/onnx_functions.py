"""Operators as functions of ONNX, for who has no Longtail: the operator's IR, node by node.

What the front end makes of whole arrays, and of grids that it raises, are maps, reductions,
products and reads through maps of indices. A map becomes nodes on arrays that broadcast: an element
becomes an array with a dimension for each of the domain's, of size 1 where it does not vary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .diagnostics import OperatorError, Reject
from .dtypes import ALL
from .ir import Block, Op, map_text
from .onnx_elements import Unknown, element_type, emit
from .onnx_nodes import OPSET, Index, Nodes, names_in, parsed

if TYPE_CHECKING:
    from .operators import Operator

_REDUCTIONS = {
    **{"add": "ReduceSum", "mul": "ReduceProd", "max": "ReduceMax", "min": "ReduceMin"},
    **{"umax": "ReduceMax", "umin": "ReduceMin"},
}


def to_onnx(operator: Operator, name: str | None, constants: Mapping[str, Any]) -> Any:
    """See `Operator.to_onnx`."""
    domain, _, kind = (name or f"longtail::{operator.name}").rpartition("::")
    if not domain or not kind or domain == "ai.onnx":
        raise InputError(f"'{name}' names no function of a domain of its own: 'domain::name'")
    for each in constants:
        if each not in operator._constants():
            raise InputError(f"operator '{operator.name}' has no constant '{each}'")
    top, arguments, outputs = operator.instance(constants).program
    return Writer(operator, arguments).function(domain, kind, top, outputs)


@dataclass(frozen=True)
class Element:
    """A value of a region. The array has no dimension, or one for each of the domain's, of size 1
    for those that are not in `dims`."""

    name: str
    dims: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Tensor:
    """Its sizes are expressions of symbols."""

    name: str
    storage: str
    sizes: tuple[Any, ...]


class Writer:
    def __init__(self, operator: Operator, arguments: Sequence[tuple[str, Any]]) -> None:
        self.operator = operator
        self.nodes = Nodes({name for name, _ in arguments})
        self.symbols: dict[str, Callable[[], Index]] = {}
        self.tensors: dict[str, str] = {}
        self.inputs: list[str] = []
        self.numbers: list[str] = []
        for name, array in arguments:
            if array.weak:
                self.numbers.append(name)
                self.tensors[array.name] = self._number(name, array.dtype.dtype)
            else:
                self.inputs.append(name)
                self.tensors[array.name] = name
        self.arguments = [self.tensors[array.name] for _, array in arguments]

    def _number(self, name: str, dtype: np.dtype) -> str:
        """An attribute of the function; ONNX keeps floats in 32 bits."""
        from onnx import AttributeProto, helper

        kind = "float" if dtype.kind == "f" else "int"
        node = helper.make_node("Constant", [], [self.nodes.name()])
        node.attribute.append(
            AttributeProto(
                name=f"value_{kind}", type=AttributeProto.AttributeType.Value(kind.upper()),
                ref_attr_name=name,
            )
        )  # fmt: skip
        self.nodes.nodes.append(node)
        return self.nodes.cast(node.output[0], dtype)

    def function(self, domain: str, name: str, top: Block, outputs: Sequence[Any]) -> Any:
        from onnx import helper

        for op in top.ops:
            try:
                self._operation(op)
            except Unknown as what:
                raise self._rejected(op, str(what)) from None
        names = [f"result{k}" for k in range(len(outputs))] if len(outputs) > 1 else ["result"]
        while set(names) & set(self.inputs):
            names = [f"{each}_" for each in names]
        made = [
            helper.make_node("Identity", [self.tensors[array.name]], [result])
            for array, result in zip(outputs, names, strict=True)
        ]
        parameters = self.operator.signature.parameters
        defaults = {n: parameters[n].default for n in self.numbers}
        given = {n: v for n, v in defaults.items() if v is not parameters[n].empty}
        return helper.make_function(
            domain,
            name,
            self.inputs,
            names,
            _needed([*self.nodes.nodes, *made], names),
            [helper.make_opsetid("", OPSET)],
            [n for n in self.numbers if n not in given],
            [
                helper.make_attribute(n, float(v) if parameters[n].annotation is float else int(v))
                for n, v in given.items()
            ],
        )

    def _rejected(self, op: Op, what: str) -> OperatorError:
        reject = Reject(
            "E0130",
            f"`{self.operator.name}` is no ONNX function: {what}",
            "write it with whole arrays, or as a grid that is a map, a sum or a product",
        )
        finding = reject.at(op.place)
        if op.place is not None:
            finding = replace(finding, text=self.operator.source.line(op.place.line))
        return OperatorError([finding])

    # ---- operations of the function's body ---------------------------------------------------

    def _operation(self, op: Op) -> None:
        text = "".join(part for part in op.parts if isinstance(part, str)).replace("->", "→")
        result, _, rest = text.partition(" = ") if text.startswith("%") else ("", "", text)
        name, _, rest = rest.partition(" ")
        region = next((part for part in op.parts if isinstance(part, Block)), None)
        if name in ("extent.check", "return"):
            return  # what is wrong with arguments, the operator itself tells
        if name == "extent.symbol":
            number, argument, dim = re.match(r'(\d+) ".*" = input (\d+) dim (\d+)', rest).groups()  # type: ignore[union-attr]
            self.symbols[f"s{number}"] = lambda: self._size_of(int(argument), int(dim))
        elif name == "extent.derived":
            number, function, sizes = re.match(r"(\d+) = (\w+) affine_map<(.*)>$", rest).groups()  # type: ignore[union-attr]
            self.symbols[f"s{number}"] = lambda: self._derived(function, sizes)
        elif name == "access.read":
            self.tensors[result] = self._read_operation(op, rest)
        elif name == "graph.node" and op.facts["operator"] == "TopElements":
            self._top_elements(op)
        elif name == "access.concat":
            found = re.match(r"(.*) axis (\d+) : ", rest)
            values = [self.tensors[each] for each in found[1].split(", ")]
            self.tensors[result] = self.nodes.add("Concat", *values, axis=int(found[2]))
        elif name == "arith.constant" and rest.startswith("dense<"):
            self.tensors[result] = self._dense(rest)
        elif name == "compute.contract":
            self.tensors[result] = self._contract(rest)
        elif name == "compute.map" and region is not None:
            self.tensors[result] = self._map(rest, region)
        elif name == "compute.reduce" and region is not None:
            self.tensors[result] = self._reduce(rest, region)
        else:
            raise Unknown(
                {
                    "compute.grid": "the points of this grid are more than a map, sum or product",
                    "extent.bind": "the size of an array depends on data",
                }.get(name, f"`{name}`")
            )

    def _top_elements(self, op: Op) -> None:
        attributes = op.facts["attributes"]
        count = self.nodes.shape(self._indices(parsed(map_text([attributes["count"]]))))
        axis, largest = attributes["axis"], attributes["largest"]
        given = self.tensors[op.facts["operand"].name]
        values = self.nodes.several(2, "TopK", given, count, axis=axis, largest=largest)
        for made, value in zip(op.facts["results"], values, strict=True):
            self.tensors[made.name] = value

    def _size_of(self, argument: int, dim: int) -> Index:
        name = self.arguments[argument]
        return self.nodes.add("Squeeze", self.nodes.add("Shape", name, start=dim, end=dim + 1))

    def _derived(self, function: str, sizes: str) -> Index:
        values = [self.nodes.value(each) for each in self._indices(parsed(sizes))]
        if function in ("max", "min"):
            return self.nodes.add(function.capitalize(), *values)
        if function == "select":
            test = self.nodes.cast(values[0], np.dtype(bool))
            return self.nodes.add("Where", test, *values[1:])
        tests = {"eq": "Equal", "lt": "Less", "le": "LessOrEqual", "ne": "Equal"}
        if function not in tests:
            raise Unknown(f"the size `{function}`")
        test = self.nodes.add(tests[function], *values)
        test = self.nodes.add("Not", test) if function == "ne" else test
        return self.nodes.cast(test, np.dtype(np.int64))

    def _indices(self, trees: Sequence[Any], dims: Sequence[Index] = ()) -> list[Index]:
        def value(name: str) -> Index:
            return dims[int(name[1:])] if name[0] == "d" else self.symbols[name]()

        return [self.nodes.affine(each, value) for each in trees]

    def _tensor(self, name: str, kind: str) -> Tensor:
        return Tensor(self.tensors[name], *_type(kind))

    def _dense(self, text: str) -> str:
        storage, sizes = _type(text.rpartition(" : ")[2])
        shape = [int(each) for each in self._indices(sizes)]
        dtype = _dtype(storage)
        content = re.match(r'dense<(?:"0x([0-9A-F]*)"|(.*))> : ', text)
        if content[1] is not None:
            array = np.frombuffer(bytes.fromhex(content[1]), dtype)
        else:
            array = np.array([w == "true" for w in re.findall(r"true|false", content[2])], dtype)
        # NB: one element of all bytes stands for all.
        array = np.resize(array, shape) if array.size else np.zeros(shape, dtype)
        return self.nodes.constant(array, dtype)

    # ---- reads -------------------------------------------------------------------------------

    def _read_operation(self, op: Op, text: str) -> str:
        found = re.match(
            r"(%\w+) at <(.*)>(?: fill (\S+?)(?: : \w+)?)?(?: {.*})? : (tensor<.*>) → (tensor.*)$",
            text,
        )
        source = self._tensor(found[1], found[4])
        domain = _type(found[5])[1]
        if op.facts.get("reshape"):
            return self.nodes.reshape(source.name, self._indices(domain))
        return self._spread(self._read(source, found[2], domain, found[3]), domain)

    def _read(
        self, source: Tensor, access: str, domain: Sequence[Any], fill: Any = None
    ) -> Element:
        """The elements of a tensor at a map of a domain's positions, in storage type."""
        indices, valid = _access(access)
        used = [sorted(n for n in names_in(each) if n[0] == "d") for each in indices]
        flat = [n for names in used for n in names]
        if not valid and all(len(n) < 2 for n in used) and len(set(flat)) == len(flat):
            return self._by_dimension(source, indices, used, domain)
        positions = self._positions(domain)
        dims = {int(n[1:]) for n in flat}
        values = [self.nodes.value(each) for each in self._indices(indices, positions)]
        inside = ""
        for condition, bound in valid:
            (at, below) = self._indices([condition, bound], positions)
            dims |= {int(n[1:]) for n in names_in(condition) | names_in(bound) if n[0] == "d"}
            zero = self.nodes.constant(0)
            test = self.nodes.add(
                "And",
                self.nodes.add("LessOrEqual", zero, self.nodes.value(at)),
                self.nodes.add("Less", self.nodes.value(at), self.nodes.value(below)),
            )
            inside = self.nodes.add("And", inside, test) if inside else test
        name = self._gather(source, values, inside, fill)
        return Element(name, frozenset(dims))

    def _by_dimension(
        self, source: Tensor, indices: Sequence[Any], used: Sequence[list[str]], domain: Any
    ) -> Element:
        """Where each dimension of the source is read at positions of one of the domain's alone."""
        import ast

        name, axis, order = source.name, 0, []
        for index, names, size in zip(indices, used, source.sizes, strict=True):
            if not names:
                (at,) = self._indices([index])
                name = self.nodes.add("Gather", name, self.nodes.value(at), axis=axis)
                continue
            k = int(names[0][1:])
            whole = isinstance(index, ast.Name) and ast.dump(size) == ast.dump(domain[k])
            if not whole:
                (extent,) = self._indices([domain[k]])
                every = self.nodes.range(extent)
                (at,) = self._indices([index], [every] * (k + 1))
                name = self.nodes.add("Gather", name, self.nodes.value(at), axis=axis)
            order.append(k)
            axis += 1
        if order != sorted(order):
            places = sorted(range(len(order)), key=order.__getitem__)
            name = self.nodes.add("Transpose", name, perm=places)
        missing = [k for k in range(len(domain)) if k not in order]
        if order and missing:
            name = self.nodes.add("Unsqueeze", name, self.nodes.constant(missing))
        return Element(name, frozenset(order))

    def _positions(self, domain: Sequence[Any]) -> list[str]:
        found = []
        for k, size in enumerate(self._indices(domain)):
            shape: list[Index] = [1] * len(domain)
            shape[k] = -1
            found.append(self.nodes.reshape(self.nodes.range(size), shape))
        return found

    def _gather(
        self, source: Tensor, indices: Sequence[str], inside: str = "", fill: Any = None
    ) -> str:
        """Elements of a tensor at indices that broadcast; `fill` where not `inside`."""
        nodes, sizes = self.nodes, self._indices(source.sizes)
        linear: Index = 0
        for index, size in zip(indices, sizes, strict=True):
            linear = nodes.plus(nodes.times(linear, size), index)
        elements = nodes.reshape(source.name, [-1])
        if inside:
            # Behind all elements: there is one to read even where the tensor is empty.
            last: Index = 1
            for size in sizes:
                last = nodes.times(last, size)
            padding = nodes.constant([_literal(fill, source.storage)], _dtype(source.storage))
            elements = nodes.add("Concat", elements, padding, axis=0)
            linear = nodes.add("Where", inside, nodes.value(linear), nodes.value(last))
        return nodes.add("Gather", elements, nodes.value(linear), axis=0)

    def _spread(self, element: Element, domain: Sequence[Any]) -> str:
        """An array of all the domain's positions."""
        sizes = self._indices(domain)
        missing = [k for k in range(len(sizes)) if k not in element.dims and sizes[k] != 1]
        if not missing and (element.dims or not sizes):
            return element.name
        return (
            self.nodes.add("Expand", element.name, self.nodes.shape(sizes))
            if sizes
            else (element.name)
        )

    # ---- computations ------------------------------------------------------------------------

    def _map(self, text: str, region: Block) -> str:
        operands, types, result = _operands(text)
        storage, domain = _type(result)
        value = self._spread(self._region(region, operands, types, domain), domain)
        return self._stored(value, storage)

    def _stored(self, value: str, storage: str) -> str:
        return self.nodes.cast(value, _dtype(storage)) if storage.startswith("ui") else value

    def _reduce(self, text: str, region: Block) -> str:
        combiner, _, rest = text.partition(" over ")
        extents, rest = _map_at(rest.removeprefix("affine_map"))
        operands, types, result = _operands(rest)
        storage, kept = _type(result)
        domain = [*kept, *parsed(extents)]
        value = self._spread(self._region(region, operands, types, domain), domain)
        if len(domain) == len(kept):
            return self._stored(value, storage)
        axes = self.nodes.constant(np.arange(len(kept), len(domain)))
        if combiner in ("or", "and", "xor") and storage == "i1":
            return self._logical(combiner, value, axes)
        if combiner not in _REDUCTIONS:
            raise Unknown(f"the reduction `{combiner}`")
        dtype = _dtype(storage)
        wide = dtype
        if storage.startswith(("ui", "i")) and dtype.itemsize < 4:
            wide = np.dtype(np.int32)
        value = (
            self.nodes.cast(self._stored(value, storage), wide)
            if wide != dtype
            else (self._stored(value, storage))
        )
        value = self.nodes.add(_REDUCTIONS[combiner], value, axes, keepdims=0)
        return self.nodes.cast(value, dtype) if wide != dtype else value

    def _logical(self, combiner: str, value: str, axes: str) -> str:
        nodes, integer = self.nodes, np.dtype(np.int64)
        value = nodes.add("Not", value) if combiner == "and" else value
        count = nodes.add("ReduceSum", nodes.cast(value, integer), axes, keepdims=0)
        if combiner == "xor":
            count = nodes.add("Mod", count, nodes.constant(2))
        test = nodes.add("Greater", count, nodes.constant(0))
        return nodes.add("Not", test) if combiner == "and" else test

    def _contract(self, text: str) -> str:
        first, rest = _operand(text)
        second, rest = _operand(rest.removeprefix(", "))
        extents, rest = _map_at(rest.strip().removeprefix("over affine_map"))
        types, _, result = rest.removeprefix(" : ").rpartition(" → tensor<")
        kept = _type(f"tensor<{result}")[1]
        domain = [*kept, *parsed(extents)]
        values = []
        for (name, access, _), kind in zip((first, second), _split(types), strict=True):
            values.append(self._read(self._tensor(name, kind), access, domain))
        covered = values[0].dims | values[1].dims
        axes = range(len(kept), len(domain))
        if not set(axes) <= covered or len(domain) > 26 or not all(v.dims for v in values):
            product = self._spread(
                Element(self.nodes.add("Mul", *(v.name for v in values)), covered), domain
            )
            return self.nodes.add("ReduceSum", product, self.nodes.constant(axes), keepdims=0)
        parts = []
        for value in values:
            unit = [k for k in range(len(domain)) if k not in value.dims]
            parts.append(self.nodes.squeeze(value.name, unit))
        letters = ["".join(chr(97 + k) for k in sorted(v.dims)) for v in values]
        out = "".join(chr(97 + k) for k in range(len(kept)) if k in covered)
        made = self.nodes.add("Einsum", *parts, equation=f"{','.join(letters)}->{out}")
        missing = [k for k in range(len(kept)) if k not in covered]
        if not missing:
            return made
        made = self.nodes.add("Unsqueeze", made, self.nodes.constant(missing))
        return self._spread(Element(made, frozenset(set(range(len(kept))) - set(missing))), kept)

    # ---- regions -----------------------------------------------------------------------------

    def _region(
        self, region: Block, operands: Sequence[Any], types: Sequence[str], domain: Sequence[Any]
    ) -> Element:
        """What a region yields at all positions of a domain."""
        values: dict[str, Element] = {}
        for (name, access, fill), kind, (formal, element) in zip(
            operands, types, region.arguments, strict=True
        ):
            source = self._tensor(name, kind)
            values[formal] = self._element(
                self._read(source, access, domain, fill), source, element
            )
        for op in region.ops:
            try:
                if op.parts[0].startswith("compute.yield "):
                    return values[op.parts[0].split()[1]]
                self._in_region(op, values, domain)
            except Unknown as what:
                raise self._rejected(op, str(what)) from None
        raise Unknown("a region without a result")

    def _element(self, value: Element, source: Tensor, kind: str) -> Element:
        """From storage to computing: integers carry no sign there."""
        if source.storage.startswith("ui"):
            return Element(self.nodes.cast(value.name, element_type(kind)), value.dims)
        return value

    def _in_region(self, op: Op, values: dict[str, Element], domain: Sequence[Any]) -> None:
        if len(op.parts) > 1:
            raise Unknown("a loop or branch for each point")
        result, _, text = op.parts[0].replace("->", "→").partition(" = ")
        name, _, rest = text.partition(" ")
        if result.startswith("compute.require"):
            return
        if name == "compute.index":
            k = int(rest)
            values[result] = Element(self._positions(domain)[k], frozenset([k]))
        elif name == "extent.size":
            (size,) = self._indices(parsed(rest.removeprefix("affine_map<").removesuffix(">")))
            values[result] = Element(self.nodes.value(size))
        elif name == "arith.constant":
            number, _, kind = rest.partition(" : ")
            kind = kind or "i1"
            dtype = element_type(kind)
            values[result] = Element(self.nodes.constant(_literal(number, kind), dtype))
        elif name == "access.load":
            found = re.match(r"(%\w+)\[(.*)\](?: checked)? : (tensor<.*>) → (\w+)$", rest)
            if found is None:
                raise Unknown("an access to what a point writes")
            source = self._tensor(found[1], found[3])
            indices = [values[each] for each in found[2].split(", ")] if found[2] else []
            made = self._gather(source, [each.name for each in indices])
            dims = frozenset().union(*(each.dims for each in indices))
            values[result] = self._element(Element(made, dims), source, found[4])
        elif name.startswith(("arith.", "math.")):
            words, _, kind = rest.partition(" : ")
            parts = words.replace(",", " ").split()
            operands = [values[each] for each in parts if each.startswith("%")]
            made = emit(
                self.nodes,
                name.partition(".")[2],
                " ".join(each for each in parts if not each.startswith("%")),
                kind.replace("→", "->"),
                [each.name for each in operands],
            )
            values[result] = Element(made, frozenset().union(*(each.dims for each in operands)))
        else:
            raise Unknown(f"`{name or result}`")


# ---- texts of the IR -----------------------------------------------------------------------------


def _split(text: str) -> list[str]:
    """At the commas that are in no brackets."""
    parts, depth, begin = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "<([{") - (letter in ">)]}")
        if letter == "," and not depth:
            parts.append(text[begin:at].strip())
            begin = at + 1
    return [*parts, text[begin:].strip()] if text.strip() else []


def _closing(text: str) -> int:
    """Where the bracket that `text` begins with closes."""
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter in "<([{") - (letter in ">)]}")
        if not depth:
            return at
    raise Unknown(f"`{text}`")


def _map_at(text: str) -> tuple[str, str]:
    """`<map> rest`: both."""
    end = _closing(text)
    return text[1:end], text[end + 1 :]


def _operand(text: str) -> tuple[tuple[str, str, str | None], str]:
    """`%a at #access.map<map> rest`: (%a, map, None) and the rest."""
    name, _, rest = text.partition(" at #access.map")
    access, rest = _map_at(rest)
    return (name, access, None), rest


def _operands(text: str) -> tuple[list[tuple[str, str, str | None]], list[str], str]:
    """`(%a at map fill 0, ...) : (types) → type`."""
    end = _closing(text.strip())
    text = text.strip()
    operands = []
    for each in _split(text[1:end]):
        (name, access, _), rest = _operand(each)
        operands.append((name, access, rest.strip().removeprefix("fill ") or None))
    types = text[end + 1 :].strip().removeprefix(": ")
    last = _closing(types)
    return operands, _split(types[1:last]), types[last + 1 :].strip().removeprefix("→ ").strip()


def _access(text: str) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """The indices, and what must be at least 0 and below a bound."""
    indices, _, conditions = text.partition(", valid ")
    valid, _, below = conditions.partition(" below ")
    return _parsed(indices), list(zip(_parsed(valid), _parsed(below), strict=True))


def _parsed(text: str) -> list[Any]:
    return parsed(text) if text else []


def _type(text: str) -> tuple[str, tuple[Any, ...]]:
    """Storage type and sizes of a tensor type."""
    import ast

    inner = text.strip().removeprefix("tensor<").removesuffix(">")
    static, _, shape = inner.partition(", #extent.shape")
    *sizes, storage = static.split("x")
    if shape:
        return storage, tuple(_parsed(shape[1:-1]))
    return storage, tuple(ast.Constant(int(size)) for size in sizes)


def _dtype(storage: str) -> np.dtype:
    return next(each.dtype for each in ALL if each.storage == storage)


def _literal(text: str, kind: str) -> Any:
    """A number as the IR writes it: floats beyond the decimal ones by their bits."""
    text = text.partition(" : ")[0]
    if text in ("true", "false"):
        return text == "true"
    if not text.startswith("0x"):
        return (
            float(text)
            if "f" in kind
            else np.int64(int(text)).astype(element_type(kind[kind[0] == "u" :]))
        )
    dtype = _dtype(kind)
    return np.array(int(text, 16), f"u{dtype.itemsize}").view(dtype)[()]


def _needed(nodes: Sequence[Any], results: Sequence[str]) -> list[Any]:
    """The nodes that lead to the results."""
    wanted, kept = set(results), []
    for node in reversed(nodes):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input)
    return kept[::-1]
