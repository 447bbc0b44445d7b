"""Which schedules of a group are measured: the best of each register tile first, then neighbours of
the best one found."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

# Of schedules that share these fields the inner loops are alike, and so are mostly their times.
_TILE = ("lanes", "rows", "vectors")
# Estimates of this many times the lowest one are not worth measuring.
_HOPELESS = 2.0
_FIELD = re.compile(r"(\w+) = (-?\d+)")


@dataclass(frozen=True)
class Group:
    """A kind of group of a model, as the compiler describes it.

    `count` is how often the model has it, `cycles` the estimate for the model's own `schedule`,
    `candidates` the whole space as (schedule, estimate), lowest first. `text` is the group alone as
    a module whose inputs are `inputs` (element type, sizes, whether it is a constant in the model)
    and one tensor of bytes of each of these sizes `symbols`.
    """

    structure: str
    shapes: str
    types: str
    strategy: str
    names: tuple[str, ...]
    count: int
    schedule: str
    cycles: float
    candidates: tuple[tuple[str, float], ...]
    text: str
    inputs: tuple[dict[str, Any], ...]
    symbols: tuple[int, ...]
    flops: float
    elements: float

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Group:
        """From an entry of the compiler's report."""
        return cls(
            facts["group"],
            facts["shapes"],
            facts["types"],
            facts["class"],
            tuple(facts["names"]),
            int(facts["count"]),
            facts["schedule"],
            float(facts["cycles"]),
            tuple((text, float(cycles)) for text, cycles in facts["candidates"]),
            facts["text"],
            tuple(facts["inputs"]),
            tuple(int(value) for value in facts["symbols"]),
            float(facts["flops"]),
            float(facts["elements"]),
        )

    @property
    def key(self) -> str:
        """What the compiler looks for in its records."""
        return f"{self.structure}|{self.shapes}"

    @property
    def name(self) -> str:
        """One of its names, and how many others there are."""
        return self.names[0] + (f" and {self.count - 1} more" if self.count > 1 else "")


def fields_of(schedule: str) -> dict[str, int]:
    """The fields of a schedule by name."""
    return {name: int(value) for name, value in _FIELD.findall(schedule)}


def shortlist(group: Group, count: int) -> list[str]:
    """The first schedules to try, without the model's own: every register tile's best, by its
    estimate, then every tile's second, and so on."""
    rank: dict[tuple[int, ...], int] = defaultdict(int)
    order = []
    lowest = min((cycles for _, cycles in group.candidates), default=0.0)
    for position, (text, cycles) in enumerate(group.candidates):
        if cycles > _HOPELESS * lowest:
            break
        fields = fields_of(text)
        tile = tuple(fields.get(name, 0) for name in _TILE)
        rank[tile] += 1
        # A tile's next schedule comes when the best ones of tiles that are a little worse had
        # their turn.
        if text != group.schedule:
            order.append((cycles * (1 + 0.05 * (rank[tile] - 1)), position, text))
    return [text for _, _, text in sorted(order)[:count]]


def neighbours(group: Group, best: str) -> list[str]:
    """Schedules that differ from `best` in one field, by their estimates."""
    reference = fields_of(best)
    found = []
    for text, _ in group.candidates:
        fields = fields_of(text)
        if sum(fields.get(name) != value for name, value in reference.items()) == 1:
            found.append(text)
    return found
