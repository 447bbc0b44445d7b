"""Networks that are built here, node by node, with seeded weights: one module for each.

They have the structure and sizes of networks in use that no Python package carries. Each module
has `build(name) -> onnx.ModelProto`.
"""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path

import onnx

MODULES = {
    "ecbsr_x2": "ecbsr",
    "ecbsr_x4": "ecbsr",
    "mobilenet_v2": "mobilenet_v2",
    "motion_detector": "motion_detector",
    "pose_3d": "pose_3d",
    "pp_lcnet": "pp_lcnet",
    "resnet18": "resnet18",
    "text_beam_search": "text_beam_search",
    "transformer_block": "transformer_block",
    "transformer_block_23": "transformer_block",
}
NAMES = tuple(MODULES)


def edition(name: str) -> str:
    """Changes with the code that builds `name`."""
    folder = Path(__file__).parent
    sources = (folder / "network.py", folder / f"{MODULES[name]}.py")
    return hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:8]


def build(name: str) -> onnx.ModelProto:
    """The network `name`; raises onnx.checker.ValidationError if it is no valid model."""
    model = importlib.import_module(f"{__name__}.{MODULES[name]}").build(name)
    onnx.checker.check_model(model, full_check=True)
    return model
