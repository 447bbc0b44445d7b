"""Reading an image at real coordinates in [-1, 1]."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def grid_sample(x: f32["N C H W"], grid: f32["N OH OW 2"], *, align: lt.const = False):
    N, C, H, W = x.shape
    OH, OW = grid.shape[1:3]
    xs = lt.sample(x, dims=(2, 3), mode="bilinear", oob="zero")
    out = lt.zeros((N, C, OH, OW), f32)
    for n, c, i, j in lt.grid(N, C, OH, OW):
        u = (grid[n, i, j, 0] + 1) / 2
        v = (grid[n, i, j, 1] + 1) / 2
        w = u * (W - 1) if align else u * W - 0.5
        h = v * (H - 1) if align else v * H - 0.5
        out[n, c, i, j] = xs[n, c, h, w]
    return out


def reference(x, grid, *, align):
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    node = helper.make_node(
        "GridSample", ["x", "g"], ["y"], mode="linear", align_corners=int(align)
    )
    inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in "xg"]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "g", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    return ReferenceEvaluator(model).run(None, {"x": x, "g": grid})[0]


def cases(rng):
    for align in (False, True):
        x = rng.random((2, 3, 5, 6), np.float32)
        yield {"x": x, "grid": rng.random((2, 4, 7, 2), np.float32) * 2.4 - 1.2, "align": align}


OPERATORS = [(grid_sample, reference, cases)]
