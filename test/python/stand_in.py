"""Stand-ins for the extension modules, which run models with ONNX Runtime.

With them the Python layer is tested by itself: what it passes on, what it refuses, and what it
makes of errors. Their artifact is the artifact's magic number followed by the ONNX model.
"""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

MAGIC = b"\x89LTA\r\n\x1a\n"
PHASES = [("import", "read the model"), ("kernel", "make loops"), ("artifact", "write the file")]


class CompileError(Exception):
    def __init__(self, diagnostics: list[str]) -> None:
        super().__init__("compilation failed")
        self.diagnostics = diagnostics


class Error(RuntimeError):
    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Artifact:
    def __init__(self, model: bytes, options: dict) -> None:
        self.model, self.options = model, options

    def bytes(self) -> bytes:
        return MAGIC + self.model

    def save(self, path: str) -> None:
        Path(path).write_bytes(self.bytes())

    def report(self) -> dict:
        nodes = onnx.load_from_string(self.model).graph.node
        groups = [
            {"name": n.op_type, "class": "map", "schedule": "", "flops": 8, "bytes": 64}
            for n in nodes
        ]
        return {"groups": groups, "arena": 256, "phases": {"import": 0.1}}

    def stages(self) -> dict:
        return {name: "module {}" for name, _ in PHASES} if self.options.get("keep_stages") else {}


def _check(model: onnx.ModelProto) -> list[str]:
    known = {schema.name for schema in onnx.defs.get_all_schemas()}
    return [
        f"node '{n.name}': operator {n.domain}::{n.op_type} is not supported"
        for n in model.graph.node
        if n.op_type not in known
    ]


def compile(source: str | bytes, options: dict, progress: object = None) -> Artifact:
    data = Path(source).read_bytes() if isinstance(source, str) else source
    try:
        model = onnx.load_from_string(data)
    except Exception:
        raise CompileError(["not an ONNX model"]) from None
    if not model.graph.node or options["target"] == "z80":
        raise CompileError(["the model is empty, or the target unknown"])
    if problems := _check(model):
        raise CompileError(problems)
    for index, (name, _) in enumerate(PHASES):
        if progress is not None:
            progress(name, index, len(PHASES))
    return Artifact(data, dict(options))


def inspect(source: str | bytes) -> dict:
    data = Path(source).read_bytes() if isinstance(source, str) else source
    model = onnx.load_from_string(data)
    findings = [{"node": text.partition(":")[0] + " (X)", "reason": text} for text in _check(model)]
    return {"nodes": len(model.graph.node), "unsupported": [], "findings": findings}


class Module:
    def __init__(self, source: str | bytes) -> None:
        data = Path(source).read_bytes() if isinstance(source, str) else source
        if not data.startswith(MAGIC):
            raise Error("FORMAT", "magic number is missing")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(
            data[len(MAGIC) :], options, providers=["CPUExecutionProvider"]
        )
        self.model = onnx.load_from_string(data[len(MAGIC) :])

    def functions(self) -> list[str]:
        return ["main"]

    def _describe(self, values: list) -> list[tuple[str, int, list[int]]]:
        inits = {each.name for each in self.model.graph.initializer}
        return [
            (
                v.name,
                v.type.tensor_type.elem_type,
                [
                    d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else -1
                    for d in v.type.tensor_type.shape.dim
                ],
            )
            for v in values
            if v.name not in inits
        ]

    def inputs(self, func: str = "main") -> list:
        return self._describe(self.model.graph.input)

    def outputs(self, func: str = "main") -> list:
        return self._describe(self.model.graph.output)

    def dim_names(self, func: str = "main") -> list[list[str]]:
        return [[d.dim_param for d in v.type.tensor_type.shape.dim] for v in self.model.graph.input]

    def metadata(self) -> dict[str, str]:
        return {each.key: each.value for each in self.model.metadata_props}

    def provenance(self) -> dict[str, str]:
        return {"compiler": "stand-in"}


class Context:
    def __init__(self, module: Module, func: str = "main", threads: int = 1) -> None:
        self.module = module

    def call(self, arrays: tuple) -> object:
        """All calls go the long way."""
        return NotImplemented

    def run(self, arrays: list, outputs: list | None = None) -> list[np.ndarray]:
        feeds = {}
        for (name, _, dims), array in zip(self.module.inputs(), arrays, strict=True):
            if not isinstance(array, np.ndarray):
                raise TypeError(f"input '{name}' is not a NumPy array")
            if not array.flags.c_contiguous:
                raise ValueError(f"input '{name}' is not C-contiguous")
            if len(dims) != array.ndim or any(
                d not in (-1, s) for d, s in zip(dims, array.shape, strict=True)
            ):
                raise Error("SHAPE", f"input '{name}' has the shape {array.shape}")
            feeds[name] = array
        try:
            results = self.module.session.run(None, feeds)
        except Exception as error:
            raise Error("KERNEL", str(error)) from None
        for k, (array, result) in enumerate(zip(outputs or [], results, strict=False)):
            if array is not None:
                array[...] = result
                results[k] = array
        return results

    def trace(self, enable: bool) -> None:
        self.traced = enable

    def steps(self) -> list[tuple[str, int, bool]]:
        return [(n.op_type, 1000, True) for n in self.module.model.graph.node]


def modules() -> tuple[types.SimpleNamespace, types.SimpleNamespace]:
    """The stand-ins for `longtail._compiler` and `longtail._runtime`."""
    compiler = types.SimpleNamespace(
        compile=compile, CompileError=CompileError, inspect=inspect, phases=lambda: PHASES
    )
    runtime = types.SimpleNamespace(Module=Module, Context=Context, Error=Error)
    return compiler, runtime
