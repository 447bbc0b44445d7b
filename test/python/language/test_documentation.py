"""The tutorial's code runs, and its operators equal their functions."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np

from longtail.language import CODES

DOCS = Path(__file__).resolve().parents[3] / "docs"
TEXT = (DOCS / "operator-language.md").read_text()
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(text, folder):
    """All examples of a page as one program, in a file of its own; those that need PyTorch only
    where it is."""
    blocks = PYTHON.findall(text)
    if importlib.util.find_spec("torch") is None:
        blocks = [block for block in blocks if "import torch" not in block]
    path = folder / "tutorial.py"
    path.write_text("\n".join(blocks))
    spec = importlib.util.spec_from_file_location("tutorial", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tutorial(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    module = run((DOCS / "operator-tutorial.md").read_text(), tmp_path)
    assert {"decode.lt", "decoder.onnx"} <= {each.name for each in tmp_path.iterdir()}
    assert re.fullmatch(r"slice_planes: .* slice_rows: .*\n", capfd.readouterr().out)
    # The page quotes `explain`; columns are as wide as their widest cell, and lines are folded.
    told = " ".join(str(module.slice_planes.explain((12, 8, 16, 16), (256, 256))).split())
    quoted = " ".join(
        re.findall(
            r"^```text\n(.*?)^```$",
            (DOCS / "operator-tutorial.md").read_text(),
            re.MULTILINE | re.DOTALL,
        )[0].split()
    )
    lines = re.compile(r"(tutorial.py:|line )\d+")
    assert lines.sub("", quoted) in lines.sub("", told)


def test_examples(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # they write files
    module = run(TEXT, tmp_path)
    rng = np.random.default_rng(1)
    x = rng.random((8, 14, 21, 4), np.float32)
    assert module.softmax.check([(x[0, :, :, 0],)])
    assert module.window_partition.check([{"x": x, "win": 7, "shift": 3}])
    assert module.matmul.check([(x[0, :, :, 0], x[0, :, :, 1].T.copy())], rtol=1e-4)
    assert "compute.contract" in module.matmul.ir()
    assert "arith." in module.matmul.ir("schedule") or "compute" in module.matmul.ir("schedule")
    assert ".text" in module.softmax.asm()
    written = {each.name for each in tmp_path.iterdir() if each.is_file()}
    assert written == {"tutorial.py", "partition.lt", "softmax.so", "softmax.o", "softmax.h"}


def test_codes_are_listed():
    assert set(re.findall(r"^\| (E\d+) \|", TEXT, re.MULTILINE)) == set(CODES)
