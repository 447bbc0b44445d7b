"""DFT, STFT, MelWeightMatrix, Det, QLinearMatMul, QLinearConv and random numbers."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from one_node import compare, feed, model_of, reference_outputs

RNG = np.random.default_rng(11)
OUT = [("y", np.float32)]


def numbers(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


# 37 and 131 are primes: one contraction, and a convolution.
@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("length", [1, 8, 37, 60, 131, 262, 1024])
@pytest.mark.parametrize(
    ("inverse", "onesided", "parts"), [(0, 0, 2), (0, 0, 1), (0, 1, 1), (1, 0, 2)]
)
def test_dft(inverse, onesided, parts, length, static):
    compare(
        "DFT",
        [[numbers(2, length, 3, parts), None, np.array(1)]],
        OUT,
        oracle=reference_outputs,
        rtol=1e-4,
        opset=20,
        inverse=inverse,
        onesided=onesided,
        static=static,
        constants=[2],
    )


@pytest.mark.parametrize("length", [None, 10, 15, 30])
def test_irfft(length):
    given = None if length is None else np.array(length)
    compare(
        "DFT",
        [[numbers(2, 9, 2), given, np.array(1)]],
        OUT,
        oracle=reference_outputs,
        rtol=1e-4,
        opset=20,
        inverse=1,
        onesided=1,
        constants=[2],
    )


@pytest.mark.parametrize("onesided", [0, 1])
def test_stft(onesided):
    case = [numbers(2, 50, 1), np.array(4), np.hanning(16).astype(np.float32), np.array(16)]
    compare("STFT", [case], OUT, oracle=reference_outputs, rtol=1e-4, opset=17, onesided=onesided)


def test_det():
    cases = [[numbers(*shape)] for shape in [(2, 4, 4), (3, 1, 1), (0, 2, 2)]]
    compare("Det", cases, OUT, oracle=reference_outputs, rtol=1e-4, opset=22)


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_qlinear_matmul(kind):
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    a, b = (RNG.integers(low, high, s).astype(kind) for s in [(5, 8), (8, 3)])
    one, zero = np.float32(0.02), np.array(3, kind)
    scales = [np.asarray(one), zero]
    compare(
        "QLinearMatMul",
        [[a, *scales, b, *scales, np.array(0.9, np.float32), zero]],
        [("y", kind)],
        opset=21,
    )


@pytest.mark.parametrize("per_channel", [False, True])
def test_qlinear_conv(per_channel):
    x = RNG.integers(0, 255, (1, 4, 7, 7)).astype(np.uint8)
    w = RNG.integers(0, 255, (6, 2, 3, 3)).astype(np.uint8)
    scale = np.full(6, 0.01, np.float32) if per_channel else np.array(0.01, np.float32)
    zero = np.full(6, 120, np.uint8) if per_channel else np.array(120, np.uint8)
    x_scale, y_scale = np.array(0.05, np.float32), np.array(0.7, np.float32)
    middle = np.array(128, np.uint8)
    bias = RNG.integers(-900, 900, 6).astype(np.int32)
    compare(
        "QLinearConv",
        [[x, x_scale, middle, w, scale, zero, y_scale, middle, bias]],
        [("y", np.uint8)],
        opset=10,
        group=2,
        pads=[1, 1, 1, 1],
    )


@pytest.mark.parametrize(
    ("op", "mean", "deviation"),
    [
        ("RandomUniformLike", 0.5, 12**-0.5),
        ("RandomNormalLike", 0.0, 1.0),
    ],
)
def test_random(op, mean, deviation):
    x = numbers(200, 300)

    def run(**settings):
        model = model_of(op, [x], OUT, **settings)
        return lt.compile(model)(**feed(model, [x]))

    first = run(seed=3.0)
    np.testing.assert_array_equal(first, run(seed=3.0))
    np.testing.assert_array_equal(run(), run())
    assert not np.array_equal(first, run(seed=4.0))
    assert abs(first.mean() - mean) < 0.02 and abs(first.std() - deviation) < 0.02


def test_bernoulli_and_multinomial():
    p = np.linspace(0, 1, 5, dtype=np.float32)[:, None].repeat(20000, 1)
    model = model_of("Bernoulli", [p], OUT, opset=15, seed=1.0)
    drawn = lt.compile(model)(**feed(model, [p]))
    assert set(np.unique(drawn)) == {0, 1}
    np.testing.assert_allclose(drawn.mean(1), p[:, 0], atol=0.02)
    logits = np.log(np.array([[0.1, 0.2, 0.7]], np.float32))
    model = model_of("Multinomial", [logits], [("y", np.int32)], sample_size=20000, seed=1.0)
    counts = np.bincount(lt.compile(model)(**feed(model, [logits]))[0], minlength=3)
    np.testing.assert_allclose(counts / 20000, [0.1, 0.2, 0.7], atol=0.02)
