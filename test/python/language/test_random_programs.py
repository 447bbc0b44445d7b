"""A few random operators in all modes; `make random-ops` runs many."""

from __future__ import annotations

import pytest
from random_programs import generate
from random_runs import check

COUNT = 24


@pytest.mark.filterwarnings("ignore:Mean of empty slice")  # of NumPy, in mode "python"
@pytest.mark.parametrize("seed", range(COUNT))
def test_random_operator(seed, tmp_path):
    outcome = check(generate(seed), tmp_path)
    assert outcome.kind in ("agrees", "idle"), f"seed {seed}: {outcome.text}"


def test_most_programs_are_compared(tmp_path):
    kinds = [check(generate(seed), tmp_path).kind for seed in range(COUNT, COUNT + 6)]
    assert kinds.count("agrees") >= 4


def test_programs_come_from_their_seed_alone():
    assert generate(5).source() == generate(5).source()
    assert len({generate(seed).source() for seed in range(50)}) == 50


def test_a_wrong_mode_is_found(tmp_path, monkeypatch):
    import random_runs

    def wrong(operator, mode, after, arguments, named):
        found = operator.python(*arguments)
        return tuple(a + 1 for a in found) if isinstance(found, tuple) else found + 1

    monkeypatch.setattr(random_runs, "run", wrong)
    kinds = {check(generate(seed), tmp_path).kind for seed in range(4)}
    assert "differs" in kinds
