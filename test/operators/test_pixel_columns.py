"""Convolutions of single positions between an image that comes in and one that leaves."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import longtail as lt

CONV = [helper.make_node("Conv", ["x", "w", "b"], ["y"])]
SILU = [
    helper.make_node("Conv", ["x", "w", "b"], ["c"]),
    helper.make_node("Sigmoid", ["c"], ["s"]),
    helper.make_node("Mul", ["c", "s"], ["y"]),
]
ADD = [
    helper.make_node("Relu", ["x"], ["r"]),
    helper.make_node("Conv", ["r", "w", "b"], ["c"]),
    helper.make_node("Add", ["c", "a"], ["y"]),
]
TO_CHANNELS_LAST = [
    helper.make_node("Conv", ["x", "w", "b"], ["c"]),
    helper.make_node("Transpose", ["c"], ["y"], perm=[0, 2, 3, 1]),
]
SOFTMAX = [
    helper.make_node("Conv", ["x", "w", "b"], ["c"]),
    helper.make_node("Softmax", ["c"], ["y"], axis=1),
]
TWICE = [
    helper.make_node("Conv", ["x", "w", "b"], ["c"]),
    helper.make_node("Conv", ["c", "v", "b"], ["y"]),
]


def model(nodes: list, sizes: tuple, channels: int, added: tuple = ()) -> bytes:
    rng = np.random.default_rng(3)

    def constant(name: str, *shape: int):
        return numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)

    ones = (1,) * (len(sizes) - 2)
    used = {name for node in nodes for name in node.input}
    constants = [
        constant("w", channels, sizes[1], *ones),
        constant("b", channels),
        constant("v", channels, channels, *ones),
        constant("a", *added),
    ]
    graph = helper.make_graph(
        nodes,
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [each for each in constants if each.name in used],
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


@pytest.mark.parametrize(
    ("nodes", "sizes", "channels", "added", "groups"),
    [
        (CONV, (1, 16, 40, 50), 24, (), 1),
        (CONV, (3, 9, 400), 20, (), 1),
        (CONV, (1, 9, 8, 9, 10), 20, (), 1),
        (SILU, (2, 7, 33, 19), 13, (), 1),
        (ADD, (2, 7, 33, 19), 13, (1, 13, 33, 19), 2),
        (ADD, (2, 7, 33, 19), 13, (19,), 2),
        # These have their channels inside at least on one side.
        (TO_CHANNELS_LAST, (1, 12, 20, 20), 20, (), None),
        (SOFTMAX, (1, 12, 20, 20), 20, (), None),
        (TWICE, (1, 12, 20, 20), 20, (), None),
    ],
)
def test_agrees(nodes, sizes, channels, added, groups) -> None:
    data = model(nodes, sizes, channels, added)
    compiled = lt.compile(data)
    x = np.random.default_rng(5).standard_normal(sizes).astype(np.float32)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(compiled(x), session.run(None, {"x": x})[0], rtol=1e-5, atol=2e-5)
    # No copy into another order.
    if groups is not None:
        assert len(compiled.report()["groups"]) == groups
