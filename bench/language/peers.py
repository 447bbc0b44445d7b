"""What runs a row: Longtail, Numba, PyTorch as it is and compiled, ONNX Runtime.

Every one takes the arrays that it is given and allocates its results in every run, but ONNX
Runtime, whose outputs are bound. A peer that has nothing for a row gives None.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import engines
import longtail as lt
from engines import Prepared
from language.rows import Row

# Before Numba is imported: the most threads that it can be set to, and where it keeps code.
os.environ.setdefault("NUMBA_NUM_THREADS", str(max(2, len(os.sched_getaffinity(0)))))
os.environ.setdefault(
    "NUMBA_CACHE_DIR", str(Path(__file__).resolve().parents[2] / "build" / "bench" / "numba")
)

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's mallopt


def keep_pages() -> None:
    """Memory that was freed stays with the process, and is taken again for the next results.

    Else the first touch of fresh pages, which the kernel clears, is most of the time of whoever
    allocates a large result, at random.
    """
    for threshold in (_TRIM_THRESHOLD, _MMAP_THRESHOLD):
        ctypes.CDLL(None).mallopt(threshold, 1 << 30)


def _each(results: Any) -> list[Any]:
    return list(results) if isinstance(results, (tuple, list)) else [results]


def _called(call: Callable[[], Any]) -> Prepared:
    """Keeps what the last run returned."""
    last: list[Any] = [None]

    def run() -> None:
        last[0] = None  # so that its memory is there for the next
        last[0] = call()

    return Prepared(run, lambda: [np.asarray(each) for each in _each(last[0])])


def longtail(row: Row, threads: int) -> Prepared:
    """The operator as it is called in Python."""
    operator = lt.op(row.operator.function, name=row.operator.name, threads=threads)
    return _called(lambda: operator(**row.arguments))


def numba(row: Row, threads: int) -> Prepared | None:
    """The plain loops, compiled."""
    if row.loops is None:
        return None
    import numba as nb

    nb.set_num_threads(threads)
    loops = nb.njit(parallel=True, fastmath=False, cache=True)(row.loops)
    arguments = tuple(row.chosen(row.loops).values())
    return _called(lambda: loops(*arguments))


def _tensors(row: Row, threads: int, compiled: bool) -> Prepared | None:
    if row.tensors is None or (compiled and not row.captured):
        return None
    import torch

    torch.set_num_threads(threads)
    function = row.tensors
    if compiled:
        torch._dynamo.reset()
        function = torch.compile(function, fullgraph=True, dynamic=False)
    arguments = [
        torch.from_numpy(each) if isinstance(each, np.ndarray) else each
        for each in row.chosen(row.tensors).values()
    ]

    def call() -> Any:
        with torch.inference_mode():
            return function(*arguments)

    return _called(call)


def eager(row: Row, threads: int) -> Prepared | None:
    """PyTorch, operator by operator."""
    return _tensors(row, threads, compiled=False)


def compiled(row: Row, threads: int) -> Prepared | None:
    """PyTorch's compiler (Inductor)."""
    return _tensors(row, threads, compiled=True)


def onnxruntime(row: Row, threads: int) -> Prepared | None:
    """ONNX Runtime's own kernel."""
    if row.model is None:
        return None
    prepared = engines.onnxruntime(row.model, threads)
    return Prepared(prepared.run, lambda: row.picked(prepared.outputs()))


PEERS: dict[str, Callable[[Row, int], Prepared | None]] = {
    "Longtail": longtail,
    "Numba": numba,
    "PyTorch": eager,
    "torch.compile": compiled,
    "ONNX Runtime": onnxruntime,
}
