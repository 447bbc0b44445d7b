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


OPERATORS = [(voxelise, reference, cases)]
