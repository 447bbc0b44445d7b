"""Longtail: deep-learning operators compiled ahead of time to fast CPU code.

import longtail as lt

model = lt.compile("model.onnx")
result = model(array)
model.save("model.lt")
model = lt.load("model.lt", threads=2)
"""

# What is imported here is for others.
# ruff: noqa: F401

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from . import knobs
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

if TYPE_CHECKING:
    from . import isolation as isolation
    from .language import Operator as Operator
    from .language import OperatorError as OperatorError
    from .language import cases as cases
    from .language import op as op
    from .language.dtypes import *  # noqa: F403
    from .language.surface import *  # noqa: F403
    from .tuning import Tuning

_MODELS = [
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
_LANGUAGE = ["Operator", "OperatorError", "cases", "op"]


def tune(*arguments: Any, **options: Any) -> Tuning:
    """Measure schedules for a model and record the best; see `longtail.tuning.tune`."""
    from . import tuning

    return tuning.tune(*arguments, **options)


def __getattr__(name: str) -> Any:
    """Imports modules, and the operator language, when something of them is first used.

    A program that runs models starts without the language, in a few milliseconds.
    """
    missing = AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name.startswith("_") and name != "__all__":
        raise missing  # also asked for before a module of that name is imported
    if name != "__all__" and importlib.util.find_spec(f"{__name__}.{name}"):
        return importlib.import_module(f".{name}", __name__)
    language = importlib.import_module(".language", __name__)
    dtypes = importlib.import_module(".language.dtypes", __name__)
    surface = importlib.import_module(".language.surface", __name__)
    exported = dict.fromkeys(_LANGUAGE, language)
    exported |= dict.fromkeys(dtypes.__all__, dtypes) | dict.fromkeys(surface.__all__, surface)
    globals().update({each: getattr(module, each) for each, module in exported.items()})
    globals()["__all__"] = [*_MODELS, *exported]
    if name not in globals():
        raise missing
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})
