"""Longtail: deep-learning operators compiled ahead of time to fast CPU code.

import longtail as lt

model = lt.compile("model.onnx")
result = model(array)
model.save("model.lt")
model = lt.load("model.lt", threads=2)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import isolation, knobs
from .errors import (
    ArtifactError,
    CompileError,
    DTypeError,
    Error,
    InputError,
    OutOfMemoryError,
    RunError,
    ShapeError,
)
from .model import CompiledModel, Outputs, TensorInfo, compile, load


def tune(*arguments: Any, **options: Any) -> Tuning:
    """Measure schedules for a model and record the best; see `longtail.tuning.tune`."""
    from . import tuning

    return tuning.tune(*arguments, **options)


__all__ = [
    "ArtifactError",
    "CompileError",
    "CompiledModel",
    "DTypeError",
    "Error",
    "InputError",
    "OutOfMemoryError",
    "Outputs",
    "RunError",
    "ShapeError",
    "TensorInfo",
    "compile",
    "isolation",
    "knobs",
    "load",
    "tune",
]

if TYPE_CHECKING:
    from .tuning import Tuning
