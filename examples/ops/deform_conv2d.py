"""Deformable convolution v2 with groups and mask."""

import math

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def deform_conv2d(
    x: f32["N C H W"],
    offset: f32["N G*KH*KW*2 OH OW"],
    weight: f32["F C KH KW"],
    mask: f32["N G*KH*KW OH OW"],
    *,
    stride: lt.const = 1,
    pad: lt.const = 0,
    dil: lt.const = 1,
    G: lt.const = 1,
):
    N, C, H, W = x.shape
    F, _, KH, KW = weight.shape
    OH, OW = offset.shape[2:]
    assert C % G == 0
    off = lt.reshape(offset, (N, G, KH, KW, 2, OH, OW))
    msk = lt.reshape(mask, (N, G, KH, KW, OH, OW))
    xs = lt.sample(x, dims=(2, 3), mode="bilinear", oob="zero")
    out = lt.zeros((N, F, OH, OW), f32)
    for n, f, y, q in lt.grid(N, F, OH, OW):
        acc = f32(0)
        for c, i, j in lt.grid(C, KH, KW):
            g = c // (C // G)
            h = y * stride - pad + i * dil + off[n, g, i, j, 0, y, q]
            w = q * stride - pad + j * dil + off[n, g, i, j, 1, y, q]
            acc += weight[f, c, i, j] * msk[n, g, i, j, y, q] * xs[n, c, h, w]
        out[n, f, y, q] = acc
    return out


def reference(x, offset, weight, mask, *, stride, pad, dil, G):
    N, C, H, W = x.shape
    F, _, K, _ = weight.shape
    OH, OW = offset.shape[2:]
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((N, F, OH, OW))
    for n, g, i, j, y, q in np.ndindex(N, G, K, K, OH, OW):
        at = ((g * K + i) * K + j) * 2
        h = min(max(y * stride - pad + i * dil + offset[n, at, y, q], -1), H)
        w = min(max(q * stride - pad + j * dil + offset[n, at + 1, y, q], -1), W)
        a, b = min(math.floor(h), H - 1), min(math.floor(w), W - 1)
        channels = slice(g * (C // G), (g + 1) * (C // G))
        tile = padded[n, channels, a + 1 : a + 3, b + 1 : b + 3]
        near = np.einsum("cij,i,j->c", tile, [1 - (h - a), h - a], [1 - (w - b), w - b])
        out[n, :, y, q] += weight[:, channels, i, j] @ (near * mask[n, at // 2, y, q])
    return out.astype(np.float32)


def cases(rng):
    for groups, stride, pad, dil in ((1, 1, 1, 1), (2, 2, 1, 1), (2, 1, 2, 2)):
        OH, OW = ((s + 2 * pad - dil * 2 - 1) // stride + 1 for s in (7, 6))
        yield {
            "x": rng.random((2, 4, 7, 6), np.float32),
            "offset": rng.standard_normal((2, groups * 18, OH, OW)).astype(np.float32),
            "weight": rng.random((3, 4, 3, 3), np.float32),
            "mask": rng.random((2, groups * 9, OH, OW), np.float32),
            **{"stride": stride, "pad": pad, "dil": dil, "G": groups},
        }


OPERATORS = [(deform_conv2d, reference, cases)]
