"""PyTorch: the graph as a module by onnx2torch, eager or compiled with `max-autotune`."""

from __future__ import annotations

import sys
from types import ModuleType

import fixed
import numpy as np


def _prepared(path: str, arrays: dict[str, np.ndarray], threads: int, compiled: bool):
    import torch

    # onnx2torch imports torchvision for two operators. Its library is for CUDA and does not load
    # beside a PyTorch for CPUs, so models with these operators fail, and all others do not.
    for name in ("torchvision", "torchvision.ops"):
        sys.modules[name] = ModuleType(name)
    sys.modules["torchvision"].ops = sys.modules["torchvision.ops"]
    sys.modules["torchvision.ops"].roi_align = None
    import onnx2torch

    torch.set_num_threads(threads)
    module = onnx2torch.convert(fixed.model(path, arrays)).eval()
    call = torch.compile(module, mode="max-autotune") if compiled else module
    inputs = [torch.from_numpy(each) for each in arrays.values()]
    last: list = []

    def run() -> None:
        with torch.inference_mode():
            found = call(*inputs)
        last[:] = found if isinstance(found, tuple | list) else [found]

    return run, lambda: [each.numpy() for each in last]


def eager(path: str, arrays: dict[str, np.ndarray], threads: int):
    return _prepared(path, arrays, threads, compiled=False)


def compiled(path: str, arrays: dict[str, np.ndarray], threads: int):
    return _prepared(path, arrays, threads, compiled=True)
