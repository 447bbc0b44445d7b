"""Transpositions of every permutation, also with operators behind them, against NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import onnx
import onnx.helper as oh
import pytest
from onnx import TensorProto as T

import longtail as lt

TYPES = {
    T.FLOAT: np.float32,
    T.DOUBLE: np.float64,
    T.UINT8: np.uint8,
    T.FLOAT16: np.float16,
    T.BOOL: bool,
    T.INT64: np.int64,
}
# Below, at and above the lanes of vectors, whole vectors and rests.
SIZES = (1, 3, 5, 16, 17, 31, 33, 48)


@pytest.mark.parametrize("target", [None, "x86-64-v3", "x86-64-v2"])
@pytest.mark.parametrize("behind", [(), ("Neg",), ("Exp", "Tanh")])
@pytest.mark.parametrize("perm", [p for r in (2, 3, 4) for p in itertools.permutations(range(r))])
def test_permutation(perm: tuple[int, ...], behind: tuple[str, ...], target: str | None) -> None:
    """The first operator is in the same loops as the transposition; two are many operations."""
    rng = np.random.default_rng(perm)
    functions = {"Neg": np.negative, "Exp": np.exp, "Tanh": np.tanh}
    element = T.FLOAT if behind else rng.choice(list(TYPES))
    names = ["x", "t", "u", "v"]
    nodes = [oh.make_node("Transpose", ["x"], ["t"], perm=perm)]
    nodes += [oh.make_node(op, [names[k + 1]], [names[k + 2]]) for k, op in enumerate(behind)]
    output = names[len(nodes)]
    for dynamic in (False, True):
        shape = [int(size) for size in rng.choice(SIZES, len(perm))]
        declared = [f"d{k}" for k in range(len(perm))] if dynamic else shape
        graph = oh.make_graph(
            nodes,
            "g",
            [oh.make_tensor_value_info("x", element, declared)],
            [oh.make_tensor_value_info(output, element, None)],
        )
        model = oh.make_model(graph, opset_imports=[oh.make_opsetid("", 17)], ir_version=8)
        x = (4 * rng.standard_normal(shape)).astype(TYPES[element])
        expected = np.transpose(x, perm)
        for op in behind:
            expected = functions[op](expected)
        given = lt.compile(model, target=target)(x)
        assert given.dtype == expected.dtype
        np.testing.assert_allclose(given, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("target", [None, "x86-64-v3", "x86-64-v2"])
@pytest.mark.parametrize("kind", [np.float32, np.int8, np.float64])
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize(
    "pads", [(0, 5, 0, 0, 3, 0), (0, 0, 7, 0, 0, 20), (1, 2, 3, 3, 2, 1), (0, -3, 0, 0, 9, 0)]
)
def test_of_what_is_padded(pads, static, kind, target):
    """Elements that do not exist, before and behind and on both sides of what is turned around."""
    nodes = [
        oh.make_node("Pad", ["x", "pads", "fill"], ["p"]),
        oh.make_node("Transpose", ["p"], ["y"], perm=[0, 2, 1]),
    ]
    element = oh.np_dtype_to_tensor_dtype(np.dtype(kind))
    shapes = [(2, 33, 40), (1, 64, 64), (3, 17, 5), (1, 4, 100)]
    fill = np.array(7, kind)
    for shape in shapes if static else shapes[:1]:
        graph = oh.make_graph(
            nodes,
            "padded",
            [oh.make_tensor_value_info("x", element, shape if static else ["a", "b", "c"])],
            [oh.make_tensor_value_info("y", element, None)],
            [
                onnx.numpy_helper.from_array(np.array(pads, np.int64), "pads"),
                onnx.numpy_helper.from_array(fill, "fill"),
            ],
        )
        model = oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 18)], ir_version=9)
        compiled = lt.compile(model, target=target)
        for given in [shape] if static else shapes:
            x = np.arange(np.prod(given)).reshape(given).astype(kind)
            cut = x[:, max(0, -pads[1]) :, :]
            widths = [(max(0, a), max(0, b)) for a, b in zip(pads[:3], pads[3:], strict=True)]
            expected = np.pad(cut, widths, constant_values=7).transpose(0, 2, 1)
            np.testing.assert_array_equal(compiled(x=x), expected)
