"""The file of records: which schedule is best for a group, on which machine.

A record holds for one kind of group (a hash of its IR, and its sizes), target, micro-architecture,
number of threads and version of the compiler. Files can be merged: of two records of one thing the
one that gained more stays.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from ..errors import Error

# Written into the file; another number is another layout of the table.
_FORMAT = 1
_MAGIC = 0x4C544152  # "LTAR"

RecordTriple = tuple[str, str, str]


class RecordsWarning(UserWarning):
    """A file of records cannot be used; the model is compiled without."""


@dataclass(frozen=True)
class Machine:
    """What a measurement depends on besides the group; all parts must be equal for its use."""

    target: str
    microarchitecture: str
    threads: int
    version: str

    @classmethod
    def here(cls, threads: int) -> Machine:
        """This one."""
        from .. import _compiler

        return cls(*_compiler.host()[:2], threads, _compiler.host()[2])


@dataclass(frozen=True)
class Record:
    """One measured group. Times are medians in nanoseconds; `gain` is the median of the ratios of
    times that were taken side by side, model's schedule to this one. `tried` counts schedules."""

    structure: str
    shapes: str
    types: str
    target: str
    microarchitecture: str
    threads: int
    version: str
    strategy: str
    name: str
    schedule: str
    model_schedule: str
    nanoseconds: float
    model_nanoseconds: float
    gain: float
    tried: int

    @property
    def group(self) -> str:
        """The key that the compiler looks for."""
        return f"{self.structure}|{self.shapes}"


_COLUMNS = [each.name for each in fields(Record)]
_KEY = ("structure", "shapes", "types", "target", "microarchitecture", "threads", "version")
_TABLE = f"CREATE TABLE records ({', '.join(_COLUMNS)}, PRIMARY KEY ({', '.join(_KEY)}))"


class Records:
    """A file of records, made when the first one is added. Several processes may use it at once."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def add(self, records: Iterable[Record]) -> None:
        """Write records, whole or not at all; those of equal keys are replaced."""
        marks = ", ".join("?" * len(_COLUMNS))
        with self._open(write=True) as connection, connection:
            connection.executemany(
                f"INSERT OR REPLACE INTO records VALUES ({marks})", map(astuple, records)
            )

    def all(self) -> list[Record]:
        """All records in a fixed order. Raises Error if the file is no file of records."""
        if not self.path.exists():
            return []
        names = ", ".join(_COLUMNS)
        with self._open() as connection:
            rows = connection.execute(f"SELECT {names} FROM records ORDER BY {', '.join(_KEY)}")
            return [_checked(self.path, row) for row in rows]

    def of(self, machine: Machine) -> list[Record]:
        """Those that were measured on a machine, in a fixed order."""
        return [
            each
            for each in self.all()
            if (each.microarchitecture, each.threads, each.version)
            == (machine.microarchitecture, machine.threads, machine.version)
        ]

    def merge(self, others: Iterable[Records]) -> int:
        """Take over what is new or gained more elsewhere; returns how many records that were."""
        known = {astuple(each)[: len(_KEY)]: each for each in self.all()}
        taken: dict[tuple, Record] = {}
        for other in others:
            if not other.path.exists():
                raise Error(f"{other.path}: there is no such file of records")
            for record in other.all():
                key = astuple(record)[: len(_KEY)]
                best = taken.get(key) or known.get(key)
                if best is None or record.gain > best.gain:
                    taken[key] = record
        if taken:
            self.add(taken.values())
        return len(taken)

    @contextlib.contextmanager
    def _open(self, write: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            if write and not self.path.exists():
                self._create()
            mode = "rw" if write else "ro"
            place = f"{self.path.absolute().as_uri()}?mode={mode}"
            with contextlib.closing(sqlite3.connect(place, timeout=30, uri=True)) as connection:
                self._check(connection)
                yield connection
        except sqlite3.Error as error:
            raise Error(f"{self.path}: cannot be used as a file of records: {error}") from None

    def _create(self) -> None:
        """An empty file of records, which appears as a whole: others may be waiting to read it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.path.parent) as folder:
            new = Path(folder) / "records"
            with contextlib.closing(sqlite3.connect(new)) as connection:
                connection.execute(_TABLE)
                connection.execute(f"PRAGMA application_id = {_MAGIC}")
                connection.execute(f"PRAGMA user_version = {_FORMAT}")
            with contextlib.suppress(FileExistsError):  # another process was faster
                os.link(new, self.path)

    def _check(self, connection: sqlite3.Connection) -> None:
        magic = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if magic != _MAGIC:
            raise Error(f"{self.path}: is no file of records")
        elif version != _FORMAT:
            raise Error(
                f"{self.path}: has format {version}, this version of Longtail reads {_FORMAT}"
            )


def _checked(path: Path, row: tuple) -> Record:
    kinds = [{"str": str, "int": int, "float": (int, float)}[str(f.type)] for f in fields(Record)]
    if not all(isinstance(value, kind) for value, kind in zip(row, kinds, strict=True)):
        raise Error(f"{path}: a record has a field of a wrong type")
    return Record(*row)


def usable(path: Path, threads: int) -> list[RecordTriple]:
    """(target, group, schedule) of the records that hold on this machine, for the compiler.

    A file that cannot be used, or holds records of other versions only, is a RecordsWarning.
    """
    if not path.exists():
        return []
    machine = Machine.here(threads)
    try:
        everything = Records(path).all()
    except (Error, OSError) as error:
        warnings.warn(f"compiled without tuning records: {error}", RecordsWarning, stacklevel=4)
        return []
    found = [
        each
        for each in everything
        if each.microarchitecture == machine.microarchitecture and each.threads == threads
    ]
    fitting = [(e.target, e.group, e.schedule) for e in found if e.version == machine.version]
    if found and not fitting:
        text = f"{path}: all records are of other versions of the compiler ({found[0].version})"
        warnings.warn(f"compiled without tuning records: {text}", RecordsWarning, stacklevel=4)
    return fitting
