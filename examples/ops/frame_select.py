"""Motion-adaptive selection: a frame is kept where it differs enough from the last kept one."""

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def frame_select(frames: f32["T H W"], thr: float):
    T, H, W = frames.shape
    keep = lt.List(i64, max=T)
    last = 0
    for t in range(T):
        moved = f32(0)
        for i, j in lt.grid(H, W):
            moved += abs(frames[t, i, j] - frames[last, i, j])
        if t == 0 or moved > thr * (H * W):
            keep.append(t)
            last = t
    return keep.array()


def reference(frames, thr):
    keep = []
    for t in range(len(frames)):
        if not keep or np.abs(frames[t] - frames[keep[-1]]).mean() > thr:
            keep.append(t)
    return np.array(keep, np.int64)


def cases(rng):
    frames = np.cumsum(rng.random((12, 1, 1), np.float32) * 0.3, 0) + np.zeros(
        (1, 4, 5), np.float32
    )
    yield {"frames": frames.astype(np.float32), "thr": 0.4}
    yield {"frames": frames[:0].astype(np.float32), "thr": 0.4}


OPERATORS = [(frame_select, reference, cases)]
