"""The command `longtail`, also `python -m longtail`.

Exit code 0 means done, 1 that the model, file or comparison is at fault, 2 that the command is.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import embedding, emulation, knobs
from . import model as models
from .errors import CompileError, Error, InputError
from .interface import flat
from .language.of_files import named_operator, operators_of, pattern_of
from .option_values import byte_count, duration, named_file, named_shape, named_size
from .printing import (
    console_of_output,
    phase_display,
    print_fact,
    print_json,
    range_of,
    records_table,
    short_schedule,
    shortened,
    table_of,
    times_table,
    tuning_display,
)
from .profiling import measure
from .verification import differences, random_inputs, reference_outputs

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
        print_json(facts)
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
    outputs = flat([o.name for o in model.outputs], _as_list(result))
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
        print_json({"outputs": facts, "milliseconds": times})
        return 0
    for name, array in outputs.items():
        print(f"{name}: {array.dtype}{list(array.shape)}{range_of(array)}")
    if times:
        print(f"{np.median(times):.3f} ms (median of {len(times)}; fastest {min(times):.3f} ms)")
    if options.steps:
        console_of_output().print(
            times_table("Steps", [each.facts() for each in measure(model, inputs)])
        )
    return 0


def _interpret(options: argparse.Namespace) -> int:
    from onnx import helper

    from . import interpretation
    from .verification import random_arrays

    if options.model.suffix == ".mlir":
        modules = {"text": options.model.read_text()}
    else:
        phases = interpretation.PHASES if options.every else (options.after,)
        settings = {"target": knobs.TARGET.get(options.target), "naive": options.naive}
        modules = interpretation.modules_of(options.model, phases, **settings)
    first = next(iter(modules.values()))
    declared = interpretation.module_inputs(first)
    names = [name for name, _, _ in declared]
    given = _arrays_of(options, names)
    shapes = {name: array.shape for name, array in given.items()} | dict(options.shape)
    numbered = [(n, helper.np_dtype_to_tensor_dtype(t), s) for n, t, s in declared]
    inputs = random_arrays(numbered, shapes, options.seed) | given
    arrays = interpretation.ordered(inputs, names)
    expected = interpretation.interpret(first, arrays)
    if options.output is not None:
        with options.output.open("wb") as stream:
            np.savez(stream, *expected)
    differs = None
    for phase, text in list(modules.items())[1:]:
        outputs = [str(k) for k in range(len(expected))]
        found = differences(outputs, interpretation.interpret(text, arrays), expected)
        if not all(each.passed for each in found):
            differs = phase
            break
    if options.json:
        facts = [{"dtype": str(a.dtype), "shape": a.shape} for a in expected]
        print_json({"outputs": facts, "differs_after": differs})
    else:
        for k, array in enumerate(expected):
            print(f"output {k}: {array.dtype}{list(array.shape)}{range_of(array)}")
        if options.every and len(modules) > 1:
            text = f"first phase after which the result differs: {differs}"
            print(text if differs else "the result is the same after every phase")
    return 1 if differs else 0


def _inspect(options: argparse.Namespace) -> int:
    if _is_artifact(options.model):
        model = models.load(options.model)
        facts: dict[str, Any] = {
            "inputs": [str(each) for each in model.inputs],
            "outputs": [str(each) for each in model.outputs],
            "provenance": shortened(model.provenance),
            "metadata": shortened(model.metadata),
        }
        missing = False
    else:
        from .inspection import inspect_model

        found = inspect_model(
            options.model, dict(options.shape) | dict(options.size), options.reproducers
        )
        facts = dataclasses.asdict(found)
        missing = bool(found.unsupported)
    if options.json:
        print_json(facts)
    else:
        for key, value in facts.items():
            print_fact(key, value)
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
    names = [info.name for info in model.outputs]
    found = differences(names, actual, expected, options.rtol, options.atol)
    passed = all(each.passed for each in found)
    first = _first_difference(options, inputs) if options.intermediates and not passed else None
    if options.json:
        rows = [{**vars(each), "passed": each.passed} for each in found]
        facts = {"against": options.against, "passed": passed, "outputs": rows}
        print_json(facts | ({"first": dataclasses.asdict(first)} if first else {}))
    else:
        table = table_of(
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
        console_of_output().print(table)
        if first:
            print(first)
    if not passed:
        names = ", ".join(each.name for each in found if not each.passed)
        print(f"longtail: outputs differ from {options.against}: {names}", file=sys.stderr)
    return 0 if passed else 1


def _first_difference(options: argparse.Namespace, inputs: dict[str, np.ndarray]) -> Any:
    """The first value that differs from ONNX Runtime, with the settings of this command."""
    import onnx

    from .debugging import first_difference

    def run(model: Any, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
        settings = {"target": options.target, "naive": True if options.naive else None}
        return _as_list(models.compile(model, threads=options.threads, **settings)(**arrays))

    return first_difference(onnx.load(options.model), inputs, run, options.rtol, options.atol)


def _bisect(options: argparse.Namespace) -> int:
    import onnx

    from .debugging import bisect, declared_inputs
    from .verification import random_arrays

    model = onnx.load(options.model)
    declared = declared_inputs(model, dict(options.size))
    given = _arrays_of(options, [name for name, _, _ in declared])
    shapes = {name: array.shape for name, array in given.items()} | dict(options.shape)
    inputs = random_arrays(declared, shapes, options.seed) | given
    settings = {"target": knobs.TARGET.get(options.target), "naive": options.naive}

    def progress(text: str) -> None:
        if not options.json:
            print(text, file=sys.stderr)

    found = bisect(model, inputs, settings, options.rtol, options.atol, options.timeout, progress)
    if found is None:
        print("{}" if options.json else "nothing goes wrong")
        return 0
    facts = {"outcome": found.outcome, "phase": found.phase, "reason": found.reason}
    facts["nodes"] = found.nodes
    if options.output is not None:
        facts["files"] = found.write(options.output)
    if options.json:
        print_json(facts)
    else:
        for key, value in facts.items():
            print_fact(key, value)
    return 1


def _report(options: argparse.Namespace) -> int:
    if not options.time and _is_artifact(options.model):
        raise InputError("an artifact can only be timed: add --time, or give the ONNX model")
    if options.time:
        sizes = dict(options.shape) | dict(options.size)
        report = _open(options).report(time=True, sizes=sizes, runs=options.runs)
    else:
        report = _build(options).report()
    if options.json:
        print_json(report)
        return 0
    if options.time:
        console_of_output().print(times_table("Time by group", report["time"]))
        total = sum(each["nanoseconds"] for each in report["time"])
        print(f"{total / 1e6:.3f} ms in all groups (medians of {options.runs} runs)")
        return 0
    groups = table_of("Groups", "name", "class", "by", "schedule", "MFLOP", "MB")
    for group in report.get("groups", []):
        groups.add_row(
            str(group.get("name", "")),
            str(group.get("class", "")),
            str(group.get("source", "")),
            str(group.get("schedule", "")),
            f"{group.get('flops', 0) / 1e6:.2f}",
            f"{group.get('bytes', 0) / 1e6:.2f}",
        )
    console = console_of_output()
    console.print(groups)
    for key, value in report.items():
        if key != "groups":
            print_fact(key, value)
    return 0


def _tune(options: argparse.Namespace) -> int:
    from .tuning import tune

    sizes = dict(options.shape) | dict(options.size)
    with tuning_display(options.json) as show:
        done = tune(
            options.model,
            options.budget,
            options.output,
            threads=options.threads,
            target=options.target,
            sizes=sizes,
            again=options.again,
            progress=show,
        )
    if options.json:
        facts = dataclasses.asdict(done)
        print_json(facts | {"path": str(done.path), "gain": done.gain})
        return 0
    console = console_of_output()
    measured = [each for each in done.groups if each.record]
    measured.sort(key=lambda each: -each.count * each.record.model_nanoseconds)
    console.print(records_table(f"Schedules in {done.path}", measured))
    counts = dict.fromkeys(("measured", "known", "skipped", "failed"), 0)
    for each in done.groups:
        counts[each.source] += 1
        if each.source == "failed":
            console.print(f"{each.name}: {each.note}")
    for text in done.rejected:
        console.print(f"rejected: {text}")
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    console.print(f"{len(done.groups)} kinds of groups: {told or 'none'}; {done.seconds:.1f} s")
    console.print(f"{done.gain:.3f}x in all groups with a record, by their medians")
    if counts["skipped"]:
        console.print("run the same command again to go on with those that were skipped")
    return 0


def _records(options: argparse.Namespace) -> int:
    from .tuning import Records

    store = Records(options.model)
    if options.merge:
        count = store.merge(Records(each) for each in options.merge)
        if not options.json:
            print(f"{options.model}: {count} records are new or better")
    elif not options.model.exists():
        raise InputError(f"{options.model}: there is no such file")
    found = store.all()
    if options.json:
        print_json([dataclasses.asdict(each) for each in found])
        return 0
    table = table_of(
        str(options.model), "group", "class", "machine", "threads", "model us", "gain", "schedule"
    )
    for each in found:
        table.add_row(
            each.name,
            each.strategy,
            f"{each.target} {each.microarchitecture} {each.version}",
            str(each.threads),
            f"{each.model_nanoseconds / 1e3:.1f}",
            f"{each.gain:.2f}",
            short_schedule(each.schedule),
        )
    console_of_output().print(table)
    return 0


# ---- what they share -----------------------------------------------------------------------------


def _build(options: argparse.Namespace, **settings: Any) -> models.CompiledModel:
    if getattr(options, "first", None):
        settings["from"] = options.first
    if options.reproducer:
        settings["reproducer"] = options.reproducer
    with phase_display(options.json) as show:
        return models.compile(
            options.model,
            target=options.target,
            naive=True if options.naive else None,
            threads=options.threads,
            progress=show,
            dump_phases=options.dump_phases,
            isolate=options.isolate,
            timeout=options.timeout,
            memory_limit=options.memory_limit,
            records=False if options.records == "off" else options.records,
            operators=dict(operators_of(options.operator)),
            patterns=[pattern_of(file) for file in options.pattern],
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
    given = _arrays_of(options, [each.name for each in model.inputs])
    shapes = {name: array.shape for name, array in given.items()} | dict(options.shape)
    return random_inputs(model, shapes | dict(options.size), options.seed) | given


def _arrays_of(options: argparse.Namespace, names: list[str]) -> dict[str, np.ndarray]:
    """Inputs from files; `names` are those that the model has."""
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
        elif len(names) == 1:
            given[names[0]] = loaded
        else:
            raise InputError(f"the model has {len(names)} inputs: write NAME={file}")
    return given


def _as_list(result: Any) -> list[np.ndarray]:
    return list(result) if isinstance(result, models.Outputs) else [result]


# ---- the command line ----------------------------------------------------------------------------


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
        group.add_argument("--isolate", action="store_true", help="compile in a process of its own")
        group.add_argument(
            "--timeout", type=float, metavar="SECONDS", help="with --isolate: give up after that"
        )
        group.add_argument(
            "--memory-limit",
            type=byte_count,
            metavar="BYTES",
            help="with --isolate: memory that compiling may take, such as 4G",
        )
        group.add_argument(
            "--records",
            metavar="FILE",
            help="schedules that `tune` has measured, 'off': none (default: LONGTAIL_RECORDS)",
        )
        group.add_argument(
            "--reproducer",
            metavar="FILE",
            help="where a pass fails or crashes, write the IR and the passes there (MLIR)",
        )
        group.add_argument(
            "--operator",
            type=named_operator,
            action="append",
            default=[],
            metavar="DOMAIN::NAME=FILE.py:FUNCTION",
            help="nodes of that domain and name are this `lt.op`; runs the file",
        )
        group.add_argument(
            "--pattern",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="an ONNX function (text, or a FunctionProto in a .onnx file) of an --operator's "
            "name: subgraphs that equal its body become that operator",
        )

    def add_tolerances(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--rtol", type=float, default=1e-3, help="of each element (default 1e-3)")
        sub.add_argument(
            "--atol", type=float, default=1e-4, help="of the output's range (default 1e-4)"
        )

    def add_sizes(group: Any) -> None:
        group.add_argument(
            "--shape",
            type=named_shape,
            action="append",
            default=[],
            metavar="NAME=1x3x..",
            help="shape of a random input whose dimensions may vary",
        )
        group.add_argument(
            "--size",
            type=named_size,
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
            type=named_file,
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
        type=named_shape,
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

    text = (
        "Run a module by the interpreter of the dialects, which is slow and ends with the place of "
        "whatever is undefined."
    )
    sub = add("interpret", _interpret, text, "ONNX file, or the IR after a phase (.mlir)")
    sub.add_argument(
        "-o", "--output", type=Path, metavar="FILE.npz", help="write the outputs there"
    )
    sub.add_argument(
        "--after", default="schedule", metavar="PHASE", help="of an ONNX file (default: schedule)"
    )
    sub.add_argument(
        "--every",
        action="store_true",
        help="after every phase; name the first one that changes the result",
    )
    sub.add_argument("--target", help="processor, such as host or x86-64-v3")
    sub.add_argument("--naive", action="store_true", help="look at plain loops")
    add_inputs(sub)

    text = (
        "Show, without compiling, what a model asks for: operators, work, memory, and what is not "
        "supported and why; exit code 1 if anything is not."
    )
    sub = add("inspect", _inspect, text, "artifact or ONNX file")
    add_sizes(sub.add_argument_group("sizes (those not given: 1 in front, 64 elsewhere)"))
    sub.add_argument(
        "--reproducers", metavar="DIR", help="write a model of each node that is not supported"
    )

    text = "Compare every output with another engine; exit code 1 if one is too far off."
    sub = add("verify", _verify, text, "ONNX file")
    engines = ("onnxruntime", "reference")
    sub.add_argument(
        "--against", choices=engines, default=engines[0], help="engine to compare with"
    )
    sub.add_argument(
        "--intermediates",
        action="store_true",
        help="name the first value inside the model that differs from ONNX Runtime",
    )
    add_tolerances(sub)
    add_compiling(sub)
    add_inputs(sub)

    text = (
        "Find the smallest part of a model that is wrong, fails or crashes, and the phase of the "
        "compiler at fault; exit code 1 if there is one."
    )
    sub = add("bisect", _bisect, text, "ONNX file")
    sub.add_argument("-o", "--output", type=Path, metavar="DIR", help="write that part there")
    sub.add_argument(
        "--timeout", type=float, default=300, metavar="S", help="seconds of a trial (default 300)"
    )
    sub.add_argument("--target", help="processor, such as host or x86-64-v3")
    sub.add_argument("--naive", action="store_true", help="look at plain loops")
    add_tolerances(sub)
    add_inputs(sub)

    text = (
        "Show a model's groups, schedules, memory and compile time; with --time what a run takes."
    )
    sub = add("report", _report, text, "ONNX file; with --time also an artifact")
    sub.add_argument("--time", action="store_true", help="each group's share of a run's time")
    sub.add_argument("--runs", type=int, default=10, metavar="N", help="timed runs (default 10)")
    add_compiling(sub)
    add_sizes(sub.add_argument_group("random inputs of --time"))

    text = (
        "Measure schedules for a model's groups and record the best of each; later compilations "
        "use them by themselves. Groups with records take no time, so the command can be repeated."
    )
    sub = add("tune", _tune, text, "ONNX file")
    sub.add_argument("-o", "--output", type=Path, metavar="FILE", help="the file of records")
    sub.add_argument(
        "--budget", type=duration, default=120.0, metavar="TIME", help="such as 120s (default), 5m"
    )
    sub.add_argument("--threads", type=int, metavar="N", help="threads of a call, 1 to 64")
    sub.add_argument("--target", help="a target that this machine runs (default: host)")
    sub.add_argument("--again", action="store_true", help="measure groups with records, too")
    add_sizes(sub.add_argument_group("sizes to be fast at (others: 1 in front, 64 elsewhere)"))

    sub = add("records", _records, "List a file of tuning records.", "file of records")
    sub.add_argument(
        "--merge",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="first take over what is new or gained more in other files",
    )
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        # The reader went away, as `| head` does; Python must not try to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
