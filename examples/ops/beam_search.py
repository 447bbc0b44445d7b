"""One step of beam search: the best continuations of all beams, which are never stored."""

import numpy as np

import longtail as lt
from longtail import bool_, f32, i64


@lt.op
def beam_step(logp: f32["B K V"], score: f32["B K"], done: bool_["B K"], *, eos: lt.const):
    B, K, V = logp.shape
    frozen = lt.where(lt.arange(V) == eos, f32(0), f32(-np.inf))
    cand = score[:, :, None] + lt.where(done[:, :, None], frozen, logp)
    top, flat = lt.topk(lt.reshape(cand, (B, K * V)), K, axis=1)
    return top, flat // V, flat % V


@lt.op
def reorder(seq: i64["B K T"], parent: i64["B K"], token: i64["B K"], t: int):
    """The sequences of the chosen parents, with the new token at position `t`."""
    B, K, T = seq.shape
    out = lt.zeros((B, K, T), i64)
    for b, k in lt.grid(B, K):
        out[b, k, :] = seq[b, parent[b, k], :]
        out[b, k, t] = token[b, k]
    return out


def step_reference(logp, score, done, *, eos):
    tops, parents, tokens = [], [], []
    for lp, sc, dn in zip(logp, score, done, strict=True):
        found = []
        for k, v in np.ndindex(*lp.shape):
            value = lp[k, v] if not dn[k] else (0 if v == eos else -np.inf)
            found.append((sc[k] + np.float32(value), -k * lp.shape[1] - v, k, v))
        best = sorted(found, key=lambda f: f[:2], reverse=True)[: len(lp)]
        tops.append([f[0] for f in best])
        parents.append([f[2] for f in best])
        tokens.append([f[3] for f in best])
    return np.array(tops, np.float32), np.array(parents), np.array(tokens)


def reorder_reference(seq, parent, token, t):
    out = np.take_along_axis(seq, parent[:, :, None], 1)
    out[:, :, t] = token
    return out


def step_cases(rng):
    logp = rng.standard_normal((2, 3, 11)).astype(np.float32)
    score = rng.standard_normal((2, 3)).astype(np.float32)
    yield {"logp": logp, "score": score, "done": rng.random((2, 3)) > 0.5, "eos": 4}


def reorder_cases(rng):
    seq, token = rng.integers(0, 99, (2, 3, 5)), rng.integers(0, 99, (2, 3))
    yield {"seq": seq, "parent": rng.integers(0, 3, (2, 3)), "token": token, "t": 4}


OPERATORS = [(beam_step, step_reference, step_cases), (reorder, reorder_reference, reorder_cases)]
