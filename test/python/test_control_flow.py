"""Branches and loops of ONNX models, compared with ONNX Runtime and the reference evaluator."""

from __future__ import annotations

import numpy as np
import onnx
import onnx.helper as oh
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import numpy_helper as nh

import longtail

Arrays = dict[str, np.ndarray]


def make(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: Arrays | None = None,
    opset: int = 17,
) -> onnx.ModelProto:
    """A model of a graph."""
    initializers = [nh.from_array(value, name) for name, value in (constants or {}).items()]
    graph = oh.make_graph(nodes, "main", inputs, outputs, initializers)
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("", opset)], ir_version=8)


def value(name: str, kind: int, shape: list[object] | None) -> onnx.ValueInfoProto:
    """A declaration of a tensor; `shape` None says nothing of it."""
    return oh.make_tensor_value_info(name, kind, shape)


def check(model: onnx.ModelProto, *feeds: Arrays, exact: bool = False) -> None:
    """Compare all outputs with ONNX Runtime's, with one compiled model for all feeds."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    oracle = onnxruntime.InferenceSession(model.SerializeToString(), options)
    compiled = longtail.compile(model)
    for feed in feeds:
        expected = oracle.run(None, feed)
        result = compiled(**feed)
        given = list(result) if isinstance(result, tuple) else [result]
        assert len(given) == len(expected)
        for ours, theirs in zip(given, expected, strict=True):
            assert ours.dtype == theirs.dtype
            if ours.ndim and ours.shape[0] == theirs.shape[0] == 0:
                # Without a trip ONNX Runtime takes sizes that it does not know as 0.
                assert ours.ndim == theirs.ndim
                continue
            assert ours.shape == theirs.shape
            if exact:
                np.testing.assert_array_equal(ours, theirs)
            else:
                np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def rand(*shape: int) -> np.ndarray:
    """Random f32 numbers, the same in each run."""
    return np.random.default_rng(sum(shape)).standard_normal(shape, dtype=np.float32)


def graph(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: Arrays | None = None,
) -> onnx.GraphProto:
    """The graph of a branch or loop."""
    initializers = [nh.from_array(value, name) for name, value in (constants or {}).items()]
    return oh.make_graph(nodes, "body", inputs, outputs, initializers)


def branch(condition: str, then: onnx.GraphProto, otherwise: onnx.GraphProto) -> onnx.NodeProto:
    """An If whose one output is `y`."""
    return oh.make_node("If", [condition], ["y"], then_branch=then, else_branch=otherwise)


def test_if_captures_values_of_known_sizes() -> None:
    then = graph([oh.make_node("Add", ["x", "w"], ["t"])], [], [value("t", T.FLOAT, None)])
    other = graph([oh.make_node("Mul", ["x", "w"], ["e"])], [], [value("e", T.FLOAT, None)])
    model = make(
        [branch("c", then, other)],
        [value("c", T.BOOL, []), value("x", T.FLOAT, ["n", 4])],
        [value("y", T.FLOAT, ["n", 4])],
        {"w": rand(4)},
    )
    check(
        model,
        *({"c": np.array(c), "x": rand(n, 4)} for c in (True, False) for n in (3, 1, 0, 70)),
    )


def test_if_sizes_depend_on_the_condition() -> None:
    then = graph([oh.make_node("Identity", ["x"], ["t"])], [], [value("t", T.FLOAT, None)])
    other = graph(
        [oh.make_node("Concat", ["x", "x"], ["e"], axis=0)], [], [value("e", T.FLOAT, None)]
    )
    model = make(
        [branch("c", then, other), oh.make_node("Relu", ["y"], ["z"])],
        [value("c", T.BOOL, [1]), value("x", T.FLOAT, ["n", 4])],
        [value("z", T.FLOAT, None), value("y", T.FLOAT, None)],
    )
    check(model, *({"c": np.array([c]), "x": rand(n, 4)} for c in (True, False) for n in (3, 0)))


def test_if_sizes_depend_on_data() -> None:
    then = graph(
        [oh.make_node("Range", ["zero", "k", "one"], ["t"])], [], [value("t", T.INT64, None)]
    )
    other = graph([oh.make_node("Identity", ["x"], ["e"])], [], [value("e", T.INT64, None)])
    model = make(
        [branch("c", then, other), oh.make_node("Add", ["y", "one"], ["z"])],
        [value("c", T.BOOL, []), value("k", T.INT64, []), value("x", T.INT64, ["n"])],
        [value("z", T.INT64, None), value("y", T.INT64, None)],
        {"zero": np.array(0), "one": np.array(1)},
    )
    check(
        model,
        *(
            {"c": np.array(c), "k": np.array(k), "x": np.arange(n)}
            for c, k, n in ((True, 5, 2), (False, 5, 3), (True, 0, 3), (True, 900, 0))
        ),
        exact=True,
    )


def test_if_of_a_known_condition_leaves_nothing() -> None:
    then = graph([oh.make_node("Squeeze", ["x"], ["t"])], [], [value("t", T.FLOAT, None)])
    other = graph([oh.make_node("Identity", ["x"], ["e"])], [], [value("e", T.FLOAT, None)])
    nodes = [
        oh.make_node("Shape", ["x"], ["s"]),
        oh.make_node("Gather", ["s", "one"], ["d"]),
        oh.make_node("Equal", ["d", "one"], ["c"]),
        branch("c", then, other),
    ]
    model = make(
        nodes,
        [value("x", T.FLOAT, ["n", 1, 4])],
        [value("y", T.FLOAT, None)],
        {"one": np.array(1)},
    )
    check(model, {"x": rand(3, 1, 4)})


def test_branches_of_different_ranks_are_refused() -> None:
    total = oh.make_node("ReduceSum", ["x"], ["t"], keepdims=0)
    then = graph([total], [], [value("t", T.FLOAT, None)])
    other = graph([oh.make_node("Identity", ["x"], ["e"])], [], [value("e", T.FLOAT, None)])
    model = make(
        [branch("c", then, other)],
        [value("c", T.BOOL, []), value("x", T.FLOAT, ["n"])],
        [value("y", T.FLOAT, None)],
    )
    with pytest.raises(longtail.CompileError, match=r"output 0 is .* in .then_branch."):
        longtail.compile(model)


def loop(body: onnx.GraphProto, inputs: list[str], outputs: list[str]) -> onnx.NodeProto:
    """A Loop."""
    return oh.make_node("Loop", inputs, outputs, body=body)


LOOP_INPUTS = [value("i", T.INT64, []), value("go", T.BOOL, [])]


def summing(carried: list[object]) -> onnx.GraphProto:
    """A body that adds `x` to what it carries and gives the square of it."""
    return graph(
        [
            oh.make_node("Identity", ["go"], ["on"]),
            oh.make_node("Add", ["s", "x"], ["t"]),
            oh.make_node("Mul", ["t", "t"], ["q"]),
        ],
        [*LOOP_INPUTS, value("s", T.FLOAT, carried)],
        [value("on", T.BOOL, []), value("t", T.FLOAT, carried), value("q", T.FLOAT, carried)],
    )


@pytest.mark.parametrize("trips", [0, 1, 2, 7])
def test_loop_of_a_known_number_of_trips(trips: int) -> None:
    model = make(
        [loop(summing(["n", 3]), ["m", "", "x"], ["last", "all"])],
        [value("x", T.FLOAT, ["n", 3])],
        [value("last", T.FLOAT, None), value("all", T.FLOAT, None)],
        {"m": np.array(trips)},
    )
    check(model, {"x": rand(2, 3)}, {"x": rand(5, 3)})


def test_loop_of_a_number_of_trips_that_is_an_input() -> None:
    model = make(
        [loop(summing(["n", 3]), ["m", "c", "x"], ["last", "all"])],
        [value("m", T.INT64, []), value("c", T.BOOL, []), value("x", T.FLOAT, ["n", 3])],
        [value("last", T.FLOAT, None), value("all", T.FLOAT, None)],
    )
    feeds = ((3, True, 2), (0, True, 2), (4, False, 2), (-1, True, 3), (9, True, 1), (2, True, 5))
    check(
        model,
        *({"m": np.array(m), "c": np.array(c), "x": rand(n, 3)} for m, c, n in feeds),
    )


def test_loop_ends_by_its_condition() -> None:
    body = graph(
        [
            oh.make_node("Add", ["s", "s"], ["t"]),
            oh.make_node("Less", ["t", "limit"], ["on"]),
            oh.make_node("Identity", ["t"], ["q"]),
        ],
        [*LOOP_INPUTS, value("s", T.FLOAT, [])],
        [value("on", T.BOOL, []), value("t", T.FLOAT, []), value("q", T.FLOAT, [])],
    )
    model = make(
        [loop(body, ["", "c", "s0"], ["last", "all"])],
        [value("c", T.BOOL, []), value("s0", T.FLOAT, []), value("limit", T.FLOAT, [])],
        [value("last", T.FLOAT, None), value("all", T.FLOAT, None)],
    )
    check(
        model,
        *(
            {
                "c": np.array(c),
                "s0": np.array(1, np.float32),
                "limit": np.array(limit, np.float32),
            }
            for c, limit in ((True, 100), (True, 1), (False, 100), (True, 1e9))
        ),
    )


def test_loop_carries_what_grows() -> None:
    body = graph(
        [
            oh.make_node("Identity", ["go"], ["on"]),
            oh.make_node("Concat", ["s", "x"], ["t"], axis=0),
        ],
        [*LOOP_INPUTS, value("s", T.FLOAT, None)],
        [value("on", T.BOOL, []), value("t", T.FLOAT, None)],
    )
    model = make(
        [loop(body, ["m", "", "x"], ["last"]), oh.make_node("Relu", ["last"], ["z"])],
        [value("m", T.INT64, []), value("x", T.FLOAT, ["n", 3])],
        [value("last", T.FLOAT, None), value("z", T.FLOAT, None)],
    )
    check(
        model, *({"m": np.array(m), "x": rand(n, 3)} for m, n in ((3, 2), (0, 2), (5, 1), (2, 4)))
    )


def test_if_in_a_loop_in_an_if() -> None:
    inner_then = graph([oh.make_node("Add", ["s", "w"], ["a"])], [], [value("a", T.FLOAT, None)])
    inner_else = graph([oh.make_node("Mul", ["s", "x"], ["b"])], [], [value("b", T.FLOAT, None)])
    body = graph(
        [
            oh.make_node("Identity", ["go"], ["on"]),
            oh.make_node("Mod", ["i", "two"], ["r"]),
            oh.make_node("Cast", ["r"], ["odd"], to=T.BOOL),
            oh.make_node("If", ["odd"], ["t"], then_branch=inner_then, else_branch=inner_else),
        ],
        [*LOOP_INPUTS, value("s", T.FLOAT, None)],
        [value("on", T.BOOL, []), value("t", T.FLOAT, None)],
    )
    then = graph([loop(body, ["m", "", "x"], ["p"])], [], [value("p", T.FLOAT, None)])
    other = graph([oh.make_node("Neg", ["x"], ["q"])], [], [value("q", T.FLOAT, None)])
    model = make(
        [branch("c", then, other)],
        [value("c", T.BOOL, []), value("m", T.INT64, []), value("x", T.FLOAT, ["n", 3])],
        [value("y", T.FLOAT, None)],
        {"w": rand(3), "two": np.array(2)},
    )
    check(
        model,
        *(
            {"c": np.array(c), "m": np.array(m), "x": rand(n, 3)}
            for c, m, n in ((True, 4, 2), (False, 4, 2), (True, 0, 3), (True, 1, 1))
        ),
    )


def scan_model(axis: int, out_axis: int, directions: tuple[int, int]) -> onnx.ModelProto:
    """A running sum along `axis`."""
    body = graph(
        [
            oh.make_node("Add", ["s", "slice"], ["t"]),
            oh.make_node("Mul", ["t", "two"], ["out"]),
        ],
        [value("s", T.FLOAT, None), value("slice", T.FLOAT, None)],
        [value("t", T.FLOAT, None), value("out", T.FLOAT, None)],
    )
    node = oh.make_node(
        "Scan",
        ["s0", "x"],
        ["last", "all"],
        body=body,
        num_scan_inputs=1,
        scan_input_axes=[axis],
        scan_output_axes=[out_axis],
        scan_input_directions=[directions[0]],
        scan_output_directions=[directions[1]],
    )
    return make(
        [node],
        [value("s0", T.FLOAT, ["b", "c"]), value("x", T.FLOAT, ["p", "q", "r"])],
        [value("last", T.FLOAT, None), value("all", T.FLOAT, None)],
        {"two": np.array(2, np.float32)},
    )


@pytest.mark.parametrize("directions", [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize(("axis", "out_axis"), [(0, 0), (1, 2), (2, 1), (-1, -2)])
def test_scan(axis: int, out_axis: int, directions: tuple[int, int]) -> None:
    feeds = []
    for shape in ((5, 2, 3), (1, 1, 1), (4, 6, 2)):
        rest = list(shape)
        del rest[axis]
        feeds.append({"s0": rand(*rest), "x": rand(*shape)})
    check(scan_model(axis, out_axis, directions), *feeds)


def op(name: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    """A node with one output."""
    return oh.make_node(name, inputs, [output], **attributes)


def test_sequences_of_known_length_leave_nothing() -> None:
    nodes = [
        op("SequenceConstruct", ["x", "y"], "s"),
        op("SequenceInsert", ["s", "x", "one"], "t"),
        op("SequenceErase", ["t", "zero"], "u"),
        op("SequenceAt", ["u", "last"], "a"),
        op("ConcatFromSequence", ["t"], "b", axis=0),
        op("SequenceLength", ["u"], "n"),
    ]
    model = make(
        nodes,
        [value("x", T.FLOAT, ["n", 3]), value("y", T.FLOAT, [2, 3])],
        [value("a", T.FLOAT, None), value("b", T.FLOAT, None), value("n", T.INT64, [])],
        {"one": np.array(1), "zero": np.array(0), "last": np.array(-1)},
    )
    check(model, {"x": rand(4, 3), "y": rand(2, 3)}, {"x": rand(1, 3), "y": rand(2, 3)})


def test_sequences_at_positions_that_are_inputs() -> None:
    nodes = [
        op("SequenceEmpty", [], "e"),
        op("SequenceInsert", ["e", "x"], "s"),
        op("SequenceInsert", ["s", "y"], "t"),
        op("SequenceInsert", ["t", "z", "p"], "u"),
        op("SequenceAt", ["u", "q"], "a"),
        op("SequenceErase", ["u", "q"], "v"),
        op("SequenceAt", ["v", "p"], "b"),
        op("SequenceLength", ["v"], "n"),
    ]
    model = make(
        nodes,
        [
            *(value(name, T.FLOAT, [None, 3]) for name in "xyz"),
            value("p", T.INT64, []),
            value("q", T.INT64, []),
        ],
        [value("a", T.FLOAT, None), value("b", T.FLOAT, None), value("n", T.INT64, [])],
    )
    tensors = {"x": rand(2, 3), "y": rand(1, 3), "z": rand(5, 3)}
    check(
        model,
        *(
            {**tensors, "p": np.array(p), "q": np.array(q)}
            for p, q in ((0, 0), (1, 2), (-1, 1), (1, -3), (0, -1))
        ),
    )


def test_a_branch_gives_a_sequence() -> None:
    def pair(first: str, second: str, name: str) -> onnx.GraphProto:
        declared = oh.make_tensor_sequence_value_info(name, T.FLOAT, None)
        return graph([op("SequenceConstruct", [first, second], name)], [], [declared])

    model = make(
        [
            branch("c", pair("x", "k", "s"), pair("k", "x", "u")),
            op("SequenceAt", ["y", "zero"], "a"),
        ],
        [value("c", T.BOOL, []), value("x", T.FLOAT, ["n"]), value("k", T.FLOAT, [2])],
        [value("a", T.FLOAT, None)],
        {"zero": np.array(0)},
    )
    check(model, *({"c": np.array(c), "x": rand(5), "k": rand(2)} for c in (True, False)))


def test_sequence_map_and_optionals() -> None:
    body = graph(
        [op("Mul", ["element", "factor"], "scaled"), op("Add", ["scaled", "w"], "out")],
        [value("element", T.FLOAT, None), value("factor", T.FLOAT, None)],
        [value("out", T.FLOAT, None)],
    )
    nodes = [
        op("SplitToSequence", ["x"], "s", axis=1),
        op("SequenceMap", ["s", "f"], "m", body=body),
        op("Optional", ["m"], "o"),
        op("OptionalGetElement", ["o"], "g"),
        op("OptionalHasElement", ["o"], "has"),
        op("ConcatFromSequence", ["g"], "y", axis=1),
    ]
    model = make(
        nodes,
        [value("x", T.FLOAT, ["n", 4]), value("f", T.FLOAT, [])],
        [value("y", T.FLOAT, None), value("has", T.BOOL, None)],
        {"w": rand(1)},
        opset=18,
    )
    x, factor = rand(3, 4), np.array(3, np.float32)
    y, has = longtail.compile(model)(x=x, f=factor)
    np.testing.assert_allclose(y, x * factor + rand(1), rtol=1e-6)
    assert has.item() is True


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            [op("SequenceConstruct", ["x"], "s"), op("SequenceAt", ["s", "k"], "y")],
            "position 5 is not in a sequence of 1 elements",
        ),
        (
            [op("SequenceConstruct", ["x"], "s"), op("Relu", ["s"], "y")],
            "input 0 is a sequence or an optional",
        ),
        ([op("SequenceLength", ["x"], "y")], "input 0 is no sequence"),
    ],
)
def test_wrong_sequences_are_refused(nodes: list[onnx.NodeProto], message: str) -> None:
    model = make(nodes, [value("x", T.FLOAT, [3])], [value("y", T.FLOAT, None)], {"k": np.array(5)})
    with pytest.raises(longtail.CompileError, match=message):
        longtail.compile(model)


def nested(depth: int) -> onnx.ModelProto:
    """Branches in branches."""
    body = graph([op("Relu", ["x"], "y")], [], [value("y", T.FLOAT, None)])
    for _ in range(depth):
        other = graph([op("Neg", ["x"], "y")], [], [value("y", T.FLOAT, None)])
        body = graph([branch("c", body, other)], [], [value("y", T.FLOAT, None)])
    return make(
        list(body.node),
        [value("c", T.BOOL, []), value("x", T.FLOAT, ["n"])],
        [value("y", T.FLOAT, None)],
    )


def test_branches_nest() -> None:
    check(nested(12), *({"c": np.array(c), "x": rand(3)} for c in (True, False)))


def test_a_node_in_a_body_is_named_when_it_cannot_be_compiled() -> None:
    wrong = graph([op("MatMul", ["x", "x"], "t")], [], [value("t", T.FLOAT, None)])
    right = graph([op("Neg", ["x"], "e")], [], [value("e", T.FLOAT, None)])
    model = make(
        [branch("c", wrong, right)],
        [value("c", T.BOOL, []), value("x", T.FLOAT, [2, 3])],
        [value("y", T.FLOAT, None)],
    )
    with pytest.raises(longtail.CompileError, match="MatMul"):
        longtail.compile(model)


def test_a_loop_shows_as_one_step() -> None:
    model = make(
        [loop(summing(["n", 3]), ["m", "", "x"], ["last", "all"])],
        [value("m", T.INT64, []), value("x", T.FLOAT, ["n", 3])],
        [value("last", T.FLOAT, None), value("all", T.FLOAT, None)],
    )
    model.graph.node[0].name = "the loop"
    steps = longtail.compile(model).profile(m=np.array(4), x=rand(2, 3))
    assert [name for name, _ in steps].count("node 'the loop' (Loop)") == 1
