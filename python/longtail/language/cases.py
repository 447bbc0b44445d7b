"""Generated arguments of operators: sizes that are empty, one, odd; elements by type."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .dtypes import Annotation, DType

if TYPE_CHECKING:
    from .operators import Operator

# Sizes of a dimension: one after the other is tried while all others have the first.
SIZES = (5, 0, 1, 7)


class Cases:
    """What generated cases of an operator consist of, see `cases`."""

    def __init__(self, seed: int = 0, **choices: Any) -> None:
        self.seed, self.choices = seed, choices

    def of(self, operator: Operator) -> Iterator[dict[str, Any]]:
        """Arguments by name. Raises InputError for a choice that the operator has no use for."""
        arrays, numbers, constants = _parameters(operator)
        names = {n: None for a in arrays.values() for n in _names(a)}
        for name in self.choices:
            if name not in {**names, **arrays, **numbers, **constants}:
                raise InputError(
                    f"operator '{operator.name}' has no argument or dimension '{name}'"
                )
        options: dict[str, list[Any]] = {}
        for name in [*names, *numbers, *constants]:
            default = constants.get(name, SIZES if name in names else numbers.get(name))
            options.setdefault(name, _as_list(name, self.choices.get(name, default)))
        rng = np.random.default_rng(self.seed)
        first = {name: values[0] for name, values in options.items()}
        tried = [first]
        tried += [{**first, n: v} for n, values in options.items() for v in values[1:]]
        if len(tried) > 1:
            tried.append({name: values[-1] for name, values in options.items()})
        for chosen in tried:
            sizes = {n: chosen[n] for n in (*names, *constants)}
            _limit(arrays, sizes)
            case = {n: chosen[n] for n in (*numbers, *constants)}
            for name, annotation in arrays.items():
                given = self.choices.get(name)
                array = (
                    np.asarray(given(rng, sizes))
                    if callable(given)
                    else _array(rng, annotation, sizes)
                )
                if array is None:
                    break
                case[name] = array
            else:
                yield case


def cases(*, seed: int = 0, **choices: Any) -> Cases:
    """Cases for `op.check(cases)`: by name, the sizes of a dimension, the values of an `lt.const`
    or of a number, or for an array a function of (random generator, sizes by name).

    Dimensions without a choice are 5, 0, 1 and 7, one at a time. Elements are normally distributed
    numbers, integers of `idx["V"]` less than V, other integers from 0 to 3.
    """
    return Cases(seed, **choices)


def _parameters(operator: Operator) -> tuple[dict[str, Annotation], dict[str, Any], dict[str, Any]]:
    from .surface import const

    arrays: dict[str, Annotation] = {}
    numbers: dict[str, Any] = {}
    constants: dict[str, Any] = {}
    for name, parameter in operator.signature.parameters.items():
        annotation = parameter.annotation
        if annotation is const:
            constants[name] = [] if parameter.default is parameter.empty else [parameter.default]
        elif annotation in (int, float, bool):
            numbers[name] = {int: [2, 0, -1], float: [0.5, 0.0, -1.5], bool: [True, False]}[
                annotation
            ]
        else:
            arrays[name] = (
                Annotation(annotation, "") if isinstance(annotation, DType) else annotation
            )
    return arrays, numbers, constants


def _names(annotation: Annotation) -> list[str]:
    """The names in the sizes of an array."""
    found = []
    for text in annotation.dims:
        for node in ast.walk(ast.parse(text or "0", mode="eval")):
            if isinstance(node, ast.Name):
                found.append(node.id)
    return found


def _as_list(name: str, values: Any) -> list[Any]:
    found = list(values) if isinstance(values, list | tuple | range) else [values]
    if not found:
        raise InputError(
            f"the constant '{name}' has no default: give values of it, lt.cases({name}=[...])"
        )
    return found


def _evaluate(text: str, sizes: Mapping[str, Any]) -> Any:
    return eval(text, {"__builtins__": {}}, dict(sizes))


def _limit(arrays: Mapping[str, Annotation], sizes: dict[str, Any]) -> None:
    """`K<=M`: no more than the bound."""
    for annotation in arrays.values():
        for text in annotation.dims:
            name, _, bound = text.partition("<=")
            if bound and name in sizes:
                sizes[name] = min(sizes[name], _evaluate(bound, sizes))
        if (
            annotation.below is not None
            and annotation.dims
            and _evaluate(annotation.below, sizes) <= 0
        ):
            name = annotation.dims[0]
            if name in sizes:
                sizes[name] = 0  # there is nothing that an index could name


def _array(
    rng: np.random.Generator, annotation: Annotation, sizes: Mapping[str, Any]
) -> np.ndarray | None:
    """Random elements; None where the sizes allow no such array."""
    shape = tuple(_evaluate(text.partition("<=")[0], sizes) for text in annotation.dims)
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        return None
    dtype = annotation.dtype
    if dtype.is_float:
        return rng.standard_normal(shape).astype(dtype.dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    below = 4 if annotation.below is None else _evaluate(annotation.below, sizes)
    if below <= 0 and 0 not in shape:
        return None  # there is nothing that an index could name
    return rng.integers(0, max(below, 1), shape).astype(dtype.dtype)
