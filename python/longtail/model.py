"""Compile a model, save and load it, and call it like a function."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import knobs
from .arrays import dtype_name, dtype_of, to_numpy, to_output
from .errors import ArtifactError, CompileError, DTypeError, Error, InputError, from_runtime
from .interface import Entry, Interface, join, split

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TensorInfo:
    """An input or output: name, element type, dimensions; None is a dimension that may vary.

    `dim_names` are the model's names of an input's dimensions, "" where it gives none. `kind` is
    "tensor", "sequence" (a list of arrays), "optional" (an array or None) or "optional sequence";
    type and shape are then those of the elements, a shape of None is any.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    dim_names: tuple[str, ...] = ()
    kind: str = "tensor"

    def __str__(self) -> str:
        sizes = "..."
        if self.shape is not None:
            sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        of = "" if self.kind == "tensor" else f"{self.kind} of "
        return f"{self.name}: {of}{self.dtype}[{sizes}]"


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
            text = dict(self._opened.provenance()).get("interface")
            self._interface = None if text is None else Interface.parse(text)
        return self._opened

    @property
    def inputs(self) -> list[TensorInfo]:
        """The inputs in the order of positional arguments."""
        names = self._module.dim_names("main")
        infos = [
            replace(_info(*each), dim_names=tuple(dims))
            for each, dims in zip(self._module.inputs("main"), names, strict=True)
        ]
        return infos if self._interface is None else _grouped(infos, self._interface.inputs)

    @property
    def outputs(self) -> list[TensorInfo]:
        """The outputs in order."""
        infos = [_info(*each) for each in self._module.outputs("main")]
        return infos if self._interface is None else _grouped(infos, self._interface.outputs)

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

    def __call__(self, *arrays: Any, out: Any = None, **named: Any) -> np.ndarray | Outputs:
        """Run the model.

        Inputs are NumPy arrays or anything with `__dlpack__`, by position or by name. One output is
        returned as an array, several as `Outputs`. Sequences are lists of arrays, optionals that
        hold nothing are None.

        `out` is where the outputs go: an array (NumPy, or anything with `__dlpack__` that can be
        written to) if there is one output, otherwise a sequence in the model's order or a mapping
        by name, with None for what shall be a new array. An array must be C-contiguous and have the
        output's element type and exactly its shape. Of a model that has an input called "out" the
        argument is that input; use `bind`.

        Raises InputError (or its kinds ShapeError and DTypeError) naming the input or output that
        does not fit, RunError when a kernel meets a value that it cannot work with.
        """
        if out is None and not named and self._contexts and self._interface is None:
            # What most calls are, without looking at anything twice.
            context = self._take_context()
            try:
                result = context.call(arrays)
            except (RuntimeError, TypeError, ValueError):
                with _typed_errors():
                    raise
            self._contexts.append(context)
            if result is not NotImplemented:
                return result if type(result) is np.ndarray else self._wrap(result)
        if out is not None and "out" in self._names():
            named["out"], out = out, None
        values = self._values(arrays, named)
        outputs = None if out is None else self._outputs(out)
        context = self._take_context()
        with _typed_errors():
            # Numbers and arrays of other strides have become arrays that can be used as they are.
            results: Any = NotImplemented
            if outputs is None and self._interface is None:
                results = context.call(tuple(values))
            if results is NotImplemented:
                results = context.run(values, outputs)
        self._contexts.append(context)
        if type(results) is np.ndarray:
            return results
        return self._wrap(results)

    def bind(self, *arrays: Any, out: Any = None, **named: Any) -> BoundRun:
        """Bind arrays once and run with them many times: `bind(x, out=y).run()`.

        The arguments are those of a call. Arrays that are not C-contiguous are copied now. Outputs
        without an array get a new one. What raises in a call raises here or in `run`; an output
        whose sizes depend on data needs an array, and those sizes must come out.
        """
        values = self._values(arrays, named)
        outputs = self._outputs(out)
        context = self._new_context()
        with _typed_errors():
            if any(each is None for each in outputs):
                outputs = self._fill(outputs, context.output_dims(values))
            context.bind(values, outputs)
        return BoundRun(context, self._wrap(outputs))

    def profile(self, *arrays: Any, **named: Any) -> list[tuple[str, int]]:
        """Run once and return each step's name and time in nanoseconds, in order of execution."""
        trace = self._traces(self._values(arrays, named), 1)[0]
        return [(name, nanoseconds) for name, nanoseconds, _ in trace]

    def _traces(self, values: list, runs: int) -> list[list[tuple[str, int, bool]]]:
        """(name, nanoseconds, whether it is a kernel) of each step, for each of several runs."""
        context = self._new_context()
        with _typed_errors():
            context.trace(True)
            context.run(values)  # makes plans and touches memory
            traces = []
            for _ in range(runs):
                context.run(values)
                traces.append(context.steps())
        return traces

    def _names(self) -> dict[str, int]:
        """The inputs' numbers by name."""
        self._module  # noqa: B018  (opens it)
        return self._input_names

    def _values(self, arrays: tuple, named: Mapping[str, Any]) -> list[np.ndarray | None]:
        """The arguments as arrays in the order of the inputs."""
        self._names()
        if self._interface is not None:
            return self._parts(arrays, named, self._interface.inputs)
        if named or len(arrays) != len(self._input_specs):
            arrays = self._place(arrays, named, list(self._input_names))
        return [
            to_numpy(value, name, dtype)
            for value, (name, dtype) in zip(arrays, self._input_specs, strict=True)
        ]

    def _parts(
        self, arrays: tuple, named: Mapping[str, Any], entries: tuple[Entry, ...]
    ) -> list[np.ndarray | None]:
        """The same for a model with sequences and optionals."""
        values = self._place(arrays, named, [each.name for each in entries])
        specs = iter(zip(self._input_specs, self._module.inputs("main"), strict=True))
        parts: list[np.ndarray | None] = []
        for value, entry in zip(values, entries, strict=True):
            own = [next(specs) for _ in range(entry.parts)]
            if entry.kind == "tensor":
                parts.append(to_numpy(value, *own[0][0]))
                continue
            dtype, columns = own[-2][0][1], own[-1][1][2][1]
            parts += split(
                entry,
                value,
                dtype,
                None if columns < 0 else columns,
                lambda element, name, dtype=dtype: to_numpy(element, name, dtype),
            )
        return parts

    def _outputs(self, out: Any) -> list[np.ndarray | None]:
        """`out` as one array or None for each output."""
        self._names()
        if self._interface is not None and out is not None:
            raise InputError("a model with sequences or optionals takes no arrays for its outputs")
        names = self._output_names
        if out is None:
            given = [None] * len(names)
        elif isinstance(out, Mapping):
            unknown = [key for key in out if key not in names]
            if unknown:
                raise InputError(
                    f"the model has no output '{unknown[0]}'; its outputs: {', '.join(names)}"
                )
            given = [out.get(name) for name in names]
        elif isinstance(out, Sequence) and not isinstance(out, str | bytes):
            given = list(out)
        else:
            given = [out]
        if len(given) != len(names):
            raise InputError(f"{len(given)} arrays given for outputs, the model has {len(names)}")
        return [
            None if value is None else to_output(value, name)
            for value, name in zip(given, names, strict=True)
        ]

    def _fill(self, outputs: list, dims: list[list[int]]) -> list[np.ndarray]:
        """New arrays of these dimensions for outputs that have none."""
        for k, (name, number, _) in enumerate(self._module.outputs("main")):
            if outputs[k] is not None:
                continue
            if min(dims[k], default=0) < 0:
                raise InputError(
                    f"the sizes of output '{name}' depend on data: give an array for it"
                )
            outputs[k] = np.empty(dims[k], dtype_of(number))
        return outputs

    def _wrap(self, results: list[np.ndarray]) -> Any:
        names = self._output_names
        if self._interface is not None:
            parts = iter(results)
            results = [
                join(entry, [next(parts) for _ in range(entry.parts)])
                for entry in self._interface.outputs
            ]
            names = tuple(entry.name for entry in self._interface.outputs)
        return results[0] if len(results) == 1 else Outputs(results, names)

    def _take_context(self) -> Any:
        """A context serves one run at a time; pop and append are atomic."""
        try:
            return self._contexts.pop()
        except IndexError:
            return self._new_context()

    def _new_context(self) -> Any:
        from . import _runtime

        with _typed_errors():
            return _runtime.Context(self._module, "main", self.threads)

    @staticmethod
    def _place(arrays: tuple, named: Mapping[str, Any], names: list[str]) -> tuple:
        """Positional and named arguments in the order of the inputs, which have these names."""
        if len(arrays) > len(names):
            raise InputError(f"{len(arrays)} inputs given, the model has {len(names)}")
        placed: dict[int, Any] = dict(enumerate(arrays))
        numbers = {name: k for k, name in enumerate(names)}
        for name, value in named.items():
            if name not in numbers:
                known = ", ".join(names) or "none"
                raise InputError(f"the model has no input '{name}'; its inputs: {known}")
            if numbers[name] in placed:
                raise InputError(f"input '{name}' is given twice")
            placed[numbers[name]] = value
        missing = [name for k, name in enumerate(names) if k not in placed]
        if missing:
            raise InputError(f"missing input{'s' * (len(missing) > 1)}: {', '.join(missing)}")
        return tuple(placed[k] for k in range(len(placed)))

    # ---- keeping and explaining --------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the artifact; it appears whole or not at all. Raises OSError if that fails."""
        if self._artifact is None:
            from . import _runtime

            _runtime.write_file(path, self.to_bytes())
        else:
            with _compile_errors():
                self._artifact.save(path)

    def embed(
        self, path: str | os.PathLike[str], sizes: Mapping[str, tuple[int, ...]] | None = None
    ) -> None:
        """Write the model as a part of programs: a shared library for a path that ends with ".so",
        an object file for ".o". Beside it stands a C header with the suffix ".h".

        The symbol is `longtail_` and the path's stem. `sizes` gives the largest shapes of inputs
        whose dimensions may vary, {"x": (8, 3, 224, 224)}; an object file needs them all.

        Raises InputError for another suffix or sizes that are missing, OSError if writing fails.
        """
        from . import embedding

        output = Path(path)
        if output.suffix not in (".so", ".o"):
            raise InputError(f"{output} is neither a shared library (.so) nor an object file (.o)")
        embedding.write(self, output, output.suffix == ".so", sizes)

    def to_bytes(self) -> bytes:
        """The artifact itself."""
        if self._artifact is not None:
            with _compile_errors():
                return self._artifact.bytes()
        if isinstance(self._source, str):
            return Path(self._source).read_bytes()
        return self._source or b""

    def report(
        self, time: bool = False, sizes: Mapping[str, Any] | None = None, runs: int = 10
    ) -> dict[str, Any]:
        """What the compiler did: groups with class, schedule, FLOPs and bytes; memory; seconds.

        With `time` also what a run takes, which is known of a loaded model too: under "time" one
        dict for each step, the longest first, with name, strategy, nanoseconds (median of `runs`),
        share of the total, flops, bytes, gflops and gbs (10^9 per second). The inputs are random;
        `sizes` gives dimensions that the model leaves open by their names, {"batch": 4}, or whole
        shapes by the names of inputs, {"x": (1, 3, 224, 224)}.

        Raises InputError for a size that is missing or that nothing has.
        """
        if not time:
            return dict(self._compiled("report").report())
        from .profiling import measure
        from .verification import random_inputs

        steps = measure(self, random_inputs(self, sizes), runs)
        steps.sort(key=lambda step: -step.nanoseconds)
        known = {} if self._artifact is None else dict(self._artifact.report())
        return {**known, "time": [step.facts() for step in steps]}

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


class BoundRun:
    """A model with its arrays: `run` reads those of the inputs and writes those of the outputs.

    `outputs` are the latter: an array, or `Outputs` if there are several. For one thread at a time.
    """

    def __init__(self, context: Any, outputs: np.ndarray | Outputs) -> None:
        self._context = context
        self.outputs = outputs

    def run(self) -> None:
        """Run once. Raises as a call of the model does."""
        try:
            self._context.run_bound()
        except RuntimeError as error:
            raise from_runtime(error) from None


@contextlib.contextmanager
def _typed_errors() -> Iterator[None]:
    """Errors of the runtime as those of this package."""
    try:
        yield
    except InputError:
        raise
    except TypeError as error:
        raise DTypeError(str(error)) from None
    except ValueError as error:
        raise InputError(str(error)) from None
    except RuntimeError as error:
        raise from_runtime(error) from None


@contextlib.contextmanager
def _compile_errors() -> Iterator[None]:
    """Errors of the compiler as those of this package."""
    from . import _compiler

    try:
        yield
    except _compiler.CompileError as error:
        raise CompileError(getattr(error, "diagnostics", None) or [str(error)]) from None


def _info(name: str, number: int, dims: list[int]) -> TensorInfo:
    return TensorInfo(name, dtype_name(number), tuple(None if d < 0 else d for d in dims))


def _grouped(infos: list[TensorInfo], entries: tuple[Entry, ...]) -> list[TensorInfo]:
    """What the model has, from what the artifact has."""
    rest, groups = iter(infos), []
    for entry in entries:
        own = [next(rest) for _ in range(entry.parts)]
        if entry.kind == "tensor":
            groups.append(own[0])
            continue
        dtype = own[-2].dtype if entry.pair else own[0].dtype
        shape = None
        if entry.dims is not None:
            shape = tuple(None if size < 0 else size for size in entry.dims)
        groups.append(TensorInfo(entry.name, dtype, shape, kind=entry.kind))
    return groups


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
    records: str | os.PathLike[str] | bool | None = None,
    operators: Mapping[str, Any] | None = None,
    patterns: Sequence[Any] = (),
    **options: Any,
) -> CompiledModel:
    """Compile an ONNX model: a path, the bytes of a file, or an `onnx.ModelProto`.

    target       "host" or a processor level such as "x86-64-v3".
    naive        plain loops without fusion or vectors: slow, to compare results with.
    threads      threads of a call, 1 to 64.
    progress     called with (phase, index, number of phases) as each phase begins; an exception of
                 it ends the compilation and is raised.
    keep_stages  keep the IR after every phase for `stages()`.
    dump_phases  folder that receives the same as files.
    isolate      compile in a process of its own: a model that crashes the compiler is an exception.
    timeout      with isolate: seconds until compiling is given up.
    memory_limit with isolate: bytes that compiling may allocate.
    records      file of schedules that `tune` has measured; False: none. Groups that are not in it
                 get the model's schedules, as without a file.
    operators    operators of the language (`lt.op`) that nodes of the model name, by
                 "domain::name"; this needs the Python package onnx.
    patterns     `onnx.FunctionProto`s with the names of operators: subgraphs that equal a body
                 become a node that names the operator.
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
    path = knobs.records_path(records)
    if path is not None and not settings["naive"] and path.exists():
        from .tuning.records import usable

        settings["records"] = usable(path, threads)
    if operators or patterns:
        from .language.in_models import with_operators

        model = with_operators(model, operators or {}, patterns)
        settings["may_carry_code"] = True
    source = model_source(model)
    if isolate:
        artifact = isolation.compile_isolated(source, settings, progress, timeout, memory_limit)
        return CompiledModel(None, artifact, threads)
    if timeout is not None or memory_limit is not None:
        raise InputError("timeout and memory_limit are for a process of its own: isolate=True")
    with _compile_errors():
        artifact = _compiler.compile(source, settings, progress)
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
