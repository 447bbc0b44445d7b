"""Compile, call, save, load: the package's main surface."""

from __future__ import annotations

import errno
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import onnx
import pytest

import longtail as lt

A = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.full((2, 3), 0.5, np.float32)


def test_compiles_from_proto_bytes_and_path(engine, scaled_sum, tmp_path):
    file = tmp_path / "model.onnx"
    onnx.save(scaled_sum, file)
    for source in (scaled_sum, scaled_sum.SerializeToString(), file, str(file)):
        np.testing.assert_array_equal(lt.compile(source)(A, B), 2 * A + B)


def test_describes_itself(engine, scaled_sum):
    model = lt.compile(scaled_sum)
    assert [str(each) for each in model.inputs] == ["a: float32[2, ?]", "b: float32[2, ?]"]
    assert model.outputs[0].name == "y"
    assert model.metadata == {"author": "a person"}
    assert "a: float32[2, ?]" in repr(model)


def test_arguments_by_position_and_by_name(engine, scaled_sum):
    model = lt.compile(scaled_sum)
    for result in (model(A, B), model(A, b=B), model(b=B, a=A)):
        np.testing.assert_array_equal(result, 2 * A + B)


def test_sizes_may_change_between_calls(engine, scaled_sum):
    model = lt.compile(scaled_sum)
    for size in (1, 7, 64, 3, 0):
        a = np.random.default_rng(size).standard_normal((2, size)).astype(np.float32)
        np.testing.assert_allclose(model(a, a), 3 * a, rtol=1e-6)


def test_results_of_earlier_calls_stay(engine, scaled_sum):
    model = lt.compile(scaled_sum)
    first = model(A, B)
    model(-A, B)
    np.testing.assert_array_equal(first, 2 * A + B)


def test_several_outputs_by_number_and_name(engine, minmax):
    outputs = lt.compile(minmax)(np.array([3, -1, 8]))
    assert isinstance(outputs, tuple) and len(outputs) == 2
    assert outputs[0] == outputs["least"] == -1
    assert dict(outputs) == {"least": -1, "greatest": 8}
    with pytest.raises(KeyError, match="no output 'median'; there are least, greatest"):
        outputs["median"]
    assert pickle.loads(pickle.dumps(outputs))["greatest"] == 8


def test_takes_lists_views_and_dlpack(engine, scaled_sum):
    class Tensor:
        """What another framework's tensor looks like."""

        def __dlpack__(self, **keywords):
            return A.__dlpack__(**keywords)

        def __dlpack_device__(self):
            return A.__dlpack_device__()

    model = lt.compile(scaled_sum)
    wide = np.zeros((3, 2), np.float32)
    np.testing.assert_array_equal(model(A, wide.T), 2 * A)
    np.testing.assert_array_equal(model(Tensor(), B), 2 * A + B)
    np.testing.assert_array_equal(model([[1, 2.5], [3, 4]], np.zeros((2, 2), np.float32)).sum(), 21)
    assert hasattr(model(A, B), "__dlpack__")


@pytest.mark.parametrize(
    ("arguments", "named", "kind", "text"),
    [
        ((A,), {}, lt.InputError, "missing input: b"),
        ((), {}, lt.InputError, "missing inputs: a, b"),
        ((A, B, A), {}, lt.InputError, "3 inputs given, the model has 2"),
        ((A, B), {"a": A}, lt.InputError, "input 'a' is given twice"),
        ((A,), {"c": B}, lt.InputError, "no input 'c'; its inputs: a, b"),
        ((A, B.astype(np.float64)), {}, lt.DTypeError, "input 'b' is float64"),
        ((A, "text"), {}, lt.DTypeError, "input 'b'"),
        ((A, None), {}, lt.DTypeError, "input 'b'"),
        ((A, B[:1]), {}, lt.Error, "'b'"),
        ((A, B[None]), {}, lt.ShapeError, "'b'"),
    ],
)
def test_refuses_bad_arguments_and_goes_on(engine, scaled_sum, arguments, named, kind, text):
    model = lt.compile(scaled_sum)
    with pytest.raises(kind, match=text):
        model(*arguments, **named)
    np.testing.assert_array_equal(model(A, B), 2 * A + B)


def test_fractions_do_not_become_whole_numbers(engine, minmax):
    with pytest.raises(lt.DTypeError, match="input 'x' is float64"):
        lt.compile(minmax)([1.5, 2.5])


def test_errors_are_values_and_types_too():
    assert issubclass(lt.ShapeError, ValueError)
    assert issubclass(lt.DTypeError, TypeError)
    assert issubclass(lt.RunError, RuntimeError)


def test_compile_errors_name_every_node(engine, unsupported):
    with pytest.raises(lt.CompileError) as caught:
        lt.compile(unsupported)
    assert len(caught.value.diagnostics) >= 2
    assert "Frobnicate" in str(caught.value) and "Defenestrate" in str(caught.value)


@pytest.mark.parametrize("source", [b"", b"not a model", 17, None])
def test_nonsense_is_a_compile_error(engine, source):
    with pytest.raises(lt.CompileError):
        lt.compile(source)


def test_missing_file_is_named(engine, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.onnx"):
        lt.compile(tmp_path / "absent.onnx")
    with pytest.raises(FileNotFoundError, match=r"absent\.lt"):
        lt.load(tmp_path / "absent.lt")


def test_progress_reports_each_phase_once(engine, scaled_sum):
    seen: list[tuple[str, int, int]] = []
    lt.compile(scaled_sum, progress=lambda *each: seen.append(each))
    assert len(seen) == len({name for name, _, _ in seen}) >= 3
    assert [index for _, index, _ in seen] == sorted(index for _, index, _ in seen)
    assert all(0 <= index < total for _, index, total in seen)


def test_an_exception_of_progress_ends_the_compilation(engine, scaled_sum):
    def stop(phase: str, index: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lt.compile(scaled_sum, progress=stop)


def test_progress_ends_the_compilation_at_once(engine, scaled_sum):
    seen: list[str] = []

    def stop(phase: str, index: int, total: int) -> None:
        seen.append(phase)
        if index == 1:
            raise ZeroDivisionError("enough")

    with pytest.raises(ZeroDivisionError, match="enough"):
        lt.compile(scaled_sum, progress=stop)
    assert len(seen) == 2


def test_a_phase_that_is_not_reached_does_nothing(scaled_sum, tmp_path):
    def stop(phase: str, index: int, total: int) -> None:
        if phase == "compose":
            raise RuntimeError

    with pytest.raises(RuntimeError):
        lt.compile(scaled_sum, progress=stop, dump_phases=tmp_path)
    written = {each.name.split("-")[1] for each in tmp_path.iterdir()}
    assert written == {"import.mlir", "graph.mlir", "expand.mlir"}


def test_an_interrupt_ends_the_compilation(scaled_sum):
    def interrupt(phase: str, index: int, total: int) -> None:
        if index == 1:
            signal.raise_signal(signal.SIGINT)

    # A shell that starts the tests in the background has the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            lt.compile(scaled_sum, progress=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)


def test_save_and_load(engine, scaled_sum, tmp_path):
    file = tmp_path / "model.lt"
    compiled = lt.compile(scaled_sum)
    compiled.save(file)
    assert [each.name for each in tmp_path.iterdir()] == ["model.lt"]
    for loaded in (lt.load(file), lt.load(file.read_bytes(), threads=2)):
        np.testing.assert_array_equal(loaded(A, B), 2 * A + B)
        assert loaded.metadata == compiled.metadata
        assert loaded.to_bytes() == compiled.to_bytes()
        with pytest.raises(lt.Error, match="this one was loaded"):
            loaded.report()


@pytest.fixture(params=["compiled", "loaded"])
def saved(request, scaled_sum):
    """A model that was compiled here, and one that was loaded: each is saved in its own way."""
    model = lt.compile(scaled_sum)
    return model if request.param == "compiled" else lt.load(model.to_bytes())


def test_save_does_not_replace_a_pipe(saved, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file") as caught:
        saved.save(pipe)
    assert caught.value.errno == errno.EINVAL
    assert pipe.is_fifo() and len(list(tmp_path.iterdir())) == 1


def test_save_leaves_nothing_behind_when_it_fails(saved, tmp_path):
    (tmp_path / "folder.lt").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.lt"):
        saved.save(tmp_path / "folder.lt")
    with pytest.raises(FileNotFoundError, match=r"absent/model\.lt"):
        saved.save(tmp_path / "absent" / "model.lt")
    assert [each.name for each in tmp_path.iterdir()] == ["folder.lt"]


def test_a_full_disk_leaves_the_old_file(saved, tmp_path):
    file = tmp_path / "model.lt"
    saved.save(file)
    before = file.read_bytes()
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) - 1, limits[1]))
    try:
        with pytest.raises(OSError, match=r"model\.lt") as caught:
            saved.save(file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.errno == errno.EFBIG
    assert file.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_what_is_incomplete_is_not_saved(scaled_sum, tmp_path):
    with pytest.raises(lt.CompileError, match="before its last phase"):
        lt.compile(scaled_sum, to="schedule").save(tmp_path / "model.lt")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", [b"", b"\x89LTA", b"something else entirely", bytes(4096)])
def test_damaged_artifacts_are_refused(engine, data, tmp_path):
    file = tmp_path / "damaged.lt"
    file.write_bytes(data)
    for source in (file, data):
        with pytest.raises(lt.ArtifactError) as caught:
            lt.load(source)
        assert caught.value.code


@pytest.mark.parametrize("threads", [0, 65, -1, 1.5, "2"])
def test_threads_are_checked(engine, scaled_sum, threads):
    with pytest.raises(lt.InputError, match="threads"):
        lt.compile(scaled_sum, threads=threads)


def test_calls_from_several_threads(engine, scaled_sum):
    model = lt.compile(scaled_sum)
    wrong: list[float] = []

    def work(value: float) -> None:
        a = np.full((2, 50), value, np.float32)
        for _ in range(50):
            if not np.array_equal(model(a, a), 3 * a):
                wrong.append(value)

    workers = [threading.Thread(target=work, args=(float(k),)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_profile_names_steps(engine, scaled_sum):
    steps = lt.compile(scaled_sum).profile(A, B)
    assert steps and all(name and nanoseconds >= 0 for name, nanoseconds in steps)


def test_report_and_stages(engine, scaled_sum):
    model = lt.compile(scaled_sum, keep_stages=True)
    assert model.report()["groups"]
    assert len(model.stages()) >= 2
    with pytest.raises(lt.Error, match="keep_stages"):
        lt.compile(scaled_sum).stages()


def test_naive_agrees(engine, scaled_sum):
    np.testing.assert_array_equal(lt.compile(scaled_sum, naive=True)(A, B), 2 * A + B)


def test_stand_in_receives_the_options(on_stand_in, scaled_sum, monkeypatch, tmp_path):
    monkeypatch.setenv("LONGTAIL_TARGET", "x86-64-v2")
    monkeypatch.setenv("LONGTAIL_DUMP_PHASES", str(tmp_path))
    options = lt.compile(scaled_sum, naive=True, to="schedule")._artifact.options
    assert options == {
        "target": "x86-64-v2",
        "naive": True,
        "keep_stages": False,
        "to": "schedule",
        "dump_phases": str(tmp_path),
    }
    assert lt.compile(scaled_sum, target="x86-64-v3")._artifact.options["target"] == "x86-64-v3"


def test_package_is_typed():
    assert (Path(lt.__file__).parent / "py.typed").exists()


def test_running_models_does_not_import_the_language():
    """Programs that run models start fast; what is used of the language is imported then."""
    program = """
import sys
import longtail as lt
from longtail import compile, load, InputError
assert not [name for name in sys.modules if name.startswith("longtail.language")]
assert "longtail.language" not in sys.modules and not hasattr(lt, "no_such_name")
assert lt.op is lt.language.op and lt.f32.name == "f32" and "roll" in dir(lt)
from longtail import *
assert callable(window)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
