"""Swin: shifted windows of an image, one row of tokens each, and the way back."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def window_partition(x: f32["B H W C"], *, win: lt.const, shift: lt.const):
    B, H, W, C = x.shape
    assert H % win == 0 and W % win == 0
    y = lt.roll(x, (-shift, -shift), (1, 2))
    y = lt.reshape(y, (B, H // win, win, W // win, win, C))
    y = lt.permute(y, (0, 1, 3, 2, 4, 5))
    return lt.reshape(y, (B * (H // win) * (W // win), win * win, C))


def reference(x, *, win, shift):
    B, H, W, C = x.shape
    rolled = np.roll(x, (-shift, -shift), (1, 2))
    tiles = [
        rolled[b, i : i + win, j : j + win].reshape(win * win, C)
        for b in range(B)
        for i in range(0, H, win)
        for j in range(0, W, win)
    ]
    return np.stack(tiles)


def cases(rng):
    for batch, height, width, shift in ((1, 7, 7, 0), (2, 14, 21, 3)):
        yield {"x": rng.random((batch, height, width, 5), np.float32), "win": 7, "shift": shift}


OPERATORS = [(window_partition, reference, cases)]
