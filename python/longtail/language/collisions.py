"""Two points of a grid that write to the same element, to show in a message."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from .sizes import Size

# What is tried: this many positions along each dimension of the grid, where it is that large, and
# sizes of this many elements where a call decides them.
_POSITIONS = 6
_SIZE = 6
_MOST_POINTS = 4096


def colliding_points(
    array: str, indices: Sequence[tuple[str, Any]], atoms: Mapping[str, str], highs: Sequence[Any]
) -> str:
    """Words on two points, or an empty string if none are found.

    `indices` are those of the store, as text and (where it is one) as Size over `atoms`, the names
    that stand for the grid's variables; `highs` are the ends of these.
    """
    known = [(text, value) for text, value in indices if isinstance(value, Size)]
    data = [text for text, value in indices if not isinstance(value, Size)]
    ends = [_number(high, {}) if isinstance(high, Size) else _POSITIONS for high in highs]
    if _POSITIONS ** len(atoms) > _MOST_POINTS:
        return ""
    points = itertools.product(*(range(min(end, _POSITIONS)) for end in ends))
    seen: dict[tuple[int, ...], tuple[int, ...]] = {}
    for point in points:
        values = dict(zip(atoms.values(), point, strict=True))
        place = tuple(_number(value, values) for _, value in known)
        first = seen.setdefault(place, point)
        if first == point:
            continue
        named = [
            "(" + ", ".join(f"{n}={k}" for n, k in zip(atoms, each, strict=True)) + ")"
            for each in (first, point)
        ]
        text = f"{named[0]} and {named[1]} do"
        if data:
            return f"{text} where {' and '.join(f'`{each}`' for each in data)} is the same"
        return f"{text}: `{array}[{', '.join(map(str, place))}]`"
    return ""


def _number(size: Size, values: Mapping[str, int]) -> int:
    """A size as a number; what a call decides is `_SIZE`."""
    total = 0
    for monomial, coefficient in size.terms.items():
        product = coefficient
        for atom in monomial:
            if isinstance(atom, str):
                product *= values.get(atom, _SIZE)
                continue
            numerator, denominator = (_number(each, values) for each in atom[1:])
            if denominator == 0:
                return 0
            product *= (
                numerator // denominator if atom.kind == "floordiv" else numerator % denominator
            )
        total += product
    return total
