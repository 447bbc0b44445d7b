"""Swin: windows back to an image, and the shift undone."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def window_reverse(y: f32["T P C"], *, H: lt.const, W: lt.const, win: lt.const, shift: lt.const):
    T, P, C = y.shape
    B = T // ((H // win) * (W // win))
    assert T % ((H // win) * (W // win)) == 0
    x = lt.reshape(y, (B, H // win, W // win, win, win, C))
    x = lt.reshape(lt.permute(x, (0, 1, 3, 2, 4, 5)), (B, H, W, C))
    return lt.roll(x, (shift, shift), (1, 2))


def reference(y, *, H, W, win, shift):
    rows, columns = H // win, W // win
    out = np.empty((len(y) // (rows * columns), H, W, y.shape[2]), y.dtype)
    for t, tile in enumerate(y):
        b, i, j = t // (rows * columns), t // columns % rows * win, t % columns * win
        out[b, i : i + win, j : j + win] = tile.reshape(win, win, -1)
    return np.roll(out, (shift, shift), (1, 2))


def cases(rng):
    for batch, shift in ((1, 0), (2, 3)):
        y = rng.random((batch * 6, 49, 5), np.float32)
        yield {"y": y, "H": 14, "W": 21, "win": 7, "shift": shift}


OPERATORS = [(window_reverse, reference, cases)]
