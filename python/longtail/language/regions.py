"""Regions of `compute.grid`: the places that they write, and what they begin with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import raising
from .diagnostics import Reject
from .independence import IndependenceCode
from .ir import Block, affine_map
from .points import Region, is_scalar
from .sizes import Size
from .touches import Written
from .values import Array, Missing, Row, Scalar


class GridRegionCode(IndependenceCode):
    def _region(
        self,
        dims: Sequence[tuple[str, Size]],
        written: list[Written],
        carried: Sequence[str],
        whole: set[int],
        owners: dict[int, list[int]],
        inside: Callable[[], None],
    ) -> None:
        """A `compute.grid` over `dims`: new values of the written arrays and variables."""
        block = Block()
        saved = dict(self.scope.variables)
        self.region = Region(block)
        places = []
        positions = []
        try:
            with self.builder.inside(block):
                for name, size in dims:
                    position, value = self.new_position(size)
                    positions.append((position, value))
                    block.arguments.append((value, "index"))
                    self.scope.variables[name] = position
                for each in written:
                    array = each.array
                    place = self.builder.name()
                    places.append(place)
                    # The functions of the language itself store every element before they read it,
                    # and of a list only what was appended is read.
                    is_stored = array.fill is not None and (
                        self.scope.source.internal or array.of_list
                    )
                    if id(array) not in whole and not is_stored:
                        self._copy_owned(array, place, owners[id(array)], [p for p, _ in positions])
                    array.place = place
                inside()
                finals = {}
                for name in carried:
                    value = self.scope.variables.get(name)
                    if isinstance(value, Missing | Row | Array | tuple) or not is_scalar(value):
                        raise Reject(
                            "E0120",
                            f"`{name}` is no number behind the loop; this is not compiled yet",
                        )
                    finals[name] = self._stored(self.scalars.of(value))
                for value in finals.values():
                    place = self.builder.name()
                    kind = Array("", value.dtype, ()).type
                    block.arguments.append((place, f"!access.place<{kind}>"))
                    self.builder.add(
                        f"access.store {value.name}, {place}[] : {value.type}, "
                        f"!access.place<{kind}>",
                        kind="store",
                        array=None,
                        indices=[],
                        value=value.name,
                    )
        finally:
            self.region = None
            for each in written:
                each.array.place = ""
            self.scope.variables = saved
        for place, each in zip(places, written, strict=True):
            at = len(dims) + places.index(place)
            block.arguments.insert(at, (place, f"!access.place<{each.array.type}>"))
        outputs = [(each.array.dtype, each.array.sizes) for each in written]
        outputs += [(value.dtype, ()) for value in finals.values()]
        if not outputs:
            return
        raised = raising.as_maps(
            self, block, [p for p, _ in positions], [s for _, s in dims], written, carried
        )
        if raised is None:
            names = [self.builder.name() for _ in outputs]
            types = [Array("", d, s).type for d, s in outputs]
            head = f"{', '.join(names)} = compute.grid over {affine_map([s for _, s in dims])} : "
            self.builder.add(head + ", ".join(types) + " ", block, kind="grid")
        else:
            names = raised
        for each, name in zip(written, names, strict=False):
            each.array.name, each.array.fill = name, None
        for (name, value), result in zip(finals.items(), names[len(written) :], strict=True):
            weak = self.weak_results.get(value.name, False)
            self.scope.variables[name] = Array(result, value.dtype, (), weak=weak)

    def _stored(self, value: Scalar) -> Scalar:
        """A number as it is stored in a tensor: without being Python's own."""
        stored = self.scalars.cast(value, value.dtype, False)
        self.weak_results[stored.name] = value.weak
        return stored

    def _copy_owned(
        self, array: Array, place: str, owned: list[int], positions: list[Size]
    ) -> None:
        """What this point owns begins with what the array held."""
        old = Array(array.name, array.dtype, array.sizes)
        new = Array("", array.dtype, array.sizes, place=place)
        free = [k for k in range(array.rank) if k not in owned]
        initial = array.fill

        def copy(indices: list[Any]) -> None:
            at: list[Any] = [None] * array.rank
            for k, position in zip(owned, positions, strict=True):
                at[k] = position
            for k, index in zip(free, indices, strict=True):
                at[k] = index
            self.store(new, at, self.fetch(old, at) if initial is None else initial)

        self.loops([array.sizes[k] for k in free], copy)
