"""Times of several engines, taken in turns.

A shared machine changes its speed from minute to minute, so each round times every engine for a
short while, one after the other, and a ratio is taken within a round. The median over the rounds is
the result; the least and the greatest say how far to trust it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Ratio:
    """Times of another engine over Longtail's: above 1 Longtail is faster."""

    median: float
    least: float
    greatest: float


CLOCKS: dict[str, Callable[[], int]] = {
    "wall": time.perf_counter_ns,
    # Of all threads of the process; what others do on the machine hardly counts.
    "cpu": time.process_time_ns,
}


def one_turn(run: Callable[[], None], seconds: float, clock: str = "wall") -> float:
    """The median milliseconds of a run, over at least three runs and about `seconds`.

    One run before them is not counted: it fills the caches.
    """
    times: list[float] = []
    now = CLOCKS[clock]
    run()
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        begin = now()
        run()
        times.append(1e-6 * (now() - begin))
    return statistics.median(times)


def in_turns(
    turns: Mapping[str, Callable[[float, str], float]],
    rounds: int,
    seconds: float,
    clock: str = "wall",
) -> dict[str, list[float]]:
    """Milliseconds of every engine in every round. The order rotates, so none is always first.

    A turn takes seconds and a clock, and gives the milliseconds of a run.
    """
    names = list(turns)
    for turn in turns.values():  # the first runs make plans, touch memory and fill caches
        turn(0, clock)
    times: dict[str, list[float]] = {name: [] for name in names}
    for k in range(rounds):
        for name in names[k % len(names) :] + names[: k % len(names)]:
            times[name].append(turns[name](seconds, clock))
    return times


def best_peers(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """For each case that has a peer, the ratio to the best one. Rows are those of the history."""
    return {
        row["case"]: min(each["median"] for each in row["ratios"].values())
        for row in rows
        if row["ratios"]
    }


def ratio(others: list[float], ours: list[float]) -> Ratio:
    """How much longer the other engine took, round by round."""
    each = [theirs / mine for theirs, mine in zip(others, ours, strict=True)]
    return Ratio(statistics.median(each), min(each), max(each))
