"""What groups cost at given sizes, and where the time of a run goes."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnx.helper as oh
import pytest

import longtail as lt
from longtail.__main__ import main
from longtail.costs import GroupCost, evaluate, group_costs
from longtail.profiling import measure


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-7 2 floordiv", -4),
        ("7 2 ceildiv", 4),
        ("s0 3 * 2 +", 17),
        ("s0 4 mod", 1),
        ("s0 6 lt 10 20 select", 10),
        ("s0 5 le s0 5 eq and 0 or", 1),
        ("s0 9 max 7 min", 7),
        ("s0 0 floordiv", None),
        ("s0 s9 *", None),
    ],
)
def test_postfix_expressions(text, value):
    assert evaluate(text, {"s0": 5}) == value


@pytest.mark.parametrize("text", ["", "1 2", "+", "1 +"])
def test_what_is_no_expression(text):
    with pytest.raises(ValueError, match=r"operands|no expression"):
        evaluate(text, {})


def test_sizes_follow_from_the_inputs():
    record = {
        "groups": [["pointwise", "2 s1 *", "s2"]],
        "sizes": {"s1": "s0 2 floordiv", "s0": [0, 1]},
    }
    assert group_costs(json.dumps(record), [(3, 10)]) == [GroupCost("pointwise", 10, None)]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"groups": [1], "sizes": {}}', "[" * 100000])
def test_damaged_records_are_value_errors(text):
    with pytest.raises(ValueError):
        group_costs(text, [])


@pytest.fixture
def product() -> onnx.ModelProto:
    """y = softmax(x * w) for [N, 8] and [8, 4]."""
    weights = np.arange(32, dtype=np.float32).reshape(8, 4) / 32
    graph = oh.make_graph(
        [oh.make_node("MatMul", ["x", "w"], ["p"]), oh.make_node("Softmax", ["p"], ["y"])],
        "product",
        [oh.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 8])],
        [oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 4])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    return oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=8)


def test_costs_are_those_of_the_sizes(product):
    model = lt.compile(product)
    for batch in (1, 10):
        steps = {
            step.strategy: step for step in measure(model, {"x": np.ones((batch, 8), np.float32)})
        }
        contraction = steps["contraction"]
        assert contraction.flops == 2 * batch * 8 * 4
        # The input, the packed weights (padded, at least 8 x 4) and the output.
        moved = contraction.bytes - 4 * batch * (8 + 4)
        assert moved >= 4 * 32 and moved == steps["contraction"].bytes - 48 * batch
        assert sum(step.share for step in steps.values()) == pytest.approx(1)
        assert contraction.gflops == contraction.flops / contraction.nanoseconds


def test_the_report_and_the_measurement_agree(product):
    """Both describe the same groups: at the report's example sizes they say the same."""
    model = lt.compile(product)
    groups = model.report()["groups"]
    steps = measure(model, {"x": np.ones((1, 8), np.float32)}, 1)
    assert [(g["name"], g["class"], g["flops"], g["bytes"]) for g in groups] == [
        (s.name, s.strategy, s.flops, s.bytes) for s in steps
    ]


def test_report_of_time(product):
    model = lt.compile(product)
    for timed in (model, lt.load(model.to_bytes())):
        report = timed.report(time=True, sizes={"batch": 3}, runs=3)
        times = [each["nanoseconds"] for each in report["time"]]
        assert times == sorted(times, reverse=True) and len(times) == 2
        assert {each["strategy"] for each in report["time"]} == {"contraction", "rows"}
    assert "groups" in model.report(time=True, sizes={"x": (2, 8)})
    with pytest.raises(lt.Error, match="this one was loaded"):
        timed.report()


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ({}, "may vary"),
        ({"bitch": 2}, "no input 'bitch'; names of dimensions: batch"),
        ({"x": 2}, "'x' is an input: give its shape"),
        ({"x": (2, 9)}, "'x'"),
    ],
)
def test_sizes_are_checked(product, sizes, text):
    with pytest.raises(lt.InputError, match=text):
        lt.compile(product).report(time=True, sizes=sizes)


def test_sizes_that_depend_on_data_are_left_out():
    graph = oh.make_graph(
        [
            oh.make_node("Softmax", ["x"], ["s"]),
            oh.make_node("Add", ["n", "n"], ["size"]),
            oh.make_node("Expand", ["s", "size"], ["y"]),
        ],
        "repeated",
        [
            oh.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1]),
            oh.make_tensor_value_info("n", onnx.TensorProto.INT64, [1]),
        ],
        [oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["many"])],
    )
    model = lt.compile(oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)]))
    steps = measure(model, {"x": np.ones(1, np.float32), "n": np.array([2])})
    assert any(step.strategy == "" for step in steps), "the step that reads the size"
    assert any(step.strategy and step.bytes is None for step in steps)
    assert any(step.bytes is not None for step in steps)


def test_the_command(product, tmp_path, capsys):
    onnx.save(product, tmp_path / "model.onnx")
    lt.compile(product).save(tmp_path / "model.lt")
    for name in ("model.onnx", "model.lt"):
        file = str(tmp_path / name)
        assert main(["report", file, "--time", "--size", "batch=5", "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)["time"]
        assert {row["flops"] for row in rows if row["strategy"] == "contraction"} == {320}
        assert main(["report", file, "--time", "--size", "batch=5"]) == 0
        out = capsys.readouterr().out
        assert all(each in out for each in ("contraction", "share", "GFLOP/s", "GB/s", "%"))
        assert main(["run", file, "--size", "batch=5", "--steps"]) == 0
        assert "contraction" in capsys.readouterr().out
    assert main(["report", str(tmp_path / "model.lt")]) == 2
    assert "--time" in capsys.readouterr().err
    assert main(["report", file, "--time"]) == 2
    assert "may vary" in capsys.readouterr().err
