"""Nodes of an ONNX function while it is written: equal nodes are one, known integers are folded."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

OPSET = 21

Index = int | str  # an integer that is known, or the name of a value of type int64


class Nodes:
    def __init__(self, reserved: set[str]) -> None:
        self.nodes: list[Any] = []
        self._reserved = reserved  # names that values must not have
        self._made: dict[Any, list[str]] = {}
        self._makers: dict[str, tuple[str, ...]] = {}
        self._count = 0

    def name(self) -> str:
        self._count += 1
        name = f"t{self._count}"
        return self.name() if name in self._reserved else name

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """The result of a node, which is made unless there is an equal one."""
        return self.several(1, kind, *inputs, **attributes)[0]

    def several(self, count: int, kind: str, *inputs: str, **attributes: Any) -> list[str]:
        """The same of a node with `count` results."""
        key = (kind, inputs, tuple((k, str(v)) for k, v in attributes.items()))
        if key not in self._made:
            from onnx import helper

            names = self._made[key] = [self.name() for _ in range(count)]
            self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
            for name in names:
                self._makers[name] = (kind, *inputs)
        return self._made[key]

    def squeeze(self, value: str, axes: Sequence[int]) -> str:
        """Without axes of size 1; takes back an `Unsqueeze` of these."""
        if not axes:
            return value
        where = self.constant(axes)
        kind, *inputs = self._makers.get(value, ("",))
        if kind == "Unsqueeze" and inputs[1] == where:
            return inputs[0]
        return self.add("Squeeze", value, where)

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        from onnx import numpy_helper

        array = np.asarray(value, dtype)
        key = ("Constant", array.dtype.str, array.dtype.name, array.shape, array.tobytes())
        if key not in self._made:
            from onnx import helper

            self._made[key] = [self.name()]
            tensor = numpy_helper.from_array(array)
            self.nodes.append(helper.make_node("Constant", [], self._made[key], value=tensor))
        return self._made[key][0]

    def cast(self, value: str, dtype: np.dtype) -> str:
        from onnx import helper

        return self.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(dtype))

    # ---- integers: sizes and indices ---------------------------------------------------------

    def value(self, index: Index) -> str:
        return self.constant(index) if isinstance(index, int) else index

    def plus(self, a: Index, b: Index) -> Index:
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if a == 0 or b == 0:
            return b if a == 0 else a
        return self.add("Add", self.value(a), self.value(b))

    def times(self, a: Index, b: Index) -> Index:
        if isinstance(a, int) and isinstance(b, int):
            return a * b
        if a == 1 or b == 1:
            return b if a == 1 else a
        return 0 if a == 0 or b == 0 else self.add("Mul", self.value(a), self.value(b))

    def modulo(self, a: Index, b: Index) -> Index:
        """With the sign of `b`, as in Python."""
        if isinstance(a, int) and isinstance(b, int) and b:
            return a % b
        return self.add("Mod", self.value(a), self.value(b))

    def quotient(self, a: Index, b: Index) -> Index:
        """Rounded down. The division itself has no remainder: how ONNX rounds does not matter."""
        if isinstance(a, int) and isinstance(b, int) and b:
            return a // b
        if b == 1:
            return a
        rest = self.add("Sub", self.value(a), self.value(self.modulo(a, b)))
        return self.add("Div", rest, self.value(b))

    def affine(self, tree: ast.expr, names: Callable[[str], Index]) -> Index:
        """An expression of a map of the IR (see `parsed`), where `names` gives d0, s0, ...."""
        if isinstance(tree, ast.Constant):
            return int(tree.value)
        if isinstance(tree, ast.Name):
            return names(tree.id)
        if isinstance(tree, ast.UnaryOp):
            return self.times(-1, self.affine(tree.operand, names))
        assert isinstance(tree, ast.BinOp)
        a, b = self.affine(tree.left, names), self.affine(tree.right, names)
        if isinstance(tree.op, ast.Sub):
            return self.plus(a, self.times(-1, b))
        return {
            ast.Add: self.plus,
            ast.Mult: self.times,
            ast.Mod: self.modulo,
            ast.FloorDiv: self.quotient,
        }[type(tree.op)](a, b)

    def shape(self, sizes: Sequence[Index]) -> str:
        """A list of sizes as one value."""
        if all(isinstance(size, int) for size in sizes):
            return self.constant(np.array(sizes, np.int64))
        one = self.constant([1])
        parts = [
            self.constant([s]) if isinstance(s, int) else self.add("Reshape", s, one) for s in sizes
        ]
        return self.add("Concat", *parts, axis=0) if len(parts) > 1 else parts[0]

    def reshape(self, value: str, sizes: Sequence[Index]) -> str:
        return self.add("Reshape", value, self.shape(sizes), allowzero=int(-1 not in sizes))

    def range(self, size: Index) -> str:
        return self.add("Range", self.constant(0), self.value(size), self.constant(1))


def parsed(text: str) -> list[ast.expr]:
    """The results of `(d0)[s0] -> (...)`, the text of a map of the IR; also with "→"."""
    text = text.replace("->", "→").partition("→")[2].strip()
    assert text.startswith("(") and text.endswith(")"), text
    text = text[1:-1].replace(" floordiv ", " // ").replace(" mod ", " % ").strip()
    return list(ast.parse(f"({text},)", mode="eval").body.elts) if text else []


def names_in(tree: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
