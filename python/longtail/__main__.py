"""The command `longtail`, also `python -m longtail`.

Exit code 0 means done, 1 that the model, file or comparison is at fault, 2 that the command is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from . import embedding, emulation, knobs
from . import model as models
from .errors import CompileError, Error, InputError
from .profiling import measure
from .verification import difference, random_inputs, reference_outputs

ARTIFACT_MAGIC = b"\x89LTA"


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except CompileError as error:
        for line in error.diagnostics or [str(error)]:
            print(f"longtail: {' '.join(line.split())}", file=sys.stderr)
        return 1
    except InputError as error:
        print(f"longtail: {error}", file=sys.stderr)
        return 2
    except (Error, OSError) as error:
        print(f"longtail: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("longtail: interrupted", file=sys.stderr)
        return 130


# ---- the subcommands -----------------------------------------------------------------------------


# Tables with a row for each group, whose names are long.
ONE_LINE = {"Time by group", "Steps"}

# Headings of columns of numbers.
NUMERIC = {"ms", "share", "MFLOP", "MB", "GFLOP/s", "GB/s", "largest difference", "of allowed"}

# What `compile --emit` writes, and the suffix of its file.
EMITTED = {
    "container": ".lt",
    "mlir": ".mlir",
    "llvm": ".ll",
    "asm": ".s",
    "obj": ".o",
    "static": ".o",
    "so": ".so",
}


def _compile(options: argparse.Namespace) -> int:
    emit = "mlir" if options.last and options.emit == "container" else options.emit
    output = options.output or options.model.with_suffix(EMITTED[emit])
    if output.resolve() == options.model.resolve():
        raise InputError(f"{output} is the model itself; name another file with -o")
    if options.last and emit != "mlir":
        raise InputError("--to goes with --emit=mlir")
    begin = time.perf_counter()
    if options.shape and emit not in ("static", "so"):
        raise InputError("--shape goes with --emit=static and --emit=so")
    if emit == "container":
        _build(options).save(output)
    elif emit in ("static", "so"):
        embedding.write(_build(options), output, emit == "so", dict(options.shape))
    else:
        output = _emit(options, emit, output)
    facts = {
        "artifact": str(output),
        "bytes": output.stat().st_size,
        "seconds": round(time.perf_counter() - begin, 3),
        "target": knobs.TARGET.get(options.target),
    }
    if options.json:
        _print_json(facts)
    else:
        print(f"{output}: {facts['bytes'] / 1e6:.2f} MB in {facts['seconds']:.1f} s")
    return 0


def _emit(options: argparse.Namespace, emit: str, output: Path) -> Path:
    """Write IR or code; returns the (first) file that was written."""
    settings = {"to": options.last or {"mlir": "kernel", "llvm": "llvm"}.get(emit, "llvm")}
    if emit in ("mlir", "llvm"):
        stages = _build(options, keep_stages=True, keep_weights=True, **settings).stages()
        output.write_text(stages[next(reversed(stages))])
        return output
    artifact = _build(options, keep_code=True, **settings)
    if emit == "asm":
        output.write_text(artifact.assembly())
        return output
    objects = artifact.objects()
    files = (
        [output]
        if len(objects) == 1
        else [output.with_suffix(f".{number}.o") for number in range(len(objects))]
    )
    for file, data in zip(files, objects, strict=True):
        file.write_bytes(data)
    return files[0]


def _run(options: argparse.Namespace) -> int:
    model = _open(options)
    inputs = _inputs(model, options)
    result = model(**inputs)
    outputs = dict(zip([o.name for o in model.outputs], _as_list(result), strict=True))
    times = []
    for _ in range(options.repeat):
        begin = time.perf_counter()
        model(**inputs)
        times.append(1e3 * (time.perf_counter() - begin))
    if options.output is not None:
        with options.output.open("wb") as stream:
            np.savez(stream, **outputs)
    if options.json:
        facts = {name: {"dtype": str(a.dtype), "shape": a.shape} for name, a in outputs.items()}
        _print_json({"outputs": facts, "milliseconds": times})
        return 0
    for name, array in outputs.items():
        print(f"{name}: {array.dtype}{list(array.shape)}{_range(array)}")
    if times:
        print(f"{np.median(times):.3f} ms (median of {len(times)}; fastest {min(times):.3f} ms)")
    if options.steps:
        _console().print(_times_table("Steps", [each.facts() for each in measure(model, inputs)]))
    return 0


def _inspect(options: argparse.Namespace) -> int:
    if _is_artifact(options.model):
        model = models.load(options.model)
        facts: dict[str, Any] = {
            "inputs": [str(each) for each in model.inputs],
            "outputs": [str(each) for each in model.outputs],
            "provenance": _short(model.provenance),
            "metadata": _short(model.metadata),
        }
        missing = False
    else:
        from . import _compiler

        try:
            facts = dict(_compiler.inspect(models.model_source(options.model)))
        except _compiler.CompileError as error:
            raise CompileError(getattr(error, "diagnostics", None) or [str(error)]) from None
        missing = bool(facts.get("unsupported"))
    if options.json:
        _print_json(facts)
    else:
        for key, value in facts.items():
            _print_fact(key, value)
    return 1 if missing else 0


def _verify(options: argparse.Namespace) -> int:
    if _is_artifact(options.model):
        raise InputError("verify needs the ONNX model, not the artifact made of it")
    target = knobs.TARGET.get(options.target)
    if emulation.is_emulated(target):
        # The host's variant tells of inputs and outputs, the other one runs under qemu.
        options.target = emulation.targets_of(target)
        model = emulation.EmulatedModel(_build(options), target, options.threads or 1)
    else:
        model = _build(options)
    inputs = _inputs(model, options)
    actual = _as_list(model(**inputs))
    expected = reference_outputs(options.model, inputs, options.against)
    found = [
        difference(info.name, a, e, options.rtol, options.atol)
        for info, a, e in zip(model.outputs, actual, expected, strict=True)
    ]
    passed = all(each.passed for each in found)
    if options.json:
        rows = [{**vars(each), "passed": each.passed} for each in found]
        _print_json({"against": options.against, "passed": passed, "outputs": rows})
    else:
        table = _table(
            f"Against {options.against}", "output", "shape", "largest difference", "of allowed", ""
        )
        for each in found:
            table.add_row(
                each.name,
                "x".join(map(str, each.shape)) or "scalar",
                f"{each.absolute:.3g}",
                f"{100 * each.ratio:.3g} %",
                each.reason or ("equal enough" if each.passed else "[red]too far[/red]"),
            )
        _console().print(table)
    if not passed:
        names = ", ".join(each.name for each in found if not each.passed)
        print(f"longtail: outputs differ from {options.against}: {names}", file=sys.stderr)
    return 0 if passed else 1


def _report(options: argparse.Namespace) -> int:
    if not options.time and _is_artifact(options.model):
        raise InputError("an artifact can only be timed: add --time, or give the ONNX model")
    if options.time:
        sizes = dict(options.shape) | dict(options.size)
        report = _open(options).report(time=True, sizes=sizes, runs=options.runs)
    else:
        report = _build(options).report()
    if options.json:
        _print_json(report)
        return 0
    if options.time:
        _console().print(_times_table("Time by group", report["time"]))
        total = sum(each["nanoseconds"] for each in report["time"])
        print(f"{total / 1e6:.3f} ms in all groups (medians of {options.runs} runs)")
        return 0
    groups = _table("Groups", "name", "class", "schedule", "MFLOP", "MB")
    for group in report.get("groups", []):
        groups.add_row(
            str(group.get("name", "")),
            str(group.get("class", "")),
            str(group.get("schedule", "")),
            f"{group.get('flops', 0) / 1e6:.2f}",
            f"{group.get('bytes', 0) / 1e6:.2f}",
        )
    console = _console()
    console.print(groups)
    for key, value in report.items():
        if key != "groups":
            _print_fact(key, value)
    return 0


# ---- what they share -----------------------------------------------------------------------------


def _build(options: argparse.Namespace, **settings: Any) -> models.CompiledModel:
    if getattr(options, "first", None):
        settings["from"] = options.first
    with _phase_display(options.json) as show:
        return models.compile(
            options.model,
            target=options.target,
            naive=True if options.naive else None,
            threads=options.threads,
            progress=show,
            dump_phases=options.dump_phases,
            **settings,
        )


def _open(options: argparse.Namespace) -> models.CompiledModel:
    if _is_artifact(options.model):
        return models.load(options.model, threads=options.threads)
    return _build(options)


def _is_artifact(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(ARTIFACT_MAGIC)) == ARTIFACT_MAGIC


def _inputs(model: models.CompiledModel, options: argparse.Namespace) -> dict[str, np.ndarray]:
    """Inputs from files, and random ones for the rest."""
    given: dict[str, np.ndarray] = {}
    for name, file in options.input:
        try:
            loaded = np.load(file, allow_pickle=False)
        except ValueError as error:
            raise InputError(f"{file} is no .npy or .npz file of numbers: {error}") from None
        if isinstance(loaded, np.lib.npyio.NpzFile):
            with loaded:
                given |= {key: loaded[key] for key in loaded.files}
        elif name:
            given[name] = loaded
        elif len(model.inputs) == 1:
            given[model.inputs[0].name] = loaded
        else:
            raise InputError(f"the model has {len(model.inputs)} inputs: write NAME={file}")
    shapes = {name: array.shape for name, array in given.items()} | dict(options.shape)
    return random_inputs(model, shapes | dict(options.size), options.seed) | given


@contextlib.contextmanager
def _phase_display(quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
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


def _short(texts: dict[str, str]) -> dict[str, str]:
    return {key: text if len(text) <= 80 else text[:77] + "..." for key, text in texts.items()}


def _as_list(result: Any) -> list[np.ndarray]:
    return list(result) if isinstance(result, models.Outputs) else [result]


def _range(array: np.ndarray) -> str:
    if array.size == 0 or array.dtype.kind not in "fiu":
        return ""
    return f"  from {array.min():.6g} to {array.max():.6g}"


def _console() -> Console:
    """A file has no edge to wrap at."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def _table(title: str, *headings: str) -> Table:
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


def _times_table(title: str, steps: list[dict[str, Any]]) -> Table:
    """Steps as StepTime.facts() describes them."""
    columns = ("ms", "share", "MFLOP", "MB", "GFLOP/s", "GB/s")
    table = _table(title, "name", "strategy", *columns)

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


def _print_fact(key: str, value: Any) -> None:
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


def _print_json(value: Any) -> None:
    json.dump(value, sys.stdout, indent=2, default=str)
    print()


# ---- the command line ----------------------------------------------------------------------------


def _named_file(text: str) -> tuple[str, str]:
    name, separator, file = text.rpartition("=")
    return (name, file) if separator else ("", text)


def _named_shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, separator, sizes = text.rpartition("=")
    try:
        shape = tuple(int(size) for size in sizes.split("x")) if sizes else ()
    except ValueError:
        shape = (-1,)
    if not separator or not name or any(size < 0 for size in shape):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form NAME=1x3x224x224")
    return name, shape


def _named_size(text: str) -> tuple[str, int]:
    name, _, size = text.rpartition("=")
    if not name or not size.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form NAME=4")
    return name, int(size)


def _parser() -> argparse.ArgumentParser:
    variables = "\n".join(f"  {k.name:<22} {k.help} (default: {k.default!s})" for k in knobs.ALL)
    parser = argparse.ArgumentParser(
        prog="longtail",
        description="Compile ONNX models to machine code, run them, and look inside.",
        epilog=f"environment variables, each less than the option of its name:\n{variables}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, command: Callable[[argparse.Namespace], int], text: str, kind: str) -> Any:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        sub.add_argument("model", type=Path, metavar="MODEL", help=kind)
        sub.add_argument("--json", action="store_true", help="print one JSON object")
        return sub

    def add_compiling(sub: argparse.ArgumentParser) -> None:
        group = sub.add_argument_group("compiling")
        group.add_argument(
            "--target",
            help="processor, such as host or x86-64-v3; several, separated by commas, go into one "
            "artifact. `verify` emulates those of other architectures",
        )
        group.add_argument(
            "--naive", action="store_true", help="plain loops: slow, to compare with"
        )
        group.add_argument(
            "--dump-phases", metavar="DIR", help="write the IR after each phase there"
        )
        group.add_argument("--threads", type=int, metavar="N", help="threads of a call, 1 to 64")

    def add_sizes(group: Any) -> None:
        group.add_argument(
            "--shape",
            type=_named_shape,
            action="append",
            default=[],
            metavar="NAME=1x3x..",
            help="shape of a random input whose dimensions may vary",
        )
        group.add_argument(
            "--size",
            type=_named_size,
            action="append",
            default=[],
            metavar="NAME=N",
            help="size of a dimension that may vary, by the model's name for it",
        )

    def add_inputs(sub: argparse.ArgumentParser) -> None:
        group = sub.add_argument_group("inputs (those not given are random)")
        group.add_argument(
            "-i",
            "--input",
            type=_named_file,
            action="append",
            default=[],
            metavar="[NAME=]FILE",
            help="an input from a .npy file, or several from a .npz",
        )
        add_sizes(group)
        group.add_argument("--seed", type=int, default=0, help="of random inputs (default 0)")

    sub = add("compile", _compile, "Compile a model to an artifact.", "ONNX file")
    sub.add_argument("-o", "--output", type=Path, help="file (default: MODEL with .lt, .mlir, ...)")
    sub.add_argument(
        "--emit",
        choices=tuple(EMITTED),
        default="container",
        help="what to write: the artifact (default), the IR after the last phase, LLVM IR, "
        "assembly, the object files of the kernels, or the whole model as an object file to be "
        "linked (static) or as a shared library (so), each with a C header",
    )
    sub.add_argument(
        "--shape",
        type=_named_shape,
        action="append",
        default=[],
        metavar="NAME=1x3x..",
        help="largest size of an input whose dimensions may vary, for the header of static and so",
    )
    sub.add_argument("--from", dest="first", metavar="PHASE", help="MODEL is the IR before PHASE")
    sub.add_argument("--to", dest="last", metavar="PHASE", help="stop after PHASE and write its IR")
    add_compiling(sub)

    sub = add("run", _run, "Run a model.", "artifact or ONNX file")
    sub.add_argument(
        "-o", "--output", type=Path, metavar="FILE.npz", help="write the outputs there"
    )
    sub.add_argument("--repeat", type=int, default=0, metavar="N", help="run N more times, timed")
    sub.add_argument("--steps", action="store_true", help="print each step's share of the time")
    add_compiling(sub)
    add_inputs(sub)

    text = "Show inputs, outputs and operators; exit code 1 if an operator is not supported."
    add("inspect", _inspect, text, "artifact or ONNX file")

    text = "Compare every output with another engine; exit code 1 if one is too far off."
    sub = add("verify", _verify, text, "ONNX file")
    engines = ("onnxruntime", "reference")
    sub.add_argument(
        "--against", choices=engines, default=engines[0], help="engine to compare with"
    )
    sub.add_argument("--rtol", type=float, default=1e-3, help="of each element (default 1e-3)")
    sub.add_argument(
        "--atol", type=float, default=1e-4, help="of the output's range (default 1e-4)"
    )
    add_compiling(sub)
    add_inputs(sub)

    text = (
        "Show a model's groups, schedules, memory and compile time; with --time what a run takes."
    )
    sub = add("report", _report, text, "ONNX file; with --time also an artifact")
    sub.add_argument("--time", action="store_true", help="each group's share of a run's time")
    sub.add_argument("--runs", type=int, default=10, metavar="N", help="timed runs (default 10)")
    add_compiling(sub)
    add_sizes(sub.add_argument_group("random inputs of --time"))
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        # The reader went away, as `| head` does; Python must not try to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
