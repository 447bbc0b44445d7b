"""The page of the backend tests: how many pass, and why each of the others fails."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

PAGE = Path(__file__).resolve().parents[2] / "docs" / "backend-tests.md"
LONGEST = 200  # characters of a reason


class Result(Protocol):
    """What became of a test; see run.Result."""

    name: str
    operator: str
    outcome: str
    message: str


def reason(result: Result) -> str:
    """The first line of a message, short enough for a table."""
    text = result.message if result.outcome == "failed" else f"{result.outcome}: {result.message}"
    # The node, its operator and its types stand in the test's own name.
    found = re.search(r"cannot compile operator .*?\): (.*)", text)
    text = found.group(1) if found else text
    text = text.replace(" | ", "; ").replace("|", "/").replace("\n", " ")
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def render(results: Sequence[Result], version: str) -> str:
    """The page in Markdown."""
    passed = sum(each.outcome == "passed" for each in results)
    total = Counter(each.operator for each in results)
    failing = [each for each in results if each.outcome != "passed"]
    lines = [
        "# The ONNX backend tests",
        "",
        f"{passed} of the {len(results):,} backend tests of `onnx` {version} pass, with its own",
        "data, comparisons and tolerances; a skipped test does not. `make conformance ARGS=--page`",
        "runs them and writes this page. All tests of the other operators pass.",
        "",
        "| operator | passed | of |",
        "|---|---|---|",
    ]
    for operator, count in sorted(Counter(each.operator for each in failing).items()):
        lines.append(f"| {operator} | {total[operator] - count} | {total[operator]} |")
    lines += ["", "| failing test | why |", "|---|---|"]
    lines += [f"| {each.name} | {reason(each)} |" for each in failing]
    return "\n".join(lines) + "\n"


def passed_on(page: str) -> int:
    """The number of tests that a page says pass."""
    return int(re.search(r"^(\d+) of the", page, re.M).group(1))
