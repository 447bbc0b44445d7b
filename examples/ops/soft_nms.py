"""Soft-NMS: scores of boxes decay with their overlap, the best one is taken each time."""

import numpy as np

import longtail as lt
from longtail import f32, i64
from nms import boxes_of, iou


@lt.op
def soft_nms(boxes: f32["M 4"], scores: f32["M"], sigma: float):
    M = boxes.shape[0]
    s = scores.copy()
    order = lt.zeros(M, i64)
    final = lt.zeros(M, f32)
    for i in range(M):
        best = 0
        for j in range(M):
            if s[j] > s[best]:
                best = j
        order[i] = best
        final[i] = s[best]
        s[best] = -1.0
        for j in lt.grid(M):
            w = max(min(boxes[best, 2], boxes[j, 2]) - max(boxes[best, 0], boxes[j, 0]), f32(0))
            h = max(min(boxes[best, 3], boxes[j, 3]) - max(boxes[best, 1], boxes[j, 1]), f32(0))
            inter = w * h
            one = (boxes[best, 2] - boxes[best, 0]) * (boxes[best, 3] - boxes[best, 1])
            two = (boxes[j, 2] - boxes[j, 0]) * (boxes[j, 3] - boxes[j, 1])
            iou = inter / (one + two - inter)
            if s[j] >= 0:
                s[j] *= lt.exp(-iou * iou / sigma)
    return order, final


def reference(boxes, scores, sigma):
    left, s, order, final = list(range(len(scores))), scores.astype(np.float64), [], []
    while left:
        best = max(left, key=lambda k: s[k])
        left.remove(best)
        order.append(best)
        final.append(s[best])
        for j in left:
            s[j] *= np.exp(-(iou(boxes[best], boxes[j]) ** 2) / sigma)
    return np.array(order, np.int64), np.array(final, np.float32)


def cases(rng):
    for count in (1, 30):
        yield {"boxes": boxes_of(rng, count), "scores": rng.random(count, np.float32), "sigma": 0.5}


OPERATORS = [(soft_nms, reference, cases)]
