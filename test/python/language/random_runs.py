"""Runs random programs in all modes."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ml_dtypes  # noqa: F401  (NumPy learns its types)
import numpy as np
from random_programs import FRACTION, MAGNITUDE, Program, Value

from longtail import Error, OperatorError
from longtail.language.comparing import compare
from longtail.language.modes import run

SIZES = ((3, 4, 5), (1, 1, 1), (0, 3, 0), (7, 2, 4), (2, 0, 1), (6, 9, 0))
MODES = (("ir", "expand"), ("ir", "schedule"), ("checked", "expand"), ("native", "expand"))

# What the function itself may refuse: arrays that are too small for a view or a maximum, ....
PYTHON_REFUSES = (ValueError, IndexError, ZeroDivisionError, TypeError, OverflowError)
# What the documentation says the language refuses and NumPy does not.
LIMITS = ("is too small for padding by",)


@dataclass
class Outcome:
    """`kind` is agrees, idle (Python refuses all cases), refused (by the language) or differs."""

    seed: int
    kind: str
    text: str = ""
    compared: int = 0


def elements(rng: np.random.Generator, value: Value, shape: tuple[int, ...], n: int) -> np.ndarray:
    dtype = value.number.dtype
    if value.text.startswith("at_"):
        return rng.integers(0, max(n, 1), shape)
    if value.number.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if value.number.kind == "f":
        limit = 2 ** (FRACTION + MAGNITUDE)
        return (rng.integers(-limit, limit + 1, shape) / 2**FRACTION).astype(
            dtype.replace("f", "float")
        )
    low = 0 if dtype[0] == "u" else -7
    return rng.integers(low, 8, shape).astype(
        dtype.replace("u", "uint").replace("i", "int")
        if dtype[0] == "i"
        else dtype.replace("u", "uint")
    )


def cases(program: Program) -> Iterator[list[Any]]:
    """Arguments: arrays of several sizes, some empty, some with other strides."""
    rng = np.random.default_rng(program.seed)
    for number, (n, m, k) in enumerate(SIZES):
        sizes = {"N": n, "M": m, "K": k if n else 0}
        arguments: list[Any] = []
        for value in program.arguments:
            if not value.shape:
                arguments.append(float(rng.integers(-4, 5)) / 4)
                continue
            array = elements(rng, value, tuple(sizes[s] for s in value.shape), n)
            arguments.append(np.ascontiguousarray(array[::-1])[::-1] if number % 2 else array)
        yield arguments


def load(program: Program, folder: Path) -> Any:
    """The module of a program; raises OperatorError."""
    path = folder / f"program_{program.seed}.py"
    path.write_text(program.source())
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[path.stem]
    return module.operator


def check(program: Program, folder: Path) -> Outcome:
    """Whether all modes agree with the function itself on all cases."""
    try:
        operator = load(program, folder)
    except OperatorError as error:
        return Outcome(program.seed, "refused", str(error))
    compared, reason = 0, ""
    for number, arguments in enumerate(cases(program)):
        shapes = ", ".join(str(getattr(a, "shape", a)) for a in arguments)
        try:
            expected = operator.python(*map(np.copy, arguments))
        except PYTHON_REFUSES as error:
            reason = f"{type(error).__name__}: {error}"
            continue
        tolerance = (
            1e-2 if any("f16" in line for line in program.source().split("\n")[8:]) else 1e-4
        )
        for mode, after in MODES:
            what = f"case {number} ({shapes}), mode {mode} after {after}"
            try:
                found = run(operator, mode, after, arguments, {})
                compare(found, expected, what, tolerance, tolerance)
            except AssertionError as error:
                return Outcome(program.seed, "differs", str(error), compared)
            except Error as error:
                if any(limit in str(error) for limit in LIMITS):
                    continue
                return Outcome(
                    program.seed, "differs", f"{what}: {type(error).__name__}: {error}", compared
                )
            compared += 1
    return Outcome(program.seed, "agrees" if compared else "idle", reason, compared)


def _skeleton(outcome: Outcome) -> tuple[str, str]:
    """What stays when a program gets smaller: the kind, and the code of an error."""
    code = re.search(r"error (E\d+)|mode (\w+)", outcome.text)
    return outcome.kind, code.group() if code else ""


def smaller(program: Program, outcome: Outcome, folder: Path) -> Program:
    """The program without each statement and result that it goes wrong without too."""
    changed = True
    while changed:
        changed = False
        for part in ("results", "blocks"):
            for k in reversed(range(len(getattr(program, part)))):
                rest = [each for j, each in enumerate(getattr(program, part)) if j != k]
                if part == "results" and not rest:
                    continue
                trial = replace(program, **{part: rest})
                try:
                    fails = _skeleton(check(trial, folder)) == _skeleton(outcome)
                except Exception:  # such as a name that is not defined any more
                    fails = False
                if fails:
                    program, changed = trial, True
    return program
