"""Rotary embedding of queries, and keys gathered from the pages of a cache."""

import math

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def rope(x: f32["T H D"], positions: i64["T"], *, base: lt.const = 10000.0):
    T, H, D = x.shape
    half = D // 2
    k = lt.arange(half).astype(f32)
    angle = positions.astype(f32)[:, None] * lt.exp(k * (-2 * math.log(base)) / D)
    c, s = lt.cos(angle)[:, None], lt.sin(angle)[:, None]
    a, b = x[:, :, :half], x[:, :, half : half * 2]
    return lt.concat([a * c - b * s, a * s + b * c], axis=2)


@lt.op
def paged_scores(q: f32["H D"], cache: f32["P B H D"], pages: i64["M"]):
    keys = cache[pages]
    M, B, H, D = keys.shape
    return lt.einsum("hd,mbhd->hmb", q, keys).reshape(H, M * B)


def rope_reference(x, positions, *, base):
    D = x.shape[2]
    out = np.empty_like(x)
    for k in range(D // 2):
        angle = positions * base ** (-2 * k / D)
        c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
        a, b = x[:, :, k], x[:, :, k + D // 2]
        out[:, :, k], out[:, :, k + D // 2] = a * c - b * s, a * s + b * c
    return out


def paged_reference(q, cache, pages):
    keys = np.concatenate([cache[p] for p in pages])
    return np.array([keys[:, h] @ q[h] for h in range(len(q))])


def rope_cases(rng):
    x = rng.random((5, 2, 8), np.float32)
    yield {"x": x, "positions": rng.integers(0, 50, 5), "base": 10000.0}


def paged_cases(rng):
    cache = rng.random((6, 4, 2, 8), np.float32)
    yield {"q": rng.random((2, 8), np.float32), "cache": cache, "pages": np.array([3, 0, 5])}


OPERATORS = [(rope, rope_reference, rope_cases), (paged_scores, paged_reference, paged_cases)]
