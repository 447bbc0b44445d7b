"""A model as systems want it that know no symbols: with the sizes of one set of inputs."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import version_converter

CACHE = Path(tempfile.gettempdir()) / "longtail-bench-peers"


def folder(path: str, arrays: dict[str, np.ndarray]) -> Path:
    """Where to keep what is made of a model with inputs of these shapes."""
    key = hashlib.sha256(Path(path).read_bytes())
    key.update(repr([(name, each.dtype, each.shape) for name, each in arrays.items()]).encode())
    made = CACHE / key.hexdigest()[:24]
    made.mkdir(parents=True, exist_ok=True)
    return made


def model(path: str, arrays: dict[str, np.ndarray], least_opset: int = 0) -> onnx.ModelProto:
    """The model with the shapes of `arrays`, of at least that version of the operators."""
    loaded = onnx.load(path)
    constants = {each.name for each in loaded.graph.initializer}
    for each in [each for each in loaded.graph.input if each.name in constants]:
        loaded.graph.input.remove(each)
    for each in loaded.graph.input:
        shape = each.type.tensor_type.shape
        shape.ClearField("dim")
        for size in arrays[each.name].shape:
            shape.dim.add().dim_value = size
    del loaded.graph.value_info[:]
    for each in loaded.graph.output:
        each.type.tensor_type.ClearField("shape")
    opset = next((each.version for each in loaded.opset_import if not each.domain), 0)
    if opset < least_opset:
        loaded = version_converter.convert_version(loaded, least_opset)
    return onnx.shape_inference.infer_shapes(loaded)


def file(path: str, arrays: dict[str, np.ndarray], least_opset: int = 0) -> Path:
    """The file of `model`."""
    made = folder(path, arrays) / f"fixed{least_opset}.onnx"
    if not made.exists():
        onnx.save(model(path, arrays, least_opset), made)
    return made
