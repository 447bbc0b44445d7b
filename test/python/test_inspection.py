"""What inspection counts, and that its reproducers are models of one node."""

from __future__ import annotations

import json
import math

import onnx
import onnx.helper as oh
import pytest

import longtail as lt
from longtail.__main__ import main
from longtail.inspection import inspect_model


def info(name: str, *dims: int | str) -> onnx.ValueInfoProto:
    return oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, dims)


def model_of(nodes, inputs, outputs, weights=()) -> onnx.ModelProto:
    graph = oh.make_graph(nodes, "g", inputs, outputs, weights)
    return oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=8)


def tensor(name: str, *dims: int) -> onnx.TensorProto:
    return oh.make_tensor(name, onnx.TensorProto.FLOAT, dims, [0.5] * math.prod(dims))


@pytest.fixture
def network() -> onnx.ModelProto:
    """A convolution of 8 channels into 4, 3x3 without padding, and a Relu."""
    nodes = [
        oh.make_node("Conv", ["x", "w"], ["t"], name="conv", kernel_shape=[3, 3]),
        oh.make_node("Relu", ["t"], ["y"], name="relu"),
    ]
    return model_of(
        nodes,
        [info("x", "n", 8, "h", "w_")],
        [info("y", "n", 4, "a", "b")],
        [tensor("w", 4, 8, 3, 3)],
    )


def test_work_and_memory(network):
    found = inspect_model(network, {"x": (2, 8, 12, 7)})
    points = 2 * 4 * 10 * 5
    assert found.flops == 2 * points * 8 * 9 + points
    assert found.parameters == 4 * 8 * 9 and found.parameter_bytes == 4 * found.parameters
    x, t = 4 * 2 * 8 * 12 * 7, 4 * points
    assert found.bytes == x + found.parameter_bytes + t + 2 * t
    assert found.memory_bytes == max(x + t, t + t)
    assert found.operators == {"Conv": 1, "Relu": 1} and found.types == {"float": 2}
    assert (found.covered_nodes, found.covered_flops, found.unsupported) == (1.0, 1.0, [])


def test_sizes_that_are_not_given_are_examples(network):
    assert inspect_model(network).flops == 62 * 62 * 4 * (2 * 8 * 9 + 1)


@pytest.mark.parametrize(
    ("shapes", "text"),
    [({"z": (1,)}, "no input 'z'"), ({"x": (1, 2)}, "has 4 dimensions, 2 are given")],
)
def test_shapes_that_do_not_fit(network, shapes, text):
    with pytest.raises(lt.InputError, match=text):
        inspect_model(network, shapes)


def test_what_is_not_a_model_is_refused():
    with pytest.raises(lt.CompileError):
        inspect_model(b"junk")


def test_matrix_and_recurrent_work():
    nodes = [
        oh.make_node("MatMul", ["x", "m"], ["t"]),
        oh.make_node("LSTM", ["t", "w", "r"], ["y"], hidden_size=4),
    ]
    weights = [tensor("m", 5, 6), tensor("w", 1, 16, 6), tensor("r", 1, 16, 4)]
    model = model_of(nodes, [info("x", 3, 2, 5)], [info("y", 3, 1, 2, 4)], weights)
    assert inspect_model(model).flops == 2 * 3 * 2 * 6 * 5 + 2 * 3 * 2 * (16 * 6 + 16 * 4)


def test_the_larger_branch_counts():
    def branch(name: str, operators: list[str]) -> onnx.GraphProto:
        values = ["x", *(f"{name}{k}" for k in range(len(operators)))]
        nodes = [oh.make_node(op, [values[k]], [values[k + 1]]) for k, op in enumerate(operators)]
        return oh.make_graph(nodes, name, [], [info(values[-1], 10)])

    node = oh.make_node(
        "If",
        ["c"],
        ["y"],
        then_branch=branch("a", ["Abs"]),
        else_branch=branch("b", ["Abs", "Exp"]),
    )
    condition = oh.make_tensor_value_info("c", onnx.TensorProto.BOOL, [])
    found = inspect_model(model_of([node], [condition, info("x", 10)], [info("y", 10)]))
    assert found.flops == 20 and found.nodes == 4


def test_unsupported_nodes_and_their_reproducers(unsupported, tmp_path):
    unsupported.graph.node.insert(0, oh.make_node("Relu", ["x"], ["z"], name="fine"))
    unsupported.graph.node[1].input[0] = "z"
    found = inspect_model(unsupported, reproducers=tmp_path / "parts")
    assert [each.node for each in found.unsupported] == ["node 'first'", "node 'second'"]
    assert [each.operator for each in found.unsupported] == [
        "nowhere::Frobnicate",
        "nowhere::Defenestrate",
    ]
    assert all("not supported" in each.reason for each in found.unsupported)
    assert found.covered_nodes == pytest.approx(1 / 3)
    assert found.covered_flops < 1
    for each in found.unsupported:
        single = onnx.load(each.file)
        assert [n.name for n in single.graph.node] == [each.node[6:-1]]
        onnx.checker.check_model(single)
        with pytest.raises(lt.CompileError, match=each.operator.partition("::")[2]):
            lt.compile(single)


def test_on_the_command_line(unsupported, network, tmp_path, capsys):
    onnx.save(unsupported, tmp_path / "bad.onnx")
    onnx.save(network, tmp_path / "good.onnx")
    folder = tmp_path / "parts"
    arguments = ["inspect", str(tmp_path / "bad.onnx"), "--json", "--reproducers", str(folder)]
    assert main(arguments) == 1
    facts = json.loads(capsys.readouterr().out)
    assert {each["file"] for each in facts["unsupported"]} == {str(f) for f in folder.iterdir()}
    assert main(["inspect", str(tmp_path / "good.onnx"), "--shape", "x=1x8x4x4"]) == 0
    assert f"flops: {2.0 * 16 * 72 + 16}" in capsys.readouterr().out
