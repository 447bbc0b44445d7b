"""CumSum and CumProd along every axis, also where many elements lie side by side."""

from __future__ import annotations

import numpy as np
import pytest

from one_node import compare, reference_outputs

RNG = np.random.default_rng(3)
SHAPES = [
    (7,),
    (5, 300),
    (2, 6, 2048),
    (3, 4, 5000),
    (1, 9, 17),
    (2, 0, 64),
    (0, 3, 64),
    (3, 2, 15),
]


def numbers(shape: tuple[int, ...], kind: type) -> np.ndarray:
    if np.dtype(kind).kind == "f":
        return RNG.uniform(-1, 1, shape).astype(kind)
    return RNG.integers(0, 9, shape).astype(kind)


@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32, np.int64])
@pytest.mark.parametrize("shape", SHAPES)
def test_cumsum(shape, kind, exclusive, reverse):
    for axis in range(-1, len(shape) - 1):
        compare(
            "CumSum",
            [[numbers(shape, kind), np.array(axis, np.int64)]],
            [("y", kind)],
            opset=14,
            static=True,
            constants=[1],
            exclusive=exclusive,
            reverse=reverse,
            rtol=1e-5 if np.dtype(kind).kind == "f" else 0.0,
            oracle=reference_outputs,
        )


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_axis_that_is_an_input(kind):
    cases = [[numbers((4, 5, 33), kind), np.array(axis, np.int64)] for axis in (0, 1, 2, -1, -2)]
    compare(
        "CumSum",
        cases,
        [("y", kind)],
        opset=14,
        rtol=1e-2 if kind == np.float16 else 1e-5,
        oracle=reference_outputs,
    )
