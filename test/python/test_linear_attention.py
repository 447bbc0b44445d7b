"""LinearAttention and CausalConvWithState with open sizes against the reference evaluator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.helper as oh
import pytest
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

import longtail


def model_of(node: onnx.NodeProto, shapes: dict[str, list[int | str]]) -> onnx.ModelProto:
    graph = oh.make_graph(
        [node],
        "node",
        [oh.make_tensor_value_info(name, 1, shape) for name, shape in shapes.items()],
        [oh.make_tensor_value_info(name, 1, None) for name in node.output],
    )
    return oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 27)], ir_version=10)


def check(model: onnx.ModelProto, folder: Path, sizes: list[dict[str, int]]) -> None:
    """Compiles once and compares at all `sizes` of the open dimensions."""
    longtail.compile(model).save(folder / "model.lt")
    compiled = longtail.load(folder / "model.lt", threads=2)
    numbers = np.random.default_rng(5)
    for known in sizes:
        feeds: dict[str, NDArray] = {}
        for value in model.graph.input:
            dims = value.type.tensor_type.shape.dim
            shape = [known[d.dim_param] if d.dim_param else d.dim_value for d in dims]
            feeds[value.name] = numbers.uniform(-0.5, 0.5, shape).astype(np.float32)
        wanted = ReferenceEvaluator(model).run(None, feeds)
        result = compiled(**feeds)
        for output, other in zip(model.graph.output, wanted, strict=True):
            ours = np.asarray(result[output.name])
            np.testing.assert_allclose(ours, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
@pytest.mark.parametrize("by_key", [False, True])
@pytest.mark.parametrize("has_past", [False, True])
def test_linear_attention(rule: str, by_key: bool, has_past: bool, tmp_path: Path) -> None:
    heads, queries, width, values = 2, 6, 5, 9
    shapes: dict[str, list[int | str]] = {
        "query": ["batch", "steps", queries * width],
        "key": ["batch", "steps", heads * width],
        "value": ["batch", "steps", heads * values],
    }
    names = ["query", "key", "value", "", "", ""]
    if has_past:
        shapes["past"] = ["batch", heads, width, values]
        names[3] = "past"
    if rule.startswith("gated"):
        shapes["decay"] = ["batch", "steps", heads * width if by_key else heads]
        names[4] = "decay"
    if rule.endswith("delta"):
        shapes["beta"] = ["batch", "steps", heads if by_key else 1]
        names[5] = "beta"
    node = oh.make_node(
        "LinearAttention",
        names,
        ["output", "present"],
        q_num_heads=queries,
        kv_num_heads=heads,
        update_rule=rule,
    )
    sizes = [{"batch": b, "steps": t} for b, t in [(1, 1), (3, 7), (2, 0)]]
    check(model_of(node, shapes), tmp_path, sizes)


@pytest.mark.parametrize("taps", [1, 4])
@pytest.mark.parametrize("has_past", [False, True])
def test_causal_convolution(taps: int, has_past: bool, tmp_path: Path) -> None:
    shapes: dict[str, list[int | str]] = {
        "input": ["batch", 6, "length"],
        "weight": [6, 1, taps],
        "bias": [6],
    }
    if has_past:
        shapes["past"] = ["batch", 6, taps - 1]
    names = ["input", "weight", "bias"] + ["past"] * has_past
    node = oh.make_node("CausalConvWithState", names, ["output", "present"], activation="silu")
    sizes = [{"batch": b, "length": n} for b, n in [(1, 1), (2, 2), (3, 11)]]
    check(model_of(node, shapes), tmp_path, sizes)
