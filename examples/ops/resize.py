"""Resizing an image: nearest, linear, cubic, area, and antialiased."""

import math

import numpy as np

import longtail as lt
from longtail import f32, i64


@lt.op
def resize(x: f32["C H W"], *, OH: lt.const, OW: lt.const, mode: lt.const):
    def taps(t, size, out):
        at = (t + 0.5) * (size / out) - 0.5
        base = math.floor(at)
        return base, at - base

    def weight(d, frac):
        if mode == "nearest":
            return 1.0 if d == 0 else 0.0
        if mode == "linear":
            return 1 - frac if d == 0 else frac
        u = abs(frac - d)
        near = (1.25 * u - 2.25) * u * u + 1
        far = ((-0.75 * u + 3.75) * u - 6) * u + 3
        return near if u <= 1 else far

    C, H, W = x.shape
    first, last = (-1, 3) if mode == "cubic" else (0, 2) if mode == "linear" else (0, 1)
    e = lt.extend(x, (1, 2), "edge")
    out = lt.zeros((C, OH, OW), f32)
    for c, i, j in lt.grid(C, OH, OW):
        h, fh = taps(i, H, OH) if mode != "nearest" else (i * H // OH, 0.0)
        w, fw = taps(j, W, OW) if mode != "nearest" else (j * W // OW, 0.0)
        acc = f32(0)
        for a in range(first, last):
            for b in range(first, last):
                acc += e[c, h + a, w + b] * (weight(a, fh) * weight(b, fw))
        out[c, i, j] = acc
    return out


@lt.op
def resize_area(x: f32["C H W"], *, OH: lt.const, OW: lt.const):
    """Each element of the result is the mean of what it covers."""

    def covered(i, k, size, out):  # of element k by element i of the result
        return max(min((i + 1) * size, (k + 1) * out) - max(i * size, k * out), 0)

    C, H, W = x.shape
    T = (W + OW - 1) // OW + 1
    wide = lt.zeros((OW, T), f32)
    for j, t in lt.grid(OW, T):
        wide[j, t] = covered(j, j * W // OW + t, W, OW)
    out = lt.zeros((C, OH, OW), f32)
    for c, i in lt.grid(C, OH):
        line = lt.zeros(W + 1, f32)
        for h in range(i * H // OH, ((i + 1) * H + OH - 1) // OH):
            for w in range(W):
                line[w] += x[c, h, w] * covered(i, h, H, OH)
        for j in range(OW):
            acc = f32(0)
            for t in range(T):
                acc += line[j * W // OW + t] * wide[j, t]
            out[c, i, j] = acc / (H * W)
    return out


@lt.op
def resize_antialiased(x: f32["C H W"], *, OH: lt.const, OW: lt.const, mode: lt.const):
    """Where the image shrinks, the filter grows with the distance of the results."""
    reach = 2 if mode == "cubic" else 1

    def weight(u):
        if mode == "linear":
            return max(1 - u, 0.0)
        near = (1.25 * u - 2.25) * u * u + 1
        return near if u <= 1 else ((-0.75 * u + 3.75) * u - 6) * u + 3 if u < 2 else 0.0

    def filters(size, out):  # of each result: its first element, and the weights from there on
        taps = 2 * reach * ((size + out - 1) // out) + 1
        first, table = lt.zeros(out, i64), lt.zeros((out, taps), f32)
        for i in lt.grid(out):
            scale, at = max(size / out, 1.0), (i + 0.5) * (size / out) - 0.5
            low, total = max(math.ceil(at - reach * scale), 0), 0.0
            for k in range(low, min(math.floor(at + reach * scale) + 1, size)):
                total += weight(abs(k - at) / scale)
            first[i] = low
            for t in range(min(taps, size - low)):
                table[i, t] = weight(abs(low + t - at) / scale) / total
        return first, table

    C, H, W = x.shape
    (top, high), (left, wide) = filters(H, OH), filters(W, OW)
    out = lt.zeros((C, OH, OW), f32)
    for c, i in lt.grid(C, OH):
        line = lt.zeros(W + wide.shape[1], f32)
        for t in range(min(high.shape[1], H - top[i])):
            for w in range(W):
                line[w] += x[c, top[i] + t, w] * high[i, t]
        for j in range(OW):
            acc = f32(0)
            for t in range(wide.shape[1]):
                acc += line[left[j] + t] * wide[j, t]
            out[c, i, j] = acc
    return out


def reference(x, *, OH, OW, mode):
    return np.einsum(
        "chw,ih,jw->cij", x, _matrix(x.shape[1], OH, mode), _matrix(x.shape[2], OW, mode)
    )


def _matrix(size, out, mode):
    m = np.zeros((out, size), np.float32)
    for i in range(out):
        if mode == "nearest":
            m[i, i * size // out] = 1
            continue
        at = (i + 0.5) * size / out - 0.5
        for k in range(math.floor(at) - 1, math.floor(at) + 3):
            u = abs(at - k)
            if mode == "linear":
                w = max(1 - u, 0)
            else:
                w = (
                    1.25 * u**3 - 2.25 * u**2 + 1
                    if u <= 1
                    else -0.75 * (u**3 - 5 * u**2 + 8 * u - 4)
                )
                w = w if u < 2 else 0
            m[i, min(max(k, 0), size - 1)] += w
    return m


def cases(rng):
    for mode in ("nearest", "linear", "cubic"):
        yield {"x": rng.random((2, 5, 4), np.float32), "OH": 7, "OW": 9, "mode": mode}
        yield {"x": rng.random((1, 8, 8), np.float32), "OH": 3, "OW": 4, "mode": mode}


def area_reference(x, *, OH, OW):
    C, H, W = x.shape
    fine = np.repeat(np.repeat(x.astype(np.float64), OH, 1), OW, 2)
    return fine.reshape(C, OH, H, OW, W).mean((2, 4)).astype(np.float32)


def antialiased_reference(x, *, OH, OW, mode):
    import onnxruntime
    from onnx import TensorProto, helper

    options = {"mode": mode, "antialias": 1, "exclude_outside": 1}
    node = helper.make_node("Resize", ["x", "", "", "s"], ["y"], **options)
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *x.shape])
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    sizes = helper.make_tensor("s", TensorProto.INT64, [4], [1, len(x), OH, OW])
    graph = helper.make_graph([node], "g", [given], [output], [sizes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": x[None]})[0][0]


def area_cases(rng):
    for height, width in ((5, 4), (8, 8), (1, 13)):
        yield {"x": rng.random((2, height, width), np.float32), "OH": 3, "OW": 7}


def antialiased_cases(rng):
    for mode in ("linear", "cubic"):
        for height, width in ((23, 17), (3, 9)):
            x = rng.random((3, height, width), np.float32)
            yield {"x": x, "OH": 5, "OW": 4, "mode": mode}


OPERATORS = [
    (resize, reference, cases),
    (resize_area, area_reference, area_cases),
    (resize_antialiased, antialiased_reference, antialiased_cases),
]
