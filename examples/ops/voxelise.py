"""Points to pillars: at most P points in each cell of a map, and the sum of their features."""

import math

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def voxelise(points: f32["N F"], *, H: lt.const, W: lt.const, P: lt.const, cell: lt.const):
    N, F = points.shape
    count = lt.zeros((H, W), i64)
    total = lt.zeros((H, W, F), f32)
    for n in range(N):
        i = math.floor(points[n, 1] / cell)
        j = math.floor(points[n, 0] / cell)
        if not (0 <= i < H and 0 <= j < W):
            continue
        if count[i, j] < P:
            count[i, j] += 1
            total[i, j, :] += points[n, :]
    return count, total


@lt.op
def pillar_scatter(features: f32["P C"], at: i64["P 2"], *, H: lt.const, W: lt.const):
    """The map of the pillars' features; of two in one cell the last is kept."""
    P, C = features.shape
    out = lt.zeros((C, H, W), f32)
    for p, c in lt.grid(P, C):
        lt.set_at(out, (c, at[p, 0], at[p, 1]), features[p, c], collide="last")
    return out


def reference(points, *, H, W, P, cell):
    count, total = np.zeros((H, W), np.int64), np.zeros((H, W, points.shape[1]), np.float32)
    at = np.floor(points[:, 1::-1] / np.float32(cell)).astype(int)
    for i in range(H):
        for j in range(W):
            here = points[(at == (i, j)).all(1)][:P]
            count[i, j], total[i, j] = len(here), here.sum(0)
    return count, total


def cases(rng):
    for n in (0, 60):
        yield {
            "points": rng.random((n, 4), np.float32) * 5 - 0.5,
            "H": 4,
            "W": 4,
            "P": 3,
            "cell": 1.0,
        }


def scatter_reference(features, at, *, H, W):
    out = np.zeros((features.shape[1], H, W), np.float32)
    for row, (i, j) in zip(features, at, strict=True):
        out[:, i, j] = row
    return out


def scatter_cases(rng):
    for pillars in (0, 1, 23):
        at = rng.integers(0, 5, (pillars, 2))
        yield {"features": rng.random((pillars, 3), np.float32), "at": at, "H": 5, "W": 7}


OPERATORS = [(voxelise, reference, cases), (pillar_scatter, scatter_reference, scatter_cases)]
