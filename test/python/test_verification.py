"""The comparison that verify and the model tests rely on: it must find what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
from longtail.verification import difference, differences, random_inputs, reference_outputs

E = np.array([1.0, -100.0, 0.0], np.float32)


def test_equal_is_no_difference():
    assert difference("y", E, E).absolute == 0 and difference("y", E, E).passed


@pytest.mark.parametrize(
    ("actual", "passed"),
    [
        (E + np.float32(0.009), True),  # 1e-4 of the range of 100
        (E + np.float32(0.02), False),
        (E * np.float32(1.0009), True),
        (E * np.float32(1.002), False),
        (np.array([1.0, np.nan, 0.0], np.float32), False),
        (np.array([1.0, -np.inf, 0.0], np.float32), False),
        (E.astype(np.float64), False),
        (E[None], False),
    ],
)
def test_tolerance(actual, passed):
    assert difference("y", actual, E).passed is passed


def test_special_values_must_be_the_same_ones():
    special = np.array([np.nan, np.inf, -np.inf, 1.0], np.float32)
    assert difference("y", special, special).passed
    assert not difference("y", special[[0, 2, 1, 3]], special).passed
    assert not difference("y", np.ones(4, np.float32), special).passed


def test_whole_numbers_must_be_equal():
    assert difference("y", np.array([1, 2]), np.array([1, 2])).passed
    assert not difference("y", np.array([1, 2]), np.array([1, 3])).passed


def test_empty_arrays_are_equal():
    assert difference("y", np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32)).passed


def test_random_inputs_are_repeatable(on_stand_in, scaled_sum):
    model = lt.compile(scaled_sum)
    shapes = {"a": (2, 5), "b": (2, 5)}
    one, two = (random_inputs(model, shapes, seed=4) for _ in range(2))
    assert one["a"].tobytes() == two["a"].tobytes() != one["b"].tobytes()
    assert one["a"].tobytes() != random_inputs(model, shapes, seed=5)["a"].tobytes()


def test_engines_that_fail_are_errors(scaled_sum):
    with pytest.raises(lt.Error, match="onnxruntime cannot run the model"):
        reference_outputs(scaled_sum, {"a": np.zeros((3, 3), np.float32)})
    with pytest.raises(lt.Error, match="unknown engine 'abacus'"):
        reference_outputs(scaled_sum, {}, "abacus")


def test_elements_of_sequences_are_compared_one_by_one():
    names = ["list", "maybe", "plain"]
    expected = [[E, 2 * E], None, E]
    assert all(each.passed for each in differences(names, expected, expected))
    found = differences(names, [[E, E, E], E, E], expected)
    wrong = {each.name: each.reason for each in found if not each.passed}
    assert wrong == {
        "list[1]": "",
        "list[2]": "the reference has none",
        "maybe": "the reference has none",
    }
    missing = differences(names, [[E], None, E], expected)
    assert [each.reason for each in missing if not each.passed] == ["it is missing"]
