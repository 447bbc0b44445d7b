"""CTC prefix beam search: the K likeliest labellings so far, each with the sum of its paths."""

import numpy as np

import longtail as lt
from longtail import f32, f64, i64


@lt.op
def ctc_beam(prob: f32["T V"], *, K: lt.const, blank: lt.const = 0):
    T, V = prob.shape
    word, length = lt.full((2, K, T), -1, i64), lt.zeros((2, K), i64)
    ends = lt.zeros((2, K, 2), f64)  # paths that end in a blank, and those that do not
    ends[0, 0, 0] = 1.0
    go = lt.zeros((K, V, 2), f64)  # labelling k and one more symbol; with `blank`: k as it is
    for t in range(T):
        old, new = t % 2, (t + 1) % 2
        for k in range(K):
            n = length[old, k]
            last = word[old, k, n - 1] if n > 0 else blank
            for v in range(V):
                any_end = ends[old, k].sum()
                go[k, v, 0] = any_end * prob[t, blank] if v == blank else 0.0
                go[k, v, 1] = (ends[old, k, 0] if v == last else any_end) * prob[t, v]
            go[k, blank, 1] = ends[old, k, 1] * prob[t, last] if n > 0 else 0.0
        for k in range(K):  # labelling j and its last symbol again is labelling k
            for j in range(K):
                n = length[old, k]
                same = n > 0 and length[old, j] == n - 1 and ends[old, k].sum() > 0
                for s in range(n - 1):
                    same = same and word[old, j, s] == word[old, k, s]
                if same:
                    go[k, blank, 1] += go[j, word[old, k, n - 1], 1]
                    go[j, word[old, k, n - 1], 1] = 0.0
        for k in range(K):
            j, v = 0, 0
            for i in range(K * V):
                if go[i // V, i % V].sum() > go[j, v].sum():
                    j, v = i // V, i % V
            n = length[old, j]
            for s in range(T):
                word[new, k, s] = v if v != blank and s == n else word[old, j, s]
            length[new, k] = n if v == blank else n + 1
            for e in range(2):
                ends[new, k, e], go[j, v, e] = go[j, v, e], 0.0
    return word[T % 2], length[T % 2], ends[T % 2].sum(axis=1)


def reference(prob, *, K, blank):
    """Labellings as keys of a dictionary."""
    beams = {(): (1.0, 0.0)}
    for row in prob.astype(np.float64):
        found: dict = {}
        for word, (in_blank, in_symbol) in beams.items():
            for v, p in enumerate(row):
                if v == blank:
                    more = [(word, ((in_blank + in_symbol) * p, 0.0))]
                elif word and v == word[-1]:
                    more = [(word, (0.0, in_symbol * p)), ((*word, v), (0.0, in_blank * p))]
                else:
                    more = [((*word, v), (0.0, (in_blank + in_symbol) * p))]
                for key, ends in more:
                    found[key] = tuple(np.add(found.get(key, (0.0, 0.0)), ends))
        beams = dict(sorted(found.items(), key=lambda item: -sum(item[1]))[:K])
    words = np.full((K, len(prob)), -1, np.int64)
    lengths, total = np.zeros(K, np.int64), np.zeros(K)
    for k, (word, ends) in enumerate(beams.items()):
        words[k, : len(word)], lengths[k], total[k] = word, len(word), sum(ends)
    return words, lengths, total


def cases(rng):
    for steps, symbols, beams in ((1, 3, 2), (9, 4, 3), (12, 3, 7)):
        prob = rng.random((steps, symbols), np.float32)
        yield {"prob": prob / prob.sum(1, keepdims=True), "K": beams, "blank": 0}


OPERATORS = [(ctc_beam, reference, cases)]
