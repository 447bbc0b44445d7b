"""Compiling the networks of a demo ahead of time, with a line of progress for each."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "build" / "python")]

import longtail as lt  # noqa: E402
import model_zoo  # noqa: E402

OUTPUT = ROOT / "build" / "demo"


class Artifact(NamedTuple):
    """A compiled network, and how long its compilation took."""

    path: Path
    seconds: float


def compile_networks(
    sources: dict[str, str], folder: Path, target: str, console: Console
) -> dict[str, Artifact]:
    """Compiles models of the zoo to NAME.lt in `folder`; `sources`: which model each name is."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = (
        TextColumn("{task.fields[network]:<10}"),
        BarColumn(),
        TextColumn("{task.fields[phase]:<10}"),
        TimeElapsedColumn(),
    )
    artifacts = {}
    with Progress(*columns, console=console) as display:
        for name, source in sources.items():
            task = display.add_task("", total=None, network=name, phase="fetch")

            def show(phase: str, index: int, total: int, task=task) -> None:
                display.update(task, phase=phase, completed=index, total=total)

            model_file = model_zoo.path(source)
            begin = time.perf_counter()
            artifact = folder / f"{name}.lt"
            lt.compile(model_file, target=target, progress=show).save(artifact)
            seconds = time.perf_counter() - begin
            display.update(task, phase="done", completed=1, total=1)
            display.stop_task(task)
            artifacts[name] = Artifact(artifact, seconds)
    return artifacts
