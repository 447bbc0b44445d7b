"""`lt.grid`: which part of the arrays a point owns."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import numpy as np

from .diagnostics import Reject
from .dtypes import i64
from .loops import LoopCode
from .sizes import Size
from .syntax import inside_loop, is_always_stored, targets
from .values import Array, Row, Scalar


class GridCode(LoopCode):
    def grid(self, node: ast.For, extents: Sequence[Any]) -> None:
        """`for i, j in lt.grid(...)`."""
        names = [t.id for t in targets(node.target)]
        if len(names) != len(extents):
            raise Reject(
                "E0112", f"the grid has {len(extents)} dimensions for {len(names)} variables"
            )
        for each in ast.walk(ast.Module(node.body, [])):
            if isinstance(each, ast.Break | ast.Return) and not inside_loop(node.body, each):
                raise Reject(
                    "E0202",
                    f"`{type(each).__name__.lower()}` leaves a grid whose points are independent",
                    "use `for i in range(...)` for a sequential loop",
                    self.place_of(each),
                )
        ranges = []
        for extent in extents:
            low, high = extent if isinstance(extent, tuple) and len(extent) == 2 else (0, extent)
            ranges.append((self._bound(low), self._bound(high)))
        if self.region is not None:
            self._nested(node, names, ranges)
            return
        self._parallel(node, names, ranges)

    def _bound(self, value: Any) -> Any:
        if isinstance(value, Array | Row) and not value.sizes and self.region is not None:
            value = self.element(value, [])
        if isinstance(value, Scalar):
            if not value.dtype.is_int:
                raise Reject(
                    "E0112", f"the end of a range is an integer, this is {value.dtype.name}"
                )
            return self.scalars.cast(value, i64, True)
        if isinstance(value, bool | float) or not isinstance(value, int | Size | np.integer):
            raise Reject("E0112", "the end of a range is a size or, inside a loop, an integer")
        return Size.of(value)

    def _parallel(self, node: ast.For, names: list[str], ranges: list[tuple[Any, Any]]) -> None:
        body = ast.Module(node.body, [])
        written = self._written(body)
        owned = self._owned(names, body, written)
        carried = self._carried(body, names)
        if carried:
            self._check_carried(node, carried)
            owned = {}
        for each in written:
            self._check_writable(each.array)
            self._check_points(node, names, ranges, owned, each)
        if self.checked:
            owned = {}  # one point after the other, which can be told apart
        # The points of the grid cover the dimensions that they own, whatever the ranges are.
        dims: list[tuple[str, Size]] = []
        guards = []
        for name, bounds in zip(names, ranges, strict=True):
            if name not in owned:
                continue
            k = owned[name][id(written[0].array)]
            size = written[0].array.sizes[k]
            for each in written[1:]:
                other = each.array.sizes[owned[name][id(each.array)]]
                if not self.facts.are_equal(other, size):
                    owned = {n: p for n, p in owned.items() if n != name}
                    break
            else:
                dims.append((name, size))
                if not (bounds[0] == 0 and self.facts.are_equal(bounds[1], size)):
                    guards.append((name, bounds))
        whole = {
            id(w.array)
            for w in written
            if not guards
            and len(dims) == len(names)
            and w.array.rank == len(dims)
            and is_always_stored(node.body, w.name)
        }

        def inside() -> None:
            def run() -> None:
                rest = [(n, r) for n, r in zip(names, ranges, strict=True) if n not in dict(dims)]
                enter = None
                if self.checked:
                    self.claims.open(self, written)
                    enter = lambda: self.claims.enter(self, names, ranges)  # noqa: E731
                self._loops(node, rest, True, enter)
                self.claims.close()

            condition: Any = None
            for name, (low, high) in guards:
                position = self.scope.variables[name]
                for function, a, b in ((np.less_equal, low, position), (np.less, position, high)):
                    test = self._sizes(function, a, b)
                    if test is True:
                        continue
                    test = self.scalars.of(test)
                    condition = (
                        test if condition is None else self.scalars.logical_and(condition, test)
                    )
            if condition is None:
                run()
            else:
                self.branch(condition, run, lambda: None)

        owners = {id(w.array): [owned[n][id(w.array)] for n, _ in dims] for w in written}
        self._region(dims, written, carried, whole, owners, inside)

    def _nested(self, node: ast.For, names: list[str], ranges: list[tuple[Any, Any]]) -> None:
        body = ast.Module(node.body, [])
        carried = self._carried(body, names)
        self._check_carried_loop(node, carried)
        written = self._written(body)
        owned = self._owned(names, body, written)
        for each in written:
            if each.array.owner is None:
                self._check_points(node, names, ranges, owned, each)
        self._loops(node, list(zip(names, ranges, strict=True)), True)

    def _check_carried_loop(self, node: ast.For, carried: Sequence[str]) -> None:
        self._check_carried(node, [c for c in carried if not c.startswith("<")])
