"""The examples in the documentation work: Python runs, IR is valid, commands are understood."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnx.helper as oh
import pytest

from longtail import __main__ as command_line
from mlir_examples import LT_OPT, ROOT, Block, blocks, errors_in

PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("bench/**/*.md"),
    *ROOT.glob("examples/**/*.md"),
]
# Their examples are one program each, which test/python/language/test_documentation.py runs.
PROGRAMS = [ROOT / "docs" / f"operator-{name}.md" for name in ("language", "tutorial")]
ALONE = [page for page in PAGES if page not in PROGRAMS]
TABLES = [*ROOT.glob("dialects/**/*.td"), *ROOT.glob("passes/**/*.td")]
INLINE = re.compile(
    r"`((?:(?:longtail|lt-opt|make|python|ctest|ninja) |lt-reduce|\.venv/bin/)[^`\n]*)`"
)


def every(files: list[Path], language: str) -> list[Block]:
    return [block for file in sorted(files) for block in blocks(file, language)]


def commands() -> list[tuple[str, str]]:
    """(where, command) of each command of our tools: in blocks without a language and in text."""
    found = []
    for file in sorted(PAGES):
        where = file.relative_to(ROOT)
        for block in [*blocks(file, ""), *blocks(file, "sh")]:
            lines = [line.split("  #")[0].strip() for line in block.text.splitlines()]
            found += [(f"{block}", line) for line in lines if INLINE.match(f"`{line}`")]
        found += [(str(where), text) for text in INLINE.findall(file.read_text())]
    return found


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with model.onnx, y = relu(x), as the place where an example runs."""
    graph = oh.make_graph(
        [oh.make_node("Relu", ["x"], ["y"])],
        "small",
        [oh.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 4])],
        [oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["batch", 4])],
    )
    model = oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "model.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", every(ALONE, "python"), ids=str)
def test_python(block, workplace):
    exec(compile(block.text, str(block), "exec"), {"array": np.ones((2, 4), np.float32)})


@pytest.mark.parametrize("block", every([*PAGES, *TABLES], "mlir"), ids=str)
def test_ir(block):
    assert LT_OPT.exists(), "build the target lt-opt"
    assert errors_in(block.text) == ""


def test_wrong_ir_is_found():
    assert "expected" in errors_in("extent.derived 1 = max <()[s0] -> (s0, 8)>")
    assert "tensor<3xf32>" in errors_in(
        "%y = arith.addf %x, %x : tensor<3xf32>\n%z = nothing.is %y"
    )
    assert errors_in("#access.map<(d0) -> (d0)>") == ""
    assert errors_in("#access.map<(d0 -> (d0)>") != ""


def check_longtail(words: list[str]) -> None:
    """The arguments parse; capital words stand for something."""
    for name in [word for word in words if "|" in word]:
        raise AssertionError(f"'{name}' is no command")
    try:
        command_line._parser().parse_args(words)
    except SystemExit as stop:
        assert stop.code == 0, words


def check_make(words: list[str]) -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for word in words:
        assert "=" in word or word in verbs, f"make has no verb '{word}'"


def check_tool(name: str, words: list[str]) -> None:
    """The tool's help lists every option."""
    tool = LT_OPT.with_name(name)
    shown = subprocess.run([tool, "--help-list-hidden"], capture_output=True, text=True, check=True)
    known = set(re.findall(r"^\s+--?([\w-]+)", shown.stdout, re.MULTILINE)) | {"help"}
    for word in words:
        if word.startswith("-"):
            assert word.lstrip("-").split("=")[0] in known, f"{name} has no option {word}"


def check_python(words: list[str]) -> None:
    """The script or module exists, code runs."""
    if words[0] == "-c":
        environment = os.environ | {"PYTHONPATH": str(ROOT / "build" / "python")}
        subprocess.run([sys.executable, *words], check=True, capture_output=True, env=environment)
    elif words[0] == "-m":
        done = subprocess.run(
            [sys.executable, "-c", "import importlib.util, sys; "
             "sys.exit(importlib.util.find_spec(sys.argv[1]) is None)", words[1]], check=False
        )  # fmt: skip
        assert done.returncode == 0, f"there is no module {words[1]}"
        paths = [word for word in words[2:] if "/" in word]
        assert all((ROOT / path).exists() for path in paths), paths
    else:
        assert (ROOT / words[0]).exists(), f"there is no {words[0]}"


@pytest.mark.parametrize(("where", "command"), commands(), ids=lambda text: text)
def test_commands(where, command):
    words = shlex.split(command)
    words = words[: words.index("|")] if "|" in words and words[0] != "longtail" else words
    name, arguments = Path(words[0]).name, words[1:]
    if words[0] == "longtail" and words[2::2] == ["|"] * len(words[2::2]) and len(words) > 3:
        for verb in words[1::2]:
            check_longtail([verb, "--help"])
    elif name == "longtail":
        if arguments and arguments[-1].startswith("--emit") and "model.onnx" not in arguments:
            arguments = [*arguments, "model.onnx"]
        check_longtail(arguments)
    elif name == "make":
        check_make(arguments)
    elif name in ("lt-opt", "lt-reduce"):
        check_tool(name, arguments)
    elif name == "python":
        check_python(arguments)
    elif name in ("ctest", "ninja", "lit"):
        paths = [word for word in arguments if "/" in word]
        assert all((ROOT / path).exists() for path in paths), paths
    else:
        raise AssertionError(f"{where}: who checks '{command}'?")


def test_there_are_examples():
    """A pattern that finds nothing would pass every test."""
    assert every(PAGES, "python") and len(every(TABLES, "mlir")) > 30
    names = {shlex.split(command)[0] for _, command in commands()}
    assert {"longtail", "make", "lt-opt", "ctest", ".venv/bin/lit"} <= names
