"""Real networks against ONNX Runtime with its optimisations off, tuned and naive.

A model with dimensions that may vary is compared at three sizes with the same compiled code.
"""

from __future__ import annotations

import numpy as np
import pytest

import longtail as lt
import model_zoo
from model_agreement import differences, inputs_of, reference, same_answers
from model_inputs import CASES

# What does not work yet, and why. A model that begins to work must leave this list.
FAILING: dict[str, str] = {}


def parameters(names) -> list:
    """The names as parameters of a test; those that fail are expected to, and only they."""
    return [
        pytest.param(
            name,
            marks=pytest.mark.xfail(reason=FAILING[name], strict=True) if name in FAILING else (),
        )
        for name in names
    ]


@pytest.mark.parametrize("naive", [False, True], ids=["tuned", "naive"])
@pytest.mark.parametrize("name", parameters(CASES))
def test_agrees_with_onnx_runtime(name: str, naive: bool, tmp_path) -> None:
    lt.compile(model_zoo.path(name), naive=naive).save(tmp_path / "model.lt")
    model = lt.load(tmp_path / "model.lt")
    for inputs, expected in zip(inputs_of(name), reference(name), strict=True):
        outputs = model(**inputs)
        actual = list(outputs) if isinstance(outputs, lt.Outputs) else [outputs]
        names = [info.name for info in model.outputs]
        found = differences(name, actual, expected, names)
        sizes = [array.shape for array in inputs.values()]
        assert all(each.passed for each in found), (sizes, found)


@pytest.mark.parametrize("name", CASES)
def test_the_reference_is_worth_comparing_with(name: str) -> None:
    """Finite outputs that are not all alike: constant ones would hide mistakes."""
    for outputs in reference(name):
        floats = [o for o in outputs if o.dtype == np.float32]
        assert all(np.isfinite(o).all() and np.any(o) for o in floats)
        assert all(o.size == 1 or np.ptp(o) > 1e-4 * np.abs(o).max() > 0 for o in floats)
        assert floats or all(np.ptp(o) > 0 for o in outputs)


def test_answers_are_compared() -> None:
    scores = np.asarray([[[0.0, 1.0, 3.0], [2.0, 1.95, 0.0]]], np.float32)
    assert same_answers("y", scores + 0.1, scores).passed
    assert same_answers("y", scores[..., [0, 1, 2]] * [1, 1.1, 1], scores).reason  # f64
    assert not same_answers("y", scores[..., ::-1].copy(), scores).passed
    choices = np.arange(100)
    assert same_answers("y", np.where(choices < 2, 7, choices), choices).passed
    assert not same_answers("y", np.where(choices < 3, 7, choices), choices).passed


def test_every_model_of_the_zoo_is_tested() -> None:
    assert set(CASES) == set(model_zoo.NAMES)


@pytest.mark.parametrize("name", ["ppocr_det", "magika"])
def test_two_threads_give_the_same_bits(name: str) -> None:
    compiled = lt.compile(model_zoo.path(name)).to_bytes()
    one, two = (lt.load(compiled, threads=threads) for threads in (1, 2))
    for inputs in inputs_of(name):
        np.testing.assert_array_equal(one(**inputs), two(**inputs))
