"""The command `longtail`: what it prints, its exit codes, and that errors are one line each."""

from __future__ import annotations

import json

import numpy as np
import onnx
import onnx.parser
import pytest

from longtail.__main__ import main


@pytest.fixture
def model_file(scaled_sum, tmp_path):
    onnx.save(scaled_sum, tmp_path / "model.onnx")
    return str(tmp_path / "model.onnx")


def run(capsys, *arguments):
    code = main([str(each) for each in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


SHAPES = ("--shape", "a=2x3", "--shape", "b=2x3")


def test_compile_then_run(engine, model_file, tmp_path, capsys):
    code, out, err = run(capsys, "compile", model_file)
    assert code == 0 and "MB in" in out and err == ""
    np.save(tmp_path / "a.npy", np.ones((2, 3), np.float32))
    np.savez(tmp_path / "rest.npz", b=np.full((2, 3), 0.5, np.float32))
    result = tmp_path / "out.npz"
    code, out, err = run(
        capsys, "run", tmp_path / "model.lt", "-i", f"a={tmp_path / 'a.npy'}",
        "-i", tmp_path / "rest.npz", "-o", result, "--repeat", 3, "--steps",
    )  # fmt: skip
    assert code == 0, err
    assert "y: float32[2, 3]  from 2.5 to 2.5" in out and "median of 3" in out
    np.testing.assert_array_equal(np.load(result)["y"], np.full((2, 3), 2.5, np.float32))


def test_compile_json_and_output(engine, model_file, tmp_path, capsys):
    code, out, _ = run(capsys, "compile", model_file, "-o", tmp_path / "x.lt", "--json")
    facts = json.loads(out)
    assert code == 0 and facts["bytes"] == (tmp_path / "x.lt").stat().st_size


def test_run_json(engine, model_file, capsys):
    code, out, _ = run(capsys, "run", model_file, *SHAPES, "--json", "--repeat", 2)
    facts = json.loads(out)
    assert code == 0 and facts["outputs"]["y"]["shape"] == [2, 3]
    assert len(facts["milliseconds"]) == 2


def test_inspect_artifact_and_model(engine, model_file, tmp_path, capsys):
    assert run(capsys, "inspect", model_file)[0] == 0
    run(capsys, "compile", model_file)
    code, out, _ = run(capsys, "inspect", tmp_path / "model.lt", "--json")
    facts = json.loads(out)
    assert code == 0 and facts["inputs"][0] == "a: float32[2, ?]"
    assert facts["metadata"] == {"author": "a person"}


def test_inspect_says_what_is_not_supported(engine, unsupported, tmp_path, capsys):
    onnx.save(unsupported, tmp_path / "bad.onnx")
    code, out, _ = run(capsys, "inspect", tmp_path / "bad.onnx")
    assert code == 1 and "Frobnicate" in out and "Defenestrate" in out


@pytest.mark.parametrize("against", ["onnxruntime", "reference"])
def test_verify(engine, model_file, capsys, against):
    code, out, err = run(capsys, "verify", model_file, *SHAPES, "--against", against)
    assert code == 0 and "equal enough" in out, err


def test_verify_finds_a_difference(on_stand_in, model_file, capsys, monkeypatch):
    monkeypatch.setattr(
        "longtail.__main__.reference_outputs", lambda *_: [np.zeros((2, 3), np.float32)]
    )
    code, out, err = run(capsys, "verify", model_file, *SHAPES, "--json")
    assert code == 1 and json.loads(out)["passed"] is False
    assert err == "longtail: outputs differ from onnxruntime: y\n"


def test_report(engine, model_file, capsys):
    code, out, _ = run(capsys, "report", model_file, "--json")
    assert code == 0 and json.loads(out)["groups"]
    code, out, _ = run(capsys, "report", model_file)
    assert code == 0 and "Groups" in out


def test_errors_are_lines_without_traceback(engine, unsupported, model_file, tmp_path, capsys):
    onnx.save(unsupported, tmp_path / "bad.onnx")
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    (tmp_path / "junk.npy").write_bytes(b"junk")
    cases = [
        (1, "Frobnicate", ("compile", tmp_path / "bad.onnx")),
        (1, "junk", ("compile", tmp_path / "junk.onnx", "-o", tmp_path / "junk.lt")),
        (1, "absent.onnx", ("compile", tmp_path / "absent.onnx")),
        (2, "dimensions that may vary", ("run", model_file)),
        (2, "no input 'c'", ("run", model_file, *SHAPES, "--shape", "c=1")),
        (2, "junk.npy", ("run", model_file, "-i", f"a={tmp_path / 'junk.npy'}")),
        (2, "the model itself", ("compile", model_file, "-o", model_file)),
        (2, "threads", ("run", model_file, *SHAPES, "--threads", "99")),
    ]
    for expected, text, arguments in cases:
        code, _, err = run(capsys, *arguments)
        assert code == expected, (arguments, err)
        assert err.startswith("longtail: ") and "Traceback" not in err
        assert text in err or text == "junk"
    assert not (tmp_path / "junk.lt").exists()


@pytest.mark.parametrize("arguments", [(), ("fly",), ("run",), ("run", "m", "--shape", "a=2y3")])
def test_wrong_usage_is_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert caught.value.code == 2
    assert "usage: longtail" in capsys.readouterr().err


def test_help_names_the_environment_variables(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "LONGTAIL_THREADS" in out and "verify" in out


OPERATORS = """
import longtail as lt
from longtail import f32

@lt.op
def gate(x: f32["M N"], y: f32["M N"]):
    return lt.where(x < 0, 0.5 * x, x) * y
"""
PATTERN = """<domain: "own", opset_import: ["" : 17]> Gate (x, y) => (z) {
    l = LeakyRelu <alpha = 0.5> (x)
    z = Mul (l, y)
}"""


def test_operators_and_patterns(tmp_path, capsys):
    """Nodes and subgraphs of a model become operators of a Python file."""
    (tmp_path / "ops.py").write_text(OPERATORS)
    (tmp_path / "gate.txt").write_text(PATTERN)
    function = onnx.parser.parse_function(PATTERN)
    (tmp_path / "gate.onnx").write_bytes(function.SerializeToString())
    proto = onnx.parser.parse_model(
        """<ir_version: 9, opset_import: ["" : 17, "own" : 1]>
        g (float[M,N] a, float[M,N] b) => (float[M,N] r) {
            s = LeakyRelu <alpha = 0.5> (a)
            t = Mul (s, b)
            r = own.Gate (t, b)
        }"""
    )
    onnx.save(proto, tmp_path / "model.onnx")
    where = f"own::Gate={tmp_path / 'ops.py'}:gate"
    a, b = np.random.default_rng(0).standard_normal((2, 3, 4), np.float32)
    np.savez(tmp_path / "in.npz", a=a, b=b)
    step = np.where(a < 0, np.float32(0.5) * a, a) * b
    expected = np.where(step < 0, np.float32(0.5) * step, step) * b
    for pattern in ("gate.txt", "gate.onnx"):
        code, _, err = run(
            capsys, "compile", tmp_path / "model.onnx", "--operator", where,
            "--pattern", tmp_path / pattern, "-o", tmp_path / "model.lt",
        )  # fmt: skip
        assert code == 0, err
        code, _, err = run(
            capsys, "run", tmp_path / "model.lt", "-i", tmp_path / "in.npz",
            "-o", tmp_path / "out.npz",
        )  # fmt: skip
        assert code == 0, err
        np.testing.assert_allclose(np.load(tmp_path / "out.npz")["r"], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--operator", "Gate=ops.py:gate"], "not of the form DOMAIN::NAME=FILE.py:FUNCTION"),
        (["--operator", "own::Gate=none.py:gate"], "there is no file none.py"),
        (["--operator", "own::Gate=ops.py:gates"], "no operator 'gates' (a function with @lt.op);"
         " it has gate"),
        (["--operator", "own::Gate=bad.py:gate"], "bad.py cannot be run: ZeroDivisionError"),
        (["--pattern", "none.txt"], "pattern none.txt: No such file"),
        (["--pattern", "ops.py"], "pattern ops.py is no ONNX function"),
        (["--pattern", "bad.txt"], "pattern bad.txt: "),
        (["--pattern", "gate.txt"], "pattern 'own::Gate' names none of the operators"),
    ],
)  # fmt: skip
def test_wrong_operators_and_patterns(
    model_file, tmp_path, capsys, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ops.py").write_text(OPERATORS)
    (tmp_path / "bad.py").write_text("1 / 0")
    (tmp_path / "gate.txt").write_text(PATTERN)
    (tmp_path / "bad.txt").write_text("<domain: nothing")
    try:
        code, _, err = run(capsys, "compile", model_file, *arguments)
    except SystemExit as stop:  # of the command line's form
        code, err = stop.code, capsys.readouterr().err
    assert code == 2 and message in err
