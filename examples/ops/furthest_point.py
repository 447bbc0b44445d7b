"""Furthest point sampling, and the neighbours of a point within a radius."""

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def furthest_point(x: f32["N 3"], *, K: lt.const):
    N = x.shape[0]
    far = lt.full(N, np.inf, f32)
    out = lt.zeros(K, i64)
    current = 0
    for k in range(K):
        out[k] = current
        best, arg = f32(-1), 0
        for i in range(N):
            d = x[i] - x[current]
            far[i] = min(far[i], (d * d).sum())
            if far[i] > best:
                best, arg = far[i], i
        current = arg
    return out


@lt.op
def ball_query(x: f32["N 3"], centre: f32["M 3"], radius: float, *, K: lt.const):
    """The first K points within the radius; what is missing is the first one again."""
    N, M = x.shape[0], centre.shape[0]
    out = lt.zeros((M, K), i64)
    for m in lt.grid(M):
        found = 0
        for i in range(N):
            d = x[i] - centre[m]
            if (d * d).sum() < radius * radius:
                if found == 0:
                    for k in range(K):
                        out[m, k] = i
                out[m, found] = i
                found += 1
                if found == K:
                    break
    return out


def point_reference(x, *, K):
    chosen = [0]
    while len(chosen) < K:
        chosen.append(int(((x[:, None] - x[chosen]) ** 2).sum(2).min(1).argmax()))
    return np.array(chosen, np.int64)


def ball_reference(x, centre, radius, *, K):
    out = np.zeros((len(centre), K), np.int64)
    for m, c in enumerate(centre):
        near = np.flatnonzero(((x - c) ** 2).sum(1) < radius**2)[:K]
        if len(near):
            out[m], out[m, : len(near)] = near[0], near
    return out


def point_cases(rng):
    yield {"x": rng.random((30, 3), np.float32), "K": 7}


def ball_cases(rng):
    yield {
        "x": rng.random((40, 3), np.float32),
        "centre": rng.random((5, 3), np.float32),
        **{"radius": 0.4, "K": 4},
    }


OPERATORS = [
    (furthest_point, point_reference, point_cases),
    (ball_query, ball_reference, ball_cases),
]
