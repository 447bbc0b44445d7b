"""Tensors of no elements whose sizes only the run tells, through operators that divide by sizes."""

from __future__ import annotations

import numpy as np
import onnx.helper as oh

import longtail as lt
from one_node import IR_VERSION, onnxruntime_outputs, same


def test_softmax_over_a_broadcast_of_nothing():
    nodes = [
        oh.make_node("Min", ["a", "b"], ["m"]),
        oh.make_node("Softmax", ["m"], ["y"], axis=0),
    ]
    inputs = [
        oh.make_tensor_value_info("a", 1, ["a0", "a1", "a2"]),
        oh.make_tensor_value_info("b", 1, ["b0", "b1", "b2", "b3"]),
    ]
    outputs = [oh.make_tensor_value_info("y", 1, None)]
    model = oh.make_model(
        oh.make_graph(nodes, "g", inputs, outputs),
        opset_imports=[oh.make_operatorsetid("", 21)],
        ir_version=IR_VERSION,
    )
    compiled = lt.compile(model)
    for a, b in [((0, 0, 1), (16, 0, 0, 1)), ((1, 0, 3), (2, 5, 1, 1)), ((4, 3, 1), (2, 1, 3, 5))]:
        feeds = {"a": np.ones(a, np.float32), "b": np.ones(b, np.float32)}
        same([compiled(**feeds)], onnxruntime_outputs(model, feeds), rtol=1e-6)
