"""Hard-negative mining: all positives, and of the negatives those of the greatest loss."""

import numpy as np

import longtail as lt
from longtail import bool_, f32


@lt.op
def hard_negatives(loss: f32["N A"], positive: bool_["N A"], *, ratio: lt.const = 3):
    """Which anchors count: up to `ratio` negatives for each positive of the same image."""
    order = lt.argsort(lt.where(positive, -np.inf, loss), axis=1, descending=True)
    rank = lt.argsort(order, axis=1)
    return positive | (rank < ratio * positive.sum(axis=1, keepdims=True))


def reference(loss, positive, *, ratio):
    out = positive.copy()
    for n in range(len(loss)):
        negatives = np.flatnonzero(~positive[n])
        hardest = sorted(negatives, key=lambda a: -loss[n, a])
        out[n, hardest[: ratio * int(positive[n].sum())]] = True
    return out


def cases(rng):
    for images, anchors in ((1, 1), (3, 41), (2, 8)):
        loss = rng.random((images, anchors), np.float32)
        yield {"loss": loss, "positive": rng.random((images, anchors)) < 0.15, "ratio": 3}


OPERATORS = [(hard_negatives, reference, cases)]
