"""Code of single points: elements of arrays, loops, branches and the memory that they write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arrays import ArrayCode
from .claims import Claims
from .diagnostics import Reject
from .dtypes import DType, bool_, common, i64
from .ir import Block
from .sizes import Size
from .values import (
    Array,
    Extended,
    Missing,
    Row,
    Sampler,
    Scalar,
    SizeTest,
    is_number,
    ssa_type,
)


def is_scalar(value: Any) -> bool:
    return isinstance(value, Scalar | Size | SizeTest) or is_number(value)


class Region:
    """The `compute.grid` that is being written."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.locals = 0  # how many operations at the top are local arrays


class PointCode(ArrayCode):
    def __init__(self) -> None:
        super().__init__()
        self.region: Region | None = None
        self._positions = 0
        self.weak_results: dict[str, bool] = {}  # of numbers that loops leave behind
        self.inside: set[tuple[str, Size]] = set()  # (SSA index, size): tested where code stands
        self.checked = False  # what is proved is checked all the same
        self.claims = Claims()

    # ---- positions ---------------------------------------------------------------------------

    def new_position(self, limit: Size | None = None) -> tuple[Size, str]:
        """The index of a loop: a size, and its SSA value."""
        name = self.builder.name()
        return self.position_at(name, limit), name

    def position_at(self, name: str, limit: Size | None) -> Size:
        """The index of a loop whose SSA value has this name; below `limit` where one is given."""
        self._positions += 1
        atom = f"p{self._positions}"
        self.scalars.positions[atom] = name
        if limit is not None:
            self.facts.limits[atom] = limit
        return Size.atom(atom)

    # ---- elements ----------------------------------------------------------------------------

    def element(self, value: Any, indices: Sequence[Any]) -> Any:
        """The element of an array or row at `indices` (sizes or scalars), broadcasting."""
        if is_scalar(value):
            return value
        sizes = value.sizes
        own = list(indices)[len(indices) - len(sizes) :]
        own = [Size.of(0) if s == 1 else i for s, i in zip(sizes, own, strict=True)]
        return value.element(own) if isinstance(value, Row) else self.fetch(value, own)

    def fetch(self, array: Array, indices: Sequence[Any]) -> Scalar:
        """One element; an index that is not proved to be inside is checked when it runs."""
        self._check_known(array, indices)
        proved = self._all_inside(array, indices)
        names = [self.scalars.cast(i, i64, True).name for i in indices]
        if not array.place:
            exact = [i if isinstance(i, Size) else None for i in indices]
            return self.load(array, names, not proved, exact=exact if proved else None)
        kind = array.dtype.compute
        text = f"access.fetch {array.place}[{', '.join(names)}] : "
        text += f"!access.place<{array.type}> -> {kind}"
        if proved:
            return Scalar(self.builder.value(text, kind="fetch"), array.dtype)
        inside = self._require_inside(array, indices)
        found = self.choose(
            inside,
            lambda: [Scalar(self.builder.value(text, kind="fetch"), array.dtype)],
            lambda: [self.scalars.constant(0, array.dtype)],
        )
        return found[0]

    def store(self, array: Array, indices: Sequence[Any], value: Any) -> None:
        self._check_known(array, indices)
        value = self.scalars.cast(value, array.dtype)
        names = [self.scalars.cast(i, i64, True).name for i in indices]

        def emit() -> None:
            self.builder.add(
                f"access.store {value.name}, {array.place}[{', '.join(names)}] : "
                f"{value.type}, !access.place<{array.type}>",
                kind="store",
                array=array,
                indices=list(indices),
                value=value.name,
            )

        if self._all_inside(array, indices):
            emit()
        else:
            self.when(self._require_inside(array, indices), emit)

    def _check_known(self, array: Array, indices: Sequence[Any]) -> None:
        for k, (index, limit) in enumerate(zip(indices, array.sizes, strict=True)):
            known = (
                index.constant
                if isinstance(index, Size)
                else index
                if isinstance(index, int)
                else None
            )
            if known is not None and limit.constant is not None and not 0 <= known < limit.constant:
                raise Reject(
                    "E0401", f"index {known} is outside of dimension {k}, which is {limit}"
                )

    def _all_inside(self, array: Array, indices: Sequence[Any]) -> bool:
        return all(self._is_inside(i, n) for i, n in zip(indices, array.sizes, strict=True))

    def _is_inside(self, index: Any, limit: Size) -> bool:
        # The functions of the language itself are right; mode "checked" tests them.
        if self.scope.source.internal and not self.checked:
            return True
        if isinstance(index, Scalar):
            return (index.name, limit) in self.inside
        if self.checked and Size.of(index).constant is None:
            return False
        return self.facts.is_inside(Size.of(index), limit)

    def _require_inside(self, array: Array, indices: Sequence[Any]) -> Scalar:
        """Ends the run with an error where an index is outside."""
        pairs = zip(indices, array.sizes, strict=True)
        return self._require([(i, n) for i, n in pairs if not self._is_inside(i, n)])

    def _require(self, pairs: Sequence[tuple[Any, Size]]) -> Scalar:
        result = None
        for index, limit in pairs:
            name, bound = self.scalars.cast(index, i64, True).name, self.scalars.size(limit).name
            text = f"arith.cmpi ult, {name}, {bound} : index"
            inside = Scalar(self.builder.value(text), bool_)
            result = inside if result is None else self.scalars.logical_and(result, inside)
        assert result is not None
        self.builder.add(f"compute.require {result.name}, index", kind="require")
        return result

    def local_array(self, sizes: Sequence[Size], dtype: DType, fill: Any) -> Array:
        """An array of one point."""
        assert self.region is not None
        array = Array("", dtype, tuple(sizes))
        array.place, array.owner = self.builder.name(), self.region
        from .ir import Op

        op = Op([f"{array.place} = access.local : !access.place<{array.type}>"], "local", {}, None)
        self.region.block.ops.insert(self.region.locals, op)
        self.region.locals += 1
        if fill is not None:
            self.assign_row(array, [slice(None)] * len(sizes), fill)
        return array

    # ---- rows --------------------------------------------------------------------------------

    def row(self, array: Array, items: Sequence[Any]) -> Any:
        """`array[items]`: an element, or a row where slices leave dimensions."""
        sizes, _places = self._free(array, items)
        if not sizes:
            return self.fetch(
                array, [self._index(i, n) for i, n in zip(items, array.sizes, strict=True)]
            )
        return Row(
            tuple(sizes), lambda indices: self.fetch(array, self._place(array, items, indices))
        )

    def _free(self, array: Array, items: Sequence[Any]) -> tuple[list[Size], None]:
        sizes = []
        for item, size in zip(items, array.sizes, strict=True):
            if isinstance(item, slice):
                sizes.append(self.slice_of(item, size)[1])
        return sizes, None

    def _place(self, array: Array, items: Sequence[Any], indices: Sequence[Any]) -> list[Any]:
        free = iter(indices)
        result = []
        for item, size in zip(items, array.sizes, strict=True):
            if isinstance(item, slice):
                start, _, step = self.slice_of(item, size)
                index = next(free)
                result.append(
                    start + Size.of(index) * step if not isinstance(index, Scalar) else index
                )
            else:
                result.append(self._index(item, size))
        return result

    def _index(self, index: Any, size: Size) -> Any:
        """A constant negative index counts from the end."""
        if isinstance(index, bool | float) or not is_scalar(index) or isinstance(index, SizeTest):
            raise Reject("E0401", "an index is an integer", "convert it: int(...)")
        if isinstance(index, Scalar):
            if not index.dtype.is_int:
                raise Reject(
                    "E0401", f"an index is an integer, this is {index.dtype.name}", "int(...)"
                )
            return self.scalars.cast(index, i64, True)
        index = Size.of(index if isinstance(index, Size) else int(index))
        if index.constant is not None and index.constant < 0:
            return index + size
        return index

    def assign_row(
        self, array: Array, items: Sequence[Any], value: Any, combine: Any = None
    ) -> None:
        """`array[items] = value`, or combined with what is there."""
        sizes, _ = self._free(array, items)
        items = [
            i if isinstance(i, slice) else self._index(i, n)
            for i, n in zip(items, array.sizes, strict=True)
        ]
        self._check_known(array, [Size.of(0) if isinstance(i, slice) else i for i in items])
        tested = [
            (i, n)
            for i, n in zip(items, array.sizes, strict=True)
            if isinstance(i, Scalar) and not self._is_inside(i, n)
        ]
        if tested:
            # One test before the elements, not one for each.
            self.when(
                self._require(tested),
                lambda: self._assign(array, items, sizes, value, combine, tested),
            )
        else:
            self._assign(array, items, sizes, value, combine, [])

    def _assign(
        self,
        array: Array,
        items: Sequence[Any],
        sizes: Sequence[Size],
        value: Any,
        combine: Any,
        tested: list,
    ) -> None:
        outer, self.inside = self.inside, self.inside | {(i.name, n) for i, n in tested}

        def at(indices: list[Any]) -> None:
            place = self._place(array, items, indices)
            element = self.element(value, indices)
            if combine is not None:
                element = combine(self.fetch(array, place), element)
            else:
                self.claims.claim(self, array, place)
            self.store(array, place, element)

        self.loops(sizes, at)
        self.inside = outer

    def loops(
        self, sizes: Sequence[Size], body: Callable[[list[Any]], None], done: tuple = ()
    ) -> None:
        if len(done) == len(sizes):
            body(list(done))
            return
        limit = sizes[len(done)]
        if limit == 1:
            self.loops(sizes, body, (*done, Size.of(0)))
            return
        self.loop(Size.of(0), limit, [], lambda i, _: self.loops(sizes, body, (*done, i)) or [])

    def reduce_row(self, name: str, row: Any) -> Scalar:
        """`sum`, `max`, ... of all elements of a row."""
        probe, first = Block(), [Size.of(0)] * len(row.sizes)
        with self.builder.inside(probe):
            dtype, _weak = self.scalars.kind_of(self.scalars.of(self.element(row, first)))
        from .dtypes import result_of

        result, _ = result_of(getattr(np, name), ((dtype, False),))
        combine = {
            "sum": np.add,
            "prod": np.multiply,
            "max": np.maximum,
            "min": np.minimum,
            "any": np.logical_or,
            "all": np.logical_and,
        }[name]
        start: Any = {"sum": 0, "prod": 1, "any": False, "all": True}.get(name)
        if start is None:
            info = np.finfo(np.float64) if result.is_float else None
            if info is not None:
                start = -np.inf if name == "max" else np.inf
            elif result.kind == "b":
                start = name == "min"
            else:
                limits = np.iinfo(result.dtype)
                start = limits.min if name == "max" else limits.max

        def nest(done: tuple, value: Scalar) -> Scalar:
            if len(done) == len(row.sizes):
                element = self.scalars.cast(self.element(row, list(done)), result)
                return self.scalars.cast(self.scalars.call(combine, value, element), result)
            limit = row.sizes[len(done)]
            inner = lambda i, c: [nest((*done, i), c[0])]  # noqa: E731
            return self.loop(Size.of(0), limit, [value], inner, parallel=True)[0]

        return nest((), self.scalars.constant(start, result))

    # ---- control -----------------------------------------------------------------------------

    def loop(
        self,
        low: Any,
        high: Any,
        carried: Sequence[Scalar],
        body: Callable[[Size, list[Scalar]], Sequence[Scalar]],
        parallel: bool = False,
    ) -> list[Scalar]:
        """`body` for each index of `[low, high)` with carried values."""
        block = Block()
        first = self.scalars.cast(low, i64, True).name
        last = self.scalars.cast(high, i64, True).name
        one = self.scalars.constant(1, i64, True).name
        from_zero = isinstance(low, Size) and isinstance(high, Size)
        position, name = self.new_position(
            high if from_zero and self.facts.is_nonnegative(low) else None
        )
        inner = [Scalar(self.builder.name(), c.dtype, c.weak) for c in carried]
        with self.builder.inside(block):
            index: Any = (
                position if position.names() & self.facts.limits.keys() else Scalar(name, i64, True)
            )
            # A range whose end is computed gives indices of which only the value is known.
            index = position if from_zero else index
            following = list(body(index, inner))
            self._yield(following)
        results = [Scalar(self.builder.name(), c.dtype, c.weak) for c in carried]
        head = f"scf.for {name} = {first} to {last} step {one} "
        if carried:
            pairs = ", ".join(f"{a.name} = {b.name}" for a, b in zip(inner, carried, strict=True))
            types = ", ".join(c.type for c in carried)
            head = f"{', '.join(r.name for r in results)} = {head}iter_args({pairs}) -> ({types}) "
        self.builder.add(
            head,
            block,
            # What is summed has no order, unlike in a sequential loop.
            *([" {compute.unordered}"] if parallel and carried else []),
            kind="loop",
            position=position,
            index=name,
            low=low,
            high=high,
            carried=list(carried),
            inner=inner,
            results=results,
            following=following,
            parallel=parallel,
        )
        return results

    def _yield(self, values: Sequence[Scalar]) -> None:
        if values:
            names, types = ", ".join(v.name for v in values), ", ".join(v.type for v in values)
            self.builder.add(f"scf.yield {names} : {types}", kind="yield")

    def repeat(
        self,
        carried: Sequence[Scalar],
        condition: Callable[[list[Scalar]], Scalar],
        body: Callable[[list[Scalar]], Sequence[Scalar]],
    ) -> list[Scalar]:
        """`body` as long as `condition` of the carried values holds."""
        before, after = Block(), Block()
        first = [Scalar(self.builder.name(), c.dtype, c.weak) for c in carried]
        inner = [Scalar(self.builder.name(), c.dtype, c.weak) for c in carried]
        types = ", ".join(c.type for c in carried)
        with self.builder.inside(before):
            goes_on = condition(first)
            names = ", ".join(c.name for c in first)
            tail = f" {names} : {types}" if carried else ""
            self.builder.add(f"scf.condition({goes_on.name}){tail}", kind="yield")
        after.arguments = [(c.name, c.type) for c in inner]
        with self.builder.inside(after):
            following = body(inner)
            self._yield(following)
            if not following:
                self.builder.add("scf.yield", kind="yield")
        results = [Scalar(self.builder.name(), c.dtype, c.weak) for c in carried]
        pairs = ", ".join(f"{a.name} = {b.name}" for a, b in zip(first, carried, strict=True))
        head = f"{', '.join(r.name for r in results)} = " if results else ""
        self.builder.add(
            f"{head}scf.while ({pairs}) : ({types}) -> ({types}) "
            if carried
            else "scf.while : () -> () ",
            before,
            " do ",
            after,
            kind="while",
        )
        return results

    def when(self, condition: Scalar, then: Callable[[], None]) -> None:
        block = Block()
        with self.builder.inside(block):
            then()
        self.builder.add(f"scf.if {self.scalars.cast(condition, bool_).name} ", block, kind="if")

    def choose(
        self,
        condition: Scalar,
        then: Callable[[], list[Any]],
        otherwise: Callable[[], list[Any]],
    ) -> list[Any]:
        """The values of one of two branches; types meet. Values that are the same stay known."""
        first, second = Block(), Block()
        with self.builder.inside(first):
            a = then()
        with self.builder.inside(second):
            b = otherwise()
        return self.merge(condition, first, a, second, b)

    def merge(
        self, condition: Any, first: Block, a: Sequence[Any], second: Block, b: Sequence[Any]
    ) -> list[Any]:
        results: list[Any] = []
        pairs: list[tuple[int, Scalar, Scalar]] = []
        for k, (x, y) in enumerate(zip(a, b, strict=True)):
            if x is y or (
                type(x) is type(y) and not isinstance(x, Scalar | Row | Array) and x == y
            ):
                results.append(x)
                continue
            if isinstance(x, Missing) or isinstance(y, Missing):
                results.append(x if isinstance(x, Missing) else y)
                continue
            if not (is_scalar(x) and is_scalar(y)):
                raise Reject(
                    "E0120",
                    "the branches of a condition give different arrays to a variable",
                    "select elements: lt.where(condition, a, b)",
                )
            dtype, weak = common((self.scalars.kind_of(x), self.scalars.kind_of(y)))
            with self.builder.inside(first):
                x = self.scalars.cast(x, dtype, weak)
            with self.builder.inside(second):
                y = self.scalars.cast(y, dtype, weak)
            pairs.append((k, x, y))
            results.append(None)
        condition = self.scalars.cast(condition, bool_)
        ops = [*first.ops, *second.ops]
        harmless = all(
            op.kind == "pure" or (op.kind == "load" and not op.facts["checked"]) for op in ops
        )
        if (
            harmless
            and len(ops) <= 48
            and not any(isinstance(p, Block) for op in ops for p in op.parts)
        ):
            # Computing both is cheaper than a branch, and lanes stay together.
            self.builder.block.ops.extend(ops)
            for k, x, y in pairs:
                results[k] = self.scalars.select(condition, x, y)
            return results
        for block, values in (
            (first, [x for _, x, _ in pairs]),
            (second, [y for _, _, y in pairs]),
        ):
            with self.builder.inside(block):
                self._yield(values)
        head = f"scf.if {condition.name} "
        for k, x, _ in pairs:
            results[k] = Scalar(self.builder.name(), x.dtype, x.weak)
        if pairs:
            types = ", ".join(x.type for _, x, _ in pairs)
            names = ", ".join(results[k].name for k, _, _ in pairs)
            head = f"{names} = scf.if {condition.name} -> ({types}) "
        parts: list[Any] = [head, first]
        if pairs or second.ops:
            parts += [" else ", second]
        self.builder.add(*parts, kind="if")
        return results

    # ---- reads at real and at all integer coordinates -------------------------------------------

    def sample_at(self, sampler: Sampler, items: Sequence[Any]) -> Scalar:
        """See `surface._Sampled`, which this follows operation by operation."""
        array, code = sampler.array, self.scalars
        indices = [
            None if k in sampler.dims else self._index(i, array.sizes[k])
            for k, i in enumerate(items)
        ]
        coordinates = [code.of(items[d]) for d in sampler.dims]
        sizes = [array.sizes[d] for d in sampler.dims]
        zero = code.constant(0, array.dtype)
        inside_band: Scalar | None = None
        if sampler.oob == "band1":
            clamped = []
            for c, n in zip(coordinates, sizes, strict=True):
                low = code.cast(code.call(np.less_equal, -1.0, c), bool_)
                inside = code.logical_and(low, code.call(np.less_equal, c, code.size(n)))
                inside_band = (
                    inside if inside_band is None else code.logical_and(inside_band, inside)
                )
                c = code.python_extreme("max", c, code.cast(0, c.dtype, c.weak))
                last = code.cast(code.size(n - 1), c.dtype, c.weak)
                clamped.append(code.python_extreme("min", c, last))
            coordinates = clamped
        if sampler.mode == "nearest":
            corner = [code.cast(code.call(np.rint, c), i64, True) for c in coordinates]
            total = self._tap(sampler, indices, corner, sizes, zero)
        else:
            low = [code.cast(code.call(np.floor, c), i64, True) for c in coordinates]
            near = [code.call(np.subtract, c, b) for c, b in zip(coordinates, low, strict=True)]
            far = [code.call(np.subtract, 1, part) for part in near]
            total = zero
            for bits in np.ndindex(*(2,) * len(coordinates)):
                weight: Any = None
                for k, bit in enumerate(bits):
                    part = near[k] if bit else far[k]
                    weight = part if weight is None else code.call(np.multiply, weight, part)
                corner = [
                    code.call(np.add, b, int(f)) if f else b for b, f in zip(low, bits, strict=True)
                ]
                tap = self._tap(sampler, indices, corner, sizes, zero)
                total = code.call(np.add, total, code.call(np.multiply, tap, weight))
        if inside_band is not None:
            total = code.where(inside_band, total, code.cast(0, total.dtype, total.weak))
        return total

    def _tap(
        self,
        sampler: Sampler,
        indices: list[Any],
        corner: Sequence[Scalar],
        sizes: list[Size],
        zero: Scalar,
    ) -> Scalar:
        """One element; the index is clamped, so that the load is harmless everywhere."""
        code, array = self.scalars, sampler.array
        names: list[str] = []
        inside: Scalar | None = None
        position = iter(zip(corner, sizes, strict=True))
        proved = True
        for k, index in enumerate(indices):
            if index is not None:
                proved = (
                    proved
                    and isinstance(index, Size)
                    and self.facts.is_inside(index, array.sizes[k])
                )
                names.append(code.cast(index, i64, True).name)
                continue
            c, n = next(position)
            last = code.size(n - 1)
            bounded = code.minimum(
                code.maximum(c, code.constant(0, i64, True), i64, True), last, i64, True
            )
            here = code.compare("eq", bounded, c)
            inside = here if inside is None else code.logical_and(inside, here)
            names.append(bounded.name)
        value = self.load(array, names, not proved)
        return (
            value if sampler.oob != "zero" or inside is None else code.select(inside, value, zero)
        )

    def extended_at(self, extended: Extended, items: Sequence[Any]) -> Scalar:
        code, array, mode = self.scalars, extended.array, extended.mode
        indices: list[Any] = []
        inside: Scalar | None = None
        for k, item in enumerate(items):
            size = array.sizes[k]
            if k not in extended.dims:
                indices.append(self._index(item, size))
                continue
            if not isinstance(item, Scalar) and self.facts.is_inside(Size.of(item), size):
                indices.append(Size.of(item))
                continue
            c = code.cast(item, i64, True)
            n, zero = code.size(size), code.constant(0, i64, True)
            last = code.size(size - 1)
            if mode == "wrap":
                index = code.mod(c, n, i64, True)
            elif mode == "reflect":
                one = code.constant(1, i64, True)
                period = code.maximum(code.size(size * 2 - 2), one, i64, True)
                q = code.mod(c, period, i64, True)
                index = code.minimum(q, code.subtract(period, q, i64, True), i64, True)
                index = code.minimum(index, last, i64, True)
            else:
                index = code.minimum(code.maximum(c, zero, i64, True), last, i64, True)
                if mode != "edge":
                    here = code.compare("eq", index, c)
                    inside = here if inside is None else code.logical_and(inside, here)
            indices.append(index)
        proved = all(
            (isinstance(i, Scalar) and k in extended.dims)
            or (not isinstance(i, Scalar) and self.facts.is_inside(Size.of(i), array.sizes[k]))
            for k, i in enumerate(indices)
        )
        exact = indices if proved and all(isinstance(i, Size) for i in indices) else None
        names = [code.cast(i, i64, True).name for i in indices]
        value = self.load(array, names, not proved, exact=exact)
        if inside is None:
            return value
        return code.select(inside, value, code.cast(mode, array.dtype))

    # ---- slices ------------------------------------------------------------------------------

    def slice_of(self, item: slice, size: Size) -> tuple[Size, Size, int]:
        """(start, count, step) of a slice of a dimension, by Python's rules."""
        step = 1 if item.step is None else item.step
        if isinstance(step, Size) and step.constant is not None:
            step = step.constant
        if not isinstance(step, int) or step == 0:
            raise Reject("E0112", "the step of a slice is a known number that is not 0")
        for bound in (item.start, item.stop):
            if isinstance(bound, Scalar | Array | float):
                raise Reject(
                    "E0120",
                    "a slice whose bounds are computed from data is not compiled yet",
                    "loop over the elements, or use lt.where with a condition on lt.arange",
                )
        if item.start is None and item.stop is None and step == 1:
            return Size.of(0), size, 1

        def place(bound: Any, low: Size, high: Size) -> Size:
            bound = Size.of(bound)
            if bound.constant is not None and bound.constant < 0:
                return self.greatest(bound + size, low)
            return self.least(bound, high)

        zero = Size.of(0)
        if step > 0:
            start = zero if item.start is None else Size.of(item.start)
            if start.constant is not None and start.constant < 0:
                start = self.greatest(start + size, zero)
            stop = size if item.stop is None else place(item.stop, zero, size)
            length = stop - start
        else:
            start = size - 1 if item.start is None else place(item.start, Size.of(-1), size - 1)
            stop = Size.of(-1) if item.stop is None else place(item.stop, Size.of(-1), size)
            length = start - stop
        count = self.facts.floordiv(length + (abs(step) - 1), Size.of(abs(step)))
        return start, self.greatest(count, zero), step


def weak_index(name: str) -> Scalar:
    return Scalar(name, i64, True)


def types_of(values: Sequence[Scalar]) -> list[str]:
    return [ssa_type(v.dtype, v.weak) for v in values]
