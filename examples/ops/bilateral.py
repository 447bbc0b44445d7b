"""Bilateral filter, local maxima and an edit distance: windows and recurrences."""

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def bilateral(x: f32["H W"], *, r: lt.const, near: lt.const, alike: lt.const):
    H, W = x.shape
    e = lt.extend(x, (0, 1), "edge")
    out = lt.zeros((H, W), f32)
    for i, j in lt.grid(H, W):
        total, weight = f32(0), f32(0)
        for a in range(-r, r + 1):
            for b in range(-r, r + 1):
                d = e[i + a, j + b] - x[i, j]
                w = lt.exp(-(a * a + b * b) / near - d * d / alike)
                total += w * e[i + a, j + b]
                weight += w
        out[i, j] = total / weight
    return out


@lt.op
def edit_distance(a: i64["N"], b: i64["M"]):
    N, M = a.shape[0], b.shape[0]
    d = lt.zeros((N + 1, M + 1), i64)
    for i in range(N + 1):
        for j in range(M + 1):
            if i == 0 or j == 0:
                d[i, j] = i + j
            else:
                same = d[i - 1, j - 1] + (1 if a[i - 1] != b[j - 1] else 0)
                d[i, j] = min(min(d[i - 1, j], d[i, j - 1]) + 1, same)
    return d[N, M]


def bilateral_reference(x, *, r, near, alike):
    padded = np.pad(x.astype(np.float64), r, mode="edge")
    out = np.zeros(x.shape)
    a, b = np.mgrid[-r : r + 1, -r : r + 1]
    for i, j in np.ndindex(*x.shape):
        tile = padded[i : i + 2 * r + 1, j : j + 2 * r + 1]
        w = np.exp(-(a * a + b * b) / near - (tile - x[i, j]) ** 2 / alike)
        out[i, j] = (w * tile).sum() / w.sum()
    return out.astype(np.float32)


def edit_reference(a, b):
    row = list(range(len(b) + 1))
    for i, u in enumerate(a, 1):
        old, row[0] = row[0], i
        for j, v in enumerate(b, 1):
            old, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, old + (u != v))
    return np.int64(row[-1])


def bilateral_cases(rng):
    yield {"x": rng.random((6, 5), np.float32), "r": 2, "near": 8.0, "alike": 0.1}


def edit_cases(rng):
    for n, m in ((0, 3), (5, 7)):
        yield {"a": rng.integers(0, 3, n), "b": rng.integers(0, 3, m)}


OPERATORS = [
    (bilateral, bilateral_reference, bilateral_cases),
    (edit_distance, edit_reference, edit_cases),
]
