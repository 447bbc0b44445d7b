"""ncnn: converted by pnnx, with f16 and bf16 off; it has no dimension for batches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fixed
import ncnn
import numpy as np


def prepare(path: str, arrays: dict[str, np.ndarray], threads: int):
    source = fixed.file(path, arrays)
    text, weights = source.with_name("fixed0.ncnn.param"), source.with_name("fixed0.ncnn.bin")
    if not text.exists():
        done = subprocess.run(
            [Path(sys.executable).with_name("pnnx"), source, "fp16=0"],
            cwd=source.parent,
            capture_output=True,
            text=True,
        )
        if done.returncode or not text.exists():
            raise RuntimeError(f"pnnx: {(done.stdout + done.stderr)[-200:]}")
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    if net.load_param(str(text)) or net.load_model(str(weights)):
        raise RuntimeError("ncnn does not take what pnnx made")
    if any(each.dtype != np.float32 for each in arrays.values()):
        raise TypeError("ncnn takes f32 alone here")
    # pnnx drops the first dimension where it is a batch of one. A clone owns its memory.
    inputs = [
        ncnn.Mat(np.ascontiguousarray(each[0] if each.ndim > 1 and each.shape[0] == 1 else each))
        for each in arrays.values()
    ]
    inputs = [each.clone() for each in inputs]
    results = fixed.model(path, arrays).graph.output
    names = [each.name for each in results]
    shapes = [[dim.dim_value for dim in each.type.tensor_type.shape.dim] for each in results]
    found: list[ncnn.Mat] = []

    def run() -> None:
        extractor = net.create_extractor()
        for k, each in enumerate(inputs):
            extractor.input(f"in{k}", each)
        found.clear()
        for k in range(len(names)):
            status, out = extractor.extract(f"out{k}")
            if status:
                raise RuntimeError(f"ncnn: output {names[k]} cannot be computed")
            found.append(out)

    def outputs() -> list[np.ndarray]:
        return [np.array(each).reshape(shape) for each, shape in zip(found, shapes, strict=True)]

    return run, outputs
