"""LSTM, GRU and RNN against ONNX Runtime: attributes, optional operands, open sizes."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import onnx
import onnx.helper as oh
import onnx.numpy_helper as onh
import onnxruntime
import pytest
from numpy.typing import NDArray

import longtail

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
INPUTS = {
    "LSTM": ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"],
    "GRU": ["X", "W", "R", "B", "sequence_lens", "initial_h"],
    "RNN": ["X", "W", "R", "B", "sequence_lens", "initial_h"],
}
Feeds = dict[str, NDArray]


def layer(
    operator: str,
    *,
    batch: int = 5,
    steps: int = 6,
    width: int = 7,
    hidden: int = 10,
    given: tuple[str, ...] = ("B",),
    dtype: type = np.float32,
    is_open: bool = True,
    **attributes: object,
) -> tuple[onnx.ModelProto, Feeds]:
    """A model of one layer whose sizes of batch and steps are open, and data for it.

    Shapes: X [steps, batch, width], or [batch, steps, width] with layout=1.
    """
    numbers = np.random.default_rng(7)
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    rows = GATES[operator] * hidden
    state = [directions, batch, hidden]
    shape = [steps, batch, width]
    if attributes.get("layout"):
        state[:2], shape[:2] = reversed(state[:2]), reversed(shape[:2])

    def draw(*sizes: int) -> NDArray:
        return numbers.uniform(-0.8, 0.8, sizes).astype(dtype)

    weights = {
        "W": draw(directions, rows, width),
        "R": draw(directions, rows, hidden),
        "B": draw(directions, 2 * rows),
        "P": draw(directions, 3 * hidden),
    }
    lengths = numbers.integers(1, steps + 1, batch).astype(np.int32)
    feeds = {"X": draw(*shape), "initial_h": draw(*state), "initial_c": draw(*state)}
    feeds["sequence_lens"] = lengths
    given = ("X", "W", "R", *given)
    names = [name if name in given else "" for name in INPUTS[operator]]
    outputs = ["Y", "Y_h"] + (["Y_c"] if operator == "LSTM" else [])
    node = oh.make_node(operator, names, outputs, hidden_size=hidden, **attributes)
    kind = oh.np_dtype_to_tensor_dtype(np.dtype(dtype))
    feeds = {name: value for name, value in feeds.items() if name in given}

    def declare(name: str, value: NDArray) -> onnx.ValueInfoProto:
        sizes: list[int | str] = list(value.shape)
        if is_open:
            known = {batch: "batch", steps: "steps"}
            sizes = [known.get(size, size) for size in sizes[:2]] + sizes[2:]
        return oh.make_tensor_value_info(name, oh.np_dtype_to_tensor_dtype(value.dtype), sizes)

    graph = oh.make_graph(
        [node],
        "layer",
        [declare(name, value) for name, value in feeds.items()],
        [oh.make_tensor_value_info(name, kind, None) for name in outputs],
        [onh.from_array(value, name) for name, value in weights.items() if name in given],
    )
    opset = [oh.make_operatorsetid("", 14)]
    return oh.make_model(graph, opset_imports=opset, ir_version=8), feeds


def expected(model: onnx.ModelProto, feeds: Feeds) -> list[NDArray]:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, feeds)


def ours(model: onnx.ModelProto, feeds: Feeds, folder: Path, threads: int = 1) -> list[NDArray]:
    path = folder / "model.lt"
    longtail.compile(model).save(path)
    result = longtail.load(path, threads=threads)(**feeds)
    return [np.asarray(result[output.name]) for output in model.graph.output]


def check(model: onnx.ModelProto, feeds: Feeds, folder: Path) -> None:
    for value, wanted in zip(ours(model, feeds, folder), expected(model, feeds), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("operator", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(
    "given", [(), ("B",), ("B", "sequence_lens", "initial_h", "initial_c", "P")]
)
def test_directions_and_operands(
    operator: str, direction: str, given: tuple[str, ...], tmp_path: Path
) -> None:
    check(*layer(operator, direction=direction, given=given), tmp_path)


@pytest.mark.parametrize("operator", GATES)
@pytest.mark.parametrize(
    ("batch", "steps", "hidden"), [(1, 1, 1), (1, 9, 16), (4, 3, 33), (9, 2, 24), (2, 7, 5)]
)
def test_sizes(operator: str, batch: int, steps: int, hidden: int, tmp_path: Path) -> None:
    for number, is_open in enumerate([True, False]):
        folder = tmp_path / str(number)
        folder.mkdir()
        sizes = {"batch": batch, "steps": steps, "hidden": hidden}
        check(*layer(operator, **sizes, is_open=is_open), folder)


@pytest.mark.parametrize("operator", GATES)
@pytest.mark.parametrize(
    "function",
    [
        "Relu",
        "Tanh",
        "Sigmoid",
        "Affine",
        "LeakyRelu",
        "ThresholdedRelu",
        "ScaledTanh",
        "HardSigmoid",
        "Elu",
        "Softsign",
        "Softplus",
    ],
)
def test_activations(operator: str, function: str, tmp_path: Path) -> None:
    """Each function in both directions, with given parameters and with the defaults.

    ONNX Runtime takes 0 for the parameters of Affine, ThresholdedRelu and ScaledTanh that are not
    given, the specification those of the operators of these names.
    """
    names = [*DEFAULTS[operator][:-1], function] * 2
    parameters = {
        "Affine": {"activation_alpha": [0.4, 0.7], "activation_beta": [0.1, -0.2]},
        "LeakyRelu": {"activation_alpha": [0.1, 0.3]},
        "ThresholdedRelu": {"activation_alpha": [0.2, 0.4]},
        "ScaledTanh": {"activation_alpha": [0.9, 1.1], "activation_beta": [0.5, 0.8]},
        "HardSigmoid": {"activation_alpha": [0.3, 0.25], "activation_beta": [0.4, 0.6]},
        "Elu": {"activation_alpha": [0.5, 0.9]},
    }
    cases = [parameters.get(function, {})]
    if function not in ("Affine", "ThresholdedRelu", "ScaledTanh"):
        cases.append({})
    for number, more in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        check(*layer(operator, direction="bidirectional", activations=names, **more), folder)


def test_directions_have_functions_of_their_own(tmp_path: Path) -> None:
    names = ["Sigmoid", "Tanh", "Relu", "HardSigmoid", "Softsign", "Tanh"]
    check(*layer("LSTM", direction="bidirectional", activations=names), tmp_path)


@pytest.mark.parametrize("operator", ["LSTM", "GRU"])
def test_clip(operator: str, tmp_path: Path) -> None:
    check(*layer(operator, given=("B", "P", "initial_h"), clip=0.3), tmp_path)


def test_input_forget(tmp_path: Path) -> None:
    check(*layer("LSTM", given=("B", "P", "initial_c"), input_forget=1), tmp_path)


@pytest.mark.parametrize("given", [(), ("B",), ("B", "initial_h", "sequence_lens")])
def test_linear_before_reset(given: tuple[str, ...], tmp_path: Path) -> None:
    more = {"linear_before_reset": 1, "direction": "bidirectional"}
    check(*layer("GRU", given=given, **more), tmp_path)


@pytest.mark.parametrize("operator", GATES)
def test_batch_first_is_a_transposition(operator: str, tmp_path: Path) -> None:
    more = {"given": ("B", "initial_h", "initial_c"), "direction": "bidirectional"}
    model, feeds = layer(operator, **more)
    wanted = expected(model, feeds)
    turned, _ = layer(operator, **more, layout=1)
    feeds = {name: np.ascontiguousarray(value.swapaxes(0, 1)) for name, value in feeds.items()}
    y, *states = ours(turned, feeds, tmp_path)
    np.testing.assert_allclose(y, wanted[0].transpose(2, 0, 1, 3), rtol=1e-4, atol=2e-5)
    for state, other in zip(states, wanted[1:], strict=True):
        np.testing.assert_allclose(state, other.swapaxes(0, 1), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("operator", GATES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float16, 4e-3), (np.float64, 1e-12)])
def test_types(operator: str, dtype: type, tolerance: float, tmp_path: Path) -> None:
    """The reference evaluator computes in the type of the data."""
    from onnx.reference import ReferenceEvaluator

    model, feeds = layer(operator, given=("B", "initial_h"), dtype=dtype)
    wanted = ReferenceEvaluator(model).run(None, feeds)
    for value, other in zip(ours(model, feeds, tmp_path), wanted, strict=True):
        assert value.dtype == dtype
        np.testing.assert_allclose(value, other, rtol=tolerance, atol=tolerance)


def test_threads_change_nothing(tmp_path: Path) -> None:
    model, feeds = layer("LSTM", batch=13, direction="bidirectional", given=("B", "sequence_lens"))
    one, four = (ours(model, feeds, tmp_path, threads) for threads in (1, 4))
    for a, b in zip(one, four, strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("sizes", list(itertools.product([0, 2], [0, 3]))[:-1])
def test_empty(sizes: tuple[int, int], tmp_path: Path) -> None:
    batch, steps = sizes
    model, feeds = layer("GRU", given=("B", "initial_h"))
    feeds = {
        "X": np.zeros((steps, batch, 7), np.float32),
        "initial_h": np.full((1, batch, 10), 0.5, np.float32),
    }
    y, state = ours(model, feeds, tmp_path)
    assert y.shape == (steps, 1, batch, 10)
    np.testing.assert_array_equal(state, feeds["initial_h"])


def test_lengths_out_of_range_are_refused(tmp_path: Path) -> None:
    model, feeds = layer("RNN", given=("B", "sequence_lens"))
    for wrong in (-1, 7):
        feeds["sequence_lens"][2] = wrong
        with pytest.raises(longtail.RunError, match="RNN"):
            ours(model, feeds, tmp_path)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"activations": ["Tanh", "Tanh"]}, "names 2 functions, expected 1"),
        ({"activations": ["Cosine"]}, "names 'Cosine', expected one of"),
        ({"direction": "backward"}, "'backward', expected 'forward'"),
        ({"clip": -1.0}, "attribute 'clip' is -1"),
        ({"layout": 2}, "attribute 'layout' is 2"),
    ],
)
def test_wrong_attributes_are_refused(attributes: dict[str, object], message: str) -> None:
    model, _ = layer("RNN", **attributes)
    with pytest.raises(longtail.CompileError, match=message):
        longtail.compile(model)
