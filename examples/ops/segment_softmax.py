"""Softmax of each segment of edges (CSR offsets)."""

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def segment_softmax(x: f32["E H"], offsets: i64["S+1"]):
    E, H = x.shape
    S = offsets.shape[0] - 1
    out = lt.zeros((E, H), f32)
    for h in lt.grid(H):
        for s in range(S):
            top = f32(-np.inf)
            total = f32(0)
            for e in range(offsets[s], offsets[s + 1]):
                top = max(top, x[e, h])
            for e in range(offsets[s], offsets[s + 1]):
                out[e, h] = lt.exp(x[e, h] - top)
                total += out[e, h]
            for e in range(offsets[s], offsets[s + 1]):
                out[e, h] /= total
    return out


def reference(x, offsets):
    out = np.zeros_like(x)
    for a, b in zip(offsets[:-1], offsets[1:], strict=True):
        if b > a:
            e = np.exp(x[a:b] - x[a:b].max(0))
            out[a:b] = e / e.sum(0)
    return out


def cases(rng):
    for lengths in ([3, 0, 5], [1]):
        offsets = np.cumsum([0, *lengths])
        yield {"x": rng.random((offsets[-1], 4), np.float32), "offsets": offsets}


OPERATORS = [(segment_softmax, reference, cases)]
