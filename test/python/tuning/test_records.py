"""The file of records: adding, merging, and files that are damaged or of other versions."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import pytest

import longtail
from longtail.tuning import Records, RecordsWarning
from longtail.tuning.records import Machine, Record, usable

HERE = Machine.here(1)
RECORD = Record(
    "ab" * 20,
    "4x4",
    "f32->f32",
    HERE.target,
    HERE.microarchitecture,
    1,
    HERE.version,
    "pointwise",
    "node",
    "#kernel.schedule<>",
    "#kernel.schedule<>",
    10.0,
    12.0,
    1.2,
    5,
)


def changed(**how: object) -> Record:
    return dataclasses.replace(RECORD, **how)


def test_records_stay(tmp_path: Path) -> None:
    store = Records(tmp_path / "new" / "r.sqlite")
    assert store.all() == []
    store.add([RECORD, changed(shapes="8x8")])
    store.add([changed(gain=2.0)])  # replaces the first
    assert Records(store.path).all() == [changed(gain=2.0), changed(shapes="8x8")]


def test_only_those_of_this_machine_are_used(tmp_path: Path) -> None:
    store = Records(tmp_path / "r.sqlite")
    others = [changed(microarchitecture="other"), changed(threads=2), changed(version="0")]
    store.add([RECORD, *others])
    assert store.of(HERE) == [RECORD]
    assert usable(store.path, 1) == [(HERE.target, RECORD.group, RECORD.schedule)]


def test_merging_keeps_what_gained_more(tmp_path: Path) -> None:
    a, b = Records(tmp_path / "a"), Records(tmp_path / "b")
    a.add([RECORD, changed(shapes="1", gain=3.0)])
    b.add([changed(gain=1.5), changed(shapes="1", gain=1.1), changed(shapes="2")])
    assert a.merge([b]) == 2
    assert a.all() == [changed(shapes="1", gain=3.0), changed(shapes="2"), changed(gain=1.5)]
    assert a.merge([b]) == 0
    with pytest.raises(longtail.Error, match="no such file"):
        a.merge([Records(tmp_path / "missing")])


def test_records_of_other_versions_are_one_warning(tmp_path: Path) -> None:
    store = Records(tmp_path / "r.sqlite")
    store.add([changed(version="0.0.1"), changed(version="0.0.1", shapes="2")])
    with pytest.warns(RecordsWarning, match=r"other versions.*0\.0\.1") as seen:
        assert usable(store.path, 1) == []
    assert len(seen) == 1


def damaged(path: Path, kind: str) -> None:
    store = Records(path)
    store.add([changed(shapes=str(k)) for k in range(200)])
    if kind == "text":
        path.write_text("this is no database, " * 100)
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "overwritten":
        data = bytearray(path.read_bytes())
        data[4096:20000] = b"\xa5" * (20000 - 4096)
        path.write_bytes(bytes(data))
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "format":
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99")
    elif kind == "other database":
        path.unlink()
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE t (x)")
    elif kind == "type":
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE records SET schedule = x'00ff' WHERE shapes = '3'")
    elif kind == "folder":
        path.unlink()
        path.mkdir()


KINDS = ["text", "cut", "overwritten", "empty", "format", "other database", "type", "folder"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_an_error_that_names_it_and_one_warning_for_compile(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "r.sqlite"
    damaged(path, kind)
    with pytest.raises(longtail.Error, match=r"r\.sqlite"):
        Records(path).all()
    with pytest.warns(RecordsWarning, match="compiled without tuning records") as seen:
        assert usable(path, 1) == []
    assert len(seen) == 1
