"""Operations on elements, of the dialects `arith` and `math`, as ONNX nodes on whole arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .onnx_nodes import Nodes

_INTEGERS = {
    "index": np.dtype(np.int64),
    **{f"i{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
}
_SAME = {
    **{"addf": "Add", "addi": "Add", "subf": "Sub", "subi": "Sub", "mulf": "Mul", "muli": "Mul"},
    **{"divf": "Div", "negf": "Neg", "maximumf": "Max", "minimumf": "Min", "maxsi": "Max"},
    **{"minsi": "Min", "select": "Where"},
    **{name: name.capitalize() for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "asin")},
    **{name: name.capitalize() for name in ("acos", "atan", "sinh", "cosh", "tanh", "asinh")},
    **{name: name.capitalize() for name in ("acosh", "atanh", "floor", "ceil", "erf")},
    **{"absf": "Abs", "absi": "Abs", "roundeven": "Round", "powf": "Pow", "ipowi": "Pow"},
}
_LOGIC = {"andi": ("And", "BitwiseAnd"), "ori": ("Or", "BitwiseOr"), "xori": ("Xor", "BitwiseXor")}
_COMPARE = {
    **{"eq": ("Equal", False), "ne": ("Equal", True), "lt": ("Less", False)},
    **{"le": ("LessOrEqual", False), "gt": ("Greater", False), "ge": ("GreaterOrEqual", False)},
}
_UNSIGNED = {"maxui": "Max", "minui": "Min", "divui": "Div", "remui": "Mod"}
_CASTS = {"extf", "truncf", "sitofp", "fptosi", "index_cast", "trunci", "extsi", "fptoui"}
_CASTS_UNSIGNED = {"extui", "uitofp", "index_castui"}


class Unknown(Exception):
    """An operation that is not expressible."""


def element_type(text: str) -> np.dtype:
    """Of an element inside a region, where integers carry no sign."""
    if text in _INTEGERS:
        return _INTEGERS[text]
    if text == "bf16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype({"i1": "bool", "f16": "f2", "f32": "f4", "f64": "f8"}[text])


def emit(nodes: Nodes, name: str, words: str, kind: str, values: Sequence[str]) -> str:
    """The operation `name` (without its dialect) on elements of type `kind`, which for casts is
    "from to to". `words` stand before the operands, as the predicate of a comparison.

    Raises Unknown.
    """
    if name in _CASTS | _CASTS_UNSIGNED:
        source, _, target = kind.partition(" to ")
        (value,) = values
        if name in _CASTS_UNSIGNED and source != "i1":
            value = nodes.cast(value, _unsigned(source))
        if name == "fptoui":
            value, source = nodes.cast(value, _unsigned(target)), "unsigned"
        same = source != "unsigned" and element_type(source) == element_type(target)
        return value if same else nodes.cast(value, element_type(target))
    if name in _SAME:
        return nodes.add(_SAME[name], *values)
    if name in _LOGIC:
        return nodes.add(_LOGIC[name][kind != "i1"], *values)
    if name in ("cmpf", "cmpi"):
        return _compare(nodes, words, kind, *values)
    if name in _UNSIGNED:
        wide = [nodes.cast(value, _unsigned(kind)) for value in values]
        return nodes.cast(nodes.add(_UNSIGNED[name], *wide), element_type(kind))
    if name not in _WRITTEN_OUT:
        raise Unknown(name)
    return _WRITTEN_OUT[name](nodes, element_type(kind), *values)


def _unsigned(kind: str) -> np.dtype:
    return np.dtype(f"uint{8 * element_type(kind).itemsize}")


def _compare(nodes: Nodes, predicate: str, kind: str, a: str, b: str) -> str:
    if predicate == "uno":
        return nodes.add("Or", nodes.add("IsNaN", a), nodes.add("IsNaN", b))
    if predicate not in _COMPARE:  # s, u or o stands in front of it
        sign, predicate = predicate[0], predicate[1:]
        if predicate not in _COMPARE:
            raise Unknown(f"comparison {sign}{predicate}")
        if sign == "u" and kind == "i1":
            a, b = (nodes.cast(each, np.dtype(np.uint8)) for each in (a, b))
        elif sign == "u" and kind in _INTEGERS:
            a, b = (nodes.cast(each, _unsigned(kind)) for each in (a, b))
        elif sign == "u" and predicate != "ne":
            raise Unknown(f"comparison {sign}{predicate}")
        elif sign == "o" and predicate == "ne":
            return nodes.add("Or", nodes.add("Less", a, b), nodes.add("Greater", a, b))
    operation, negated = _COMPARE[predicate]
    result = nodes.add(operation, a, b)
    return nodes.add("Not", result) if negated else result


# ---- what takes several nodes --------------------------------------------------------------------


def _remainder(nodes: Nodes, dtype: np.dtype, a: str, b: str) -> str:
    """With the sign of `a`."""
    return nodes.add("Mod", a, b, fmod=1)


def _divide(nodes: Nodes, dtype: np.dtype, a: str, b: str) -> str:
    """Rounded towards 0; the division itself has no remainder."""
    return nodes.add("Div", nodes.add("Sub", a, _remainder(nodes, dtype, a, b)), b)


def _shift(direction: str) -> Callable[[Nodes, np.dtype, str, str], str]:
    def write(nodes: Nodes, dtype: np.dtype, a: str, b: str) -> str:
        wide = np.dtype(f"uint{8 * dtype.itemsize}")
        operands = (nodes.cast(each, wide) for each in (a, b))
        return nodes.cast(nodes.add("BitShift", *operands, direction=direction), dtype)

    return write


def _shift_with_sign(nodes: Nodes, dtype: np.dtype, a: str, b: str) -> str:
    negative = nodes.add("Less", a, nodes.constant(0, dtype))
    mask = nodes.add("Where", negative, nodes.constant(-1, dtype), nodes.constant(0, dtype))
    shifted = _shift("RIGHT")(nodes, dtype, nodes.add("BitwiseXor", a, mask), b)
    return nodes.add("BitwiseXor", shifted, mask)


def _number(kind: str) -> Callable[[Nodes, np.dtype, str, str], str]:
    """`maxnumf`, `minnumf`: the other operand where one is NaN."""

    def write(nodes: Nodes, dtype: np.dtype, a: str, b: str) -> str:
        either = nodes.add("Where", nodes.add("IsNaN", b), a, nodes.add(kind, a, b))
        return nodes.add("Where", nodes.add("IsNaN", a), b, either)

    return write


def _log(base: float) -> Callable[[Nodes, np.dtype, str], str]:
    def write(nodes: Nodes, dtype: np.dtype, x: str) -> str:
        return nodes.add("Div", nodes.add("Log", x), nodes.constant(math.log(base), dtype))

    return write


def _exp2(nodes: Nodes, dtype: np.dtype, x: str) -> str:
    return nodes.add("Pow", nodes.constant(2, dtype), x)


def _expm1(nodes: Nodes, dtype: np.dtype, x: str) -> str:
    """2 tanh(x/2) / (1 - tanh(x/2)) where x is small, which exp(x) - 1 would cancel."""
    half = nodes.add("Tanh", nodes.add("Mul", x, nodes.constant(0.5, dtype)))
    one = nodes.constant(1, dtype)
    small = nodes.add("Div", nodes.add("Add", half, half), nodes.add("Sub", one, half))
    large = nodes.add("Sub", nodes.add("Exp", x), one)
    test = nodes.add("Less", nodes.add("Abs", x), one)
    return nodes.add("Where", test, small, large)


def _log1p(nodes: Nodes, dtype: np.dtype, x: str) -> str:
    """log(u) x / (u - 1) for u = 1 + x rounded: the factor undoes the rounding."""
    one = nodes.constant(1, dtype)
    u = nodes.add("Add", one, x)
    rounded = nodes.add("Sub", u, one)
    log = nodes.add("Log", u)
    better = nodes.add("Div", nodes.add("Mul", log, x), rounded)
    near = nodes.add("Less", nodes.add("Abs", x), one)
    return nodes.add("Where", nodes.add("Equal", u, one), x, nodes.add("Where", near, better, log))


def _cbrt(nodes: Nodes, dtype: np.dtype, x: str) -> str:
    root = nodes.add("Pow", nodes.add("Abs", x), nodes.constant(1 / 3, dtype))
    return nodes.add("Mul", nodes.add("Sign", x), root)


def _trunc(nodes: Nodes, dtype: np.dtype, x: str) -> str:
    below = nodes.add("Less", x, nodes.constant(0, dtype))
    return nodes.add("Where", below, nodes.add("Ceil", x), nodes.add("Floor", x))


def _atan2(nodes: Nodes, dtype: np.dtype, y: str, x: str) -> str:
    """The angle of the half plane that x is in; on the y axis Atan takes infinity."""
    zero, pi = nodes.constant(0, dtype), nodes.constant(math.pi, dtype)
    origin = nodes.add("And", nodes.add("Equal", x, zero), nodes.add("Equal", y, zero))
    angle = nodes.add("Atan", nodes.add("Div", y, x))
    turn = nodes.add("Where", nodes.add("Less", y, zero), nodes.add("Neg", pi), pi)
    turned = nodes.add("Where", nodes.add("Less", x, zero), nodes.add("Add", angle, turn), angle)
    return nodes.add("Where", origin, zero, turned)


_WRITTEN_OUT: dict[str, Callable[..., str]] = {
    "divsi": _divide,
    "remsi": _remainder,
    "remf": _remainder,
    "shli": _shift("LEFT"),
    "shrui": _shift("RIGHT"),
    "shrsi": _shift_with_sign,
    "maxnumf": _number("Max"),
    "minnumf": _number("Min"),
    "exp2": _exp2,
    "expm1": _expm1,
    "log2": _log(2),
    "log10": _log(10),
    "log1p": _log1p,
    "cbrt": _cbrt,
    "trunc": _trunc,
    "atan2": _atan2,
}
