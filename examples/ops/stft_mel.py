"""Log-mel features: windows of a signal, a Fourier transform as two products, mel bands."""

import math

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def stft_mel(x: f32["T"], mel: f32["B F"], *, n: lt.const, hop: lt.const):
    frames = lt.window(lt.pad(x, ((n // 2, n // 2),), "reflect"), (0,), (n,), hop)
    k = lt.arange(n).astype(f32)
    hann = 0.5 - 0.5 * lt.cos(k * (2 * math.pi / n))
    turn = (lt.arange(n // 2 + 1)[:, None] * lt.arange(n)) % n
    angle = turn.astype(f32) * (2 * math.pi / n)
    y = frames * hann
    re = lt.einsum("tn,fn->tf", y, lt.cos(angle))
    im = lt.einsum("tn,fn->tf", y, lt.sin(angle))
    return lt.log(lt.einsum("tf,bf->bt", re * re + im * im, mel) + 1e-6)


def reference(x, mel, *, n, hop):
    padded = np.pad(x.astype(np.float64), n // 2, mode="reflect")
    hann = np.hanning(n + 1)[:n]
    starts = range(0, len(padded) - n + 1, hop)
    power = np.array([np.abs(np.fft.rfft(padded[s : s + n] * hann)) ** 2 for s in starts])
    return np.log(mel @ power.T + 1e-6).astype(np.float32)


def cases(rng):
    for length in (40, 101):
        x = rng.standard_normal(length).astype(np.float32)
        yield {"x": x, "mel": rng.random((5, 17), np.float32), "n": 32, "hop": 10}


OPERATORS = [(stft_mel, reference, cases)]
