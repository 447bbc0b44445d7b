"""ConvInteger and QLinearConv of bytes of every kind: exact."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import longtail as lt
from one_node import feed, model_of

RNG = np.random.default_rng(12)


def extremes(shape, dtype) -> np.ndarray:
    info = np.iinfo(dtype)
    array = RNG.integers(info.min, info.max + 1, shape)
    array[RNG.random(shape) < 0.3] = info.min
    array[RNG.random(shape) < 0.3] = info.max
    return array.astype(dtype)


def convolved(x, w, pads, strides, dilations) -> np.ndarray:
    """The convolution of whole numbers by its definition."""
    spatial = x.ndim - 2
    borders = [(pads[i], pads[i + spatial]) for i in range(spatial)]
    x = np.pad(x.astype(np.int64), [(0, 0), (0, 0), *borders])
    reach = [(size - 1) * d + 1 for size, d in zip(w.shape[2:], dilations, strict=True)]
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axis=tuple(range(2, x.ndim)))
    steps = [slice(None, None, s) for s in strides]
    places = [slice(None, None, d) for d in dilations]
    windows = windows[(slice(None), slice(None), *steps, *places)]
    letters = "ijk"[:spatial], "pqr"[:spatial]
    return np.einsum(
        f"nc{letters[0]}{letters[1]},mc{letters[1]}->nm{letters[0]}", windows, w.astype(np.int64)
    )


SHAPES = [
    # image, kernel, pads, strides, dilations
    ((2, 3, 9, 11), (5, 3, 3, 3), [1, 2, 0, 1], [1, 1], [1, 1]),
    ((1, 8, 12, 10), (17, 8, 3, 2), [0, 0, 0, 0], [2, 1], [1, 2]),
    ((1, 64, 7, 7), (70, 64, 1, 1), [0, 0, 0, 0], [1, 1], [1, 1]),
    ((2, 5, 20), (4, 5, 4), [3, 0], [3], [2]),
    ((1, 2, 5, 4, 6), (3, 2, 2, 3, 1), [1, 1, 0, 0, 1, 0], [1, 1, 2], [1, 1, 1]),
    ((1, 16, 30, 30), (16, 16, 3, 3), [1, 1, 1, 1], [1, 1], [1, 1]),
]


TYPES = list(itertools.product([np.uint8, np.int8], repeat=2))
ZEROS = ("none", "left", "both", "columns")


@pytest.mark.parametrize("number", range(len(SHAPES)))
def test_conv_integer(number) -> None:
    """Every kind of bytes with every kind of zero points, and every shape with some of both."""
    sizes, kernel, pads, strides, dilations = SHAPES[number]
    kinds = [(TYPES[(number + i) % 4], zeros, ((1, 3), ())[i % 2]) for i, zeros in enumerate(ZEROS)]
    if number == 0:
        kinds = itertools.product(TYPES, ZEROS, ((1, 3), ()))
    for types, zeros, constants in kinds:
        x, w = extremes(sizes, types[0]), extremes(kernel, types[1])
        zero_x = extremes((), types[0]) if zeros != "none" else None
        zero_w = extremes((), types[1]) if zeros == "both" else None
        if zeros == "columns":
            zero_w = extremes(kernel[:1], types[1])
        arrays = [each for each in (x, w, zero_x, zero_w) if each is not None]
        known = [n for n in constants if n < len(arrays)]
        model = model_of(
            "ConvInteger", arrays, [("y", np.int32)], constants=known, fixed=(1,), pads=pads,
            strides=strides, dilations=dilations,
        )  # fmt: skip
        centered = [x.astype(np.int64), w.astype(np.int64)]
        if zero_x is not None:
            centered[0] -= zero_x
        if zero_w is not None:
            columns = (-1,) + (1,) * (w.ndim - 1) if zero_w.ndim else ()
            centered[1] -= zero_w.astype(np.int64).reshape(columns)
        expected = convolved(*centered, pads, strides, dilations).astype(np.int32)
        actual = lt.compile(model)(**feed(model, arrays))
        np.testing.assert_array_equal(actual, expected, f"{zeros}, constant {known}")


@pytest.mark.parametrize("shape", SHAPES[:4])
def test_qlinear_conv(shape) -> None:
    sizes, kernel, pads, strides, dilations = shape
    x, w = extremes(sizes, np.uint8), extremes(kernel, np.int8)
    bias = RNG.integers(-1000, 1000, kernel[0]).astype(np.int32)
    scales = [np.float32(0.03), (0.01 + RNG.random(kernel[0]) / 50).astype(np.float32)]
    zero_x, zero_w, zero_y = np.uint8(131), np.zeros(kernel[0], np.int8), np.uint8(90)
    scale_y = np.float32(40)
    arrays = [x, scales[0], zero_x, w, scales[1], zero_w, scale_y, zero_y, bias]
    model = model_of(
        "QLinearConv", arrays, [("y", np.uint8)], constants=range(1, 9), pads=pads,
        strides=strides, dilations=dilations,
    )  # fmt: skip
    sums = convolved(x.astype(np.int64) - 131, w, pads, strides, dilations)
    by_channel = (-1,) + (1,) * (w.ndim - 2)
    sums = sums + bias.reshape(by_channel)
    real = sums * (scales[0] * scales[1] / scale_y).astype(np.float64).reshape(by_channel)
    expected = np.clip(np.rint(real) + 90, 0, 255)
    actual = lt.compile(model)(**feed(model, arrays))
    # A quotient may be halfway between two numbers.
    assert np.abs(actual.astype(np.int64) - expected).max() <= 1
    assert (actual == expected).mean() > 0.99
