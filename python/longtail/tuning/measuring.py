"""The measuring process seen from outside: it may crash, hang, or take all the memory; then the
schedule that it worked on is at fault, and another process goes on."""

from __future__ import annotations

import contextlib
import json
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ..errors import Error


class MeasuringError(Error):
    """A request was not answered, or with a failure."""


class Measurer:
    """A process that measures one group at a time. Use it as a context manager."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed by __exit__)
        self._pending = b""

    def __enter__(self) -> Measurer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._log.close()

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """The answer to a request.

        Raises MeasuringError if it failed, took more than `timeout` seconds, or ended the process;
        in the latter two cases the group must be opened again.
        """
        process = self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            line = self._line(process, time.monotonic() + timeout)
        except BrokenPipeError:
            line = b""
        except TimeoutError:
            self.stop()
            raise MeasuringError(f"it took more than {timeout:g} s") from None
        if not line:
            status = process.wait()
            self.stop()
            raise MeasuringError(self._death(status))
        facts = json.loads(line)
        if "failed" in facts:
            raise MeasuringError(facts["failed"])
        return facts

    @property
    def is_running(self) -> bool:
        """False before the first request and after a death."""
        return self._process is not None

    def stop(self) -> None:
        """End the process; the next request starts another one."""
        process, self._process, self._pending = self._process, None, b""
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            # The other process finds the package where this one has found it.
            start = f"import sys; sys.path[:] = {sys.path!r}; "
            start += "from longtail.tuning.child import main; main()"
            self._log.seek(0)
            self._log.truncate()
            self._process = subprocess.Popen(
                [sys.executable, "-c", start],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                start_new_session=True,
                cwd=Path.cwd(),
            )
        return self._process

    def _line(self, process: subprocess.Popen[bytes], deadline: float) -> bytes:
        """The next line; empty at the end of the stream."""
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._pending:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise TimeoutError
                data = process.stdout.read1(1 << 16)  # type: ignore[attr-defined]
                if not data:
                    return b""
                self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def _death(self, status: int) -> str:
        self._log.seek(0)
        last = self._log.read().decode(errors="replace").strip().splitlines()[-1:]
        how = signal.strsignal(-status) if status < 0 else f"code {status}"
        return f"the measuring process ended: {how}" + (f" ({last[0]})" if last else "")
