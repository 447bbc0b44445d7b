"""Softmax and the maximum of rows: all lengths, NaN and infinities at any place of a row."""

from __future__ import annotations

import numpy as np
import pytest

from one_node import compare, reference_outputs

RNG = np.random.default_rng(7)


def rows(count: int, length: int, kind: type) -> np.ndarray:
    return RNG.uniform(-20, 20, (count, length)).astype(kind)


def spoiled(count: int, length: int, kind: type) -> np.ndarray:
    """Each row but the first has NaN or an infinity somewhere; one has nothing else."""
    array = rows(count, length, kind)
    values = [np.nan, np.inf, -np.inf, -np.nan]
    for row in range(1, count):
        array[row, RNG.integers(length)] = values[row % len(values)]
    array[count // 2] = np.nan
    return array


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_rows_of_any_length(op, static, kind):
    for length in (1, 3, 16, 17, 64, 65, 130, 1000) if static else (130,):
        cases = [[rows(5, n, kind)] for n in ([length] if static else (1, 7, 16, 33, 64, 255, 600))]
        compare(op, cases, [("y", kind)], opset=13, static=static, axis=-1, rtol=2e-6)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("length", [3, 16, 40, 64, 200])
@pytest.mark.parametrize("static", [False, True])
def test_rows_with_nan(static, length, kind):
    with np.errstate(invalid="ignore"):
        compare(
            "Softmax",
            [[spoiled(9, length, kind)]],
            [("y", kind)],
            opset=13,
            static=static,
            axis=-1,
            oracle=reference_outputs,
            rtol=2e-6,
        )


@pytest.mark.parametrize("op", ["ReduceMax", "ReduceMin"])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("length", [1, 15, 64, 200])
def test_extremes_with_nan(length, kind, op):
    compare(
        op,
        [[spoiled(9, length, kind), np.array([1])], [rows(9, length, kind), np.array([1])]],
        [("y", kind)],
        opset=18,
        constants=[1],
        oracle=reference_outputs,
    )
