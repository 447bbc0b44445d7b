"""Writes the first inputs of a fuzz target: seeds.py TARGET FOLDER. No seed is kept in git."""

from __future__ import annotations

import random
import sys
from pathlib import Path

LARGEST = 16384  # bytes: larger inputs slow the target down


def onnx_seeds() -> list[bytes]:
    """The models of ONNX's node tests."""
    import onnx

    folder = Path(onnx.__file__).parent / "backend" / "test" / "data"
    models = sorted(folder.glob("*/*/model.onnx"))
    return [path.read_bytes() for path in models if path.stat().st_size <= LARGEST]


def api_seeds() -> list[bytes]:
    """Open, create, bind, run, ask, destroy, release; and the same in random orders."""
    sequences = []
    for how in range(0, 256, 8):
        calls = [(0, how), (4, how), (7, how), (7, how + 1), (10, how), (12, 2), (6, how), (3, how)]
        sequences.append(bytes([0]) + bytes(b % 256 for call in calls for b in call))
    source = random.Random(1)
    sequences += [bytes([source.randrange(256) for _ in range(101)]) for _ in range(100)]
    return sequences


def plan_seeds() -> list[bytes]:
    """Single edits of words: which artifact, then position, width and value."""
    source = random.Random(1)
    edits = []
    for _ in range(300):
        value = source.choice((0, 1, 2, 7, 2**31 - 1, 2**32 - 1, 2**63, 2**64 - 1))
        position = source.randrange(1500).to_bytes(2, "little")
        edits.append(bytes([source.randrange(3)]) + position + b"\1" + value.to_bytes(8, "little"))
    # A binding that fails leaves the one before, so the run succeeds.
    edits.append(
        bytes.fromhex(
            "0072000104660c000700000200000100010000000000000000000000000000000000f8"
        ).ljust(95, b"\0")
    )
    return edits


# An empty input of the container's target becomes an intact artifact.
SEEDS = {
    "onnx": onnx_seeds,
    "api": api_seeds,
    "plan": plan_seeds,
    "container": lambda: [b"\0", b"\1", b"\2"],
}


def write_seeds(target: str, folder: Path) -> int:
    """Writes the seeds that `folder` does not have; returns how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds = SEEDS[target]()
    for number, seed in enumerate(seeds):
        path = folder / f"seed-{number:04}"
        if not path.exists():
            path.write_bytes(seed)
    return len(seeds)


if __name__ == "__main__":
    print(write_seeds(sys.argv[1], Path(sys.argv[2])), "seeds")
