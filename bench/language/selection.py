"""Choosing and counting: run lengths, hard negatives, beams of labellings, scans in chunks,
pillars, and resizing by what is covered."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numba import prange

import ctc_beam
import hard_negative
import resize
import run_length
import ssm_chunked
import voxelise
from language.rows import Row, floats, numbers


def _decoded(values, counts):
    out = np.empty(counts.sum(), np.int64)
    n = 0
    for r in range(values.shape[0]):
        for _ in range(counts[r]):
            out[n] = values[r]
            n += 1
    return out


def _starts(x):
    out = np.empty(x.shape[0], np.int64)
    n = 0
    for i in range(x.shape[0]):
        if i == 0 or x[i] != x[i - 1]:
            out[n] = i
            n += 1
    return out[:n].copy()


def _starts_torch(x):
    first = torch.ones(1, dtype=torch.bool)
    return torch.nonzero(torch.cat([first, x[1:] != x[:-1]]))[:, 0]


def _hardest(loss, positive, ratio):
    N, A = loss.shape
    out = positive.copy()
    for n in prange(N):
        order = np.argsort(np.where(positive[n], np.inf, -loss[n]), kind="mergesort")
        count = 0
        for a in range(A):
            count += positive[n, a]
        for k in range(min(ratio * count, A)):
            out[n, order[k]] = True
    return out


def _hardest_torch(loss, positive, ratio):
    key = torch.where(positive, -torch.inf, loss)
    rank = torch.argsort(torch.argsort(key, 1, descending=True, stable=True), 1)
    return positive | (rank < ratio * positive.sum(1, keepdim=True))


def _beams(prob, K, blank):
    T, V = prob.shape
    word = np.full((2, K, T), -1, np.int64)
    length = np.zeros((2, K), np.int64)
    ends = np.zeros((2, K, 2))
    ends[0, 0, 0] = 1
    go = np.zeros((K, V, 2))
    for t in range(T):
        old, new = t % 2, (t + 1) % 2
        for k in range(K):
            n = length[old, k]
            last = word[old, k, n - 1] if n > 0 else blank
            both = ends[old, k, 0] + ends[old, k, 1]
            for v in range(V):
                go[k, v, 0] = both * prob[t, blank] if v == blank else 0.0
                go[k, v, 1] = (ends[old, k, 0] if v == last else both) * prob[t, v]
            go[k, blank, 1] = ends[old, k, 1] * prob[t, last] if n > 0 else 0.0
        for k in range(K):
            n = length[old, k]
            if n == 0 or ends[old, k, 0] + ends[old, k, 1] <= 0:
                continue
            for j in range(K):
                same = length[old, j] == n - 1
                for s in range(n - 1):
                    same = same and word[old, j, s] == word[old, k, s]
                if same:
                    go[k, blank, 1] += go[j, word[old, k, n - 1], 1]
                    go[j, word[old, k, n - 1], 1] = 0.0
        for k in range(K):
            j, v = 0, 0
            for i in range(K):
                for u in range(V):
                    if go[i, u, 0] + go[i, u, 1] > go[j, v, 0] + go[j, v, 1]:
                        j, v = i, u
            n = length[old, j]
            for s in range(T):
                word[new, k, s] = v if v != blank and s == n else word[old, j, s]
            length[new, k] = n if v == blank else n + 1
            for e in range(2):
                ends[new, k, e] = go[j, v, e]
                go[j, v, e] = 0.0
    return word[T % 2], length[T % 2], ends[T % 2].sum(axis=1)


def _recurrence(x, decay, b, c):
    T, P = x.shape
    S = b.shape[1]
    out = np.empty((T, P), np.float32)
    for p in prange(P):
        state = np.zeros(S, np.float32)
        for t in range(T):
            kept = np.exp(decay[t])
            acc = np.float32(0)
            for s in range(S):
                state[s] = state[s] * kept + b[t, s] * x[t, p]
                acc += c[t, s] * state[s]
            out[t, p] = acc
    return out


def _chunks_torch(x, decay, b, c, chunk):
    T, P = x.shape
    N, S = T // chunk, b.shape[1]
    x, b, c = x.view(N, chunk, P), b.view(N, chunk, S), c.view(N, chunk, S)
    so_far = torch.cumsum(decay.view(N, chunk), 1)
    between = so_far[:, :, None] - so_far[:, None, :]
    within = (c @ b.mT) * torch.exp(between).tril()
    added = (b * torch.exp(so_far[:, -1:] - so_far)[..., None]).mT @ x
    states = [torch.zeros(S, P)]
    for n in range(N - 1):
        states.append(states[-1] * torch.exp(so_far[n, -1]) + added[n])
    y = within @ x + (c * torch.exp(so_far)[..., None]) @ torch.stack(states)
    return y.reshape(T, P)


def _covered(x, OH, OW):
    C, H, W = x.shape
    out = np.empty((C, OH, OW), np.float32)
    for c in prange(C):
        for i in range(OH):
            for j in range(OW):
                acc = np.float32(0)
                for h in range(i * H // OH, ((i + 1) * H + OH - 1) // OH):
                    high = min((i + 1) * H, (h + 1) * OH) - max(i * H, h * OH)
                    for w in range(j * W // OW, ((j + 1) * W + OW - 1) // OW):
                        wide = min((j + 1) * W, (w + 1) * OW) - max(j * W, w * OW)
                        acc += x[c, h, w] * np.float32(high * wide)
                out[c, i, j] = acc / np.float32(H * W)
    return out


def _covered_torch(x, OH, OW):
    return F.interpolate(x[None], (OH, OW), mode="area")[0]


def _antialiased_torch(x, OH, OW):
    return F.interpolate(x[None], (OH, OW), mode="bilinear", antialias=True)[0]


def _pillars(features, at, H, W):
    P, C = features.shape
    out = np.zeros((C, H, W), np.float32)
    for p in range(P):
        for c in range(C):
            out[c, at[p, 0], at[p, 1]] = features[p, c]
    return out


def _pillars_torch(features, at, H, W):
    out = torch.zeros(features.shape[1], H, W)
    out[:, at[:, 0], at[:, 1]] = features.T
    return out


def rows() -> list[Row]:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 20, 20000)
    cells = rng.permutation(496 * 432)[:12000]
    steps = {"x": floats(2048, 64), "decay": -abs(floats(2048, seed=2))}
    steps |= {"b": floats(2048, 32, seed=3), "c": floats(2048, 32, seed=4), "chunk": 64}
    prob = np.exp(3 * floats(60, 64))
    return [
        Row(
            "run-length decode 20000",
            run_length.run_length_decode,
            {"values": numbers(100, 20000), "counts": counts, "limit": int(counts.sum())},
            _decoded,
            lambda values, counts: torch.repeat_interleave(values, counts),
            captured=False,
        ),
        Row(
            "starts of runs 200000",
            run_length.run_starts,
            {"x": np.repeat(numbers(100, 20000), counts)},
            _starts,
            _starts_torch,
            captured=False,
        ),
        Row(
            "hard negatives 8x8732",
            hard_negative.hard_negatives,
            {"loss": floats(8, 8732), "positive": floats(8, 8732, seed=2) > 0.97, "ratio": 3},
            _hardest,
            _hardest_torch,
        ),
        Row(
            "CTC beams 60x64, 8 beams",
            ctc_beam.ctc_beam,
            {
                "prob": (prob / prob.sum(1, keepdims=True)).astype(np.float32),
                "K": 8,
                "blank": 0,
            },
            _beams,
        ),
        Row(
            "scan in chunks 2048x64x32", ssm_chunked.ssm_chunked, steps, _recurrence, _chunks_torch
        ),
        Row(
            "resize by area 3x1080x1920 to 360x640",
            resize.resize_area,
            {"x": floats(3, 1080, 1920), "OH": 360, "OW": 640},
            _covered,
            _covered_torch,
        ),
        Row(
            "resize antialiased 3x1080x1920 to 224x398",
            resize.resize_antialiased,
            {"x": floats(3, 1080, 1920), "OH": 224, "OW": 398, "mode": "linear"},
            None,
            _antialiased_torch,
        ),
        Row(
            "pillars 12000x64 to 496x432",
            voxelise.pillar_scatter,
            {
                "features": floats(12000, 64),
                "at": np.stack([cells // 432, cells % 432], 1),
                "H": 496,
                "W": 432,
            },
            _pillars,
            _pillars_torch,
        ),
    ]
