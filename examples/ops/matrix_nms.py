"""Matrix-NMS: every score decays with the overlaps of better boxes, without a sequence."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def matrix_nms(boxes: f32["M 4"], scores: f32["M"]):
    order = lt.argsort(scores, descending=True)
    b, s = boxes[order], scores[order]
    low = lt.maximum(b[:, None, :2], b[None, :, :2])
    high = lt.minimum(b[:, None, 2:], b[None, :, 2:])
    inter = lt.clip(high - low, 0, None).prod(axis=2)
    area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    iou = inter / (area[:, None] + area[None, :] - inter)
    rank = lt.arange(scores.shape[0])
    iou = lt.where(rank[:, None] < rank[None, :], iou, 0)
    most = iou.max(axis=0)
    decay = ((1 - iou) / (1 - most[:, None])).min(axis=0)
    return order, s * decay


def reference(boxes, scores):
    order = np.argsort(-scores, kind="stable")
    b, s = boxes[order].astype(np.float64), scores[order].astype(np.float64)
    iou = np.zeros((len(s), len(s)))
    for i, j in np.ndindex(*iou.shape):
        if i < j:
            w = max(min(b[i, 2], b[j, 2]) - max(b[i, 0], b[j, 0]), 0)
            h = max(min(b[i, 3], b[j, 3]) - max(b[i, 1], b[j, 1]), 0)
            areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (b[i], b[j])]
            iou[i, j] = w * h / (sum(areas) - w * h)
    most = iou.max(0)
    decay = ((1 - iou) / (1 - most[:, None])).min(0)
    return order, (s * decay).astype(np.float32)


def cases(rng):
    for count in (1, 20):
        corner = rng.random((count, 2), np.float32) * 10
        boxes = np.concatenate([corner, corner + 1 + rng.random((count, 2), np.float32) * 4], 1)
        yield {"boxes": boxes, "scores": rng.random(count, np.float32)}


OPERATORS = [(matrix_nms, reference, cases)]
