"""Machine code of operators on disk: a program that starts again need not compile them anew.

An entry is an artifact behind its SHA-256, in a file named by what it was made of: the operator's
IR, the processor, the compiler and the tuning records. Files appear whole or not at all, so that
several processes may share a folder; one that is damaged is made again. Whoever can write to the
folder decides what code runs, as with Python's own caches.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import platform
import tempfile
import warnings
from pathlib import Path

from .. import knobs, model
from ..errors import ArtifactError, Error

# When there are more files than this the oldest quarter goes.
MOST_FILES = 4096
_SUFFIX = ".lto"


def entry_of(text: str, threads: int | None) -> Path | None:
    """Where the machine code of an operator with this IR is or will be; None without a cache, and
    where compiling is asked to do more than give machine code."""
    folder = knobs.cache_folder()
    if folder is None or knobs.NAIVE.get() or knobs.DUMP_PHASES.get():
        return None
    target = knobs.TARGET.get()
    processor = _host() if target == "host" else target
    parts = [text, processor, knobs.THREADS.get(threads), *_compiler_facts()]
    records = knobs.records_path()
    if records is not None and records.exists():
        facts = records.stat()
        parts += [str(records), facts.st_size, facts.st_mtime_ns]
    name = hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
    return folder / name[:2] / (name[2:] + _SUFFIX)


@functools.cache
def _compiler_facts() -> tuple[int, int]:
    """What tells one build of the compiler from another, without loading it."""
    found = importlib.util.find_spec("longtail._compiler")
    if found is None or found.origin is None:
        raise Error("the compiler is not part of this installation")
    facts = Path(found.origin).stat()
    return facts.st_size, facts.st_mtime_ns


@functools.cache
def _host() -> str:
    """This machine's processor, as the first paragraph of /proc/cpuinfo tells it, without what
    changes while it runs."""
    lines = [platform.machine()]
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open(encoding="utf-8") as stream:
        for line in stream:
            if not line.strip():
                break
            if "MHz" not in line and "mips" not in line.lower():
                lines.append(line)
    return "".join(lines)


def read(entry: Path, threads: int | None) -> model.CompiledModel | None:
    """The operator of an entry, or None if there is none that can be used."""
    try:
        data = entry.read_bytes()
    except OSError:
        return None  # most often not there yet
    size = hashlib.sha256().digest_size
    if hashlib.sha256(data[size:]).digest() != data[:size]:
        return None
    try:
        found = model.load(data[size:], threads)
    except ArtifactError:
        return None
    with contextlib.suppress(OSError):  # of somebody else's folder
        os.utime(entry)
    return found


def write(entry: Path, made: model.CompiledModel) -> None:
    """Keeps an operator. A folder that cannot be written to is a warning."""
    data = made.to_bytes()
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=entry.parent, suffix=".new")
        try:
            with os.fdopen(number, "wb") as stream:
                stream.write(hashlib.sha256(data).digest() + data)
            Path(name).replace(entry)
        except BaseException:
            Path(name).unlink()
            raise
        _prune(entry.parents[1])
    except OSError as error:
        warnings.warn(
            f"compiled operators cannot be kept: {error}; set {knobs.CACHE.name} to another "
            "folder, or to 'off'",
            RuntimeWarning,
            stacklevel=2,
        )


def _prune(folder: Path) -> None:
    files = list(folder.glob(f"*/*{_SUFFIX}"))
    if len(files) <= MOST_FILES:
        return
    ages = []
    for file in files:
        with contextlib.suppress(OSError):  # another process has removed it
            ages.append((file.stat().st_mtime_ns, file))
    for _, file in sorted(ages)[: len(ages) // 4]:
        with contextlib.suppress(OSError):
            file.unlink()
