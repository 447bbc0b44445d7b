"""Views and copies: windows of Swin, pixel shuffle, unfold, fold and pad."""

from __future__ import annotations

import numpy as np
import torch.nn.functional as F
from numba import prange

import pad
import pixel_shuffle
import unfold
import window_partition
import window_reverse
from language.rows import Row, floats, model


def _partition(x, win, shift):
    B, H, W, C = x.shape
    rows, columns = H // win, W // win
    out = np.empty((B * rows * columns, win * win, C), x.dtype)
    for t in prange(B * rows * columns):
        b, r, q = t // (rows * columns), t // columns % rows, t % columns
        for i in range(win):
            for j in range(win):
                h, w = (r * win + i + shift) % H, (q * win + j + shift) % W
                for c in range(C):
                    out[t, i * win + j, c] = x[b, h, w, c]
    return out


def _partition_torch(x, win, shift):
    B, H, W, C = x.shape
    y = x.roll((-shift, -shift), (1, 2)).view(B, H // win, win, W // win, win, C)
    return y.permute(0, 1, 3, 2, 4, 5).reshape(-1, win * win, C)


def _reverse(y, H, W, win, shift):
    rows, columns, C = H // win, W // win, y.shape[2]
    B = y.shape[0] // (rows * columns)
    out = np.empty((B, H, W, C), y.dtype)
    for n in prange(B * H):
        b, i = n // H, n % H
        h = (i - shift) % H
        for j in range(W):
            w = (j - shift) % W
            t = (b * rows + h // win) * columns + w // win
            for c in range(C):
                out[b, i, j, c] = y[t, h % win * win + w % win, c]
    return out


def _reverse_torch(y, H, W, win, shift):
    x = y.view(-1, H // win, W // win, win, win, y.shape[2]).permute(0, 1, 3, 2, 4, 5)
    return x.reshape(-1, H, W, y.shape[2]).roll((shift, shift), (1, 2))


def _shuffle(x, r):
    N, C, H, W = x.shape
    K = C // (r * r)
    out = np.empty((N, K, H * r, W * r), x.dtype)
    for m in prange(N * K):
        n, k = m // K, m % K
        for h in range(H * r):
            for w in range(W * r):
                out[n, k, h, w] = x[n, k * r * r + h % r * r + w % r, h // r, w // r]
    return out


def _unfold(x, k, stride, pad):
    N, C, H, W = x.shape
    OH, OW = (H + 2 * pad - k) // stride + 1, (W + 2 * pad - k) // stride + 1
    out = np.empty((N, C * k * k, OH * OW), x.dtype)
    for m in prange(N * C * k * k):
        n, d = m // (C * k * k), m % (C * k * k)
        c, i, j = d // (k * k), d // k % k, d % k
        for oh in range(OH):
            h = oh * stride + i - pad
            for ow in range(OW):
                w = ow * stride + j - pad
                inside = 0 <= h < H and 0 <= w < W
                out[n, d, oh * OW + ow] = x[n, c, h, w] if inside else np.float32(0)
    return out


def _fold(y, H, W, k, stride, pad):
    N, D, _ = y.shape
    C = D // (k * k)
    OH, OW = (H + 2 * pad - k) // stride + 1, (W + 2 * pad - k) // stride + 1
    out = np.zeros((N, C, H, W), y.dtype)
    for m in prange(N * C):
        n, c = m // C, m % C
        for i in range(k):
            for j in range(k):
                for oh in range(OH):
                    h = oh * stride + i - pad
                    if 0 <= h < H:
                        for ow in range(OW):
                            w = ow * stride + j - pad
                            if 0 <= w < W:
                                out[n, c, h, w] += y[n, (c * k + i) * k + j, oh * OW + ow]
    return out


def _constant(x, before, after):
    H, W = x.shape
    out = np.zeros((H + before + after, W + before + after), x.dtype)
    for i in prange(H):
        for j in range(W):
            out[i + before, j + after] = x[i, j]
    return out


def _edge(x, before, after):
    H, W = x.shape
    out = np.empty((H + before + after, W + before + after), x.dtype)
    for i in prange(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = x[min(max(i - before, 0), H - 1), min(max(j - after, 0), W - 1)]
    return out


def _wrap(x, before, after):
    H, W = x.shape
    out = np.empty((H + before + after, W + before + after), x.dtype)
    for i in prange(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = x[(i - before) % H, (j - after) % W]
    return out


def _reflect(x, before, after):
    H, W = x.shape
    out = np.empty((H + before + after, W + before + after), x.dtype)
    for i in prange(out.shape[0]):
        h = abs(i - before)
        h = 2 * H - 2 - h if h >= H else h
        for j in range(out.shape[1]):
            w = abs(j - after)
            w = 2 * W - 2 - w if w >= W else w
            out[i, j] = x[h, w]
    return out


def _symmetric(x, before, after):
    H, W = x.shape
    out = np.empty((H + before + after, W + before + after), x.dtype)
    for i in prange(out.shape[0]):
        h = i - before
        h = -h - 1 if h < 0 else 2 * H - 1 - h if h >= H else h
        for j in range(out.shape[1]):
            w = j - after
            w = -w - 1 if w < 0 else 2 * W - 1 - w if w >= W else w
            out[i, j] = x[h, w]
    return out


def _padded(kind):
    return lambda x, before, after: F.pad(x[None], (after, before, before, after), mode=kind)[0]


def _pads() -> list[Row]:
    x = floats(1080, 1920)
    arguments = {"x": x, "before": 8, "after": 24}
    ends = np.array([8, 24, 24, 8], np.int64)
    loops = {
        "constant": (_constant, "constant"),
        "edge": (_edge, "replicate"),
        "reflect": (_reflect, "reflect"),
        "symmetric": (_symmetric, None),
        "wrap": (_wrap, "circular"),
    }
    return [
        Row(
            f"pad {mode} 1080x1920",
            pad.pad,
            {**arguments, "mode": mode},
            numba_loops,
            _padded(kind) if kind else None,
            model=model(f"pad {mode}", "Pad", "x p", {"x": x}, {"p": ends}, mode=mode)
            if kind
            else None,
        )
        for mode, (numba_loops, kind) in loops.items()
    ]


def rows() -> list[Row]:
    image, windows = floats(1, 56, 56, 96), floats(64, 49, 96)
    deep, features, columns = floats(1, 256, 64, 64), floats(1, 64, 56, 56), floats(1, 576, 3136)
    swin = {"win": 7, "shift": 3}
    patches = {"k": 3, "stride": 1, "pad": 1}
    shapes = {"i": np.array([56, 56], np.int64), "b": np.array([3, 3], np.int64)}
    return [
        Row(
            "window partition 56x56x96",
            window_partition.window_partition,
            {"x": image, **swin},
            _partition,
            _partition_torch,
        ),
        Row(
            "window reverse 56x56x96",
            window_reverse.window_reverse,
            {"y": windows, "H": 56, "W": 56, **swin},
            _reverse,
            _reverse_torch,
        ),
        Row(
            "pixel shuffle 256@64",
            pixel_shuffle.pixel_shuffle,
            {"x": deep, "r": 2},
            _shuffle,
            lambda x, r: F.pixel_shuffle(x, r),
            model=model("shuffle", "DepthToSpace", "x", {"x": deep}, blocksize=2, mode="CRD"),
        ),
        Row(
            "unfold 3x3 64@56",
            unfold.unfold,
            {"x": features, **patches},
            _unfold,
            lambda x, k, stride, pad: F.unfold(x, k, padding=pad, stride=stride),
        ),
        Row(
            "fold 3x3 64@56",
            unfold.fold,
            {"y": columns, "H": 56, "W": 56, **patches},
            _fold,
            lambda y, H, W, k, stride, pad: F.fold(y, (H, W), k, padding=pad, stride=stride),
            model=model("fold", "Col2Im", "x i b", {"x": columns}, shapes, pads=[1] * 4),
        ),
        *_pads(),
    ]
