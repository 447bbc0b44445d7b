"""Runs fuzz targets: campaign.py [--sample] TARGET|all SECONDS

Inputs that reach something new stay in build/fuzz/TARGET, those that break something in
build/fuzz/TARGET.found. A campaign adds what it did to ledger.json beside this file; with --sample,
which tests use, nothing is recorded.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from seeds import SEEDS, write_seeds

ROOT = Path(__file__).resolve().parents[2]
LEDGER = Path(__file__).resolve().with_name("ledger.json")
LONGEST = {"container": 4096, "plan": 256, "api": 256, "onnx": 16384}
INTERRUPTED = 72  # how libFuzzer ends when it is told to; nothing was found
SHARE = {"container": 1, "plan": 1, "api": 1, "onnx": 3}  # of the seconds, for all


def build() -> None:
    """Builds the targets beside the rest."""
    subprocess.run(
        ["cmake", "-B", ROOT / "build", "-DLONGTAIL_FUZZ=ON", ROOT], check=True, capture_output=True
    )
    subprocess.run(["ninja", "-C", ROOT / "build", "--quiet", "longtail_fuzz"], check=True)


def run(target: str, seconds: int) -> tuple[int, int, int]:
    """Runs one target; how often it was executed, for how many seconds, and its exit code."""
    corpus = ROOT / "build" / "fuzz" / target
    found = corpus.with_name(target + ".found")
    found.mkdir(parents=True, exist_ok=True)
    write_seeds(target, corpus)
    command = [
        ROOT / "build" / "test" / "fuzz" / f"longtail_fuzz_{target}",
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST[target]}",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        f"-artifact_prefix={found}/",
        corpus,
    ]
    log = corpus.with_name(target + ".log")
    begin = time.monotonic()
    with log.open("w") as stream:
        code = subprocess.run(command, stdout=stream, stderr=stream).returncode
    code = 0 if code == INTERRUPTED else code
    text = log.read_text(errors="replace")
    executed = re.findall(r"^stat::number_of_executed_units: (\d+)", text, re.M)
    covered = re.findall(r"cov: (\d+)", text)
    count = int(executed[-1]) if executed else 0
    print(f"{target}: {count} executions, {covered[-1] if covered else 0} edges, code {code}")
    if code != 0:
        print(text[-4000:], file=sys.stderr)
    return count, round(time.monotonic() - begin), code


def compiler_version() -> str:
    """What compiled the targets."""
    cache = (ROOT / "build" / "CMakeCache.txt").read_text()
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.M)
    command = [compiler.group(1) if compiler else "clang++", "--version"]
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]


def record(target: str, seconds: int, count: int, code: int) -> None:
    """Adds a campaign to the ledger."""
    ledger = json.loads(LEDGER.read_text()) if LEDGER.exists() else {"targets": {}, "campaigns": []}
    commit = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True
    )
    ledger["targets"][target] = ledger["targets"].get(target, 0) + count
    ledger["campaigns"].append(
        {
            "target": target,
            "date": datetime.date.today().isoformat(),
            "commit": commit.stdout.strip(),
            "compiler": compiler_version(),
            "seconds": seconds,
            "executions": count,
            "code": code,
        }
    )
    LEDGER.write_text(json.dumps(ledger, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", action="store_true", help="do not record it")
    parser.add_argument("target", choices=[*SEEDS, "all"])
    parser.add_argument("seconds", type=int)
    options = parser.parse_args()
    build()
    targets = list(SEEDS) if options.target == "all" else [options.target]
    total = sum(SHARE[target] for target in targets)
    good = True
    for target in targets:
        seconds = max(1, options.seconds * SHARE[target] // total)
        count, spent, code = run(target, seconds)
        good &= code == 0
        if not options.sample:
            record(target, spent, count, code)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
