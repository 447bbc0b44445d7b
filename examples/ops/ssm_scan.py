"""A state-space scan: a recurrence over time for each channel."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def ssm_scan(u: f32["T C"], delta: f32["T C"], a: f32["C S"], b: f32["T S"], c: f32["T S"]):
    T, C = u.shape
    S = a.shape[1]
    out = lt.zeros((T, C), f32)
    state = lt.zeros((C, S), f32)
    for k in lt.grid(C):
        for t in range(T):
            y = f32(0)
            for s in range(S):
                state[k, s] = (
                    state[k, s] * lt.exp(delta[t, k] * a[k, s]) + delta[t, k] * b[t, s] * u[t, k]
                )
                y += state[k, s] * c[t, s]
            out[t, k] = y
    return out


def reference(u, delta, a, b, c):
    state, out = np.zeros(a.shape), []
    for t in range(len(u)):
        state = state * np.exp(delta[t][:, None] * a) + (delta[t] * u[t])[:, None] * b[t]
        out.append(state @ c[t])
    return np.array(out, np.float32)


def cases(rng):
    r = lambda *s: rng.random(s, np.float32)
    yield {"u": r(9, 4), "delta": r(9, 4), "a": -r(4, 3), "b": r(9, 3), "c": r(9, 3)}


OPERATORS = [(ssm_scan, reference, cases)]
