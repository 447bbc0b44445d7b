"""Models as object files and shared libraries in the C programs of examples/, here and emulated."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

import numpy as np
import onnx
import onnx.helper as oh
import onnx.numpy_helper as nh
import pytest

import longtail as lt
from longtail import emulation, f32
from longtail.__main__ import main
from longtail.verification import reference_outputs

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ["host", "aarch64", "riscv64"]
FORBIDDEN = [
    "malloc",
    "calloc",
    "posix_memalign",
    "free",
    "mmap",
    "mprotect",
    "open",
    "read",
    "pread",
    "pthread_create",
]


def network(batch: int | str) -> onnx.ModelProto:
    """A convolution, a softmax over all of it that needs memory in between, a matrix product."""
    rng = np.random.default_rng(3)
    weights = {"w": rng.standard_normal((6, 2, 3, 3)), "m": rng.standard_normal((144, 10))}
    nodes = [
        oh.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 0, 0]),
        oh.make_node("Relu", ["c"], ["r"]),
        oh.make_node("Flatten", ["r"], ["f"]),
        oh.make_node("MatMul", ["f", "m"], ["p"]),
        oh.make_node("Softmax", ["p"], ["y"]),
    ]
    graph = oh.make_graph(
        nodes,
        "network",
        [oh.make_tensor_value_info("x", 1, [batch, 2, 5, 7])],
        [oh.make_tensor_value_info("y", 1, [batch, 10])],
        [nh.from_array(array.astype(np.float32), name) for name, array in weights.items()],
    )
    return oh.make_model(graph, opset_imports=[oh.make_operatorsetid("", 17)], ir_version=8)


def ramp(*shape: int) -> np.ndarray:
    """What the examples run a model on."""
    return (np.arange(np.prod(shape)) % 8 / 8).astype(np.float32).reshape(shape)


def build_and_run(target: str, sources: list[Path], folder: Path, *more: str, arguments=()) -> str:
    """Compile C files with the runtime for `target`, run them, return the standard output."""
    arch = platform.machine() if target == "host" else emulation.MACHINES[target].arch
    if target == "host":
        runtime, start = ROOT / "build" / "runtime", []
        environment = {"LD_LIBRARY_PATH": str(runtime)}
    else:
        machine = emulation.MACHINES[target]
        runtime = emulation.program(arch, "liblongtail_runtime.so").parent
        start = [*machine.command(), "-L", f"/usr/{arch}-linux-gnu"]
        start += ["-E", f"LD_LIBRARY_PATH={runtime}"]
        environment = {}
    libraries = [str(runtime / each) if each.endswith(".a") else each for each in more]
    command = ["clang-22", f"--target={arch}-linux-gnu", "-fuse-ld=lld", "-std=c11", "-O1"]
    command += ["-Wall", "-Wextra", "-Werror", f"-I{ROOT}/runtime/include", f"-I{folder}"]
    command += [*map(str, sources), "-o", str(folder / "program"), f"-L{runtime}", *libraries]
    subprocess.run(command, check=True)
    done = subprocess.run(
        [*start, str(folder / "program"), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def agrees(printed: str, model: onnx.ModelProto, x: np.ndarray) -> None:
    """The printed numbers are the model's output."""
    actual = np.array(printed.split(), np.float64)
    (expected,) = reference_outputs(model, {"x": x})
    np.testing.assert_allclose(actual, expected.reshape(-1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("batch", [1, 3, "batch"])
def test_static(target: str, batch: int | str, tmp_path) -> None:
    """The program has the memory that the header names, and calls nothing that gives it more."""
    onnx.save(network(batch), tmp_path / "network.onnx")
    arguments = ["compile", str(tmp_path / "network.onnx"), "--emit=static", "--target", target]
    arguments += ["-o", str(tmp_path / "demo.o")]
    largest = 4 if batch == "batch" else batch
    if batch == "batch":
        arguments += ["--shape", f"x={largest}x2x5x7"]
    assert main(arguments) == 0
    printed = build_and_run(
        target,
        [
            ROOT / "examples/static/main.c",
            tmp_path / "demo.o",
            ROOT / "test/targets/forbidden.c",
        ],
        tmp_path,
        "liblongtail_runtime_static.a",
        *(f"-Wl,--wrap={name}" for name in FORBIDDEN),
    )
    agrees(printed, network(batch), ramp(largest, 2, 5, 7))


@pytest.mark.parametrize("target", TARGETS)
def test_shared(target: str, tmp_path) -> None:
    onnx.save(network("batch"), tmp_path / "network.onnx")
    library = tmp_path / "demo.so"
    arguments = ["compile", str(tmp_path / "network.onnx"), "--emit=so", "--target", target]
    assert main([*arguments, "-o", str(library)]) == 0
    printed = build_and_run(
        target,
        [ROOT / "examples/shared/main.c"],
        tmp_path,
        "-llongtail_runtime",
        "-ldl",
        arguments=(str(library), "longtail_demo"),
    )
    agrees(printed, network("batch"), ramp(1, 2, 5, 7))


@pytest.mark.parametrize("target", TARGETS)
def test_the_shared_library_exports_one_symbol_and_runs_nothing_when_loaded(target, tmp_path):
    onnx.save(network(1), tmp_path / "network.onnx")
    library = tmp_path / "demo.so"
    arguments = ["compile", str(tmp_path / "network.onnx"), "--emit=so", "--target", target]
    assert main([*arguments, "-o", str(library)]) == 0
    command = ["llvm-readelf-22", "--dyn-syms", "--dynamic", "--relocs", str(library)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert re.findall(r"GLOBAL .* (\S+)\n", text) == ["longtail_demo"]
    assert "There are no relocations in this file" in text
    assert not re.search("INIT|FINI|NEEDED|TEXTREL", text)


@lt.op
def normalised(x: f32["N 6"]):
    e = lt.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("suffix", [".o", ".so"])
def test_operator(suffix: str, tmp_path) -> None:
    """An operator of the language in a C program."""
    file = tmp_path / f"demo{suffix}"
    rows = 4 if suffix == ".o" else 1
    normalised.compile().embed(file, sizes={"x": (rows, 6)})
    if suffix == ".o":
        sources, more = [ROOT / "examples/static/main.c", file], ["liblongtail_runtime_static.a"]
        printed = build_and_run("host", sources, tmp_path, *more)
    else:
        sources, more = [ROOT / "examples/shared/main.c"], ["-llongtail_runtime", "-ldl"]
        arguments = (str(file), "longtail_demo")
        printed = build_and_run("host", sources, tmp_path, *more, arguments=arguments)
    expected = normalised.python(ramp(rows, 6)).reshape(-1)
    np.testing.assert_allclose(np.array(printed.split(), np.float64), expected, rtol=1e-5)


def test_operator_errors(tmp_path) -> None:
    with pytest.raises(lt.InputError, match="input 'x' has dimensions that may vary"):
        normalised.compile().embed(tmp_path / "demo.o")
    with pytest.raises(lt.InputError, match=r"demo\.dll is neither a shared library"):
        normalised.compile().embed(tmp_path / "demo.dll")
    assert not list(tmp_path.iterdir())


def test_sizes_that_are_missing_are_named(tmp_path, capsys) -> None:
    onnx.save(network("batch"), tmp_path / "network.onnx")
    arguments = ["compile", str(tmp_path / "network.onnx"), "-o", str(tmp_path / "demo.o")]
    assert main([*arguments, "--emit=static"]) == 2
    assert "input 'x' has dimensions that may vary" in capsys.readouterr().err
    assert main([*arguments, "--emit=static", "--shape", "z=1"]) == 2
    assert "the model has no input 'z'" in capsys.readouterr().err
    assert main([*arguments, "--shape", "x=1x2x5x7"]) == 2
    assert "--shape goes with" in capsys.readouterr().err


def test_one_target_only(tmp_path, capsys) -> None:
    onnx.save(network(1), tmp_path / "network.onnx")
    arguments = ["compile", str(tmp_path / "network.onnx"), "--emit=so", "-o"]
    assert main([*arguments, str(tmp_path / "demo.so"), "--target=aarch64,riscv64"]) == 2
    assert "is for one target" in capsys.readouterr().err
