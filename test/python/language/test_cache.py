"""Machine code of operators on disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import longtail as lt
from longtail import f32
from longtail.language import cache, instance

PROGRAM = """
import sys
import numpy as np
import longtail as lt
from longtail import f32

@lt.op
def scaled(x: f32["N"], y: f32["N"]):
    return x * y + {constant}

x = np.arange(5, dtype=np.float32)
np.testing.assert_array_equal(scaled(x, x), x * x + {constant})
print("longtail._compiler" in sys.modules)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LONGTAIL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*"))


def program(tmp_path: Path, constant: int = 1) -> list[str]:
    path = tmp_path / f"program{constant}.py"
    path.write_text(PROGRAM.format(constant=constant))
    return [sys.executable, str(path)]


def run(command: list[str]) -> bool:
    """Whether the program needed the compiler."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip() == "True"


def operator() -> Callable[..., np.ndarray]:
    @lt.op
    def doubled(x: f32["N"]):
        return x + x

    return doubled


def test_the_next_process_does_not_compile(folder: Path, tmp_path: Path) -> None:
    assert run(program(tmp_path))
    assert len(entries(folder)) == 1
    assert not run(program(tmp_path))
    assert run(program(tmp_path, constant=2)), "another source is another operator"
    assert len(entries(folder)) == 2


def test_processes_at_the_same_time(folder: Path, tmp_path: Path) -> None:
    command = program(tmp_path)
    several = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [each.wait() for each in several] == [0, 0, 0]
    assert len(entries(folder)) == 1
    assert not run(command)


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_damaged_entry_is_made_again(folder: Path, damage: bytes | None) -> None:
    x = np.arange(3, dtype=np.float32)
    operator()(x)
    (entry,) = entries(folder)
    good = entry.read_bytes()
    entry.write_bytes(damage if damage is not None else good[:-1] + bytes([good[-1] ^ 1]))
    np.testing.assert_array_equal(operator()(x), x + x)
    assert entry.read_bytes() == good


def test_settings_are_part_of_the_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(3, dtype=np.float32)
    operator()(x)
    for name, value in (("LONGTAIL_TARGET", "x86-64-v2"), ("LONGTAIL_THREADS", "2")):
        before = len(entries(folder))
        monkeypatch.setenv(name, value)
        operator()(x)
        assert len(entries(folder)) == before + 1
    monkeypatch.setenv("LONGTAIL_NAIVE", "1")
    before = entries(folder)
    operator()(x)
    assert entries(folder) == before, "plain loops are not kept"


def test_without_a_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGTAIL_CACHE", "off")
    x = np.arange(3, dtype=np.float32)
    np.testing.assert_array_equal(operator()(x), x + x)
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_to_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LONGTAIL_CACHE", str(tmp_path / "file"))
    x = np.arange(3, dtype=np.float32)
    with pytest.warns(RuntimeWarning, match=r"cannot be kept: .*LONGTAIL_CACHE"):
        result = operator()(x)
    np.testing.assert_array_equal(result, x + x)


def test_an_operator_that_fails_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise lt.CompileError(["no"])

    x = np.arange(3, dtype=np.float32)
    broken = operator()
    monkeypatch.setattr(instance.model, "compile", refuse)
    with pytest.raises(lt.CompileError):
        broken(x)
    monkeypatch.undo()
    assert entries(folder) == []


def test_old_entries_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST_FILES", 3)
    x = np.arange(3, dtype=np.float32)
    for constant in range(4):

        @lt.op
        def moved(x: f32["N"], k: lt.const = constant):
            return x + k

        np.testing.assert_array_equal(moved(x), x + constant)
    assert len(entries(folder)) == 3
