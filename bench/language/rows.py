"""A row: an operator of the language at a size that people use, and what others have for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import longtail as lt
from operators import Operator


@dataclass(frozen=True)
class Row:
    """An operator, its arguments by name, and the same computation as peers write it.

    `loops` are plain loops for Numba, `tensors` is vectorised code for PyTorch; each takes those of
    the arguments that it names. `captured` says that torch.compile can take `tensors` as one graph:
    a loop whose trips depend on data cannot. `model` is an operator of ONNX Runtime with the same
    result, after `picked` where the layout of the result is another. `tolerance` is relative and
    absolute.
    """

    name: str
    operator: lt.language.Operator
    arguments: Mapping[str, Any]
    loops: Callable[..., Any] | None = None
    tensors: Callable[..., Any] | None = None
    captured: bool = True
    model: Operator | None = None
    picked: Callable[[list[np.ndarray]], list[np.ndarray]] = field(default=lambda found: found)
    tolerance: tuple[float, float] = (1e-3, 1e-4)

    def chosen(self, function: Callable[..., Any]) -> dict[str, Any]:
        """The arguments that a peer's function names."""
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        return {name: self.arguments[name] for name in names}


def floats(*shape: int, seed: int = 1) -> np.ndarray:
    """From -1 to 1."""
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def numbers(limit: int, *shape: int, seed: int = 2) -> np.ndarray:
    """Integers from 0 to below the limit."""
    return np.random.default_rng(seed).integers(0, limit, shape, dtype=np.int64)


def boxes(count: int) -> np.ndarray:
    """Corners of boxes in a picture of 690 x 690."""
    corners = np.random.default_rng(1).uniform(0, 600, (count, 2))
    sizes = np.random.default_rng(2).uniform(10, 90, (count, 2))
    return np.concatenate([corners, corners + sizes], 1).astype(np.float32)


def model(
    name: str,
    kind: str,
    reads: str,
    inputs: Mapping[str, np.ndarray],
    weights: Mapping[str, np.ndarray] | None = None,
    makes: str = "y",
    **attributes: Any,
) -> Operator:
    """One ONNX node."""
    step = (kind, reads, makes, attributes)
    return Operator(f"language {name}", "language", (step,), inputs, weights or {})
