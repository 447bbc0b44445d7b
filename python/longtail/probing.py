"""Compile and run one model in a process of its own, so that a crash or a hang harms nothing else.

The process reads request.json, model.onnx and inputs.npz of a folder and writes phase.txt,
result.json and outputs.npz there. `probe` is the other side of it.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .errors import CompileError, Error

# Kinds of outcome, the good one first.
RAN, REFUSED, FAILED, CRASHED, HUNG = "ran", "refused", "failed", "crashed", "hung"


@dataclass(frozen=True)
class Outcome:
    """What happened to a model.

    kind     ran, refused (an error of compilation), failed (an error of the run), crashed, hung
    phase    the last phase of compilation that began, "run" after it
    text     the errors, or how the process ended
    outputs  by position, if it ran
    """

    kind: str
    phase: str
    text: str = ""
    outputs: list[np.ndarray] = field(default_factory=list)


def probe(
    model: bytes,
    inputs: Mapping[str, np.ndarray] | None,
    options: Mapping[str, Any] | None = None,
    timeout: float = 300.0,
) -> Outcome:
    """Compile a model with the compiler's `options` and, unless `inputs` is None, run it once.

    Both together may take `timeout` seconds. Raises OSError where no process can be started.
    """
    with tempfile.TemporaryDirectory(prefix="longtail-") as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(model)
        request = {"options": dict(options or {}), "run": inputs is not None}
        (folder / "request.json").write_text(json.dumps(request))
        if inputs is not None:
            _save(folder / "inputs.npz", list(inputs.values()), list(inputs))
        # The other process finds the package where this one has found it.
        start = f"import sys; sys.path[:] = {sys.path!r}; import longtail.probing as p; p.main()"
        command = [sys.executable, "-c", start, name]
        try:
            done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return Outcome(HUNG, _phase(folder), f"it took more than {timeout:g} s")
        result = folder / "result.json"
        if done.returncode != 0 or not result.exists():
            return Outcome(CRASHED, _phase(folder), _death(done.returncode, done.stderr))
        facts = json.loads(result.read_text())
        outputs = _load(folder / "outputs.npz") if facts["kind"] == RAN and facts["ran"] else {}
        return Outcome(facts["kind"], _phase(folder), facts["text"], list(outputs.values()))


def _phase(folder: Path) -> str:
    file = folder / "phase.txt"
    return file.read_text() if file.exists() else "start"


def _death(code: int, errors: bytes) -> str:
    if code < 0:
        return f"the process died of {signal.Signals(-code).name}"
    last = errors.decode(errors="replace").strip().splitlines()[-1:]
    return f"the process ended with code {code}" + (f": {last[0]}" if last else "")


def _save(file: Path, arrays: list[np.ndarray], names: list[str]) -> None:
    """Arrays under numbers, since names of ONNX are no names of files."""
    np.savez(
        file,
        names=np.asarray(names, dtype=np.str_),
        dtypes=np.asarray([str(a.dtype) for a in arrays], dtype=np.str_),
        **{f"array_{k}": _plain(a) for k, a in enumerate(arrays)},
    )


def _plain(array: np.ndarray) -> np.ndarray:
    """Types that NumPy itself does not know (bfloat16, ...) as bytes of their size."""
    return array if array.dtype.kind in "biufc" else array.view(np.dtype(f"V{array.itemsize}"))


def _load(file: Path) -> dict[str, np.ndarray]:
    with np.load(file, allow_pickle=False) as data:
        result = {}
        for k, (name, dtype) in enumerate(zip(data["names"], data["dtypes"], strict=True)):
            array = data[f"array_{k}"]
            if array.dtype.kind == "V":
                import ml_dtypes

                array = array.view(getattr(ml_dtypes, str(dtype)))
            result[str(name)] = array
        return result


def _answer(folder: Path) -> None:
    from . import model as models

    request = json.loads((folder / "request.json").read_text())
    phase = folder / "phase.txt"

    def answer(kind: str, text: str = "", ran: bool = False) -> None:
        facts = {"kind": kind, "text": text, "ran": ran}
        (folder / "result.json").write_text(json.dumps(facts))

    try:
        compiled = models.compile(
            folder / "model.onnx",
            progress=lambda name, *_: phase.write_text(name) and None,
            **request["options"],
        )
    except CompileError as error:
        return answer(REFUSED, str(error))
    if not request["run"]:
        return answer(RAN)
    phase.write_text("run")
    try:
        result = compiled(**_load(folder / "inputs.npz"))
    except Error as error:
        return answer(FAILED, str(error))
    outputs = list(result) if isinstance(result, models.Outputs) else [result]
    _save(folder / "outputs.npz", outputs, [f"output {k}" for k in range(len(outputs))])
    return answer(RAN, ran=True)


def main() -> None:
    """The process that `probe` starts: its argument is the folder."""
    _answer(Path(sys.argv[1]))
