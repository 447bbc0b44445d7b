"""Writes the tables of docs/performance.md from the latest runs on this kind of machine.

    python bench/page.py

Each table stands between `<!-- NAME -->` and `<!-- end -->`: models, operators, language, product.
A case's row is that of the latest run that has it with the same number of threads; a table without
any run stays as it is.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
from pathlib import Path

from slower import HISTORY, kind
from timing import best_peers

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
OURS = "Longtail"


def latest(records: list[dict]) -> dict[str, dict[tuple[str, int], dict]]:
    """For each suite the latest row of each case with each number of threads."""
    suites: dict[str, dict[tuple[str, int], dict]] = {}
    for record in records:
        if "suite" not in record:  # made before suites had names
            continue
        rows = suites.setdefault(record["suite"], {})
        for row in record["models"]:
            rows.pop((row["case"], row["threads"]), None)  # the order is that of the last run
            rows[row["case"], row["threads"]] = row
    return suites


def mean_of_best(rows: list[dict]) -> str:
    """How Longtail compares with the best peer of each case."""
    best = best_peers(rows)
    if not best:
        return "no case has a peer"
    least = min(best, key=best.__getitem__)
    below = sum(value < 1 for value in best.values())
    mean = statistics.geometric_mean(best.values())
    return (
        f"{len(best)} cases, geometric mean {mean:.2f} times as fast as the best peer of each, "
        f"least {best[least]:.2f} ({least}), {below} below 1"
    )


def table(rows: dict[tuple[str, int], dict]) -> list[str]:
    """A line for each case: milliseconds and ratios, with one thread and with two."""
    counts = sorted({threads for _, threads in rows})
    found = {(name, row["threads"]) for row in rows.values() for name in row["ratios"]}
    peers = {count: sorted(name for name, threads in found if threads == count) for count in counts}
    shares = any("limit_ms" in row for row in rows.values())
    lines = [
        f"{count} thread{'s'[: count > 1]}: "
        + mean_of_best([row for (_, threads), row in rows.items() if threads == count])
        + "."
        for count in counts
    ]
    head = ["case"]
    for count in counts:
        head += [f"{count}T ms", *(f"{name} {count}T" for name in peers[count])]
        head += [f"of the limit {count}T"] if shares else []
    lines = ["  \n".join(lines), "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for case in dict.fromkeys(name for name, _ in rows):
        cells = [case]
        for count in counts:
            row = rows.get((case, count), {"milliseconds": {}, "ratios": {}})
            ours = row["milliseconds"].get(OURS)
            cells.append("-" if ours is None else f"{ours:.3g}")
            for name in peers[count]:
                ratio = row["ratios"].get(name)
                cells.append("-" if ratio is None else f"{ratio['median']:.2f}")
            if shares:
                limit = row.get("limit_ms")
                cells.append(f"{limit / ours:.0%}" if limit and ours else "-")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def product_table(record: dict) -> list[str]:
    """Compiling, artifacts and memory."""
    lines = [
        "| model | compile s | peak MiB | artifact MB | open µs | resident MiB, of at most |",
        "|---|---|---|---|---|---|",
    ]
    memory = {row["case"]: row for row in record.get("memory", []) if row["threads"] == 1}
    for name, each in record["product"].items():
        used = memory.get(name, {})
        resident = f"{used['growth']:.1f}, {used['limit']:.1f}" if "growth" in used else "-"
        if "error" in each:
            lines.append(f"| {name} | {each['error']} | | | | {resident} |")
            continue
        lines.append(
            f"| {name} | {each['compile_seconds']:.1f} | {each['peak_mib']:.0f} "
            f"| {each['artifact_mb']:.1f} | {each['open_us']:.0f} | {resident} |"
        )
    fixed = ", ".join(f"{name} {us:.1f} µs" for name, us in record["fixed_cost_us"].items())
    lines += ["", f"Runtime library: {record['runtime_kib']:.0f} KiB. A run without work: {fixed}."]
    return lines


def main() -> int:
    records = [json.loads(line) for line in HISTORY.read_text().splitlines()]
    records = [each for each in records if kind(each) == kind(records[-1])]
    tables = {name: table(rows) for name, rows in latest(records).items()}
    products = [each for each in records if "product" in each]
    if products:
        tables["product"] = product_table(products[-1])
    text = PAGE.read_text()
    for name, lines in tables.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not block.search(text):
            print(f"page: docs/performance.md has no place for '{name}'", file=sys.stderr)
            return 1
        made = "\n".join(lines)
        text = block.sub(lambda found, made=made: f"{found[1]}\n{made}\n\n{found[2]}", text)
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
