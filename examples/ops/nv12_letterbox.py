"""A camera frame (NV12) to a letterboxed RGB tensor in one pass."""

import math

import numpy as np

import longtail as lt
from longtail import f32, u8


@lt.op
def nv12_letterbox(y: u8["H W"], uv: u8["H//2 W//2 2"], *, S: lt.const):
    H, W = y.shape
    out = lt.full((3, S, S), 114 / 255, f32)
    scale = max(H, W) / S
    top = (S - S * H // max(H, W)) // 2
    left = (S - S * W // max(H, W)) // 2
    for i, j in lt.grid(S, S):
        h = math.floor((i - top) * scale)
        w = math.floor((j - left) * scale)
        if 0 <= h < H and 0 <= w < W:
            a = 1.164 * (int(y[h, w]) - 16)
            u = int(uv[h // 2, w // 2, 0]) - 128
            v = int(uv[h // 2, w // 2, 1]) - 128
            out[0, i, j] = min(max(a + 1.596 * v, 0.0), 255.0) / 255
            out[1, i, j] = min(max(a - 0.813 * v - 0.391 * u, 0.0), 255.0) / 255
            out[2, i, j] = min(max(a + 2.018 * u, 0.0), 255.0) / 255
    return out


def reference(y, uv, *, S):
    H, W = y.shape
    u, v = (np.repeat(np.repeat(uv[..., k].astype(float) - 128, 2, 0), 2, 1) for k in (0, 1))
    a = 1.164 * (y.astype(float) - 16)
    rgb = np.stack([a + 1.596 * v, a - 0.813 * v - 0.391 * u, a + 2.018 * u]).clip(0, 255) / 255
    scale, big = max(H, W) / S, max(H, W)
    rows = np.floor((np.arange(S) - (S - S * H // big) // 2) * scale).astype(int)
    columns = np.floor((np.arange(S) - (S - S * W // big) // 2) * scale).astype(int)
    out = np.full((3, S, S), 114 / 255, np.float32)
    good_rows, good_columns = (rows >= 0) & (rows < H), (columns >= 0) & (columns < W)
    picked = rgb[:, rows[good_rows]][:, :, columns[good_columns]]
    out[np.ix_(range(3), np.flatnonzero(good_rows), np.flatnonzero(good_columns))] = picked
    return out


def cases(rng):
    for height, width in ((12, 20), (20, 8)):
        y = rng.integers(0, 256, (height, width)).astype(np.uint8)
        uv = rng.integers(0, 256, (height // 2, width // 2, 2)).astype(np.uint8)
        yield {"y": y, "uv": uv, "S": 16}


OPERATORS = [(nv12_letterbox, reference, cases)]
