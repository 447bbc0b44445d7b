"""Loops, branches, local arrays, combiners and element types against the functions themselves."""

import math

import numpy as np
import pytest  # noqa: F401

import longtail as lt
from longtail import bool_, f32, f64, i32, i64, u8

R = np.random.default_rng(0)


def F(*shape):
    return R.standard_normal(shape).astype(np.float32)


def test_flow():
    @lt.op
    def collatz(x: i64["N"]):
        N = x.shape[0]
        out = lt.zeros(N, i64)
        for i in lt.grid(N):
            v = x[i]
            steps = 0
            while v > 1:
                v = v // 2 if v % 2 == 0 else 3 * v + 1
                steps += 1
                if steps > 50:
                    break
            out[i] = steps
        return out

    assert collatz.check([(R.integers(0, 30, n),) for n in (0, 1, 9)])


def test_early():
    @lt.op
    def first(x: f32["N M"], t: float):
        def find(row, t):
            for j in range(row.shape[0]):
                if row[j] > t:
                    return j
            return -1

        N, M = x.shape
        out = lt.zeros(N, i64)
        for i in lt.grid(N):
            out[i] = find(x[i], t)
        return out

    assert first.check([(F(5, 7), 0.9), (F(1, 1), 9.0)])


def test_cont():
    @lt.op
    def f(x: f32["N M"]):
        N, M = x.shape
        out = lt.zeros((N, 3), f32)
        for i in lt.grid(N):
            acc = f32(0)
            n = 0
            best = x[i, 0]
            for j in range(M):
                v = x[i, j]
                if v < 0:
                    continue
                acc += v
                n += 1
                best = v if v > best else best
            for j in range(M - 1, -1, -2):
                acc -= x[i, j] * 0.5
            out[i, 0] = acc
            out[i, 1] = n
            if n > 2 and acc > 0:
                out[i, 2] = best
            elif n == 0:
                out[i, 2] = -1
        return out

    assert f.check([(F(5, 7),), (F(1, 1),)], rtol=1e-4)


def test_extremes():
    @lt.op
    def extremes(x: f32["N M"]):
        N, M = x.shape
        out = lt.zeros((N, 2), f32)
        for i in lt.grid(N):
            high = -f32(math.inf)
            low = f32(math.inf)
            for j in range(M):
                high = np.maximum(high, x[i, j])
                low = np.minimum(low, x[i, j])
            out[i, 0] = high
            out[i, 1] = low
        return out

    x = F(7, 1003)
    x[1, 500], x[2, 1002] = np.nan, -np.nan
    x[3], x[3, 70] = 0, -0.0
    x[4], x[4, 3] = -np.inf, -1e38
    x[5], x[5, 3] = np.inf, 1e-40
    for count in (0, 1, 7, 16, 1003):
        with np.errstate(invalid="ignore"):
            found = extremes(x[:, :count])
            high = x[:, :count].max(1, initial=-np.inf)
            low = x[:, :count].min(1, initial=np.inf)
        assert np.array_equal(found, np.stack([high, low], 1), equal_nan=True)
        assert np.signbit(found[3, 1]) == (count > 70)


def test_locals():
    @lt.op
    def median3(x: f32["H W"]):
        H, W = x.shape
        e = lt.extend(x, (0, 1), "edge")
        out = lt.zeros((H, W), f32)
        for i, j in lt.grid(H, W):
            v = lt.local((9,), f32)
            for a in range(3):
                for b in range(3):
                    v[a * 3 + b] = e[i + a - 1, j + b - 1]
            for a in range(1, 9):
                key = v[a]
                b = a - 1
                while b >= 0 and v[b] > key:
                    v[b + 1] = v[b]
                    b -= 1
                v[b + 1] = key
            out[i, j] = v[4]
        return out

    assert median3.check([(F(5, 7),), (F(1, 1),)])


def test_ext():
    @lt.op
    def f(x: f32["H W"]):
        H, W = x.shape
        outs = []
        for m in ("edge", "wrap", "reflect", 0):
            e = lt.extend(x, (0, 1), m)
            out = lt.zeros((H, W), f32)
            for i, j in lt.grid(H, W):
                acc = f32(0)
                for a, b in lt.grid(5, 3):
                    acc += e[i + a - 2, j + b - 1] * (a + 1)
                out[i, j] = acc
            outs.append(out)
        return outs[0], outs[1], outs[2], outs[3]

    assert f.check([(F(5, 7),), (F(3, 2),)], rtol=1e-4, atol=1e-5)
    assert "compute.grid" not in f.ir()


def test_total():
    @lt.op
    def f(x: f32["N"], y: i64["N"]):
        s = f32(0)
        m = f32(-1)
        c = 0
        for i in lt.grid(x.shape[0]):
            s += x[i]
            m = max(m, x[i])
            if y[i] > 0:
                c += 1
        return s * 2, m, c

    assert f.check([(F(5), R.integers(-3, 3, 5)), (F(0), R.integers(0, 3, 0))])


def test_hist():
    @lt.op
    def f(x: u8["N"], w: f32["N"]):
        h = lt.zeros(256, i64)
        mx = lt.full(256, -1.0, f32)
        last = lt.zeros(256, f32)
        for i in lt.grid(x.shape[0]):
            h[x[i]] += 1
            lt.max_at(mx, x[i], w[i])
            lt.set_at(last, x[i], w[i], collide="last")
        return h, mx, last

    assert f.check([(R.integers(0, 256, n).astype("u1"), F(n)) for n in (0, 1, 500)])


def test_dt():
    @lt.op
    def f(
        a: lt.f16["N"],
        b: lt.bf16["N"],
        c: f64["N"],
        d: i32["N"],
        e: u8["N"],
        g: bool_["N"],
        h: lt.u64["N"],
        i: lt.i8["N"],
    ):
        return (
            a * 2 + a,
            a.sum(),
            c * 2,
            c + d,
            d + e,
            e * 2,
            e // 3,
            g & (e > 3),
            g + 1,
            h + 1,
            h // 7,
            i * 3,
            i % 5,
            d / e,
            lt.exp(a),
            e.sum(),
            e.mean(),
            lt.sqrt(d * d),
            (b * b).astype(f32),
            h.max(),
            e - 250,
            d >> 2,
            d << 3,
            ~g,
            d.astype(f32) // 2.5,
            c.astype(i32),
            g.sum(),
            lt.exp(i),
        )

    n = 9
    assert f.check(
        [
            (
                F(n).astype("e"),
                F(n).astype(lt.bf16.dtype),
                R.standard_normal(n) * 5,
                R.integers(-99, 99, n).astype("i4"),
                R.integers(1, 250, n).astype("u1"),
                R.random(n) > 0.5,
                R.integers(0, 2**62, n).astype("u8"),
                R.integers(-128, 127, n).astype("i1"),
            )
        ],
        rtol=2e-3,
        atol=1e-4,
    )


def test_nested():
    @lt.op
    def scale(x: f32["N"], s: float):
        return x * s

    @lt.op
    def f(x: f32["A B"]):
        y = scale(x[:, 0], 2.0)
        sq = lambda v: v * v
        for k in range(2):
            y = sq(y) + k
        return y

    assert f.check([(F(3, 4),)])


def test_seqs():
    @lt.op
    def fps(x: f32["N 3"], *, K: lt.const):
        N = x.shape[0]
        d = lt.full(N, np.inf, f32)
        out = lt.zeros(K, i64)
        cur = 0
        for k in range(K):
            out[k] = cur
            best = f32(-1.0)
            arg = 0
            for i in range(N):
                t = x[i] - x[cur]
                s = (t * t).sum()
                if s < d[i]:
                    d[i] = s
                if d[i] > best:
                    best = d[i]
                    arg = i
            cur = arg
        return out

    assert fps.check([dict(x=F(20, 3), K=6)])
