"""CTC: greedy decoding, and the loss: all states of a step at once."""

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def ctc_greedy(logp: f32["T V"], *, blank: lt.const = 0):
    T, V = logp.shape
    best = logp.argmax(axis=1)
    out = lt.List(i64, max=T)
    last = blank
    for t in range(T):
        if best[t] != blank and best[t] != last:
            out.append(best[t])
        last = best[t]
    return out.array()


@lt.op
def ctc_loss(logp: f32["T V"], target: i64["L"], *, blank: lt.const = 0):
    T, V = logp.shape
    L = target.shape[0]
    a = lt.full(2 * L + 1, -np.inf, f32)
    old = lt.full(2 * L + 1, -np.inf, f32)
    for t in range(T):
        for s in lt.grid(2 * L + 1):
            old[s] = a[s]
        for s in lt.grid(2 * L + 1):
            label = target[s // 2] if s % 2 == 1 else blank
            stay = old[s] if t > 0 else f32(0) if s == 0 else f32(-np.inf)
            one = old[s - 1] if s > 0 else f32(-np.inf)
            one = f32(0) if t == 0 and s == 1 else one
            skip = s % 2 == 1 and s > 1 and target[s // 2] != target[s // 2 - 1]
            two = old[s - 2] if skip else f32(-np.inf)
            m = max(max(max(stay, one), two), f32(-1e30))  # finite also where no path leads
            total = lt.log(lt.exp(stay - m) + lt.exp(one - m) + lt.exp(two - m))
            a[s] = m + total + logp[t, label]
    x, y = a[2 * L], f32(-np.inf)
    for s in range(max(2 * L - 1, 0), 2 * L):
        y = a[s]
    m = max(max(x, y), f32(-1e30))
    return -(m + lt.log(lt.exp(x - m) + lt.exp(y - m)))


def greedy_reference(logp, *, blank):
    best = logp.argmax(1)
    return np.array(
        [v for t, v in enumerate(best) if v != blank and (t == 0 or v != best[t - 1])], np.int64
    )


def loss_reference(logp, target, *, blank):
    prob = np.exp(logp.astype(np.float64))
    total = 0.0
    for path in np.ndindex(*(logp.shape[1],) * logp.shape[0]):
        word = [v for t, v in enumerate(path) if v != blank and (t == 0 or v != path[t - 1])]
        if word == list(target):
            total += np.prod([prob[t, v] for t, v in enumerate(path)])
    with np.errstate(divide="ignore"):
        return np.float32(-np.log(total))


def _logp(rng, steps, symbols):
    x = rng.standard_normal((steps, symbols))
    return (x - np.log(np.exp(x).sum(1, keepdims=True))).astype(np.float32)


def greedy_cases(rng):
    for steps in (1, 12):
        yield {"logp": _logp(rng, steps, 4), "blank": 0}


def loss_cases(rng):
    for target in ([], [1], [1, 2], [2, 2], [1, 1, 1, 1]):
        yield {"logp": _logp(rng, 5, 3), "target": np.array(target, np.int64), "blank": 0}


OPERATORS = [(ctc_greedy, greedy_reference, greedy_cases), (ctc_loss, loss_reference, loss_cases)]
