"""Operators and patterns that a command line names by files."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..errors import InputError

NamedOperator = tuple[str, Path, str]  # "domain::name", file, function


def named_operator(text: str) -> NamedOperator:
    """`domain::Name=file.py:function`. Raises ArgumentTypeError for what has another form."""
    name, _, place = text.partition("=")
    file, _, function = place.rpartition(":")
    domain, _, kind = name.partition("::")
    if not domain or not kind or not file or not function.isidentifier():
        raise argparse.ArgumentTypeError(
            f"'{text}' is not of the form DOMAIN::NAME=FILE.py:FUNCTION"
        )
    return name, Path(file), function


def operators_of(named: Iterable[NamedOperator]) -> Iterator[tuple[str, Any]]:
    """Each name with its operator; runs each file once. Raises InputError for a file that cannot
    be run, and one that has no such operator."""
    from .operators import Operator

    modules: dict[Path, Any] = {}
    for name, file, function in named:
        path = file.resolve()
        if path not in modules:
            modules[path] = _run(file)
        known = vars(modules[path])
        if not isinstance(known.get(function), Operator):
            found = [key for key, value in known.items() if isinstance(value, Operator)]
            has = f"it has {', '.join(found)}" if found else "it has none"
            raise InputError(f"{file} has no operator '{function}' (a function with @lt.op); {has}")
        yield name, known[function]


def _run(file: Path) -> Any:
    """The module that a file is; it may import what lies beside it."""
    if not file.is_file():
        raise InputError(f"there is no file {file}")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{file} is no Python file (its name ends in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{file} cannot be run: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module


def pattern_of(file: Path) -> Any:
    """The `onnx.FunctionProto` in a file: as text, or in bytes."""
    import onnx
    import onnx.parser

    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"pattern {file}: {error.strerror}") from None
    if b"\0" not in data and data.lstrip()[:1] == b"<":
        try:
            return onnx.parser.parse_function(data.decode())
        except (onnx.parser.ParseError, UnicodeDecodeError) as error:
            raise InputError(f"pattern {file}: {' '.join(str(error).split())}") from None
    function = onnx.FunctionProto()
    try:
        function.ParseFromString(data)
    except Exception:
        function.Clear()
    if not function.name or not function.node:
        raise InputError(f"pattern {file} is no ONNX function, as text or as a FunctionProto")
    return function
