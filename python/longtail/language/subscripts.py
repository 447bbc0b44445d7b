"""Elements and rows of arrays by subscripts, read and written in loops."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from .diagnostics import Reject
from .points import PointCode
from .sizes import Size
from .values import Array, Extended, Row, Sampler


class SubscriptCode(PointCode):
    def store_subscript(self, target: ast.Subscript, value: Any, combine: Any) -> None:
        """`x[i] = value` and `x[i] += value`."""
        from . import functions

        owner = self.expression(target.value)
        index = self.expression(target.slice)
        items = list(index) if isinstance(index, tuple) else [index]
        if isinstance(owner, Row) or not isinstance(owner, Array):
            raise Reject("E0109", "only arrays that the operator made can be written")
        if self.region is None:
            self._check_writable(owner)
            functions.store(self, owner, tuple(items), value, combine)
            return
        self.store_point(owner, items, value, combine and combine[0])

    def store_point(self, owner: Array, items: Sequence[Any], value: Any, function: Any) -> None:
        if not owner.place:
            self._check_writable(owner)
            raise Reject("E0120", "this array is not written by the loop; it is made outside of it")
        items = self.full_items(owner, items)
        value = self.local_value(value)
        combine = (
            None if function is None else lambda old, new: self.scalars.call(function, old, new)
        )
        self.assign_row(owner, items, value, combine)

    def full_items(self, owner: Any, items: Sequence[Any]) -> list[Any]:
        """One item for each dimension."""
        rank = len(owner.sizes) if not isinstance(owner, Sampler | Extended) else owner.array.rank
        items = list(items)
        items = [self.local_value(i) for i in items]
        given = sum(i is not Ellipsis for i in items)
        if given > rank:
            raise Reject("E0303", f"{given} indices for {rank} dimensions")
        if Ellipsis in [i for i in items if i is Ellipsis]:
            at = next(k for k, i in enumerate(items) if i is Ellipsis)
            items[at : at + 1] = [slice(None)] * (rank - given)
        return items + [slice(None)] * (rank - len(items))

    def subscript_point(self, owner: Any, items: Sequence[Any]) -> Any:
        """`x[i, j]` inside a point."""
        if any(i is None for i in items):
            return self._with_new_axes(owner, items)
        items = self.full_items(owner, items)
        if isinstance(owner, Sampler):
            return self.sample_at(owner, items)
        if isinstance(owner, Extended):
            return self.extended_at(owner, items)
        if isinstance(owner, Row):
            sizes = [
                self.slice_of(i, n)[1]
                for i, n in zip(items, owner.sizes, strict=True)
                if isinstance(i, slice)
            ]

            def element(indices: Sequence[Any]) -> Any:
                free = iter(indices)
                at = []
                for item, size in zip(items, owner.sizes, strict=True):
                    if isinstance(item, slice):
                        start, _, step = self.slice_of(item, size)
                        at.append(start + Size.of(next(free)) * step)
                    else:
                        at.append(self._index(item, size))
                return owner.element(at)

            return Row(tuple(sizes), element) if sizes else element([])
        if any(isinstance(i, Array | Row) for i in items):
            raise Reject(
                "E0120",
                "an index inside a point is a number; arrays as indices are not compiled yet",
            )
        return self.row(owner, items)

    def _with_new_axes(self, owner: Any, items: Sequence[Any]) -> Any:
        inner = self.subscript_point(owner, [i for i in items if i is not None])
        if not isinstance(inner, Row):
            raise Reject("E0120", "`None` in the index of an element is not compiled yet")
        kept, sizes, free = [], [], iter(inner.sizes)
        for item in self._ellipsis(items, len(inner.sizes)):
            if item is None:
                sizes.append(Size.of(1))
            elif isinstance(item, slice):
                kept.append(len(sizes))
                sizes.append(next(free))
        return Row(tuple(sizes), lambda indices: inner.element([indices[k] for k in kept]))

    def _ellipsis(self, items: Sequence[Any], rank: int) -> list[Any]:
        items = list(items)
        if not any(i is Ellipsis for i in items):
            given = sum(isinstance(i, slice) for i in items)
            return items + [slice(None)] * (rank - given)
        at = next(k for k, i in enumerate(items) if i is Ellipsis)
        given = sum(isinstance(i, slice) for i in items)
        return items[:at] + [slice(None)] * (rank - given) + items[at + 1 :]
