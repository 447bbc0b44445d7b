"""Loops in sequential code whose trips run side by side give what one trip after another gives."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from longtail import f32, f64


@lt.op
def smoothed(x: f32["T N"]):
    """Each step decays from the last one; its elements read their neighbours there."""
    T, N = x.shape
    state, old = lt.zeros(N, f32), lt.zeros(N, f32)
    for t in range(T):
        for n in range(N):
            old[n] = state[n]
        for n in range(N):
            left = old[n - 1] if n > 0 else f32(0)
            right = old[n + 1] if n + 1 < N else left
            if x[t, n] > 0:
                state[n] = lt.exp(-left * right) + x[t, n]
            else:
                state[n] = lt.log(1 + old[n] * old[n])
    return state


@lt.op
def spread(x: f64["T N"]):
    """Writes every trip's element at a distance, in a row that the step chooses."""
    T, N = x.shape
    out = lt.zeros((2, N + 3), f64)
    for t in range(T):
        for n in range(N):
            out[t % 2, n + 3] += lt.sin(x[t, n])
    return out


@lt.op
def colliding(x: f32["N"]):
    """Two trips write one element: they stay in their order."""
    N = x.shape[0]
    out = lt.zeros(N, f32)
    for _ in range(2):
        for n in range(N):
            out[n // 2] += lt.exp(x[n])
    return out


@pytest.mark.parametrize("size", [0, 1, 2, 15, 16, 17, 33, 100])
def test_trips(size: int) -> None:
    rng = np.random.default_rng(size)
    for steps in (0, 1, 5):
        x = rng.standard_normal((steps, size)).astype(np.float32)
        np.testing.assert_allclose(smoothed(x), smoothed.python(x), rtol=2e-6, atol=1e-6)
        y = rng.standard_normal((steps, size))
        np.testing.assert_allclose(spread(y), spread.python(y), rtol=1e-12, atol=1e-14)
    x = rng.standard_normal(size).astype(np.float32)
    np.testing.assert_allclose(colliding(x), colliding.python(x), rtol=2e-6)
