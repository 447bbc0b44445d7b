"""The benchmark's arithmetic, and that it runs."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture(scope="module")
def timing():
    """bench/timing.py, by path: the folder is not on the search path of the tests."""
    spec = importlib.util.spec_from_file_location("bench_timing", BENCH / "timing.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_ratio_is_taken_within_a_round(timing):
    found = timing.ratio([10.0, 40.0, 6.0], [5.0, 10.0, 4.0])
    assert (found.median, found.least, found.greatest) == (2.0, 1.5, 4.0)


def test_turns_rotate_and_measure(timing):
    order: list[str] = []

    def sleeper(name: str, seconds: float):
        def run() -> None:
            if not order or order[-1] != name:
                order.append(name)
            time.sleep(seconds)

        return functools.partial(timing.one_turn, run)

    times = timing.in_turns({"a": sleeper("a", 0.004), "b": sleeper("b", 0.001)}, 2, 0.01)
    assert [len(each) for each in times.values()] == [2, 2]
    assert min(times["a"]) >= 4.0 and min(times["b"]) >= 1.0
    # Both first runs, then a b, then b a.
    assert order == ["a", "b", "a", "b", "a"]


@pytest.mark.parametrize("threads", [1, 2])
def test_limits_are_plausible(tmp_path, threads):
    program = tmp_path / "limits"
    flags = [
        "-std=c11",
        "-O3",
        "-march=native",
        "-ffp-contract=fast",
        "-Wall",
        "-Wextra",
        "-Werror",
    ]
    subprocess.run(["clang-22", *flags, "-pthread", BENCH / "limits.c", "-o", program], check=True)
    done = subprocess.run([program, str(threads)], capture_output=True, text=True, check=True)
    limits = json.loads(done.stdout)
    assert limits["threads"] == threads
    assert 1 < limits["gflops"] < 1000 * threads
    assert limits["l1_gbs"] > limits["dram_gbs"] > 0.1
    refused = subprocess.run([program, "0"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "usage" in refused.stderr


def test_one_model_is_timed():
    options = ["--models", "cls", "--threads", "1", "--rounds", "1", "--seconds", "0.01"]
    options += ["--engines", "Longtail", "--no-product"]
    done = subprocess.run(
        [sys.executable, BENCH / "run.py", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PP-OCR cls" in done.stdout and "failed" not in done.stdout


def test_resident_memory_is_weights_arena_and_2_mib():
    options = ["--memory", "--models", "magika", "--threads", "1,2"]
    done = subprocess.run(
        [sys.executable, BENCH / "run.py", *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("holds") == 2 and "failed" not in done.stdout


def test_the_memory_program_counts_what_is_touched(tmp_path):
    """Its figure must follow the arena, or it measures nothing."""
    import numpy as np
    import onnx
    import onnx.helper as oh

    sys.path.insert(0, str(BENCH))
    try:
        import product
        from cases import Case
    finally:
        sys.path.remove(str(BENCH))
    nodes = [
        oh.make_node("Softmax", ["x"], ["a"], axis=0),
        oh.make_node("Softmax", ["a"], ["b"], axis=1),
        oh.make_node("Softmax", ["b"], ["y"], axis=0),
    ]
    values = [
        [oh.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", "m"])] for name in "xy"
    ]
    graph = oh.make_graph(nodes, "three", *values)
    model = oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "model.onnx")

    class Three(Case):
        path = tmp_path / "model.onnx"

    for size in (256, 1024):
        zeros = np.zeros((size, size), np.float32)
        case = Three("three", "", lambda zeros=zeros: {"x": zeros})
        facts = product.resident_memory(case, 1)
        assert facts["arena"] >= 4 * size * size / 2**20
        assert facts["arena"] <= facts["growth"] <= facts["limit"] and facts["holds"]


def test_every_operator_of_the_examples_has_a_row_with_a_peer(monkeypatch):
    """Numba and PyTorch are not needed to make the rows: they only have to be importable."""
    root = BENCH.parent
    for folder in (BENCH, root / "examples" / "ops"):
        monkeypatch.syspath_prepend(str(folder))
    torch = types.ModuleType("torch")
    torch.nn = types.ModuleType("torch.nn")
    torch.nn.functional = types.ModuleType("torch.nn.functional")
    numba = types.ModuleType("numba")
    numba.prange = range
    for module in (torch, torch.nn, torch.nn.functional, numba):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    rows = importlib.import_module("language").rows()
    examples = {
        operator.name
        for path in (root / "examples" / "ops").glob("*.py")
        for operator, _, _ in importlib.import_module(path.stem).OPERATORS
    }
    assert {row.operator.name for row in rows} == examples
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.loops or row.tensors or row.model for row in rows)
    for row in rows:
        for peer in filter(None, (row.loops, row.tensors)):
            assert row.chosen(peer)
    for name in [n for n in sys.modules if n == "language" or n.startswith("language.")]:
        monkeypatch.delitem(sys.modules, name)


def test_c_calls_are_timed():
    sys.path.insert(0, str(BENCH))
    try:
        import product
    finally:
        sys.path.remove(str(BENCH))
    facts = product.c_call_ns(rounds=5, runs=200)
    assert 0 < facts["run"] < 1e6 and 0 < facts["bind"] < 1e6
    done = subprocess.run(
        [product.c_program("call"), "none.lt", "5", "9"], capture_output=True, check=False
    )
    assert done.returncode == 1 and b"call: none.lt" in done.stderr
    assert subprocess.run([product.c_program("call")], check=False).returncode == 2
