"""The tutorial's code runs, and its operators equal their functions."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np

from longtail.language import CODES

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "operator-language.md").read_text()


def test_examples(tmp_path, monkeypatch):
    blocks = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)  # they write files
    path = tmp_path / "tutorial.py"
    path.write_text("\n".join(blocks))
    spec = importlib.util.spec_from_file_location("tutorial", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
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
