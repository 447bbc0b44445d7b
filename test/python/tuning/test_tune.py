"""Tuning as a whole: records come to be, are used, and never harm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import onnx.helper as oh
import pytest
from onnx import numpy_helper

import longtail
from longtail.__main__ import main
from longtail.tuning import Records
from longtail.tuning.records import Machine, Record


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """A product, a softmax, and rows that the model leaves open."""
    rng = np.random.default_rng(0)
    weights = numpy_helper.from_array(rng.standard_normal((40, 72)).astype(np.float32), "w")
    nodes = [
        oh.make_node("MatMul", ["x", "w"], ["m"], name="product"),
        oh.make_node("Softmax", ["m"], ["y"], name="rows"),
    ]
    graph = oh.make_graph(
        nodes,
        "network",
        [oh.make_tensor_value_info("x", 1, ("n", 40))],
        [oh.make_tensor_value_info("y", 1, ("n", 72))],
        [weights],
    )
    path = tmp_path / "network.onnx"
    onnx.save(oh.make_model(graph, opset_imports=[oh.make_opsetid("", 21)], ir_version=10), path)
    return path


def groups_of(model: Path) -> list[dict]:
    from longtail import _compiler

    settings = {"to": "schedule", "tuning": {"threads": 1, "shapes": [[30, 40]]}}
    return list(_compiler.compile(str(model), settings, None).report()["tuning"])


def record(entry: dict, schedule: str, **how: object) -> Record:
    here = Machine.here(1)
    values = {
        "structure": entry["group"],
        "shapes": entry["shapes"],
        "types": entry["types"],
        "target": here.target,
        "microarchitecture": here.microarchitecture,
        "threads": 1,
        "version": here.version,
        "strategy": entry["class"],
        "name": "n",
        "schedule": schedule,
        "model_schedule": schedule,
        "nanoseconds": 1.0,
        "model_nanoseconds": 1.0,
        "gain": 1.0,
        "tried": 1,
    }
    return Record(**(values | how))


def sources(model: longtail.CompiledModel) -> list[str]:
    return [group["source"] for group in model.report()["groups"]]


def test_tuning_fills_a_file_that_compiling_uses(network: Path, tmp_path: Path) -> None:
    file = tmp_path / "r.sqlite"
    told: list[str] = []
    done = longtail.tune(
        network, 5, file, sizes={"n": 30}, progress=lambda *facts: told.append(facts[3])
    )
    assert {each.source for each in done.groups} == {"measured"}
    assert done.rejected == []
    assert done.gain >= 1
    assert "done" in told
    records = Records(file).all()
    assert len(records) == len(done.groups)
    assert all(each.tried > 1 for each in records)

    tuned = longtail.compile(network, records=file)
    assert sources(tuned) == ["tuned"] * len(records)
    assert "records" in tuned.provenance
    x = np.random.default_rng(1).standard_normal((30, 40)).astype(np.float32)
    plain = longtail.compile(network, records=False)
    assert sources(plain) == ["model"] * len(records)
    np.testing.assert_allclose(tuned(x), plain(x), rtol=1e-4, atol=1e-6)

    again = longtail.tune(network, 20, file, sizes={"n": 30})
    assert {each.source for each in again.groups} == {"known"}
    assert again.seconds < 10


def test_equal_records_give_equal_artifacts(network: Path, tmp_path: Path) -> None:
    entry = next(e for e in groups_of(network) if e["class"] == "contraction")
    other = next(text for text, _ in entry["candidates"] if text != entry["schedule"])
    store = Records(tmp_path / "r.sqlite")
    store.add([record(entry, other)])
    first = longtail.compile(network, records=store.path)
    unrelated = record(entry, other, structure="00" * 20)
    store.add([unrelated])
    second = longtail.compile(network, records=store.path)
    assert first.to_bytes() == second.to_bytes()
    schedules = [g["schedule"] for g in first.report()["groups"] if g["source"] == "tuned"]
    assert schedules == [other]
    missing = longtail.compile(network, records=tmp_path / "missing.sqlite")
    assert missing.to_bytes() == longtail.compile(network, records=False).to_bytes()


BAD = {
    "no schedule": "hello",
    "another attribute": "#access.map<(d0) -> (d0)>",
    "field missing": "#kernel.schedule<lanes = 16>",
    "not positive": "#kernel.schedule<lanes = 16, rows = 0, vectors = 1, unroll = 1, grain = 1, "
    "panels = 1, depth = 0>",
    "too many rows": "#kernel.schedule<lanes = 16, rows = 100, vectors = 60, unroll = 1, "
    "grain = 1, panels = 1, depth = 0>",
    "too much code": "#kernel.schedule<lanes = 16, rows = 1, vectors = 1, unroll = 100000, "
    "grain = 1, panels = 1, depth = 0>",
    "wide": "#kernel.schedule<lanes = 4096, rows = 1, vectors = 1, unroll = 1, grain = 1, "
    "panels = 1, depth = 0>",
    "overflow": "#kernel.schedule<lanes = 16, rows = 1, vectors = 1, unroll = 1, "
    "grain = 9223372036854775807, panels = 1, depth = 0>",
    "binary": "\x01\x02\udcff".encode("utf-8", "replace").decode(),
    "deep": "#" * 5000,
}


@pytest.mark.parametrize("kind", BAD)
def test_a_schedule_that_cannot_be_obeyed_is_one_warning(
    network: Path, tmp_path: Path, kind: str
) -> None:
    store = Records(tmp_path / "r.sqlite")
    store.add([record(entry, BAD[kind]) for entry in groups_of(network)])
    model = longtail.compile(network, records=store.path)
    assert set(sources(model)) == {"model"}
    warnings = [text for text in model.report()["warnings"] if "tuning record" in text]
    assert len(warnings) == 1, warnings
    assert model.to_bytes() == longtail.compile(network, records=False).to_bytes()


def test_a_tuner_that_is_killed_keeps_what_it_had(network: Path, tmp_path: Path) -> None:
    file = tmp_path / "r.sqlite"
    command = [sys.executable, "-m", "longtail", "tune", str(network), "-o", str(file)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([*command, "--budget", "60s"], env=env, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while time.monotonic() < end and not (file.exists() and len(Records(file).all()) > 0):
        time.sleep(0.02)
    process.kill()
    process.wait()
    kept = len(Records(file).all())
    assert kept >= 1
    done = longtail.tune(network, 5, file)
    assert sum(each.source == "known" for each in done.groups) == kept
    assert sum(each.source == "measured" for each in done.groups) == len(done.groups) - kept


def test_the_variable_names_the_file(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = next(e for e in groups_of(network) if e["class"] == "rows")
    Records(tmp_path / "r.sqlite").add([record(entry, entry["schedule"])])
    monkeypatch.setenv("LONGTAIL_RECORDS", str(tmp_path / "r.sqlite"))
    assert sources(longtail.compile(network)).count("tuned") == 1
    assert sources(longtail.compile(network, naive=True)).count("tuned") == 0
    monkeypatch.setenv("LONGTAIL_RECORDS", "off")
    assert sources(longtail.compile(network)).count("tuned") == 0
    with pytest.raises(longtail.InputError, match="LONGTAIL_RECORDS"):
        longtail.tune(network, 1)


def test_bad_arguments_name_what_is_wrong(network: Path, tmp_path: Path) -> None:
    file = tmp_path / "r.sqlite"
    with pytest.raises(longtail.InputError, match="budget is 0"):
        longtail.tune(network, 0, file)
    with pytest.raises(longtail.InputError, match="no input 'm'; names of dimensions: n"):
        longtail.tune(network, 1, file, sizes={"m": 3})
    with pytest.raises(longtail.InputError, match="input 'x' has 2 dimensions, 1 are given"):
        longtail.tune(network, 1, file, sizes={"x": (3,)})
    with pytest.raises(longtail.CompileError, match="no target 'z80'"):
        longtail.tune(network, 1, file, target="z80")
    with pytest.raises(longtail.InputError, match="aarch64"):
        longtail.tune(network, 1, file, target="aarch64")
    (tmp_path / "text").write_text("no database")
    with pytest.raises(longtail.Error, match="text"):
        longtail.tune(network, 1, tmp_path / "text")


def test_the_commands(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "r.sqlite")
    assert main(["tune", str(network), "--budget", "3s", "-o", file, "--size", "n=8"]) == 0
    out = capsys.readouterr().out
    assert "gain" in out
    assert "measured" in out
    assert main(["report", str(network), "--records", file]) == 0
    assert "tuned" in capsys.readouterr().out
    assert main(["report", str(network), "--records", "off"]) == 0
    assert "tuned" not in capsys.readouterr().out
    other = str(tmp_path / "other.sqlite")
    assert main(["records", other, "--merge", file, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(Records(file).all())
    assert main(["records", str(tmp_path / "missing")]) == 2
    with pytest.raises(SystemExit):
        main(["tune", str(network), "--budget", "soon"])
