"""How fast Longtail is: against other systems, and against what this machine can do.

    python bench/run.py [--all] [--models TEXT] [--threads 1,2] [--rounds 7] [--seconds 0.4]
    python bench/run.py --operators [--models TEXT] [--threads 1,2] [--clock cpu]
    python bench/run.py --language [--models TEXT] [--threads 1,2] [--clock cpu]
    python bench/run.py --memory

`--operators` takes one small model of each operator instead of networks; every result is checked
before it is timed, and the table says which share of the machine's limit Longtail reaches.
`--language` takes the operators of examples/ops, beside what Numba, PyTorch, its compiler and ONNX
Runtime have for them; it needs what `make setup-bench-language` installs. `--all`
takes every model of the zoo instead of the usual few. `--clock cpu` counts the time that the
process had a processor instead of the time that passed: of one thread, on a busy machine.

Prints tables, draws build/bench/models.png or operators.png, and adds a line of JSON to
build/bench/history.jsonl. The exit code is 1 if Longtail could not run a model, or gave another
result than ONNX Runtime; with --memory if a model needs more memory than its weights, its arena
and 2 MiB.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "build" / "bench"
FOLDERS = ("scripts", "build/python", "examples", "examples/ocr", "examples/speech", "test/models")
FOLDERS += ("examples/ops",)
sys.path[:0] = [str(ROOT / folder) for folder in FOLDERS]

import language  # noqa: E402
import model_agreement  # noqa: E402
import product  # noqa: E402
from cases import ALL, HEADLINE, Case  # noqa: E402
from engines import ENGINES, USUAL, Prepared, reference  # noqa: E402
from language.peers import PEERS, keep_pages  # noqa: E402
from language.rows import Row  # noqa: E402
from longtail.verification import difference  # noqa: E402
from operators import OPERATORS, Operator  # noqa: E402
from timing import CLOCKS, best_peers, in_turns, ratio  # noqa: E402

OURS, ORACLE = "Longtail", "ONNX Runtime"
# ONNX Runtime's own optimisations change results a little; this only catches wrong ones.
RTOL, ATOL = 1e-2, 1e-3


# Instruction sets of which a machine has the first found here, as Linux calls them.
INSTRUCTION_SETS = ("avx512_bf16", "avx512_vnni", "avx512f", "avx_vnni", "avx2")


def machine() -> dict[str, str | int]:
    """What the numbers were measured on."""
    processor = platform.processor() or platform.machine()
    instructions = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
        if line.startswith("flags"):
            found = set(line.split())
            instructions = next((each for each in INSTRUCTION_SETS if each in found), instructions)
            break
    return {
        "processor": processor,
        "instructions": instructions,
        "cores": len(os.sched_getaffinity(0)),
        "system": platform.platform(),
    }


def machine_limits(threads: int) -> dict[str, float]:
    """GFLOP/s of multiply-adds and GB/s of each memory level, measured now."""
    program, source = OUTPUT / "limits", Path(__file__).with_name("limits.c")
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        flags = ["-std=c11", "-O3", "-march=native", "-ffp-contract=fast", "-pthread"]
        subprocess.run(["clang-22", *flags, source, "-o", program], check=True)
    done = subprocess.run([program, str(threads)], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def limit_ms(case: Operator, outputs: list[np.ndarray], limits: dict[str, float]) -> float:
    """Milliseconds that no code beats: of the arithmetic, or of moving the bytes once.

    The bytes come from the first level that holds them all; half of it was measured.
    """
    moved = case.bytes_moved(outputs)
    fits = (each for each in ("l1", "l2", "l3") if moved <= 2048 * limits[f"{each}_kib"])
    bandwidth = limits[f"{next(fits, 'dram')}_gbs"]
    return 1e-6 * max(case.flops / limits["gflops"], moved / bandwidth)


def compare(
    found: list[np.ndarray], expected: list[np.ndarray], rtol: float = RTOL, atol: float = ATOL
) -> str:
    """Why two results differ, or nothing."""
    pairs = zip(found, expected, strict=True)
    each_output = [difference(str(k), a, e, rtol, atol) for k, (a, e) in enumerate(pairs)]
    wrong = [each for each in each_output if not each.passed]
    return f"output {wrong[0].name} differs by {wrong[0].absolute:.3g}" if wrong else ""


def judged(case: Case | Operator, found: list[np.ndarray], expected: list[np.ndarray]) -> str:
    """Why a result is wrong, or nothing: some models are compared by their answers."""
    if not isinstance(case, Case) or case.model not in model_agreement.BY_ANSWER:
        return compare(found, expected)
    each = [
        model_agreement.same_answers(str(k), a, e)
        for k, (a, e) in enumerate(zip(found, expected, strict=True))
    ]
    return next((f"output {one.name}: {one.reason}" for one in each if not one.passed), "")


def wrong_results(case: Case | Operator | Row, prepared: dict[str, Prepared]) -> dict[str, str]:
    """The engines that must not be timed, because the time of a wrong result says nothing.

    An operator of the language is right if it agrees with one of the others at least, which are
    right if they agree with it or with each other; a model if it agrees with ONNX Runtime in
    numbers or, where its layers round to 8 bits, in answers.
    """
    wrong: dict[str, str] = {}
    results: dict[str, list[np.ndarray]] = {}
    for name, each in prepared.items():
        try:
            results[name] = [np.atleast_1d(array) for array in each.outputs()]
        except Exception as error:
            wrong[name] = " ".join(str(error).split())[:300] or type(error).__name__
    expected = reference(case) if isinstance(case, Operator) else results.get(ORACLE)
    for name, found in results.items():
        if isinstance(case, Row):
            whys = [
                compare(found, other, *case.tolerance) for n, other in results.items() if n != name
            ]
            if whys and all(whys):
                wrong[name] = whys[0]
        elif expected is not None and (why := judged(case, found, expected)):
            wrong[name] = why
    return wrong


def measure(
    case: Case | Operator | Row,
    limits: dict[str, float],
    engines: list[str],
    rounds: int,
    seconds: float,
    clock: str,
) -> dict:
    """Times and ratios of one model with the number of threads that the limits are of."""
    threads = int(limits["threads"])
    prepared: dict[str, Prepared] = {}
    errors: dict[str, str] = {}
    makers = PEERS if isinstance(case, Row) else ENGINES
    for name in engines:
        try:
            made = makers[name](case, threads)
            if made is not None:
                prepared[name] = made
                made.turn(0, clock)
        except Exception as error:
            # Whatever an engine raises is its result; the others are still timed.
            if failed := prepared.pop(name, None):
                failed.close()
            errors[name] = " ".join(str(error).split())[:300] or type(error).__name__
    limit: dict[str, float] = {}
    if isinstance(case, Operator):
        limit = {"limit_ms": limit_ms(case, reference(case), limits)}
    for name, why in wrong_results(case, prepared).items():
        errors[name] = why
        prepared.pop(name).close()
    try:
        turns = {name: each.turn for name, each in prepared.items()}
        times = in_turns(turns, rounds, seconds, clock)
    finally:
        for each in prepared.values():
            each.close()
    ratios = {
        name: asdict(ratio(times[name], times[OURS]))
        for name in times
        if name != OURS and OURS in times
    }
    return {
        "case": case.name,
        "threads": threads,
        "clock": clock,
        "milliseconds": {name: statistics.median(each) for name, each in times.items()},
        "ratios": ratios,
        "errors": errors,
        **limit,
    }


def language_table(rows: list[dict], peers: list[str]) -> Table:
    """Times, and how many times as long the best of the others takes."""
    table = Table(title="Operators of the language: milliseconds per call", title_justify="left")
    table.add_column("operator")
    for heading in ("threads", *peers, "best / ours"):
        table.add_column(heading, justify="right")
    for row in rows:
        times = row["milliseconds"]
        missing = {name: "failed" if name in row["errors"] else "-" for name in peers}
        cells = [f"{times[name]:.3f}" if name in times else missing[name] for name in peers]
        best = min((ratio["median"] for ratio in row["ratios"].values()), default=None)
        style = "red" if OURS in row["errors"] else "yellow" if best and best < 0.9 else None
        cells.append("-" if best is None else f"{best:.2f}")
        table.add_row(row["case"], str(row["threads"]), *cells, style=style)
    return table


def limits_table(limits: list[dict]) -> Table:
    """What the machine can do."""
    table = Table(title="Limits of this machine, measured in this run", title_justify="left")
    for heading in ("threads", "GFLOP/s", "L1 GB/s", "L2 GB/s", "L3 GB/s", "memory GB/s"):
        table.add_column(heading, justify="right")
    for each in limits:
        levels = [f"{each[f'{level}_gbs']:.0f}" for level in ("l1", "l2", "l3", "dram")]
        table.add_row(str(each["threads"]), f"{each['gflops']:.0f}", *levels)
    return table


def models_table(rows: list[dict], engines: list[str]) -> Table:
    """Times, and ratios: the median (least..greatest of the rounds); of many peers only that."""
    table = Table(title="Milliseconds per run, and times as fast as", title_justify="left")
    table.add_column("model")
    table.add_column("threads", justify="right")
    peers = [name for name in engines if name != OURS]
    timed = engines if len(peers) < 3 else [OURS]  # more columns fit no screen
    for name in timed:
        table.add_column(f"{name} ms", justify="right")
    for name in peers:
        table.add_column(f"than {name}", justify="right")
    shares = any("limit_ms" in row for row in rows)
    if shares:
        table.add_column("of the limit", justify="right")
    for row in rows:
        cells = [row["case"], str(row["threads"])]
        for name in timed:
            time = row["milliseconds"].get(name)
            cells.append("failed" if time is None else f"{time:.2f}")
        for name in peers:
            r = row["ratios"].get(name)
            text = "-" if r is None else f"{r['median']:.2f}"
            if r and len(peers) < 3:
                text += f" ({r['least']:.2f}..{r['greatest']:.2f})"
            cells.append(text)
        if shares:
            ours = row["milliseconds"].get(OURS)
            cells.append("-" if ours is None else f"{row['limit_ms'] / ours:.0%}")
        slower = any(r["median"] < 1 for r in row["ratios"].values())
        table.add_row(
            *cells, style="red" if OURS in row["errors"] else "yellow" if slower else None
        )
    return table


def summaries(rows: list[dict]) -> list[str]:
    """For each number of threads: how Longtail compares with the best peer of each case."""
    lines = []
    for threads in sorted({row["threads"] for row in rows}):
        best = best_peers(row for row in rows if row["threads"] == threads)
        if not best:
            continue
        slower = sorted((value, name) for name, value in best.items() if value < 1)
        lines.append(
            f"{threads} thread{'s'[: threads > 1]}: {statistics.geometric_mean(best.values()):.2f} "
            f"times as fast as the best peer of each of {len(best)} cases (geometric mean)"
            + "".join(f"; {name} {value:.2f}" for value, name in slower)
        )
    return lines


def product_table(costs: dict[str, dict]) -> Table:
    """Compiling and artifacts."""
    table = Table(title="Compiling", title_justify="left")
    headings = ("model", "ONNX MB", "artifact MB", "compile s", "peak MiB", "idle MiB", "open µs")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for name, each in costs.items():
        if "error" in each:
            table.add_row(name, "failed", style="red")
            continue
        table.add_row(
            name,
            f"{each['model_mb']:.1f}",
            f"{each['artifact_mb']:.1f}",
            f"{each['compile_seconds']:.1f}",
            f"{each['peak_mib']:.0f}",
            f"{each['idle_mib']:.0f}",
            f"{each['open_us']:.0f}",
        )
    return table


def memory_table(rows: list[dict]) -> Table:
    """Resident memory of a process."""
    title = "Peak of resident memory: opening and one run, against weights + arena + 2 MiB"
    table = Table(title=title, title_justify="left")
    headings = ("model", "threads", "growth MiB", "weights MiB", "arena MiB", "limit MiB", "")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("model", "") else "right")
    for row in rows:
        start = (row["case"], str(row["threads"]))
        if "error" in row:
            table.add_row(*start, "failed", style="red")
            continue
        sizes = [f"{row[name]:.2f}" for name in ("growth", "weights", "arena", "limit")]
        text, style = ("holds", None) if row["holds"] else ("more than that", "red")
        table.add_row(*start, *sizes, text, style=style)
    return table


def memory_use(cases: list[Case], counts: list[int]) -> list[dict]:
    """The resident memory of each model with each number of threads, or why it failed."""
    rows = []
    for case in cases:
        for threads in counts:
            row: dict = {"case": case.name, "threads": threads}
            try:
                row |= product.resident_memory(case, threads)
            except Exception as error:
                row["error"] = " ".join(str(error).split())[:300]
            rows.append(row)
    return rows


def product_costs(cases: list[Case]) -> dict[str, dict]:
    """The cost of compiling each model, or why it failed."""
    costs: dict[str, dict] = {}
    for case in cases:
        try:
            costs[case.name] = product.compilation(case)
        except Exception as error:
            costs[case.name] = {"error": " ".join(str(error).split())[:300]}
    return costs


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--models", default="", metavar="TEXT", help="only those with it in the name"
    )
    parser.add_argument("--language", action="store_true", help="operators of examples/ops")
    parser.add_argument("--operators", action="store_true", help="operators instead of networks")
    parser.add_argument("--all", action="store_true", help="every model of the zoo")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="what a run's time is")
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default 1,2)")
    parser.add_argument(
        "--engines", default="", help=f"some of {', '.join(dict.fromkeys([*ENGINES, *PEERS]))}"
    )
    parser.add_argument("--peers", action="store_true", help="all engines (`make bench-peers`)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of every engine (default 7)")
    parser.add_argument("--seconds", type=float, default=0.4, help="of a turn (default 0.4)")
    parser.add_argument("--memory", action="store_true", help="only measure resident memory")
    parser.add_argument("--no-product", action="store_true", help="only time runs")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=140)  # a file has no edge to wrap at
    OUTPUT.mkdir(parents=True, exist_ok=True)
    makers = PEERS if options.language else ENGINES
    usual = list(makers) if options.language or options.peers else USUAL
    wanted = options.engines.split(",") if options.engines else usual
    engines = [name for name in makers if name in wanted]
    name = "models"
    suite: list[Case] | list[Operator] | list[Row] = HEADLINE
    if options.language:
        keep_pages()
        name, suite, options.no_product = "language", language.rows(), True
    elif options.operators:
        name, suite, options.no_product = "operators", OPERATORS, True
    elif options.all:
        suite = ALL
    cases = [case for case in suite if options.models.lower() in case.name.lower()]
    counts = [int(text) for text in options.threads.split(",")]
    if not engines or not cases:
        print("bench: no engine or no model has such a name", file=sys.stderr)
        return 2
    if options.memory and (options.operators or options.language):
        print("bench: --memory is measured of networks, not of operators", file=sys.stderr)
        return 2
    if options.memory:
        memory = memory_use(cases, counts)
        console.print(memory_table(memory))
        for row in memory:
            if "error" in row:
                console.print(f"{row['case']}: {row['error']}", markup=False)
        return 0 if all(row.get("holds") for row in memory) else 1

    with console.status("limits of the machine") as status:
        limits = [machine_limits(threads) for threads in counts]
        rows = []
        for case in cases:
            for each in limits:
                status.update(f"{case.name}, {each['threads']} threads")
                rows.append(
                    measure(case, each, engines, options.rounds, options.seconds, options.clock)
                )
        record = {
            "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "suite": name,
            "limits": limits,
            "models": rows,
        }
        if not options.no_product:
            status.update("compiling")
            record["product"] = product_costs(cases)
            record["memory"] = memory_use(cases, counts)
            record["runtime_kib"] = product.runtime_library_kib()
            record["fixed_cost_us"] = product.fixed_cost_us()
            record["c_call_ns"] = product.c_call_ns()

    console.print(limits_table(limits))
    console.print((language_table if options.language else models_table)(rows, engines))
    for line in summaries(rows):
        console.print(line, markup=False, soft_wrap=True)
    if not options.no_product:
        console.print(product_table(record["product"]))
        console.print(memory_table(record["memory"]))
        fixed = ", ".join(f"{name} {us:.1f}" for name, us in record["fixed_cost_us"].items())
        console.print(f"runtime library: {record['runtime_kib']:.0f} KiB without symbols")
        console.print(f"a run without work, from Python: {fixed} µs")
        in_c = record["c_call_ns"]
        console.print(
            f"a run without work, from C: {in_c['run']:.0f} ns, with arrays bound anew "
            f"{in_c['bind']:.0f} ns"
        )
    for name, each in record.get("product", {}).items():
        if "error" in each:
            console.print(f"compiling {name}: {each['error']}", markup=False)
    for row in rows:
        for name, why in row["errors"].items():
            console.print(f"{name}, {row['case']}, {row['threads']} threads: {why}", markup=False)
    with (OUTPUT / "history.jsonl").open("a") as history:
        history.write(json.dumps(record) + "\n")
    if any(row["ratios"] for row in rows) and not options.language:
        import picture

        file = OUTPUT / ("operators.png" if options.operators else "models.png")
        (picture.draw_shares if options.operators else picture.draw)(record, file)
        console.print(f"picture: {file}")
    return 1 if any(OURS in row["errors"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
