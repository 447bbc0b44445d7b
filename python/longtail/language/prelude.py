"""Functions of the surface that are written in the language: inlined where they are called.

Their indices are not tested, and what `lt.zeros` makes is not filled: each stores every element of
its results before it is read. Mode "checked" tests the indices.
"""

from __future__ import annotations

import numpy as np

from . import surface as lt
from .diagnostics import Reject
from .source import Source
from .values import LocalFunction

_SOURCES: dict = {}


def checked_indices(x, below):
    # Mode "checked": a copy of x whose elements are indices of a dimension of size `below`.
    n = x.shape[0]
    out = lt.zeros((n,), np.int64)
    for i in lt.grid(n):
        assert x[i] >= 0 and x[i] < below
        out[i] = x[i]
    return out


def checked_fact(x):
    # Mode "checked": an assertion about the elements of arrays holds.
    out = lt.zeros((1,), np.bool_)
    for i in lt.grid(1):
        assert x[i] != 0
        out[i] = True
    return out


def cumsum(x, dtype):
    n = x.shape[0]
    m = x.shape[1]
    k = x.shape[2]
    out = lt.zeros((n, m, k), dtype)
    for i, j in lt.grid(n, k):
        total = dtype(0)
        for t in range(m):
            total += x[i, t, j]
            out[i, t, j] = total
    return out


def cumsum_of_rows(x, dtype):
    # Whole rows are added to rows: neighbours in memory are worked on together.
    n = x.shape[0]
    m = x.shape[1]
    k = x.shape[2]
    out = lt.zeros((n, m, k), dtype)
    for i in lt.grid(n):
        for t in range(min(m, 1)):
            for j in range(k):
                out[i, t, j] = dtype(0) + x[i, t, j]
        for t in range(1, m):
            for j in range(k):
                out[i, t, j] = out[i, t - 1, j] + x[i, t, j]
    return out


def flatnonzero(x):
    found = lt.List(np.int64, max=x.shape[0])
    for i in range(x.shape[0]):
        if x[i]:
            found.append(i)
    return found.array()


def searchsorted(x, values, right):
    n = x.shape[0]
    m = values.shape[0]
    out = lt.zeros(m, np.int64)
    for i in lt.grid(m):
        low = 0
        high = n
        v = values[i]
        while low < high:
            middle = (low + high) // 2
            u = x[middle]
            below = (u <= v or v != v) if right else (u < v or (v != v and u == u))
            if below:
                low = middle + 1
            else:
                high = middle
        out[i] = low
    return out


def bincount(x, bins):
    out = lt.zeros((bins,), np.int64)
    for j in lt.grid(bins):
        out[j] = 0
    for i in range(x.shape[0]):
        v = int(x[i])
        inside = v >= 0 and v < bins
        assert inside
        if inside:  # a run goes on to its end after a failed assertion
            out[v] += 1
    return out


def histogram(x, edges, bins):
    out = lt.zeros((bins,), np.int64)
    for j in lt.grid(bins):
        out[j] = 0
    for i in range(x.shape[0]):
        v = x[i]
        if bins > 0 and v >= edges[0] and v <= edges[bins]:
            low = 0  # the last bin that begins at v or before it is in low .. high - 1
            high = bins
            while high - low > 1:
                middle = (low + high) // 2
                if edges[middle] <= v:
                    low = middle
                else:
                    high = middle
            out[low] += 1
    return out


def unique(x, dtype):
    # x ascends; several NaN are one.
    found = lt.List(dtype, max=x.shape[0])
    for i in range(x.shape[0]):
        v = x[i]
        u = x[max(i - 1, 0)]
        if i == 0 or (u != v and (u == u or v == v)):
            found.append(v)
    return found.array()


def _inline(code, function, *arguments):
    source = _SOURCES.setdefault(function, Source(function, internal=True))
    return code.inline(LocalFunction(source.node, None, source, function.__name__), arguments, {})


def lower(code, name, arguments, named):
    """Brings the axis into place and calls the function above."""
    return _LOWERINGS[name](code, *arguments, **named)


def _ranked(code, x, k, axis, largest):
    """(values, positions) of the `k` that come first along an axis, equal ones in their order."""
    from .dtypes import i64

    sizes = [*x.sizes[:axis], k, *x.sizes[axis + 1 :]]
    attributes = {"axis": axis, "largest": int(largest), "count": k}
    return code.node("TopElements", x, attributes, [(x.dtype, sizes), (i64, sizes)])


def _sorted(code, x, axis, descending):
    from .functions import axis_of

    x = code.array(x)
    axis = axis_of(axis, x.rank)
    return _ranked(code, x, x.sizes[axis], axis, descending)


def _argsort(code, x, axis=-1, descending=False):
    return _sorted(code, x, axis, descending)[1]


def _sort(code, x, axis=-1, descending=False):
    return _sorted(code, x, axis, descending)[0]


def _topk(code, x, k, axis=-1):
    from .functions import axis_of
    from .sizes import Size

    x = code.array(x)
    axis, k = axis_of(axis, x.rank), Size.of(k)
    message = f"topk: {code.show(k)} of {code.show(x.sizes[axis])} elements"
    code.check("le", k, x.sizes[axis], message, "E0302")
    return tuple(_ranked(code, x, k, axis, True))


def _cumsum(code, x, axis=-1):
    from .dtypes import result_of
    from .functions import axis_of
    from .sizes import product

    x = code.array(x)
    k = axis_of(axis, x.rank)
    dtype, _ = result_of(np.cumsum, ((x.dtype, False),))
    shape = [product(x.sizes[:k]), x.sizes[k], product(x.sizes[k + 1 :])]
    function = cumsum if shape[2].constant is not None else cumsum_of_rows
    return code.reshape(_inline(code, function, code.reshape(x, shape), dtype), x.sizes)


def _searchsorted(code, x, values, side="left"):
    from .functions import reshape

    x, values = code.array(x), code.array(values)
    if x.rank != 1:
        raise Reject("E0303", "searchsorted takes a sorted array of one dimension")
    flat = reshape(code, values, (-1,))
    found = _inline(code, searchsorted, x, flat, side == "right")
    return code.reshape(found, values.sizes)


def _flatnonzero(code, x):
    from .functions import reshape

    return _inline(code, flatnonzero, reshape(code, x, (-1,)))


def _bincount(code, x, bins):
    from .functions import reshape
    from .sizes import Size

    x = code.array(x)
    if x.dtype.kind not in "iub" or str(x.dtype) == "u64":
        raise Reject("E0501", f"bincount takes integers, this is {x.dtype}")
    code.check("le", Size.of(0), Size.of(bins), "bincount: a negative number of bins", "E0302")
    return _inline(code, bincount, reshape(code, x, (-1,)), bins)


def _histogram(code, x, edges):
    from .functions import reshape
    from .sizes import Size

    edges = code.array(edges)
    if edges.rank != 1:
        raise Reject("E0303", "histogram takes the edges of the bins as an array of one dimension")
    code.check("le", Size.of(1), edges.sizes[0], "histogram: no edges of bins", "E0302")
    bins = edges.sizes[0] - 1
    return _inline(code, histogram, reshape(code, code.array(x), (-1,)), edges, bins)


def _unique(code, x):
    from .functions import reshape

    flat = _sort(code, reshape(code, code.array(x), (-1,)))
    return _inline(code, unique, flat, flat.dtype)


_LOWERINGS = {
    "checked_fact": lambda code, x: _inline(code, checked_fact, x),
    "checked_indices": lambda code, x, below: _inline(code, checked_indices, x, below),
    "flatnonzero": _flatnonzero,
    "argsort": _argsort,
    "sort": _sort,
    "topk": _topk,
    "cumsum": _cumsum,
    "searchsorted": _searchsorted,
    "bincount": _bincount,
    "histogram": _histogram,
    "unique": _unique,
}
