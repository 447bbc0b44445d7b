"""Compiling in a process of its own: the same answers, and an exception for each kind of end."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import onnx
import pytest

import longtail as lt
from longtail import isolation
from longtail.__main__ import main


def children() -> list[int]:
    """The processes that this thread started."""
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(number) for number in path.read_text().split()]


def test_gives_what_compiling_here_gives(scaled_sum: onnx.ModelProto) -> None:
    here = lt.compile(scaled_sum, keep_stages=True, keep_code=True)
    phases: list[str] = []
    there = lt.compile(
        scaled_sum,
        isolate=True,
        timeout=60,
        memory_limit=1 << 30,
        progress=lambda phase, index, total: phases.append(phase),
        keep_stages=True,
        keep_code=True,
    )
    assert there.to_bytes() == here.to_bytes()
    assert list(there.stages()) == list(here.stages()) and phases == list(here.stages())
    assert there.assembly() == here.assembly() and there.objects() == here.objects()
    assert there.report()["groups"] == here.report()["groups"]
    a = np.ones((2, 5), np.float32)
    assert np.array_equal(there(a, a), here(a, a))


def test_the_compilers_findings_come_back(unsupported: onnx.ModelProto) -> None:
    with pytest.raises(lt.CompileError) as here:
        lt.compile(unsupported)
    with pytest.raises(lt.CompileError) as there:
        lt.compile(unsupported, isolate=True)
    assert there.value.diagnostics == here.value.diagnostics
    assert type(there.value) is lt.CompileError


def test_a_path_is_read_there(tmp_path: Path, scaled_sum: onnx.ModelProto) -> None:
    onnx.save(scaled_sum, tmp_path / "model.onnx")
    model = lt.compile(tmp_path / "model.onnx", isolate=True)
    assert [each.name for each in model.inputs] == ["a", "b"]


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_names_signal_and_phase(
    scaled_sum: onnx.ModelProto, number: signal.Signals
) -> None:
    def crash(phase: str, index: int, total: int) -> None:
        if phase == "fuse":
            for child in children():
                os.kill(child, number)

    with pytest.raises(isolation.CompilerCrashError, match=f"signal {int(number)} ") as caught:
        lt.compile(scaled_sum, isolate=True, progress=crash)
    assert caught.value.signal == number
    assert isinstance(caught.value, lt.CompileError)
    assert children() == []


def test_too_slow(scaled_sum: onnx.ModelProto) -> None:
    with pytest.raises(isolation.CompileTimeoutError, match=r"longer than 0\.05 s") as caught:
        lt.compile(scaled_sum, isolate=True, timeout=0.05)
    assert isinstance(caught.value, TimeoutError)
    assert children() == []


def test_too_much_memory(scaled_sum: onnx.ModelProto) -> None:
    with pytest.raises(isolation.CompileMemoryError, match="more than 1000000 bytes"):
        lt.compile(scaled_sum, isolate=True, memory_limit=1_000_000)


def test_an_exception_of_the_callback_ends_the_child(scaled_sum: onnx.ModelProto) -> None:
    def stop(phase: str, index: int, total: int) -> None:
        raise KeyError(phase)

    with pytest.raises(KeyError):
        lt.compile(scaled_sum, isolate=True, progress=stop)
    assert children() == []


@pytest.mark.parametrize(
    "settings",
    [
        {"timeout": 0},
        {"timeout": float("nan")},
        {"memory_limit": -1},
        {"memory_limit": 1.5},
        {"isolate": False, "timeout": 5},
        {"isolate": False, "memory_limit": 5},
    ],
)
def test_refuses_limits_that_are_none(scaled_sum: onnx.ModelProto, settings: dict) -> None:
    with pytest.raises(lt.InputError, match=r"timeout|memory_limit"):
        lt.compile(scaled_sum, **{"isolate": True, **settings})


def test_command_line(
    tmp_path: Path, scaled_sum: onnx.ModelProto, capsys: pytest.CaptureFixture
) -> None:
    onnx.save(scaled_sum, tmp_path / "model.onnx")
    command = ["compile", str(tmp_path / "model.onnx"), "--isolate", "--memory-limit"]
    assert main([*command, "1G", "--timeout", "60"]) == 0
    assert lt.load(tmp_path / "model.lt").inputs[0].name == "a"
    assert main([*command, "1M"]) == 1
    assert "more than 1048576 bytes of memory" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*command, "much"])
