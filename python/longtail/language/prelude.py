"""Functions of the surface that are written in the language: inlined where they are called."""

from __future__ import annotations

import numpy as np

from . import surface as lt
from .diagnostics import Reject
from .source import Source
from .values import LocalFunction

_SOURCES: dict = {}
_SMALL = 1024  # up to here the greatest elements are kept in order instead of sorting all


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


def argsort(x, descending):
    # A merge sort from runs of 1, stable; the rows are sorted at the same time.
    n = x.shape[0]
    m = x.shape[1]
    order = lt.zeros((n, m), np.int64)
    other = lt.zeros((n, m), np.int64)
    for i in lt.grid(n):
        for j in range(m):
            order[i, j] = j
        width = 1
        while width < m:
            start = 0
            while start < m:
                a = start
                middle = min(start + width, m)
                b = middle
                end = min(start + 2 * width, m)
                at = start
                while at < end:
                    left = a < middle
                    if left and b < end:
                        u = x[i, order[i, a]]
                        v = x[i, order[i, b]]
                        if descending:
                            left = not (v > u or (v != v and u == u))
                        else:
                            left = not (v < u or (u != u and v == v))
                    if left:
                        other[i, at] = order[i, a]
                        a += 1
                    else:
                        other[i, at] = order[i, b]
                        b += 1
                    at += 1
                start += 2 * width
            for j in range(m):
                order[i, j] = other[i, j]
            width *= 2
    return order


def topk(x, k, dtype):
    # The best so far, in order; most elements are worse than all of them.
    n = x.shape[0]
    m = x.shape[1]
    best = lt.zeros((n, k), dtype)
    order = lt.zeros((n, k), np.int64)
    for i in lt.grid(n):
        for t in range(m):
            v = x[i, t]
            p = min(t, k)
            better = True
            if t >= k:
                u = best[i, k - 1]
                better = v > u or (v != v and u == u)
                p = k - 1
            if better:
                while p > 0 and (
                    v > best[i, p - 1] or (v != v and best[i, p - 1] == best[i, p - 1])
                ):
                    best[i, p] = best[i, p - 1]
                    order[i, p] = order[i, p - 1]
                    p -= 1
                best[i, p] = v
                order[i, p] = t
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
    return _back(code, _inline(code, argsort, rows, bool(descending)), order, shape)


def _sort(code, x, axis=-1, descending=False):
    from .functions import take_along_axis

    return take_along_axis(code, x, _argsort(code, x, axis, descending), axis)


def _topk(code, x, k, axis=-1):
    from .functions import axis_of, index, take_along_axis
    from .sizes import Size

    x = code.array(x)
    at = axis_of(axis, x.rank)
    message = f"topk: {code.show(Size.of(k))} of {code.show(x.sizes[at])} elements"
    code.check("le", Size.of(k), x.sizes[at], message, "E0302")
    if isinstance(k, int) and 0 < k <= _SMALL:
        rows, dims, shape = _rows(code, x, axis)
        best, order = _inline(code, topk, rows, k, x.dtype)
        shape = (*shape[:-1], Size.of(k))
        return _back(code, best, dims, shape), _back(code, order, dims, shape)
    order = _argsort(code, x, axis, True)
    order = index(code, order, [slice(None)] * at + [slice(0, k)])
    return take_along_axis(code, x, order, axis), order


def _cumsum(code, x, axis=-1):
    from .dtypes import result_of
    from .functions import axis_of
    from .sizes import product

    x = code.array(x)
    k = axis_of(axis, x.rank)
    dtype, _ = result_of(np.cumsum, ((x.dtype, False),))
    shape = [product(x.sizes[:k]), x.sizes[k], product(x.sizes[k + 1 :])]
    return code.reshape(_inline(code, cumsum, code.reshape(x, shape), dtype), x.sizes)


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


_LOWERINGS = {
    "checked_fact": lambda code, x: _inline(code, checked_fact, x),
    "checked_indices": lambda code, x, below: _inline(code, checked_indices, x, below),
    "flatnonzero": _flatnonzero,
    "argsort": _argsort,
    "sort": _sort,
    "topk": _topk,
    "cumsum": _cumsum,
    "searchsorted": _searchsorted,
}
