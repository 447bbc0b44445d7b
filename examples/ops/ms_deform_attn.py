"""Deformable attention over one level: a few sampled points for each query and head."""

import math

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def ms_deform_attn(value: f32["M D H W"], points: f32["Q M P 2"], weights: f32["Q M P"]):
    M, D, H, W = value.shape
    Q, _, P, _ = points.shape
    v = lt.sample(value, dims=(2, 3), mode="bilinear", oob="zero")
    out = lt.zeros((Q, M, D), f32)
    for q, m, d in lt.grid(Q, M, D):
        acc = f32(0)
        for p in lt.grid(P):
            h = points[q, m, p, 1] * H - 0.5
            w = points[q, m, p, 0] * W - 0.5
            acc += weights[q, m, p] * v[m, d, h, w]
        out[q, m, d] = acc
    return out


def reference(value, points, weights):
    M, D, H, W = value.shape
    padded = np.pad(value.astype(np.float64), ((0, 0), (0, 0), (2, 2), (2, 2)))
    out = np.zeros((len(points), M, D))
    for q, m, p in np.ndindex(*weights.shape):
        w, h = points[q, m, p] * (W, H) - 0.5
        i, j = math.floor(h), math.floor(w)
        for a, b in np.ndindex(2, 2):
            near = (1 - abs(h - i - a)) * (1 - abs(w - j - b)) * weights[q, m, p]
            if -2 <= i + a < H + 2 and -2 <= j + b < W + 2:
                out[q, m] += near * padded[m, :, i + a + 2, j + b + 2]
    return out.astype(np.float32)


def cases(rng):
    value = rng.random((2, 3, 5, 6), np.float32)
    points = rng.random((4, 2, 3, 2), np.float32) * 1.2 - 0.1
    yield {"value": value, "points": points, "weights": rng.random((4, 2, 3), np.float32)}


OPERATORS = [(ms_deform_attn, reference, cases)]
