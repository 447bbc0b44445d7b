"""Where the time of a run goes: the steps of a model, measured."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .costs import GroupCost, group_costs

if TYPE_CHECKING:
    from .model import CompiledModel


@dataclass(frozen=True)
class StepTime:
    """One step: the nodes of the model that it computes, the strategy of its code ("" for a step
    without code), the median of its nanoseconds and its share of all steps' time; `flops` are
    operations on elements, `bytes` those of its operands and results, None where that is not
    known."""

    name: str
    strategy: str
    nanoseconds: float
    share: float
    flops: int | None
    bytes: int | None

    @property
    def gflops(self) -> float | None:
        """10^9 operations per second."""
        return self._rate(self.flops)

    @property
    def gbs(self) -> float | None:
        """10^9 bytes per second."""
        return self._rate(self.bytes)

    def _rate(self, count: int | None) -> float | None:
        return None if count is None or self.nanoseconds <= 0 else count / self.nanoseconds

    def facts(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {**vars(self), "gflops": self.gflops, "gbs": self.gbs}


def measure(
    model: CompiledModel, inputs: Mapping[str, np.ndarray], runs: int = 10
) -> list[StepTime]:
    """The steps of a model in order of execution, each with the median of its time over `runs`.

    `inputs` has an array for every input. Raises what a call of the model raises.
    """
    arrays = model._values((), inputs)
    traces = model._traces(arrays, max(1, runs))
    middle = [statistics.median(times) for times in zip(*_times(traces), strict=True)]
    total = sum(middle) or 1.0
    costs = iter(_costs(model, arrays, sum(kernel for _, _, kernel in traces[0])))
    steps = []
    for (name, _, kernel), nanoseconds in zip(traces[0], middle, strict=True):
        cost = next(costs) if kernel else GroupCost("", None, None)
        steps.append(
            StepTime(
                name, cost.strategy, nanoseconds, nanoseconds / total, cost.operations, cost.bytes
            )
        )
    return steps


def _times(traces: list[list[tuple[str, int, bool]]]) -> list[list[int]]:
    return [[nanoseconds for _, nanoseconds, _ in trace] for trace in traces]


def _costs(model: CompiledModel, arrays: list[np.ndarray], kernels: int) -> list[GroupCost]:
    """One for each kernel step; without numbers where the artifact has none that fit."""
    text = model._module.provenance().get("groups")
    try:
        costs = group_costs(text, [array.shape for array in arrays]) if text else []
    except ValueError:  # of another version: times are still worth having
        costs = []
    return costs if len(costs) == kernels else [GroupCost("", None, None)] * kernels
