"""RoIAlign; with ratio -1 the number of samples depends on the size of each box."""

import math

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def roi_align(
    feat: f32["N C H W"],
    rois: f32["R 5"],
    *,
    PH: lt.const = 7,
    PW: lt.const = 7,
    scale: float = 1.0,
    ratio: lt.const = -1,
    aligned: lt.const = True,
):
    N, C, H, W = feat.shape
    R = rois.shape[0]
    fs = lt.sample(feat, dims=(2, 3), mode="bilinear", oob="band1")
    out = lt.zeros((R, C, PH, PW), f32)
    for r, c, py, px in lt.grid(R, C, PH, PW):
        b, o = int(rois[r, 0]), 0.5 if aligned else 0.0
        x0, y0 = rois[r, 1] * scale - o, rois[r, 2] * scale - o
        rw, rh = rois[r, 3] * scale - o - x0, rois[r, 4] * scale - o - y0
        if not aligned:
            rw, rh = max(rw, 1.0), max(rh, 1.0)
        bh, bw = rh / PH, rw / PW
        gh = ratio if ratio > 0 else math.ceil(bh)
        gw = ratio if ratio > 0 else math.ceil(bw)
        acc = f32(0)
        for iy in range(gh):
            for ix in range(gw):
                acc += fs[
                    b, c, y0 + py * bh + (iy + 0.5) * bh / gh, x0 + px * bw + (ix + 0.5) * bw / gw
                ]
        out[r, c, py, px] = acc / max(gh * gw, 1)
    return out


def reference(feat, rois, *, PH, PW, scale, ratio, aligned):
    import onnxruntime
    from onnx import TensorProto, helper

    node = helper.make_node(
        "RoiAlign",
        ["x", "r", "b"],
        ["y"],
        output_height=PH,
        output_width=PW,
        sampling_ratio=max(ratio, 0),
        spatial_scale=scale,
        coordinate_transformation_mode="half_pixel" if aligned else "output_half_pixel",
    )
    types = {"x": TensorProto.FLOAT, "r": TensorProto.FLOAT, "b": TensorProto.INT64}
    ranks = {"x": 4, "r": 2, "b": 1}
    inputs = [helper.make_tensor_value_info(n, t, [None] * ranks[n]) for n, t in types.items()]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": feat, "r": rois[:, 1:], "b": rois[:, 0].astype(np.int64)})[0]


def cases(rng):
    feat = rng.random((2, 3, 12, 14), np.float32)
    rois = np.array([[0, 1, 1, 9, 7], [1, 0.3, 2.2, 20, 18], [0, 5, 5, 15.5, 9.2]], np.float32)
    for ratio in (-1, 2):
        for aligned in (True, False):
            options = {"PH": 3, "PW": 2, "scale": 0.5, "ratio": ratio, "aligned": aligned}
            yield {"feat": feat, "rois": rois, **options}


OPERATORS = [(roi_align, reference, cases)]
