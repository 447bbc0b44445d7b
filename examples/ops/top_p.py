"""Top-p sampling: the token at a random number among the most likely ones."""

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def top_p(logits: f32["B V"], u: f32["B"], p: float):
    B, V = logits.shape
    e = lt.exp(logits - logits.max(axis=1, keepdims=True))
    prob = e / e.sum(axis=1, keepdims=True)
    order = lt.argsort(prob, axis=1, descending=True)
    token = lt.zeros(B, i64)
    for b in lt.grid(B):
        kept = f32(0)
        n = 0
        while n < V and kept < p:
            kept += prob[b, order[b, n]]
            n += 1
        acc = f32(0)
        chosen = order[b, 0]
        for k in range(n):
            acc += prob[b, order[b, k]]
            chosen = order[b, k]
            if acc >= u[b] * kept:
                break
        token[b] = chosen
    return token


def reference(logits, u, p):
    out = []
    for row, number in zip(logits.astype(np.float64), u, strict=True):
        e = np.exp(row - row.max())
        prob = e / e.sum()
        order = np.argsort(-prob, kind="stable")
        total = np.cumsum(prob[order])
        n = min(int(np.searchsorted(total, p)) + 1, len(row))
        out.append(order[min(int(np.searchsorted(total[:n], number * total[n - 1])), n - 1)])
    return np.array(out, np.int64)


def cases(rng):
    logits = rng.standard_normal((6, 20)).astype(np.float32)
    yield {"logits": logits, "u": rng.random(6, np.float32), "p": 0.8}


OPERATORS = [(top_p, reference, cases)]
