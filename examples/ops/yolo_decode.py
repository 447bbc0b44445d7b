"""YOLOv8: boxes from distributions over distances, with class scores."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def yolo_decode(x: f32["D H W"], *, bins: lt.const, stride: lt.const):
    D, H, W = x.shape
    d = lt.reshape(x[: 4 * bins], (4, bins, H, W))
    e = lt.exp(d - d.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    far = lt.einsum("kbhw,b->khw", p, lt.arange(bins).astype(f32))
    cx = lt.arange(W).astype(f32) + 0.5
    cy = (lt.arange(H).astype(f32) + 0.5)[:, None]
    box = lt.stack([cx - far[0], cy - far[1], cx + far[2], cy + far[3]]) * stride
    scores = 1 / (1 + lt.exp(-x[4 * bins :]))
    return lt.reshape(box, (4, H * W)).T, lt.reshape(scores, (D - 4 * bins, H * W)).T


def reference(x, *, bins, stride):
    D, H, W = x.shape
    boxes, scores = [], []
    for i in range(H):
        for j in range(W):
            e = np.exp(x[: 4 * bins, i, j].reshape(4, bins).astype(np.float64))
            left, up, right, down = (e / e.sum(1, keepdims=True)) @ np.arange(bins)
            boxes.append(
                np.array([j + 0.5 - left, i + 0.5 - up, j + 0.5 + right, i + 0.5 + down]) * stride
            )
            scores.append(1 / (1 + np.exp(-x[4 * bins :, i, j])))
    return np.array(boxes, np.float32), np.array(scores, np.float32)


def cases(rng):
    yield {"x": rng.standard_normal((4 * 16 + 5, 3, 4)).astype(np.float32), "bins": 16, "stride": 8}


OPERATORS = [(yolo_decode, reference, cases)]
