"""Whether two results of an operator are the same."""

from __future__ import annotations

from typing import Any

import numpy as np


def compare(actual: Any, expected: Any, what: str, rtol: float, atol: float) -> None:
    """Raises AssertionError that says how `actual` differs: values, shapes, types, structure."""
    if isinstance(expected, tuple | list):
        if not isinstance(actual, tuple | list) or len(actual) != len(expected):
            raise AssertionError(f"{what}: {len(expected)} results expected")
        for k, (a, b) in enumerate(zip(actual, expected, strict=True)):
            compare(a, b, f"{what}, result {k}", rtol, atol)
        return
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape:
        raise AssertionError(f"{what}: shape {actual.shape}, expected {expected.shape}")
    if actual.dtype != expected.dtype:
        raise AssertionError(f"{what}: {actual.dtype}, expected {expected.dtype}")
    if actual.dtype.kind in "biu":
        np.testing.assert_array_equal(actual, expected, err_msg=what)
        return
    # bf16 is none of NumPy's own types.
    eps = {"float16": 2.0**-10, "bfloat16": 2.0**-7}.get(actual.dtype.name, 0.0)
    np.testing.assert_allclose(
        actual.astype(np.float64),
        expected.astype(np.float64),
        max(rtol, 4 * eps),
        max(atol, eps),
        err_msg=what,
    )


def same(actual: Any, expected: Any, rtol: float, atol: float) -> bool:
    """Whether `compare` finds nothing."""
    try:
        compare(actual, expected, "", rtol, atol)
    except AssertionError:
        return False
    return True
