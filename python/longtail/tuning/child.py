"""The process that measures: reads requests, one JSON object a line, and answers each with one.

{"op": "open", "text", "target", "threads", "inputs", "symbols", "schedule", "depth", "weights"}
    the group to work on from now on; compiles it naively, to compare with, and with the model's
    schedule.  -> {"nanoseconds": of the latter}
{"op": "try", "key", "schedule", "seconds"}
    compiles a schedule, compares and times it beside the model's.
    -> {"ratio": time to the model's, "error": largest difference to what is allowed}
{"op": "duel", "schedules", "seconds"}
    times several, and the model's, in turns.
    -> {"times": [[nanoseconds of a round], ...], "calm": [whether it was left alone, ...]}

{"op": "check", "schedule"}
    compiles and compares a schedule, with one thread and with two.
    -> {"error": as above, "same": whether both give the same bits}

What goes wrong is answered as {"failed": text}.
"""

from __future__ import annotations

import json
import math
import os
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _compiler
from ..arrays import dtype_of
from ..errors import Error
from ..model import CompiledModel
from ..verification import random_arrays

# The step of the group itself; others bring its inputs and results into the model's memory orders.
_LABEL = "group"
# Weights are cold in a model whose other weights pass between two runs; more than this much passes
# through every cache.
_COLD_BYTES = 64 << 20
_MOST_COPIES = 64
_DISTURBED_RUNS = 6
_EPSILON32, _EPSILON64 = 2.0**-23, 2.0**-52


def allowed_difference(naive: np.ndarray, depth: float, inexact: bool) -> np.ndarray:
    """How far an element may be from the naive one.

    depth    operations for one element, n.
    inexact  whether the group computes with floats.

    Floats: eps (32 + 4 sqrt(n)) (sqrt(n) + |naive|) with eps of the type that is computed in, and
    two units in the last place of a narrower type that is stored. Whole numbers that come from
    floats: 1. All others: 0.
    """
    if naive.dtype.kind == "b" or (naive.dtype.kind in "iu" and not inexact):
        return np.zeros(naive.shape)
    if naive.dtype.kind in "iu":
        return np.ones(naive.shape)
    size = np.abs(naive.astype(np.float64))
    root = math.sqrt(max(depth, 1.0))
    epsilon = _EPSILON64 if naive.dtype == np.float64 else _EPSILON32
    allowed = epsilon * (32 + 4 * root) * (root + size)
    if naive.dtype.itemsize < 4:
        unit = {"float16": 2.0**-10, "bfloat16": 2.0**-7}.get(naive.dtype.name, 0.25)
        allowed = allowed + 2 * unit * size + unit * 2.0**-14
    return allowed


def largest_error(
    actual: Sequence[np.ndarray], naive: Sequence[np.ndarray], depth: float, inexact: bool
) -> float:
    """The largest difference in units of what is allowed; infinity where one value is no number and
    the other is."""
    worst = 0.0
    for a, n in zip(actual, naive, strict=True):
        if a.shape != n.shape:
            return math.inf
        if a.size == 0:
            continue
        if n.dtype.kind not in "biufV" and n.dtype.kind != "c":
            if not np.array_equal(a, n):
                return math.inf
            continue
        x, y = a.astype(np.float64), n.astype(np.float64)
        same = (x == y) | (np.isnan(x) & np.isnan(y))
        if not (same | (np.isfinite(x) & np.isfinite(y))).all():
            return math.inf
        difference = np.abs(np.subtract(x, y, out=np.zeros(x.shape), where=~same))
        allowed = allowed_difference(n, depth, inexact)
        ratio = np.divide(
            difference, allowed, out=np.where(difference > 0, np.inf, 0.0), where=allowed > 0
        )
        worst = max(worst, float(ratio.max()))
    return worst


class Runner:
    """One schedule of the group, compiled."""

    def __init__(self, bench: Bench, schedule: str | None, naive: bool = False) -> None:
        self.bench = bench
        records = [] if schedule is None else [[bench.target, bench.key, schedule]]
        settings = {"target": bench.target, "naive": naive, "from": "schedule", "records": records}
        self.model = CompiledModel(
            None, _compiler.compile(bench.text.encode(), settings, None), bench.threads
        )
        if schedule is not None:
            found = [g["schedule"] for g in self.model.report()["groups"] if g["source"] == "tuned"]
            if found != [schedule]:
                raise Error(f"the compiler does not take the schedule {schedule}")
        self.step: int | None = None
        self.open_context(bench.threads)

    def open_context(self, threads: int) -> None:
        """Run with this many threads from now on."""
        self.model.threads = threads
        self.context = self.model._new_context()
        self.context.trace(True)
        self.outputs = self.model._fill(
            [None] * len(self.model.outputs), self.context.output_dims(self.bench.arrays(0))
        )

    def run(self, turn: int) -> int:
        """Run once with the weights whose turn it is; returns nanoseconds of the group."""
        self.context.bind(self.bench.arrays(turn), self.outputs)
        self.context.run_bound()
        steps = self.context.steps()
        if self.step is None:
            self.step = next(k for k, (name, _, _) in enumerate(steps) if name == _LABEL)
        return steps[self.step][1]


class Bench:
    """One group with its inputs."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.text, self.target = request["text"], request["target"]
        self.threads, self.key = request["threads"], request["key"]
        self.depth = request["depth"]
        self._make_inputs(request, zeros=False)
        naive = Runner(self, None, naive=True)
        try:
            naive.run(0)
        except RuntimeError:  # an index that is not valid
            self._make_inputs(request, zeros=True)
            naive.run(0)
        self.naive = [each.copy() for each in naive.outputs]
        self.runners: dict[str, Runner] = {}
        self.turn = 0
        self.model = self.runner(request["schedule"])
        self.model.run(0)

    def _make_inputs(self, request: dict[str, Any], zeros: bool) -> None:
        described = [
            (f"x{k}", each["dtype"], each["dims"]) for k, each in enumerate(request["inputs"])
        ]
        described += [(f"s{k}", 3, [size]) for k, size in enumerate(request["symbols"])]
        arrays = list(random_arrays(described).values())
        if zeros:
            arrays = [a if a.dtype.kind not in "iu" else np.zeros_like(a) for a in arrays]
        self.inexact = any(dtype_of(each["dtype"]).kind not in "biu" for each in request["inputs"])
        constant = [k for k, each in enumerate(request["inputs"]) if each["constant"]]
        size = sum(arrays[k].nbytes for k in constant)
        copies = 1
        if size:
            cold = min(max(request["weights"], size), _COLD_BYTES)
            copies = max(1, min(_MOST_COPIES, math.ceil(cold / size)))
        self._sets = [arrays]
        for _ in range(copies - 1):
            self._sets.append([a.copy() if k in constant else a for k, a in enumerate(arrays)])

    def arrays(self, turn: int) -> list[np.ndarray]:
        """The inputs of a run."""
        return self._sets[turn % len(self._sets)]

    def runner(self, schedule: str) -> Runner:
        """A schedule, compiled once."""
        if schedule not in self.runners:
            self.runners[schedule] = Runner(self, schedule)
        return self.runners[schedule]

    def time(self, runner: Runner) -> tuple[int, bool]:
        """Nanoseconds of one run, and whether it was left alone. A run during which the system let
        others run is repeated; after some that were all disturbed the shortest one counts."""
        shortest = None
        for _ in range(_DISTURBED_RUNS):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw
            self.turn += 1
            nanoseconds = runner.run(self.turn)
            shortest = nanoseconds if shortest is None else min(shortest, nanoseconds)
            if resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw == before:
                return nanoseconds, True
        return shortest or 0, False

    def attempt(self, schedule: str, seconds: float) -> dict[str, Any]:
        """Compile, compare, time."""
        begin = time.perf_counter()
        runner = self.runner(schedule)
        runner.run(0)
        error = largest_error(runner.outputs, self.naive, self.depth, self.inexact)
        facts: dict[str, Any] = {"error": error, "compile": time.perf_counter() - begin}
        if error > 1:
            del self.runners[schedule]
            return facts
        rounds, _ = self.rounds([self.model, runner], seconds, 60)
        facts["ratio"] = statistics.median(own / max(model, 1) for model, own in rounds)
        facts["nanoseconds"] = statistics.median(own for _, own in rounds)
        return facts

    def check(self, schedule: str) -> dict[str, Any]:
        """Compile and compare, with one thread and with two."""
        runner = Runner(self, schedule)
        results = []
        for threads in (1, 2):
            runner.open_context(threads)
            runner.run(0)
            results.append([each.tobytes() for each in runner.outputs])
        error = largest_error(runner.outputs, self.naive, self.depth, self.inexact)
        return {"error": error, "same": results[0] == results[1]}

    def rounds(
        self, runners: list[Runner], seconds: float, most: int
    ) -> tuple[list[list[int]], list[bool]]:
        """Times of each in turns, until the time is over, but at least five; and whether all runs
        of a round were left alone. Where few are, it takes up to three times as long."""
        for runner in runners:
            self.time(runner)
        result: list[list[int]] = []
        calm: list[bool] = []
        begin = time.perf_counter()
        while len(result) < most:
            spent = time.perf_counter() - begin
            if len(result) >= 5 and spent >= seconds and (sum(calm) >= 9 or spent >= 3 * seconds):
                break
            shift = len(result) % len(runners)  # who is first changes
            order = runners[shift:] + runners[:shift]
            times = {id(runner): self.time(runner) for runner in order}
            result.append([times[id(runner)][0] for runner in runners])
            calm.append(all(times[id(runner)][1] for runner in runners))
        return result, calm


def answer(bench: Bench | None, request: dict[str, Any]) -> tuple[Bench | None, dict[str, Any]]:
    """One request's answer, and the group to go on with."""
    if request["op"] == "open":
        bench = Bench(request)
        times = [bench.time(bench.model)[0] for _ in range(5)]
        return bench, {"nanoseconds": statistics.median(times)}
    if bench is None:
        raise Error("no group is open")
    if request["op"] == "try":
        return bench, bench.attempt(request["schedule"], request["seconds"])
    if request["op"] == "check":
        return bench, bench.check(request["schedule"])
    runners = [bench.model, *(bench.runner(each) for each in request["schedules"])]
    times, calm = bench.rounds(runners, request["seconds"], 400)
    return bench, {"times": times, "calm": calm}


def main() -> None:
    """Serve until there are no more requests. Nothing else may write to the answers' stream."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    bench: Bench | None = None
    for line in sys.stdin:
        try:
            bench, facts = answer(bench, json.loads(line))
        except (Error, OSError, MemoryError, RuntimeError, ValueError, TypeError) as error:
            facts = {"failed": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(facts) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
