"""Non-maximum suppression: the number of results depends on the data."""

import numpy as np

import longtail as lt
from longtail import bool_, f32, i64


@lt.op
def nms(boxes: f32["M 4"], scores: f32["M"], thr: float):
    M = boxes.shape[0]
    order = lt.argsort(scores, descending=True)
    b = boxes[order]
    area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    dead = lt.zeros(M, bool_)
    keep = lt.List(i64, max=M)
    for i in range(M):
        if dead[i]:
            continue
        keep.append(order[i])
        for j in lt.grid((i + 1, M)):
            w = max(min(b[i, 2], b[j, 2]) - max(b[i, 0], b[j, 0]), f32(0))
            h = max(min(b[i, 3], b[j, 3]) - max(b[i, 1], b[j, 1]), f32(0))
            inter = w * h
            dead[j] |= inter > thr * (area[i] + area[j] - inter)
    return keep.array()


@lt.op
def batched_nms(boxes: f32["M 4"], scores: f32["M"], labels: i64["M"], thr: float):
    """Boxes of different classes do not meet: each class is moved to a place of its own."""
    far = (boxes.max() + 1) * labels.astype(f32)
    return nms(boxes + far[:, None], scores, thr)


def nms_reference(boxes, scores, thr):
    return batched_reference(boxes, scores, np.zeros(len(scores), int), thr)


def batched_reference(boxes, scores, labels, thr):
    keep = []
    for i in np.argsort(-scores, kind="stable"):
        if all(labels[i] != labels[k] or iou(boxes[i], boxes[k]) <= thr for k in keep):
            keep.append(i)
    return np.array(keep, np.int64)


def iou(a, b):
    w = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    h = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    both = w * h
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def boxes_of(rng, count):
    corner = rng.random((count, 2), np.float32) * 10
    return np.concatenate([corner, corner + 1 + rng.random((count, 2), np.float32) * 4], 1)


def nms_cases(rng):
    for count in (0, 1, 7, 80):
        yield {"boxes": boxes_of(rng, count), "scores": rng.random(count, np.float32), "thr": 0.3}


def batched_cases(rng):
    for count in (1, 60):
        labels = rng.integers(0, 3, count)
        yield {
            "boxes": boxes_of(rng, count),
            "scores": rng.random(count, np.float32),
            "labels": labels,
            "thr": 0.3,
        }


OPERATORS = [(nms, nms_reference, nms_cases), (batched_nms, batched_reference, batched_cases)]
