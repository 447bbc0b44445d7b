"""Einsum against NumPy's, with sizes that are known and open."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

import longtail as lt

CASES = [
    ("ij,jk->ik", [(3, 4), (4, 5)]),
    ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
    ("...ij,...jk", [(2, 3, 4), (4, 5)]),
    ("...i->i...", [(2, 3, 4)]),
    ("ii->i", [(4, 4)]),
    ("ii", [(4, 4)]),
    ("iij,jk->ik", [(3, 3, 4), (4, 5)]),
    ("i,j,k->ijk", [(2,), (3,), (4,)]),
    ("ab,bc,cd->ad", [(2, 3), (3, 4), (4, 5)]),
    ("bhqd,bhkd->bhqk", [(2, 3, 5, 8), (2, 3, 7, 8)]),
    ("i->", [(5,)]),
    ("abc,cd->", [(2, 3, 4), (4, 5)]),
    ("ij,ij->ij", [(3, 4), (3, 4)]),
    ("ij,ij->", [(0, 4), (0, 4)]),
    ("n i, i o -> n o", [(3, 4), (4, 2)]),
]


def einsum(equation: str, sizes: list, element: int = TensorProto.FLOAT) -> bytes:
    names = [f"x{i}" for i in range(len(sizes))]
    graph = helper.make_graph(
        [helper.make_node("Einsum", names, ["y"], equation=equation)],
        "einsum",
        [helper.make_tensor_value_info(n, element, s) for n, s in zip(names, sizes, strict=True)],
        [helper.make_tensor_value_info("y", element, None)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize(("equation", "sizes"), CASES)
def test_agrees(equation: str, sizes: list[tuple], is_open: bool) -> None:
    model = lt.compile(einsum(equation, [[None] * len(s) for s in sizes] if is_open else sizes))
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(size).astype(np.float32) for size in sizes]
    expected = np.einsum(equation.replace(" ", ""), *arrays)
    result = model(*arrays)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [(TensorProto.INT32, np.int32), (TensorProto.DOUBLE, np.float64)])
def test_other_types(kind: tuple) -> None:
    a, b = np.arange(12).reshape(3, 4).astype(kind[1]), np.arange(8).reshape(4, 2).astype(kind[1])
    result = lt.compile(einsum("ij,jk->ik", [(3, 4), (4, 2)], kind[0]))(a, b)
    np.testing.assert_array_equal(result, a @ b)


@pytest.mark.parametrize(
    ("equation", "sizes", "message"),
    [
        ("ij,jk->ik", [(3, 4), (5, 2)], "dimension 'j' of the equation is 4 and 5"),
        ("ij->ij", [(3, 4), (4, 5)], "has 1 terms, the node has 2 inputs"),
        ("i->i", [(3, 4)], "names 1 dimensions, input 0 has 2"),
        ("ij->ik", [(3, 4)], "must name dimensions of the inputs"),
        ("i1->i", [(3, 4)], "expected letters"),
        ("......->...", [(3, 4)], "two ellipses"),
    ],
)
def test_refuses(equation: str, sizes: list, message: str) -> None:
    with pytest.raises(lt.CompileError, match=message):
        lt.compile(einsum(equation, sizes))
