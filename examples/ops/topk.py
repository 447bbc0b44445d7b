"""The greatest elements of each row with their positions, and running sums."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def topk(x: f32["N M"], *, k: lt.const):
    return lt.topk(x, k, axis=1)


@lt.op
def cumsum(x: f32["N M"], *, axis: lt.const):
    return lt.cumsum(x, axis)


def topk_reference(x, *, k):
    order = np.argsort(-x, 1, kind="stable")[:, :k]
    return np.take_along_axis(x, order, 1), order


def cumsum_reference(x, *, axis):
    return np.cumsum(x, axis)


def topk_cases(rng):
    for rows, columns, k in ((3, 17, 4), (1, 1, 1), (2, 5, 5)):
        yield {"x": rng.integers(0, 9, (rows, columns)).astype(np.float32), "k": k}


def cumsum_cases(rng):
    yield {"x": rng.random((4, 9), np.float32), "axis": 1}
    yield {"x": rng.random((4, 9), np.float32), "axis": 0}


OPERATORS = [(topk, topk_reference, topk_cases), (cumsum, cumsum_reference, cumsum_cases)]
