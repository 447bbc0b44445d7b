"""Mode "checked": points of a grid one after the other, each told apart in what it writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .dtypes import bool_, i64
from .sizes import Size
from .values import Array, Scalar

if TYPE_CHECKING:
    from .grids import GridCode
    from .touches import Written

_NOBODY = -1


class Claims:
    """Which point has written each element of the arrays that a grid writes without a combiner."""

    def __init__(self) -> None:
        self._owners: dict[int, Array] = {}  # by identity of the array
        self._point: Scalar | None = None

    def open(self, code: GridCode, written: Sequence[Written]) -> None:
        """At the top of the region: no element has been written."""
        for each in written:
            if each.plain:
                array = each.array
                self._owners[id(array)] = code.local_array(array.sizes, i64, Size.of(_NOBODY))

    def enter(
        self, code: GridCode, names: Sequence[str], ranges: Sequence[tuple[Any, Any]]
    ) -> None:
        """At the beginning of each point: what follows is written by it."""
        if not self._owners:
            return
        number = Size.of(0)
        for name, (low, high) in zip(names, ranges, strict=True):
            number = number * (high - low) + (code.scope.variables[name] - low)
        self._point = code.scalars.cast(number, i64)

    def close(self) -> None:
        self._owners.clear()
        self._point = None

    def claim(self, code: GridCode, array: Array, place: Sequence[Any]) -> None:
        """Before a store without a combiner: no other point has written the element."""
        owner = self._owners.get(id(array))
        if owner is None or self._point is None:
            return
        before = code.fetch(owner, place)
        free = code.scalars.compare("eq", before, code.scalars.constant(_NOBODY, i64))
        own = code.scalars.compare("eq", before, self._point)
        alone = code.scalars.logical_or(free, own)
        code.builder.add(
            f"compute.require {code.scalars.cast(alone, bool_).name}, value", kind="require"
        )
        code.store(owner, place, self._point)
