"""Rows taken and combined by index: bags, scatters, segments, pillars, pages, sparse sites."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numba import prange

import beam_search
import embedding_bag
import rope_paged
import scatter_reduce
import segment_softmax
import sparse_conv
import voxelise
from language.rows import Row, floats, model, numbers


def _bags(table, index, offsets):
    B, D = offsets.shape[0] - 1, table.shape[1]
    out = np.zeros((B, D), table.dtype)
    for b in prange(B):
        for k in range(offsets[b], offsets[b + 1]):
            for d in range(D):
                out[b, d] += table[index[k], d]
    return out


def _bags_torch(table, index, offsets):
    return F.embedding_bag(index, table, offsets, mode="sum", include_last_offset=True)


def _sums(src, index, V):
    E, D = src.shape
    out = np.zeros((V, D), src.dtype)
    for e in range(E):
        for d in range(D):
            out[index[e], d] += src[e, d]
    return out


def _means(src, index, V):
    E, D = src.shape
    out = np.zeros((V, D), src.dtype)
    count = np.zeros(V, np.float32)
    for e in range(E):
        count[index[e]] += 1
        for d in range(D):
            out[index[e], d] += src[e, d]
    for v in prange(V):
        for d in range(D):
            out[v, d] /= max(count[v], np.float32(1))
    return out


def _greatest(src, index, V):
    E, D = src.shape
    out = np.full((V, D), np.float32(-np.inf), src.dtype)
    for e in range(E):
        for d in range(D):
            out[index[e], d] = max(out[index[e], d], src[e, d])
    return out


def _sums_torch(src, index, V):
    return src.new_zeros(V, src.shape[1]).index_add_(0, index, src)


def _means_torch(src, index, V):
    count = src.new_zeros(V).index_add_(0, index, torch.ones_like(index, dtype=src.dtype))
    return _sums_torch(src, index, V) / count.clamp(min=1)[:, None]


def _greatest_torch(src, index, V):
    out = src.new_full((V, src.shape[1]), -math.inf)
    return out.scatter_reduce_(0, index[:, None].expand_as(src), src, "amax")


def _segments(x, offsets):
    E, H = x.shape
    S = offsets.shape[0] - 1
    out = np.empty((E, H), x.dtype)
    for s in prange(S):
        for h in range(H):
            top = np.float32(-np.inf)
            for e in range(offsets[s], offsets[s + 1]):
                top = max(top, x[e, h])
            total = np.float32(0)
            for e in range(offsets[s], offsets[s + 1]):
                out[e, h] = np.exp(x[e, h] - top)
                total += out[e, h]
            for e in range(offsets[s], offsets[s + 1]):
                out[e, h] /= total
    return out


def _segments_torch(x, offsets):
    E, H = x.shape
    S = len(offsets) - 1
    at = torch.searchsorted(offsets, torch.arange(E), right=True) - 1
    top = x.new_full((S, H), -math.inf).scatter_reduce_(0, at[:, None].expand(E, H), x, "amax")
    e = torch.exp(x - top[at])
    return e / x.new_zeros(S, H).index_add_(0, at, e)[at]


def _pillars(points, H, W, P, cell):
    N, D = points.shape
    count = np.zeros((H, W), np.int64)
    total = np.zeros((H, W, D), points.dtype)
    for n in range(N):
        i = math.floor(points[n, 1] / cell)
        j = math.floor(points[n, 0] / cell)
        if 0 <= i < H and 0 <= j < W and count[i, j] < P:
            count[i, j] += 1
            for d in range(D):
                total[i, j, d] += points[n, d]
    return count, total


def _pillars_torch(points, H, W, P, cell):
    D = points.shape[1]
    i, j = (points[:, 1] / cell).floor().long(), (points[:, 0] / cell).floor().long()
    inside = (i >= 0) & (i < H) & (j >= 0) & (j < W)
    points, at = points[inside], (i * W + j)[inside]
    order = at.argsort(stable=True)
    sizes = torch.bincount(at, minlength=H * W)
    rank = torch.arange(len(at)) - (sizes.cumsum(0) - sizes)[at[order]]
    kept = order[rank < P]
    total = points.new_zeros(H * W, D).index_add_(0, at[kept], points[kept])
    return sizes.clamp(max=P).view(H, W), total.view(H, W, D)


def _rotated(x, positions, base):
    T, H, D = x.shape
    half = D // 2
    out = np.empty_like(x)
    for t in prange(T):
        for k in range(half):
            turn = np.float32(k * (-2 * math.log(base)) / D)
            angle = np.float32(positions[t]) * np.exp(turn)
            c, s = np.cos(angle), np.sin(angle)
            for h in range(H):
                a, b = x[t, h, k], x[t, h, half + k]
                out[t, h, k] = a * c - b * s
                out[t, h, half + k] = a * s + b * c
    return out


def _rotated_torch(x, positions, base):
    D = x.shape[2]
    k = torch.arange(D // 2, dtype=x.dtype)
    angle = positions.to(x.dtype)[:, None] * torch.exp(k * (-2 * math.log(base)) / D)
    c, s = angle.cos()[:, None], angle.sin()[:, None]
    a, b = x.chunk(2, -1)
    return torch.cat([a * c - b * s, a * s + b * c], -1)


def _paged(q, cache, pages):
    H, D = q.shape
    M, B = pages.shape[0], cache.shape[1]
    out = np.empty((H, M * B), q.dtype)
    for m in prange(M):
        for b in range(B):
            for h in range(H):
                acc = np.float32(0)
                for d in range(D):
                    acc += q[h, d] * cache[pages[m], b, h, d]
                out[h, m * B + b] = acc
    return out


def _paged_torch(q, cache, pages):
    return torch.einsum("hd,mbhd->hmb", q, cache[pages]).reshape(q.shape[0], -1)


def _reordered(seq, parent, token, t):
    B, K, T = seq.shape
    out = np.empty_like(seq)
    for b in prange(B):
        for k in range(K):
            for i in range(T):
                out[b, k, i] = seq[b, parent[b, k], i]
            out[b, k, t] = token[b, k]
    return out


def _reordered_torch(seq, parent, token, t):
    out = seq.gather(1, parent[:, :, None].expand_as(seq))
    out[:, :, t] = token
    return out


def _sparse(feat, at, weight, H, W):
    N, C = feat.shape
    O = weight.shape[2]
    site = np.full((H + 2, W + 2), -1, np.int64)
    for n in range(N):
        site[at[n, 0] + 1, at[n, 1] + 1] = n
    out = np.zeros((N, O), feat.dtype)
    for n in prange(N):
        for k in range(9):
            m = site[at[n, 0] + k // 3, at[n, 1] + k % 3]
            if m >= 0:
                for c in range(C):
                    for f in range(O):
                        out[n, f] += feat[m, c] * weight[k, c, f]
    return out


def _sparse_torch(feat, at, weight, H, W):
    N, C = feat.shape
    site = torch.full((H + 2, W + 2), N)
    site[at[:, 0] + 1, at[:, 1] + 1] = torch.arange(N)
    k = torch.arange(9)
    rules = site[at[:, :1] + k // 3, at[:, 1:] + k % 3]
    rows = F.pad(feat, (0, 0, 0, 1))[rules]
    return rows.view(N, 9 * C) @ weight.view(9 * C, -1)


def _scatters() -> list[Row]:
    src, index = floats(100000, 32), numbers(10000, 100000)
    first = {"sum": np.zeros((10000, 32), np.float32)}
    first["max"] = np.full((10000, 32), -np.inf, np.float32)
    ways = {
        "sum": (_sums, _sums_torch, "add"),
        "mean": (_means, _means_torch, None),
        "max": (_greatest, _greatest_torch, "max"),
    }
    return [
        Row(
            f"scatter {how} 100000x32 to 10000",
            scatter_reduce.scatter_reduce,
            {"src": src, "index": index, "V": 10000, "how": how},
            loops,
            tensors,
            model=model(
                f"scatter {how}",
                "ScatterND",
                "x i u",
                {"x": first[how], "i": index[:, None], "u": src},
                reduction=reduction,
            )
            if reduction
            else None,
        )
        for how, (loops, tensors, reduction) in ways.items()
    ]


def rows() -> list[Row]:
    lengths = np.random.default_rng(1).integers(0, 40, 512)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    edges = np.concatenate([[0], np.cumsum(np.random.default_rng(1).integers(0, 40, 10000))])
    rng = np.random.default_rng(1)
    sites = rng.permutation(256 * 256)[:10000]
    points = (floats(100000, 4) + 1) * np.float32(50)
    return [
        Row(
            "embedding bag 512 of 100000x64",
            embedding_bag.embedding_bag,
            {
                "table": floats(100000, 64),
                "index": numbers(100000, int(offsets[-1])),
                "offsets": offsets,
            },
            _bags,
            _bags_torch,
        ),
        *_scatters(),
        Row(
            "segment softmax 10000 segments x 8",
            segment_softmax.segment_softmax,
            {"x": floats(int(edges[-1]), 8), "offsets": edges},
            _segments,
            _segments_torch,
        ),
        Row(
            "voxelise 100000 points to 200x200",
            voxelise.voxelise,
            {"points": points, "H": 200, "W": 200, "P": 20, "cell": 0.5},
            _pillars,
            _pillars_torch,
            captured=False,
        ),
        Row(
            "RoPE 512x12x64",
            rope_paged.rope,
            {"x": floats(512, 12, 64), "positions": numbers(4096, 512), "base": 10000.0},
            _rotated,
            _rotated_torch,
            tolerance=(1e-2, 2e-3),  # angles of thousands of turns in float32
        ),
        Row(
            "paged scores 32x128, 128 pages of 16",
            rope_paged.paged_scores,
            {
                "q": floats(32, 128),
                "cache": floats(256, 16, 32, 128, seed=2),
                "pages": np.random.default_rng(1).permutation(256)[:128],
            },
            _paged,
            _paged_torch,
        ),
        Row(
            "beam reorder 8x8x512",
            beam_search.reorder,
            {
                "seq": numbers(32000, 8, 8, 512),
                "parent": numbers(8, 8, 8),
                "token": numbers(32000, 8, 8, seed=3),
                "t": 300,
            },
            _reordered,
            _reordered_torch,
        ),
        Row(
            "sparse convolution 10000x32",
            sparse_conv.sparse_conv,
            {
                "feat": floats(10000, 32),
                "at": np.stack([sites // 256, sites % 256], 1),
                "weight": floats(9, 32, 32, seed=3),
                **{"H": 256, "W": 256},
            },
            _sparse,
            _sparse_torch,
        ),
    ]
