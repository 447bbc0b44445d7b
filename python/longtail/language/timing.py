"""`op.bench`: how long a call takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .operators import Operator

_ROUNDS = 9


@dataclass(frozen=True)
class Timing:
    """Seconds of a call: median and fastest of several rounds of `calls` calls each.

    `bytes` are those of arguments and results; `python` is the time of the function itself.
    """

    operator: str
    median: float
    fastest: float
    calls: int
    bytes: int
    python: float | None

    def __str__(self) -> str:
        text = f"{self.operator}: {_seconds(self.median)} (fastest {_seconds(self.fastest)})"
        text += f", {self.bytes / self.median / 1e9:.3g} GB/s"
        if self.python is not None:
            text += f"; the function itself {_seconds(self.python)}, "
            text += f"{self.python / self.median:.3g} times as long"
        return text

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{self}</pre>"


def _seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def bench(
    operator: Operator,
    arguments: Sequence[Any],
    named: Mapping[str, Any],
    seconds: float,
    python: bool,
) -> Timing:
    """See `Operator.bench`."""
    results = operator(*arguments, **named)  # compiles
    begin = time.perf_counter()
    operator(*arguments, **named)
    once = max(time.perf_counter() - begin, 1e-7)
    calls = max(1, round(seconds / _ROUNDS / once))
    rounds = []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        for _ in range(calls):
            operator(*arguments, **named)
        rounds.append((time.perf_counter() - begin) / calls)
    itself = None
    if python:
        begin = time.perf_counter()
        operator.python(*arguments, **named)
        itself = time.perf_counter() - begin
    arrays = [*arguments, *named.values()]
    arrays += list(results) if isinstance(results, tuple) else [results]
    size = sum(each.nbytes for each in arrays if isinstance(each, np.ndarray))
    return Timing(operator.name, statistics.median(rounds), min(rounds), calls, size, itself)
