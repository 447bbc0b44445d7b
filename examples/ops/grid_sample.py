"""Reading an image at real coordinates in [-1, 1]: every mode, every padding."""

import math

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def grid_sample(
    x: f32["N C H W"],
    grid: f32["N OH OW 2"],
    *,
    mode: lt.const = "linear",
    padding: lt.const = "zeros",
    align: lt.const = False,
):
    def taps(u, size):
        at = (u + 1) / 2 * (size - 1) if align else ((u + 1) * size - 1) / 2
        base = round(at) if mode == "nearest" else math.floor(at)
        return base, at - base

    def weight(d, frac):
        if mode != "cubic":
            return 1.0 if mode == "nearest" else 1 - abs(frac - d)
        u = abs(frac - d)
        return (1.25 * u - 2.25) * u * u + 1 if u <= 1 else ((-0.75 * u + 3.75) * u - 6) * u + 3

    def fold(p, size):
        if padding != "reflection":
            return p
        q = p % (max(2 * size - 2, 1) if align else 2 * size)
        return min(q, max(2 * size - (2 if align else 1) - q, 0))

    N, C, H, W = x.shape
    first, last = (-1, 3) if mode == "cubic" else (0, 2) if mode == "linear" else (0, 1)
    e = lt.extend(x, (2, 3), 0.0 if padding == "zeros" else "edge")
    out = lt.zeros((N, C, grid.shape[1], grid.shape[2]), f32)
    for n, c, i, j in lt.grid(N, C, grid.shape[1], grid.shape[2]):
        (w, fw), (h, fh) = taps(grid[n, i, j, 0], W), taps(grid[n, i, j, 1], H)
        acc = f32(0)
        for a in range(first, last):
            for b in range(first, last):
                near = weight(a, fh) * weight(b, fw)
                acc += e[n, c, fold(h + a, H), fold(w + b, W)] * near
        out[n, c, i, j] = acc
    return out


def reference(x, grid, *, mode, padding, align):
    import onnxruntime
    from onnx import TensorProto, helper

    options = {"mode": mode, "padding_mode": padding, "align_corners": int(align)}
    node = helper.make_node("GridSample", ["x", "g"], ["y"], **options)
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None] * 4) for n in "xg"]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": x, "g": grid})[0]


def cases(rng):
    for mode in ("nearest", "linear", "cubic"):
        for padding in ("zeros", "border", "reflection"):
            for align in (False, True):
                x = rng.random((2, 3, 5, 6), np.float32)
                grid = rng.random((2, 3, 7, 2), np.float32) * 5 - 2.5
                yield {"x": x, "grid": grid, "mode": mode, "padding": padding, "align": align}


OPERATORS = [(grid_sample, reference, cases)]
