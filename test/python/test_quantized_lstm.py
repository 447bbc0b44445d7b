"""com.microsoft::DynamicQuantizeLSTM against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.helper as oh
import onnx.numpy_helper as onh
import onnxruntime
import pytest

import longtail
from longtail import interpretation


def layer(
    directions: int, kind: type, by_channel: bool, hidden: int
) -> tuple[onnx.ModelProto, np.random.Generator]:
    """A model of one layer for sequences of 7 numbers a step, and the source of its weights."""
    numbers = np.random.default_rng(3)
    width = 7
    low, high = np.iinfo(kind).min, np.iinfo(kind).max + 1
    sizes = (directions, 4 * hidden) if by_channel else (directions,)
    zero = np.full(sizes, (low + high) // 2, kind)
    values = {
        "W": numbers.integers(low, high, (directions, width, 4 * hidden)).astype(kind),
        "R": numbers.integers(low, high, (directions, hidden, 4 * hidden)).astype(kind),
        "W_scale": numbers.uniform(0.005, 0.01, sizes).astype(np.float32),
        "R_scale": numbers.uniform(0.005, 0.01, sizes).astype(np.float32),
        "W_zero": zero,
        "R_zero": zero,
    }
    if by_channel:
        values["B"] = numbers.uniform(-0.1, 0.1, (directions, 8 * hidden)).astype(np.float32)
        values["P"] = numbers.uniform(-0.1, 0.1, (directions, 3 * hidden)).astype(np.float32)
    bias, peepholes = ("B", "P") if by_channel else ("", "")
    names = ["X", "W", "R", bias, "", "", "", peepholes, "W_scale", "W_zero", "R_scale", "R_zero"]
    outputs = ["Y", "Y_h", "Y_c"]
    node = oh.make_node(
        "DynamicQuantizeLSTM",
        names,
        outputs,
        domain="com.microsoft",
        hidden_size=hidden,
        direction="bidirectional" if directions == 2 else "reverse",
    )
    graph = oh.make_graph(
        [node],
        "layer",
        [oh.make_tensor_value_info("X", 1, ["steps", "batch", width])],
        [oh.make_tensor_value_info(name, 1, None) for name in outputs],
        [onh.from_array(value, name) for name, value in values.items()],
    )
    opsets = [oh.make_operatorsetid("", 14), oh.make_operatorsetid("com.microsoft", 1)]
    return oh.make_model(graph, opset_imports=opsets, ir_version=8), numbers


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("kind", [np.int8, np.uint8])
@pytest.mark.parametrize("by_channel", [False, True])
@pytest.mark.parametrize("hidden", [20, 37])
def test_against_onnxruntime(
    batch: int, directions: int, kind: type, by_channel: bool, hidden: int, tmp_path: Path
) -> None:
    """ONNX Runtime quantizes the states of as many rows together as a thread has, we each alone.

    So results are equal for one row and as close as 8 bits allow for more.
    """
    model, numbers = layer(directions, kind, by_channel, hidden)
    x = numbers.standard_normal((6, batch, 7)).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    longtail.compile(model).save(tmp_path / "model.lt")
    result = longtail.load(tmp_path / "model.lt")(x)
    tolerance = 2e-6 if batch == 1 else 4e-2
    for name, wanted in zip(("Y", "Y_h", "Y_c"), session.run(None, {"X": x}), strict=True):
        np.testing.assert_allclose(np.asarray(result[name]), wanted, rtol=0, atol=tolerance)


def test_interpreted(tmp_path: Path) -> None:
    model, numbers = layer(2, np.uint8, True, 9)
    onnx.save(model, tmp_path / "model.onnx")
    x = numbers.standard_normal((4, 2, 7)).astype(np.float32)
    expected = longtail.compile(model)(x)
    for text in interpretation.modules_of(tmp_path / "model.onnx").values():
        for ours, theirs in zip(interpretation.interpret(text, [x]), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
