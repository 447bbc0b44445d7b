"""Grids and loops: which part of the arrays a point owns, and what the loops carry."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import raising, surface
from .diagnostics import Reject
from .dtypes import bool_, common, i64
from .ir import Block, affine_map
from .points import PointCode, Region, is_scalar
from .sizes import Size
from .values import Array, Extended, GrowingList, Missing, Row, Sampler, Scalar, is_known

_WRITERS = (surface.add_at, surface.max_at, surface.min_at, surface.set_at)


@dataclass
class Written:
    """What a loop does to an array from outside of it."""

    name: str
    array: Array
    subscripts: list[list[ast.expr]] = field(default_factory=list)  # of all its uses
    plain: bool = False  # some write has no combiner


class GridCode(PointCode):
    scope: Any  # of Frontend

    # ---- what a loop touches -------------------------------------------------------------------

    def _written(self, node: ast.AST) -> list[Written]:
        """Arrays from outside that are written in `node`."""
        found: dict[int, Written] = {}

        def array_of(target: ast.expr) -> tuple[str, Array] | None:
            if not isinstance(target, ast.Name):
                return None
            value = self.scope.variables.get(target.id)
            if isinstance(value, GrowingList):
                value = value.array
            return (target.id, value) if isinstance(value, Array) else None

        def note(target: ast.expr, plain: bool) -> None:
            known = array_of(target)
            if known is not None:
                item = found.setdefault(id(known[1]), Written(*known))
                item.plain = item.plain or plain

        for each in ast.walk(node):
            if isinstance(each, ast.Assign):
                for target in each.targets:
                    for part in ast.walk(target):
                        if isinstance(part, ast.Subscript) and isinstance(part.ctx, ast.Store):
                            note(part.value, True)
            elif isinstance(each, ast.AugAssign) and isinstance(each.target, ast.Subscript):
                note(each.target.value, False)
            elif isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute):
                if each.func.attr == "append":
                    note(each.func.value, False)
                elif each.args and each.func.attr in {w.__name__ for w in _WRITERS}:
                    note(each.args[0], False)
            elif (
                isinstance(each, ast.Call)
                and isinstance(each.func, ast.Name)
                and each.args
                and each.func.id in {w.__name__ for w in _WRITERS}
            ):
                note(each.args[0], False)
        for each in ast.walk(node):
            if isinstance(each, ast.Subscript):
                known = array_of(each.value)
                if known is not None and id(known[1]) in found:
                    index = each.slice
                    items = list(index.elts) if isinstance(index, ast.Tuple) else [index]
                    found[id(known[1])].subscripts.append(items)
            elif isinstance(each, ast.Call) and len(each.args) >= 2:
                known = array_of(each.args[0])
                name = (
                    each.func.attr
                    if isinstance(each.func, ast.Attribute)
                    else getattr(each.func, "id", "")
                )
                if (
                    known is not None
                    and id(known[1]) in found
                    and name in {w.__name__ for w in _WRITERS}
                ):
                    index = each.args[1]
                    items = list(index.elts) if isinstance(index, ast.Tuple) else [index]
                    found[id(known[1])].subscripts.append(items)
        # Uses without a subscript may touch any element.
        subscripted = {
            id(each.value) for each in ast.walk(node) if isinstance(each, ast.Subscript)
        } | {
            id(each.args[0]) for each in ast.walk(node) if isinstance(each, ast.Call) and each.args
        }
        for each in ast.walk(node):
            if (
                isinstance(each, ast.Name)
                and isinstance(each.ctx, ast.Load)
                and id(each) not in subscripted
            ):
                known = array_of(each)
                if known is not None and id(known[1]) in found:
                    found[id(known[1])].subscripts.append([])
        return list(found.values())

    # ---- grids ---------------------------------------------------------------------------------

    def grid(self, node: ast.For, extents: Sequence[Any]) -> None:
        """`for i, j in lt.grid(...)`."""
        names = [t.id for t in _targets(node.target)]
        if len(names) != len(extents):
            raise Reject(
                "E0112", f"the grid has {len(extents)} dimensions for {len(names)} variables"
            )
        for each in ast.walk(ast.Module(node.body, [])):
            if isinstance(each, ast.Break | ast.Return) and not _inside_loop(node.body, each):
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
            and _is_always_stored(node.body, w.name)
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

    def _owned(
        self, names: list[str], body: ast.AST, written: list[Written]
    ) -> dict[str, dict[int, int]]:
        """Variables that stand alone at one place of every index of all written arrays."""
        reassigned = {
            n.id for n in ast.walk(body) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        owned: dict[str, dict[int, int]] = {}
        for name in names:
            places: dict[int, int] = {}
            for each in written:
                options = [
                    {
                        k
                        for k, e in enumerate(_full(items, each.array.rank))
                        if isinstance(e, ast.Name) and e.id == name
                    }
                    for items in each.subscripts
                ]
                shared = set.intersection(*options) if options else set()
                if not shared:
                    break
                places[id(each.array)] = min(shared)
            else:
                if written and name not in reassigned:
                    owned[name] = places
        return owned

    def _carried(self, body: ast.AST, targets: Sequence[str]) -> list[str]:
        """Variables from outside that the body assigns."""
        from .frontend import assigned_names

        names = [n for n in assigned_names([body]) if n not in targets]
        for each in ast.walk(body):
            if (
                isinstance(each, ast.Call)
                and isinstance(each.func, ast.Attribute)
                and each.func.attr == "append"
            ) and isinstance(each.func.value, ast.Name):
                value = self.scope.variables.get(each.func.value.id)
                if isinstance(value, GrowingList):
                    names.append(value.counter)
        found = []
        for name in dict.fromkeys(names):
            value = self.scope.variables.get(name)
            if value is not None and not isinstance(value, Missing):
                found.append(name)
        return found

    def _check_carried(self, node: ast.For, carried: Sequence[str]) -> None:
        """A grid may only fold into variables from outside."""
        for each in ast.walk(ast.Module(node.body, [])):
            target = each.targets[0] if isinstance(each, ast.Assign) else None
            for part in ast.walk(target) if target is not None else ():
                if (
                    isinstance(part, ast.Name)
                    and isinstance(part.ctx, ast.Store)
                    and part.id in carried
                ):
                    if _is_extreme(each, part.id):
                        continue
                    raise Reject(
                        "E0202",
                        f"points of the grid depend on each other through `{part.id}`",
                        "use `range` for a sequential loop, or fold: `acc += ...`",
                        self.place_of(part),
                    )

    def _check_writable(self, array: Array) -> None:
        if array.argument:
            raise Reject(
                "E0109",
                f"the argument `{array.argument}` is written",
                f"write to a copy: `y = {array.argument}.copy()`",
            )
        if array.base is not None or array.has_views:
            raise Reject(
                "E0109",
                "an array is written that has views or is one",
                "write to an array of its own: `.copy()`",
            )

    def _check_points(
        self,
        node: ast.For,
        names: list[str],
        ranges: Sequence[tuple[Any, Any]],
        owned: dict[str, dict[int, int]],
        written: Written,
    ) -> None:
        """No point writes or reads what another one writes."""
        if written.plain:
            self._check_unique(node, names, ranges, owned, written)
        if all(name in owned for name in names):
            return
        uses = [
            each
            for each in ast.walk(ast.Module(node.body, []))
            if isinstance(each, ast.Subscript)
            and isinstance(each.value, ast.Name)
            and each.value.id == written.name
        ]
        stored = {ast.unparse(each) for each in uses if isinstance(each.ctx, ast.Store)}
        for each in uses:
            if isinstance(each.ctx, ast.Load) and ast.unparse(each) not in stored:
                raise Reject(
                    "E0201",
                    f"`{ast.unparse(each)}` may be an element that another point writes",
                    "use `range` (sequential), or write to another array than is read",
                    self.place_of(each),
                )

    def _check_unique(
        self,
        node: ast.For,
        names: list[str],
        ranges: Sequence[tuple[Any, Any]],
        owned: dict[str, dict[int, int]],
        written: Written,
    ) -> None:
        """Every plain store must hit another element for each point."""
        free = [n for n in names if n not in owned]
        if not free:
            return
        for each in ast.walk(ast.Module(node.body, [])):
            targets = each.targets if isinstance(each, ast.Assign) else []
            for target in targets:
                if not (isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name)):
                    continue
                if target.value.id != written.name:
                    continue
                index = target.slice
                items = list(index.elts) if isinstance(index, ast.Tuple) else [index]
                if self._is_injective(free, names, ranges, items):
                    continue
                text = ast.unparse(target)
                raise Reject(
                    "E0203",
                    f"parallel write to `{text}` may hit the same element from different "
                    f"({', '.join(free)})",
                    "use `range` (sequential), or declare a combiner: `+=`, lt.max_at(...), "
                    'lt.set_at(..., collide="last")',
                    self.place_of(target),
                )

    def _is_injective(
        self,
        free: list[str],
        names: list[str],
        ranges: Sequence[tuple[Any, Any]],
        items: list[ast.expr],
    ) -> bool:
        """Each free variable can be had back from the indices."""
        saved = dict(self.scope.variables)
        limits = dict(self.facts.limits)
        atoms = {}
        try:
            for name, (_, high) in zip(names, ranges, strict=True):
                atoms[name] = f"q{name}"
                self.scope.variables[name] = Size.atom(atoms[name])
                if isinstance(high, Size):
                    self.facts.limits[atoms[name]] = high
            remaining = set(free)
            for item in items:
                if isinstance(item, ast.Slice):
                    continue
                try:
                    value = self.expression(item)
                except Reject:
                    continue
                if not isinstance(value, Size):
                    continue
                found = value.names() & {atoms[n] for n in free}
                if len(found) == 1:
                    (atom,) = found
                    slope = value.terms.get((atom,))
                    if slope and atom not in (value - Size({(atom,): slope})).names():
                        remaining -= {n for n in free if atoms[n] == atom}
                    continue
                remaining -= self._digits(value, {atoms[n]: n for n in free})
            return not remaining
        finally:
            self.scope.variables, self.facts.limits = saved, limits

    def _digits(self, value: Size, atoms: dict[str, str]) -> set[str]:
        """Variables of a sum whose terms are digits of one number."""
        done: set[str] = set()
        rest = value
        while True:
            for atom, name in atoms.items():
                slope = Size(
                    {
                        tuple(a for a in m if a != atom): c
                        for m, c in rest.terms.items()
                        if atom in m
                    }
                )
                if not slope.terms:
                    continue
                lower = rest - slope * Size.atom(atom)
                if atom in lower.names() or lower == rest:
                    continue
                others = Size(
                    {m: c for m, c in lower.terms.items() if set(map(str, m)) & atoms.keys()}
                )
                if self.facts.is_nonnegative(slope - 1 - others) and self.facts.is_nonnegative(
                    others
                ):
                    done.add(name)
                    rest = others
                    break
            else:
                return done
            if not rest.names() & atoms.keys():
                return done

    # ---- regions -------------------------------------------------------------------------------

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
                    if id(array) not in whole:
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

    # ---- loops inside a point --------------------------------------------------------------------

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
        targets = _targets(node.target)
        if len(targets) != 1:
            raise Reject("E0302", f"a range gives one number for {len(targets)} variables")
        name = targets[0].id
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
                index = self.scope.variables[counter]
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

    # ---- places --------------------------------------------------------------------------------

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


def _targets(node: ast.expr) -> list[ast.Name]:
    parts = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    if not all(isinstance(p, ast.Name) for p in parts):
        raise Reject("E0101", "the variables of a loop are names")
    return parts  # type: ignore[return-value]


def _full(items: list[ast.expr], rank: int) -> list[ast.expr | None]:
    """Indices with `...` filled up, so that positions count dimensions."""
    for k, item in enumerate(items):
        if isinstance(item, ast.Constant) and item.value is Ellipsis:
            return [*items[:k], *[None] * (rank - len(items) + 1), *items[k + 1 :]]
    return list(items)


def _inside_loop(body: Sequence[ast.stmt], node: ast.AST) -> bool:
    """True where `node` belongs to a loop or function within `body`."""
    if isinstance(node, ast.Return):
        kinds: Any = (ast.FunctionDef, ast.Lambda)
    else:
        kinds = (ast.For, ast.While, ast.FunctionDef)
    return any(
        isinstance(each, kinds) and any(part is node for part in ast.walk(each))
        for stmt in body
        for each in ast.walk(stmt)
    )


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """True where some trip may be the last one: a `break` of this loop, or a return."""

    def search(nodes: Sequence[ast.AST], nested: bool) -> bool:
        for node in nodes:
            if isinstance(node, ast.Return) or (isinstance(node, ast.Break) and not nested):
                return True
            if isinstance(node, ast.FunctionDef | ast.Lambda):
                continue
            deeper = nested or isinstance(node, ast.For | ast.While)
            if search(list(ast.iter_child_nodes(node)), deeper):
                return True
        return False

    return search(body, False)


def _is_always_stored(body: Sequence[ast.stmt], name: str) -> bool:
    """The first use of the array is a plain store of every point."""
    for stmt in body:
        uses = [n for n in ast.walk(stmt) if isinstance(n, ast.Name) and n.id == name]
        if any(isinstance(n, ast.Continue) for n in ast.walk(stmt)):
            return False
        if not uses:
            continue
        return (
            isinstance(stmt, ast.Assign)
            and len(uses) == 1
            and any(isinstance(t, ast.Subscript) and t.value is uses[0] for t in stmt.targets)
        )
    return False


def _is_extreme(node: ast.Assign, name: str) -> bool:
    """`x = max(x, ...)`: a fold as well."""
    call = node.value
    if not isinstance(call, ast.Call):
        return False
    function = (
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    )
    return function in ("max", "min", "maximum", "minimum") and any(
        isinstance(a, ast.Name) and a.id == name for a in call.args
    )


def is_constant(value: Any) -> bool:
    return is_known(value)
