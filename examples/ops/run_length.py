"""Run lengths: encoding and decoding; the number of results depends on the data."""

import numpy as np

import longtail as lt
from longtail import i64


@lt.op
def run_length_decode(values: i64["R"], counts: i64["R"], *, limit: lt.const):
    out = lt.List(i64, max=limit)
    for r in range(values.shape[0]):
        for _ in range(counts[r]):
            out.append(values[r])
    return out.array()


@lt.op
def run_starts(x: i64["N"]):
    """Where each run begins: `x[starts]` are the values, differences of starts the counts."""
    N = x.shape[0]
    starts = lt.List(i64, max=N)
    for n in range(N):
        if n == 0 or x[n] != x[max(n - 1, 0)]:
            starts.append(n)
    return starts.array()


def decode_reference(values, counts, *, limit):
    return np.repeat(values, counts)


def starts_reference(x):
    return np.flatnonzero(np.diff(x, prepend=x[:1] - 1))


def decode_cases(rng):
    for runs in (0, 1, 9):
        counts = rng.integers(0, 5, runs)
        yield {"values": rng.integers(-9, 9, runs), "counts": counts, "limit": 50}


def starts_cases(rng):
    for size in (0, 1, 37):
        yield {"x": rng.integers(0, 3, size)}


OPERATORS = [
    (run_length_decode, decode_reference, decode_cases),
    (run_starts, starts_reference, starts_cases),
]
