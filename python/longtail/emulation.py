"""Run artifacts for other architectures under qemu's user-mode emulation.

The runtime for those is built by `ninja -C build longtail_emulation`; qemu-user and the cross C
libraries are installed by `scripts/setup.sh test`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import dtype_of
from .errors import Error
from .model import CompiledModel, Outputs, compile


@dataclass(frozen=True)
class Machine:
    """An emulated processor: its architecture, what qemu calls it, and the variant that it runs."""

    arch: str
    cpu: str
    variant: str

    def command(self) -> list[str]:
        """The start of a command line that runs a program on this machine.

        Raises Error if the emulator is not installed.
        """
        emulator = shutil.which(f"qemu-{self.arch}")
        if emulator is None:
            raise Error(f"qemu-{self.arch} is not installed: run scripts/setup.sh test")
        return [emulator, "-cpu", self.cpu]


_RISCV = "rv64,v=true,vext_spec=v1.0,vlen="
# By the name of the target.
MACHINES: dict[str, Machine] = {
    "aarch64": Machine("aarch64", "cortex-a53", "aarch64"),
    "armv8.2-a+fp16+dotprod": Machine("aarch64", "cortex-a76", "armv8.2-a+fp16+dotprod"),
    "riscv64": Machine("riscv64", _RISCV + "128", "riscv64"),
    "riscv64-vlen256": Machine("riscv64", _RISCV + "256", "riscv64-vlen256"),
}


def is_emulated(target: str) -> bool:
    """Whether code for this target can run under emulation only."""
    return target in MACHINES and MACHINES[target].arch != os.uname().machine


def targets_of(target: str) -> str:
    """What to compile for to run on an emulated machine: the host's variant tells of the inputs and
    outputs."""
    return f"host,{MACHINES[target].variant}"


def program(arch: str, name: str) -> Path:
    """The path of a program or library that was built for `arch`.

    Raises Error if it was not.
    """
    # The package in the build directory consists of links to the sources, so not of __file__.
    from . import _runtime

    path = Path(_runtime.__file__).parents[2] / "emulation" / arch / "runtime" / name
    if not path.exists():
        raise Error(f"{path} does not exist: run `ninja -C build longtail_emulation`")
    return path


def run(
    artifact: bytes,
    inputs: Sequence[tuple[int, np.ndarray]],
    machine: Machine,
    timeout: float = 600.0,
    threads: int = 1,
) -> tuple[list[np.ndarray], str]:
    """The outputs of an artifact's first function, and the name of the variant that ran.

    `inputs` are ONNX element types and arrays, in the function's order.
    Raises Error with the runtime's message if it fails, or after `timeout` seconds.
    """
    with tempfile.TemporaryDirectory(prefix="longtail-") as name:
        folder = Path(name)
        (folder / "model.lt").write_bytes(artifact)
        (folder / "inputs").write_bytes(b"".join(_pack(*each) for each in inputs))
        command = [*machine.command(), str(program(machine.arch, "run_tensors"))]
        command += [str(folder / part) for part in ("model.lt", "inputs", "outputs")]
        try:
            done = subprocess.run(
                [*command, str(threads)], capture_output=True, text=True, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            raise Error(f"{machine.arch}: no answer after {timeout:.0f} s") from None
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise Error(f"{machine.arch}: {lines[-1]}")
        return _unpack_all((folder / "outputs").read_bytes()), done.stdout.strip()


class EmulatedModel:
    """A model that was compiled for the host and for `target` (one of MACHINES), called like a
    CompiledModel but run on the emulated machine."""

    def __init__(
        self, model: CompiledModel, target: str, threads: int = 1, timeout: float = 600.0
    ) -> None:
        """`timeout` in seconds, of each call."""
        self.model, self.machine, self.threads = model, MACHINES[target], threads
        self.timeout = timeout
        self.inputs, self.outputs = model.inputs, model.outputs
        self._module = model._module

    def __call__(self, *arrays: Any, **named: Any) -> np.ndarray | Outputs:
        """Run once, in a new process. Raises Error, also if another variant ran."""
        specs = self._module.inputs("main")
        values = [
            (number, array)
            for array, (_, number, _) in zip(self.model._values(arrays, named), specs, strict=True)
        ]
        results, variant = run(
            self.model.to_bytes(), values, self.machine, self.timeout, self.threads
        )
        if variant != self.machine.variant:
            raise Error(f"variant '{variant}' ran where '{self.machine.variant}' should")
        return self.model._wrap(results)


def compile_emulated(model: Any, target: str, **options: Any) -> EmulatedModel:
    """Compile for an emulated machine."""
    return EmulatedModel(compile(model, target=targets_of(target), **options), target)


# Bits of the element types that are packed, and whether they have a sign.
_STRING = 8
_PACKED = {21: (4, False), 22: (4, True), 23: (4, False), 25: (2, False), 26: (2, True)}


def _pack(number: int, array: np.ndarray) -> bytes:
    """A tensor as run_tensors reads it."""
    array = np.asarray(array, dtype_of(number), order="C")
    if number == _STRING:
        data = b"".join(
            len(each).to_bytes(8, "little") + each
            for each in (
                value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
                for value in array.reshape(-1)
            )
        )
    else:
        data = array.tobytes()
    if number in _PACKED:
        bits = _PACKED[number][0]
        each = np.frombuffer(data, np.uint8) & ((1 << bits) - 1)
        each = np.pad(each, (0, -each.size % (8 // bits))).reshape(-1, 8 // bits)
        data = np.bitwise_or.reduce(each << np.arange(0, 8, bits, dtype=np.uint8), axis=1)
        data = data.astype(np.uint8).tobytes()
    return np.array([number, array.ndim, len(data), *array.shape], "<i8").tobytes() + data


def _strings(data: bytes) -> np.ndarray:
    """Strings, each behind an int64 with its bytes."""
    found, at = [], 0
    while at < len(data):
        end = at + 8 + int.from_bytes(data[at : at + 8], "little")
        found.append(data[at + 8 : end].decode("utf-8", "surrogateescape"))
        at = end
    array = np.empty(len(found), object)
    array[:] = found
    return array


def _unpack_all(data: bytes) -> list[np.ndarray]:
    """The tensors that run_tensors wrote."""
    outputs, at = [], 0
    while at < len(data):
        number, rank, size = (int(value) for value in np.frombuffer(data, "<i8", 3, at))
        shape = np.frombuffer(data, "<i8", rank, at + 24)
        at += 24 + 8 * rank
        if number == _STRING:
            outputs.append(_strings(data[at : at + size]).reshape(shape))
            at += size
            continue
        elements = np.frombuffer(data, np.uint8, size, at)
        at += size
        if number in _PACKED:
            bits, signed = _PACKED[number]
            elements = elements[:, None] >> np.arange(0, 8, bits, dtype=np.uint8)
            elements = (elements & ((1 << bits) - 1)).reshape(-1)[: int(shape.prod())]
            if signed:
                elements = ((elements ^ (1 << (bits - 1))) - (1 << (bits - 1))).astype(np.int8)
        outputs.append(np.frombuffer(elements.tobytes(), dtype_of(number)).reshape(shape).copy())
    return outputs
