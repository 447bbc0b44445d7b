"""Boxes of detectors: suppression in four ways, and the decoding of YOLO."""

from __future__ import annotations

import numpy as np
import torch
from numba import prange

import matrix_nms
import nms
import soft_nms
import yolo_decode
from language.rows import Row, boxes, floats, model, numbers


def _suppressed(boxes, scores, thr):
    M = boxes.shape[0]
    order = np.argsort(-scores, kind="mergesort")
    b = boxes[order]
    dead = np.zeros(M, np.bool_)
    keep = np.empty(M, np.int64)
    kept = 0
    for i in range(M):
        if dead[i]:
            continue
        keep[kept] = order[i]
        kept += 1
        one = (b[i, 2] - b[i, 0]) * (b[i, 3] - b[i, 1])
        for j in range(i + 1, M):
            w = max(min(b[i, 2], b[j, 2]) - max(b[i, 0], b[j, 0]), np.float32(0))
            h = max(min(b[i, 3], b[j, 3]) - max(b[i, 1], b[j, 1]), np.float32(0))
            both = w * h
            two = (b[j, 2] - b[j, 0]) * (b[j, 3] - b[j, 1])
            if both > thr * (one + two - both):
                dead[j] = True
    return keep[:kept].copy()


def _suppressed_torch(boxes, scores, thr):
    order = scores.argsort(descending=True, stable=True)
    b = boxes[order]
    area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    keep = []
    left = torch.arange(len(b))
    while len(left):
        i, left = left[0], left[1:]
        keep.append(order[i])
        size = torch.minimum(b[i, 2:], b[left, 2:]) - torch.maximum(b[i, :2], b[left, :2])
        both = size.clamp(min=0).prod(1)
        left = left[both <= thr * (area[i] + area[left] - both)]
    return torch.stack(keep)


def _batched(boxes, scores, labels, thr):
    M = boxes.shape[0]
    order = np.argsort(-scores, kind="mergesort")
    far = (boxes.max() + np.float32(1)) * labels.astype(np.float32)
    b = np.empty((M, 4), np.float32)
    for i in prange(M):
        for k in range(4):
            b[i, k] = boxes[order[i], k] + far[order[i]]
    dead = np.zeros(M, np.bool_)
    keep = np.empty(M, np.int64)
    kept = 0
    for i in range(M):
        if dead[i]:
            continue
        keep[kept] = order[i]
        kept += 1
        one = (b[i, 2] - b[i, 0]) * (b[i, 3] - b[i, 1])
        for j in range(i + 1, M):
            w = max(min(b[i, 2], b[j, 2]) - max(b[i, 0], b[j, 0]), np.float32(0))
            h = max(min(b[i, 3], b[j, 3]) - max(b[i, 1], b[j, 1]), np.float32(0))
            both = w * h
            two = (b[j, 2] - b[j, 0]) * (b[j, 3] - b[j, 1])
            if both > thr * (one + two - both):
                dead[j] = True
    return keep[:kept].copy()


def _batched_torch(boxes, scores, labels, thr):
    return _suppressed_torch(boxes + ((boxes.max() + 1) * labels.float())[:, None], scores, thr)


def _soft(boxes, scores, sigma):
    M = boxes.shape[0]
    s = scores.copy()
    order = np.empty(M, np.int64)
    final = np.empty(M, np.float32)
    for i in range(M):
        best = np.argmax(s)
        order[i], final[i] = best, s[best]
        s[best] = -1
        one = (boxes[best, 2] - boxes[best, 0]) * (boxes[best, 3] - boxes[best, 1])
        for j in range(M):
            if s[j] >= 0:
                w = min(boxes[best, 2], boxes[j, 2]) - max(boxes[best, 0], boxes[j, 0])
                h = min(boxes[best, 3], boxes[j, 3]) - max(boxes[best, 1], boxes[j, 1])
                both = max(w, np.float32(0)) * max(h, np.float32(0))
                two = (boxes[j, 2] - boxes[j, 0]) * (boxes[j, 3] - boxes[j, 1])
                iou = both / (one + two - both)
                s[j] *= np.exp(-iou * iou / sigma)
    return order, final


def _soft_torch(boxes, scores, sigma):
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    s = scores.clone()
    order, final = [], []
    for _ in range(len(boxes)):
        best = s.argmax()
        order.append(best)
        final.append(s[best].clone())
        s[best] = -1
        low = torch.maximum(boxes[best, :2], boxes[:, :2])
        both = (torch.minimum(boxes[best, 2:], boxes[:, 2:]) - low).clamp(min=0).prod(1)
        iou = both / (area[best] + area - both)
        s = torch.where(s >= 0, s * torch.exp(-iou * iou / sigma), s)
    return torch.stack(order), torch.stack(final)


def _matrix(boxes, scores):
    M = boxes.shape[0]
    order = np.argsort(-scores, kind="mergesort")
    b = boxes[order]
    most = np.zeros(M, np.float32)
    iou = np.zeros((M, M), np.float32)
    for j in prange(M):
        two = (b[j, 2] - b[j, 0]) * (b[j, 3] - b[j, 1])
        for i in range(j):
            w = max(min(b[i, 2], b[j, 2]) - max(b[i, 0], b[j, 0]), np.float32(0))
            h = max(min(b[i, 3], b[j, 3]) - max(b[i, 1], b[j, 1]), np.float32(0))
            both = w * h
            one = (b[i, 2] - b[i, 0]) * (b[i, 3] - b[i, 1])
            iou[j, i] = both / (one + two - both)
            most[j] = max(most[j], iou[j, i])
    out = np.empty(M, np.float32)
    for j in prange(M):
        least = np.float32(np.inf)
        for i in range(M):
            least = min(least, (1 - iou[j, i]) / (1 - most[i]))
        out[j] = scores[order[j]] * least
    return order, out


def _matrix_torch(boxes, scores):
    order = scores.argsort(descending=True, stable=True)
    b, s = boxes[order], scores[order]
    size = torch.minimum(b[:, None, 2:], b[None, :, 2:]) - torch.maximum(b[:, None, :2], b[:, :2])
    both = size.clamp(min=0).prod(2)
    area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    iou = (both / (area[:, None] + area - both)).triu(1)
    decay = ((1 - iou) / (1 - iou.amax(0)[:, None])).amin(0)
    return order, s * decay


def _decoded(x, bins, stride):
    D, H, W = x.shape
    classes = D - 4 * bins
    box = np.empty((H * W, 4), np.float32)
    scores = np.empty((H * W, classes), np.float32)
    for i in prange(H):
        far = np.empty(4, np.float32)
        for j in range(W):
            for k in range(4):
                top = np.float32(-np.inf)
                for n in range(bins):
                    top = max(top, x[k * bins + n, i, j])
                total, mean = np.float32(0), np.float32(0)
                for n in range(bins):
                    e = np.exp(x[k * bins + n, i, j] - top)
                    total += e
                    mean += e * np.float32(n)
                far[k] = mean / total
            at = i * W + j
            cx, cy = np.float32(j + 0.5), np.float32(i + 0.5)
            box[at, 0] = (cx - far[0]) * stride
            box[at, 1] = (cy - far[1]) * stride
            box[at, 2] = (cx + far[2]) * stride
            box[at, 3] = (cy + far[3]) * stride
            for c in range(classes):
                scores[at, c] = 1 / (1 + np.exp(-x[4 * bins + c, i, j]))
    return box, scores


def _decoded_torch(x, bins, stride):
    D, H, W = x.shape
    p = x[: 4 * bins].view(4, bins, H, W).softmax(1)
    far = (p * torch.arange(bins, dtype=x.dtype)[:, None, None]).sum(1)
    cx = torch.arange(W) + 0.5
    cy = (torch.arange(H) + 0.5)[:, None]
    box = torch.stack([cx - far[0], cy - far[1], cx + far[2], cy + far[3]]) * stride
    return (
        box.view(4, -1).T.contiguous(),
        x[4 * bins :].sigmoid().view(D - 4 * bins, -1).T.contiguous(),
    )


def rows() -> list[Row]:
    many, fewer = boxes(5000), boxes(1000)
    scores = abs(floats(5000, seed=3))
    limits = {"n": np.array([5000], np.int64), "t": np.array([0.5], np.float32)}
    return [
        Row(
            "NMS of 5000 boxes",
            nms.nms,
            {"boxes": many, "scores": scores, "thr": 0.5},
            _suppressed,
            _suppressed_torch,
            captured=False,
            model=model(
                "nms",
                "NonMaxSuppression",
                "x s n t",
                {"x": many[None], "s": scores[None, None]},
                limits,
            ),
            picked=lambda outputs: [outputs[0][:, 2]],
        ),
        Row(
            "batched NMS of 5000 boxes, 20 classes",
            nms.batched_nms,
            {"boxes": many, "scores": scores, "labels": numbers(20, 5000), "thr": 0.5},
            _batched,
            _batched_torch,
            captured=False,
        ),
        Row(
            "soft NMS of 1000 boxes",
            soft_nms.soft_nms,
            {"boxes": fewer, "scores": scores[:1000], "sigma": 0.5},
            _soft,
            _soft_torch,
            captured=False,
        ),
        Row(
            "matrix NMS of 1000 boxes",
            matrix_nms.matrix_nms,
            {"boxes": fewer, "scores": scores[:1000]},
            _matrix,
            _matrix_torch,
        ),
        Row(
            "YOLO decode 80x80, 80 classes",
            yolo_decode.yolo_decode,
            {"x": floats(144, 80, 80), "bins": 16, "stride": 8},
            _decoded,
            _decoded_torch,
        ),
    ]
