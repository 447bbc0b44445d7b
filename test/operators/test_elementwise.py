"""Functions of one number at the arguments where formulas break: zeros, infinities, the tiny."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from one_node import feed, model_of

HYPERBOLIC = {
    "Sinh": np.sinh,
    "Cosh": np.cosh,
    "Asinh": np.arcsinh,
    "Acosh": np.arccosh,
    "Atanh": np.arctanh,
}


@pytest.mark.parametrize("operator", HYPERBOLIC)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_hyperbolic_functions(operator, dtype):
    """Within two units in the last place of f64, correctly rounded below; the zeros keep signs."""
    rng = np.random.default_rng(4)
    with np.errstate(all="ignore"):
        x = np.concatenate(
            [
                [0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 5e-324, 1e-40],
                rng.uniform(-1, 1, 3000),
                rng.uniform(-90, 90, 3000),
                10.0 ** rng.uniform(-30, 30, 3000),
            ]
        ).astype(dtype)
        expected = HYPERBOLIC[operator](x.astype(np.longdouble)).astype(dtype)
    model = model_of(operator, [x], [("y", dtype)], opset=22)
    actual = lt.compile(model)(**feed(model, [x]))
    units = 2 if dtype == np.float64 else 0
    infinite = ~np.isfinite(expected)
    np.testing.assert_array_equal(actual[infinite], expected[infinite])
    np.testing.assert_array_max_ulp(actual[~infinite], expected[~infinite], units)
    zeros = expected == 0
    np.testing.assert_array_equal(np.signbit(actual[zeros]), np.signbit(expected[zeros]))
