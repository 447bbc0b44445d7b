"""Deformable attention: a few sampled points of several levels for each query and head."""

import math

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def ms_deform_attn(
    value: f32["V M D"],
    shapes: i64["L 2"],
    starts: i64["L"],
    points: f32["Q M L P 2"],
    weights: f32["Q M L P"],
):
    """The levels, images of `shapes`, stand one behind the other in `value`."""
    V, M, D = value.shape
    Q, _, L, P, _ = points.shape
    out = lt.zeros((Q, M, D), f32)
    for q, m in lt.grid(Q, M):
        for k in range(L):
            H, W = shapes[k, 0], shapes[k, 1]
            for p in range(P):
                h = points[q, m, k, p, 1] * f32(H) - 0.5
                w = points[q, m, k, p, 0] * f32(W) - 0.5
                i, j = math.floor(h), math.floor(w)
                for a in range(2):
                    for b in range(2):
                        if 0 <= i + a < H and 0 <= j + b < W:
                            near = (1 - abs(h - (i + a))) * (1 - abs(w - (j + b)))
                            row = starts[k] + (i + a) * W + j + b
                            for d in range(D):
                                out[q, m, d] += weights[q, m, k, p] * near * value[row, m, d]
    return out


def reference(value, shapes, starts, points, weights):
    _, M, D = value.shape
    out = np.zeros((len(points), M, D))
    for k, (H, W) in enumerate(shapes):
        level = value[starts[k] : starts[k] + H * W].reshape(H, W, M, D).astype(np.float64)
        padded = np.pad(level, ((2, 2), (2, 2), (0, 0), (0, 0)))
        for q, m, p in np.ndindex(len(points), M, points.shape[3]):
            w, h = points[q, m, k, p] * (W, H) - 0.5
            i, j = math.floor(h), math.floor(w)
            for a, b in np.ndindex(2, 2):
                near = (1 - abs(h - i - a)) * (1 - abs(w - j - b)) * weights[q, m, k, p]
                if -2 <= i + a < H + 2 and -2 <= j + b < W + 2:
                    out[q, m] += near * padded[i + a + 2, j + b + 2, m]
    return out.astype(np.float32)


def cases(rng):
    for shapes in ([(5, 6)], [(7, 5), (4, 3), (1, 2)]):
        sizes = [h * w for h, w in shapes]
        levels, total = len(shapes), sum(sizes)
        yield {
            "value": rng.random((total, 2, 3), np.float32),
            "shapes": np.array(shapes),
            "starts": np.cumsum(sizes) - sizes,
            "points": rng.random((4, 2, levels, 3, 2), np.float32) * 1.2 - 0.1,
            "weights": rng.random((4, 2, levels, 3), np.float32),
        }


OPERATORS = [(ms_deform_attn, reference, cases)]
