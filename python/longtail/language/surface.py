"""The functions that operators are written with, as NumPy computes them.

These definitions are what `mode="python"` runs and so what an operator means; functions.py and
points.py say how each is compiled.
"""

from __future__ import annotations

import builtins
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .dtypes import DType

__all__ = [
    "List",
    "abs",
    "add_at",
    "all",
    "any",
    "arange",
    "arctan2",
    "argmax",
    "argmin",
    "argsort",
    "bincount",
    "broadcast",
    "ceil",
    "clip",
    "concat",
    "const",
    "cos",
    "cumsum",
    "einsum",
    "erf",
    "exp",
    "exp2",
    "expm1",
    "extend",
    "flip",
    "floor",
    "full",
    "grid",
    "histogram",
    "isinf",
    "isnan",
    "local",
    "log",
    "log1p",
    "log2",
    "log10",
    "matmul",
    "max",
    "max_at",
    "maximum",
    "mean",
    "min",
    "min_at",
    "minimum",
    "ones",
    "pad",
    "permute",
    "prod",
    "reshape",
    "rint",
    "roll",
    "sample",
    "searchsorted",
    "set_at",
    "sign",
    "sin",
    "sort",
    "sqrt",
    "square",
    "stack",
    "sum",
    "take",
    "tan",
    "tanh",
    "topk",
    "trunc",
    "unique",
    "where",
    "window",
    "zeros",
]


class const:  # noqa: N801  (an annotation, like `int`)
    """`win: lt.const`: an argument whose value is known when the operator is compiled."""


def _dtype(dtype: Any) -> np.dtype:
    return dtype.dtype if isinstance(dtype, DType) else np.dtype(dtype)


# ---- arrays from nothing -----------------------------------------------------------------------


def zeros(shape: Any, dtype: Any = np.float64) -> np.ndarray:
    return np.zeros(shape, _dtype(dtype))


def ones(shape: Any, dtype: Any = np.float64) -> np.ndarray:
    return np.ones(shape, _dtype(dtype))


def full(shape: Any, value: Any, dtype: Any = None) -> np.ndarray:
    return np.full(shape, value, None if dtype is None else _dtype(dtype))


def local(shape: Any, dtype: Any) -> np.ndarray:
    """An array of one point of a grid, of zeros."""
    return np.zeros(shape, _dtype(dtype))


def arange(*bounds: int, dtype: Any = None) -> np.ndarray:
    return np.arange(*bounds, dtype=np.int64 if dtype is None else _dtype(dtype))


# ---- views -------------------------------------------------------------------------------------


def reshape(x: np.ndarray, shape: Any) -> np.ndarray:
    return np.reshape(x, shape)


def permute(x: np.ndarray, order: Sequence[int]) -> np.ndarray:
    """The dimensions in another order."""
    return np.transpose(x, order)


def flip(x: np.ndarray, axis: Any = None) -> np.ndarray:
    return np.flip(x, axis)


def roll(x: np.ndarray, shift: Any, axis: Any) -> np.ndarray:
    return np.roll(x, shift, axis)


def pad(x: np.ndarray, widths: Sequence, mode: Any = "constant", value: Any = 0) -> np.ndarray:
    """`widths` has (before, after) for each dimension; the modes are those of `numpy.pad`:
    constant, edge, reflect, wrap, symmetric."""
    if mode == "constant":
        return np.pad(x, widths, constant_values=value)
    return np.pad(x, widths, mode=mode)


def window(
    x: np.ndarray, axes: Sequence[int], sizes: Sequence[int], stride: Any = 1, dilation: Any = 1
) -> np.ndarray:
    """All windows of `sizes` along `axes`: the dimensions shrink to the windows' count, and the
    positions within a window are new last dimensions."""
    strides = (stride,) * len(axes) if isinstance(stride, int) else tuple(stride)
    dilations = (dilation,) * len(axes) if isinstance(dilation, int) else tuple(dilation)
    spans = [d * (s - 1) + 1 for s, d in zip(sizes, dilations, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, spans, tuple(axes))
    pick = [slice(None)] * view.ndim
    for k, axis in enumerate(axes):
        pick[axis] = slice(None, None, strides[k])
        pick[x.ndim + k] = slice(None, None, dilations[k])
    return view[tuple(pick)]


def broadcast(x: Any, shape: Any) -> np.ndarray:
    return np.broadcast_to(x, shape)


def concat(arrays: Sequence[np.ndarray], axis: int = 0) -> np.ndarray:
    return np.concatenate(arrays, axis)


def stack(arrays: Sequence[np.ndarray], axis: int = 0) -> np.ndarray:
    return np.stack(arrays, axis)


def take(x: np.ndarray, indices: Any, axis: int = 0) -> np.ndarray:
    return np.take(x, indices, axis)


# ---- computation -------------------------------------------------------------------------------

exp, exp2, log, log2, log10, log1p, expm1 = (
    np.exp, np.exp2, np.log, np.log2, np.log10, np.log1p, np.expm1
)  # fmt: skip
sqrt, sin, cos, tan, tanh, arctan2 = np.sqrt, np.sin, np.cos, np.tan, np.tanh, np.arctan2
floor, ceil, trunc, rint, sign, square = np.floor, np.ceil, np.trunc, np.rint, np.sign, np.square
maximum, minimum, isnan, isinf, where = np.maximum, np.minimum, np.isnan, np.isinf, np.where
sum, prod, mean, max, min, any, all = np.sum, np.prod, np.mean, np.max, np.min, np.any, np.all
argmax, argmin, matmul, einsum, clip, abs = (
    np.argmax,
    np.argmin,
    np.matmul,
    np.einsum,
    np.clip,
    np.abs,
)


def _erf(x: float) -> float:
    return math.erf(x)


def erf(x: Any) -> Any:
    """The error function."""
    dtype = np.result_type(x, np.float16) if not isinstance(x, float) else np.dtype(np.float64)
    values = np.vectorize(_erf, otypes=[np.float64])(np.asarray(x, np.float64)).astype(dtype)
    return values if np.ndim(x) else values[()]


# ---- grids -------------------------------------------------------------------------------------


def grid(*extents: Any) -> Iterator[Any]:
    """Independent points, in any order: `for i, j in lt.grid(M, (low, high))`."""
    ranges = [range(*e) if isinstance(e, tuple) else range(int(e)) for e in extents]
    return iter(ranges[0]) if len(ranges) == 1 else itertools.product(*ranges)


class _Sampled:
    def __init__(self, x: np.ndarray, dims: Sequence[int], mode: str, oob: str) -> None:
        self.x, self.dims, self.mode, self.oob = x, tuple(dims), mode, oob

    def __getitem__(self, where: tuple) -> Any:
        coordinates = [where[d] for d in self.dims]
        sizes = [self.x.shape[d] for d in self.dims]
        (np.result_type(*coordinates, self.x.dtype) if self.x.dtype.kind == "f" else np.float32)
        if self.oob == "band1":
            for c, n in zip(coordinates, sizes, strict=True):
                if not -1.0 <= c <= n:
                    return self.x.dtype.type(0)
            coordinates = [
                builtins.min(builtins.max(c, c * 0), c * 0 + (n - 1))
                for c, n in zip(coordinates, sizes, strict=True)
            ]
        index = list(where)
        if self.mode == "nearest":
            return self._tap(index, [int(np.rint(c)) for c in coordinates])
        low = [math.floor(c) for c in coordinates]
        total = self.x.dtype.type(0)
        for corner in itertools.product((0, 1), repeat=len(self.dims)):
            weight: Any = None
            for c, base, far in zip(coordinates, low, corner, strict=True):
                part = (c - base) if far else (1 - (c - base))
                weight = part if weight is None else weight * part
            total = (
                total + self._tap(index, [b + f for b, f in zip(low, corner, strict=True)]) * weight
            )
        return total

    def _tap(self, index: list, position: list[int]) -> Any:
        inside = True
        for d, p in zip(self.dims, position, strict=True):
            n = self.x.shape[d]
            inside = inside and 0 <= p < n
            index[d] = builtins.min(builtins.max(p, 0), n - 1)
        if self.oob == "zero" and not inside:
            return self.x.dtype.type(0)
        return self.x[tuple(index)]


def sample(x: np.ndarray, dims: Sequence[int], mode: str = "bilinear", oob: str = "zero") -> Any:
    """`x` at real coordinates in `dims`.

    `mode` is bilinear or nearest. Elements outside are 0 (`oob="zero"`), those at the border
    ("edge"), or as RoIAlign has it ("band1": 0 further than 1 from the border, else clamped).
    """
    return _Sampled(x, dims, mode, oob)


class _Extended:
    def __init__(self, x: np.ndarray, dims: Sequence[int], mode: Any) -> None:
        self.x, self.dims, self.mode = x, tuple(dims), mode

    def __getitem__(self, where: tuple) -> Any:
        index = list(where if isinstance(where, tuple) else (where,))
        for d in self.dims:
            n, p = self.x.shape[d], index[d]
            if self.mode == "edge":
                index[d] = builtins.min(builtins.max(p, 0), n - 1)
            elif self.mode == "wrap":
                index[d] = p % n
            elif self.mode == "reflect":
                period = builtins.max(2 * (n - 1), 1)
                q = p % period
                index[d] = builtins.min(q, period - q) if n > 1 else 0
            elif not 0 <= p < n:
                return self.x.dtype.type(self.mode)
        return self.x[tuple(index)]


def extend(x: np.ndarray, dims: Sequence[int], mode: Any = 0) -> Any:
    """`x` with elements at all integers in `dims`; mode is a number, edge, reflect or wrap."""
    return _Extended(x, dims, mode)


class List:
    """A list of at most `max` elements of one type."""

    def __init__(self, dtype: Any, max: int) -> None:
        self.dtype, self.limit, self.items = _dtype(dtype), max, []

    def append(self, value: Any) -> None:
        if len(self.items) == self.limit:
            raise IndexError(f"the list holds {self.limit} elements already")
        self.items.append(value)

    def __len__(self) -> int:
        return len(self.items)

    def array(self) -> np.ndarray:
        """The elements so far."""
        return np.array(self.items, self.dtype)


def add_at(x: np.ndarray, index: Any, value: Any) -> None:
    """`x[index] += value`, where points may meet."""
    x[index] += value


def max_at(x: np.ndarray, index: Any, value: Any) -> None:
    x[index] = np.maximum(x[index], value)


def min_at(x: np.ndarray, index: Any, value: Any) -> None:
    x[index] = np.minimum(x[index], value)


def set_at(x: np.ndarray, index: Any, value: Any, collide: str = "last") -> None:
    """`x[index] = value`; where points meet, the last one in order counts."""
    if collide != "last":
        raise ValueError(f"lt.set_at has no collide={collide!r}; it is 'last'")
    x[index] = value


# ---- what is written in the language itself, see prelude.py -------------------------------------


def cumsum(x: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.cumsum(x, axis)


def argsort(x: np.ndarray, axis: int = -1, descending: bool = False) -> np.ndarray:
    """Stable; NaN comes last, first if descending."""
    if not descending:
        return np.argsort(x, axis, kind="stable")
    backwards = np.flip(np.argsort(np.flip(x, axis), axis, kind="stable"), axis)
    return x.shape[axis] - 1 - backwards


def sort(x: np.ndarray, axis: int = -1, descending: bool = False) -> np.ndarray:
    return np.take_along_axis(x, argsort(x, axis, descending), axis)


def topk(x: np.ndarray, k: int, axis: int = -1) -> tuple[np.ndarray, np.ndarray]:
    """The `k` greatest elements in descending order and their positions; first comes first."""
    order = argsort(x, axis, True)
    order = np.take(order, np.arange(k), axis)
    return np.take_along_axis(x, order, axis), order


def searchsorted(x: np.ndarray, values: Any, side: str = "left") -> Any:
    return np.searchsorted(x, values, side)


def bincount(x: np.ndarray, bins: int) -> np.ndarray:
    """How often each of 0 .. bins - 1 occurs in `x`; other elements are an error."""
    counts = np.bincount(np.ravel(x), minlength=bins)
    if len(counts) > bins:
        raise IndexError(f"bincount: {len(counts) - 1} is not below {bins}")
    return counts


def histogram(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How many elements lie between neighbours of the ascending `edges`, as `numpy.histogram`
    counts: [a, b), the last one [a, b]."""
    return np.histogram(x, edges)[0]


def unique(x: np.ndarray) -> np.ndarray:
    """The different elements in ascending order."""
    return np.unique(x)
