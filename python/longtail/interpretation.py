"""Runs modules by the interpreter of the dialects: slow, and strict about what is undefined."""

from __future__ import annotations

import linecache
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .errors import CompileError, InputError, RunError

# Element types of MLIR by the names of NumPy's and ml_dtypes' types.
_STORAGE = {
    "bool": "i1",
    **{f"int{n}": f"i{n}" for n in (2, 4, 8, 16, 32, 64)},
    **{f"uint{n}": f"ui{n}" for n in (2, 4, 8, 16, 32, 64)},
    "bfloat16": "bf16",
    **{f"float{n}": f"f{n}" for n in (16, 32, 64)},
    **{f"float8_{n}": f"f8{n.upper()}" for n in ("e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz")},
    "float8_e8m0fnu": "f8E8M0FNU",
    "float4_e2m1fn": "f4E2M1FN",
}
_NUMPY = {storage: name for name, storage in _STORAGE.items()}


# The phases after which a module can be interpreted.
PHASES = ("expand", "compose", "fuse", "layout", "constants", "schedule")


def _numpy_type(storage: str) -> np.dtype:
    name = _NUMPY[storage]
    try:
        return np.dtype(name)
    except TypeError:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))


def interpret(text: str, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The results of function `main` of a module after any phase before `kernel`.

    Raises RunError with the line of the source for what is undefined: an element that nobody
    wrote, an index outside, points of a grid that meet; and InputError for arrays that do not fit.
    """
    from . import _compiler

    values = []
    for k, array in enumerate(arrays):
        storage = _STORAGE.get(array.dtype.name)
        if storage is None:
            raise InputError(f"argument {k} has elements of type {array.dtype}")
        values.append((storage, list(array.shape), array.tobytes()))
    try:
        results = _compiler.interpret(text.encode(), values)
    except _compiler.RunFault as fault:
        if fault.is_input:
            raise InputError(str(fault)) from None
        raise RunError(_located(fault)) from None
    return [
        np.frombuffer(data, _numpy_type(storage)).reshape(shape).copy()
        for storage, shape, data in results
    ]


def _located(fault: object) -> str:
    line, column = getattr(fault, "line", 0), getattr(fault, "column", 0)
    if not line:
        return str(fault)
    file = getattr(fault, "file", "")
    text = linecache.getline(file, line).rstrip("\n")
    # The language imports this module.
    from .language.diagnostics import Place, underlined

    place = Place(file, line, column, line, max(column + 1, len(text) + 1))
    return "\n".join([f"{file}:{line}:{column}: {fault}", *underlined(place, text)])


def module_inputs(text: str) -> list[tuple[str, np.dtype, tuple[int | None, ...]]]:
    """(name, element type, sizes) of the arguments of a module's main function; None may vary."""
    from . import _compiler

    try:
        found = _compiler.module_inputs(text.encode())
    except _compiler.RunFault as fault:
        raise InputError(_located(fault)) from None
    return [
        (name or f"argument{k}", _numpy_type(storage), tuple(None if s < 0 else s for s in sizes))
        for k, (name, storage, sizes) in enumerate(found)
    ]


def modules_of(model: str | Path, phases: Sequence[str] = PHASES, **options: Any) -> dict[str, str]:
    """The IR of a model after each of these phases, with all weights.

    Raises InputError for a phase after which a module cannot be interpreted, CompileError.
    """
    from . import _compiler

    for phase in phases:
        if phase not in PHASES:
            raise InputError(
                f"a module cannot be interpreted after '{phase}', only after {', '.join(PHASES)}"
            )
    last = max(phases, key=PHASES.index)
    settings = {"to": last, "keep_stages": True, "keep_places": True, "keep_weights": True}
    try:
        stages = dict(_compiler.compile(str(model), {**settings, **options}, None).stages())
    except _compiler.CompileError as error:
        raise CompileError(getattr(error, "diagnostics", None) or [str(error)]) from None
    return {phase: stages[phase] for phase in phases}


def ordered(inputs: Mapping[str, np.ndarray], names: Sequence[str]) -> list[np.ndarray]:
    """Arrays by name in the order of the arguments."""
    return [np.ascontiguousarray(inputs[name]) for name in names]
