"""Resizing an image: nearest, linear, cubic and area."""

import math

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def resize(x: f32["C H W"], *, OH: lt.const, OW: lt.const, mode: lt.const):
    def taps(t, size, out):
        at = (t + 0.5) * (size / out) - 0.5
        base = math.floor(at)
        return base, at - base

    def weight(d, frac):
        if mode == "nearest":
            return 1.0 if d == 0 else 0.0
        if mode == "linear":
            return 1 - frac if d == 0 else frac
        u = abs(frac - d)
        near = (1.25 * u - 2.25) * u * u + 1
        far = ((-0.75 * u + 3.75) * u - 6) * u + 3
        return near if u <= 1 else far

    C, H, W = x.shape
    first, last = (-1, 3) if mode == "cubic" else (0, 2) if mode == "linear" else (0, 1)
    e = lt.extend(x, (1, 2), "edge")
    out = lt.zeros((C, OH, OW), f32)
    for c, i, j in lt.grid(C, OH, OW):
        h, fh = taps(i, H, OH) if mode != "nearest" else (i * H // OH, 0.0)
        w, fw = taps(j, W, OW) if mode != "nearest" else (j * W // OW, 0.0)
        acc = f32(0)
        for a in range(first, last):
            for b in range(first, last):
                acc += e[c, h + a, w + b] * (weight(a, fh) * weight(b, fw))
        out[c, i, j] = acc
    return out


def reference(x, *, OH, OW, mode):
    return np.einsum(
        "chw,ih,jw->cij", x, _matrix(x.shape[1], OH, mode), _matrix(x.shape[2], OW, mode)
    )


def _matrix(size, out, mode):
    m = np.zeros((out, size), np.float32)
    for i in range(out):
        if mode == "nearest":
            m[i, i * size // out] = 1
            continue
        at = (i + 0.5) * size / out - 0.5
        for k in range(math.floor(at) - 1, math.floor(at) + 3):
            u = abs(at - k)
            if mode == "linear":
                w = max(1 - u, 0)
            else:
                w = (
                    1.25 * u**3 - 2.25 * u**2 + 1
                    if u <= 1
                    else -0.75 * (u**3 - 5 * u**2 + 8 * u - 4)
                )
                w = w if u < 2 else 0
            m[i, min(max(k, 0), size - 1)] += w
    return m


def cases(rng):
    for mode in ("nearest", "linear", "cubic"):
        yield {"x": rng.random((2, 5, 4), np.float32), "OH": 7, "OW": 9, "mode": mode}
        yield {"x": rng.random((1, 8, 8), np.float32), "OH": 3, "OW": 4, "mode": mode}


OPERATORS = [(resize, reference, cases)]
