"""Whole arrays: maps, reads, reductions and contractions at the level of the `expand` phase."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .diagnostics import Reject
from .dtypes import DType, bool_, common, f32, f64, i64, result_of
from .ir import Block, Builder, affine_map, map_text
from .scalars import ScalarCode
from .shapes import Check, Derived, Shapes
from .sizes import Facts, Size, product
from .values import Array, Scalar, SizeTest

COMBINERS = {"sum": "add", "prod": "mul", "max": "max", "min": "min", "any": "or", "all": "and"}


def dim(k: int) -> Size:
    return Size.atom(f"d{k}")


class ArrayCode:
    """Emits operations on tensors into the body of the function."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.top = self.builder.block
        self.scalars = ScalarCode(self.builder)
        self.facts = Facts()
        self.symbols = 0
        self._derived: dict[tuple, Size] = {}
        self.shapes = Shapes()

    # ---- sizes -------------------------------------------------------------------------------

    def new_symbol(self) -> Size:
        self.symbols += 1
        return Size.atom(f"s{self.symbols - 1}")

    def derive(self, function: str, *arguments: Size) -> Size:
        """A size that no affine expression says."""
        key = (function, arguments)
        if key not in self._derived:
            with self.builder.inside(self.top):
                text = f"extent.derived {self.symbols} = {function} {affine_map(arguments)}"
                made = self._derived[key] = self.new_symbol()
                self.builder.add(text)
                self.shapes.facts.append(Derived(str(made), function, arguments))
        return self._derived[key]

    def greatest(self, a: Size, b: Size) -> Size:
        if self.facts.is_nonnegative(a - b):
            return a
        return b if self.facts.is_nonnegative(b - a) else self.derive("max", a, b)

    def least(self, a: Size, b: Size) -> Size:
        if self.facts.is_nonnegative(a - b):
            return b
        return a if self.facts.is_nonnegative(b - a) else self.derive("min", a, b)

    def check(self, function: str, a: Size, b: Size, message: str, code: str = "E0301") -> None:
        """Requires a relation of sizes, now or when the operator is called."""
        a, b = self.facts.simplify(a), self.facts.simplify(b)
        known = {
            "eq": lambda: self.facts.are_equal(a, b),
            "le": lambda: self.facts.is_nonnegative(b - a),
            "lt": lambda: self.facts.is_nonnegative(b - a - 1),
        }[function]()
        if known:
            return
        if (b - a).constant is not None:
            raise Reject(code, message)
        with self.builder.inside(self.top):
            text = message.replace("\\", "\\\\").replace('"', '\\"')
            self.builder.add(f'extent.check {function} {affine_map([a, b])} "{text}"')
            self.shapes.facts.append(Check(function, a, b, message))
        if function == "eq":
            self.facts.zeros.append(self.facts.simplify(a - b))

    def broadcast(self, *shapes: Sequence[Size]) -> tuple[Size, ...]:
        rank = max(map(len, shapes), default=0)
        result: list[Size] = [Size.of(1)] * rank
        for shape in shapes:
            for k, size in enumerate(shape, rank - len(shape)):
                if size == 1 or self.facts.are_equal(size, result[k]):
                    continue
                if result[k] == 1:
                    result[k] = size
                    continue
                texts = " and ".join("(" + ", ".join(map(self.show, s)) + ")" for s in shapes)
                pair = f"{self.show(result[k])} and {self.show(size)}"
                message = f"shapes {texts} do not broadcast: {pair} differ"
                self.check("eq", result[k], size, message)
                if size.constant is not None:
                    result[k] = size
        return tuple(result)

    def show(self, size: Size) -> str:
        """A size with the names of dimensions."""
        return str(size)

    # ---- maps --------------------------------------------------------------------------------

    def array(self, value: Any) -> Array:
        """`value` as a tensor; numbers have no dimensions."""
        if isinstance(value, Array):
            return value
        if isinstance(value, np.ndarray):
            return self.constant(value)
        if isinstance(value, list | tuple):
            parts = [self.array(each) for each in value]
            return self.stack(parts, 0)
        return self.generate((), lambda: self.scalars.of(value))

    def constant(self, value: np.ndarray) -> Array:
        from .dtypes import from_numpy

        dtype = from_numpy(value.dtype)
        if dtype is None:
            raise Reject("E0501", f"an array of {value.dtype} cannot be compiled")
        sizes = tuple(map(Size.of, value.shape))
        raw = np.ascontiguousarray(value).tobytes()
        if dtype.kind == "b":
            text = np.array2string(value.astype(int), separator=",", threshold=value.size + 1)
            text = text.replace("1", "true").replace("0", "false") if value.size else ""
        else:
            text = f'"0x{raw.hex().upper()}"' if value.size else ""
        kind = Array("", dtype, sizes).type
        return Array(self.builder.value(f"arith.constant dense<{text}> : {kind}"), dtype, sizes)

    def node(
        self,
        operator: str,
        operand: Array,
        attributes: dict[str, int | Size],
        results: Sequence[tuple[DType, Sequence[Size]]],
    ) -> list[Array]:
        """An internal operator of the compiler's registry, with its results' types."""
        made = [Array(self.builder.name(), dtype, tuple(sizes)) for dtype, sizes in results]
        given = [
            f"{name} = {affine_map([value]) if isinstance(value, Size) else f'{value} : i64'}"
            for name, value in attributes.items()
        ]
        outputs = ", ".join(f'"{array.name[1:]}"' for array in made)
        self.builder.add(
            f"{', '.join(array.name for array in made)} = "
            f'graph.node "{operator}" domain "longtail" version 1 ({operand.name}) -> [{outputs}] '
            f"with {{{', '.join(given)}}} : "
            f"({operand.type}) -> ({', '.join(array.type for array in made)})",
            operator=operator,
            operand=operand,
            attributes=attributes,
            results=made,
        )
        return made

    def access(self, array: Array, rank: int) -> str:
        """How an array broadcasts to a domain of `rank` dimensions."""
        first = rank - array.rank
        indices = [Size.of(0) if s == 1 else dim(first + k) for k, s in enumerate(array.sizes)]
        return f"#access.map<{map_text(indices, rank)}>"

    def map(self, values: Sequence[Any], body: Callable[..., Scalar]) -> Array:
        """`body` of the elements of `values`, which broadcast; numbers are no operands."""
        arrays = [each for each in values if isinstance(each, Array)]
        sizes = self.broadcast(*(each.sizes for each in arrays))
        return self.map_through(
            [(each, self.access(each, len(sizes)), None) for each in arrays],
            sizes,
            lambda *elements: body(*_spread(values, elements)),
        )

    def map_through(
        self,
        operands: Sequence[tuple[Array, str, str | None]],
        sizes: Sequence[Size],
        body: Callable[..., Scalar],
    ) -> Array:
        """A map of operands with accesses and fills of their own."""
        block, elements = self._body_of(operands)
        with self.builder.inside(block):
            result = self.scalars.of(body(*elements))
            storage = f64 if result.weak and result.dtype.is_float else result.dtype
            result = self.scalars.cast(result, storage, False) if result.type == "index" else result
            self.builder.add(f"compute.yield {result.name} : {result.type}")
        return self._finish("compute.map", operands, block, storage, tuple(sizes), result.weak)

    def _body_of(
        self, operands: Sequence[tuple[Array, str, str | None]]
    ) -> tuple[Block, list[Scalar]]:
        block = Block()
        elements = []
        with self.builder.inside(block):
            for array, _, _ in operands:
                name = self.builder.name()
                block.arguments.append((name, array.dtype.compute))
                element = Scalar(name, array.dtype)
                if array.weak:
                    element = self.scalars.cast(element, array.dtype, True)
                elements.append(element)
        return block, elements

    def _finish(
        self,
        head: str,
        operands: Sequence[tuple[Array, str, str | None]],
        block: Block,
        dtype: DType,
        sizes: tuple[Size, ...],
        weak: bool = False,
    ) -> Array:
        sizes = tuple(map(self.facts.simplify, sizes))
        result = Array(self.builder.name(), dtype, sizes, weak=weak)
        texts = ", ".join(
            f"{a.name} at {access}" + (f" fill {fill}" if fill else "")
            for a, access, fill in operands
        )
        types = ", ".join(a.type for a, _, _ in operands)
        self.builder.add(f"{result.name} = {head} ({texts}) : ({types}) -> {result.type} ", block)
        return result

    def generate(self, sizes: Sequence[Size], body: Callable[..., Any]) -> Array:
        """`body` of the positions."""

        def emit() -> Scalar:
            names = [f"d{k}" for k in range(len(sizes))]
            saved = dict(self.scalars.positions)
            for k, name in enumerate(names):
                self.scalars.positions[name] = self.builder.value(f"compute.index {k}")
            try:
                return self.scalars.of(body(*(dim(k) for k in range(len(sizes)))))
            finally:
                self.scalars.positions = saved

        return self.map_through([], sizes, emit)

    def full(self, sizes: Sequence[Size], value: Any, dtype: DType) -> Array:
        if isinstance(value, Array):
            value = self.cast(value, dtype)
            return self.broadcast_to(value, sizes)
        return self.map_through([], sizes, lambda: self.scalars.cast(value, dtype))

    def cast(self, array: Array, dtype: DType) -> Array:
        if array.dtype is dtype and not array.weak:
            return array
        return self.map([array], lambda x: self.scalars.cast(x, dtype))

    def call(self, function: Any, *values: Any) -> Array:
        """A NumPy function of elements."""
        return self.map(values, lambda *elements: self.scalars.call(function, *elements))

    # ---- reads -------------------------------------------------------------------------------

    def read(
        self,
        source: Array,
        sizes: Sequence[Size],
        indices: Sequence[Size],
        valid: Sequence[tuple[Size, Size]] = (),
        fill: Any = None,
        attributes: str = "",
    ) -> Array:
        """`result[d] = source[indices(d)]`, a view; `fill` where not `0 <= v < below`."""
        sizes = tuple(map(self.facts.simplify, map(Size.of, sizes)))
        result = Array(self.builder.name(), source.dtype, sizes, weak=source.weak, base=source)
        source.has_views = True
        rank = len(sizes)
        text = map_text(list(indices), rank)
        if valid:
            conditions = map_text([v for v, _ in valid], rank)
            bounds = map_text([b for _, b in valid], rank)
            text += f", valid {conditions} below {bounds}"
        fill_text = f" fill {self.literal(fill, source.dtype)}" if valid else ""
        self.builder.add(
            f"{result.name} = access.read {source.name} at <{text}>{fill_text}{attributes} : "
            f"{source.type} -> {result.type}"
        )
        return result

    def literal(self, value: Any, dtype: DType) -> str:
        """A number as an attribute."""
        if dtype.kind == "b":
            return "true" if value else "false"
        if dtype.is_float:
            number = np.array(value, dtype.dtype)
            if np.isfinite(number.astype(np.float64)):
                return f"{float(number):.17e} : {dtype.compute}"
            return f"0x{int(number.view(f'uint{dtype.bits}')):X} : {dtype.compute}"
        return f"{int(np.array(value, dtype.dtype).view(f'int{dtype.bits}'))} : {dtype.compute}"

    def broadcast_to(self, array: Array, sizes: Sequence[Size]) -> Array:
        if tuple(sizes) == array.sizes:
            return array
        first = len(sizes) - array.rank
        if first < 0:
            raise Reject("E0302", f"{array.rank} dimensions do not broadcast to {len(sizes)}")
        indices = []
        for k, size in enumerate(array.sizes):
            if size == 1:
                indices.append(Size.of(0))
                continue
            wanted = self.show(sizes[first + k])
            message = f"dimension {k} is {self.show(size)} and cannot become {wanted}"
            self.check("eq", size, sizes[first + k], message)
            indices.append(dim(first + k))
        return self.read(array, sizes, indices)

    def transpose(self, array: Array, order: Sequence[int]) -> Array:
        indices: list[Size] = [Size.of(0)] * array.rank
        for k, axis in enumerate(order):
            indices[axis] = dim(k)
        return self.read(array, [array.sizes[a] for a in order], indices)

    def reshape(self, array: Array, sizes: Sequence[Size]) -> Array:
        """Row-major; dimensions that begin and end together keep their own indices."""
        sizes = list(sizes)
        if tuple(sizes) == array.sizes:
            return array
        total = product(array.sizes)
        message = (
            f"{self._shape(array.sizes)} cannot be reshaped to {self._shape(sizes)}: "
            "the numbers of elements differ"
        )
        self.check(
            "eq", self.facts.simplify(product(sizes)), self.facts.simplify(total), message, "E0302"
        )
        facts = Facts(
            dict(self.facts.limits), self.facts.multiples, self.facts.at_least, self.facts.zeros
        )
        for k, size in enumerate(sizes):
            facts.limits[f"d{k}"] = size
        indices: list[Size] = [Size.of(0)] * array.rank
        for sources, targets in self._groups(array.sizes, sizes):
            linear = Size.of(0)
            for t in targets:
                linear = linear * sizes[t] + dim(t)
            for s in reversed(sources[1:]):
                indices[s] = facts.mod(linear, array.sizes[s])
                linear = facts.floordiv(linear, array.sizes[s])
            if sources:
                indices[sources[0]] = linear
        result = self.read(array, sizes, indices, attributes=" {access.row_major}")
        self.builder.block.ops[-1].facts["reshape"] = True
        return result

    def _shape(self, sizes: Sequence[Size]) -> str:
        return "(" + ", ".join(map(self.show, sizes)) + ")"

    def _groups(
        self, source: Sequence[Size], target: Sequence[Size]
    ) -> list[tuple[list[int], list[int]]]:
        """The shortest runs of dimensions of both that hold equally many elements."""
        groups, s, t = [], 0, 0
        while s < len(source) or t < len(target):
            found = None
            for many in range(1, len(source) - s + len(target) - t + 1):
                for i in range(max(0, many - (len(target) - t)), min(many, len(source) - s) + 1):
                    a, b = source[s : s + i], target[t : t + many - i]
                    if ((i and many - i) or many == 1) and self.facts.are_equal(
                        product(a), product(b)
                    ):
                        found = i, many - i
                        break
                if found:
                    break
            if found is None:
                found = len(source) - s, len(target) - t
            groups.append((list(range(s, s + found[0])), list(range(t, t + found[1]))))
            s, t = s + found[0], t + found[1]
        return groups

    def concat(self, arrays: Sequence[Array], axis: int) -> Array:
        first = arrays[0]
        dtype, _ = common(tuple((a.dtype, a.weak) for a in arrays))
        arrays = [self.cast(a, dtype) for a in arrays]
        for k, other in enumerate(arrays[1:], 1):
            if other.rank != first.rank:
                raise Reject(
                    "E0303", f"array {k} has {other.rank} dimensions, the first {first.rank}"
                )
            for d in range(first.rank):
                if d != axis:
                    message = (
                        f"dimension {d} of array {k} is {self.show(other.sizes[d])}, "
                        f"of the first {self.show(first.sizes[d])}"
                    )
                    self.check("eq", other.sizes[d], first.sizes[d], message)
        total = sum((a.sizes[axis] for a in arrays), Size.of(0))
        sizes = (*first.sizes[:axis], total, *first.sizes[axis + 1 :])
        arrays = [
            self.read(
                a,
                (*sizes[:axis], a.sizes[axis], *sizes[axis + 1 :]),
                [dim(k) for k in range(a.rank)],
            )
            if any(a.sizes[k] != sizes[k] for k in range(a.rank) if k != axis)
            else a
            for a in arrays
        ]
        result = Array(self.builder.name(), dtype, sizes)
        names, types = ", ".join(a.name for a in arrays), ", ".join(a.type for a in arrays)
        self.builder.add(
            f"{result.name} = access.concat {names} axis {axis} : ({types}) -> {result.type}"
        )
        return result

    def stack(self, arrays: Sequence[Array], axis: int) -> Array:
        sizes = self.broadcast(*(a.sizes for a in arrays))
        arrays = [self.broadcast_to(a, sizes) for a in arrays]
        return self.concat([self.insert_axis(a, axis) for a in arrays], axis)

    def insert_axis(self, array: Array, axis: int) -> Array:
        sizes = (*array.sizes[:axis], Size.of(1), *array.sizes[axis:])
        return self.read(array, sizes, [dim(k if k < axis else k + 1) for k in range(array.rank)])

    # ---- reductions --------------------------------------------------------------------------

    def reduce(
        self,
        values: Sequence[Array],
        axes: Sequence[int],
        keepdims: bool,
        combiner: str,
        dtype: DType,
        body: Callable[..., Scalar],
    ) -> Array:
        """Folds `body` of the elements of `values`, which broadcast, over `axes`."""
        sizes = self.broadcast(*(each.sizes for each in values))
        rank = len(sizes)
        kept = [k for k in range(rank) if keepdims or k not in axes]
        result_sizes = [Size.of(1) if k in axes else sizes[k] for k in kept]
        domain: list[Size] = [Size.of(0)] * rank
        for position, k in enumerate(kept):
            domain[k] = dim(position)
        for position, k in enumerate(axes, len(kept)):
            domain[k] = dim(position)
        operands = []
        for each in values:
            first = rank - each.rank
            indices = [
                Size.of(0) if s == 1 else domain[first + k] for k, s in enumerate(each.sizes)
            ]
            operands.append(
                (each, f"#access.map<{map_text(indices, len(kept) + len(axes))}>", None)
            )
        return self.fold(operands, result_sizes, [sizes[k] for k in axes], combiner, dtype, body)

    def fold(
        self,
        operands: Sequence[tuple[Array, str, str | None]],
        sizes: Sequence[Size],
        extents: Sequence[Size],
        combiner: str,
        dtype: DType,
        body: Callable[..., Scalar],
    ) -> Array:
        """`compute.reduce`: the domain is `sizes`, then `extents`."""
        wide = f32 if dtype.is_float and dtype.bits < 32 else dtype
        block, elements = self._body_of(operands)
        with self.builder.inside(block):
            value = self.scalars.cast(body(*elements), wide)
            self.builder.add(f"compute.yield {value.name} : {value.type}")
        if dtype.kind == "u" and combiner in ("max", "min"):
            combiner = "u" + combiner
        if dtype.kind == "b" and combiner in ("max", "min", "add", "mul"):
            combiner = {"max": "or", "min": "and", "add": "or", "mul": "and"}[combiner]
        head = f"compute.reduce {combiner} over {affine_map(extents)}"
        return self.cast(self._finish(head, operands, block, wide, tuple(sizes)), dtype)

    def reduction(self, name: str, array: Array, axes: Sequence[int], keepdims: bool) -> Array:
        """`sum`, `prod`, `max`, `min`, `any`, `all`."""
        function = getattr(np, name)
        dtype, _ = result_of(function, ((array.dtype, False),))
        inner = bool_ if name in ("any", "all") else dtype
        return self.reduce(
            [array], axes, keepdims, COMBINERS[name], dtype, lambda x: self.scalars.cast(x, inner)
        )

    def arg_extreme(self, name: str, array: Array, axis: int, keepdims: bool) -> Array:
        """The first position of the greatest or least element; NaN counts as beyond all."""
        best = self.reduction("max" if name == "argmax" else "min", array, [axis], True)
        limit = array.sizes[axis]
        rank = array.rank
        position = rank - 1 if not keepdims else rank

        def body(x: Scalar, y: Scalar) -> Scalar:
            code = self.scalars
            same = code.compare("eq", x, y)
            if x.dtype.is_float:
                same = code.logical_or(same, code.call(np.isnan, x))
            index = self.builder.value(f"compute.index {position}")
            here = code.cast(Scalar(index, i64, True), i64)
            return code.select(same, here, code.cast(code.size(limit), i64))

        return self.reduce([array, best], [axis], keepdims, "min", i64, body)

    def contract(
        self,
        a: Array,
        b: Array,
        sizes: Sequence[Size],
        extents: Sequence[Size],
        a_indices: Sequence[Size],
        b_indices: Sequence[Size],
    ) -> Array:
        """The sum of products over `extents`, which follow `sizes` in the domain."""
        dtype, _ = result_of(np.multiply, ((a.dtype, False), (b.dtype, False)))
        rank = len(sizes) + len(extents)
        a_map = f"#access.map<{map_text(a_indices, rank)}>"
        b_map = f"#access.map<{map_text(b_indices, rank)}>"
        if dtype not in (f32, f64) or not extents:
            return self.fold(
                [(a, a_map, None), (b, b_map, None)],
                sizes,
                extents,
                "add",
                dtype,
                lambda x, y: self.scalars.cast(
                    self.scalars.multiply(
                        *(self.scalars.cast(v, _wide(dtype)) for v in (x, y)), _wide(dtype), False
                    ),
                    _wide(dtype),
                ),
            )
        a, b = self.cast(a, dtype), self.cast(b, dtype)
        result = Array(self.builder.name(), dtype, tuple(map(self.facts.simplify, sizes)))
        self.builder.add(
            f"{result.name} = compute.contract {a.name} at {a_map}, {b.name} at {b_map} over "
            f"{affine_map(extents)} : {a.type}, {b.type} -> {result.type}"
        )
        return result

    # ---- gathers -----------------------------------------------------------------------------

    def gather(self, source: Array, sizes: Sequence[Size], indices: Sequence[Any]) -> Array:
        """`source` at indices that are sizes over d0, d1, ... or (array of integers, access)."""
        operands = [(each[0], each[1], None) for each in indices if isinstance(each, tuple)]

        def body(*elements: Scalar) -> Scalar:
            found = iter(elements)
            names, checked = [], False
            saved = dict(self.scalars.positions)
            for k in range(len(sizes)):
                self.scalars.positions[f"d{k}"] = self.builder.value(f"compute.index {k}")
            for index, limit in zip(indices, source.sizes, strict=True):
                if isinstance(index, Size):
                    names.append(self.scalars.size(index).name)
                    continue
                checked = True
                element = self.scalars.cast(next(found), i64, True)
                bound = self.scalars.size(limit)
                if True:  # NumPy counts negative indices from the end
                    zero = self.scalars.constant(0, i64, True)
                    wrapped = self.scalars.add(element, bound, i64, True)
                    below = self.scalars.compare("lt", element, zero)
                    element = self.scalars.select(below, wrapped, element)
                names.append(element.name)
            self.scalars.positions = saved
            return self.load(source, names, checked)

        return self.map_through(operands, sizes, body)

    def load(self, source: Array, indices: Sequence[str], checked: bool, **facts: Any) -> Scalar:
        text = f"access.load {source.name}[{', '.join(indices)}]"
        text += " checked" if checked else ""
        kind = source.dtype.compute
        name = self.builder.value(
            f"{text} : {source.type} -> {kind}", kind="load", array=source, checked=checked, **facts
        )
        value = Scalar(name, source.dtype)
        return self.scalars.cast(value, source.dtype, True) if source.weak else value


def _wide(dtype: DType) -> DType:
    return f32 if dtype.is_float and dtype.bits < 32 else dtype


def _spread(values: Sequence[Any], elements: Sequence[Scalar]) -> list[Any]:
    """`values` with the arrays replaced by their elements."""
    found = iter(elements)
    return [next(found) if isinstance(v, Array) else v for v in values]


def is_test(value: Any) -> bool:
    return isinstance(value, SizeTest)
