"""Padding in all modes: a view, nothing is copied before the result is written."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def pad(x: f32["H W"], *, mode: lt.const, before: lt.const, after: lt.const):
    return lt.pad(x, ((before, after), (after, before)), mode)


def reference(x, *, mode, before, after):
    rows = [_source(i - before, x.shape[0], mode) for i in range(x.shape[0] + before + after)]
    columns = [_source(j - after, x.shape[1], mode) for j in range(x.shape[1] + before + after)]
    return np.array(
        [[0 if i is None or j is None else x[i, j] for j in columns] for i in rows], x.dtype
    )


def _source(i, n, mode):
    if mode == "constant":
        return i if 0 <= i < n else None
    if mode == "edge":
        return min(max(i, 0), n - 1)
    if mode == "wrap":
        return i % n
    period = 2 * n if mode == "symmetric" else 2 * n - 2
    i %= period
    return i if i < n else period - i - (mode == "symmetric")


def cases(rng):
    for mode in ("constant", "edge", "reflect", "symmetric", "wrap"):
        yield {"x": rng.random((4, 6), np.float32), "mode": mode, "before": 1, "after": 3}


OPERATORS = [(pad, reference, cases)]
