"""Finding the node and the phase at fault: with a compiler that is made to go wrong."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnx.helper as oh
import pytest

import longtail as lt
from longtail import debugging
from longtail.__main__ import main
from longtail.probing import CRASHED, FAILED, HUNG, RAN, REFUSED, Outcome, probe


def chain(*operators: str) -> onnx.ModelProto:
    """x -> operators one after the other -> y, each value with the number of its operator."""
    names = ["x", *(f"v{k}" for k in range(len(operators) - 1)), "y"]
    nodes = [
        oh.make_node(op, [names[k]], [names[k + 1]], name=f"n{k}") for k, op in enumerate(operators)
    ]
    infos = [oh.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [2, 3]) for n in ("x", "y")]
    graph = oh.make_graph(nodes, "chain", infos[:1], infos[1:])
    return oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=8)


X = {"x": np.linspace(0.1, 2.0, 6, dtype=np.float32).reshape(2, 3)}
MODEL = chain("Neg", "Abs", "Sqrt", "Tanh", "Cos")


def wrong_at(operator: str):
    """A way to run models that gets one operator wrong."""

    def run(model: onnx.ModelProto, inputs: dict) -> list[np.ndarray]:
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        for node in changed.graph.node:
            if node.op_type == operator:
                node.op_type = "Exp"
        return debugging.reference_outputs(changed, inputs)

    return run


@pytest.mark.parametrize("operator", ["Neg", "Sqrt", "Cos"])
def test_the_first_difference_is_at_the_node_that_is_wrong(operator, monkeypatch):
    monkeypatch.setattr(debugging, "PROBES", 1)  # so that it takes several rounds
    found = debugging.first_difference(MODEL, X, wrong_at(operator))
    node = next(n for n in MODEL.graph.node if n.op_type == operator)
    # The absolute value hides what Neg would have done wrong behind it, but not before it.
    assert found.value == node.output[0] and f"({operator})" in found.node
    assert not found.difference.passed and operator in str(found)


def test_no_difference_is_none():
    assert debugging.first_difference(MODEL, X, wrong_at("nothing")) is None


def test_a_difference_that_outputs_hide_is_blamed_on_fusion():
    def run(model, inputs):
        outputs = debugging.reference_outputs(model, inputs)
        return [o + 1 for o in outputs] if len(outputs) == 1 else outputs

    found = debugging.first_difference(MODEL, X, run)
    assert found.between and "fused" in str(found)


def test_part_keeps_constants_and_takes_values_from_outside():
    three = oh.make_tensor("three", onnx.TensorProto.INT64, [1], [3])
    nodes = [
        oh.make_node("Shape", ["x"], ["s"]),
        oh.make_node("Concat", ["s", "three"], ["t"], axis=0),
        oh.make_node("Expand", ["x", "t"], ["y"]),
    ]
    x, y = (oh.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in "xy")
    model = oh.make_model(
        oh.make_graph(nodes, "g", [x], [y], [three]), opset_imports=[oh.make_operatorsetid("", 17)]
    )
    values = {"x": np.ones((2, 3), np.float32), "s": np.array([2, 3]), "t": np.array([2, 3, 3])}
    single, inputs = debugging.part(model, [2], values)
    assert [v.name for v in single.graph.input] == ["x"] == list(inputs)
    assert [t.name for t in single.graph.initializer] == ["t"]
    both, _ = debugging.part(model, [1, 2], values)
    assert {t.name for t in both.graph.initializer} == {"s", "three"}
    with pytest.raises(lt.Error, match="nothing is known about the value 't'"):
        debugging.part(model, [2], {})


def outcomes(monkeypatch, decide):
    """Replace processes by `decide(operators, options)`, which gives a kind of outcome."""

    def fake(model, inputs, options=None, timeout=0.0):
        parsed = onnx.load_from_string(model)
        kind = decide([n.op_type for n in parsed.graph.node], dict(options or {}))
        if kind == "differs":
            return Outcome(RAN, "run", "", [v + 1 for v in right(parsed, inputs)])
        return Outcome(kind, "llvm", "a reason", right(parsed, inputs) if kind == RAN else [])

    def right(model, inputs):
        return debugging.reference_outputs(model, inputs)

    monkeypatch.setattr(debugging, "probe", fake)


def test_bisect_finds_the_pair_that_crashes(monkeypatch):
    outcomes(monkeypatch, lambda ops, _: CRASHED if {"Abs", "Tanh"} <= set(ops) else RAN)
    found = debugging.bisect(MODEL, X)
    assert (found.outcome, found.phase, found.reason) == (CRASHED, "llvm", "a reason")
    assert [n.op_type for n in found.model.graph.node] == ["Abs", "Tanh"]


@pytest.mark.parametrize("kind", [REFUSED, FAILED, HUNG])
def test_bisect_finds_the_node_that_fails(kind, monkeypatch):
    outcomes(monkeypatch, lambda ops, _: kind if "Sqrt" in ops else RAN)
    found = debugging.bisect(MODEL, X)
    assert found.outcome == kind and found.nodes == ["node 'n2' (Sqrt) -> v2"]


def test_bisect_names_the_phase_that_makes_results_wrong(monkeypatch):
    def decide(ops, options):
        wrong = "Sqrt" in ops and "layout" not in options.get("naive_phases", [])
        return "differs" if wrong else RAN

    outcomes(monkeypatch, decide)
    found = debugging.bisect(MODEL, X)
    assert (found.outcome, found.phase) == ("differs", "layout")
    assert [n.op_type for n in found.model.graph.node] == ["Sqrt"]


def test_bisect_blames_the_expansion_for_what_is_always_wrong(monkeypatch):
    outcomes(monkeypatch, lambda ops, _: "differs" if "Tanh" in ops else RAN)
    assert debugging.bisect(MODEL, X).phase == "expand"


def test_bisect_of_what_is_right_is_none(monkeypatch):
    outcomes(monkeypatch, lambda *_: RAN)
    assert debugging.bisect(MODEL, X) is None


def test_probe_with_the_real_compiler(unsupported):
    done = probe(MODEL.SerializeToString(), X)
    assert (done.kind, done.phase) == (RAN, "run"), done.text
    (expected,) = debugging.reference_outputs(MODEL, X)
    np.testing.assert_allclose(done.outputs[0], expected, rtol=1e-5)
    done = probe(unsupported.SerializeToString(), None)
    assert (done.kind, done.phase) == (REFUSED, "graph") and "Frobnicate" in done.text
    assert probe(MODEL.SerializeToString(), X, timeout=0.01).kind == HUNG
    assert probe(MODEL.SerializeToString(), X, {"no such option": 1}).kind == CRASHED


@pytest.mark.parametrize("phase", ["graph", "fuse", "layout", "constants", "schedule"])
def test_each_phase_can_be_naive_alone(phase, scaled_sum):
    inputs = {n: np.full((2, 5), k, np.float32) for k, n in enumerate("ab", 1)}
    result = lt.compile(scaled_sum, naive_phases=[phase])(**inputs)
    np.testing.assert_array_equal(result, np.full((2, 5), 4, np.float32))


def test_a_phase_without_naive_form_is_refused(scaled_sum):
    with pytest.raises(lt.CompileError, match="phase 'llvm' has no naive form"):
        lt.compile(scaled_sum, naive_phases=["llvm"])


def test_bisect_on_the_command_line(unsupported, tmp_path, capsys):
    onnx.save(unsupported, tmp_path / "bad.onnx")
    code = main(["bisect", str(tmp_path / "bad.onnx"), "-o", str(tmp_path / "out"), "--json"])
    facts = json.loads(capsys.readouterr().out)
    assert code == 1 and (facts["outcome"], facts["phase"]) == (REFUSED, "graph")
    assert len(facts["nodes"]) == 1 and len(onnx.load(facts["files"][0]).graph.node) == 1
    onnx.save(MODEL, tmp_path / "good.onnx")
    assert main(["bisect", str(tmp_path / "good.onnx")]) == 0
    assert "nothing goes wrong" in capsys.readouterr().out


def test_a_failing_pass_leaves_a_reproducer(unsupported, tmp_path, capsys):
    onnx.save(unsupported, tmp_path / "bad.onnx")
    file = tmp_path / "reproducer.mlir"
    assert main(["compile", str(tmp_path / "bad.onnx"), "--reproducer", str(file)]) == 1
    assert "lt-infer-shapes" in file.read_text() and "Frobnicate" in file.read_text()
    good = tmp_path / "none.mlir"
    lt.compile(MODEL, reproducer=str(good))
    assert not good.exists()


def test_verify_names_the_first_difference(tmp_path, capsys, monkeypatch):
    onnx.save(MODEL, tmp_path / "model.onnx")
    real = lt.model.compile

    def wrong(model, **settings):
        changed = onnx.load(model) if not hasattr(model, "graph") else model
        copy = onnx.ModelProto()
        copy.CopyFrom(changed)
        copy.graph.node[3].op_type = "Exp"
        return real(copy)

    monkeypatch.setattr("longtail.__main__.models.compile", wrong)
    assert main(["verify", str(tmp_path / "model.onnx"), "--intermediates"]) == 1
    assert "'v3' of node 'n3' (Tanh)" in " ".join(capsys.readouterr().out.split())
