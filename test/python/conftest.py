"""Fixtures: the engine under the Python layer, and small models."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

import onnx
import onnx.helper as oh
import pytest

import longtail
import stand_in


@pytest.fixture
def on_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test with the stand-ins instead of the extension modules."""
    for name, module in zip(("_compiler", "_runtime"), stand_in.modules(), strict=True):
        monkeypatch.setitem(sys.modules, f"longtail.{name}", module)
        monkeypatch.setattr(longtail, name, module, raising=False)


@pytest.fixture(params=["stand-in", "compiled"])
def engine(request: pytest.FixtureRequest) -> str:
    """Run the test twice: with the stand-ins, and with the real compiler and runtime."""
    if request.param == "stand-in":
        request.getfixturevalue("on_stand_in")
    else:
        importlib.import_module("longtail._compiler")
        importlib.import_module("longtail._runtime")
    return request.param


Make = Callable[..., onnx.ModelProto]


@pytest.fixture
def scaled_sum() -> onnx.ModelProto:
    """y = 2 * a + b for float32 [2, N], with a text in its metadata."""
    two = oh.make_tensor("two", onnx.TensorProto.FLOAT, [], [2.0])
    graph = oh.make_graph(
        [oh.make_node("Mul", ["a", "two"], ["t"]), oh.make_node("Add", ["t", "b"], ["y"])],
        "scaled_sum",
        [oh.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [2, "N"]) for n in "ab"],
        [oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [2, "N"])],
        [two],
    )
    model = oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=8)
    oh.set_model_props(model, {"author": "a person"})
    return model


@pytest.fixture
def minmax() -> onnx.ModelProto:
    """Two outputs, the least and the greatest of int64 [N]."""
    graph = oh.make_graph(
        [
            oh.make_node("ReduceMin", ["x"], ["least"], keepdims=0),
            oh.make_node("ReduceMax", ["x"], ["greatest"], keepdims=0),
        ],
        "minmax",
        [oh.make_tensor_value_info("x", onnx.TensorProto.INT64, ["N"])],
        [oh.make_tensor_value_info(n, onnx.TensorProto.INT64, []) for n in ("least", "greatest")],
    )
    return oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=8)


@pytest.fixture
def unsupported() -> onnx.ModelProto:
    """A model with two nodes of operators that do not exist."""
    graph = oh.make_graph(
        [
            oh.make_node("Frobnicate", ["x"], ["t"], name="first", domain="nowhere"),
            oh.make_node("Defenestrate", ["t"], ["y"], name="second", domain="nowhere"),
        ],
        "unsupported",
        [oh.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2])],
        [oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [2])],
    )
    opsets = [oh.make_operatorsetid("", 17), oh.make_operatorsetid("nowhere", 1)]
    return oh.make_model(graph, opset_imports=opsets, ir_version=8)
