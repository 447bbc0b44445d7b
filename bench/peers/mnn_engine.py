"""MNN: converted by its own program, run by a session."""

from __future__ import annotations

import subprocess
import sys

import fixed
import MNN
import numpy as np

# What the package's command calls. The command itself installs packages into whichever environment
# comes first, and reports to its makers.
_CONVERTER = "import sys, _tools; _tools.mnnconvert(['mnnconvert', *sys.argv[1:]])"

_KINDS = {
    np.dtype(np.float32): MNN.Halide_Type_Float,
    np.dtype(np.int32): MNN.Halide_Type_Int,
    np.dtype(np.uint8): MNN.Halide_Type_Uint8,
}


def _tensor(array: np.ndarray) -> MNN.Tensor:
    if array.dtype == np.int64:  # MNN has no wider integers
        array = array.astype(np.int32)
    if array.dtype not in _KINDS:
        raise TypeError(f"MNN has no tensors of {array.dtype}")
    kind = _KINDS[array.dtype]
    return MNN.Tensor(array.shape, kind, array, MNN.Tensor_DimensionType_Caffe)


def prepare(path: str, arrays: dict[str, np.ndarray], threads: int):
    source = fixed.file(path, arrays)
    made = source.with_name("model.mnn")
    if not made.exists():
        options = ["-f", "ONNX", "--modelFile", source, "--MNNModel", made, "--bizCode", "bench"]
        done = subprocess.run(
            [sys.executable, "-c", _CONVERTER, *options], capture_output=True, text=True
        )
        if done.returncode or not made.exists():
            raise RuntimeError(f"mnnconvert: {(done.stdout + done.stderr)[-200:]}")
    interpreter = MNN.Interpreter(str(made))
    session = interpreter.createSession(
        {"backend": "CPU", "numThread": threads, "precision": "high"}
    )
    # A session writes over its inputs, so each run gets them again.
    pairs = []
    for name, array in arrays.items():
        tensor = interpreter.getSessionInput(session, name)
        interpreter.resizeTensor(tensor, tuple(array.shape))
        pairs.append((name, _tensor(array)))
    interpreter.resizeSession(session)
    pairs = [(interpreter.getSessionInput(session, name), source) for name, source in pairs]
    names = [each.name for each in fixed.model(path, arrays).graph.output]

    def run() -> None:
        for tensor, source in pairs:
            tensor.copyFrom(source)
        interpreter.runSession(session)

    def outputs() -> list[np.ndarray]:
        found = []
        for name in names:
            tensor = interpreter.getSessionOutput(session, name)
            shape = tensor.getShape()
            kind = tensor.getDataType()
            dtype = next((d for d, k in _KINDS.items() if k == kind), np.dtype(np.float32))
            host = MNN.Tensor(shape, kind, np.zeros(shape, dtype), MNN.Tensor_DimensionType_Caffe)
            tensor.copyToHostTensor(host)
            found.append(np.array(host.getNumpyData()).reshape(shape))
        return found

    return run, outputs
