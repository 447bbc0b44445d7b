"""Order, recurrences and signals: top-k, sums, sampling, CTC, a state-space scan, features."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numba import prange

import beam_search
import bilateral
import ctc
import frame_select
import furthest_point
import ssm_scan
import stft_mel
import top_p
import topk
from language.rows import Row, floats, model, numbers


def _top(x, k):
    N, M = x.shape
    values, places = np.empty((N, k), x.dtype), np.empty((N, k), np.int64)
    for n in prange(N):
        order = np.argsort(-x[n], kind="mergesort")
        for i in range(k):
            places[n, i] = order[i]
            values[n, i] = x[n, order[i]]
    return values, places


def _sums_in_rows(x):
    N, M = x.shape
    out = np.empty_like(x)
    for n in prange(N):
        acc = np.float32(0)
        for m in range(M):
            acc += x[n, m]
            out[n, m] = acc
    return out


def _sums_down(x):
    N, M = x.shape
    out = np.empty_like(x)
    block = 256
    for b in prange((M + block - 1) // block):
        for m in range(b * block, min((b + 1) * block, M)):
            out[0, m] = x[0, m]
        for n in range(1, N):
            for m in range(b * block, min((b + 1) * block, M)):
                out[n, m] = out[n - 1, m] + x[n, m]
    return out


def _nucleus(logits, u, p):
    B, V = logits.shape
    token = np.empty(B, np.int64)
    for b in prange(B):
        top = np.float32(-np.inf)
        for v in range(V):
            top = max(top, logits[b, v])
        prob = np.empty(V, np.float32)
        total = np.float32(0)
        for v in range(V):
            prob[v] = np.exp(logits[b, v] - top)
            total += prob[v]
        for v in range(V):
            prob[v] /= total
        order = np.argsort(-prob, kind="mergesort")
        kept = np.float32(0)
        n = 0
        while n < V and kept < p:
            kept += prob[order[n]]
            n += 1
        acc = np.float32(0)
        chosen = order[0]
        for k in range(n):
            acc += prob[order[k]]
            chosen = order[k]
            if acc >= u[b] * kept:
                break
        token[b] = chosen
    return token


def _nucleus_torch(logits, u, p):
    prob, order = logits.softmax(1).sort(dim=1, descending=True, stable=True)
    total = prob.cumsum(1)
    last = (total < p).sum(1, keepdim=True).clamp(max=logits.shape[1] - 1)
    wanted = u[:, None] * total.gather(1, last)
    chosen = torch.minimum(torch.searchsorted(total, wanted), last)
    return order.gather(1, chosen)[:, 0]


def _greedy(logp, blank):
    T, V = logp.shape
    best = np.empty(T, np.int64)
    for t in prange(T):
        arg = 0
        for v in range(V):
            if logp[t, v] > logp[t, arg]:
                arg = v
        best[t] = arg
    out = np.empty(T, np.int64)
    count = 0
    last = blank
    for t in range(T):
        if best[t] != blank and best[t] != last:
            out[count] = best[t]
            count += 1
        last = best[t]
    return out[:count].copy()


def _greedy_torch(logp, blank):
    best = logp.argmax(1).unique_consecutive()
    return best[best != blank]


def _loss(logp, target, blank):
    T, V = logp.shape
    S = 2 * target.shape[0] + 1
    low = np.float32(-np.inf)
    a, old = np.full(S, low, np.float32), np.full(S, low, np.float32)
    a[0] = logp[0, blank]
    a[1] = logp[0, target[0]]
    for t in range(1, T):
        old[:] = a
        for s in range(S):
            label = target[s // 2] if s % 2 == 1 else blank
            one = old[s - 1] if s > 0 else low
            skip = s % 2 == 1 and s > 1 and target[s // 2] != target[s // 2 - 1]
            two = old[s - 2] if skip else low
            m = max(max(old[s], one), two)
            if m > low:
                m += np.log(np.exp(old[s] - m) + np.exp(one - m) + np.exp(two - m))
            a[s] = m + logp[t, label]
    x, y = a[S - 1], a[S - 2]
    return np.array([-(max(x, y) + np.log(1 + np.exp(-abs(x - y))))], np.float32)


def _loss_torch(logp, target, blank):
    sizes = torch.tensor([len(logp)]), torch.tensor([len(target)])
    return F.ctc_loss(logp[:, None], target[None], *sizes, blank=blank, reduction="sum").view(1)


def _step(logp, score, done, eos):
    B, K, V = logp.shape
    top = np.empty((B, K), np.float32)
    parent, token = np.empty((B, K), np.int64), np.empty((B, K), np.int64)
    for b in prange(B):
        count = 0
        for k in range(K):
            for v in range(V):
                value = logp[b, k, v]
                if done[b, k]:
                    value = np.float32(0) if v == eos else np.float32(-np.inf)
                value += score[b, k]
                if count < K or value > top[b, count - 1]:
                    i = count if count < K else K - 1
                    while i > 0 and value > top[b, i - 1]:
                        top[b, i], parent[b, i], token[b, i] = (
                            top[b, i - 1],
                            parent[b, i - 1],
                            token[b, i - 1],
                        )
                        i -= 1
                    top[b, i], parent[b, i], token[b, i] = value, k, v
                    count = min(count + 1, K)
    return top, parent, token


def _step_torch(logp, score, done, eos):
    B, K, V = logp.shape
    frozen = torch.full((V,), -math.inf)
    frozen[eos] = 0
    candidates = score[:, :, None] + torch.where(done[:, :, None], frozen, logp)
    top, flat = candidates.view(B, K * V).topk(K, dim=1)
    return top, flat // V, flat % V


def _scan(u, delta, a, b, c):
    T, C = u.shape
    S = a.shape[1]
    out = np.empty((T, C), u.dtype)
    for k in prange(C):
        state = np.zeros(S, u.dtype)
        for t in range(T):
            y = np.float32(0)
            for s in range(S):
                state[s] = (
                    state[s] * np.exp(delta[t, k] * a[k, s]) + delta[t, k] * b[t, s] * u[t, k]
                )
                y += state[s] * c[t, s]
            out[t, k] = y
    return out


def _scan_torch(u, delta, a, b, c):
    decay = torch.exp(delta[:, :, None] * a)
    push = (delta * u)[:, :, None] * b[:, None]
    state = torch.zeros_like(a)
    out = []
    for t in range(len(u)):
        state = state * decay[t] + push[t]
        out.append(state @ c[t])
    return torch.stack(out)


def _frames(frames, thr):
    T, H, W = frames.shape
    keep = np.empty(T, np.int64)
    count, last = 0, 0
    for t in range(T):
        moved = np.float32(0)
        for i in prange(H):
            row = np.float32(0)
            for j in range(W):
                row += abs(frames[t, i, j] - frames[last, i, j])
            moved += row
        if t == 0 or moved > thr * (H * W):
            keep[count] = t
            count += 1
            last = t
    return keep[:count].copy()


def _frames_torch(frames, thr):
    keep = []
    for t in range(len(frames)):
        if not keep or (frames[t] - frames[keep[-1]]).abs().mean() > thr:
            keep.append(t)
    return torch.tensor(keep)


def _features_torch(x, mel, n, hop):
    spectrum = torch.stft(x, n, hop, window=torch.hann_window(n), return_complex=True)
    return (mel @ (spectrum.real.square() + spectrum.imag.square()) + 1e-6).log()


def _features(x, mel, n, hop):
    T, bands, half = x.shape[0], mel.shape[0], n // 2
    frames = T // hop + 1
    cosine, sine = np.empty((half + 1, n), np.float32), np.empty((half + 1, n), np.float32)
    for f in range(half + 1):
        for k in range(n):
            hann = 0.5 - 0.5 * math.cos(k * (2 * math.pi / n))
            cosine[f, k] = hann * math.cos(f * k % n * (2 * math.pi / n))
            sine[f, k] = hann * math.sin(f * k % n * (2 * math.pi / n))
    out = np.empty((bands, frames), np.float32)
    for t in prange(frames):
        frame = np.empty(n, np.float32)
        for k in range(n):
            at = abs(t * hop + k - half)
            frame[k] = x[2 * T - 2 - at if at >= T else at]
        power = np.empty(half + 1, np.float32)
        for f in range(half + 1):
            re, im = np.float32(0), np.float32(0)
            for k in range(n):
                re += frame[k] * cosine[f, k]
                im += frame[k] * sine[f, k]
            power[f] = re * re + im * im
        for b in range(bands):
            acc = np.float32(0)
            for f in range(half + 1):
                acc += mel[b, f] * power[f]
            out[b, t] = np.log(acc + np.float32(1e-6))
    return out


def _smoothed(x, r, near, alike):
    H, W = x.shape
    out = np.empty_like(x)
    near, alike = np.float32(near), np.float32(alike)
    for i in prange(H):
        for j in range(W):
            total, weight = np.float32(0), np.float32(0)
            for a in range(-r, r + 1):
                for b in range(-r, r + 1):
                    v = x[min(max(i + a, 0), H - 1), min(max(j + b, 0), W - 1)]
                    d = v - x[i, j]
                    w = np.exp(np.float32(-(a * a + b * b)) / near - d * d / alike)
                    total += w * v
                    weight += w
            out[i, j] = total / weight
    return out


def _smoothed_torch(x, r, near, alike):
    size = 2 * r + 1
    v = F.pad(x[None], (r, r, r, r), mode="replicate")[0].unfold(0, size, 1).unfold(1, size, 1)
    at = torch.arange(-r, r + 1)
    far = -(at[:, None] ** 2 + at**2) / near
    w = torch.exp(far - (v - x[:, :, None, None]) ** 2 / alike)
    return (w * v).sum((2, 3)) / w.sum((2, 3))


def _distance(a, b):
    N, M = a.shape[0], b.shape[0]
    d = np.zeros((N + 1, M + 1), np.int64)
    for i in range(N + 1):
        for j in range(M + 1):
            if i == 0 or j == 0:
                d[i, j] = i + j
            else:
                same = d[i - 1, j - 1] + (1 if a[i - 1] != b[j - 1] else 0)
                d[i, j] = min(min(d[i - 1, j], d[i, j - 1]) + 1, same)
    return np.array([d[N, M]])


def _furthest(x, K):
    N = x.shape[0]
    far = np.full(N, np.float32(np.inf), np.float32)
    out = np.zeros(K, np.int64)
    current = 0
    for k in range(K):
        out[k] = current
        best, arg = np.float32(-1), 0
        for i in range(N):
            d0 = x[i, 0] - x[current, 0]
            d1 = x[i, 1] - x[current, 1]
            d2 = x[i, 2] - x[current, 2]
            far[i] = min(far[i], d0 * d0 + d1 * d1 + d2 * d2)
            if far[i] > best:
                best, arg = far[i], i
        current = arg
    return out


def _furthest_torch(x, K):
    far = torch.full((len(x),), math.inf)
    out = torch.zeros(K, dtype=torch.int64)
    current = torch.tensor(0)
    for k in range(K):
        out[k] = current
        far = torch.minimum(far, (x - x[current]).square().sum(1))
        current = far.argmax()
    return out


def _ball(x, centre, radius, K):
    N, M = x.shape[0], centre.shape[0]
    out = np.zeros((M, K), np.int64)
    for m in prange(M):
        found = 0
        for i in range(N):
            d0 = x[i, 0] - centre[m, 0]
            d1 = x[i, 1] - centre[m, 1]
            d2 = x[i, 2] - centre[m, 2]
            if d0 * d0 + d1 * d1 + d2 * d2 < radius * radius:
                if found == 0:
                    for k in range(K):
                        out[m, k] = i
                out[m, found] = i
                found += 1
                if found == K:
                    break
    return out


def _ball_torch(x, centre, radius, K):
    N = len(x)
    near = (centre[:, None] - x).square().sum(2) < radius * radius
    at = torch.where(near, torch.arange(N), N).topk(K, largest=False).values.sort(1).values
    first = at[:, :1]
    return torch.where(at == N, torch.where(first == N, 0, first), at)


def _cumsums() -> list[Row]:
    x = floats(512, 4096)
    return [
        Row(
            f"cumsum axis {axis} 512x4096",
            topk.cumsum,
            {"x": x, "axis": axis},
            _sums_in_rows if axis else _sums_down,
            lambda x, axis: x.cumsum(axis),
            model=model(
                f"cumsum {axis}", "CumSum", "x a", {"x": x}, {"a": np.array(axis, np.int64)}
            ),
            tolerance=(1e-3, 1e-3),
        )
        for axis in (1, 0)
    ]


def _log_softmax(*shape: int) -> np.ndarray:
    x = floats(*shape) * 5
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def _tops() -> list[Row]:
    found = []
    for n, m, k in ((1, 8400, 300), (64, 1000, 5)):
        x = floats(n, m)
        weights = {"k": np.array([k], np.int64)}
        found.append(
            Row(
                f"top {k} of {n}x{m}",
                topk.topk,
                {"x": x, "k": k},
                _top,
                lambda x, k: tuple(x.topk(k, dim=1)),
                model=model(f"top {k}", "TopK", "x k", {"x": x}, weights, makes="y i", axis=-1),
            )
        )
    return found


def rows() -> list[Row]:
    r = floats
    points = abs(floats(4096, 3))
    frames = np.cumsum(abs(floats(64, 1, 1)) * np.float32(0.3), 0) + r(64, 270, 480, seed=2) / 9
    logp = _log_softmax(8, 8, 32000)
    ssm = {"u": r(1024, 256), "delta": abs(r(1024, 256, seed=2)), "a": -abs(r(256, 16, seed=3))}
    ssm |= {"b": r(1024, 16, seed=4), "c": r(1024, 16, seed=5)}
    return [
        *_tops(),
        *_cumsums(),
        Row(
            "top-p 8x32000",
            top_p.top_p,
            {
                "logits": r(8, 32000) * 8,
                "u": abs(r(8, seed=4)),
                "p": 0.9,
            },
            _nucleus,
            _nucleus_torch,
        ),
        Row(
            "CTC greedy 500x5000",
            ctc.ctc_greedy,
            {"logp": _log_softmax(500, 5000), "blank": 0},
            _greedy,
            _greedy_torch,
            captured=False,
        ),
        Row(
            "CTC loss 200x64, target 40",
            ctc.ctc_loss,
            {"logp": _log_softmax(200, 64), "target": numbers(63, 40) + 1, "blank": 0},
            _loss,
            _loss_torch,
        ),
        Row(
            "beam step 8x8x32000",
            beam_search.beam_step,
            {
                "logp": logp,
                "score": r(8, 8),
                "done": r(8, 8, seed=3) > 0.5,
                "eos": 2,
            },
            _step,
            _step_torch,
        ),
        Row("state-space scan 1024x256x16", ssm_scan.ssm_scan, ssm, _scan, _scan_torch, False),
        Row(
            "frame selection 64x270x480",
            frame_select.frame_select,
            {"frames": frames.astype(np.float32), "thr": 0.4},
            _frames,
            _frames_torch,
            captured=False,
        ),
        Row(
            "log-mel 10 s, 400/160, 80 bands",
            stft_mel.stft_mel,
            {"x": r(160000), "mel": abs(r(80, 201, seed=2)), "n": 400, "hop": 160},
            _features,
            _features_torch,
        ),
        Row(
            "bilateral 270x480, radius 3",
            bilateral.bilateral,
            {"x": abs(r(270, 480)), "r": 3, "near": 8.0, "alike": 0.1},
            _smoothed,
            _smoothed_torch,
        ),
        Row(
            "edit distance 1000x1000",
            bilateral.edit_distance,
            {"a": numbers(26, 1000), "b": numbers(26, 1000, seed=3)},
            _distance,
        ),
        Row(
            "furthest 512 of 4096 points",
            furthest_point.furthest_point,
            {"x": points, "K": 512},
            _furthest,
            _furthest_torch,
            captured=False,
        ),
        Row(
            "ball query 512 in 4096 points",
            furthest_point.ball_query,
            {"x": points, "centre": points[:512], "radius": 0.2, "K": 32},
            _ball,
            _ball_torch,
        ),
    ]
