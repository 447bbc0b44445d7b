"""Sums of rows of a table: the rows of bag b are index[offsets[b]:offsets[b + 1]]."""

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def embedding_bag(table: f32["V D"], index: i64["L"], offsets: i64["B+1"]):
    D = table.shape[1]
    B = offsets.shape[0] - 1
    out = lt.zeros((B, D), f32)
    for b in lt.grid(B):
        for k in range(offsets[b], offsets[b + 1]):
            out[b, :] += table[index[k], :]
    return out


def reference(table, index, offsets):
    bags = [table[index[a:b]].sum(0) for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
    return np.array(bags, np.float32).reshape(len(offsets) - 1, table.shape[1])


def cases(rng):
    for lengths in ([3, 0, 5], [1], []):
        offsets = np.cumsum([0, *lengths])
        index = rng.integers(0, 11, offsets[-1])
        yield {"table": rng.random((11, 6), np.float32), "index": index, "offsets": offsets}


OPERATORS = [(embedding_bag, reference, cases)]
