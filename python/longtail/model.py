"""Compile a model, save and load it, and call it like a function."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import knobs
from .arrays import dtype_name, dtype_of, to_numpy
from .errors import ArtifactError, CompileError, DTypeError, Error, InputError, from_runtime

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TensorInfo:
    """An input or output: name, element type, dimensions; None is a dimension that may vary."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.name}: {self.dtype}[{sizes}]"


class Outputs(tuple):
    """The outputs of a call: a tuple in the model's order whose items can also be had by name."""

    names: tuple[str, ...]

    def __new__(cls, values: list[np.ndarray], names: tuple[str, ...]) -> Outputs:
        outputs = super().__new__(cls, values)
        outputs.names = names
        return outputs

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            try:
                return super().__getitem__(self.names.index(key))
            except ValueError:
                raise KeyError(f"no output '{key}'; there are {', '.join(self.names)}") from None
        return super().__getitem__(key)

    def __getnewargs__(self) -> tuple[list[np.ndarray], tuple[str, ...]]:
        return list(self), self.names

    def keys(self) -> tuple[str, ...]:
        """The names; with them an Outputs can be made into a dict."""
        return self.names


class CompiledModel:
    """A model as machine code. Calls may come from several threads at once."""

    def __init__(self, source: str | bytes | None, artifact: Any = None, threads: int = 1) -> None:
        if not isinstance(threads, int) or not 1 <= threads <= 64:
            raise InputError(f"threads is {threads!r}; a whole number from 1 to 64 is needed")
        self.threads = threads
        self._artifact = artifact
        self._source = source
        self._opened: Any = None
        self._contexts: list[Any] = []

    # ---- what the model is -----------------------------------------------------------------

    @property
    def _module(self) -> Any:
        """The artifact, opened at first use: a model for another processor can still be saved."""
        if self._opened is None:
            from . import _runtime

            source = self._artifact.bytes() if self._source is None else self._source
            try:
                self._opened = _runtime.Module(source)
            except _runtime.Error as error:
                raise from_runtime(error) from None
            self._input_specs = [
                (name, dtype_of(number)) for name, number, _ in self._opened.inputs("main")
            ]
            self._input_names = {name: k for k, (name, _) in enumerate(self._input_specs)}
            self._output_names = tuple(name for name, _, _ in self._opened.outputs("main"))
        return self._opened

    @property
    def inputs(self) -> list[TensorInfo]:
        """The inputs in the order of positional arguments."""
        return [_info(*each) for each in self._module.inputs("main")]

    @property
    def outputs(self) -> list[TensorInfo]:
        """The outputs in order."""
        return [_info(*each) for each in self._module.outputs("main")]

    @property
    def metadata(self) -> dict[str, str]:
        """The key and value texts that the model's author put into it."""
        return dict(self._module.metadata())

    @property
    def provenance(self) -> dict[str, str]:
        """How the artifact was made: compiler version, target, digest of the source."""
        return dict(self._module.provenance())

    def __repr__(self) -> str:
        inputs, outputs = ", ".join(map(str, self.inputs)), ", ".join(map(str, self.outputs))
        return f"<longtail.CompiledModel ({inputs}) -> ({outputs})>"

    # ---- running ---------------------------------------------------------------------------

    def __call__(self, *arrays: Any, **named: Any) -> np.ndarray | Outputs:
        """Run the model.

        Inputs are NumPy arrays or anything with `__dlpack__`, by position or by name. One output is
        returned as an array, several as `Outputs`.

        Raises InputError (or its kinds ShapeError and DTypeError) naming the input that does not
        fit, RunError when a kernel meets a value that it cannot work with.
        """
        return self._run(arrays, named, None)

    def profile(self, *arrays: Any, **named: Any) -> list[tuple[str, int]]:
        """Run once and return each step's name and time in nanoseconds, in order of execution."""
        steps: list[tuple[str, int]] = []
        self._run(arrays, named, steps)
        return steps

    def _run(
        self, arrays: tuple, named: Mapping[str, Any], steps: list[tuple[str, int]] | None
    ) -> np.ndarray | Outputs:
        module = self._module
        if named or len(arrays) != len(self._input_specs):
            arrays = self._place(arrays, named)
        values = [
            to_numpy(value, name, dtype)
            for value, (name, dtype) in zip(arrays, self._input_specs, strict=True)
        ]
        # A context serves one run at a time; pop and append are atomic.
        try:
            context = self._contexts.pop()
        except IndexError:
            context = self._new_context(module)
        try:
            if steps is not None:
                context.trace(True)
            results = context.run(values)
            if steps is not None:
                steps.extend(context.steps())
                context.trace(False)
        except TypeError as error:
            raise DTypeError(str(error)) from None
        except ValueError as error:
            raise InputError(str(error)) from None
        except RuntimeError as error:
            raise from_runtime(error) from None
        self._contexts.append(context)
        return results[0] if len(results) == 1 else Outputs(results, self._output_names)

    def _new_context(self, module: Any) -> Any:
        from . import _runtime

        try:
            return _runtime.Context(module, "main", self.threads)
        except _runtime.Error as error:
            raise from_runtime(error) from None

    def _place(self, arrays: tuple, named: Mapping[str, Any]) -> tuple:
        """Positional and named arguments in the order of the inputs."""
        if len(arrays) > len(self._input_specs):
            raise InputError(f"{len(arrays)} inputs given, the model has {len(self._input_specs)}")
        placed: dict[int, Any] = dict(enumerate(arrays))
        for name, value in named.items():
            if name not in self._input_names:
                known = ", ".join(self._input_names) or "none"
                raise InputError(f"the model has no input '{name}'; its inputs: {known}")
            if self._input_names[name] in placed:
                raise InputError(f"input '{name}' is given twice")
            placed[self._input_names[name]] = value
        missing = [name for k, (name, _) in enumerate(self._input_specs) if k not in placed]
        if missing:
            raise InputError(f"missing input{'s' * (len(missing) > 1)}: {', '.join(missing)}")
        return tuple(placed[k] for k in range(len(placed)))

    # ---- keeping and explaining --------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the artifact; it appears whole or not at all. Raises OSError if that fails."""
        target = Path(path)
        if target.exists() and not target.is_file():  # a device must not be replaced by a file
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            temporary.write_bytes(self.to_bytes())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def to_bytes(self) -> bytes:
        """The artifact itself."""
        if self._artifact is not None:
            return self._artifact.bytes()
        if isinstance(self._source, str):
            return Path(self._source).read_bytes()
        return self._source or b""

    def report(self) -> dict[str, Any]:
        """What the compiler did: groups with class, schedule, FLOPs and bytes; memory; seconds."""
        return dict(self._compiled("report").report())

    def stages(self) -> dict[str, str]:
        """The IR after each phase; compile with keep_stages=True to have it."""
        stages = dict(self._compiled("stages").stages())
        if not stages:
            raise Error("the stages were not kept: compile with keep_stages=True")
        return stages

    def assembly(self) -> str:
        """The kernels as assembly text; compile with keep_code=True to have it."""
        return self._compiled("assembly").assembly()

    def objects(self) -> list[bytes]:
        """The kernels as object files; compile with keep_code=True to have them."""
        return list(self._compiled("objects").objects())

    def _compiled(self, what: str) -> Any:
        if self._artifact is None:
            raise Error(f"{what}() is known only where the model was compiled; this one was loaded")
        return self._artifact


def _info(name: str, number: int, dims: list[int]) -> TensorInfo:
    return TensorInfo(name, dtype_name(number), tuple(None if d < 0 else d for d in dims))


def compile(
    model: Any,
    target: str | None = None,
    naive: bool | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    *,
    keep_stages: bool = False,
    dump_phases: str | os.PathLike[str] | None = None,
    isolate: bool = False,
    timeout: float | None = None,
    memory_limit: int | None = None,
    **options: Any,
) -> CompiledModel:
    """Compile an ONNX model: a path, the bytes of a file, or an `onnx.ModelProto`.

    target       "host" or a processor level such as "x86-64-v3".
    naive        plain loops without fusion or vectors: slow, to compare results with.
    threads      threads of a call, 1 to 64.
    progress     called with (phase, index, number of phases) as each phase begins.
    keep_stages  keep the IR after every phase for `stages()`.
    dump_phases  folder that receives the same as files.
    isolate      compile in a process of its own: a model that crashes the compiler is an exception.
    timeout      with isolate: seconds until compiling is given up.
    memory_limit with isolate: bytes that compiling may allocate.
    options      further options of the compiler, such as `to="schedule"`.

    What is not given comes from the environment (see `longtail.knobs`).
    Raises CompileError with every finding (its kinds in `longtail.isolation` where that is asked
    for), or OSError if a file cannot be read.
    """
    from . import _compiler, isolation

    folder = os.fspath(dump_phases) if dump_phases is not None else knobs.DUMP_PHASES.get()
    settings: dict[str, Any] = {
        "target": knobs.TARGET.get(target),
        "naive": knobs.NAIVE.get(naive),
        "keep_stages": keep_stages,
        **options,
    }
    if folder:
        settings["dump_phases"] = folder
    threads = knobs.THREADS.get(threads)
    source = model_source(model)
    if isolate:
        artifact = isolation.compile_isolated(source, settings, progress, timeout, memory_limit)
        return CompiledModel(None, artifact, threads)
    if timeout is not None or memory_limit is not None:
        raise InputError("timeout and memory_limit are for a process of its own: isolate=True")
    try:
        artifact = _compiler.compile(source, settings, progress)
    except _compiler.CompileError as error:
        raise CompileError(getattr(error, "diagnostics", None) or [str(error)]) from None
    return CompiledModel(None, artifact, threads)


def load(source: str | os.PathLike[str] | bytes, threads: int | None = None) -> CompiledModel:
    """Open an artifact: a path or its bytes.

    Raises ArtifactError if it is damaged, does not fit this processor, or is of a version that is
    not supported; OSError if the file cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data: str | bytes = bytes(source)
    elif isinstance(source, str | os.PathLike):
        data = os.fspath(source)
        with Path(data).open("rb"):  # a missing file is an OSError that names it
            pass
    else:
        raise InputError(f"cannot load an artifact from a {type(source).__name__}")
    loaded = CompiledModel(data, None, knobs.THREADS.get(threads))
    if "main" not in loaded._module.functions():
        raise ArtifactError("the artifact has no function 'main'")
    return loaded


def model_source(model: Any) -> str | bytes:
    """A model as the compiler takes it: the path of a readable file, or bytes."""
    if isinstance(model, bytes | bytearray | memoryview):
        return bytes(model)
    if isinstance(model, str | os.PathLike):
        with Path(model).open("rb"):  # a missing file is an OSError that names it
            return os.fspath(model)
    if hasattr(model, "SerializeToString"):
        try:
            return model.SerializeToString()
        except ValueError as error:  # protobuf holds at most 2 GiB
            raise CompileError(
                [f"the model is too large, compile it from a file: {error}"]
            ) from None
    raise CompileError(
        [f"cannot compile a {type(model).__name__}; give a path, bytes or ModelProto"]
    )
