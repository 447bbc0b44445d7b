"""MaxPool and AveragePool: windows that share columns with neighbours, borders, all strides."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from one_node import feed, model_of, onnxruntime_outputs, same

RNG = np.random.default_rng(2)
# Kernel, stride, dilation, padding on all sides.
WINDOWS = [
    (5, 1, 1, 2),
    (3, 1, 1, 1),
    (3, 2, 1, 1),
    (7, 1, 1, 3),
    (2, 2, 1, 0),
    (4, 1, 1, 0),
    (6, 3, 1, 2),
    (3, 1, 2, 2),
]
SHAPES = [(1, 32, 20, 21), (2, 3, 33, 40), (1, 20, 9, 50)]


@pytest.mark.parametrize("target", [None, "x86-64-v3", "x86-64-v2"])
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_two_dimensions(op, window, static, target):
    kernel, stride, dilation, pad = window
    for shape in SHAPES if target is None else SHAPES[:1]:
        arrays = [RNG.uniform(-1, 1, shape).astype(np.float32)]
        model = model_of(
            op,
            arrays,
            [("y", np.float32)],
            opset=19,
            static=static,
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            dilations=[dilation, dilation],
            pads=[pad] * 4,
            **({"count_include_pad": 0} if op == "AveragePool" else {}),
        )
        inputs = feed(model, arrays)
        got = lt.compile(model, target=target)(**inputs)
        same([got], onnxruntime_outputs(model, inputs), 0.0 if op == "MaxPool" else 1e-6)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.float64, np.float16])
@pytest.mark.parametrize("window", WINDOWS[:3])
def test_other_types(window, kind):
    kernel, stride, _, pad = window
    arrays = [RNG.integers(0, 100, (2, 5, 24, 30)).astype(kind)]
    model = model_of(
        "MaxPool",
        arrays,
        [("y", kind)],
        opset=12,
        static=True,
        kernel_shape=[kernel, kernel],
        strides=[stride, stride],
        pads=[pad] * 4,
    )
    inputs = feed(model, arrays)
    same([lt.compile(model)(**inputs)], onnxruntime_outputs(model, inputs))


@pytest.mark.parametrize("window", WINDOWS[:4])
def test_nan_in_windows(window):
    """A window with NaN has NaN as its maximum, wherever in it that is."""
    kernel, _, _, pad = window
    array = RNG.uniform(-1, 1, (1, 16, 18, 19)).astype(np.float32)
    array[RNG.random(array.shape) < 0.01] = np.nan
    model = model_of(
        "MaxPool",
        [array],
        [("y", np.float32)],
        opset=12,
        static=True,
        kernel_shape=[kernel, kernel],
        pads=[pad] * 4,
    )
    padded = np.pad(
        array, [(0, 0), (0, 0), (pad, pad), (pad, pad)], constant_values=np.float32(-np.inf)
    )
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(2, 3))
    same([lt.compile(model)(**feed(model, [array]))], [windows.max(axis=(4, 5))])
