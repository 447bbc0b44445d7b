"""Positions that lines have in common, and lanes that read near one another."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from longtail import f32, f64, i32, u8


@lt.op
def columns_f32(x: f32["H W"], *, OW: lt.const, num: lt.const, den: lt.const, start: lt.const):
    H, W = x.shape
    out = lt.zeros((H, OW), f32)
    for i, j in lt.grid(H, OW):
        out[i, j] = x[i, min(max(start + j * num // den, 0), W - 1)]
    return out


@lt.op
def columns_u8(x: u8["H W"], *, OW: lt.const, num: lt.const, den: lt.const, start: lt.const):
    H, W = x.shape
    out = lt.zeros((H, OW), u8)
    for i, j in lt.grid(H, OW):
        out[i, j] = x[i, min(max(start + j * num // den, 0), W - 1)]
    return out


@lt.op
def columns_i32(x: i32["H W"], *, OW: lt.const, num: lt.const, den: lt.const, start: lt.const):
    H, W = x.shape
    out = lt.zeros((H, OW), i32)
    for i, j in lt.grid(H, OW):
        out[i, j] = x[i, min(max(start + j * num // den, 0), W - 1)]
    return out


@lt.op
def columns_f64(x: f64["H W"], *, OW: lt.const, num: lt.const, den: lt.const, start: lt.const):
    H, W = x.shape
    out = lt.zeros((H, OW), f64)
    for i, j in lt.grid(H, OW):
        out[i, j] = x[i, min(max(start + j * num // den, 0), W - 1)]
    return out


@pytest.mark.parametrize("op", [columns_f32, columns_u8, columns_i32, columns_f64])
@pytest.mark.parametrize(
    ("OW", "num", "den", "start"),
    [
        (75, 3, 4, 0),  # lanes of a vector within one vector
        (75, 1, 7, 0),
        (40, 5, 2, 0),  # and not
        (75, -3, 4, 60),  # backwards
        (75, 1, 3, 40),  # up to the last element and beyond
    ],
)
def test_columns(op, OW, num, den, start) -> None:
    rng = np.random.default_rng(4)
    columns = np.clip(start + np.arange(OW) * num // den, 0, None)
    for sizes in [(7, 64), (5, 100), (9, 3), (4, 16), (1, 40), (0, 8)]:
        dtype = {"f32": np.float32, "u8": np.uint8, "i32": np.int32, "f64": np.float64}
        x = rng.integers(0, 256, sizes).astype(dtype[op.__name__.split("_")[1]])
        actual = op(x, OW=OW, num=num, den=den, start=start)
        np.testing.assert_array_equal(actual, x[:, np.minimum(columns, sizes[1] - 1)])


def test_lines_share_them() -> None:
    """A loop nest of its own computes positions, but not for a border."""
    text = str(columns_f32.explain((50, 64), OW=75, num=3, den=5, start=0))
    assert "loop nest 2" in text

    @lt.op
    def border(x: f32["H W"], *, OW: lt.const):
        H, W = x.shape
        out = lt.zeros((H, OW), f32)
        for i, j in lt.grid(H, OW):
            out[i, j] = x[i, min(max(j - 2, 0), W - 1)]
        return out

    assert "loop nest 2" not in str(border.explain((50, 64), OW=68))
