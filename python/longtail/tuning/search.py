"""How a tuner spends its time: groups by their share of a run, schedules by their estimates."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import knobs
from ..errors import InputError
from ..model import compile, model_source
from .measuring import Measurer, MeasuringError
from .records import Machine, Record, Records
from .space import Group, neighbours, shortlist

# Schedules of a group that are measured before neighbours of the best one are.
FIRST = 12
# Schedules beside the model's in the last round.
FINALISTS = 3
# A schedule wins if it is faster by this much, and in this share of the rounds.
WIN, MAJORITY = 1.03, 0.7
# Rounds of runs that nothing disturbed, without which nothing is decided.
CALM = 5
# Seconds for a request besides what is asked to be measured: compiling, and slow naive loops.
PATIENCE = 60.0

# (groups done, groups in all, seconds left, what is being done)
Progress = Callable[[int, int, float, str], None]


@dataclass(frozen=True)
class GroupResult:
    """What came of one kind of group.

    source   "measured", "known" (there was a record), "failed" (`note` says why), or "skipped"
             (the time was over)
    record   the record, unless it failed or was skipped
    """

    name: str
    strategy: str
    count: int
    source: str
    record: Record | None = None
    note: str = ""


@dataclass
class Tuning:
    """What a tuner found out; `rejected` lists schedules that crashed, hung or were wrong."""

    path: Path
    seconds: float = 0.0
    groups: list[GroupResult] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)

    @property
    def gain(self) -> float:
        """Time in all groups with a record, by the model's schedules to by these."""
        pairs = [(g.count * g.record.model_nanoseconds, g.record.gain) for g in self._known()]
        before = sum(time for time, _ in pairs)
        return before / sum(time / gain for time, gain in pairs) if before else 1.0

    def _known(self) -> list[Any]:
        return [group for group in self.groups if group.record]


def tune(
    model: Any,
    budget: float = 120.0,
    records: str | os.PathLike[str] | None = None,
    *,
    threads: int | None = None,
    target: str | None = None,
    sizes: Mapping[str, Any] | None = None,
    again: bool = False,
    progress: Progress | None = None,
) -> Tuning:
    """Measure schedules for the groups of an ONNX model and record the best of each.

    budget    seconds. Groups for which there are records take none, so that tuning can go on where
              it ended; what is measured is in the file at once.
    records   the file; otherwise that of `LONGTAIL_RECORDS`, which compilations use by themselves.
    threads   threads of the calls to be fast, 1 to 64.
    target    a target that this machine runs, "host" if it is not given.
    sizes     the sizes to be fast at, for dimensions that the model leaves open: as in `report`;
              what is not given is 1 for an input's first dimension and 64 for others.
    again     measure groups with records, too.
    progress  called with (groups done, all groups, seconds left, text); an exception of it ends
              the tuning and is raised, what was measured before stays.

    Raises CompileError, InputError for sizes or targets that do not fit, Error for a file that is
    no file of records.
    """
    if not 0 < budget < float("inf"):
        raise InputError(f"budget is {budget!r}; a number of seconds above 0 is needed")
    path = Path(records) if records is not None else knobs.records_path()
    if path is None:
        raise InputError("tuning records are turned off by LONGTAIL_RECORDS; name a file for them")
    threads = knobs.THREADS.get(threads)
    begin = time.monotonic()
    machine, groups, weights = _groups_of(model, threads, target, sizes)
    store = Records(path)
    known = {} if again else {each.group: each for each in store.of(machine)}
    tuning = Tuning(path)
    search = _Search(machine, weights, store, tuning, begin + budget, progress)
    # A group's time is what counts, so those with the most of it are first.
    groups.sort(key=lambda group: -group.cycles * group.count)
    rest = []
    for group in groups:
        record = known.get(group.key)
        if record is not None and record.target == machine.target:
            tuning.groups.append(
                GroupResult(group.name, group.strategy, group.count, "known", record)
            )
        else:
            rest.append(group)
    search.all(rest)
    tuning.seconds = time.monotonic() - begin
    return tuning


def _groups_of(
    model: Any, threads: int, target: str | None, sizes: Mapping[str, Any] | None
) -> tuple[Machine, list[Group], float]:
    """The machine, the kinds of groups, and the bytes of the model's weights."""
    name = knobs.TARGET.get(target)
    machine = Machine.here(threads)
    if "," in name:
        raise InputError(f"tuning is for one target at a time, not for '{name}'")
    if name != "host":
        _check_runs_here(name, machine.target)
        machine = Machine(name, machine.microarchitecture, threads, machine.version)
    compiled = compile(
        model_source(model),
        target=name,
        naive=False,
        threads=threads,
        records=False,
        to="schedule",
        tuning={"threads": threads, "shapes": _shapes(model, sizes)},
    )
    report = compiled.report()
    weights = sum(
        _bytes(each) for entry in report["tuning"] for each in entry["inputs"] if each["constant"]
    )
    groups = [Group.of(entry) for entry in report["tuning"]]
    return machine, [group for group in groups if group.elements > 0], weights


def _check_runs_here(target: str, host: str) -> None:
    """Raises InputError for a target that cannot be measured here."""
    from .. import _compiler

    here = list(_compiler.host_targets())
    if target in _compiler.targets() and target not in here:
        raise InputError(
            f"target '{target}' cannot be measured on this machine, which is {host}; it runs "
            f"{', '.join(here)}"
        )


def _bytes(described: dict[str, Any]) -> float:
    from ..arrays import dtype_of

    size = float(dtype_of(described["dtype"]).itemsize)
    for dim in described["dims"]:
        size *= dim
    return size


def _shapes(model: Any, sizes: Mapping[str, Any] | None) -> list[list[int]]:
    """The sizes of the model's inputs, -1 where nothing is said."""
    from .. import _compiler

    sizes = dict(sizes or {})
    inputs = _compiler.inspect(model_source(model))["inputs"]
    dims = {d for each in inputs for d in each.get("dims", []) if isinstance(d, str)}
    names = {each.get("name") for each in inputs}
    if unknown := [key for key in sizes if key not in dims | names]:
        known = f"; names of dimensions: {', '.join(sorted(dims))}" if dims else ""
        raise InputError(f"the model has no input '{unknown[0]}'{known}")
    result = []
    for each in inputs:
        own = each.get("dims", [])
        given = sizes.get(each.get("name"))
        if given is not None and not isinstance(given, int):
            if len(given) != len(own):
                raise InputError(
                    f"input '{each['name']}' has {len(own)} dimensions, {len(given)} are given"
                )
            result.append([int(size) for size in given])
        else:
            result.append([d if isinstance(d, int) else int(sizes.get(d, -1)) for d in own])
    return result


def compare(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(how many times as fast the second of each pair is, in which share of pairs it is faster).

    The first is the lower one of two estimates: the median of the ratios, and the ratio of the
    lower quartiles, which what disturbs single runs does not reach.
    """
    ratios = [first / max(second, 1.0) for first, second in pairs]
    quarter = len(pairs) // 4
    firsts, seconds = sorted(p[0] for p in pairs), sorted(p[1] for p in pairs)
    quartiles = firsts[quarter] / max(seconds[quarter], 1.0)
    share = sum(ratio > 1 for ratio in ratios) / len(ratios)
    return min(statistics.median(ratios), quartiles), share


class _Search:
    def __init__(
        self,
        machine: Machine,
        weights: float,
        store: Records,
        tuning: Tuning,
        deadline: float,
        progress: Progress | None,
    ) -> None:
        self.machine, self.weights, self.store, self.tuning = machine, weights, store, tuning
        self.deadline, self.progress = deadline, progress
        self.total = self.done = 0

    def left(self) -> float:
        return self.deadline - time.monotonic()

    def tell(self, text: str) -> None:
        if self.progress:
            self.progress(self.done, self.total, max(0.0, self.left()), text)

    def all(self, groups: list[Group]) -> None:
        """Every group gets the share of the time that is left that it has of the work."""
        self.total = len(groups)
        work = sum(group.cycles * group.count for group in groups)
        with Measurer() as measurer:
            for group in groups:
                if self.left() <= 0:
                    self.add(group, "skipped", note="the time was over")
                    continue
                share = group.cycles * group.count / max(work, 1.0)
                work -= group.cycles * group.count
                allowance = min(self.left(), max(1.0, self.left() * min(1.0, share)))
                try:
                    record = self.one(measurer, group, time.monotonic() + allowance)
                    self.store.add([record])
                    self.add(group, "measured", record)
                except MeasuringError as error:
                    self.add(group, "failed", note=str(error))
                self.done += 1
        self.tell("done")

    def add(self, group: Group, source: str, record: Record | None = None, note: str = "") -> None:
        self.tuning.groups.append(
            GroupResult(group.name, group.strategy, group.count, source, record, note)
        )

    def open(self, measurer: Measurer, group: Group) -> float:
        """Nanoseconds of the group by the model's schedule."""
        request = {
            "op": "open",
            "text": group.text,
            "key": group.key,
            "target": self.machine.target,
            "threads": self.machine.threads,
            "inputs": group.inputs,
            "symbols": group.symbols,
            "schedule": group.schedule,
            "depth": group.flops / max(group.elements, 1.0),
            "weights": self.weights,
        }
        return measurer.ask(request, PATIENCE)["nanoseconds"]

    def one(self, measurer: Measurer, group: Group, end: float) -> Record:
        """The best schedule of a group; `end` is when its time is over."""
        self.tell(group.name)
        reference = self.open(measurer, group)
        # As long as a run of the model's takes, and not longer than a dozen fit.
        seconds = min(
            0.15, max(0.01, 20 * reference / 1e9), max(0.01, (end - time.monotonic()) / 24)
        )
        found: dict[str, float] = {}

        def measure(schedules: list[str]) -> None:
            for schedule in schedules:
                if time.monotonic() >= end:
                    return
                if schedule in found or schedule == group.schedule:
                    continue
                ratio = self.attempt(measurer, group, schedule, seconds)
                found[schedule] = ratio
                self.tell(f"{group.name}: {len(found)} schedules, best {self.best(found):.2f}x")

        measure(shortlist(group, FIRST))
        while found and time.monotonic() < end:
            best = min(found, key=lambda text: found[text])
            before = len(found)
            measure([n for n in neighbours(group, best) if n not in found][:FIRST])
            if len(found) == before or found[min(found, key=lambda t: found[t])] == found[best]:
                break
        if not measurer.is_running:
            self.open(measurer, group)
        return self.decide(measurer, group, found, reference)

    @staticmethod
    def best(found: dict[str, float]) -> float:
        lowest = min(found.values())
        return 1 / lowest if 0 < lowest < float("inf") else 1.0

    def attempt(self, measurer: Measurer, group: Group, schedule: str, seconds: float) -> float:
        """Time to the model's; infinity for a schedule that is no good."""
        try:
            if not measurer.is_running:
                self.open(measurer, group)
            facts = measurer.ask({"op": "try", "schedule": schedule, "seconds": seconds}, PATIENCE)
        except MeasuringError as error:
            self.tuning.rejected.append(f"{group.name}: {schedule}: {error}")
            return float("inf")
        if facts["error"] > 1:
            text = f"differs from the naive result by {facts['error']:.3g} of what is allowed"
            self.tuning.rejected.append(f"{group.name}: {schedule}: {text}")
            return float("inf")
        return facts["ratio"]

    def decide(
        self, measurer: Measurer, group: Group, found: dict[str, float], reference: float
    ) -> Record:
        """The last round: the best few and the model's, in turns."""
        finalists = [text for text in sorted(found, key=lambda t: found[t]) if found[text] < 1.0]
        finalists = finalists[:FINALISTS]
        schedule, nanoseconds, gain = group.schedule, reference, 1.0
        if finalists:
            seconds = min(1.0, max(0.1, 60 * reference / 1e9 * (1 + len(finalists))))
            request = {"op": "duel", "schedules": finalists, "seconds": seconds}
            facts = measurer.ask(request, PATIENCE + 3 * seconds)
            rounds = [
                each for each, calm in zip(facts["times"], facts["calm"], strict=True) if calm
            ]
            if len(rounds) < CALM:
                raise MeasuringError(
                    f"the machine is too busy: only {len(rounds)} of {len(facts['times'])} rounds "
                    "were left alone"
                )
            reference = statistics.median(times[0] for times in rounds)
            nanoseconds = reference
            for k, text in enumerate(finalists, 1):
                faster, share = compare([(times[0], times[k]) for times in rounds])
                if faster >= WIN and share >= MAJORITY and faster > gain:
                    schedule, gain = text, faster
                    nanoseconds = statistics.median(times[k] for times in rounds)
        machine = self.machine
        return Record(
            group.structure,
            group.shapes,
            group.types,
            machine.target,
            machine.microarchitecture,
            machine.threads,
            machine.version,
            group.strategy,
            group.names[0],
            schedule,
            group.schedule,
            float(nanoseconds),
            float(reference),
            float(gain),
            len(found) + 1,
        )


__all__ = ["GroupResult", "Tuning", "tune"]
