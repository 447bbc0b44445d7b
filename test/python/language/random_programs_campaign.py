"""Random operators in all modes: python, ir (after the first and the last phase), checked, native.

random_programs_campaign.py COUNT FIRST-SEED
"""

from __future__ import annotations

import argparse
import collections
import json
import subprocess
import sys
import tempfile
from pathlib import Path

CHUNK = 20  # programs of one process: one that crashes loses no others


def _work(first: int, count: int) -> None:
    """Runs programs; one line of JSON for each."""
    from random_programs import generate
    from random_runs import check, smaller

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(first, first + count):
            program = generate(seed)
            outcome = check(program, folder)
            text = outcome.text
            if outcome.kind in ("differs", "refused"):
                small = smaller(program, outcome, folder)
                text = f"{check(small, folder).text}\n{small.source()}"
            facts = {"seed": seed, "kind": outcome.kind, "compared": outcome.compared, "text": text}
            print(json.dumps(facts), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", nargs=2, type=int, help=argparse.SUPPRESS)
    parser.add_argument("count", nargs="?", type=int, default=500)
    parser.add_argument("first", nargs="?", type=int, default=0)
    options = parser.parse_args()
    if options.work:
        _work(*options.work)
        return 0
    kinds: collections.Counter[str] = collections.Counter()
    seed, end, compared = options.first, options.first + options.count, 0
    while seed < end:
        command = [sys.executable, __file__, "--work", str(seed), str(min(CHUNK, end - seed))]
        done = subprocess.run(command, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            facts = json.loads(line)
            kinds[facts["kind"]] += 1
            compared += facts["compared"]
            seed = facts["seed"] + 1
            if facts["kind"] in ("differs", "refused"):
                print(f"---- seed {facts['seed']} {facts['kind']}: {facts['text']}", flush=True)
        if done.returncode != 0:
            print(
                f"---- seed {seed} crashes ({done.returncode}): {done.stderr[-2000:]}", flush=True
            )
            kinds["crashes"] += 1
            seed += 1
    print(f"{compared} comparisons; " + ", ".join(f"{n} {kind}" for kind, n in kinds.items()))
    return 1 if kinds["differs"] + kinds["refused"] + kinds["crashes"] else 0


if __name__ == "__main__":
    sys.exit(main())
