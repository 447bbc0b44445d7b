"""Operators of the language as those of PyTorch, with a meta function from their shape facts."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DTypeError, Error, InputError, ShapeError
from .dtypes import ALL, DType, bf16
from .shapes import Rules, Shapes

if TYPE_CHECKING:
    from .operators import Operator

_NUMBERS = {float: "float", int: "SymInt", bool: "bool"}


def register(operator: Operator, name: str | None, constants: Mapping[str, Any]) -> Any:
    """Registers `name` ("namespace::operator") with PyTorch; see `Operator.to_torch`."""
    try:
        import torch
    except ImportError:
        raise Error("operators of PyTorch need the Python package torch") from None

    name = name or f"longtail::{operator.name}"
    if [part.isidentifier() for part in name.split("::")] != [True, True]:
        raise InputError(f"'{name}' names no operator of PyTorch; that is 'namespace::operator'")
    known = operator._constants()
    for each in constants:
        if each not in known:
            raise InputError(f"operator '{operator.name}' has no constant '{each}'")
    instance = operator.instance(constants)
    shapes, types = instance.shapes, _types(torch)
    parameters = {n: p for n, p in operator.signature.parameters.items() if n not in known}
    names = list(parameters)
    defaults = {n: p.default for n, p in parameters.items() if p.default is not p.empty}

    def in_order(arguments: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
        """PyTorch leaves out what has its default, and gives what is keyword-only by name."""
        values = defaults | dict(zip(names, arguments, strict=False)) | named
        return [values[each] for each in names]

    def run(*arguments: Any, **named: Any) -> Any:
        arrays = [_to_numpy(torch, value) for value in in_order(arguments, named)]
        found = instance.runnable()(*arrays)
        results = [found] if isinstance(found, np.ndarray) else list(found)
        results = [_to_torch(torch, each) for each in results]
        return results[0] if len(results) == 1 else tuple(results)

    def meta(*arguments: Any, **named: Any) -> Any:
        values = in_order(arguments, named)
        device = next((v.device for v in values if isinstance(v, torch.Tensor)), None)
        found = shapes.of_results(_shapes(torch, shapes, types, values), _rules(torch))
        results = [
            torch.empty(shape, dtype=types[each.dtype], device=device)
            for shape, each in zip(found, shapes.results, strict=True)
        ]
        return results[0] if len(results) == 1 else tuple(results)

    schema = _schema(operator, names, len(shapes.results))
    made = torch.library.custom_op(name, run, mutates_args=(), device_types="cpu", schema=schema)
    made.register_fake(meta)
    return made


def _schema(operator: Operator, names: Sequence[str], results: int) -> str:
    parts: list[str] = []
    for name in names:
        parameter = operator.signature.parameters[name]
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        text = f"{_NUMBERS.get(parameter.annotation, 'Tensor')} {name}"
        if parameter.default is not inspect.Parameter.empty:
            text += f"={_default(operator, parameter)}"
        parts.append(text)
    tensors = ", ".join(["Tensor"] * results)
    return f"({', '.join(parts)}) -> " + (tensors if results == 1 else f"({tensors})")


def _default(operator: Operator, parameter: inspect.Parameter) -> str:
    """A default value as a schema says it: of numbers only."""
    if parameter.annotation not in _NUMBERS:
        raise InputError(
            f"operator '{operator.name}': the array '{parameter.name}' has a default, which "
            "operators of PyTorch cannot have"
        )
    value = parameter.annotation(parameter.default)
    if isinstance(value, float) and not np.isfinite(value):
        raise InputError(
            f"operator '{operator.name}': '{parameter.name}' is {value} by default, which a schema "
            "of PyTorch cannot say"
        )
    return repr(value)


def _types(torch: Any) -> dict[DType, Any]:
    names = {each: each.dtype.name for each in ALL}
    return {each: getattr(torch, name) for each, name in names.items()}


def _to_numpy(torch: Any, value: Any) -> Any:
    """A tensor's elements as they are; other values are numbers."""
    if not isinstance(value, torch.Tensor):
        return value
    value = value.detach().resolve_neg()
    if value.dtype is torch.bfloat16:  # NumPy does not have it
        return value.view(torch.int16).numpy().view(bf16.dtype)
    return value.numpy()


def _to_torch(torch: Any, array: np.ndarray) -> Any:
    if array.dtype == bf16.dtype:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def _shapes(
    torch: Any, shapes: Shapes, types: Mapping[DType, Any], values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """The shapes of arguments; DTypeError and ShapeError for those that cannot be right."""
    found: list[tuple[Any, ...]] = []
    for value, array in zip(values, shapes.arguments, strict=True):
        if not isinstance(value, torch.Tensor):
            found.append(())
            continue
        if value.dtype is not types[array.dtype]:
            raise DTypeError(
                f"argument '{array.argument}' is {value.dtype}, expected {types[array.dtype]}"
            )
        if value.dim() != array.rank:
            raise ShapeError(
                f"argument '{array.argument}' has rank {value.dim()}, expected {array.rank}"
            )
        found.append(tuple(value.shape))
    return found


def _rules(torch: Any) -> Rules:
    def from_data(limit: Any) -> Any:
        # A bound is of use to PyTorch only where it is a number.
        most = {"max": limit} if isinstance(limit, int) else {}
        return torch.library.get_ctx().new_dynamic_size(min=0, **most)

    def require(holds: Any, message: str) -> None:
        torch._check(holds, lambda: message)

    return Rules(require, from_data, torch.sym_max, torch.sym_min)
