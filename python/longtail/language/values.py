"""What an expression can be while an operator is lowered.

Plain Python objects (numbers, strings, tuples, functions, modules) are known now. `Size` is an
integer known when the operator is called, or the index of a loop. The classes here stand for what
is known when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .diagnostics import Place
from .dtypes import DType
from .ir import tensor_type
from .sizes import Size


@dataclass(frozen=True)
class Scalar:
    """One element inside a region: an SSA value. Weak ones are Python's own numbers."""

    name: str
    dtype: DType
    weak: bool = False
    known: int | None = None  # the integer that it is

    @property
    def type(self) -> str:
        return ssa_type(self.dtype, self.weak)


def ssa_type(dtype: DType, weak: bool) -> str:
    return "index" if weak and dtype.kind == "i" else dtype.compute


@dataclass(eq=False)
class Array:
    """A tensor. Assigning to elements gives it another `name`: the value from then on."""

    name: str
    dtype: DType
    sizes: tuple[Size, ...]
    weak: bool = False  # a number of Python that is known when the operator is called
    of_list: bool = False  # the storage of an `lt.List`
    argument: str = ""  # the name of the argument that it is
    base: Array | None = None  # the array whose elements NumPy would share
    has_views: bool = False
    place: str = ""  # inside a grid that writes it: its memory
    owner: Any = None  # the grid that it is a local array of
    fill: Any = None  # the number that all elements are, where that is known

    @property
    def type(self) -> str:
        return tensor_type(self.dtype, self.sizes)

    @property
    def rank(self) -> int:
        return len(self.sizes)


@dataclass(eq=False)
class Row:
    """Elements inside a point that have no memory: `element` computes the one at given indices."""

    sizes: tuple[Size, ...]
    element: Callable[[Sequence[Any]], Any]

    @property
    def rank(self) -> int:
        return len(self.sizes)


@dataclass(eq=False)
class Sampler:
    """`lt.sample(x, ...)`: an array that is read at real coordinates in `dims`."""

    array: Array
    dims: tuple[int, ...]
    mode: str
    oob: str


@dataclass(eq=False)
class Extended:
    """`lt.extend(x, dims, mode)`: an array that has elements at all integers in `dims`."""

    array: Array
    dims: tuple[int, ...]
    mode: Any


@dataclass(eq=False)
class GrowingList:
    """`lt.List`: elements in an array of the greatest length, and how many there are."""

    array: Array
    limit: Size
    counter: str  # the variable that holds the number of elements


@dataclass(frozen=True)
class SizeTest:
    """A comparison of sizes that is decided when the operator is called."""

    function: str  # "eq", "ne", "lt", "le"
    left: Size
    right: Size


@dataclass(frozen=True)
class Method:
    """`x.sum`: a function of an object."""

    owner: Any
    name: str


@dataclass(frozen=True)
class LocalFunction:
    """A `def` or lambda inside the operator, or another operator: inlined where it is called."""

    node: Any  # ast.FunctionDef or ast.Lambda
    scope: Any  # the scope that it was defined in, None: its own globals
    frame: Any  # Source of the text that it is in
    name: str = "<lambda>"
    defaults: tuple = field(default=(), hash=False)


class Missing:
    """A variable without a value: on some path it was not assigned, or its statement failed."""

    def __init__(self, reason: str = "", place: Place | None = None, failed: bool = False) -> None:
        self.reason, self.place, self.failed = reason, place, failed


def is_known(value: Any) -> bool:
    """True for what Python itself can compute with now."""
    if isinstance(value, tuple | list):
        return all(map(is_known, value))
    return not isinstance(
        value, Scalar | Array | Row | Sampler | Extended | GrowingList | SizeTest | Size | Missing
    )


def is_number(value: Any) -> bool:
    import numpy as np

    return isinstance(value, bool | int | float | np.number | np.bool_)
