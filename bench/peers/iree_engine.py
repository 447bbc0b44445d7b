"""IREE: imported from ONNX, compiled for this processor with data tiling."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fixed
import numpy as np

FLAGS = (
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
    "--iree-opt-level=O3",
    "--iree-opt-data-tiling",
)


def _called(program: str, *arguments: str | Path) -> None:
    command = [Path(sys.executable).with_name(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{program}: {done.stderr[:200]}")


def prepare(path: str, arrays: dict[str, np.ndarray], threads: int):
    source = fixed.file(path, arrays, least_opset=17)
    imported, made = source.with_suffix(".mlir"), source.with_suffix(".vmfb")
    if not made.exists():
        _called("iree-import-onnx", source, "-o", imported)
        _called("iree-compile", imported, "-o", made, *FLAGS)
    import iree.runtime as rt

    if threads > 1:
        rt.flags.parse_flags(f"--task_topology_group_count={threads}")
    config = rt.Config("local-sync" if threads == 1 else "local-task")
    context = rt.SystemContext(config=config)
    module = rt.VmModule.mmap(config.vm_instance, str(made))
    context.add_vm_module(module)
    name = next(each for each in module.function_names if "$" not in each and each[0] != "_")
    function = context.modules[module.name][name]
    inputs = [rt.asdevicearray(config.device, each) for each in arrays.values()]
    last: list = []

    def run() -> None:
        found = function(*inputs)
        last[:] = found if isinstance(found, tuple | list) else [found]

    return run, lambda: [np.asarray(each.to_host()) for each in last]
