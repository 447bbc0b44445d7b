"""Every real model on every target: natively, as plain loops, and on emulated processors.

    python test/targets/model_table.py [MODEL ...] [--limit SECONDS] [--update]

Each model is compiled once for this machine and all emulated ones, the smallest of its sets of
inputs is run on each and compared with ONNX Runtime (optimisations off). `--update` writes the
table of docs/models-on-targets.md. The exit code is 1 if any result disagrees.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
for _folder in ("build/python", "scripts", "examples/ocr", "examples/speech", "test/models"):
    sys.path.insert(0, str(ROOT / _folder))

import longtail as lt  # noqa: E402
import model_zoo  # noqa: E402
from longtail import emulation  # noqa: E402
from model_agreement import differences, inputs_of, reference  # noqa: E402

PAGE = ROOT / "docs" / "models-on-targets.md"
RESULTS = ROOT / "build" / "models-on-targets.json"
TARGETS = "host," + ",".join(dict.fromkeys(m.variant for m in emulation.MACHINES.values()))
NATIVE, NAIVE = "native", "naive"
COLUMNS = (NATIVE, NAIVE, *emulation.MACHINES)


@dataclass(frozen=True)
class Cell:
    """A model on a machine. `state` is agrees, differs, error or slow (over the limit)."""

    model: str
    machine: str
    state: str
    detail: str  # the greatest error as a part of what is allowed, or the message
    seconds: float  # of the run; with emulation, of the whole process


def smallest(name: str) -> int:
    """The number of the inputs with the fewest elements."""
    return int(np.argmin([sum(a.size for a in each.values()) for each in inputs_of(name)]))


def measure(name: str, machine: str, model, number: int, limit: float) -> Cell:
    """Run `model`, compiled from the zoo's `name`, and compare."""
    inputs, expected = inputs_of(name)[number], reference(name)[number]
    started = time.perf_counter()
    try:
        if machine in emulation.MACHINES:
            model = emulation.EmulatedModel(model, machine, timeout=limit)
        outputs = model(**inputs)
    except lt.Error as error:
        state = "slow" if "no answer after" in str(error) else "error"
        return Cell(name, machine, state, str(error), time.perf_counter() - started)
    seconds = time.perf_counter() - started
    actual = list(outputs) if isinstance(outputs, lt.Outputs) else [outputs]
    found = differences(name, actual, expected, [each.name for each in model.outputs])
    wrong = [str(each) for each in found if not each.passed]
    worst = max((each.ratio for each in found), default=0.0)
    return Cell(
        name, machine, "differs" if wrong else "agrees", "; ".join(wrong) or f"{worst:.2f}", seconds
    )


def row(name: str, limit: float) -> list[Cell]:
    """A model on all machines."""
    number, path = smallest(name), model_zoo.path(name)
    try:
        every, naive = lt.compile(path, target=TARGETS), lt.compile(path, naive=True)
    except lt.Error as error:
        return [Cell(name, machine, "error", str(error), 0.0) for machine in COLUMNS]
    return [
        measure(name, machine, naive if machine == NAIVE else every, number, limit)
        for machine in COLUMNS
    ]


def markdown(rows: dict[str, list[Cell]]) -> str:
    """The page: one line for each model, then what did not agree."""
    lines = ["| model | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    notes = []
    for name, cells in rows.items():
        texts = []
        for cell in cells:
            emulated = cell.machine in emulation.MACHINES and cell.state == "agrees"
            texts.append(cell.detail + (f", {cell.seconds:.0f} s" if emulated else ""))
            if cell.state != "agrees":
                texts[-1] = f"**{cell.state}**"
                notes.append(f"- {name} on {cell.machine}: {cell.detail}")
        lines.append(f"| {name} | " + " | ".join(texts) + " |")
    return "\n".join(lines + (["", *notes] if notes else [])) + "\n"


def update(rows: dict[str, list[Cell]]) -> None:
    """Write the table between the page's marks."""
    text = PAGE.read_text()
    before, rest = text.split("<!-- table -->\n", 1)
    _, after = rest.split("<!-- end of table -->", 1)
    PAGE.write_text(f"{before}<!-- table -->\n{markdown(rows)}<!-- end of table -->{after}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of a run (60)")
    parser.add_argument("--update", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    arguments = parser.parse_args()
    known = {}
    if RESULTS.exists():
        known = {
            n: [Cell(**c) for c in cells] for n, cells in json.loads(RESULTS.read_text()).items()
        }
    measured = {}
    for name in arguments.models or model_zoo.NAMES:
        measured[name] = row(name, arguments.limit)
        for cell in measured[name]:
            print(
                f"{name:28} {cell.machine:24} {cell.state:8} {cell.seconds:6.1f} s  {cell.detail}",
                flush=True,
            )
        known[name] = measured[name]
        RESULTS.write_text(
            json.dumps({n: [asdict(c) for c in v] for n, v in known.items()}, indent=1)
        )
    if arguments.update:
        update({name: known[name] for name in model_zoo.NAMES if name in known})
    return any(c.state in ("differs", "error") for cells in measured.values() for c in cells)


if __name__ == "__main__":
    sys.exit(main())
