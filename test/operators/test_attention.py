"""Attention: two products with a softmax between them, one kernel that takes stripes of rows."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.helper as oh
import pytest

import longtail as lt
from one_node import feed, model_of, onnxruntime_outputs, reference_outputs, same

RNG = np.random.default_rng(11)
STRIPES = "kernel.stripe"


def numbers(*shape: int, kind: type = np.float32) -> np.ndarray:
    return RNG.uniform(-2, 2, shape).astype(kind)


def written_out(mask: bool, heads_inside: bool, sizes: dict[str, list]) -> onnx.ModelProto:
    """The nodes of an exporter: transposes, product, scale, mask, softmax, product."""
    nodes, names = [], {name: name for name in "qkv"}
    if heads_inside:  # batch x tokens x heads x width
        for name in "qkv":
            names[name] = name + "h"
            nodes.append(oh.make_node("Transpose", [name], [name + "h"], perm=[0, 2, 1, 3]))
    nodes += [
        oh.make_node("Transpose", [names["k"]], ["kt"], perm=[0, 1, 3, 2]),
        oh.make_node("MatMul", [names["q"], "kt"], ["s"]),
        oh.make_node("Mul", ["s", "c"], ["scaled"]),
        oh.make_node("Add", ["scaled", "m"], ["masked"])
        if mask
        else oh.make_node("Identity", ["scaled"], ["masked"]),
        oh.make_node("Softmax", ["masked"], ["p"], axis=-1),
        oh.make_node("MatMul", ["p", names["v"]], ["o"]),
        oh.make_node("Transpose", ["o"], ["y"], perm=[0, 2, 1, 3])
        if heads_inside
        else oh.make_node("Identity", ["o"], ["y"]),
    ]
    inputs = [
        oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, size)
        for name, size in sizes.items()
        if mask or name != "m"
    ]
    output = oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    scale = onnx.numpy_helper.from_array(np.array(0.17, np.float32), "c")
    graph = oh.make_graph(nodes, "attention", inputs, [output], [scale])
    return oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=9)


def arrays_for(batch, heads, queries, keys, width, outputs, heads_inside) -> dict[str, np.ndarray]:
    def of(tokens: int, size: int) -> np.ndarray:
        shape = (batch, tokens, heads, size) if heads_inside else (batch, heads, tokens, size)
        return numbers(*shape)

    mask = np.where(RNG.random((batch, 1, queries, keys)) < 0.3, -10000.0, 0.0)
    return {
        "q": of(queries, width),
        "k": of(keys, width),
        "v": of(keys, outputs),
        "m": mask.astype(np.float32),
    }


def schedule_of(compiled: lt.CompiledModel) -> str:
    return compiled.stages()["schedule"]


# Lengths around the rows of a register tile and of a stripe; several widths of its panels.
SIZES = [
    (1, 3, 64, 64, 16, 16),
    (2, 5, 50, 37, 8, 24),
    (1, 8, 7, 19, 5, 3),
    (1, 12, 49, 130, 64, 64),
    (1, 4, 193, 65, 32, 32),
    (1, 9, 481, 482, 20, 40),
    (3, 4, 1, 33, 16, 16),
    (1, 8, 5, 2, 16, 16),
]


@pytest.mark.parametrize("heads_inside", [False, True])
@pytest.mark.parametrize("mask", [False, True])
@pytest.mark.parametrize("sizes", SIZES)
def test_known_lengths(sizes, mask, heads_inside):
    arrays = arrays_for(*sizes, heads_inside)
    if not mask:
        del arrays["m"]
    model = written_out(mask, heads_inside, {n: list(a.shape) for n, a in arrays.items()})
    compiled = lt.compile(model, keep_stages=True)
    if sizes[2] >= 64:
        assert STRIPES in schedule_of(compiled)
    for threads in (1, 2):
        got = lt.load(compiled.to_bytes(), threads=threads)(**arrays)
        same([got], onnxruntime_outputs(model, arrays), rtol=5e-6)


@pytest.mark.parametrize("heads_inside", [False, True])
@pytest.mark.parametrize("mask", [False, True])
def test_lengths_that_vary(mask, heads_inside):
    inner = ["b", "h", "n", "w"] if not heads_inside else ["b", "n", "h", "w"]
    of_keys = [{"n": "t"}.get(each, each) for each in inner]
    sizes = {
        "q": [{"w": 16, "h": 4}.get(each, each) for each in inner],
        "k": [{"w": 16, "h": 4}.get(each, each) for each in of_keys],
        "v": [{"w": 24, "h": 4}.get(each, each) for each in of_keys],
        "m": ["b", 1, "n", "t"],
    }
    model = written_out(mask, heads_inside, sizes)
    compiled = lt.compile(model, keep_stages=True)
    assert STRIPES in schedule_of(compiled)
    for batch, queries, keys in [(1, 64, 64), (2, 1, 40), (1, 33, 7), (3, 5, 5), (1, 300, 129)]:
        arrays = arrays_for(batch, 4, queries, keys, 16, 24, heads_inside)
        if not mask:
            del arrays["m"]
        same([compiled(**arrays)], onnxruntime_outputs(model, arrays), rtol=5e-6)
    empty = arrays_for(0, 4, 6, 9, 16, 24, heads_inside)
    if not mask:
        del empty["m"]
    assert compiled(**empty).size == 0


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.float64])
@pytest.mark.parametrize("causal", [0, 1])
@pytest.mark.parametrize("key_heads", [1, 2, 8])
@pytest.mark.parametrize("static", [False, True])
def test_operator(static, key_heads, causal, kind):
    """Heads that share keys and values; a causal mask; other types."""
    arrays = [
        numbers(2, 8, 70, 16, kind=kind),
        numbers(2, key_heads, 70, 16, kind=kind),
        numbers(2, key_heads, 70, 20, kind=kind),
    ]
    model = model_of("Attention", arrays, [("y", kind)], opset=23, static=True, is_causal=causal)
    if not static:
        for name, value in zip(["queries", "keys", "keys"], model.graph.input, strict=True):
            value.type.tensor_type.shape.dim[2].dim_param = name
    inputs = feed(model, arrays)
    got = lt.compile(model)(**inputs)
    same([got], reference_outputs(model, inputs), rtol=4e-3 if kind == np.float16 else 5e-6)


def test_what_others_read_is_kept():
    """Weights that are an output as well are no chain's own."""
    arrays = arrays_for(1, 8, 64, 64, 16, 16, False)
    model = written_out(True, False, {n: list(a.shape) for n, a in arrays.items()})
    model.graph.output.append(oh.make_tensor_value_info("p", onnx.TensorProto.FLOAT, None))
    compiled = lt.compile(model, keep_stages=True)
    assert STRIPES not in schedule_of(compiled)
    same(list(compiled(**arrays)), onnxruntime_outputs(model, arrays), rtol=5e-6)
