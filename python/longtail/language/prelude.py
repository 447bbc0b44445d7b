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


def argsort(x, descending, dtype):
    # A merge sort from runs of 1, stable. Keys move with their positions, so that all reads are of
    # neighbours; two whole runs are merged from both ends at once, without branches.
    n = x.shape[0]
    m = x.shape[1]
    order = lt.zeros((n, m), np.int64)
    other = lt.zeros((n, m), np.int64)
    key = lt.zeros((n, m), dtype)
    moved = lt.zeros((n, m), dtype)

    def goes_first(v, u):  # a later element before an earlier one
        if descending:
            return (v > u) | ((v != v) & (u == u))
        return (v < u) | ((u != u) & (v == v))

    for i in lt.grid(n):
        for j in range(m):
            order[i, j] = j
            key[i, j] = x[i, j]
        width = 1
        while width < m:
            start = 0
            while start + 2 * width <= m:
                a = start
                b = start + width
                c = b - 1
                d = start + 2 * width - 1
                high = d
                for at in range(width):
                    u = key[i, a]
                    v = key[i, b]
                    swap = goes_first(v, u)
                    moved[i, start + at] = v if swap else u
                    other[i, start + at] = order[i, b if swap else a]
                    a += 0 if swap else 1
                    b += 1 if swap else 0
                    u = key[i, c]
                    v = key[i, d]
                    swap = goes_first(v, u)
                    moved[i, high - at] = u if swap else v
                    other[i, high - at] = order[i, c if swap else d]
                    c -= 1 if swap else 0
                    d -= 0 if swap else 1
                start += 2 * width
            a = start
            middle = min(start + width, m)
            b = middle
            at = start
            while a < middle and b < m:
                u = key[i, a]
                v = key[i, b]
                swap = goes_first(v, u)
                moved[i, at] = v if swap else u
                other[i, at] = order[i, b if swap else a]
                a += 0 if swap else 1
                b += 1 if swap else 0
                at += 1
            while a < middle:
                moved[i, at] = key[i, a]
                other[i, at] = order[i, a]
                a += 1
                at += 1
            while b < m:
                moved[i, at] = key[i, b]
                other[i, at] = order[i, b]
                b += 1
                at += 1
            for j in range(m):
                key[i, j] = moved[i, j]
                order[i, j] = other[i, j]
            width *= 2
    return order


def topk(x, k, dtype):
    # A heap of the best so far whose root is the worst of them, of equal ones the last; most of the
    # elements are worse than that, which is tested for many at a time.
    n = x.shape[0]
    m = x.shape[1]
    best = lt.zeros((n, k), dtype)
    order = lt.zeros((n, k), np.int64)

    def is_worse(v, at, u, other):
        return u > v or (u != u and v == v) or (at > other and not (v > u or (v != v and u == u)))

    def sift(i, top, end, v, at):  # puts an element at `top`, or below if it is not the worst there
        p = top
        q = 2 * p + 1
        while q < end:
            if q + 1 < end and is_worse(best[i, q + 1], order[i, q + 1], best[i, q], order[i, q]):
                q += 1
            if is_worse(best[i, q], order[i, q], v, at):
                best[i, p] = best[i, q]
                order[i, p] = order[i, q]
                p = q
                q = 2 * p + 1
            else:
                q = end
        best[i, p] = v
        order[i, p] = at

    for i in lt.grid(n):
        for t in range(k):
            best[i, t] = x[i, t]
            order[i, t] = t
        for t in range(k // 2):
            sift(i, k // 2 - 1 - t, k, best[i, k // 2 - 1 - t], order[i, k // 2 - 1 - t])
        t = k if k > 0 else m
        while t < m:
            end = min(t + 32, m)
            worst = best[i, 0]
            some = False
            for j in range(t, end):
                some |= not (x[i, j] <= worst)
            if some:
                for j in range(t, end):
                    v = x[i, j]
                    if not (v <= worst) and worst == worst:
                        sift(i, 0, k, v, j)
                        worst = best[i, 0]
            t = end
        for t in range(k - 1):
            last = k - 1 - t
            v = best[i, last]
            at = order[i, last]
            best[i, last] = best[i, 0]
            order[i, last] = order[i, 0]
            sift(i, 0, last, v, at)
    return best, order


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


def _rows(code, x, axis):
    """(the array with `axis` last, as rows; the order of its dimensions; its shape then)."""
    from .functions import axis_of
    from .sizes import product

    x = code.array(x)
    k = axis_of(axis, x.rank)
    order = [d for d in range(x.rank) if d != k] + [k]
    moved = code.transpose(x, order) if k != x.rank - 1 else x
    rows = code.reshape(moved, [product(moved.sizes[:-1]), moved.sizes[-1]])
    return rows, order, moved.sizes


def _back(code, rows, order, shape):
    shaped = code.reshape(rows, shape)
    if order == sorted(order):
        return shaped
    return code.transpose(shaped, [order.index(k) for k in range(len(order))])


def _argsort(code, x, axis=-1, descending=False):
    rows, order, shape = _rows(code, x, axis)
    found = _inline(code, argsort, rows, bool(descending), rows.dtype)
    return _back(code, found, order, shape)


def _sort(code, x, axis=-1, descending=False):
    from .functions import take_along_axis

    return take_along_axis(code, x, _argsort(code, x, axis, descending), axis)


def _topk(code, x, k, axis=-1):
    from .functions import axis_of
    from .sizes import Size

    x = code.array(x)
    at = axis_of(axis, x.rank)
    message = f"topk: {code.show(Size.of(k))} of {code.show(x.sizes[at])} elements"
    code.check("le", Size.of(k), x.sizes[at], message, "E0302")
    rows, dims, shape = _rows(code, x, axis)
    best, order = _inline(code, topk, rows, k, x.dtype)
    shape = (*shape[:-1], Size.of(k))
    return _back(code, best, dims, shape), _back(code, order, dims, shape)


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
