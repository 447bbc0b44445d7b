"""`op.explain`: what machine code reads and writes, by which instructions, and why it is slow."""

from __future__ import annotations

import html
import linecache
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    from .operators import Operator

_HEADINGS = ("line", "what", "array", "class", "instructions", "guards", "bytes")


@dataclass(frozen=True)
class Access:
    """One place where a loop nest reads or writes memory.

    kind          read, write, or read back (of what the same point has written)
    access_class  uniform, contiguous, reversed, strided, runs, row gather, element gather, row
                  scatter, element scatter; scalar where there are no vectors
    guards        conditions that are tested for each element or vector
    bytes         that are touched at least, for the sizes that were asked for
    note          why it is slow, or ""
    """

    array: str
    kind: str
    access_class: str
    instructions: str
    guards: int
    points: int
    bytes: int
    note: str
    file: str = ""
    line: int = 0
    column: int = 0

    @property
    def source(self) -> str:
        """The Python line."""
        return linecache.getline(self.file, self.line).strip() if self.line else ""

    def cells(self) -> tuple[str, ...]:
        place = f"{Path(self.file).name}:{self.line}" if self.line else ""
        guards = str(self.guards or "")
        kind = self.access_class
        return place, self.kind, self.array, kind, self.instructions, guards, _bytes(self.bytes)


@dataclass(frozen=True)
class Group:
    """One loop nest: class of lowering, lanes of a vector, operations, bytes, what limits it."""

    group_class: str
    lanes: int
    operations: float
    bytes: float
    note: str
    accesses: tuple[Access, ...]

    @property
    def title(self) -> str:
        parts = [self.group_class, f"{self.lanes} lanes" if self.lanes > 1 else "no vectors"]
        parts += [f"{_count(self.operations)} operations", f"at least {_bytes(self.bytes)}"]
        return ", ".join(parts)

    def notes(self) -> list[str]:
        """What makes it slow, each reason once."""
        found = [self.note] if self.note else []
        for each in self.accesses:
            if each.note:
                place = f"line {each.line}, " if each.line else ""
                found.append(f"{place}{each.array}: {each.note}")
        return list(dict.fromkeys(found))


class Explanation:
    """The loop nests of an operator in the order of execution; prints as tables."""

    def __init__(self, title: str, groups: Sequence[Group]) -> None:
        self.title, self.groups = title, tuple(groups)

    def __str__(self) -> str:
        lines = [self.title]
        for number, group in enumerate(self.groups, 1):
            lines += ["", f"loop nest {number}: {group.title}"]
            rows = [_HEADINGS, *(each.cells() for each in group.accesses)]
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            for row in rows:
                cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
                lines.append("  " + "  ".join(cells).rstrip())
            lines += [f"  ! {note}" for note in group.notes()]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        parts = [f"<h4>{html.escape(self.title)}</h4>"]
        for number, group in enumerate(self.groups, 1):
            parts.append(f"<p><b>loop nest {number}</b>: {html.escape(group.title)}</p><table>")
            parts.append(_html_row("th", _HEADINGS))
            for each in group.accesses:
                parts.append(_html_row("td", each.cells(), each.source))
            parts.append("</table>")
            if group.notes():
                items = "".join(f"<li>{html.escape(note)}</li>" for note in group.notes())
                parts.append(f"<ul>{items}</ul>")
        return "".join(parts)


def _html_row(tag: str, cells: Sequence[str], title: str = "") -> str:
    inner = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f'<tr title="{html.escape(title, quote=True)}">{inner}</tr>'


def _count(value: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}".rstrip()
    return f"{value:.3g}"


def _bytes(value: float) -> str:
    text = _count(value)
    return f"{text}B" if " " in text else f"{text} B"


def explain(operator: Operator, arguments: Sequence[Any], named: Mapping[str, Any]) -> Explanation:
    """See `Operator.explain`."""
    from .. import model

    instance, given = operator._split(arguments, named, missing=True)
    shapes = [_shape(value, name) for value, (name, _) in zip(given, instance.inputs, strict=True)]
    report = model.compile(
        instance.text.encode(),
        threads=operator.threads,
        **{"from": "expand", "to": "schedule", "explain": shapes},
    ).report()
    title = f"{operator.name}(" + ", ".join(
        name + ("" if not shape else f": {_shown(shape)}")
        for shape, (name, _) in zip(shapes, instance.inputs, strict=True)
    )
    return Explanation(title + ")", [_group(facts) for facts in report["accesses"]])


def _shown(shape: Sequence[int]) -> str:
    return "(" + ", ".join("?" if size < 0 else str(size) for size in shape) + ")"


def _shape(value: Any, name: str) -> list[int]:
    """The sizes of an array, or those that are given; empty where any are as good."""
    if value is None or isinstance(value, bool | int | float):
        return []
    shape = getattr(value, "shape", value)
    if not isinstance(shape, tuple | list) or not all(isinstance(s, int) for s in shape):
        raise InputError(f"argument '{name}' is {value!r}, expected an array or its shape")
    return list(shape)


def _name(tensor: str) -> str:
    """`value of folder/file.py:7` without the folder."""
    start, found, place = tensor.partition("value of ")
    return start + found + Path(place).name if found else tensor


def _group(facts: Mapping[str, Any]) -> Group:
    accesses = [
        Access(
            _name(each["tensor"]),
            each["kind"],
            each["class"],
            each["instructions"],
            each["guards"],
            each["points"],
            each["bytes"],
            each["note"],
            each.get("file", ""),
            each.get("line", 0),
            each.get("column", 0),
        )
        for each in facts["accesses"]
    ]
    # A loop nest that reads the same element of a line in several operations does so once.
    accesses = list(dict.fromkeys(accesses))
    return Group(
        facts["class"],
        facts.get("lanes", 1),
        facts["operations"],
        facts["bytes"],
        facts["note"],
        tuple(accesses),
    )
