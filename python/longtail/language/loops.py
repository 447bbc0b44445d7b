"""Loops in order, and what they carry from trip to trip."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .diagnostics import Reject
from .dtypes import bool_, common, i64
from .ir import Block
from .points import is_scalar
from .regions import GridRegionCode
from .sizes import Size
from .syntax import leaves as _leaves
from .syntax import targets
from .values import Missing, Scalar


class LoopCode(GridRegionCode):
    def _loops(
        self,
        node: ast.For,
        nest: Sequence[tuple[str, tuple[Any, Any]]],
        parallel: bool,
        enter: Callable[[], None] | None = None,
    ) -> None:
        """The body for each point of the nest, one loop in the other; first `enter`."""
        if not nest:
            if enter is not None:
                enter()
            self.statements(node.body)
            self._end_of_trip()
            return
        (name, (low, high)), rest = nest[0], nest[1:]
        body = ast.Module(node.body, [])
        carried = self._carried(body, [n for n, _ in nest])

        def trip(index: Any) -> None:
            self.scope.variables[name] = index
            self._loops(node, rest, parallel, enter)

        self._loop_over(low, high, carried, trip, parallel)

    def _end_of_trip(self) -> None:
        from .frontend import CONTINUE

        self.scope.variables[CONTINUE] = False

    def _loop_over(
        self,
        low: Any,
        high: Any,
        carried: Sequence[str],
        trip: Callable[[Any], None],
        parallel: bool,
    ) -> None:
        """A counted loop that carries variables; their types are found by trying."""
        kinds = self._kinds(carried, lambda: self._try_trip(low, high, trip))
        before = dict(self.scope.variables)
        starts = [self.scalars.cast(before[n], *kinds[n]) for n in carried]

        def body(index: Any, values: list[Scalar]) -> list[Scalar]:
            self.scope.variables = {**before, **dict(zip(carried, values, strict=True))}
            trip(index)
            return [self._as(n, kinds[n]) for n in carried]

        results = self.loop(low, high, starts, body, parallel)
        self.scope.variables = self._after(before, carried, results)

    def _after(
        self, before: dict[str, Any], carried: Sequence[str], results: Sequence[Any]
    ) -> dict[str, Any]:
        after = dict(before)
        for name in self.scope.variables:
            if name not in before and not name.startswith("<"):
                after[name] = Missing("is assigned only inside a loop, which may have no trips")
        after.update(zip(carried, results, strict=True))
        return after

    def _as(self, name: str, kind: tuple) -> Scalar:
        value = self.scope.variables[name]
        if isinstance(value, Missing):
            from .frontend import _Poisoned

            if value.failed:
                raise _Poisoned()
            raise Reject("E0110", f"`{name}` {value.reason}")
        if not is_scalar(value):
            raise Reject("E0120", f"`{name}` becomes an array in a loop; this is not compiled yet")
        return self.scalars.cast(value, *kind)

    def _try_trip(self, low: Any, high: Any, trip: Callable[[Any], None]) -> None:
        exact = isinstance(low, Size) and isinstance(high, Size)
        position, name = self.new_position(
            high if exact and self.facts.is_nonnegative(low) else None
        )
        trip(position if exact else Scalar(name, i64, True))

    def _kinds(self, carried: Sequence[str], attempt: Callable[[], None]) -> dict[str, tuple]:
        """The type of each carried variable that its value before and after a trip both have."""
        before = dict(self.scope.variables)
        kinds: dict[str, tuple] = {}
        for name in carried:
            value = self.local_value(before[name])
            if not is_scalar(value):
                raise Reject(
                    "E0120",
                    f"`{name}` is an array that a loop assigns; this is not compiled yet",
                    "write into its elements",
                )
            before[name] = value
            kinds[name] = self.scalars.kind_of(value)
        for _ in range(4):
            if not carried:
                break
            errors, failed = len(self.findings), self.region.locals if self.region else 0
            ops = list(self.region.block.ops) if self.region else []
            with self.builder.inside(Block()):
                self.scope.variables = dict(before)
                for name in carried:
                    self.scope.variables[name] = Scalar(self.builder.name(), *kinds[name])
                attempt()
                after = self.scope.variables
            del self.findings[errors:]
            if self.region is not None:
                kept = [op for op in self.region.block.ops if op in ops]
                self.region.block.ops[:] = kept
                self.region.locals = failed
            changed = False
            for name in carried:
                value = self.local_value(after.get(name))
                if is_scalar(value):
                    kind = common((kinds[name], self.scalars.kind_of(value)))
                    changed = changed or kind != kinds[name]
                    kinds[name] = kind
            if not changed:
                break
        self.scope.variables = before
        return kinds

    def counted(self, node: ast.For, bounds: Sequence[Any]) -> None:
        """`for i in range(...)`, in order."""
        names = targets(node.target)
        if len(names) != 1:
            raise Reject("E0302", f"a range gives one number for {len(names)} variables")
        name = names[0].id
        low: Any = Size.of(0)
        step: Any = 1
        if len(bounds) == 1:
            high = self._bound(bounds[0])
        else:
            low, high = self._bound(bounds[0]), self._bound(bounds[1])
            step = bounds[2] if len(bounds) > 2 else 1
        if isinstance(step, Size) and step.constant is not None:
            step = step.constant
        if not isinstance(step, int) or step == 0:
            raise Reject("E0112", "the step of a range is a known number that is not 0")

        def run() -> None:
            from .frontend import BREAK, CONTINUE, RETURN

            leaves = _leaves(node.body)
            body = ast.Module(node.body, [])
            carried = self._carried(body, [name])
            first, count = low, high
            if step != 1:
                # Counted from 0, so that the loop goes up by 1.
                span = self._less(high, low) if step > 0 else self._less(low, high)
                count = self.binary_index(
                    np.floor_divide, self.binary_index(np.add, span, abs(step) - 1), abs(step)
                )
                first = Size.of(0)

            def index_of(index: Any) -> Any:
                if step == 1:
                    return index
                return self.binary_index(np.add, low, self.binary_index(np.multiply, index, step))

            def trip(index: Any) -> None:
                self.scope.variables[name] = index_of(index)
                self.statements(node.body)
                self.scope.variables[CONTINUE] = False

            if not leaves:
                self._loop_over(first, count, carried, trip, False)
                return
            counter = f"<counter {node.lineno}:{node.col_offset}>"
            self.scope.variables[counter] = self.scalars.cast(first, i64, True)
            self.scope.variables.setdefault(BREAK, False)
            self.scope.variables.setdefault(RETURN, False)
            outer_break = self.scope.variables[BREAK]
            self.scope.variables[BREAK] = False
            result = self._result(node)
            names = [*carried, counter, BREAK, *([RETURN] if result else []), *result]

            def test() -> Scalar:
                value = self.scope.variables
                more = self.scalars.compare(
                    "lt", self.scalars.of(value[counter]), self.scalars.cast(count, i64, True)
                )
                left = self.scalars.logical_or(
                    self.scalars.of(value[BREAK]), self.scalars.of(value[RETURN])
                )
                return self.scalars.logical_and(more, self.scalars.logical_not(left))

            def step_once() -> None:
                # A trip only begins where nothing has left the loop.
                self.scope.variables[BREAK] = False
                if result:
                    self.scope.variables[RETURN] = False
                index: Any = self.scope.variables[counter]
                if isinstance(first, Size) and isinstance(count, Size):
                    bound = count if self.facts.is_nonnegative(first) else None
                    index = self.position_at(self.scalars.cast(index, i64, True).name, bound)
                trip(index)
                self.scope.variables[counter] = self.scalars.call(np.add, index, 1)

            self._repeat(names, test, step_once)
            self.scope.variables[BREAK] = outer_break

        self._sequential(node, [name], run)

    def _result(self, node: ast.AST) -> list[str]:
        """The variable that holds what a function returns, if the loop may set it."""
        from .frontend import RESULT

        if not any(isinstance(each, ast.Return) for each in ast.walk(node)):
            return []
        self.scope.variables.setdefault(RESULT, False)
        return [RESULT]

    def _less(self, a: Any, b: Any) -> Any:
        return self.binary_index(np.subtract, a, b)

    def binary_index(self, function: Any, a: Any, b: Any) -> Any:
        if isinstance(a, Size | int) and isinstance(b, Size | int):
            found = self._sizes(function, Size.of(a), Size.of(b))
            if found is not None:
                return found if isinstance(found, Size) else Size.of(found)
        return self.scalars.call(function, a, b)

    def _do_While(self, node: ast.While) -> None:
        if node.orelse:
            raise Reject("E0120", "`else` of a while loop is not compiled yet")

        def run() -> None:
            from .frontend import BREAK, CONTINUE, RETURN

            carried = self._carried(ast.Module([node], []), [])
            self.scope.variables.setdefault(BREAK, False)
            self.scope.variables.setdefault(RETURN, False)
            leaves = _leaves(node.body)
            result = self._result(node)
            flags = [BREAK, *([RETURN] if result else [])] if leaves else []
            names = [*carried, *flags, *result]

            def test() -> Scalar:
                more = self.truth(self.expression(node.test))
                if not leaves:
                    return more
                value = self.scope.variables
                left = self.scalars.logical_or(
                    self.scalars.of(value[BREAK]), self.scalars.of(value[RETURN])
                )
                return self.scalars.logical_and(more, self.scalars.logical_not(left))

            outer_break = self.scope.variables[BREAK]
            self.scope.variables[BREAK] = False

            def trip() -> None:
                for flag in flags:
                    self.scope.variables[flag] = False
                self.statements(node.body)
                self.scope.variables[CONTINUE] = False

            self._repeat(names, test, trip)
            self.scope.variables[BREAK] = outer_break

        self._sequential(node, [], run)

    def _repeat(
        self, carried: Sequence[str], test: Callable[[], Scalar], trip: Callable[[], None]
    ) -> None:
        kinds = self._kinds(carried, trip)
        before = dict(self.scope.variables)
        starts = [self.scalars.cast(before[n], *kinds[n]) for n in carried]

        def condition(values: list[Scalar]) -> Scalar:
            self.scope.variables = {**before, **dict(zip(carried, values, strict=True))}
            return self.scalars.cast(test(), bool_)

        def body(values: list[Scalar]) -> list[Scalar]:
            self.scope.variables = {**before, **dict(zip(carried, values, strict=True))}
            trip()
            return [self._as(n, kinds[n]) for n in carried]

        results = self.repeat(starts, condition, body)
        self.scope.variables = self._after(before, carried, results)

    def _sequential(self, node: ast.stmt, targets: Sequence[str], run: Callable[[], None]) -> None:
        """A loop in order: inside a point as it is; at the top as a grid of one point."""
        if self.region is not None:
            run()
            return
        body = ast.Module([node], [])
        written = self._written(body)
        for each in written:
            self._check_writable(each.array)
        carried = self._carried(body, targets)

        def inside() -> None:
            for name in carried:
                self.scope.variables[name] = self.local_value(self.scope.variables[name])
            run()

        self._region([], written, carried, set(), {id(w.array): [] for w in written}, inside)
