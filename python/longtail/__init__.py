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
from .language import Operator, OperatorError, cases, op
from .language.dtypes import (
    bf16,
    bool_,
    f16,
    f32,
    f64,
    i8,
    i16,
    i32,
    i64,
    idx,
    u8,
    u16,
    u32,
    u64,
)
from .language.surface import *  # noqa: F403
from .language.surface import __all__ as _surface
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
    "Operator",
    "OperatorError",
    "OutOfMemoryError",
    "Outputs",
    "RunError",
    "ShapeError",
    "TensorInfo",
    "bf16",
    "bool_",
    "cases",
    "compile",
    "f16",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "idx",
    "isolation",
    "knobs",
    "load",
    "op",
    "tune",
    "u8",
    "u16",
    "u32",
    "u64",
]
__all__ += _surface

if TYPE_CHECKING:
    from .tuning import Tuning
