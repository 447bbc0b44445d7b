"""Branches whose results differ in rank or element type: what comes after them is in each."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.helper as oh
import onnx.reference
import pytest
from onnx import TensorProto as T

import longtail

from .test_control_flow import Arrays, branch, graph, make, op, rand, value


def check(model: onnx.ModelProto, *feeds: Arrays) -> None:
    """Compare all outputs with the reference evaluator's; ONNX Runtime refuses such branches."""
    oracle = onnx.reference.ReferenceEvaluator(model)
    compiled = longtail.compile(model)
    for feed in feeds:
        expected = oracle.run(None, feed)
        result = compiled(**feed)
        given = list(result) if isinstance(result, tuple) else [result]
        for ours, theirs in zip(given, expected, strict=True):
            assert ours.dtype == theirs.dtype
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def identity(source: str) -> onnx.GraphProto:
    """A graph that gives a value around it."""
    return graph([op("Identity", [source], "e")], [], [value("e", T.FLOAT, None)])


def total(source: str) -> onnx.GraphProto:
    """A graph that gives the sum, of rank 0, of a value around it."""
    return graph([op("ReduceSum", [source], "t", keepdims=0)], [], [value("t", T.FLOAT, None)])


CONDITIONS = (np.array(True), np.array(False))


def test_ranks_meet_again_behind() -> None:
    model = make(
        [
            branch("c", total("x"), identity("x")),
            op("Exp", ["x"], "before"),
            op("Mul", ["y", "before"], "product"),
            op("Sigmoid", ["y"], "also"),
            op("ReduceMax", ["also"], "largest", keepdims=0),
        ],
        [value("c", T.BOOL, []), value("x", T.FLOAT, ["n"])],
        [value(name, T.FLOAT, None) for name in ("product", "largest", "before")],
    )
    check(model, *({"c": c, "x": rand(n)} for c in CONDITIONS for n in (1, 5, 40)))


def test_element_types_meet_again_behind() -> None:
    then = graph([op("Shape", ["x"], "t")], [], [value("t", T.INT64, None)])
    model = make(
        [branch("c", then, identity("x")), op("Cast", ["y"], "z", to=T.DOUBLE)],
        [value("c", T.BOOL, [1]), value("x", T.FLOAT, ["n"])],
        [value("z", T.DOUBLE, ["m"])],
    )
    check(model, *({"c": c.reshape(1), "x": rand(n)} for c in CONDITIONS for n in (0, 3)))


def test_branches_and_loops_behind() -> None:
    """Graphs that read the results move as well, and conditions of their own stay their own."""
    inner = graph([op("Relu", ["y"], "r")], [], [value("r", T.FLOAT, None)])
    other = graph([op("Neg", ["y"], "r")], [], [value("r", T.FLOAT, None)])
    body = graph(
        [op("Identity", ["go"], "on"), op("Add", ["s", "m"], "next")],
        [value("i", T.INT64, []), value("go", T.BOOL, []), value("s", T.FLOAT, ["n"])],
        [value("on", T.BOOL, []), value("next", T.FLOAT, ["n"])],
    )
    model = make(
        [
            branch("c", total("x"), identity("x")),
            oh.make_node("If", ["d"], ["r"], then_branch=inner, else_branch=other),
            op("ReduceMean", ["r"], "m", keepdims=0),
            # The reference evaluator takes a condition that is left out as false.
            oh.make_node("Loop", ["trips", "yes", "x"], ["z"], body=body),
        ],
        [
            value("c", T.BOOL, []),
            value("d", T.BOOL, []),
            value("trips", T.INT64, []),
            value("x", T.FLOAT, ["n"]),
        ],
        [value("z", T.FLOAT, ["n"])],
        {"yes": np.array(True)},
    )
    feeds = [
        {"c": c, "d": d, "trips": np.array(trips), "x": rand(5)}
        for c in CONDITIONS
        for d in CONDITIONS
        for trips in (0, 3)
    ]
    check(model, *feeds)


def chain(length: int, conditions: int) -> onnx.ModelProto:
    """Branches of different ranks one after another, each reading the last one's result; the
    conditions take turns."""
    nodes = []
    for i in range(length):
        last = f"r{i - 1}" if i else "x"
        nodes.append(
            oh.make_node(
                "If",
                [f"c{i % conditions}"],
                [f"y{i}"],
                then_branch=total(last),
                else_branch=identity(last),
            )
        )
        nodes.append(op("Add", [f"y{i}", "x"], f"r{i}"))
    inputs = [value(f"c{i}", T.BOOL, []) for i in range(conditions)]
    return make(
        nodes, [*inputs, value("x", T.FLOAT, ["n"])], [value(f"r{length - 1}", T.FLOAT, ["n"])]
    )


def test_branches_of_one_condition_one_after_another() -> None:
    check(chain(24, 1), *({"c0": c, "x": rand(3) / 100} for c in CONDITIONS))


def test_branches_of_several_conditions_one_after_another() -> None:
    feeds = [
        {"c0": a, "c1": b, "c2": c, "x": rand(4)}
        for a in CONDITIONS
        for b in CONDITIONS
        for c in CONDITIONS
    ]
    check(chain(3, 3), *feeds)


def test_too_many_copies_are_refused() -> None:
    with pytest.raises(longtail.CompileError, match=r"attempts|copies"):
        longtail.compile(chain(40, 40))


def test_what_leaves_the_graph_must_agree() -> None:
    model = make(
        [branch("c", total("x"), identity("x"))],
        [value("c", T.BOOL, []), value("x", T.FLOAT, ["n"])],
        [value("y", T.FLOAT, None)],
    )
    with pytest.raises(longtail.CompileError, match=r"output 0 is f32\[\] in 'then_branch'"):
        longtail.compile(model)
