"""Submanifold sparse 3x3 convolution: sites with neighbours, gathered, multiplied and summed."""

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def sparse_conv(
    feat: f32["N C"], at: i64["N 2"], weight: f32["9 C F"], *, H: lt.const, W: lt.const
):
    N, C = feat.shape
    site = lt.full((H + 2, W + 2), N, i64)
    for n in range(N):
        site[at[n, 0] + 1, at[n, 1] + 1] = n
    rows = lt.pad(feat, ((0, 1), (0, 0)))
    rules = lt.zeros((N, 9), i64)
    for n, k in lt.grid(N, 9):
        rules[n, k] = site[at[n, 0] + k // 3, at[n, 1] + k % 3]
    return lt.einsum("nkc,kcf->nf", rows[rules], weight)


def reference(feat, at, weight, *, H, W):
    dense = np.zeros((H + 2, W + 2, feat.shape[1]))
    dense[at[:, 0] + 1, at[:, 1] + 1] = feat
    out = np.zeros((len(at), weight.shape[2]))
    for k in range(9):
        out += dense[at[:, 0] + k // 3, at[:, 1] + k % 3] @ weight[k]
    return out.astype(np.float32)


def cases(rng):
    for count in (1, 12):
        where = rng.permutation(6 * 7)[:count]
        feat, weight = rng.random((count, 4), np.float32), rng.random((9, 4, 3), np.float32)
        at = np.stack([where // 7, where % 7], 1)
        yield {"feat": feat, "at": at, "weight": weight, "H": 6, "W": 7}


OPERATORS = [(sparse_conv, reference, cases)]
