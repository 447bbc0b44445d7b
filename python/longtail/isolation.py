"""Compile in a child process: whatever a model does to the compiler, this process goes on.

The child is limited in time and memory by the operating system. What it reports comes back through
a pipe, one JSON object a line; the artifact comes back as files of a folder that both know.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import CompileError, InputError

Progress = Callable[[str, int, int], None]

_OUTPUT_KEPT = 4000  # last bytes of what the child wrote to its standard error
# What the libraries say when memory, or the memory for a thread's stack, cannot be had.
_OUT_OF_MEMORY = (
    "out of memory",
    "allocation failed",
    "bad_alloc",
    "cannot allocate memory",
    "pthread_create failed: resource temporarily unavailable",
)


class CompilerCrashError(CompileError):
    """The compiler's process ended without an answer: a defect of the compiler.

    `phase` is the phase that was running or None, `signal` the signal's number or None, `output`
    the end of what the process wrote to its standard error.
    """

    def __init__(
        self, diagnostic: str, phase: str | None, signal_number: int | None, output: str
    ) -> None:
        super().__init__([diagnostic])
        self.phase, self.signal, self.output = phase, signal_number, output


class CompileTimeoutError(CompileError, TimeoutError):
    """Compiling took longer than it was allowed to; `phase` is the phase that was running."""

    def __init__(self, seconds: float, phase: str | None) -> None:
        super().__init__([f"compiling took longer than {seconds:g} s{_during(phase)}"])
        self.phase = phase


class CompileMemoryError(CompileError, MemoryError):
    """Compiling needed more memory than it was allowed; `phase` is the phase that was running."""

    def __init__(self, limit: int, phase: str | None) -> None:
        super().__init__([f"compiling needed more than {limit} bytes of memory{_during(phase)}"])
        self.phase = phase


class IsolatedArtifact:
    """What another process compiled, with the methods of the compiler's own artifacts."""

    def __init__(self, folder: Path) -> None:
        container = folder / "artifact"
        self._bytes = container.read_bytes() if container.exists() else None
        self._facts = json.loads((folder / "facts.json").read_text())
        self._objects = [
            (folder / f"object.{k}").read_bytes() for k in range(self._facts["objects"])
        ]

    def bytes(self) -> bytes:
        """The artifact. Raises CompileError if compilation ended before its last phase."""
        if self._bytes is None:
            raise CompileError(self._facts["incomplete"])
        return self._bytes

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the artifact; it appears whole or not at all. Raises OSError if that fails."""
        from . import _runtime

        _runtime.write_file(path, self.bytes())

    def report(self) -> dict[str, Any]:
        """What the compiler did."""
        return self._facts["report"]

    def stages(self) -> dict[str, str]:
        """The IR after each phase, if it was kept."""
        return self._facts["stages"]

    def assembly(self) -> str:
        """The kernels as assembly text. Raises CompileError if they were not kept."""
        if self._facts["assembly"] is None:
            raise CompileError(self._facts["no_code"])
        return self._facts["assembly"]

    def objects(self) -> list[bytes]:
        """The kernels as object files. Raises CompileError if they were not kept."""
        if self._facts["assembly"] is None:
            raise CompileError(self._facts["no_code"])
        return self._objects


def check_limits(timeout: float | None, memory_limit: int | None) -> None:
    """Raises InputError naming the limit that is no positive number."""
    if timeout is not None and not 0 < timeout < float("inf"):
        raise InputError(f"timeout is {timeout!r}; a number of seconds above 0 is needed")
    if memory_limit is not None and (not isinstance(memory_limit, int) or memory_limit <= 0):
        raise InputError(f"memory_limit is {memory_limit!r}; a number of bytes above 0 is needed")


def compile_isolated(
    source: str | bytes,
    settings: dict[str, Any],
    progress: Progress | None = None,
    timeout: float | None = None,
    memory_limit: int | None = None,
) -> IsolatedArtifact:
    """Compile `source` (a path or the bytes of a model) in a process of its own.

    timeout       seconds until the process is killed.
    memory_limit  bytes that compiling may allocate; a model's file that is mapped does not count.

    Raises CompileError with the compiler's findings, CompileTimeoutError, CompileMemoryError, or
    CompilerCrashError if the process ends without an answer.
    """
    check_limits(timeout, memory_limit)
    with tempfile.TemporaryDirectory(prefix="longtail-") as name:
        folder = Path(name)
        if isinstance(source, bytes):
            (folder / "model").write_bytes(source)
        request = {
            "path": None if isinstance(source, bytes) else str(Path(source).absolute()),
            "settings": settings,
            "memory_limit": memory_limit,
        }
        (folder / "request.json").write_text(json.dumps(request))
        _run_child(folder, progress, timeout, memory_limit)
        return IsolatedArtifact(folder)


def _during(phase: str | None) -> str:
    return f" (in phase '{phase}')" if phase else ""


def _run_child(
    folder: Path, progress: Progress | None, timeout: float | None, memory_limit: int | None
) -> None:
    """Runs `_child` in a new process, passes its progress on and raises what it complains of."""
    reading, writing = os.pipe()
    # The same package as this one, wherever it was found.
    code = "import sys; sys.path.insert(0, sys.argv[1]); from longtail.isolation import _child; "
    package = str(Path(__file__).absolute().parents[1])
    deadline = None if timeout is None else time.monotonic() + timeout
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", code + "_child()", package, str(folder), str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[writing],
            start_new_session=True,
        )
    os.close(writing)
    phase: str | None = None
    answer: dict[str, Any] | None = None
    try:
        for message in _messages(reading, deadline):
            if message is None:
                raise CompileTimeoutError(timeout or 0, phase)
            if "phase" in message:
                phase = message["phase"]
                if progress:
                    progress(message["phase"], message["index"], message["total"])
            else:
                answer = message
        try:
            status = process.wait(None if deadline is None else max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise CompileTimeoutError(timeout or 0, phase) from None
    finally:
        os.close(reading)
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    _judge(folder, answer, status, phase, memory_limit)


def _messages(descriptor: int, deadline: float | None) -> Any:
    """The objects that come through a pipe until its end; None when it is too late."""
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if (left is not None and left <= 0) or not selector.select(left):
                yield None
                return
            data = os.read(descriptor, 1 << 16)
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                yield json.loads(line)


def _judge(
    folder: Path,
    answer: dict[str, Any] | None,
    status: int,
    phase: str | None,
    memory_limit: int | None,
) -> None:
    """Raises what the child's answer or its end means; returns if all is well."""
    if answer is not None and answer.get("memory") and memory_limit is not None:
        raise CompileMemoryError(memory_limit, phase)
    if answer is not None and "errors" in answer:
        raise CompileError(answer["errors"])
    if answer is not None and status == 0:
        return
    output = (folder / "output").read_bytes()[-_OUTPUT_KEPT:].decode(errors="replace")
    if memory_limit is not None and any(text in output.lower() for text in _OUT_OF_MEMORY):
        raise CompileMemoryError(memory_limit, phase)
    if status < 0:
        name = signal.strsignal(-status) or "unknown"
        what = f"was ended by signal {-status} ({name.lower()})"
    else:
        what = f"ended with code {status} and no answer"
    raise CompilerCrashError(
        f"the compiler's process {what}{_during(phase)}",
        phase,
        -status if status < 0 else None,
        output,
    )


def _limit_memory(limit: int) -> None:
    """Private memory that can be written: not what is mapped from files."""
    used = 0
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(("VmData:", "VmStk:")):
            used += int(line.split()[1]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (used + limit, used + limit))


def _child() -> None:
    """The other process: reads the request of its folder, answers through its pipe."""
    folder, pipe = Path(sys.argv[2]), int(sys.argv[3])
    request = json.loads((folder / "request.json").read_text())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def tell(message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(pipe, data) :]

    from . import _compiler

    if request["memory_limit"]:
        _limit_memory(request["memory_limit"])
    try:
        source = request["path"]
        if source is None:
            source = (folder / "model").read_bytes()
        artifact = _compiler.compile(
            source,
            request["settings"],
            lambda phase, index, total: tell({"phase": phase, "index": index, "total": total}),
        )
        _write(_compiler, artifact, folder)
    except _compiler.CompileError as error:
        tell({"errors": getattr(error, "diagnostics", None) or [str(error)]})
    except MemoryError:
        tell({"memory": True, "errors": ["out of memory"]})
    else:
        tell({"done": True})


def _write(compiler: Any, artifact: Any, folder: Path) -> None:
    facts: dict[str, Any] = {"report": dict(artifact.report()), "stages": dict(artifact.stages())}
    try:
        facts["assembly"] = artifact.assembly()
        objects = list(artifact.objects())
    except compiler.CompileError as error:
        facts["assembly"], objects = None, []
        facts["no_code"] = getattr(error, "diagnostics", None) or [str(error)]
    try:
        (folder / "artifact").write_bytes(artifact.bytes())
    except compiler.CompileError as error:
        facts["incomplete"] = getattr(error, "diagnostics", None) or [str(error)]
    for number, data in enumerate(objects):
        (folder / f"object.{number}").write_bytes(data)
    facts["objects"] = len(objects)
    (folder / "facts.json").write_text(json.dumps(facts))
