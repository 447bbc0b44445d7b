"""Operators of the language against the functions that they are: whole arrays, grids, lists."""

import numpy as np
import pytest

import longtail as lt
from deform_conv2d import deform_conv2d
from longtail import bool_, f32, f64, i32, i64, u8  # noqa: F401
from nms import nms
from roi_align import roi_align

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
    def case(n):
        p = R.random((n, 2)).astype("f") * 10
        return (
            np.concatenate([p, p + 1 + R.random((n, 2)).astype("f") * 4], 1),
            R.random(n).astype("f"),
            0.3,
        )

    assert nms.check([case(n) for n in (0, 1, 7, 60)])


def test_dcn():
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


def test_bincount():
    @lt.op
    def f(x: i64["N M"], y: u8["K"]):
        return lt.bincount(x, 7), lt.bincount(y, x.shape[0])

    for shape in ((3, 5), (1, 0), (200, 4)):
        y = R.integers(0, min(shape[0], 256), 0 if shape[0] < 3 else 50).astype(np.uint8)
        assert f.check([(R.integers(0, 7, shape), y)])
    for bad in (-1, 7):
        with pytest.raises((IndexError, ValueError)):
            f.python(np.array([[1, bad]]), np.zeros(0, np.uint8))
        with pytest.raises(lt.RunError):
            f(np.array([[1, bad]]), np.zeros(0, np.uint8))


def test_histogram():
    @lt.op
    def f(x: f32["N M"], edges: f32["B+1"], n: i64["K"]):
        return lt.histogram(x, edges), lt.histogram(n, edges)

    x = F(9, 11)
    x[0, :4] = np.nan, np.inf, 0, 1
    for edges in ([0, 0.25, 0.25, 0.5, 1], [-1, 2], [0.5, 0.5], [3], [-np.inf, 0, np.inf]):
        edges = np.array(edges, np.float32)
        assert f.check([(x, edges, R.integers(-2, 3, 17)), (x[:0], edges, R.integers(0, 3, 0))])


def test_unique():
    @lt.op
    def f(x: f32["N M"], n: i64["K"], b: bool_["K"]):
        return lt.unique(x), lt.unique(n), lt.unique(b)

    x = np.round(F(5, 7) * 4)
    x[1, 2:5] = np.nan, np.inf, np.nan
    for count in (0, 1, 40):
        assert f.check(
            [
                (x, R.integers(-5, 5, count), R.random(count) > 0.5),
            ]
        )


def test_mask():
    @lt.op
    def f(x: f32["N M"], m: bool_["N"]):
        return x[m], x[x > 0], x[:, 0][m] * 2, np.flatnonzero(x > 0.5)

    for rows in (0, 1, 6):
        assert f.check([(F(rows, 4), R.random(rows) > 0.5)])


@lt.op
def orders(x: f32["N M"], like: f32["K"]):
    up, down = lt.argsort(x, axis=1), lt.argsort(x, axis=1, descending=True)
    best, where = lt.topk(x, like.shape[0], axis=1)
    return up, down, best, where


@pytest.mark.parametrize("size", [1, 2, 3, 7, 33, 100, 257])
@pytest.mark.parametrize("holes", [False, True])
def test_orders_are_stable_and_know_what_is_no_number(size, holes):
    rng = np.random.default_rng(size)
    x = rng.integers(0, 9, (3, size)).astype(np.float32)
    if holes:
        x[rng.random(x.shape) < 0.3] = np.nan
    for count in {0, 1, size // 2, size}:
        like = np.zeros(count, np.float32)
        for found, expected in zip(orders(x, like), orders.python(x, like), strict=True):
            np.testing.assert_array_equal(found, expected)


@lt.op
def shifted(x: f32["N"], by: float, *, times: lt.const, steps: lt.const = (1,)):
    return x * times + by + sum(steps)


def test_calls_give_arguments_in_any_way():
    x = np.arange(5, dtype=np.float32)
    for _ in range(2):
        np.testing.assert_array_equal(shifted(x, 2.0, times=3), x * 3 + 3)
        np.testing.assert_array_equal(shifted(times=3, by=2.0, x=x), x * 3 + 3)
        np.testing.assert_array_equal(shifted(x, by=2, times=2, steps=[1, 2]), x * 2 + 5)
        np.testing.assert_array_equal(shifted(x, 2.0, times=3, steps=(4,)), x * 3 + 6)
    with pytest.raises(lt.InputError, match="times"):
        shifted(x, 2.0)
    with pytest.raises(lt.InputError, match="unknown"):
        shifted(x, 2.0, times=3, unknown=1)


@lt.op
def doubled(x: f32["N M"]):
    return x * 2


def test_results_of_calls_are_arrays_of_their_own():
    large = np.ones((100, 200), np.float32)
    first = doubled(large)
    second = doubled(large * 3)
    third = doubled(large[:50])
    assert first.base is None and not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, 2)
    np.testing.assert_array_equal(second, 6)
    assert third.shape == (50, 200) and (third == 2).all()


@lt.op
def bordered(x: f32["H W"], *, mode: lt.const, width: lt.const):
    return lt.pad(x, ((width, 1), (0, width)), mode)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("shape", [(3, 4), (5, 40), (4, 300)])
def test_borders(mode, shape):
    x = np.random.default_rng(1).random(shape, np.float32)
    for width in (0, 2):
        found = bordered(x, mode=mode, width=width)
        np.testing.assert_array_equal(found, np.pad(x, ((width, 1), (0, width)), mode=mode))
