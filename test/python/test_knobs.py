"""Environment variables."""

from __future__ import annotations

from pathlib import Path

import pytest

import longtail as lt
from longtail import knobs


def test_argument_wins_over_variable_over_default(monkeypatch):
    monkeypatch.delenv("LONGTAIL_THREADS", raising=False)
    assert knobs.THREADS.get() == 1
    monkeypatch.setenv("LONGTAIL_THREADS", "3")
    assert knobs.THREADS.get() == 3
    assert knobs.THREADS.get(2) == 2
    monkeypatch.setenv("LONGTAIL_NAIVE", "1")
    assert knobs.NAIVE.get() is True
    assert knobs.NAIVE.get(False) is False


@pytest.mark.parametrize(
    ("name", "text"), [("THREADS", "0"), ("THREADS", "many"), ("THREADS", "-2"), ("NAIVE", "maybe")]
)
def test_bad_values_name_the_variable(monkeypatch, name, text):
    monkeypatch.setenv(f"LONGTAIL_{name}", text)
    with pytest.raises(lt.Error, match=f"LONGTAIL_{name}.*{text}"):
        getattr(knobs, name).get()


def test_no_other_file_reads_the_environment():
    package = Path(lt.__file__).parent
    readers = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if any(word in file.read_text() for word in ("os.environ", "getenv"))
    }
    assert readers == {"knobs.py"}
