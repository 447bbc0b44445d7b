"""Systems that run in processes of their own: with packages that do not go together with others,
threads that spin after a run, and models that may end the process.

`make bench-peers` installs them into `.venv-peers` (requirements-peers.txt). A process is stopped
by a signal while others are timed.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parent / ".venv-peers" / "bin" / "python"
# The module of each in `peers/`, and its function.
MODULES = {
    "MNN": ("mnn_engine", "prepare"),
    "ncnn": ("ncnn_engine", "prepare"),
    "PyTorch": ("torch_engine", "eager"),
    "torch.compile": ("torch_engine", "compiled"),
    "IREE": ("iree_engine", "prepare"),
    "TVM": ("tvm_engine", "prepare"),
}
# Importing, converting and compiling a model, and one run of it.
PREPARATION_SECONDS = 240.0
# TVM is not tuned here; what takes longer is not worth waiting for.
RUN_SECONDS = 60.0


class Process:
    """One system with one case."""

    def __init__(self, engine: str, path: Path, arrays: dict[str, np.ndarray], threads: int):
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        self._process = subprocess.Popen(
            [PYTHON, HERE / "peers" / "child.py", engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # what it starts ends and stops with it
        )
        try:
            self._asked(PREPARATION_SECONDS, "prepare", str(path), arrays, threads)
        except BaseException:
            self.close()
            raise

    def turn(self, seconds: float, clock: str) -> float:
        """The median milliseconds of a run, as `timing.one_turn` measures them, but over there."""
        return self._asked(seconds + RUN_SECONDS, "turn", seconds, clock)

    def outputs(self) -> list[np.ndarray]:
        return self._asked(RUN_SECONDS, "outputs")

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _asked(self, seconds: float, *request: Any) -> Any:
        os.killpg(self._process.pid, signal.SIGCONT)
        end = time.monotonic() + seconds
        try:
            pickle.dump(request, self._process.stdin)
            self._process.stdin.flush()
            if not select.select([self._process.stdout], [], [], end - time.monotonic())[0]:
                raise TimeoutError(f"no answer within {seconds:.0f} s")
            value, error = pickle.load(self._process.stdout)
        except (EOFError, BrokenPipeError):
            raise RuntimeError(f"the process ended with code {self._process.wait()}") from None
        if error:
            raise RuntimeError(error)
        os.killpg(self._process.pid, signal.SIGSTOP)
        return value


def prepared(engine: str) -> Callable[..., Any]:
    """What starts a process of this system for a case, in the form of `engines.ENGINES`."""
    from engines import Prepared

    def prepare(case, threads: int) -> Prepared:
        if not PYTHON.exists():
            raise RuntimeError("`make bench-peers` installs it")
        process = Process(engine, Path(case.path), dict(case.inputs), threads)
        return Prepared(None, process.outputs, process.turn, process.close)

    return prepare
