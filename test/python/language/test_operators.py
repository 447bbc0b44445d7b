"""Operators of the language against the functions that they are: whole arrays, grids, lists."""

import math

import numpy as np
import pytest  # noqa: F401

import longtail as lt
from longtail import bool_, f32, f64, i32, i64, u8  # noqa: F401

R = np.random.default_rng(0)


def F(*shape):
    return R.standard_normal(shape).astype(np.float32)


def test_matmul():
    @lt.op
    def mm(a: f32["M K"], b: f32["K N"]):
        M, K = a.shape
        N = b.shape[1]
        out = lt.zeros((M, N), f32)
        for i, j in lt.grid(M, N):
            acc = f32(0)
            for k in lt.grid(K):
                acc += a[i, k] * b[k, j]
            out[i, j] = acc
        return out

    assert "compute.contract" in mm.ir()
    assert mm.check(
        [(F(3, 4), F(4, 5)), (F(1, 1), F(1, 9))], ref=lambda a, b: a @ b, rtol=1e-4, atol=1e-5
    )


def test_scatter():
    @lt.op
    def scatter_mean(src: f32["E D"], index: i64["E"], *, V: lt.const):
        E, D = src.shape
        s = lt.zeros((V, D), f32)
        n = lt.zeros(V, f32)
        for e in lt.grid(E):
            s[index[e], :] += src[e, :]
            n[index[e]] += 1
        for v in lt.grid(V):
            s[v, :] /= max(n[v], f32(1))
        return s

    assert scatter_mean.check(
        [dict(src=F(n, 3), index=R.integers(0, 5, n), V=5) for n in (0, 1, 20)]
    )


def test_nms():
    @lt.op
    def nms(boxes: f32["M 4"], scores: f32["M"], thr: float):
        M = boxes.shape[0]
        order = lt.argsort(scores, descending=True)
        b = boxes[order]
        area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
        dead = lt.zeros(M, bool_)
        keep = lt.List(i64, max=M)
        for i in range(M):
            if dead[i]:
                continue
            keep.append(order[i])
            for j in lt.grid((i + 1, M)):
                w = max(min(b[i, 2], b[j, 2]) - max(b[i, 0], b[j, 0]), f32(0))
                h = max(min(b[i, 3], b[j, 3]) - max(b[i, 1], b[j, 1]), f32(0))
                inter = w * h
                dead[j] |= inter > thr * (area[i] + area[j] - inter)
        return keep.array()

    def case(n):
        p = R.random((n, 2)).astype("f") * 10
        return (
            np.concatenate([p, p + 1 + R.random((n, 2)).astype("f") * 4], 1),
            R.random(n).astype("f"),
            0.3,
        )

    assert nms.check([case(n) for n in (0, 1, 7, 60)])


def test_dcn():
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
        off = lt.reshape(offset, (N, G, KH, KW, 2, OH, OW))  # view
        msk = lt.reshape(mask, (N, G, KH, KW, OH, OW))  # view
        xs = lt.sample(x, dims=(2, 3), mode="bilinear", oob="zero")  # x at real (h, w)
        out = lt.zeros((N, F, OH, OW), f32)
        for n, f, y, q in lt.grid(N, F, OH, OW):  # parallel, proved
            acc = f32(0)
            for c, i, j in lt.grid(C, KH, KW):  # += : reduction
                g = c // (C // G)
                h = y * stride - pad + i * dil + off[n, g, i, j, 0, y, q]
                w = q * stride - pad + j * dil + off[n, g, i, j, 1, y, q]
                acc += weight[f, c, i, j] * msk[n, g, i, j, y, q] * xs[n, c, h, w]
            out[n, f, y, q] = acc
        return out

    def case(G, s, p, d, N=2, C=4, H=7, W=6, Fo=3, K=3):
        OH = (H + 2 * p - d * (K - 1) - 1) // s + 1
        OW = (W + 2 * p - d * (K - 1) - 1) // s + 1
        return dict(
            x=F(N, C, H, W),
            offset=F(N, G * K * K * 2, OH, OW),
            weight=F(Fo, C, K, K),
            mask=F(N, G * K * K, OH, OW),
            stride=s,
            pad=p,
            dil=d,
            G=G,
        )

    assert deform_conv2d.check([case(1, 1, 1, 1), case(2, 2, 1, 1)], rtol=1e-3, atol=1e-4)
    assert "compute.contract" in deform_conv2d.ir(G=2)


def test_roi():
    @lt.op
    def roi_align(
        feat: f32["N C H W"],
        rois: f32["R 5"],
        *,
        PH: lt.const = 7,
        PW: lt.const = 7,
        scale: float = 1.0,
        ratio: lt.const = -1,
        aligned: lt.const = True,
    ):
        N, C, H, W = feat.shape
        R = rois.shape[0]
        fs = lt.sample(feat, dims=(2, 3), mode="bilinear", oob="band1")
        out = lt.zeros((R, C, PH, PW), f32)
        for r, c, py, px in lt.grid(R, C, PH, PW):
            b = int(rois[r, 0])
            o = 0.5 if aligned else 0.0
            x0 = rois[r, 1] * scale - o
            y0 = rois[r, 2] * scale - o
            rw = rois[r, 3] * scale - o - x0
            rh = rois[r, 4] * scale - o - y0
            if not aligned:
                rw = max(rw, 1.0)
                rh = max(rh, 1.0)
            bh = rh / PH
            bw = rw / PW
            gh = ratio if ratio > 0 else math.ceil(bh)  # data-dependent trip count
            gw = ratio if ratio > 0 else math.ceil(bw)
            acc = f32(0)
            for iy in range(gh):
                for ix in range(gw):
                    acc += fs[
                        b,
                        c,
                        y0 + py * bh + (iy + 0.5) * bh / gh,
                        x0 + px * bw + (ix + 0.5) * bw / gw,
                    ]
            out[r, c, py, px] = acc / max(gh * gw, 1)
        return out

    rois = np.array([[0, 1, 1, 9, 7], [1, 0.3, 2.2, 20, 18], [0, 5, 5, 5.5, 5.2]], "f")
    assert roi_align.check(
        [
            dict(feat=F(2, 3, 12, 14), rois=rois, PH=3, PW=2, scale=0.5, ratio=r, aligned=a)
            for r in (-1, 2)
            for a in (True, False)
        ],
        rtol=1e-4,
        atol=1e-5,
    )


def test_beam():
    @lt.op
    def beam_step(logp: f32["B K V"], score: f32["B K"], done: bool_["B K"], *, eos: lt.const):
        B, K, V = logp.shape
        frozen = lt.where(lt.arange(V) == eos, f32(0), f32(-np.inf))
        cand = score[:, :, None] + lt.where(done[:, :, None], frozen, logp)
        top, flat = lt.topk(lt.reshape(cand, (B, K * V)), K, axis=1)
        return top, flat // V, flat % V

    assert beam_step.check(
        [dict(logp=F(2, 3, 11), score=F(2, 3), done=R.random((2, 3)) > 0.5, eos=4)]
    )


def test_views():
    @lt.op
    def f(x: f32["N C"], i: i64["K"], *, k: lt.const):
        a = x[:, 1:-1]
        b = x[::-1, ::2]
        c = lt.flip(x, 1)[..., None]
        d = [
            lt.pad(x, ((1, 2), (k, 1)), m)
            for m in ("constant", "edge", "reflect", "wrap", "symmetric")
        ]
        e = lt.window(x, (1,), (3,), 2)
        g = x[i]
        h = x[:, i[:2]]
        l = x.T[i]
        m = x[i[:, None], lt.arange(3)]
        y = x.copy()
        y[:, 1] = 7
        y[1:-1, ::2] = x[1:-1, ::2] * 2
        y[0] += 1
        return (
            a,
            b,
            c,
            *d,
            e,
            g,
            h,
            l,
            m,
            y,
            lt.concat([x, x * 2], 1),
            lt.stack([x, x], 1),
            x.reshape(-1),
            x[-1, 2],
            np.tile(x, (2, 3)),
        )

    assert f.check(
        [dict(x=F(n, c), i=np.array([0, 2, -1, 1]), k=k) for n, c, k in [(4, 5, 1), (3, 6, 2)]]
    )


def test_reds():
    @lt.op
    def f(x: f32["N C"], n: i64["N C"], s: float, t: int):
        return (
            x.sum(),
            x.mean(axis=0),
            x.max(axis=-1),
            x.min(0, keepdims=True),
            (x > s).any(axis=1),
            (x > s).all(),
            x.argmax(axis=1),
            x.argmin(axis=0),
            n.sum(axis=1),
            n.prod(axis=0),
            n // 3,
            n % -3,
            n // t,
            x % 0.7,
            x // s,
            -n,
            abs(n),
            n**2,
            x * t,
            n * s,
            n + True,
            n / 2,
            n & 3,
            n << 1,
            ~n,
            n == 2,
            np.einsum("nc,mc->nm", x, x),
            x @ x.T,
            lt.cumsum(x, 0),
            lt.cumsum(n, 1),
            lt.sort(x, 1),
            lt.argsort(x, 0),
            lt.searchsorted(lt.sort(x[0]), x),
            x.var(axis=1),
            lt.where(x > 0, x, 0),
            x.astype(np.float16) * 2,
            n.astype(np.uint8),
            (x * 100).astype(np.int8 if False else np.int32),
        )

    assert f.check([(F(4, 5), R.integers(-9, 9, (4, 5)), 0.3, -2)], rtol=1e-4, atol=1e-5)


def test_mask():
    @lt.op
    def f(x: f32["N M"], m: bool_["N"]):
        return x[m], x[x > 0], x[:, 0][m] * 2, np.flatnonzero(x > 0.5)

    for rows in (0, 1, 6):
        assert f.check([(F(rows, 4), R.random(rows) > 0.5)])
