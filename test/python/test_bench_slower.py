"""bench/slower.py: which cases lost speed between runs."""

from __future__ import annotations

import pytest

import slower


def _record(
    time: str, ratios: dict[str, float], processor: str = "p", failed: bool = False
) -> dict:
    row = {
        "case": "c",
        "threads": 1,
        "clock": "cpu",
        "ratios": {peer: {"median": value} for peer, value in ratios.items()},
        "errors": {"Longtail": "wrong"} if failed else {},
    }
    return {
        "time": time,
        "machine": {"processor": processor, "instructions": "i", "cores": 2},
        "models": [row],
    }


@pytest.mark.parametrize(
    ("now", "lost"),
    [
        ({"a": 1.0, "b": 2.0}, []),
        ({"a": 0.5, "b": 2.0}, []),  # only one peer changed
        ({"a": 0.5, "b": 1.2}, [0.6]),
    ],
)
def test_a_loss_shows_against_every_peer(now: dict[str, float], lost: list[float]) -> None:
    records = [_record("1", {"a": 1.0, "b": 2.0}), _record("2", now)]
    found, compared = slower.losses(records, 0.1)
    assert compared == 1
    assert [loss.kept for loss in found] == pytest.approx(lost)


def test_only_the_same_kind_of_machine_counts() -> None:
    records = [_record("1", {"a": 9.0}, processor="other"), _record("2", {"a": 1.0})]
    assert slower.losses(records, 0.1) == ([], 0)


def test_the_latest_earlier_run_counts() -> None:
    records = [_record("1", {"a": 9.0}), _record("2", {"a": 1.0}), _record("3", {"a": 0.5})]
    assert [loss.since for loss in slower.losses(records, 0.1)[0]] == ["2"]


def test_a_case_that_fails_now_is_a_loss() -> None:
    records = [_record("1", {"a": 1.0}), _record("2", {}, failed=True)]
    assert [loss.kept for loss in slower.losses(records, 0.1)[0]] == [0.0]
