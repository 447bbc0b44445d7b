"""MatMulInteger and grouped convolutions on every level of x86-64 that the machine has: exact."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import longtail as lt
from one_node import feed, model_of, onnxruntime_outputs

RNG = np.random.default_rng(11)
TARGETS = ["host", "x86-64-v2", "x86-64-v3", "x86-64-v4"]


def run(model, inputs, target: str) -> np.ndarray:
    try:
        compiled = lt.compile(model, target=target)
        return lt.load(compiled.to_bytes())(**inputs)
    except lt.Error as error:
        if target != "host" and "processor" in str(error):
            pytest.skip(f"this machine is no {target}")
        raise


def extremes(shape, dtype) -> np.ndarray:
    """All values of the type, the extreme ones often: pairs of their products saturate 16 bits."""
    info = np.iinfo(dtype)
    array = RNG.integers(info.min, info.max + 1, shape)
    array[RNG.random(shape) < 0.3] = info.min
    array[RNG.random(shape) < 0.3] = info.max
    return array.astype(dtype)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("types", list(itertools.product([np.uint8, np.int8], repeat=2)))
def test_every_depth_and_zero_point(types, target):
    left, right = types
    for rows, depth, columns, zeros in (
        (1, 1, 1, "none"), (3, 4, 16, "both"), (9, 7, 33, "columns"), (17, 130, 70, "left"),
        (2, 63, 5, "right"), (33, 512, 1, "columns"), (5, 16, 3, "none"),
    ):  # fmt: skip
        a, b = extremes((2, rows, depth), left), extremes((depth, columns), right)
        za = extremes((), left) if zeros in ("both", "left", "columns") else None
        zb = extremes((), right) if zeros in ("both", "right") else None
        if zeros == "columns":
            zb = extremes((columns,), right)
        for constants in ((1, 3), ()):
            arrays = [a, b, za, zb] if zb is not None else [a, b, za] if za is not None else [a, b]
            known = [n for n in constants if n < len(arrays) and arrays[n] is not None]
            model = model_of(
                "MatMulInteger", arrays, [("y", np.int32)], constants=known, fixed=(1,)
            )
            wide = [np.int64(0) if z is None else z.astype(np.int64) for z in (za, zb)]
            expected = (a.astype(np.int64) - wide[0]) @ (b.astype(np.int64) - wide[1])
            actual = run(model, feed(model, arrays), target)
            np.testing.assert_array_equal(actual, expected.astype(np.int32), f"{rows} {depth}")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("size", [4, 6, 16, 20])
def test_grouped_convolution(size, target):
    """Groups of as many output channels, with fewer inputs; whole numbers are summed exactly."""
    for groups, inputs, kernel in ((3, 2, 3), (2, 5, 1), (4, 1, 3)):
        x = RNG.integers(-8, 9, (2, groups * inputs, 7, 9)).astype(np.float32)
        w = RNG.integers(-8, 9, (groups * size, inputs, kernel, kernel)).astype(np.float32)
        b = RNG.integers(-8, 9, (groups * size,)).astype(np.float32)
        model = model_of(
            "Conv", [x, w, b], [("y", np.float32)], constants=(1, 2), opset=11, group=groups,
            pads=[kernel // 2] * 4,
        )  # fmt: skip
        inputs_of_model = feed(model, [x, w, b])
        expected = onnxruntime_outputs(model, inputs_of_model)[0]
        np.testing.assert_array_equal(run(model, inputs_of_model, target), expected)
