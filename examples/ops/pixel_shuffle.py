"""Depth to space: channels become pixels."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def pixel_shuffle(x: f32["N C H W"], *, r: lt.const):
    N, C, H, W = x.shape
    assert C % (r * r) == 0
    y = lt.reshape(x, (N, C // (r * r), r, r, H, W))
    return lt.reshape(lt.permute(y, (0, 1, 4, 2, 5, 3)), (N, C // (r * r), H * r, W * r))


def reference(x, *, r):
    N, C, H, W = x.shape
    out = np.empty((N, C // (r * r), H * r, W * r), x.dtype)
    for i in range(r):
        for j in range(r):
            out[:, :, i::r, j::r] = x[:, i * r + j :: r * r]
    return out


def cases(rng):
    yield {"x": rng.random((2, 8, 3, 5), np.float32), "r": 2}
    yield {"x": rng.random((1, 9, 1, 4), np.float32), "r": 3}


OPERATORS = [(pixel_shuffle, reference, cases)]
