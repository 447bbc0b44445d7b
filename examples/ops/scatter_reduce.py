"""Rows that go to the same place are summed, averaged or their greatest taken."""

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def scatter_reduce(src: f32["E D"], index: i64["E"], *, V: lt.const, how: lt.const):
    E, D = src.shape
    s = lt.full((V, D), -np.inf if how == "max" else 0.0, f32)
    n = lt.zeros(V, f32)
    for e in lt.grid(E):
        if how == "max":
            lt.max_at(s, (index[e], slice(None)), src[e, :])
        else:
            s[index[e], :] += src[e, :]
        n[index[e]] += 1
    if how == "mean":
        for v in lt.grid(V):
            s[v, :] /= max(n[v], f32(1))
    return s


def reference(src, index, *, V, how):
    out = np.full((V, src.shape[1]), -np.inf if how == "max" else 0, np.float32)
    for v in range(V):
        rows = src[index == v]
        if len(rows):
            out[v] = getattr(rows, how)(0)
    return out


def cases(rng):
    for how in ("sum", "mean", "max"):
        for count in (0, 40):
            src = rng.random((count, 3), np.float32)
            yield {"src": src, "index": rng.integers(0, 7, count), "V": 7, "how": how}


OPERATORS = [(scatter_reduce, reference, cases)]
