"""Sums of all elements so far, also from the end, also without the element itself."""

import numpy as np

import longtail as lt
from longtail import f32


@lt.op
def cumsum(x: f32["A B"], *, axis: lt.const, exclusive: lt.const, reverse: lt.const):
    y = lt.flip(x, axis) if reverse else x
    y = lt.cumsum(y, axis)
    if exclusive:
        y = lt.pad(y, ((1, 0), (0, 0)))[:-1] if axis == 0 else lt.pad(y, ((0, 0), (1, 0)))[:, :-1]
    return lt.flip(y, axis) if reverse else y


def reference(x, *, axis, exclusive, reverse):
    import onnxruntime
    from onnx import TensorProto, helper

    options = {"exclusive": int(exclusive), "reverse": int(reverse)}
    node = helper.make_node("CumSum", ["x", "a"], ["y"], **options)
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, None])
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    at = helper.make_tensor("a", TensorProto.INT64, [], [axis])
    graph = helper.make_graph([node], "g", [given], [output], [at])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"x": x})[0]


def cases(rng):
    for axis in (0, 1):
        for exclusive in (False, True):
            for reverse in (False, True):
                options = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
                yield {"x": rng.random((7, 13), np.float32), **options}
                yield {"x": rng.random((1, 1), np.float32), **options}


OPERATORS = [(cumsum, reference, cases)]
