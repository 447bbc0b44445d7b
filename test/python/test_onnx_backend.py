"""Longtail as an `onnx.backend`."""

from __future__ import annotations

import numpy as np
import onnx.helper as oh
import pytest

import longtail as lt
from longtail.backends import onnx as backend

A = np.array([[1, 2, 3], [4, 5, 6]], np.float32)


def test_prepare_and_run(engine, scaled_sum):
    prepared = backend.prepare(scaled_sum, "CPU")
    for inputs in ([A, A], (A, A), {"b": A, "a": A}):
        outputs = prepared.run(inputs)
        assert len(outputs) == 1
        np.testing.assert_array_equal(outputs["y"], 3 * A)


def test_run_model_with_numpy_scalars(engine, scaled_sum):
    graph = oh.make_graph(
        [oh.make_node("Neg", ["x"], ["y"])],
        "negate",
        [oh.make_tensor_value_info("x", 1, [])],
        [oh.make_tensor_value_info("y", 1, [])],
    )
    model = oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=8)
    (result,) = backend.run_model(model, [np.float32(2.5)])
    assert result.shape == () and result == -2.5


def test_run_node(on_stand_in):
    node = oh.make_node("Clip", ["x", "", "high"], ["y"])
    (result,) = backend.run_node(node, [A, np.float32(4)], opset_version=17)
    np.testing.assert_array_equal(result, np.minimum(A, 4))
    with pytest.raises(lt.InputError, match="Clip: 1 inputs given, 2 needed"):
        backend.run_node(node, [A], opset_version=17)


def test_devices():
    assert backend.supports_device("CPU")
    assert not backend.supports_device("CUDA:0")
    assert not backend.supports_device("abacus")
    with pytest.raises(lt.Error, match="CUDA"):
        backend.prepare(b"", "CUDA")
