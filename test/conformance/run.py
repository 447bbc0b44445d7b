"""The official ONNX backend tests: the onnx package's own models, data, comparisons and tolerances.

    python test/conformance/run.py [--registered-only] [-k TEXT] [--target NAME] [--update] [--page]

A test passes only if the official function returned and the model really was run, so a skip is no
pass. Tests run in worker processes with a time limit: a crash or a hang is one failed test.
"""

from __future__ import annotations

import argparse
import faulthandler
import functools
import json
import multiprocessing
import os
import sys
import time
import unittest
import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import onnx
from onnx.backend.base import Backend
from onnx.backend.test.runner import Runner
from rich.console import Console
from rich.table import Table

import page

ROOT = Path(__file__).resolve().parent.parent.parent
EXPECTED = Path(__file__).with_name("expected.json")
LIMIT_SECONDS = 60.0
SUFFIX = "_cpu"


@dataclass
class Result:
    """What became of one test: `outcome` is passed, failed, crashed or timeout."""

    name: str
    operator: str
    outcome: str
    message: str
    seconds: float


# ---- what there is to test ---------------------------------------------------------------------


class UnderTest(Backend):
    """The backend that the official tests call; it passes on to another one and counts the runs.

    The tests take seconds to build and are built once, before it is known what they will test.
    """

    backend: type[Backend]
    runs = 0

    @classmethod
    def prepare(cls, *arguments, **keywords):
        prepared = cls.backend.prepare(*arguments, **keywords)
        original = prepared.run

        def run(*inner, **more):
            result = original(*inner, **more)
            cls.runs += 1
            return result

        prepared.run = run
        return prepared

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"


@functools.cache
def functions() -> dict[str, Callable[[None], None]]:
    """Name -> official test function. The nine generated nets write their data below build/."""
    if "ONNX_MODELS" not in os.environ:
        folder = ROOT / "build" / "conformance" / "light"
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["ONNX_MODELS"] = str(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tests compute infinities on purpose
        runner = Runner(UnderTest, __name__)
    return {
        name.removesuffix(SUFFIX): item.func
        for items in runner._test_items.values()
        for name, item in items.items()
        if name.endswith(SUFFIX)
    }


@functools.cache
def models() -> dict[str, onnx.ModelProto]:
    """Name -> the model of each test."""
    from onnx.backend.test.loader import load_model_tests

    package = Path(onnx.__file__).parent.parent
    found = {}
    for kind in ("node", "real", "simple", "pytorch-converted", "pytorch-operator"):
        for test in load_model_tests(kind=kind):
            if test.model is not None:
                found[test.name] = test.model
            elif test.model_dir is not None:
                found[test.name] = onnx.load(Path(test.model_dir) / "model.onnx")
            elif (package / test.url).exists():
                found[test.name] = onnx.load(package / test.url)
    return found


def operators(model: onnx.ModelProto) -> set[tuple[str, str]]:
    """The (domain, name) of every operator that a model needs, its own functions expanded."""
    own = {(f.domain, f.name): f for f in model.functions}
    own_names = set(own)
    found: set[tuple[str, str]] = set()
    pending: list[Iterable[onnx.NodeProto]] = [model.graph.node]
    while pending:
        for node in pending.pop():
            key = ("" if node.domain == "ai.onnx" else node.domain, node.op_type)
            if key in found or (key in own_names and key not in own):
                continue
            if key in own:
                pending.append(own.pop(key).node)
            else:
                found.add(key)
            for attribute in node.attribute:
                pending += [g.node for g in (attribute.g, *attribute.graphs) if g.node]
    return found


def main_operator(name: str) -> str:
    """The operator that a test is about: that of the only node, or the function that an expanded
    test was made of."""
    model = models().get(name.partition("_expanded")[0], models().get(name))
    if model is not None and len(model.graph.node) == 1:
        return model.graph.node[0].op_type
    return "(several)"


def is_registered(model: onnx.ModelProto, registered: set[tuple[str, str]]) -> bool:
    """Whether each operator is registered or is a function whose body can be inlined.

    That is one whose body does not depend on the types and attributes of a call.
    """
    for domain, name in operators(model):
        if (domain, name) in registered:
            continue
        version = next((o.version for o in model.opset_import if o.domain == domain), 1)
        try:
            schema = onnx.defs.get_schema(name, version, domain)
        except onnx.defs.SchemaError:
            return False
        if not schema.function_opset_versions:
            return False
        body = schema.get_function_with_opset_version(schema.function_opset_versions[0])
        body = onnx.FunctionProto.FromString(body)
        known = registered | {("", "Constant")}
        if not all((node.domain, node.op_type) in known for node in body.node):
            return False
    return True


# ---- running them ------------------------------------------------------------------------------


def _worker(make_backend: Callable[[], type[Backend]], pipe: Connection) -> None:
    """Runs the tests whose names come through the pipe, and answers (passed, message)."""
    faulthandler.disable()  # a crash is a result here, not news for the terminal
    UnderTest.backend = make_backend()
    tests = functions()
    # What a test or the compiler prints does not belong into the table.
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(quiet, stream)
    while (name := pipe.recv()) is not None:
        UnderTest.runs = 0
        try:
            tests[name](None)
            answer = (UnderTest.runs > 0, "" if UnderTest.runs else "the model was not run")
        except unittest.SkipTest as skip:
            answer = (False, f"skipped: {skip}")
        except KeyboardInterrupt:
            return
        except BaseException as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            answer = (False, f"{type(error).__name__}: {' | '.join(lines)[:400]}")
        pipe.send(answer)


class Worker:
    """A process that runs one test at a time."""

    def __init__(self, make_backend: Callable[[], type[Backend]]) -> None:
        self.make_backend = make_backend
        self.process: multiprocessing.process.BaseProcess | None = None
        self.name: str | None = None

    def begin(self, name: str) -> None:
        """Start a test, and a process for it if there is none."""
        if self.process is None:
            functions()  # a forked process inherits them
            context = multiprocessing.get_context("fork")
            self.pipe, theirs = context.Pipe()
            self.process = context.Process(
                target=_worker, args=(self.make_backend, theirs), daemon=True
            )
            self.process.start()
            theirs.close()
        self.name, self.started = name, time.monotonic()
        self.pipe.send(name)

    def finish(self) -> tuple[str, str, float] | None:
        """(outcome, message, seconds) once the test is over, else None."""
        seconds = time.monotonic() - self.started
        try:
            if self.pipe.poll():
                passed, message = self.pipe.recv()
                return ("passed" if passed else "failed"), message, seconds
        except (EOFError, ConnectionResetError):
            self.process.join()
            code = self.process.exitcode
            self.process = None
            return "crashed", f"the process ended with {code}", seconds
        if seconds > LIMIT_SECONDS:
            self.stop()
            return "timeout", f"still running after {LIMIT_SECONDS:.0f} s", seconds
        return None

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.pipe.close()
            self.process = None


def run_tests(
    names: list[str],
    about: dict[str, str],
    make_backend: Callable[[], type[Backend]],
    workers: int = 2,
    tell: Callable[[int], None] = lambda done: None,
) -> list[Result]:
    """Run the named tests; `about` gives the operator of each for the table."""
    pool = [Worker(make_backend) for _ in range(min(workers, len(names)))]
    queue, results = list(reversed(names)), []
    try:
        for worker in pool:
            worker.begin(queue.pop())
        busy = list(pool)
        while busy:
            wait([worker.pipe for worker in busy], timeout=1.0)
            for worker in list(busy):
                if (outcome := worker.finish()) is None:
                    continue
                results.append(Result(worker.name, about[worker.name], *outcome))
                tell(len(results))
                if queue:
                    worker.begin(queue.pop())
                else:
                    busy.remove(worker)
    finally:
        for worker in pool:
            worker.stop()
    return sorted(results, key=lambda result: result.name)


def longtail_backend(target: str | None = None) -> type[Backend]:
    """The backend under test; `target` is an emulated machine, or None for this one."""
    from longtail.backends.onnx import LongtailBackend, LongtailRep

    if target is None:
        return LongtailBackend

    from longtail import emulation

    class EmulatedBackend(LongtailBackend):
        @classmethod
        def prepare(cls, model, device="CPU", **kwargs):
            return LongtailRep(emulation.compile_emulated(model, target))

    return EmulatedBackend


# ---- the command line --------------------------------------------------------------------------


def table(results: list[Result]) -> Table:
    """Passed and all tests of each operator; those with failures come first."""
    counts: dict[str, list[int]] = {}
    for result in results:
        entry = counts.setdefault(result.operator, [0, 0])
        entry[0] += result.outcome == "passed"
        entry[1] += 1
    shown = Table(title="Official ONNX backend tests by operator", title_justify="left")
    for heading in ("operator", "passed", "of"):
        shown.add_column(heading, justify="left" if heading == "operator" else "right")
    for operator, (passed, total) in sorted(
        counts.items(), key=lambda each: (each[1][0] - each[1][1], each[0])
    ):
        style = None if passed == total else "yellow" if passed else "red"
        shown.add_row(operator, str(passed), str(total), style=style)
    return shown


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--registered-only",
        action="store_true",
        help="only tests all of whose operators the compiler has (functions may be inlined)",
    )
    parser.add_argument("-k", default="", metavar="TEXT", help="only tests whose name contains it")
    parser.add_argument("--target", help="run on an emulated machine: one of emulation.MACHINES")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--failures", action="store_true", help="print why each test failed")
    parser.add_argument(
        "--json", type=Path, default=ROOT / "build" / "conformance" / "results.json"
    )
    parser.add_argument("--update", action="store_true", help="write what passes to expected.json")
    parser.add_argument(
        "--page", action="store_true", help="write docs/backend-tests.md (all tests only)"
    )
    options = parser.parse_args()
    console = Console()

    everything = models()
    names = sorted(functions())
    if options.registered_only:
        from longtail import _compiler

        registered = {(domain, name) for domain, name, _ in _compiler.operators()}
        names = [n for n in names if n in everything and is_registered(everything[n], registered)]
    names = [name for name in names if options.k in name]
    if not names:
        print("conformance: no test has such a name", file=sys.stderr)
        return 2
    about = {name: main_operator(name) for name in names}

    begin = time.monotonic()
    with console.status("starting") as status:
        results = run_tests(
            names,
            about,
            functools.partial(longtail_backend, options.target),
            options.workers,
            lambda done: status.update(f"{done} of {len(names)}"),
        )
    passed = [result.name for result in results if result.outcome == "passed"]
    if options.failures:
        for result in results:
            if result.outcome != "passed":
                console.print(f"{result.outcome} {result.name}: {result.message}", markup=False)
    console.print(table(results))
    console.print(
        f"{len(passed)} of {len(results)} passed ({100 * len(passed) / len(results):.1f} %) "
        f"in {time.monotonic() - begin:.0f} s",
        highlight=False,
    )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps([asdict(result) for result in results], indent=1))
    if options.page:
        if len(results) != len(functions()):
            print("conformance: the page is about all tests", file=sys.stderr)
            return 2
        page.PAGE.write_text(page.render(results, onnx.__version__))
    if options.update:
        update(passed, {result.name for result in results})
    return 0


def update(passed: list[str], ran: set[str]) -> None:
    """Write expected.json: tests that ran are replaced, the others stay as they were."""
    kept = {name for name in expected() if name not in ran}
    EXPECTED.write_text(json.dumps(sorted(kept | set(passed)), indent=0) + "\n")


def expected() -> list[str]:
    """The tests that must pass."""
    return json.loads(EXPECTED.read_text()) if EXPECTED.exists() else []


if __name__ == "__main__":
    sys.exit(main())
