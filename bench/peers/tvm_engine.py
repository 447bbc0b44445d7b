"""TVM: Relax imported from ONNX, its default pipeline for this processor, not tuned."""

from __future__ import annotations

import os

import fixed
import numpy as np


def prepare(path: str, arrays: dict[str, np.ndarray], threads: int):
    os.environ["TVM_NUM_THREADS"] = str(threads)
    import tvm
    from tvm import relax
    from tvm.relax.frontend.onnx import from_onnx

    model = fixed.model(path, arrays)
    shapes = {name: list(each.shape) for name, each in arrays.items()}
    module = from_onnx(model, shape_dict=shapes, keep_params_in_input=False)
    cpu = tvm.target.codegen.llvm_get_system_cpu()
    target = tvm.target.Target({"kind": "llvm", "mcpu": cpu, "num-cores": threads})
    made = tvm.compile(module, target=target)
    machine = relax.VirtualMachine(made, tvm.cpu())
    inputs = [tvm.runtime.tensor(each) for each in arrays.values()]
    machine.set_input("main", *inputs)

    def outputs() -> list[np.ndarray]:
        found = machine.get_outputs("main")
        return [each.numpy() for each in ([found] if hasattr(found, "numpy") else found)]

    return lambda: machine.invoke_stateful("main"), outputs
