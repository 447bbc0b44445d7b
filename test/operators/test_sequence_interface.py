"""Sequences and optionals that enter and leave a model, or whose length only the run tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper as oh
import onnxruntime as ort
import pytest
from onnx import TensorProto as T

import longtail as lt
from longtail import emulation
from longtail.__main__ import main

F32 = np.float32


def sequence(name: str, element: int = T.FLOAT, shape: Any = None) -> onnx.ValueInfoProto:
    return oh.make_tensor_sequence_value_info(name, element, shape)


def optional(name: str, inner: onnx.TypeProto) -> onnx.ValueInfoProto:
    return oh.make_value_info(name, oh.make_optional_type_proto(inner))


def tensor(name: str, element: int = T.FLOAT, shape: Any = None) -> onnx.ValueInfoProto:
    return oh.make_tensor_value_info(name, element, shape)


def op(kind: str, inputs: list[str], outputs: str | list[str], **attributes: Any) -> onnx.NodeProto:
    outputs = [outputs] if isinstance(outputs, str) else outputs
    return oh.make_node(kind, inputs, outputs, name=f"the_{kind}_{outputs[0]}", **attributes)


def make(
    nodes: list, inputs: list, outputs: list, constants: dict | None = None
) -> onnx.ModelProto:
    initializers = [onnx.numpy_helper.from_array(v, k) for k, v in (constants or {}).items()]
    graph = oh.make_graph(nodes, "g", inputs, outputs, initializers)
    return oh.make_model(graph, opset_imports=[oh.make_opsetid("", 18)], ir_version=8)


def by_onnx_runtime(model: onnx.ModelProto, inputs: dict[str, Any]) -> list[Any]:
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options)
    return session.run(None, inputs)


def assert_same(given: Any, expected: Any) -> None:
    if expected is None:
        assert given is None
    elif isinstance(expected, list):
        assert isinstance(given, list)
        assert len(given) == len(expected)
        for one, other in zip(given, expected, strict=True):
            assert_same(one, other)
    else:
        expected = np.asarray(expected)
        assert isinstance(given, np.ndarray)
        assert given.shape == expected.shape
        assert given.dtype == expected.dtype
        np.testing.assert_array_equal(given, expected)


def check(model: onnx.ModelProto, inputs: dict[str, Any]) -> None:
    expected = by_onnx_runtime(model, inputs)
    for naive in (False, True):
        given = lt.compile(model, naive=naive)(**inputs)
        assert_same(list(given) if isinstance(given, lt.Outputs) else [given], list(expected))


def arrays(dtype: Any, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    made = [np.asarray(rng.integers(0, 9, shape)) for shape in shapes]
    if dtype is object:
        return [np.array([f"a{v}" for v in m.ravel()], object).reshape(m.shape) for m in made]
    return [m.astype(dtype) for m in made]


# ---- through a model ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "dtype"),
    [
        (T.FLOAT, F32),
        (T.INT64, np.int64),
        (T.BOOL, bool),
        (T.FLOAT16, np.float16),
        (T.UINT8, np.uint8),
        (T.STRING, object),
    ],
)
@pytest.mark.parametrize(
    "shapes", [(), ((2, 3),), ((2,), (0,), (5,)), ((), (2, 3), (4,)), ((0, 3), (2, 0))]
)
def test_a_sequence_passes_through(element: int, dtype: Any, shapes: tuple) -> None:
    model = make([op("Identity", ["x"], "y")], [sequence("x", element)], [sequence("y", element)])
    given = arrays(dtype, *shapes)
    assert_same(lt.compile(model)(x=given), given)


@pytest.mark.parametrize("value", [None, [], [np.arange(3, dtype=F32)]])
def test_an_optional_sequence_passes_through(value: Any) -> None:
    inner = oh.make_sequence_type_proto(oh.make_tensor_type_proto(T.FLOAT, ["n"]))
    model = make([op("Identity", ["x"], "y")], [optional("x", inner)], [optional("y", inner)])
    assert_same(lt.compile(model)(value), value)


@pytest.mark.parametrize("value", [None, np.float32(3), np.ones((2, 3), F32)])
def test_an_optional_tensor_passes_through(value: Any) -> None:
    inner = oh.make_tensor_type_proto(T.FLOAT, None)
    has = tensor("has", T.BOOL, [])
    model = make(
        [op("Identity", ["x"], "y"), op("OptionalHasElement", ["x"], "has")],
        [optional("x", inner)],
        [optional("y", inner), has],
    )
    y, present = lt.compile(model)(value)
    assert_same(y, value)
    assert present.item() is (value is not None)


def test_a_known_list_leaves_a_model_as_a_list() -> None:
    nodes = [op("SplitToSequence", ["x"], "y", axis=1), op("SequenceLength", ["y"], "n")]
    model = make(nodes, [tensor("x", T.FLOAT, ["a", 3])], [sequence("y"), tensor("n", T.INT64, [])])
    check(model, {"x": np.arange(6, dtype=F32).reshape(2, 3)})


def test_what_is_empty_leaves_a_model() -> None:
    nodes = [op("SequenceEmpty", [], "y", dtype=T.INT64), op("Relu", ["x"], "z")]
    model = make(nodes, [tensor("x", T.FLOAT, [2])], [sequence("y", T.INT64), tensor("z")])
    y, _ = lt.compile(model)(np.ones(2, F32))
    assert y == []


def test_facts_survive_saving(tmp_path: Path) -> None:
    model = make(
        [op("SequenceInsert", ["x", "t"], "y")],
        [sequence("x", T.FLOAT, ["n"]), tensor("t", T.FLOAT, [2])],
        [sequence("y", T.FLOAT, ["n"])],
    )
    path = tmp_path / "model.lt"
    lt.compile(model).save(path)
    loaded = lt.load(path)
    assert [str(each) for each in loaded.inputs] == [
        "x: sequence of float32[?]",
        "t: float32[2]",
    ]
    assert [each.kind for each in loaded.outputs] == ["sequence"]
    assert_same(loaded([], np.ones(2, F32)), [np.ones(2, F32)])


# ---- positions, parts and joins ----------------------------------------------------------------

ELEMENTS = [(2, 3), (1, 4), (0, 2), (3, 3)]


@pytest.mark.parametrize("position", [0, 2, 3, -1, -4])
@pytest.mark.parametrize("kind", ["SequenceAt", "SequenceErase", "SequenceInsert"])
def test_positions_in_a_sequence(kind: str, position: int) -> None:
    inputs = ["x", "t", "p"] if kind == "SequenceInsert" else ["x", "p"]
    output = tensor("y") if kind == "SequenceAt" else sequence("y")
    model = make(
        [op(kind, inputs, "y"), op("SequenceLength", ["x"], "n")],
        [
            sequence("x", T.FLOAT, ["a", "b"]),
            tensor("t", T.FLOAT, [2, 2]),
            tensor("p", T.INT64, []),
        ],
        [output, tensor("n", T.INT64, [])],
    )
    inputs = {
        "x": arrays(F32, *ELEMENTS),
        "t": np.full((2, 2), 9, F32),
        "p": np.array(position),
    }
    check(model, inputs)


@pytest.mark.parametrize("size", [0, 1, 5, 6])
@pytest.mark.parametrize("length", [1, 2, 7])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_split_into_as_many_parts_as_fit(axis: int, length: int, size: int) -> None:
    model = make(
        [op("SplitToSequence", ["x", "k"], "y", axis=axis)],
        [tensor("x", T.FLOAT, ["a", "b", "c"]), tensor("k", T.INT64, [])],
        [sequence("y")],
    )
    shape = [2, 3, 4]
    shape[axis] = size
    x = np.arange(np.prod(shape), dtype=F32).reshape(shape)
    expected = [x.take(range(at, min(at + length, size)), axis) for at in range(0, size, length)]
    assert_same(lt.compile(model)(x, np.array(length)), expected)


@pytest.mark.parametrize("keep", [0, 1])
def test_split_into_single_slices(keep: int) -> None:
    model = make(
        [op("SplitToSequence", ["x"], "y", axis=1, keepdims=keep)],
        [tensor("x", T.FLOAT, ["a", "b"])],
        [sequence("y")],
    )
    check(model, {"x": np.arange(6, dtype=F32).reshape(2, 3)})


@pytest.mark.parametrize(("axis", "new"), [(0, 0), (1, 0), (-1, 0), (0, 1), (1, 1), (2, 1)])
def test_join_a_sequence(axis: int, new: int) -> None:
    model = make(
        [op("ConcatFromSequence", ["x"], "y", axis=axis, new_axis=new)],
        [sequence("x", T.FLOAT, ["a", "b"])],
        [tensor("y")],
    )
    shapes = [(2, 3), (2, 3), (2, 3)]
    if not new:
        shapes[1] = (5, 3) if axis == 0 else (2, 0)
    check(model, {"x": arrays(F32, *shapes)})


def test_map_of_two_sequences_and_a_tensor() -> None:
    body = oh.make_graph(
        [
            op("Mul", ["a", "f"], "m"),
            op("Concat", ["m", "b"], "joined", axis=0),
            op("Add", ["joined", "w"], "sum"),
            op("Shape", ["a"], "size"),
        ],
        "body",
        [tensor("a", T.FLOAT, ["p"]), tensor("b", T.FLOAT, ["q"]), tensor("f", T.FLOAT, [])],
        [tensor("sum", T.FLOAT, ["r"]), tensor("size", T.INT64, [1])],
    )
    model = make(
        [op("SequenceMap", ["s", "t", "f"], ["y", "z"], body=body)],
        [sequence("s", T.FLOAT, ["p"]), sequence("t", T.FLOAT, ["q"]), tensor("f", T.FLOAT, [])],
        [sequence("y", T.FLOAT, ["r"]), sequence("z", T.INT64, [1])],
        {"w": np.array([0.5], F32)},
    )
    inputs = {
        "s": arrays(F32, (2,), (0,), (3,)),
        "t": arrays(F32, (1,), (2,), (3,)),
        "f": np.array(3, F32),
    }
    compiled = lt.compile(model)
    joined = [
        np.concatenate([a * F32(3), b]) + F32(0.5)
        for a, b in zip(inputs["s"], inputs["t"], strict=True)
    ]
    sizes = [np.array(a.shape) for a in inputs["s"]]
    assert_same(list(compiled(**inputs)), [joined, sizes])
    assert_same(list(compiled([], [], np.array(1, F32))), [[], []])
    with pytest.raises(lt.Error, match="the mapped sequences differ in length"):
        compiled(inputs["s"], inputs["t"][:2], inputs["f"])


# ---- branches and loops ------------------------------------------------------------------------


def loop_model(body_nodes: list, begin: list, carried: list, outputs: list, **kwargs: Any) -> Any:
    """A Loop of `n` trips that carries `carried`, (name, value info of its next) pairs."""
    body = oh.make_graph(
        [op("Identity", ["go"], "going"), *body_nodes],
        "body",
        [tensor("i", T.INT64, []), tensor("go", T.BOOL, []), *[info for _, info, _ in carried]],
        [tensor("going", T.BOOL, []), *[info for _, _, info in carried]],
    )
    loop = op("Loop", ["n", "", *[name for name, _, _ in carried]], outputs, body=body)
    return [*begin, loop]


@pytest.mark.parametrize("trips", [0, 1, 4])
def test_a_loop_that_collects(trips: int) -> None:
    nodes = loop_model(
        [
            op("Add", ["i", "one"], "next"),
            op("Unsqueeze", ["next", "zero"], "end"),
            op("Slice", ["x", "zero", "end"], "part"),
            op("SequenceInsert", ["s", "part"], "t"),
        ],
        [op("SequenceEmpty", [], "empty")],
        [("empty", sequence("s"), sequence("t"))],
        ["y"],
    )
    model = make(
        nodes,
        [tensor("n", T.INT64, []), tensor("x", T.FLOAT, ["m"])],
        [sequence("y")],
        {"one": np.array(1), "zero": np.array([0])},
    )
    check(model, {"n": np.array(trips), "x": np.arange(3, dtype=F32)})


@pytest.mark.parametrize("trips", [0, 1, 3])
def test_a_loop_over_a_sequence_from_outside(trips: int) -> None:
    nodes = loop_model(
        [op("SequenceAt", ["s", "i"], "part"), op("Concat", ["all", "part"], "more", axis=0)],
        [],
        [("x", tensor("all", T.FLOAT, ["k"]), tensor("more", T.FLOAT, ["l"]))],
        ["y"],
    )
    model = make(
        nodes,
        [tensor("n", T.INT64, []), tensor("x", T.FLOAT, ["m"]), sequence("s", T.FLOAT, ["p"])],
        [tensor("y")],
    )
    check(
        model,
        {
            "n": np.array(trips),
            "x": np.zeros(1, F32),
            "s": arrays(F32, (2,), (0,), (3,)),
        },
    )


def test_a_loop_that_swaps_a_list() -> None:
    """Its two elements stay two, of known sizes."""
    nodes = loop_model(
        [
            op("SequenceAt", ["s", "zero"], "a"),
            op("SequenceAt", ["s", "one"], "b"),
            op("SequenceConstruct", ["b", "a"], "t"),
        ],
        [op("Neg", ["x"], "minus"), op("SequenceConstruct", ["x", "minus"], "both")],
        [("both", sequence("s"), sequence("t"))],
        ["y"],
    )
    model = make(
        nodes,
        [tensor("n", T.INT64, []), tensor("x", T.FLOAT, ["m"])],
        [sequence("y")],
        {"one": np.array(1), "zero": np.array(0)},
    )
    check(model, {"n": np.array(3), "x": np.arange(3, dtype=F32)})


@pytest.mark.parametrize("condition", [True, False])
def test_branches_of_different_lengths(condition: bool) -> None:
    def branch(nodes: list) -> onnx.GraphProto:
        return oh.make_graph(nodes, "b", [], [sequence("r")])

    node = op(
        "If",
        ["c"],
        "y",
        then_branch=branch([op("SequenceConstruct", ["x", "x"], "r")]),
        else_branch=branch([op("SequenceInsert", ["s", "x"], "r")]),
    )
    model = make(
        [node, op("SequenceLength", ["y"], "n")],
        [tensor("c", T.BOOL, []), tensor("x", T.FLOAT, ["m"]), sequence("s", T.FLOAT, ["m"])],
        [sequence("y"), tensor("n", T.INT64, [])],
    )
    check(
        model,
        {"c": np.array(condition), "x": np.ones(2, F32), "s": arrays(F32, (2,), (4,), (1,))},
    )


@pytest.mark.parametrize("value", [None, np.arange(3, dtype=F32)])
def test_a_branch_on_an_optional(value: Any) -> None:
    inner = oh.make_tensor_type_proto(T.FLOAT, ["n"])
    node = op(
        "If",
        ["has"],
        "y",
        then_branch=oh.make_graph(
            [op("OptionalGetElement", ["x"], "r")], "t", [], [tensor("r", T.FLOAT, ["k"])]
        ),
        else_branch=oh.make_graph([op("Identity", ["d"], "r")], "e", [], [tensor("r")]),
    )
    model = make(
        [op("OptionalHasElement", ["x"], "has"), node],
        [optional("x", inner), tensor("d", T.FLOAT, ["m"])],
        [tensor("y")],
    )
    default = np.zeros(2, F32)
    assert_same(lt.compile(model)(value, default), default if value is None else value)


# ---- what is wrong -----------------------------------------------------------------------------


def insert_model() -> onnx.ModelProto:
    return make(
        [op("SequenceInsert", ["x", "t"], "y")],
        [sequence("x", T.FLOAT, ["a", 2]), tensor("t", T.FLOAT, [1, 2])],
        [sequence("y", T.FLOAT, ["a", 2])],
    )


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.ones((1, 2), F32), lt.InputError, "input 'x' is a ndarray, expected a list of arrays"),
        (None, lt.InputError, "input 'x' is None, expected a list of arrays"),
        ([np.ones((1, 2), F32), np.ones((1, 2))], lt.DTypeError, r"input 'x\[1\]' is float64"),
        ([np.ones(2, F32)], lt.ShapeError, r"input 'x\[0\]' has shape \[2\].*\[\?, 2\]"),
        ([np.ones((3, 1), F32)], lt.ShapeError, r"input 'x\[0\]' has shape \[3, 1\]"),
    ],
)
def test_wrong_sequences_are_named(value: Any, error: type, message: str) -> None:
    compiled = lt.compile(insert_model())
    with pytest.raises(error, match=message):
        compiled(value, np.ones((1, 2), F32))
    assert_same(compiled([], np.ones((1, 2), F32)), [np.ones((1, 2), F32)])


def test_arguments_are_counted_as_the_model_does() -> None:
    compiled = lt.compile(insert_model())
    with pytest.raises(lt.InputError, match="3 inputs given, the model has 2"):
        compiled([], np.ones((1, 2), F32), 1)
    with pytest.raises(lt.InputError, match="no input 'x:values'; its inputs: x, t"):
        compiled(**{"x:values": np.ones(2, F32)})
    with pytest.raises(lt.InputError, match="missing input: t"):
        compiled([])
    with pytest.raises(lt.InputError, match="takes no arrays for its outputs"):
        compiled([], np.ones((1, 2), F32), out=np.ones((1, 2), F32))


def test_nothing_in_an_optional_is_named() -> None:
    inner = oh.make_sequence_type_proto(oh.make_tensor_type_proto(T.FLOAT, ["n"]))
    model = make(
        [op("OptionalGetElement", ["x"], "s"), op("SequenceLength", ["s"], "n")],
        [optional("x", inner)],
        [tensor("n", T.INT64, [])],
    )
    compiled = lt.compile(model)
    assert compiled([np.ones(2, F32)]).item() == 1
    with pytest.raises(lt.Error, match=r"the optional that 'the_OptionalGetElement_s' .* is empty"):
        compiled(None)


def test_a_position_outside_is_an_error() -> None:
    model = make(
        [op("SequenceAt", ["x", "p"], "y")],
        [sequence("x", T.FLOAT, ["a"]), tensor("p", T.INT64, [])],
        [tensor("y")],
    )
    compiled = lt.compile(model)
    for position in (2, -3, 2**62, -(2**63)):
        with pytest.raises(lt.Error, match="the_SequenceAt_y"):
            compiled(arrays(F32, (1,), (2,)), np.array(position))


def test_a_length_below_one_is_an_error() -> None:
    model = make(
        [op("SplitToSequence", ["x", "k"], "y")],
        [tensor("x", T.FLOAT, ["a"]), tensor("k", T.INT64, [])],
        [sequence("y")],
    )
    compiled = lt.compile(model)
    for length in (0, -1, -(2**63)):
        with pytest.raises(lt.Error, match="less than 1"):
            compiled(np.ones(3, F32), np.array(length))


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([op("SequenceAt", ["u", "p"], "y")], "declare the elements' shape"),
        ([op("SequenceInsert", ["s", "k"], "y")], "the elements of the sequence have another type"),
        ([op("Relu", ["s"], "y")], "input 0 is a sequence or an optional"),
    ],
)
def test_what_cannot_be_compiled_is_named(nodes: list, message: str) -> None:
    model = make(
        nodes,
        [
            sequence("s", T.FLOAT, ["a"]),
            sequence("u"),
            tensor("k", T.INT64, [2]),
            tensor("p", T.INT64, []),
        ],
        [tensor("y")],
    )
    with pytest.raises(lt.CompileError, match=message):
        lt.compile(model)


# ---- by the command line -----------------------------------------------------------------------


def command(capsys: Any, *arguments: object) -> tuple[int, str]:
    code = main([str(each) for each in arguments])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    model = make(
        [
            op("ConcatFromSequence", ["x"], "joined", axis=0),
            op("SequenceInsert", ["x", "joined"], "longer"),
        ],
        [sequence("x", shape=["n", 3])],
        [tensor("joined", shape=["m", 3]), sequence("longer")],
    )
    onnx.save(model, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_verify_a_model_with_sequences(model_file: Path, capsys: Any) -> None:
    code, out = command(capsys, "verify", model_file, "--shape", "x=2x3")
    assert code == 0, out
    for name, shape in (("joined", "6x3"), ("longer[0]", "2x3"), ("longer[3]", "6x3")):
        assert any(name in line and shape in line for line in out.splitlines())


def test_run_a_model_with_sequences(model_file: Path, tmp_path: Path, capsys: Any) -> None:
    result = tmp_path / "out.npz"
    code, out = command(capsys, "run", model_file, "--shape", "x=4x3", "-o", result, "--steps")
    assert code == 0, out
    assert "longer[3]: float32[12, 3]" in out
    assert sorted(np.load(result)) == ["joined", "longer[0]", "longer[1]", "longer[2]", "longer[3]"]


def test_sizes_of_elements_must_be_given(model_file: Path, capsys: Any) -> None:
    code, out = command(capsys, "run", model_file)
    assert code != 0
    assert "'x" in out and "give" in out


def test_inspect_a_model_with_sequences(model_file: Path, capsys: Any) -> None:
    code, out = command(capsys, "inspect", model_file)
    assert code == 0, out
    command(capsys, "compile", model_file)
    code, out = command(capsys, "inspect", model_file.with_suffix(".lt"))
    assert code == 0, out
    assert "sequence of float32[?, 3]" in out


@pytest.mark.parametrize("machine", ["aarch64", "riscv64"])
def test_sequences_on_other_machines(machine: str, model_file: Path) -> None:
    x = [np.ones((2, 3), F32), np.zeros((0, 3), F32)]
    joined, longer = emulation.compile_emulated(model_file, machine)(x)
    assert_same(joined, x[0])
    assert_same(longer, [*x, x[0]])
