"""Sequences and optionals at the edge of a model.

An artifact takes and gives tensors only. A sequence whose length the run tells is two: the values
of all elements one after another, and a row of the shape of each, i64 [count, columns]; the rows of
elements with fewer dimensions than columns end with -2. An optional has a bool before that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import InputError, ShapeError

NO_DIMENSION = -2


@dataclass(frozen=True)
class Entry:
    """One input or output of the model, and the inputs or outputs of the artifact that are its
    parts. `dims` are the declared ones of an element, -1 where they may vary."""

    name: str
    parts: int
    optional: bool
    sequence: bool
    flag: bool
    pair: bool
    dims: tuple[int, ...] | None = None

    @property
    def kind(self) -> str:
        if self.optional:
            return "optional sequence" if self.sequence else "optional"
        return "sequence" if self.sequence else "tensor"


@dataclass(frozen=True)
class Interface:
    """The inputs and outputs of a model, some of which are no tensors."""

    inputs: tuple[Entry, ...]
    outputs: tuple[Entry, ...]

    @classmethod
    def parse(cls, text: str) -> Interface:
        """From what the compiler left in the artifact."""
        given = json.loads(text)
        return cls(*(tuple(_entry(each) for each in given[key]) for key in ("inputs", "outputs")))


def _entry(given: dict[str, Any]) -> Entry:
    dims = given.pop("dims", None)
    return Entry(**given, dims=None if dims is None else tuple(dims))


def flat(names: Sequence[str], values: Sequence[Any]) -> dict[str, np.ndarray]:
    """The arrays in inputs or outputs: element k of the sequence "x" is "x[k]", None is nothing."""
    arrays: dict[str, np.ndarray] = {}
    for name, value in zip(names, values, strict=True):
        if isinstance(value, list | tuple):
            arrays |= {f"{name}[{k}]": np.asarray(each) for k, each in enumerate(value)}
        elif value is not None:
            arrays[name] = value
    return arrays


Convert = Callable[[Any, str], np.ndarray]


def split(
    entry: Entry, value: Any, dtype: np.dtype, columns: int | None, convert: Convert
) -> list[np.ndarray]:
    """The parts of an input. `columns` is the number of the shapes' columns, None if any;
    `convert` makes an array of one element, given how to call it."""
    if value is None and not entry.optional:
        raise InputError(f"input '{entry.name}' is None, expected a list of arrays")
    if entry.sequence:
        if not isinstance(value, list | tuple | None):
            raise InputError(
                f"input '{entry.name}' is a {type(value).__name__}, expected a list of arrays"
                + (" or None" if entry.optional else "")
            )
        given = list(value or [])
        names = [f"{entry.name}[{k}]" for k in range(len(given))]
    else:
        given, names = ([], []) if value is None else ([value], [entry.name])
    elements = [convert(each, name) for each, name in zip(given, names, strict=True)]
    for element, name in zip(elements, names, strict=True):
        _check(entry, element, name)
    if columns is None:
        columns = max((element.ndim for element in elements), default=0)
    shapes = np.full((len(elements), columns), NO_DIMENSION, np.int64)
    for row, element, name in zip(shapes, elements, names, strict=True):
        if element.ndim > columns:
            raise ShapeError(
                f"input '{name}' has {element.ndim} dimensions, the model declares {columns}"
            )
        row[: element.ndim] = element.shape
    flat = [element.reshape(-1) for element in elements]
    data = np.concatenate(flat) if flat else np.empty(0, dtype)
    has = [np.array(value is not None)] if entry.flag else []
    return [*has, data, shapes]


def _check(entry: Entry, element: np.ndarray, name: str) -> None:
    if entry.dims is None:
        return
    fits = element.ndim == len(entry.dims) and all(
        size in (-1, given) for size, given in zip(entry.dims, element.shape, strict=True)
    )
    if not fits:
        declared = ", ".join("?" if size < 0 else str(size) for size in entry.dims)
        raise ShapeError(
            f"input '{name}' has shape {list(element.shape)}, the model declares [{declared}]"
        )


def join(entry: Entry, parts: Sequence[np.ndarray]) -> Any:
    """An output from its parts: an array, a list of arrays, or None."""
    if not entry.pair:
        return list(parts) if entry.sequence else parts[0]
    if entry.flag and not parts[0]:
        return None
    data, shapes = parts[-2:]
    elements, begin = [], 0
    for row in shapes:
        shape = tuple(int(size) for size in row if size != NO_DIMENSION)
        end = begin + int(np.prod(shape, dtype=np.int64))
        elements.append(data[begin:end].reshape(shape))
        begin = end
    return elements if entry.sequence else elements[0]
