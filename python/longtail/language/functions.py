"""How each function of the surface and of NumPy is compiled on whole arrays, and indexing."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import surface
from .arrays import dim
from .diagnostics import Reject
from .dtypes import DType, bool_, common, from_numpy, i64, result_of
from .ir import map_text
from .scalars import FUNCTIONS
from .shapes import OfData
from .sizes import Facts, Size, product
from .values import (
    Array,
    Extended,
    GrowingList,
    Method,
    Row,
    Sampler,
    Scalar,
    SizeTest,
    is_known,
)

TABLE: dict[Any, Callable[..., Any]] = {}
METHODS: dict[str, Callable[..., Any]] = {}


def lowers(*functions: Any, method: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(lowering: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            TABLE[function] = lowering
        if method:
            METHODS[method] = lowering
        return lowering

    return register


def call(code: Any, function: Any, arguments: Sequence[Any], named: dict[str, Any]) -> Any:
    """A call of a function that is not written in the language."""
    if isinstance(function, Method):
        lowering = METHODS.get(function.name)
        if lowering is None:
            raise Reject("E0103", f"arrays have no method `{function.name}` in the language")
        return _apply(lowering, function.name, code, [function.owner, *arguments], named)
    dtype = from_numpy(function) if isinstance(function, DType | type) else None
    if dtype is not None and len(arguments) == 1 and not is_known(arguments[0]):
        return convert(code, arguments[0], dtype, function)
    hashable = getattr(type(function), "__hash__", None) is not None
    if hashable and function in TABLE:
        everything = [*arguments, *named.values()]
        if all(map(is_known, everything)) and function not in _ALWAYS:
            return _known(function, arguments, named)
        return _apply(TABLE[function], _name(function), code, arguments, named)
    if hashable and function in FUNCTIONS:
        if named:
            raise Reject("E0112", f"`{_name(function)}` takes no named arguments here")
        if all(map(is_known, arguments)):
            return _known(function, arguments, named)
        return code.elementwise(function, *arguments)
    if isinstance(getattr(function, "__self__", None), list) and code.region is None:
        return function(*arguments)
    if callable(function) and all(map(is_known, [*arguments, *named.values()])):
        return _known(function, arguments, named)
    raise Reject(
        "E0103",
        f"the function `{_name(function)}` is unknown to the language",
        "use functions of lt, NumPy's element functions, or write it with `def`",
    )


def _name(function: Any) -> str:
    return getattr(function, "__name__", str(function))


def _known(function: Any, arguments: Sequence[Any], named: dict[str, Any]) -> Any:
    try:
        value = function(*arguments, **named)
    except Exception as error:  # whatever a function of the user raises
        raise Reject("E0112", f"`{_name(function)}` fails: {error}") from None
    return value


def _apply(
    lowering: Callable[..., Any], name: str, code: Any, arguments: Sequence[Any], named: dict
) -> Any:
    import inspect

    try:
        inspect.signature(lowering).bind(code, *arguments, **named)
    except TypeError as error:
        raise Reject("E0112", f"`{name}`: {error}") from None
    return lowering(code, *arguments, **named)


def convert(code: Any, value: Any, dtype: DType, function: Any) -> Any:
    """`f32(x)`, and Python's own `int(x)`, `float(x)`, `bool(x)`."""
    weak = function in (int, float, bool)
    if isinstance(value, Size) and function is int:
        return value
    if code.region is not None:
        return code.pointwise(lambda x: code.scalars.cast(x, dtype, weak), [value])
    array = code.array(value)
    if weak and array.rank:
        raise Reject("E0112", f"`{function.__name__}` takes one number", "use .astype(...)")
    return code.map([array], lambda x: code.scalars.cast(x, dtype, weak))


def sizes_of(code: Any, shape: Any) -> list[Size]:
    items = shape if isinstance(shape, tuple | list) else [shape]
    result = []
    for item in items:
        if isinstance(item, bool | float | str) or not isinstance(item, int | Size | np.integer):
            raise Reject(
                "E0302",
                "a dimension is an integer that is known before data is",
                "bound it and slice the result",
            )
        result.append(item if isinstance(item, Size) else Size.of(int(item)))
    return result


def axis_of(axis: Any, rank: int) -> int:
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise Reject("E0112", "an axis is a known number")
    if not -rank <= axis < rank:
        raise Reject("E0303", f"axis {axis} of an array of {rank} dimensions")
    return axis % rank


def axes_of(axis: Any, rank: int) -> list[int]:
    if axis is None:
        return list(range(rank))
    return sorted(axis_of(a, rank) for a in (axis if isinstance(axis, tuple | list) else (axis,)))


def top(code: Any, what: str) -> None:
    if code.region is not None:
        raise Reject(
            "E0120",
            f"`{what}` on whole arrays inside a loop over elements is not compiled yet",
            "move it before the loop, or write it as a loop",
        )


def as_dtype(value: Any) -> DType:
    dtype = from_numpy(value)
    if dtype is None:
        raise Reject("E0501", f"{value!r} is no element type")
    return dtype


# ---- arrays from nothing -----------------------------------------------------------------------


def _filled(code: Any, shape: Any, value: Any, dtype: DType) -> Array:
    sizes = sizes_of(code, shape)
    if code.region is not None:
        return code.local_array(sizes, dtype, value)
    array = code.full(sizes, value, dtype)
    if is_known(value):
        array.fill = value
    array.base = None
    return array


@lowers(surface.zeros, np.zeros)
def zeros(code: Any, shape: Any, dtype: Any = np.float64) -> Array:
    return _filled(code, shape, 0, as_dtype(dtype))


@lowers(surface.ones, np.ones)
def ones(code: Any, shape: Any, dtype: Any = np.float64) -> Array:
    return _filled(code, shape, 1, as_dtype(dtype))


@lowers(surface.full, np.full)
def full(code: Any, shape: Any, value: Any, dtype: Any = None) -> Array:
    if dtype is None:
        found = value.dtype if isinstance(value, Array) else code.scalars.kind_of(value)[0]
        dtype = found
    return _filled(code, shape, value, as_dtype(dtype))


@lowers(surface.local)
def local(code: Any, shape: Any, dtype: Any) -> Array:
    return _filled(code, shape, 0, as_dtype(dtype))


@lowers(np.zeros_like)
def zeros_like(code: Any, x: Array, dtype: Any = None) -> Array:
    return _filled(code, x.sizes, 0, x.dtype if dtype is None else as_dtype(dtype))


@lowers(surface.arange, np.arange)
def arange(code: Any, *bounds: Any, dtype: Any = None) -> Any:
    kind = i64 if dtype is None else as_dtype(dtype)
    values = sizes_of(code, bounds)
    low, high = (Size.of(0), values[0]) if len(values) == 1 else values[:2]
    step = values[2].constant if len(values) > 2 else 1
    if not step:
        raise Reject("E0112", "the step of a range is a known number that is not 0")
    span = high - low if step > 0 else low - high
    count = code.facts.floordiv(span + (builtins.abs(step) - 1), Size.of(builtins.abs(step)))
    count = code.greatest(count, Size.of(0))
    if code.region is not None:
        return Row(
            (count,),
            lambda i: code.scalars.cast(
                code.binary_index(np.add, low, code.binary_index(np.multiply, i[0], step)), kind
            ),
        )
    return code.generate([count], lambda i: code.scalars.cast(low + i * step, kind))


# ---- views -------------------------------------------------------------------------------------


@lowers(surface.reshape, np.reshape)
def reshape(code: Any, x: Any, shape: Any) -> Array:
    top(code, "reshape")
    x = code.array(x)
    items = list(shape) if isinstance(shape, tuple | list) else [shape]
    if items.count(-1) > 1:
        raise Reject("E0302", "a shape has at most one -1")
    if -1 in [i for i in items if isinstance(i, int)]:
        at = items.index(-1)
        others = product(sizes_of(code, items[:at] + items[at + 1 :]))
        total = code.facts.simplify(product(x.sizes))
        whole, rest = code.facts._split(total, others)
        if rest == 0:
            items[at] = whole
        elif others.constant == 0:
            raise Reject("E0302", "-1 beside a dimension of 0")
        else:
            items[at] = code.facts.floordiv(total, others)
    return code.reshape(x, sizes_of(code, items))


def _reshape_method(code: Any, x: Any, *shape: Any) -> Array:
    return reshape(code, x, shape[0] if len(shape) == 1 else tuple(shape))


METHODS["reshape"] = _reshape_method


@lowers(np.ravel, method="ravel")
def ravel(code: Any, x: Any) -> Array:
    return reshape(code, x, (-1,))


METHODS["flatten"] = ravel


@lowers(surface.permute, np.transpose)
def permute(code: Any, x: Any, axes: Any = None, order: Any = None) -> Array:
    top(code, "permute")
    x = code.array(x)
    axes = order if axes is None else axes
    wanted = list(range(x.rank))[::-1] if axes is None else [axis_of(a, x.rank) for a in axes]
    if sorted(wanted) != list(range(x.rank)):
        raise Reject("E0303", f"{tuple(axes)} is no order of {x.rank} dimensions")
    return code.transpose(x, wanted)


def _transpose_method(code: Any, x: Any, *axes: Any) -> Array:
    if len(axes) == 1 and isinstance(axes[0], tuple | list):
        axes = tuple(axes[0])
    return permute(code, x, axes or None)


METHODS["transpose"] = _transpose_method


@lowers(np.swapaxes, method="swapaxes")
def swapaxes(code: Any, x: Any, a: int, b: int) -> Array:
    order = list(range(code.array(x).rank))
    a, b = axis_of(a, len(order)), axis_of(b, len(order))
    order[a], order[b] = b, a
    return permute(code, x, order)


@lowers(np.moveaxis)
def moveaxis(code: Any, x: Any, source: int, destination: int) -> Array:
    order = list(range(code.array(x).rank))
    order.insert(axis_of(destination, len(order)), order.pop(axis_of(source, len(order))))
    return permute(code, x, order)


@lowers(np.expand_dims)
def expand_dims(code: Any, x: Any, axis: int) -> Array:
    x = code.array(x)
    return code.insert_axis(x, axis_of(axis, x.rank + 1))


@lowers(np.squeeze, method="squeeze")
def squeeze(code: Any, x: Any, axis: Any = None) -> Array:
    x = code.array(x)
    axes = [k for k, s in enumerate(x.sizes) if s == 1] if axis is None else axes_of(axis, x.rank)
    for k in axes:
        code.check("eq", x.sizes[k], Size.of(1), f"dimension {k} is squeezed, it is {x.sizes[k]}")
    return code.reshape(x, [s for k, s in enumerate(x.sizes) if k not in axes])


@lowers(surface.flip, np.flip)
def flip(code: Any, x: Any, axis: Any = None) -> Array:
    top(code, "flip")
    x = code.array(x)
    axes = axes_of(axis, x.rank)
    return code.read(
        x, x.sizes, [s - 1 - dim(k) if k in axes else dim(k) for k, s in enumerate(x.sizes)]
    )


@lowers(surface.roll, np.roll)
def roll(code: Any, x: Any, shift: Any, axis: Any = None) -> Array:
    top(code, "roll")
    x = code.array(x)
    if axis is None:
        flat = reshape(code, x, (-1,))
        return code.reshape(roll(code, flat, shift, 0), x.sizes)
    axes = axis if isinstance(axis, tuple | list) else (axis,)
    shifts = shift if isinstance(shift, tuple | list) else (shift,) * len(axes)
    indices = [dim(k) for k in range(x.rank)]
    facts = _domain(code, x.sizes)
    for a, s in zip(axes, shifts, strict=True):
        k = axis_of(a, x.rank)
        size = x.sizes[k]
        offset = -Size.of(s)
        if size.constant is not None and offset.constant is not None and size.constant:
            offset = Size.of(offset.constant % size.constant)
        indices[k] = facts.mod(indices[k] + offset, size)
    return code.read(x, x.sizes, indices)


def _domain(code: Any, sizes: Sequence[Size]) -> Facts:
    limits = dict(code.facts.limits)
    limits.update({f"d{k}": s for k, s in enumerate(sizes)})
    return Facts(limits, code.facts.multiples, code.facts.at_least, code.facts.zeros)


@lowers(surface.pad, np.pad)
def pad(
    code: Any,
    x: Any,
    widths: Any,
    mode: Any = "constant",
    value: Any = 0,
    constant_values: Any = None,
) -> Array:
    top(code, "pad")
    x = code.array(x)
    value = value if constant_values is None else constant_values
    if isinstance(widths, int | Size):
        widths = [(widths, widths)] * x.rank
    elif len(widths) == 2 and not isinstance(widths[0], tuple | list):
        widths = [tuple(widths)] * x.rank
    if len(widths) != x.rank:
        raise Reject("E0303", f"{len(widths)} pairs of widths for {x.rank} dimensions")
    pairs = [tuple(sizes_of(code, w)) for w in widths]
    for before, after in pairs:
        for w in (before, after):
            if w.constant is not None and w.constant < 0:
                raise Reject("E0302", f"a width of padding is negative: {w}")
    if mode == "constant":
        if not is_known(value):
            raise Reject(
                "E0120",
                "padding with a value that is not known is not compiled yet",
                "use lt.where",
            )
        sizes = [a + s + b for (a, b), s in zip(pairs, x.sizes, strict=True)]
        indices = [dim(k) - a for k, (a, _) in enumerate(pairs)]
        valid = [
            (indices[k], x.sizes[k]) for k, (a, b) in enumerate(pairs) if not (a == 0 and b == 0)
        ]
        return code.read(x, sizes, indices, valid, value)
    for k, (before, after) in enumerate(pairs):
        _check_padding(code, x.sizes[k], k, before, after, mode)
    sizes = [a + s + b for (a, b), s in zip(pairs, x.sizes, strict=True)]

    def body(*positions: Size) -> Scalar:
        names = []
        for position, size, (before, after) in zip(positions, x.sizes, pairs, strict=True):
            index = code.scalars.size(position - before)
            if not (before == 0 and after == 0):
                index = _padded_index(code.scalars, index, size, mode)
            names.append(index.name)
        return code.load(x, names, False)

    return code.generate(sizes, body)


def _padded_index(s: Any, index: Scalar, size: Size, mode: str) -> Scalar:
    """The element that stands at an index up to one size outside. Neighbours of neighbours are
    neighbours wherever that can be, without a division."""
    n, last, zero = s.size(size), s.size(size - 1), s.constant(0, i64, True)
    if mode == "edge":
        return s.minimum(s.maximum(index, zero, i64, True), last, i64, True)
    if mode == "reflect":
        folded = s.absolute(index, i64, True)
        beyond = s.absolute(s.subtract(last, folded, i64, True), i64, True)
        return s.subtract(last, beyond, i64, True)
    if mode == "symmetric":
        mirrored = s.subtract(s.constant(-1, i64, True), index, i64, True)
        folded = s.maximum(index, mirrored, i64, True)
        return s.minimum(folded, s.subtract(s.size(size * 2 - 1), folded, i64, True), i64, True)
    turned = s.select(s.compare("lt", index, zero), s.add(index, n, i64, True), index)
    beyond = s.compare("ge", index, n)
    return s.select(beyond, s.subtract(index, n, i64, True), turned)


def _check_padding(code: Any, n: Size, k: int, before: Size, after: Size, mode: str) -> None:
    """Dimension `k` of size `n` has the elements that stand in its borders."""
    reach = {"edge": Size.of(1), "reflect": n - 1, "symmetric": n, "wrap": n}.get(mode)
    if reach is None:
        raise Reject(
            "E0112",
            f"there is no mode {mode!r} of padding; constant, edge, reflect, symmetric, wrap",
        )
    for w in (before, after):
        if w == 0:
            continue
        if mode == "edge":
            code.check(
                "le", Size.of(1), n, f"dimension {k} is empty and cannot be padded with its edge"
            )
        else:
            code.check(
                "le", w, reach, f"dimension {k} is too small for padding by {code.show(w)} ({mode})"
            )


@lowers(surface.window)
def window(code: Any, x: Any, axes: Any, sizes: Any, stride: Any = 1, dilation: Any = 1) -> Array:
    top(code, "window")
    x = code.array(x)
    axes = [axis_of(a, x.rank) for a in (axes if isinstance(axes, tuple | list) else (axes,))]
    counts = sizes_of(code, sizes)
    strides = list(stride) if isinstance(stride, tuple | list) else [stride] * len(axes)
    dilations = list(dilation) if isinstance(dilation, tuple | list) else [dilation] * len(axes)
    result = list(x.sizes)
    indices = [dim(k) for k in range(x.rank)]
    for j, axis in enumerate(axes):
        span = Size.of(dilations[j]) * (counts[j] - 1)
        message = f"a window of {code.show(span + 1)} does not fit into dimension {axis}"
        code.check("le", span + 1, x.sizes[axis], message, "E0302")
        result[axis] = code.facts.floordiv(x.sizes[axis] - 1 - span, Size.of(strides[j])) + 1
        indices[axis] = dim(axis) * strides[j] + dim(x.rank + j) * dilations[j]
    return code.read(x, [*result, *counts], indices)


@lowers(surface.broadcast, np.broadcast_to)
def broadcast(code: Any, x: Any, shape: Any) -> Array:
    top(code, "broadcast")
    return code.broadcast_to(code.array(x), sizes_of(code, shape))


@lowers(surface.concat, np.concatenate)
def concat(code: Any, arrays: Any, axis: int = 0) -> Array:
    top(code, "concat")
    arrays = [code.array(a) for a in arrays]
    return code.concat(arrays, axis_of(axis, arrays[0].rank))


@lowers(surface.stack, np.stack)
def stack(code: Any, arrays: Any, axis: int = 0) -> Array:
    top(code, "stack")
    arrays = [code.array(a) for a in arrays]
    return code.stack(arrays, axis_of(axis, arrays[0].rank + 1))


@lowers(np.tile)
def tile(code: Any, x: Any, reps: Any) -> Array:
    x = code.array(x)
    counts = sizes_of(code, reps)
    rank = builtins.max(len(counts), x.rank)
    sizes = [Size.of(1)] * (rank - x.rank) + list(x.sizes)
    counts = [Size.of(1)] * (rank - len(counts)) + counts
    facts = _domain(code, [a * b for a, b in zip(counts, sizes, strict=True)])
    indices = [facts.mod(dim(k), sizes[k]) for k in range(rank - x.rank, rank)]
    return code.read(x, [a * b for a, b in zip(counts, sizes, strict=True)], indices)


# ---- indexing ----------------------------------------------------------------------------------


def index(code: Any, x: Array, items: Sequence[Any]) -> Array:
    """`x[items]` by NumPy's rules: views for slices and numbers, gathers for arrays of integers."""
    items = _complete(x, items)
    advanced = [k for k, i in enumerate(items) if isinstance(i, Array)]
    for k in advanced:
        if items[k].dtype.kind == "b":
            return _masked(code, x, items, k)
        if not items[k].dtype.is_int:
            raise Reject(
                "E0401", f"an index is an integer, this is {items[k].dtype.name}", ".astype(i64)"
            )
    if not advanced:
        return _view(code, x, items)[0]
    return _gather(code, x, items)


def _masked(code: Any, x: Array, items: list[Any], k: int) -> Array:
    """`x[mask]`: the mask's dimensions become one, of the elements that it has."""
    mask = items[k]
    whole = all(isinstance(i, slice) and i == slice(None) for j, i in enumerate(items) if j != k)
    if not whole:
        raise Reject("E0120", "a mask beside other indices is not compiled yet", "index twice")
    for j, size in enumerate(mask.sizes):
        message = f"dimension {j} of the mask is {code.show(size)}, the array has "
        message += code.show(x.sizes[k + j])
        code.check("eq", size, x.sizes[k + j], message)
    total = product(mask.sizes)
    flat = code.reshape(x, [*x.sizes[:k], total, *x.sizes[k + mask.rank :]])
    return index(code, flat, [slice(None)] * k + [flatnonzero(code, mask)])


@lowers(np.flatnonzero)
def flatnonzero(code: Any, x: Any) -> Array:
    top(code, "flatnonzero")
    return _prelude("flatnonzero")(code, x)


def _complete(x: Array, items: Sequence[Any]) -> list[Any]:
    items = [
        Size.of(int(i)) if isinstance(i, int | np.integer) and not isinstance(i, bool) else i
        for i in items
    ]
    # A mask stands for as many dimensions as it has.
    given = builtins.sum(
        i.rank if isinstance(i, Array) and i.dtype.kind == "b" else 1
        for i in items
        if i is not None and i is not Ellipsis
    )
    if given > x.rank:
        raise Reject("E0303", f"{given} indices for {x.rank} dimensions")
    at = next((k for k, i in enumerate(items) if i is Ellipsis), None)
    rest = [slice(None)] * (x.rank - given)
    items = [*items, *rest] if at is None else [*items[:at], *rest, *items[at + 1 :]]
    for item in items:
        if not (item is None or isinstance(item, slice | Size | Array)):
            raise Reject(
                "E0401", f"an index is a number, a slice or an array of integers, not {item!r}"
            )
    return items


def _view(code: Any, x: Array, items: Sequence[Any]) -> tuple[Array, None]:
    """Slices, numbers and None."""
    sizes: list[Size] = []
    indices: list[Size] = []
    source = 0
    for item in items:
        if item is None:
            sizes.append(Size.of(1))
            continue
        size = x.sizes[source]
        if isinstance(item, slice):
            start, count, step = code.slice_of(item, size)
            indices.append(start + dim(len(sizes)) * step)
            sizes.append(count)
        else:
            known = item.constant
            if known is not None and known < 0:
                item = item + size
                known = item.constant
            message = _outside(code, item, source, size)
            code.check("lt", item, size, message, "E0401")
            if not code.facts.is_nonnegative(item):
                code.check("le", Size.of(0), item, message, "E0401")
            indices.append(item)
        source += 1
    return code.read(x, sizes, indices), None


def _outside(code: Any, index: Size, dimension: int, size: Size) -> str:
    where = f"dimension {dimension}, which is {code.show(size)}"
    return f"index {code.show(index)} is outside of {where}"


def _gather(code: Any, x: Array, items: Sequence[Any]) -> Array:
    """Arrays of integers: their dimensions stand where the first one stood, or in front."""
    # Numbers beside arrays take part in the gather.
    kinds = ["a" if isinstance(i, Array | Size) else "n" if i is None else "s" for i in items]
    advanced = [k for k, kind in enumerate(kinds) if kind == "a"]
    together = advanced[-1] - advanced[0] + 1 == len(advanced)
    shape = code.broadcast(*(items[k].sizes for k in advanced if isinstance(items[k], Array)))
    front = advanced[0] if together else 0
    sizes: list[Size] = []
    slots: dict[int, int] = {}
    first = None
    for k, item in enumerate(items):
        if first is None and (k == front if together else True):
            first = len(sizes)
            sizes.extend(shape)
        if kinds[k] == "a":
            continue
        slots[k] = len(sizes)
        sizes.append(
            Size.of(1) if item is None else code.slice_of(item, x.sizes[_source(items, k)])[1]
        )
    assert first is not None
    indices: list[Any] = []
    for k, item in enumerate(items):
        if item is None:
            continue
        size = x.sizes[_source(items, k)]
        if isinstance(item, slice):
            start, _, step = code.slice_of(item, size)
            indices.append(start + dim(slots[k]) * step)
        elif isinstance(item, Array):
            lead = first + len(shape) - item.rank
            access = [Size.of(0) if s == 1 else dim(lead + j) for j, s in enumerate(item.sizes)]
            indices.append((item, f"#access.map<{map_text(access, len(sizes))}>"))
        else:
            indices.append(item + size if item.constant is not None and item.constant < 0 else item)
    return code.gather(x, sizes, indices)


def _source(items: Sequence[Any], k: int) -> int:
    return builtins.sum(i is not None for i in items[:k])


@lowers(surface.take, np.take, method="take")
def take(code: Any, x: Any, indices: Any, axis: int = 0) -> Array:
    x = code.array(x)
    return index(code, x, [slice(None)] * axis_of(axis, x.rank) + [code.array(indices)])


@lowers(np.take_along_axis)
def take_along_axis(code: Any, x: Any, indices: Any, axis: int) -> Array:
    x, indices = code.array(x), code.array(indices)
    k = axis_of(axis, x.rank)
    places: list[Any] = []
    for j in range(x.rank):
        if j == k:
            places.append((indices, code.access(indices, x.rank)))
        else:
            places.append(Size.of(0) if x.sizes[j] == 1 else dim(j))
    others = [s for j, s in enumerate(indices.sizes) if j != k]
    sizes = code.broadcast(others, [s for j, s in enumerate(x.sizes) if j != k])
    return code.gather(x, [*sizes[:k], indices.sizes[k], *sizes[k:]], places)


def store(code: Any, x: Array, items: Sequence[Any], value: Any, combine: Any) -> None:
    """`x[items] = value` on whole arrays: a new value for the array."""
    items = _complete(x, items)
    if any(isinstance(i, Array) for i in items):
        raise Reject(
            "E0120",
            "writing at arrays of indices is not compiled yet",
            "loop: for i in lt.grid(n): x[index[i]] += ...",
        )
    old = Array(x.name, x.dtype, x.sizes)
    if combine is not None:
        value = code.binary(*combine, _view(code, old, items)[0], value)
    value = code.array(value)
    starts, targets, sizes, source = [], [], [], 0
    for item in items:
        if item is None:
            continue
        size = x.sizes[source]
        if isinstance(item, slice):
            start, count, step = code.slice_of(item, size)
        else:
            start, count, step = (item + size if (item.constant or 0) < 0 else item), None, 1
            message = _outside(code, start, source, size)
            code.check("lt", start, size, message, "E0401")
        starts.append((start, count, step))
        if count is not None:
            targets.append(source)
            sizes.append(count)
        source += 1
    value = code.cast(code.broadcast_to(value, sizes), x.dtype)
    facts = _domain(code, x.sizes)
    indices, valid = [], []
    tests: list[tuple[Size, Size]] = []
    for k, (start, count, step) in enumerate(starts):
        offset = dim(k) - start
        if count is None:
            tests.append((offset, Size.of(1)))
            valid.append((offset, Size.of(1)))
            continue
        if builtins.abs(step) != 1:
            distance = offset if step > 0 else -offset
            place = facts.floordiv(distance, Size.of(builtins.abs(step)))
            valid.append((facts.mod(distance, Size.of(builtins.abs(step))), Size.of(1)))
            tests.append(valid[-1])
        else:
            place = offset if step > 0 else -offset
        indices.append(place)
        if not (start == 0 and count == x.sizes[k] and step == 1):
            valid.append((place, count))
            tests.append((place, count))
    if not tests:
        x.name = value.name
        x.fill = None
        return
    new = code.read(value, x.sizes, indices, valid, 0)

    def body(before: Scalar, after: Scalar) -> Scalar:
        saved = dict(code.scalars.positions)
        for k in range(x.rank):
            code.scalars.positions[f"d{k}"] = code.builder.value(f"compute.index {k}")
        inside: Any = None
        for offset, below in tests:
            name, bound = code.scalars.size(offset).name, code.scalars.size(below).name
            test = Scalar(code.builder.value(f"arith.cmpi ult, {name}, {bound} : index"), bool_)
            inside = test if inside is None else code.scalars.logical_and(inside, test)
        code.scalars.positions = saved
        return code.scalars.select(inside, after, before)

    x.name = code.map([old, new], body).name
    x.fill = None


# ---- computation -------------------------------------------------------------------------------


@lowers(np.where)
def where(code: Any, condition: Any, a: Any, b: Any) -> Any:
    if code.region is not None:
        return code.pointwise(code.scalars.where, [condition, a, b])
    values = [
        code.array(v) if isinstance(v, np.ndarray | list | tuple) else v for v in (condition, a, b)
    ]
    if not any(isinstance(v, Array) for v in values):
        values[0] = code.array(values[0])
    return code.map(values, code.scalars.where)


@lowers(np.clip, method="clip")
def clip(code: Any, x: Any, low: Any = None, high: Any = None) -> Any:
    if low is not None:
        x = code.elementwise(np.maximum, x, low)
    return x if high is None else code.elementwise(np.minimum, x, high)


@lowers(surface.erf)
def erf(code: Any, x: Any) -> Any:
    def body(value: Any) -> Scalar:
        s = code.scalars
        dtype, weak = s.kind_of(value)
        if not dtype.is_float:
            dtype = result_of(np.exp, ((dtype, weak),))[0]
        from .arrays import _wide

        wide = s.cast(s.cast(value, dtype, weak), _wide(dtype), weak)
        return s.cast(s._op("math.erf", wide.dtype, weak, wide), dtype, weak)

    if code.region is not None:
        return code.pointwise(body, [x])
    return code.map([code.array(x)], body)


def _extreme(name: str) -> Callable[..., Any]:
    """Built-in `min` and `max`: of numbers."""

    def lower(code: Any, *values: Any) -> Any:
        if len(values) == 1:
            values = tuple(code.unpack(values[0]))
        result = values[0]
        for value in values[1:]:
            if isinstance(result, Size | int) and isinstance(value, Size | int):
                sizes = Size.of(result), Size.of(value)
                if code.region is None or not any(
                    n in code.scalars.positions for s in sizes for n in s.names()
                ):
                    chosen = (code.least if name == "min" else code.greatest)(*sizes)
                    result = chosen if chosen.constant is None else chosen.constant
                    continue
            if code.region is None:
                result = code.map(
                    [code.array(result), value],
                    lambda a, b: code.scalars.python_extreme(name, a, b),
                )
                continue
            result = code.pointwise(
                lambda a, b: code.scalars.python_extreme(name, a, b), [result, value]
            )
        return result

    return lower


TABLE[builtins.min] = _extreme("min")
TABLE[builtins.max] = _extreme("max")


@lowers(builtins.abs)
def absolute(code: Any, x: Any) -> Any:
    return code.elementwise(np.absolute, x)


@lowers(builtins.len)
def length(code: Any, x: Any) -> Any:
    if isinstance(x, GrowingList):
        return code.scope.variables[x.counter]
    if isinstance(x, tuple | list):
        return len(x)
    size = x.sizes[0]
    return size if size.constant is None else size.constant


def _rounded(function: Any) -> Callable[..., Any]:
    """`math.floor` and the like: of one number, an integer of Python."""

    def lower(code: Any, x: Any) -> Any:
        if isinstance(x, Size):
            return x

        def body(value: Any) -> Scalar:
            if not code.scalars.kind_of(value)[0].is_float:
                return code.scalars.cast(value, i64, True)
            return code.scalars.cast(code.scalars.call(function, value), i64, True)

        if code.region is not None:
            return code.pointwise(body, [x])
        return code.map([code.array(x)], body)

    return lower


TABLE[math.floor] = _rounded(np.floor)
TABLE[math.ceil] = _rounded(np.ceil)
TABLE[math.trunc] = _rounded(np.trunc)
TABLE[builtins.round] = _rounded(np.rint)


def _of_python(function: Any) -> Callable[..., Any]:
    return lambda code, *values: _math(code, function, values)


for _function in ("sqrt", "exp", "log", "sin", "cos", "tan", "tanh", "atan2", "log2", "log10"):
    _target = {"atan2": "arctan2"}.get(_function, _function)
    # math's functions give Python's own numbers.
    TABLE[getattr(math, _function)] = _of_python(getattr(np, _target))


def _math(code: Any, function: Any, values: Sequence[Any]) -> Any:
    from .dtypes import f64

    def body(*elements: Any) -> Scalar:
        return code.scalars.call(function, *(code.scalars.cast(e, f64, True) for e in elements))

    if code.region is not None:
        return code.pointwise(body, values)
    return code.map([code.array(v) for v in values], body)


def _reduction(name: str) -> Callable[..., Any]:
    def lower(code: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        if isinstance(x, tuple | list) and not is_known(x):
            result = x[0]
            for each in x[1:]:
                function = {
                    "sum": np.add,
                    "prod": np.multiply,
                    "max": np.maximum,
                    "min": np.minimum,
                }.get(name)
                result = (
                    code.elementwise(function, result, each)
                    if function
                    else code.both(result, each, np.logical_or if name == "any" else np.logical_and)
                )
            return result
        if code.region is not None:
            if axis is not None and not (len(x.sizes) == 1 and axis in (0, -1)):
                raise Reject(
                    "E0120", "a reduction of a row over some of its dimensions is not compiled yet"
                )
            return code.reduce_row(name, code.local_value(x))
        x = code.array(x)
        axes = axes_of(axis, x.rank)
        if name in ("max", "min"):
            for k in axes:
                code.check(
                    "le",
                    Size.of(1),
                    x.sizes[k],
                    f"`{name}` of no elements: dimension {k} is empty",
                    "E0302",
                )
        return code.reduction(name, x, axes, bool(keepdims))

    return lower


for _name_, _python in (
    ("sum", builtins.sum),
    ("any", builtins.any),
    ("all", builtins.all),
    ("prod", math.prod),
):
    TABLE[getattr(np, _name_)] = TABLE[_python] = METHODS[_name_] = _reduction(_name_)
for _name_ in ("max", "min"):
    TABLE[getattr(np, _name_)] = METHODS[_name_] = _reduction(_name_)


@lowers(np.mean, method="mean")
def mean(code: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    if code.region is not None:
        row = code.local_value(x)
        return code.scalars.call(np.divide, code.reduce_row("sum", row), product(row.sizes))
    x = code.array(x)
    dtype = result_of(np.mean, ((x.dtype, False),))[0]
    axes = axes_of(axis, x.rank)
    from .arrays import _wide

    total = code.reduction("sum", code.cast(x, _wide(dtype)), axes, bool(keepdims))
    count = product(x.sizes[k] for k in axes)
    return code.cast(code.call(np.divide, total, count), dtype)


@lowers(np.var, method="var")
def var(code: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Array:
    x = code.array(x)
    centred = code.call(np.subtract, x, mean(code, x, axis, True))
    return mean(code, code.call(np.square, centred), axis, keepdims)


@lowers(np.std, method="std")
def std(code: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Array:
    return code.call(np.sqrt, var(code, x, axis, keepdims))


def _arg(name: str) -> Callable[..., Any]:
    def lower(code: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Array:
        top(code, name)
        x = code.array(x)
        if axis is None:
            x, axis = reshape(code, x, (-1,)), 0
        k = axis_of(axis, x.rank)
        code.check(
            "le",
            Size.of(1),
            x.sizes[k],
            f"`{name}` of no elements: dimension {k} is empty",
            "E0302",
        )
        return code.arg_extreme(name, x, k, bool(keepdims))

    return lower


TABLE[np.argmax] = METHODS["argmax"] = _arg("argmax")
TABLE[np.argmin] = METHODS["argmin"] = _arg("argmin")


@lowers(np.matmul)
def matmul(code: Any, a: Any, b: Any) -> Array:
    top(code, "@")
    a, b = code.array(a), code.array(b)
    if not a.rank or not b.rank:
        raise Reject("E0303", "`@` takes arrays of at least one dimension")
    left, right = a.rank == 1, b.rank == 1
    batch = code.broadcast(a.sizes[:-2], b.sizes[:-2])
    rows = b.sizes[0 if right else -2]
    message = f"`@` sums over {code.show(a.sizes[-1])} and {code.show(rows)} elements"
    code.check("eq", a.sizes[-1], b.sizes[0 if right else -2], message)
    sizes = [*batch, *([] if left else [a.sizes[-2]]), *([] if right else [b.sizes[-1]])]
    k = dim(len(sizes))

    def indices(x: Array, tail: list[Size]) -> list[Size]:
        lead = len(batch) - (x.rank - len(tail))
        return [
            Size.of(0) if s == 1 else dim(lead + j)
            for j, s in enumerate(x.sizes[: x.rank - len(tail)])
        ] + tail

    row, column = dim(len(batch)), dim(len(batch) + (0 if left else 1))
    return code.contract(
        a, b, sizes, [a.sizes[-1]],
        indices(a, [k] if left else [row, k]), indices(b, [k] if right else [k, column]),
    )  # fmt: skip


@lowers(np.dot, method="dot")
def dot(code: Any, a: Any, b: Any) -> Array:
    return matmul(code, a, b)


@lowers(np.einsum)
def einsum(code: Any, spec: str, *operands: Any) -> Array:
    top(code, "einsum")
    if not isinstance(spec, str) or "..." in spec:
        raise Reject("E0120", "einsum takes a text of letters; `...` is not compiled yet")
    arrays = [code.array(o) for o in operands]
    text = spec.replace(" ", "")
    inputs, _, output = text.partition("->")
    terms = inputs.split(",")
    if "->" not in text:
        letters = "".join(terms)
        output = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if len(terms) != len(arrays):
        raise Reject("E0112", f"einsum: {len(terms)} terms for {len(arrays)} arrays")
    extents: dict[str, Size] = {}
    for term, array in zip(terms, arrays, strict=True):
        if len(term) != array.rank:
            raise Reject("E0303", f"einsum: `{term}` for {array.rank} dimensions")
        for letter, size in zip(term, array.sizes, strict=True):
            if letter in extents:
                code.check("eq", extents[letter], size, f"einsum: dimension `{letter}` differs")
            extents.setdefault(letter, size)
    summed = [c for c in extents if c not in output]
    place = {c: dim(k) for k, c in enumerate([*output, *summed])}
    accesses = [[place[c] for c in term] for term in terms]
    sizes, over = [extents[c] for c in output], [extents[c] for c in summed]
    if len(arrays) == 2 and summed:
        return code.contract(arrays[0], arrays[1], sizes, over, *accesses)
    dtype, _ = common(tuple((a.dtype, False) for a in arrays))
    rank = len(place)
    read = [
        (a, f"#access.map<{map_text(i, rank)}>", None)
        for a, i in zip(arrays, accesses, strict=True)
    ]

    def body(*elements: Scalar) -> Scalar:
        result = elements[0]
        for each in elements[1:]:
            result = code.scalars.call(np.multiply, result, each)
        return result

    if not summed:
        return code.map_through(read, sizes, body)
    return code.fold(read, sizes, over, "add", dtype, body)


def _astype(code: Any, x: Any, dtype: Any, copy: bool = True) -> Any:
    kind = as_dtype(dtype)
    if code.region is not None or not isinstance(x, Array):
        return code.pointwise(lambda v: code.scalars.cast(v, kind), [x])
    return code.cast(x, kind)


METHODS["astype"] = _astype


@lowers(np.copy, method="copy")
def copy(code: Any, x: Any) -> Array:
    x = code.array(x)
    return Array(x.name, x.dtype, x.sizes)


@lowers(np.asarray, np.array)
def asarray(code: Any, x: Any, dtype: Any = None) -> Array:
    x = code.array(x)
    return x if dtype is None else code.cast(x, as_dtype(dtype))


METHODS["item"] = lambda code, x: x


# ---- points ------------------------------------------------------------------------------------


@lowers(surface.sample)
def sample(code: Any, x: Any, dims: Any, mode: str = "bilinear", oob: str = "zero") -> Sampler:
    x = code.array(x)
    if mode not in ("bilinear", "nearest") or oob not in ("zero", "edge", "band1"):
        raise Reject(
            "E0112", "lt.sample has the modes bilinear and nearest, and oob zero, edge and band1"
        )
    return Sampler(x, tuple(axis_of(d, x.rank) for d in dims), mode, oob)


@lowers(surface.extend)
def extend(code: Any, x: Any, dims: Any, mode: Any = 0) -> Extended:
    x = code.array(x)
    if isinstance(mode, str) and mode not in ("edge", "reflect", "wrap"):
        raise Reject("E0112", f"lt.extend has no mode {mode!r}; a number, edge, reflect or wrap")
    dims = dims if isinstance(dims, tuple | list) else (dims,)
    return Extended(x, tuple(axis_of(d, x.rank) for d in dims), mode)


def _writer(function: Any) -> Callable[..., None]:
    def lower(code: Any, x: Any, index: Any, value: Any, collide: str = "last") -> None:
        top_items = list(index) if isinstance(index, tuple) else [index]
        if collide != "last":
            raise Reject("E0112", f"lt.set_at has no collide={collide!r}", 'collide="last"')
        if code.region is None:
            raise Reject(
                "E0120", "declared combiners are for points of lt.grid", "loop over the elements"
            )
        code.store_point(x, top_items, value, function)

    return lower


TABLE[surface.add_at] = _writer(np.add)
TABLE[surface.max_at] = _writer(np.maximum)
TABLE[surface.min_at] = _writer(np.minimum)
TABLE[surface.set_at] = _writer(None)


@lowers(surface.List)
def growing_list(code: Any, dtype: Any, max: Any) -> GrowingList:
    if code.region is not None:
        raise Reject(
            "E0120", "lt.List inside a loop is not compiled yet", "make it before the loop"
        )
    (limit,) = sizes_of(code, max)
    array = _filled(code, limit, 0, as_dtype(dtype))
    array.of_list = True
    counter = f"<count {len(code.scope.variables)}>"
    code.scope.variables[counter] = 0
    return GrowingList(array, limit, counter)


def _append(code: Any, x: Any, value: Any) -> None:
    if not isinstance(x, GrowingList) or code.region is None:
        raise Reject("E0120", "`append` is for an lt.List inside a loop")
    count = code.scalars.of(code.scope.variables[x.counter])
    code.store(x.array, [count], code.local_value(value))
    code.scope.variables[x.counter] = code.scalars.call(np.add, count, 1)


METHODS["append"] = _append


def _list_array(code: Any, x: Any) -> Array:
    if not isinstance(x, GrowingList) or code.region is not None:
        raise Reject("E0120", "`array` is for an lt.List behind its loop")
    count = code.scope.variables[x.counter]
    if is_known(count):
        return _view(code, x.array, [slice(0, count)])[0]
    name = code.cast(Array(count.name, count.dtype, ()), i64)
    symbol = code.new_symbol()
    code.builder.add(
        f"extent.bind {code.symbols - 1} = {name.name}[0] max 2147483647 : {name.type}"
    )
    code.shapes.facts.append(OfData(str(symbol), x.limit))
    return code.read(Array(x.array.name, x.array.dtype, x.array.sizes), [symbol], [dim(0)])


METHODS["array"] = _list_array


def _prelude(name: str) -> Callable[..., Any]:
    """A function of the surface that prelude.py writes in the language."""

    def lower(code: Any, *arguments: Any, **named: Any) -> Any:
        from . import prelude

        top(code, name)
        return prelude.lower(code, name, arguments, named)

    return lower


for _name_ in (
    *("cumsum", "argsort", "sort", "topk", "searchsorted"),
    *("bincount", "histogram", "unique"),
):
    TABLE[getattr(surface, _name_)] = _prelude(_name_)

# Functions whose result is an array of the operator even where all arguments are known.
_ALWAYS = {
    surface.zeros, surface.ones, surface.full, surface.local, surface.arange, surface.List,
    np.zeros, np.ones, np.full, np.arange,
}  # fmt: skip

__all__ = ["SizeTest", "call", "index", "store"]
