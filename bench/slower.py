"""What got slower since an earlier run of the benchmark on the same kind of machine.

    python bench/slower.py [--worse 0.1]

Times of different runs do not compare on a shared machine, so this compares what does: how many
times as fast as each peer Longtail was. A case is slower if that fell by more than `--worse`
against every peer that both runs have, so that a peer's own bad day is not taken for ours.

Each case of the last run is held against the latest earlier run that has it with the same number
of threads and the same clock. The exit code is 1 if anything got slower, 2 if there is nothing to
compare.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

HISTORY = Path(__file__).resolve().parent.parent / "build" / "bench" / "history.jsonl"


@dataclass(frozen=True)
class Loss:
    """A case whose ratios fell; `kept` is the largest part of a ratio that is left, or 0 for one
    that ran before and fails now."""

    case: str
    threads: int
    kept: float
    since: str


def kind(record: dict) -> tuple:
    """Runs of one kind of machine compare."""
    machine = record["machine"]
    return machine["processor"], machine.get("instructions"), machine["cores"]


def _key(row: dict) -> tuple:
    return row["case"], row["threads"], row.get("clock", "wall")


def losses(records: list[dict], worse: float) -> tuple[list[Loss], int]:
    """What the last record lost against earlier ones, and how many cases were compared."""
    last, compared = records[-1], 0
    found: list[Loss] = []
    earlier: dict[tuple, tuple[dict, str]] = {}
    for record in records[:-1]:
        if kind(record) == kind(last):
            earlier |= {
                _key(row): (row, record["time"]) for row in record["models"] if row["ratios"]
            }
    for row in last["models"]:
        if _key(row) not in earlier:
            continue
        before, since = earlier[_key(row)]
        parts = [
            ratio["median"] / before["ratios"][peer]["median"]
            for peer, ratio in row["ratios"].items()
            if peer in before["ratios"]
        ]
        if not parts and "Longtail" not in row["errors"]:
            continue  # no peer in common
        compared += 1
        kept = 0.0 if "Longtail" in row["errors"] else max(parts)
        if kept < 1 - worse:
            found.append(Loss(row["case"], row["threads"], kept, since))
    return sorted(found, key=lambda loss: loss.kept), compared


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--worse", type=float, default=0.1, metavar="PART", help="what counts (default 0.1)"
    )
    parser.add_argument("--history", type=Path, default=HISTORY, help="default: build/bench")
    options = parser.parse_args()
    if not options.history.exists():
        print(f"slower: no history at {options.history}: run a benchmark first", file=sys.stderr)
        return 2
    records = [json.loads(line) for line in options.history.read_text().splitlines()]
    found, compared = losses(records, options.worse) if records else ([], 0)
    if not compared:
        print("slower: no earlier run on this kind of machine has these cases", file=sys.stderr)
        return 2
    for loss in found:
        what = f"{loss.kept:.2f} of its speed" if loss.kept else "fails now"
        print(f"{loss.case}, threads {loss.threads}: {what} (since {loss.since})")
    print(f"{len(found)} of {compared} cases got slower by more than {options.worse:.0%}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
