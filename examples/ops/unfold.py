"""Columns of image patches, and their sum back into an image."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def unfold(x: f32["N C H W"], *, k: lt.const, stride: lt.const, pad: lt.const):
    N, C, H, W = x.shape
    y = lt.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    y = lt.window(y, (2, 3), (k, k), stride)
    OH, OW = y.shape[2:4]
    return lt.reshape(lt.permute(y, (0, 1, 4, 5, 2, 3)), (N, C * k * k, OH * OW))


@lt.op
def fold(
    y: f32["N D L"], *, H: lt.const, W: lt.const, k: lt.const, stride: lt.const, pad: lt.const
):
    N, D, L = y.shape
    C = D // (k * k)
    OH, OW = (H + 2 * pad - k) // stride + 1, (W + 2 * pad - k) // stride + 1
    z = lt.reshape(y, (N, C, k, k, OH, OW))
    out = lt.zeros((N, C, H, W), f32)
    for n, c, h, w in lt.grid(N, C, H, W):
        acc = f32(0)
        for i, j in lt.grid(k, k):
            p = h + pad - i
            q = w + pad - j
            if (
                p % stride == 0
                and q % stride == 0
                and 0 <= p < OH * stride
                and 0 <= q < OW * stride
            ):
                acc += z[n, c, i, j, p // stride, q // stride]
        out[n, c, h, w] = acc
    return out


def unfold_reference(x, *, k, stride, pad):
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows = range(0, padded.shape[2] - k + 1, stride)
    columns = range(0, padded.shape[3] - k + 1, stride)
    patches = [
        padded[:, :, i : i + k, j : j + k].reshape(len(x), -1) for i in rows for j in columns
    ]
    return np.stack(patches, 2)


def fold_reference(y, *, H, W, k, stride, pad):
    N, D, _ = y.shape
    out = np.zeros((N, D // (k * k), H + 2 * pad, W + 2 * pad), np.float32)
    places = [
        (i, j)
        for i in range(0, H + 2 * pad - k + 1, stride)
        for j in range(0, W + 2 * pad - k + 1, stride)
    ]
    for at, (i, j) in enumerate(places):
        out[:, :, i : i + k, j : j + k] += y[:, :, at].reshape(N, -1, k, k)
    return out[:, :, pad : pad + H, pad : pad + W]


def unfold_cases(rng):
    yield {"x": rng.random((2, 3, 7, 6), np.float32), "k": 3, "stride": 1, "pad": 1}
    yield {"x": rng.random((1, 2, 8, 9), np.float32), "k": 2, "stride": 2, "pad": 0}


def fold_cases(rng):
    yield {"y": rng.random((2, 27, 42), np.float32), "H": 7, "W": 6, "k": 3, "stride": 1, "pad": 1}
    yield {"y": rng.random((1, 8, 16), np.float32), "H": 8, "W": 9, "k": 2, "stride": 2, "pad": 0}


OPERATORS = [(unfold, unfold_reference, unfold_cases), (fold, fold_reference, fold_cases)]
