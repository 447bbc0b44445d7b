"""3x3 convolutions with fewer products: equal to ONNX Runtime's within the bound of the method."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

import longtail as lt


def convolution(sizes: tuple, channels: int, pads: list[int], relu: bool = True) -> bytes:
    """A convolution of 3x3 positions with bias and activation as the bytes of a model."""
    rng = np.random.default_rng(7)
    weights = rng.standard_normal((channels, sizes[1], 3, 3)).astype(np.float32)
    bias = rng.standard_normal(channels).astype(np.float32)
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=pads)]
    nodes.append(helper.make_node("Relu" if relu else "Identity", ["c"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [
            helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights.tobytes(), raw=True),
            helper.make_tensor("b", TensorProto.FLOAT, bias.shape, bias.tobytes(), raw=True),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


def check(model: bytes, compiled: lt.CompiledModel, sizes: tuple) -> None:
    x = np.random.default_rng(3).standard_normal(sizes).astype(np.float32)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": x})[0]
    result = compiled(x)
    assert result.shape == expected.shape
    if expected.size:
        bound = 2e-5 * np.abs(expected).max()
        np.testing.assert_allclose(result, expected, rtol=0, atol=bound)


@pytest.mark.parametrize(
    ("sizes", "channels", "pads"),
    [
        ((1, 64, 16, 16), 64, [1, 1, 1, 1]),
        ((1, 64, 13, 15), 48, [1, 1, 1, 1]),
        ((2, 32, 19, 18), 40, [0, 0, 0, 0]),
        ((3, 40, 17, 22), 64, [2, 0, 1, 3]),
    ],
)
def test_agrees(sizes: tuple, channels: int, pads: list[int]) -> None:
    model = convolution(sizes, channels, pads)
    fast, direct = lt.compile(model), lt.compile(model, winograd=False)
    # The method is used, and the option turns it off.
    assert len(fast.report()["groups"]) > len(direct.report()["groups"])
    check(model, fast, sizes)
    check(model, direct, sizes)


STRIPES = "kernel.stripe"


def schedule_of(compiled: lt.CompiledModel) -> str:
    return compiled.stages()["schedule"]


@pytest.mark.parametrize(
    ("sizes", "channels", "pads"),
    [
        ((1, 16, 72, 68), 16, [1, 1, 1, 1]),
        ((2, 24, 61, 50), 20, [1, 1, 1, 1]),
        ((1, 40, 55, 83), 17, [0, 2, 1, 0]),
        ((3, 12, 39, 42), 33, [0, 0, 0, 0]),
    ],
)
def test_stripes_of_tiles(sizes: tuple, channels: int, pads: list[int]) -> None:
    """Tiles that make up more than one stripe, the last of which may be a part of one."""
    model = convolution(sizes, channels, pads)
    compiled = lt.compile(model, keep_stages=True)
    assert STRIPES in schedule_of(compiled)
    check(model, compiled, sizes)
    x = np.random.default_rng(5).standard_normal(sizes).astype(np.float32)
    one, two = (lt.load(compiled.to_bytes(), threads=threads)(x) for threads in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_infinities_stay_where_they_are() -> None:
    """A tile with an infinite element has no finite results, others are as they were."""
    model = convolution((1, 16, 72, 68), 16, [1, 1, 1, 1], relu=False)
    x = np.random.default_rng(5).standard_normal((1, 16, 72, 68)).astype(np.float32)
    compiled = lt.compile(model)
    before = compiled(x)
    x[0, 3, 20, 24] = np.inf
    after = compiled(x)
    np.testing.assert_array_equal(after[:, :, 32:], before[:, :, 32:])
    assert not np.isfinite(after[0, :, 20, 24]).any()


def test_sizes_that_are_open() -> None:
    model = convolution(("n", 64, "h", "w"), 64, [1, 1, 1, 1])
    compiled = lt.compile(model, keep_stages=True)
    assert STRIPES in schedule_of(compiled)
    for sizes in [(1, 64, 16, 20), (2, 64, 5, 3), (1, 64, 1, 1), (0, 64, 4, 4), (1, 64, 60, 57)]:
        check(model, compiled, sizes)
