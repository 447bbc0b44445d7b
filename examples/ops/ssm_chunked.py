"""A state-space scan in chunks: matrix products within each, a recurrence between them."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def ssm_chunked(
    x: f32["T P"], decay: f32["T"], b: f32["T S"], c: f32["T S"], *, chunk: lt.const = 16
):
    """`decay` is the logarithm of the factor of the state at each step."""
    T, P = x.shape
    S = b.shape[1]
    assert T % chunk == 0
    N = T // chunk
    x, b = lt.reshape(x, (N, chunk, P)), lt.reshape(b, (N, chunk, S))
    c = lt.reshape(c, (N, chunk, S))
    so_far = lt.cumsum(lt.reshape(decay, (N, chunk)), axis=1)
    k = lt.arange(chunk)
    between = lt.where(k[:, None] >= k, so_far[:, :, None] - so_far[:, None, :], -np.inf)
    within = lt.einsum("nis,njs->nij", c, b) * lt.exp(between)
    added = lt.einsum("njs,njp->nsp", b * lt.exp(so_far[:, -1:] - so_far)[:, :, None], x)
    state = lt.zeros((N, S, P), f32)
    for n in range(1, N):
        for s in range(S):
            for p in range(P):
                kept = state[n - 1, s, p] * lt.exp(so_far[n - 1, chunk - 1])
                state[n, s, p] = kept + added[n - 1, s, p]
    y = lt.einsum("nij,njp->nip", within, x)
    y = y + lt.einsum("nis,nsp->nip", c * lt.exp(so_far)[:, :, None], state)
    return lt.reshape(y, (T, P))


def reference(x, decay, b, c, *, chunk):
    state, out = np.zeros((b.shape[1], x.shape[1])), []
    for t in range(len(x)):
        state = state * np.exp(np.float64(decay[t])) + np.outer(b[t], x[t])
        out.append(c[t] @ state)
    return np.array(out, np.float32).reshape(x.shape)


def cases(rng):
    r = lambda *s: rng.random(s, np.float32)
    for steps, chunk in ((35, 7), (5, 5), (9, 1)):
        yield {
            "x": r(steps, 3),
            "decay": -r(steps),
            "b": r(steps, 5),
            "c": r(steps, 5),
            "chunk": chunk,
        }


OPERATORS = [(ssm_chunked, reference, cases)]
