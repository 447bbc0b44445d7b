"""What using Longtail costs besides the time of a run: compiling, memory, sizes, opening."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnx.helper as oh

import longtail as lt
from cases import Case
from engines import ENGINES, USUAL

ROOT = Path(__file__).resolve().parent.parent

# Runs in a process of its own, so that its peak of memory is that of one compilation.
CHILD = """
import json, re, sys, time
from pathlib import Path
import longtail as lt

def peak():  # ru_maxrss would be the parent's: it is inherited
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

lt.compile(sys.argv[3])  # a small model first: loads libraries
before, begin = peak(), time.perf_counter()
model = lt.compile(sys.argv[1])
seconds = time.perf_counter() - begin
model.save(sys.argv[2])
print(json.dumps({"compile_seconds": seconds, "peak_mib": peak(), "idle_mib": before}))
"""


def small_model() -> onnx.ModelProto:
    """y = x + x on one number: what a run costs without any work."""
    graph = oh.make_graph(
        [oh.make_node("Add", ["x", "x"], ["y"])],
        "small",
        [oh.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])],
        [oh.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
    )
    return oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=8)


def compilation(case: Case) -> dict[str, float]:
    """Seconds and MiB of compiling, MB of the artifact, microseconds of opening it."""
    with tempfile.TemporaryDirectory() as folder:
        artifact, small = Path(folder) / "model.lt", Path(folder) / "small.onnx"
        onnx.save(small_model(), small)
        done = subprocess.run(
            [sys.executable, "-c", CHILD, case.path, artifact, small],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise lt.Error((done.stderr.strip().splitlines() or ["the compiler crashed"])[-1])
        facts = json.loads(done.stdout)
        facts["artifact_mb"] = artifact.stat().st_size / 1e6
        facts["model_mb"] = case.path.stat().st_size / 1e6
        facts["open_us"] = _microseconds(lambda: lt.load(artifact), 50)
    return facts


def c_program(name: str) -> Path:
    """bench/NAME.c, compiled against the built runtime."""
    source, program = Path(__file__).with_name(f"{name}.c"), ROOT / "build" / "bench" / name
    library = ROOT / "build" / "runtime"
    header = ROOT / "runtime" / "include" / "longtail" / "runtime.h"
    newest = max(source.stat().st_mtime, header.stat().st_mtime)
    if not program.exists() or program.stat().st_mtime < newest:
        program.parent.mkdir(parents=True, exist_ok=True)
        flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"]
        places = [f"-I{ROOT / 'runtime' / 'include'}", f"-L{library}", f"-Wl,-rpath,{library}"]
        subprocess.run(
            ["clang-22", *flags, *places, source, "-llongtail_runtime", "-o", program], check=True
        )
    return program


def resident_memory(case: Case, threads: int) -> dict[str, float]:
    """MiB by which opening and one run let a process grow at its peak ("growth"), what the artifact
    needs ("weights" and "arena"), and whether it is no more than that and 2 MiB ("holds")."""
    with tempfile.TemporaryDirectory() as folder:
        artifact = Path(folder) / "model.lt"
        model = lt.compile(case.path)
        model.save(artifact)
        dims = ["x".join(map(str, case.inputs[each.name].shape)) for each in model.inputs]
        done = subprocess.run(
            [c_program("memory"), artifact, str(threads), *dims],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise lt.Error(done.stderr.strip() or "the program crashed")
    facts = {name: size / 2**20 for name, size in json.loads(done.stdout).items()}
    limit = facts["weights"] + facts["arena"] + 2
    return {**facts, "limit": limit, "holds": facts["growth"] <= limit}


def runtime_library_kib() -> float:
    """The size of the runtime's shared library without symbols."""
    library = (ROOT / "build" / "runtime" / "liblongtail_runtime.so").resolve(strict=True)
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(
            ["/usr/lib/llvm-22/bin/llvm-strip", "-o", stripped.name, library], check=True
        )
        return Path(stripped.name).stat().st_size / 1024


def fixed_cost_us() -> dict[str, float]:
    """Microseconds of a run without work, for each engine through its Python interface."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "small.onnx"
        onnx.save(small_model(), file)

        class Small(Case):
            path = file

        case = Small("small", "", lambda: {"x": np.ones(1, np.float32)})
        return {name: _microseconds(ENGINES[name](case, 1).run, 2000) for name in USUAL}


def c_call_ns(rounds: int = 51, runs: int = 2000) -> dict[str, float]:
    """Nanoseconds of a run without work for a C program, see bench/call.c."""
    with tempfile.TemporaryDirectory() as folder:
        model, artifact = Path(folder) / "small.onnx", Path(folder) / "small.lt"
        onnx.save(small_model(), model)
        lt.compile(model).save(artifact)
        done = subprocess.run(
            [c_program("call"), artifact, str(rounds), str(runs)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise lt.Error(done.stderr.strip() or "the program crashed")
        return json.loads(done.stdout)


def _microseconds(run, count: int) -> float:
    run()
    times = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        run()
        times.append(1e-3 * (time.perf_counter_ns() - begin))
    return statistics.median(times)
