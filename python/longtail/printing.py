"""What the command line prints: tables, facts, progress."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

# Tables with a row for each group, whose names are long.
ONE_LINE = {"Time by group", "Steps"}


# Headings of columns of numbers.
NUMERIC = {
    "times",
    "threads",
    "model us",
    "tuned us",
    "gain",
    "ms",
    "share",
    "MFLOP",
    "MB",
    "GFLOP/s",
    "GB/s",
    "largest difference",
    "of allowed",
}


def records_table(title: str, groups: list[Any]) -> Table:
    table = table_of(title, "group", "class", "times", "model us", "tuned us", "gain", "schedule")
    for each in groups:
        record = each.record
        table.add_row(
            each.name,
            each.strategy,
            str(each.count),
            f"{record.model_nanoseconds / 1e3:.1f}",
            f"{record.nanoseconds / 1e3:.1f}",
            f"{record.gain:.2f}",
            short_schedule(record.schedule) if record.gain > 1 else "the model's",
        )
    return table


def short_schedule(text: str) -> str:
    """Without the fields that say nothing."""
    fields = re.findall(r"(\w+) = (\d+)", text)
    return " ".join(f"{name} {value}" for name, value in fields if value not in ("0", "1"))


@contextlib.contextmanager
def tuning_display(quiet: bool) -> Iterator[Callable[[int, int, float, str], None] | None]:
    """A progress bar on standard error where a person looks at it, else a line for each group."""
    if quiet:
        yield None
        return
    if not sys.stderr.isatty():
        last = [-1]

        def tell(done: int, total: int, left: float, text: str) -> None:
            if done != last[0]:
                last[0] = done
                print(f"{done}/{total}, {left:.0f} s left: {text}", file=sys.stderr)

        yield tell
        return
    columns = (BarColumn(), TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn())
    text = TextColumn("{task.description}")
    with Progress(*columns, text, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("compiling", total=None)

        def show(done: int, total: int, left: float, what: str) -> None:
            display.update(
                task, description=f"{left:.0f} s left  {what}", completed=done, total=total
            )

        yield show


@contextlib.contextmanager
def phase_display(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """A progress bar on standard error, where a person looks at it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description:<10}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("compile", total=None)

        def show(phase: str, index: int, total: int) -> None:
            display.update(task, description=phase, completed=index, total=total)

        yield show


def shortened(texts: dict[str, str]) -> dict[str, str]:
    return {key: text if len(text) <= 80 else text[:77] + "..." for key, text in texts.items()}


def range_of(array: np.ndarray) -> str:
    if array.size == 0 or array.dtype.kind not in "fiu":
        return ""
    return f"  from {array.min():.6g} to {array.max():.6g}"


def console_of_output() -> Console:
    """A file has no edge to wrap at."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def table_of(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for k, heading in enumerate(headings):
        numeric = heading in NUMERIC
        table.add_column(
            heading,
            justify="right" if numeric else "left",
            no_wrap=numeric or title in ONE_LINE,
            overflow="ellipsis" if title in ONE_LINE else "fold" if k else None,
        )
    return table


def times_table(title: str, steps: list[dict[str, Any]]) -> Table:
    """Steps as StepTime.facts() describes them."""
    columns = ("ms", "share", "MFLOP", "MB", "GFLOP/s", "GB/s")
    table = table_of(title, "name", "strategy", *columns)

    def number(value: float | None, scale: float, digits: int) -> str:
        return "-" if value is None else f"{value / scale:.{digits}f}"

    for step in steps:
        table.add_row(
            # Of a node's path the last part, which tells the nodes of a group apart.
            re.sub(r"node '(?:[^']*/)?([^'/]*)' ", r"\1 ", step["name"]),
            step["strategy"],
            number(step["nanoseconds"], 1e6, 4),
            number(step["share"], 1e-2, 1) + " %",
            number(step["flops"], 1e6, 2),
            number(step["bytes"], 1e6, 2),
            number(step["gflops"], 1, 1),
            number(step["gbs"], 1, 1),
        )
    return table


def print_fact(key: str, value: Any) -> None:
    if isinstance(value, dict):
        print(f"{key}:")
        for name, each in value.items():
            print(f"  {name}: {each}")
    elif isinstance(value, list | tuple):
        print(f"{key}: {len(value)}")
        for each in value:
            print(f"  {each}")
    else:
        print(f"{key}: {value}")


def print_json(value: Any) -> None:
    json.dump(value, sys.stdout, indent=2, default=str)
    print()
