"""The measuring process: what is compared, and that nothing it does harms the tuner."""

from __future__ import annotations

import numpy as np
import pytest

from longtail.tuning.child import allowed_difference, largest_error
from longtail.tuning.measuring import Measurer, MeasuringError
from longtail.tuning.search import compare


def test_whole_numbers_and_truth_values_must_be_equal() -> None:
    n = np.array([1, 2], np.int32)
    assert largest_error([n], [n], 100, False) == 0
    assert largest_error([n + 1], [n], 100, False) == np.inf
    assert largest_error([n + 1], [n], 100, True) == 1  # computed from floats
    truth = np.array([True, False])
    assert largest_error([~truth], [truth], 100, True) == np.inf


def test_the_bound_grows_with_the_number_of_operations_and_the_element() -> None:
    x = np.array([0.0, 10.0], np.float32)
    few, many = allowed_difference(x, 1, True), allowed_difference(x, 10000, True)
    assert (few < many).all()
    assert few[0] < few[1]
    assert few.max() < 1e-3
    assert (allowed_difference(x.astype(np.float64), 1, True) < few * 1e-6).all()
    assert (allowed_difference(x.astype(np.float16), 1, True) >= few).all()


def test_a_wrong_element_is_found() -> None:
    naive = np.linspace(-1, 1, 100, dtype=np.float32)
    wrong = naive.copy()
    wrong[37] += 0.01
    assert largest_error([naive], [naive], 64, True) == 0
    assert largest_error([wrong], [naive], 64, True) > 1
    assert largest_error([naive[:50]], [naive], 64, True) == np.inf


def test_no_number_equals_no_number_only() -> None:
    naive = np.array([np.nan, np.inf, -np.inf, 1], np.float32)
    assert largest_error([naive], [naive], 1, True) == 0
    for k in range(4):
        other = naive.copy()
        other[k] = np.nan if k else 0
        assert largest_error([other], [naive], 1, True) == np.inf


def test_a_failure_leaves_the_process_alive() -> None:
    with Measurer() as measurer:
        with pytest.raises(MeasuringError, match="no group is open"):
            measurer.ask({"op": "try", "schedule": "x", "seconds": 1}, 60)
        assert measurer.is_running


def test_a_slow_answer_and_a_death_are_failures_and_another_process_follows() -> None:
    with Measurer() as measurer:
        with pytest.raises(MeasuringError, match=r"more than 0\.001 s"):
            measurer.ask({"op": "try"}, 0.001)
        assert not measurer.is_running
        with pytest.raises(MeasuringError, match=r"KeyError|ended"):
            measurer.ask({}, 60)
        with pytest.raises(MeasuringError, match="no group is open"):
            measurer.ask({"op": "try"}, 60)


def test_single_disturbed_runs_do_not_decide() -> None:
    equal = [(100.0, 100.0)] * 12
    assert compare(equal) == (1.0, 0.0)
    # The first was disturbed in most rounds, but not in the undisturbed quarter.
    disturbed = [(500.0, 100.0)] * 8 + [(100.0, 100.0)] * 4
    assert compare(disturbed)[0] == 1.0
    faster, share = compare([(130.0, 100.0)] * 10 + [(90.0, 100.0)] * 2)
    assert faster == pytest.approx(1.3)
    assert share == pytest.approx(10 / 12)
