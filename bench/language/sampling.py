"""Reads at real coordinates: resizing, grids, regions, deformable operators, a camera frame."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numba import prange

import deform_conv2d
import grid_sample
import ms_deform_attn
import nv12_letterbox
import resize
import roi_align
from language.rows import Row, boxes, floats, model


def _nearest(x, OH, OW):
    C, H, W = x.shape
    out = np.empty((C, OH, OW), x.dtype)
    for m in prange(C * OH):
        c, i = m // OH, m % OH
        for j in range(OW):
            out[c, i, j] = x[c, i * H // OH, j * W // OW]
    return out


def _linear(x, OH, OW):
    C, H, W = x.shape
    out = np.empty((C, OH, OW), x.dtype)
    for m in prange(C * OH):
        c, i = m // OH, m % OH
        at = (i + 0.5) * (H / OH) - 0.5
        h = math.floor(at)
        fh = np.float32(at - h)
        h0, h1 = max(h, 0), min(h + 1, H - 1)
        for j in range(OW):
            at = (j + 0.5) * (W / OW) - 0.5
            w = math.floor(at)
            fw = np.float32(at - w)
            w0, w1 = max(w, 0), min(w + 1, W - 1)
            top = x[c, h0, w0] * (1 - fw) + x[c, h0, w1] * fw
            low = x[c, h1, w0] * (1 - fw) + x[c, h1, w1] * fw
            out[c, i, j] = top * (1 - fh) + low * fh
    return out


def _cubic(x, OH, OW):
    C, H, W = x.shape
    out = np.empty((C, OH, OW), x.dtype)
    for m in prange(C * OH):
        c, i = m // OH, m % OH
        at = (i + 0.5) * (H / OH) - 0.5
        h = math.floor(at)
        fh = np.float32(at - h)
        for j in range(OW):
            at = (j + 0.5) * (W / OW) - 0.5
            w = math.floor(at)
            fw = np.float32(at - w)
            acc = np.float32(0)
            for a in range(-1, 3):
                u = abs(fh - np.float32(a))
                if u <= 1:
                    wa = (np.float32(1.25) * u - np.float32(2.25)) * u * u + np.float32(1)
                else:
                    wa = np.float32(-0.75) * (((u - np.float32(5)) * u + np.float32(8)) * u - 4)
                row = min(max(h + a, 0), H - 1)
                for b in range(-1, 3):
                    u = abs(fw - np.float32(b))
                    if u <= 1:
                        wb = (np.float32(1.25) * u - np.float32(2.25)) * u * u + np.float32(1)
                    else:
                        wb = np.float32(-0.75) * (((u - np.float32(5)) * u + np.float32(8)) * u - 4)
                    acc += x[c, row, min(max(w + b, 0), W - 1)] * (wa * wb)
            out[c, i, j] = acc
    return out


def _resized(mode):
    options = {} if mode == "nearest" else {"align_corners": False}
    return lambda x, OH, OW: F.interpolate(x[None], (OH, OW), mode=mode, **options)[0]


def _sample_image(x, grid):
    N, C, H, W = x.shape
    OH, OW = grid.shape[1:3]
    out = np.empty((N, C, OH, OW), x.dtype)
    for m in prange(N * OH):
        n, i = m // OH, m % OH
        for j in range(OW):
            w = (grid[n, i, j, 0] + np.float32(1)) / np.float32(2) * W - np.float32(0.5)
            h = (grid[n, i, j, 1] + np.float32(1)) / np.float32(2) * H - np.float32(0.5)
            a, b = math.floor(h), math.floor(w)
            fh, fw = np.float32(h - a), np.float32(w - b)
            for c in range(C):
                total = np.float32(0)
                for p in range(2):
                    for q in range(2):
                        if 0 <= a + p < H and 0 <= b + q < W:
                            wh = fh if p else 1 - fh
                            ww = fw if q else 1 - fw
                            total += wh * ww * x[n, c, a + p, b + q]
                out[n, c, i, j] = total
    return out


def _regions(feat, rois, PH, PW, scale, ratio):
    N, C, H, W = feat.shape
    R = rois.shape[0]
    out = np.empty((R, C, PH, PW), feat.dtype)
    one = np.float32(1)
    for r in prange(R):
        b = int(rois[r, 0])
        x0, y0 = rois[r, 1] * scale - 0.5, rois[r, 2] * scale - 0.5
        bw = (rois[r, 3] * scale - 0.5 - x0) / PW
        bh = (rois[r, 4] * scale - 0.5 - y0) / PH
        gh = ratio if ratio > 0 else math.ceil(bh)
        gw = ratio if ratio > 0 else math.ceil(bw)
        for c in range(C):
            for py in range(PH):
                for px in range(PW):
                    acc = np.float32(0)
                    for iy in range(gh):
                        h = y0 + py * bh + (iy + 0.5) * bh / gh
                        for ix in range(gw):
                            w = x0 + px * bw + (ix + 0.5) * bw / gw
                            if h < -1 or h > H or w < -1 or w > W:
                                continue
                            y, x = min(max(h, 0), H - 1), min(max(w, 0), W - 1)
                            i, j = int(y), int(x)
                            p, q = min(i + 1, H - 1), min(j + 1, W - 1)
                            fy, fx = np.float32(y - i), np.float32(x - j)
                            top = feat[b, c, i, j] * (one - fx) + feat[b, c, i, q] * fx
                            low = feat[b, c, p, j] * (one - fx) + feat[b, c, p, q] * fx
                            acc += top * (one - fy) + low * fy
                    out[r, c, py, px] = acc / max(gh * gw, 1)
    return out


def _deformed(x, offset, weight, mask, pad):
    N, C, H, W = x.shape
    O, _, KH, KW = weight.shape
    OH, OW = offset.shape[2:]
    out = np.empty((N, O, OH, OW), x.dtype)
    for m in prange(N * OH):
        n, y = m // OH, m % OH
        taps = np.empty((C, KH, KW), x.dtype)
        for q in range(OW):
            for i in range(KH):
                for j in range(KW):
                    k = i * KW + j
                    h = y - pad + i + offset[n, 2 * k, y, q]
                    w = q - pad + j + offset[n, 2 * k + 1, y, q]
                    a, b = math.floor(h), math.floor(w)
                    fh, fw = np.float32(h - a), np.float32(w - b)
                    for c in range(C):
                        total = np.float32(0)
                        for p in range(2):
                            for r in range(2):
                                if 0 <= a + p < H and 0 <= b + r < W:
                                    wh = fh if p else 1 - fh
                                    ww = fw if r else 1 - fw
                                    total += wh * ww * x[n, c, a + p, b + r]
                        taps[c, i, j] = total * mask[n, k, y, q]
            for f in range(O):
                acc = np.float32(0)
                for c in range(C):
                    for i in range(KH):
                        for j in range(KW):
                            acc += weight[f, c, i, j] * taps[c, i, j]
                out[n, f, y, q] = acc
    return out


def _deformed_torch(x, offset, weight, mask, pad):
    N, C, H, W = x.shape
    O, _, KH, KW = weight.shape
    OH, OW = offset.shape[2:]
    off = offset.view(N, KH, KW, 2, OH, OW)
    line = lambda size: torch.arange(size, dtype=x.dtype) - pad
    h = torch.arange(KH)[:, None, None, None] + line(OH)[:, None] + off[:, :, :, 0]
    w = torch.arange(KW)[:, None, None] + line(OW) + off[:, :, :, 1]
    grid = torch.stack([(2 * w + 1) / W - 1, (2 * h + 1) / H - 1], -1).view(N, -1, OW, 2)
    taps = F.grid_sample(x, grid, align_corners=False).view(N, C, KH * KW, OH * OW)
    taps = taps * mask.view(N, 1, KH * KW, OH * OW)
    return (weight.view(O, -1) @ taps.view(N, C * KH * KW, -1)).view(N, O, OH, OW)


def _attention(value, shapes, starts, points, weights):
    M, D = value.shape[1:]
    Q, _, L, P, _ = points.shape
    out = np.zeros((Q, M, D), value.dtype)
    for q in prange(Q):
        for m in range(M):
            for k in range(L):
                H, W = shapes[k, 0], shapes[k, 1]
                for p in range(P):
                    h = points[q, m, k, p, 1] * np.float32(H) - np.float32(0.5)
                    w = points[q, m, k, p, 0] * np.float32(W) - np.float32(0.5)
                    a, b = math.floor(h), math.floor(w)
                    fh, fw = np.float32(h - a), np.float32(w - b)
                    for i in range(2):
                        for j in range(2):
                            if 0 <= a + i < H and 0 <= b + j < W:
                                near = (fh if i else 1 - fh) * (fw if j else 1 - fw)
                                near *= weights[q, m, k, p]
                                row = starts[k] + (a + i) * W + b + j
                                for d in range(D):
                                    out[q, m, d] += near * value[row, m, d]
    return out


def _attention_torch(value, shapes, starts, points, weights):
    M, D = value.shape[1:]
    grid = (2 * points - 1).permute(2, 1, 0, 3, 4)  # levels, heads, queries, points
    taps = []
    for k, (H, W) in enumerate(shapes.tolist()):
        level = value[starts[k] : starts[k] + H * W].permute(1, 2, 0).reshape(M, D, H, W)
        taps.append(F.grid_sample(level, grid[k], align_corners=False))
    scale = weights.permute(1, 0, 2, 3).flatten(2)[:, None]
    return (torch.cat(taps, -1) * scale).sum(-1).permute(2, 0, 1).contiguous()


def _letterbox(y, uv, S):
    H, W = y.shape
    out = np.full((3, S, S), np.float32(114 / 255), np.float32)
    big = max(H, W)
    scale = big / S
    top, left = (S - S * H // big) // 2, (S - S * W // big) // 2
    for i in prange(S):
        h = math.floor((i - top) * scale)
        for j in range(S):
            w = math.floor((j - left) * scale)
            if 0 <= h < H and 0 <= w < W:
                a = np.float32(1.164) * np.float32(int(y[h, w]) - 16)
                u = np.float32(int(uv[h // 2, w // 2, 0]) - 128)
                v = np.float32(int(uv[h // 2, w // 2, 1]) - 128)
                red = a + np.float32(1.596) * v
                green = a - np.float32(0.813) * v - np.float32(0.391) * u
                blue = a + np.float32(2.018) * u
                most = np.float32(255)
                out[0, i, j] = min(max(red, np.float32(0)), most) / most
                out[1, i, j] = min(max(green, np.float32(0)), most) / most
                out[2, i, j] = min(max(blue, np.float32(0)), most) / most
    return out


def _letterbox_torch(y, uv, S):
    H, W = y.shape
    big = max(H, W)
    tall, wide = S * H // big, S * W // big
    top, left = (S - tall) // 2, (S - wide) // 2
    rows = (torch.arange(tall) * (big / S)).floor().long()
    columns = (torch.arange(wide) * (big / S)).floor().long()
    a = 1.164 * (y[rows[:, None], columns].float() - 16)
    u, v = (uv[rows[:, None] // 2, columns // 2].float() - 128).unbind(-1)
    rgb = torch.stack([a + 1.596 * v, a - 0.813 * v - 0.391 * u, a + 2.018 * u])
    rgb = rgb.clamp(0, 255) / 255
    return F.pad(rgb, (left, S - left - wide, top, S - top - tall), value=114 / 255)


def _resizes() -> list[Row]:
    x = floats(3, 480, 640)
    sizes = np.array([1, 3, 640, 640], np.int64)
    found = []
    for mode, loops, kind in (
        ("nearest", _nearest, "nearest"),
        ("linear", _linear, "bilinear"),
        ("cubic", _cubic, "bicubic"),
    ):
        how = {"coordinate_transformation_mode": "half_pixel", "mode": mode}
        if mode == "nearest":
            how = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        found.append(
            Row(
                f"resize {mode} 480x640 to 640x640",
                resize.resize,
                {"x": x, "OH": 640, "OW": 640, "mode": mode},
                loops,
                _resized(kind),
                model=model(
                    f"resize {mode}", "Resize", "x - - s", {"x": x[None]}, {"s": sizes}, **how
                ),
                picked=lambda outputs: [outputs[0][0]],
            )
        )
    return found


def _aligned(ratio: int) -> Row:
    feat = floats(1, 256, 50, 50)
    corners = boxes(256)
    rois = np.concatenate([np.zeros((256, 1), np.float32), corners], 1)
    sizes = {"PH": 7, "PW": 7, "scale": 1 / 16, "ratio": ratio}
    return Row(
        f"RoIAlign 256 of 256@50, ratio {ratio}",
        roi_align.roi_align,
        {"feat": feat, "rois": rois, "aligned": True, **sizes},
        _regions,
        model=model(
            f"roi {ratio}",
            "RoiAlign",
            "x r b",
            {"x": feat, "r": corners, "b": np.zeros(256, np.int64)},
            output_height=7,
            output_width=7,
            sampling_ratio=max(ratio, 0),
            spatial_scale=1 / 16,
            coordinate_transformation_mode="half_pixel",
        ),
    )


def rows() -> list[Row]:
    image, grid = floats(1, 32, 128, 128), floats(1, 128, 128, 2, seed=2)
    x, weight = floats(1, 64, 56, 56), floats(64, 64, 3, 3, seed=3) / 8
    offset, mask = floats(1, 18, 56, 56, seed=4) * 2, abs(floats(1, 9, 56, 56, seed=5))
    points, weights = abs(floats(300, 8, 4, 4, 2)), abs(floats(300, 8, 4, 4, seed=2))
    sides = np.array([64, 32, 16, 8])
    levels = {
        "value": floats(int((sides**2).sum()), 8, 32, seed=3),
        "shapes": np.stack([sides, sides], 1),
        "starts": np.cumsum(sides**2) - sides**2,
    }
    rng = np.random.default_rng(1)
    frame = {
        "y": rng.integers(0, 256, (1080, 1920)).astype(np.uint8),
        "uv": rng.integers(0, 256, (540, 960, 2)).astype(np.uint8),
    }
    return [
        *_resizes(),
        Row(
            "grid sample 32@128",
            grid_sample.grid_sample,
            {"x": image, "grid": grid, "align": False},
            _sample_image,
            lambda x, grid: F.grid_sample(x, grid, align_corners=False),
            model=model("grid", "GridSample", "x g", {"x": image, "g": grid}, mode="linear"),
        ),
        _aligned(2),
        _aligned(-1),
        Row(
            "deformable convolution 64@56",
            deform_conv2d.deform_conv2d,
            {
                **{"x": x, "offset": offset, "weight": weight, "mask": mask},
                **{"stride": 1, "pad": 1, "dil": 1, "G": 1},
            },
            _deformed,
            _deformed_torch,
            model=model(
                "deform",
                "DeformConv",
                "x w o - m",
                {"x": x, "o": offset, "m": mask},
                {"w": weight},
                pads=[1] * 4,
            ),
        ),
        Row(
            "deformable attention 300x8x32, 4 levels",
            ms_deform_attn.ms_deform_attn,
            {**levels, "points": points, "weights": weights},
            _attention,
            _attention_torch,
        ),
        Row(
            "NV12 letterbox 1080p to 640",
            nv12_letterbox.nv12_letterbox,
            {**frame, "S": 640},
            _letterbox,
            _letterbox_torch,
        ),
    ]
